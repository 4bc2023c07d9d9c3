package render

import (
	"html"
	"strings"
)

// HTML writes the tree. The tags are p, ul, ol, li, pre, code and span; the
// only attributes are a class of ours and the id of a piece of evidence.
func (t Tree) HTML() string {
	var b strings.Builder
	for _, block := range t.Blocks {
		switch block.Kind {
		case Code:
			b.WriteString("<pre><code>")
			for _, line := range block.Lines {
				for _, in := range line {
					b.WriteString(html.EscapeString(in.Text))
				}
			}
			b.WriteString("</code></pre>\n")
		case List:
			items(&b, "ul", block.Lines)
		case Numbered:
			items(&b, "ol", block.Lines)
		case Paragraph:
			b.WriteString("<p>")
			for _, line := range block.Lines {
				inlines(&b, line)
			}
			b.WriteString("</p>\n")
		}
	}
	if t.Cut {
		b.WriteString("<p><span class=\"cut\">the rest was left out</span></p>\n")
	}
	return b.String()
}

func items(b *strings.Builder, tag string, lines [][]Inline) {
	b.WriteString("<" + tag + ">")
	for _, line := range lines {
		b.WriteString("<li>")
		inlines(b, line)
		b.WriteString("</li>")
	}
	b.WriteString("</" + tag + ">\n")
}

func inlines(b *strings.Builder, line []Inline) {
	for _, in := range line {
		switch {
		case in.Evidence != "":
			id := html.EscapeString(in.Evidence)
			b.WriteString(`<span class="evidence" data-evidence="` + id + `">` + id + `</span>`)
		case in.Code:
			b.WriteString("<code>" + html.EscapeString(in.Text) + "</code>")
		default:
			b.WriteString(html.EscapeString(in.Text))
		}
	}
}

// Text writes the tree for a terminal.
func (t Tree) Text() string {
	var b strings.Builder
	for i, block := range t.Blocks {
		if i > 0 {
			b.WriteString("\n")
		}
		for _, line := range block.Lines {
			switch block.Kind {
			case List, Numbered:
				b.WriteString("- ")
			case Paragraph, Code:
			}
			for _, in := range line {
				if in.Evidence != "" {
					b.WriteString("[" + in.Evidence + "]")
					continue
				}
				b.WriteString(in.Text)
			}
			b.WriteString("\n")
		}
	}
	if t.Cut {
		b.WriteString("(the rest was left out)\n")
	}
	return b.String()
}
