package report

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"vedette/internal/correlate"
	"vedette/internal/event"
)

var at = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func paper(text string) Paper {
	return Paper{
		Incident: correlate.Incident{
			UID: "i1", Title: text, Severity: event.High, Level: "high", Raised: []string{text}, Status: correlate.Open, Assignee: text, Computed: []correlate.Factor{{Text: text}},
			First: at, Last: at.Add(time.Hour), Devices: []string{"dev-1", text}, DeviceCount: 5, Follows: text, Confidentiality: text,
			Techniques: []correlate.Technique{{ID: text, Name: text, Count: 2, First: at}}, Stages: []correlate.Stage{{Tactic: "x", Name: text, First: at, Techniques: []string{text}}},
			Findings: correlate.Findings{Count: 3, Events: 9, Rules: []correlate.RuleCount{{Rule: text, Title: text, Severity: event.High, Count: 3}}, MoreRules: 1, Telling: []string{text}},
			Timeline: []correlate.Moment{{First: at, Last: at, Title: text, Rule: text, Severity: event.High, Source: "dev-1", Target: text, Count: 3}},
			Joins:    []correlate.Join{{Reason: text}}, Merges: []correlate.Merge{{Reason: text, Count: 2}},
			History: []correlate.Change{{At: at, By: text, What: text, Why: text}}, Notes: []correlate.Note{{ID: "n1", At: at, By: text, Text: text}, {ID: "n2", At: at, By: text, Text: text, Query: text, Result: &correlate.Result{At: at, Columns: []string{text, "b"}, Rows: [][]string{{text, "1"}, {""}}, Total: 9}}},
		},
		Similar: []correlate.Similar{{UID: text, Title: text, Why: text}}, Names: map[string]string{"dev-1": text}, At: at, By: text,
	}
}

// own is what the report itself writes at the start of a line.
var own = regexp.MustCompile(`^(#{1,2} |- |  - |> )?`)

// outside drops code and what is escaped from a line, as CommonMark (6.1, 2.4)
// reads them, and returns what is left as markup or text. It fails when code does
// not end.
func outside(t interface{ Fatalf(string, ...any) }, line string) string {
	var b strings.Builder
	for i := 0; i < len(line); {
		switch {
		case line[i] == '\\' && i+1 < len(line):
			i += 2
			b.WriteString("\u00b7")
		case line[i] == '`':
			n := 0
			for i+n < len(line) && line[i+n] == '`' {
				n++
			}
			end := -1
			for k := i + n; k < len(line); {
				if line[k] != '`' {
					k++
					continue
				}
				m := 0
				for k+m < len(line) && line[k+m] == '`' {
					m++
				}
				if m == n {
					end = k
					break
				}
				k += m
			}
			if end < 0 {
				t.Fatalf("code does not end: %q", line)
			}
			i = end + n
			b.WriteByte('x')
		default:
			b.WriteByte(line[i])
			i++
		}
	}
	return b.String()
}

var (
	markup = regexp.MustCompile("[*_\\[\\]<>|~&${}=^\\\\`!]|^([-+#>]|\\d+[.)])")
	linked = regexp.MustCompile(`(?i)www\.|://|@|#|mailto:|javascript:|[\pL\d]\.\pL{2}`)
)

// harmless holds a report against what Markdown makes of it: besides what the
// report itself writes there is text.
func harmless(t interface{ Fatalf(string, ...any) }, doc string) {
	for line := range strings.Lines(doc) {
		line = strings.TrimRight(strings.TrimSuffix(line, "\n"), " ")
		rest := outside(t, line[len(own.FindString(line)):])
		if line == ">" {
			rest = ""
		}
		if m := markup.FindString(rest); m != "" {
			t.Fatalf("%q is markup in %q", m, line)
		}
		if m := linked.FindString(rest); m != "" {
			t.Fatalf("%q may become a link in %q", m, line)
		}
		for _, r := range line {
			if !unicode.IsGraphic(r) {
				t.Fatalf("%U cannot be seen in %q", r, line)
			}
		}
	}
}

var hostile = []string{
	"plain words", "[click](https://evil.example/x)", "![ok](http://evil.example/p.png)", "<script>alert(1)</script>", "<https://evil.example>", "https://evil.example", "www.evil.example",
	"a@evil.example", "@admin", "evil.com/x", "# head", "- item", "1. item", "12) item", "> quote", "| a | b |", "---", "===", "```\ncode", "`", "``", "a` b``c", "`` ` ``", "\\`x`", "*b* _i_ ~~s~~",
	"&lt;b&gt;", "$x$", "[ref]: http://evil.example", "[^1]", "\u202eevil", "a\u200bb", "line\nline\r\n# head\n\n- item", "javascript:alert(1)", "", "   ", "\x00\x1b[31m", "\xff\xfe", "\ufe0f", "- [ ] do", "<!-- hid -->", "\\",
	"    indented", "\tx", "{{ secrets }}", "a\\", "x `y", "#12", "::: note", "term\n: of it",
}

func TestHostileTexts(t *testing.T) {
	for _, text := range hostile {
		harmless(t, string(Markdown(paper(text))))
	}
}

func TestAnyTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(hostile), rapid.String(), rapid.StringMatching("[`\\\\ \\[\\]()<>#*_.@a\n-]*")), 1, 4).Draw(t, "parts")
		harmless(t, string(Markdown(paper(strings.Join(parts, rapid.SampledFrom([]string{"", " ", "\n"}).Draw(t, "by"))))))
	})
}

func FuzzMarkdown(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		harmless(t, string(Markdown(paper(text))))
	})
}

// What a reader sees is what was written.
func TestReads(t *testing.T) {
	for text, want := range map[string]string{
		`"plc-02" was told to stop by 10.1.2.3`: `"plc-02" was told to stop by 10.1.2.3`,
		"see http://evil.example/x now":         "see `http://evil.example/x` now",
		"*loud* my_rule":                        `\*loud\* my\_rule`,
		"1. first":                              `1\. first`,
		"-5 degrees":                            `\-5 degrees`,
		"a\u202eb":                              "a\u2039U+202E\u203ab",
		"two\nlines":                            "two lines",
	} {
		if got := prose(text); got != want {
			t.Errorf("%q reads %q, not %q", text, got, want)
		}
	}
	for text, want := range map[string]string{"a": "`a`", "a`b": "``a`b``", "`": "`` ` ``", "": "`(empty)`"} {
		if got := code(text); got != want {
			t.Errorf("%q is the code %q, not %q", text, got, want)
		}
	}
}

func TestReport(t *testing.T) {
	p := paper("calm")
	p.Incident.Notes = []correlate.Note{{At: at, By: "ann", Text: "called the plant\n\nthey *know*"}, {At: at, By: "bob", Text: "ok"}}
	got := string(Markdown(p))
	for _, want := range []string{
		"# calm\n", "- Severity: high\n", "- Assigned to: calm\n", "- From 2026-03-04 05:06:07 UTC to 2026-03-04 06:06:07 UTC\n", "- Findings: 3, of 9 events\n",
		"## What happened\n\n- 2026-03-04 05:06:07 UTC, high: calm (3 times), `calm` to `calm`\n", "## Devices\n\n- `calm`, `dev-1`\n- `calm`\n- about 3 more\n",
		"2026-03-04 05:06:07 UTC, by ann:\n\n> called the plant  \n>\n> they \\*know\\*\n\n2026-03-04 05:06:07 UTC, by bob:\n\n> ok\n",
		"## What people decided\n\n- 2026-03-04 05:06:07 UTC: calm, by calm: calm\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
	empty := string(Markdown(Paper{At: at}))
	for _, want := range []string{"# Incident\n", "Nobody wrote one.", "Assigned to: nobody"} {
		if !strings.Contains(empty, want) {
			t.Errorf("of nothing it lacks %q:\n%s", want, empty)
		}
	}
}
