package render_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"vedette/internal/guard/render"
)

func known(id string) bool { return id == "E1" || id == "E1.3" }

func TestHTML(t *testing.T) {
	for in, want := range map[string]string{
		"Two logins failed [E1.3].":       `<p>Two logins failed <span class="evidence" data-evidence="E1.3">E1.3</span>.</p>`,
		"invented [E9]":                   `<p>invented [E9]</p>`,
		"- a\n- b\n  more\n\n1. c":        "<ul><li>a</li><li>b more</li></ul>\n<ol><li>c</li></ol>",
		"```sh\nls <x>\n```":              "<pre><code>ls &lt;x&gt;</code></pre>",
		"run `ls` now":                    "<p>run <code>ls</code> now</p>",
		"![x](https://evil.example/a?b)":  "<p>![x](hxxps[:]//evil.example/a?b)</p>",
		"[a]: http://evil.example\n[a]":   "<p>[a]: hxxp[:]//evil.example [a]</p>",
		"<img src=x onerror=alert(1)>":    "<p>&lt;img src=x onerror=alert(1)&gt;</p>",
		"<javascript:alert(1)>":           "<p>&lt;javascript[:]alert(1)&gt;</p>",
		"see www.evil.example":            "<p>see www[.]evil.example</p>",
		"the data: 5 rows at 10:30":       "<p>the data: 5 rows at 10:30</p>",
		"h\u200bttp://x":                  "<p>hxxp[:]//x</p>",
		"# Title\nbody":                   "<p>Title</p>\n<p>body</p>",
		"mailto:a@b.example data:text/x,": "<p>mailto[:]a@b.example data[:]text/x,</p>",
	} {
		if got := strings.TrimSuffix(render.Parse(in, known).HTML(), "\n"); got != want {
			t.Errorf("%q\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestBounds(t *testing.T) {
	for _, text := range []string{strings.Repeat("a\n\n", 1_000), strings.Repeat("- x\n", 1_000), strings.Repeat("h", 70_000)} {
		tree := render.Parse(text, known)
		if !tree.Cut {
			t.Errorf("%.10q…: nothing was left out", text)
		}
		if n := len(tree.HTML()); n > 1<<20 {
			t.Errorf("%.10q…: %d bytes", text, n)
		}
	}
}

var (
	tag     = regexp.MustCompile(`<[^>]*>`)
	allowed = regexp.MustCompile(`^</?(?:p|ul|ol|li|pre|code)>$|^<span class="(?:cut|evidence)"(?: data-evidence="E[0-9]+(?:\.[0-9]+)?")?>$|^</span>$`)
	fetched = regexp.MustCompile(`(?i)(?:https?|ftps?|wss?|file|blob)\s*:\s*//|(?:javascript|vbscript)\s*:\s*\S|data\s*:\s*[a-z0-9+.-]*[/;,]`)
)

// FuzzHTML: whatever a model writes, the page has no tag outside the list and
// no URL that a browser fetches; text is defanged once and for all.
func FuzzHTML(f *testing.F) {
	for _, s := range []string{"", "a [E1] b", "![x](http://y)", "[x][1]\n\n[1]: //y", "<http://x>", "```\n<script>\n", "- [E1.3]\n1. `x`", "java\nscript:alert(1)", "&#106;avascript:x", "\"><img src=http://x>", "http:\t//x", "hhttp://ttp://x", "www.www.x", "`http:`//x", "ht`tp:/`/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tree := render.Parse(s, known)
		page := tree.HTML()
		for _, m := range tag.FindAllString(page, -1) {
			if !allowed.MatchString(m) {
				t.Fatalf("%q gives the tag %s in %s", s, m, page)
			}
		}
		if n := strings.Count(page, "<"); n != len(tag.FindAllString(page, -1)) {
			t.Fatalf("%q gives a loose < in %s", s, page)
		}
		for _, block := range tree.Blocks {
			for _, line := range block.Lines {
				for _, in := range line {
					if fetched.MatchString(in.Text) || fetched.MatchString(html.UnescapeString(html.EscapeString(in.Text))) || render.Live(in.Text) {
						t.Fatalf("%q leaves a URL in %q", s, in.Text)
					}
					if render.Defang(in.Text) != in.Text {
						t.Fatalf("%q is defanged to %q", in.Text, render.Defang(in.Text))
					}
				}
			}
		}
	})
}
