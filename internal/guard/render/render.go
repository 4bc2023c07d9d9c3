// Package render turns what a model wrote into a tree of few kinds - paragraph,
// list, code, evidence - and that into HTML or plain text. Whatever else is in
// the text (HTML, links, images, tables, references) stays what it is: letters.
//
// A browser that shows the result fetches nothing: there is no tag outside the
// list, no attribute that holds a URL, and a URL in the text is written so that
// nothing takes it for one. It must not judge what is said, and it has no way
// to let a part of the text through as it is.
package render

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"vedette/internal/guard/neutral"
)

// The bounds of one text. What is beyond them is left out, and [Tree.Cut] says so.
const (
	maxBytes  = 64 << 10
	maxBlocks = 400
	maxItems  = 400
	maxChips  = 1000
)

// Kind is a kind of block.
type Kind uint8

// The kinds of blocks.
const (
	Paragraph Kind = iota + 1
	List
	Numbered
	Code
)

// Tree is a text of a model.
type Tree struct {
	Blocks []Block
	Cut    bool // something was left out
}

// Block is one part: a paragraph or code with one line of inlines, or a list
// with one line each item.
type Block struct {
	Kind  Kind
	Lines [][]Inline
}

// Inline is a piece of a line: text, or a mark that stands for a piece of
// evidence.
type Inline struct {
	Text     string // of a person's eyes only: URLs are defanged
	Code     bool
	Evidence string // id of evidence; then Text is the id
}

var (
	bullet  = regexp.MustCompile(`^\s{0,12}[-*+•]\s+`)
	ordinal = regexp.MustCompile(`^\s{0,12}\d{1,4}[.)]\s+`)
	fence   = regexp.MustCompile("^\\s{0,3}(?:```|~~~)")
	special = regexp.MustCompile("`([^`\n]{1,400})`|\\[(E[0-9]{1,6}(?:\\.[0-9]{1,6})?)\\]")
	heading = regexp.MustCompile(`^\s{0,3}#{1,6}\s+`)
)

// Parse reads a text of a model. Marks like [E1.3] become evidence if known
// says that there is such evidence in this answer; else they stay text.
func Parse(text string, known func(id string) bool) Tree {
	p := &parser{known: known}
	if len(text) > maxBytes {
		text, p.tree.Cut = text[:maxBytes], true
	}
	text = strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && neutral.Unseen(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(text, "\r\n", "\n"), string(utf8.RuneError)))
	for line := range strings.SplitSeq(text, "\n") {
		p.line(line)
	}
	p.flush()
	return p.tree
}

// parser holds the block that is being read.
type parser struct {
	tree   Tree
	known  func(string) bool
	open   *Block
	prose  []string // lines of the open paragraph or code
	inCode bool
	chips  int
}

func (p *parser) line(line string) {
	switch {
	case fence.MatchString(line):
		p.flush()
		p.inCode = !p.inCode
	case p.inCode:
		p.prose = append(p.prose, line)
	case strings.TrimSpace(line) == "":
		p.flush()
	case bullet.MatchString(line):
		p.item(List, bullet.ReplaceAllString(line, ""))
	case ordinal.MatchString(line):
		p.item(Numbered, ordinal.ReplaceAllString(line, ""))
	case p.open != nil:
		last := len(p.open.Lines) - 1
		p.open.Lines[last] = append(p.open.Lines[last], p.inlines(" "+strings.TrimSpace(line))...)
	case heading.MatchString(line):
		p.flush()
		p.prose = append(p.prose, heading.ReplaceAllString(line, ""))
		p.flush()
	default:
		p.prose = append(p.prose, strings.TrimSpace(line))
	}
}

// item adds a line to the open list, or opens one.
func (p *parser) item(kind Kind, text string) {
	if p.open == nil || p.open.Kind != kind {
		p.flush()
		p.open = &Block{Kind: kind}
	}
	if len(p.open.Lines) >= maxItems {
		p.tree.Cut = true
		return
	}
	p.open.Lines = append(p.open.Lines, p.inlines(text))
}

// flush ends the open block.
func (p *parser) flush() {
	var b Block
	switch {
	case p.open != nil:
		b = *p.open
	case len(p.prose) == 0:
		return
	case p.inCode:
		b = Block{Code, [][]Inline{{{Text: Defang(strings.Join(p.prose, "\n")), Code: true}}}}
	default:
		b = Block{Paragraph, [][]Inline{p.inlines(strings.Join(p.prose, " "))}}
	}
	p.open, p.prose = nil, nil
	if len(p.tree.Blocks) >= maxBlocks {
		p.tree.Cut = true
		return
	}
	p.tree.Blocks = append(p.tree.Blocks, b)
}

// inlines cuts a line into text, code and evidence.
func (p *parser) inlines(line string) []Inline {
	var out []Inline
	at := 0
	put := func(start, end int, in Inline) {
		if start > at {
			out = append(out, Inline{Text: Defang(line[at:start])})
		}
		out, at = append(out, in), end
	}
	for _, m := range special.FindAllStringSubmatchIndex(line, -1) {
		switch {
		case m[2] >= 0:
			put(m[0], m[1], Inline{Text: Defang(line[m[2]:m[3]]), Code: true})
		case p.known != nil && p.chips < maxChips && p.known(line[m[4]:m[5]]):
			id := line[m[4]:m[5]]
			put(m[0], m[1], Inline{Text: id, Evidence: id})
			p.chips++
		}
	}
	if at < len(line) {
		out = append(out, Inline{Text: Defang(line[at:])})
	}
	return out
}
