package rule_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/detect/sigma/rule"
)

// TestText: wildcards and backslashes.
func TestText(t *testing.T) {
	f := func(s string, want ...rule.Part) {
		t.Helper()
		if diff := cmp.Diff(rule.Text(want), rule.ParseText(s)); diff != "" {
			t.Errorf("%q: -want +got\n%s", s, diff)
		}
	}
	lit := func(s string) rule.Part { return rule.Part{Kind: rule.Literal, Lit: s} }
	star, one := rule.Part{Kind: rule.Star}, rule.Part{Kind: rule.One}
	f(`C:\Windows\*`, lit(`C:\Windows*`))
	f(`C:\Windows\\*`, lit(`C:\Windows\`), star)
	f(`*\cmd.exe`, star, lit(`\cmd.exe`))
	f(`\\\\server\share`, lit(`\\server\share`))
	f(`a\?b?c`, lit(`a?b`), one, lit("c"))
	f(`a**b`, lit("a"), star, lit("b"))
	f(`end\`, lit(`end\`))
	f(``)
}

// deep is YAML that nests, and one whose aliases would grow without end.
func deep(n int) string {
	return "title: deep\nlogsource: {}\ndetection:\n  a: " + strings.Repeat("[", n) + "x" + strings.Repeat("]", n) + "\n  condition: a\n"
}

const bomb = `title: bomb
logsource: {}
detection:
  a: &a [x, x, x, x, x, x, x, x, x, x]
  b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
  c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
  d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
  e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
  f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
  condition: f
`

// TestBounds: what is too large, too deep or circular is refused in little time.
func TestBounds(t *testing.T) {
	f := func(name, text, want string) {
		t.Helper()
		docs, refused := rule.Parse("x.yml", []byte(text))
		if len(docs) != 0 || len(refused) != 1 || !strings.Contains(refused[0].Reason, want) {
			t.Errorf("%s: %d documents, refused %+v; want %q", name, len(docs), refused, want)
		}
	}
	f("deep", deep(100), "nests more than")
	f("very deep", deep(200_000), "")
	f("bomb", bomb, "values with aliases followed")
	f("cycle", "title: c\nlogsource: {}\ndetection:\n  a: &a [*a]\n  condition: a\n", "")
	f("value", "title: v\nlogsource: {}\ndetection: {a: {x: '"+strings.Repeat("v", 100_000)+"'}, condition: a}\n", "a value of more than")
	f("document", "title: v\nlogsource: {}\ndescription: '"+strings.Repeat("v", 3<<20)+"'\n", "the document has more than")
	f("regex", "title: v\nlogsource: {}\ndetection: {a: {x|re: '"+strings.Repeat("(a|b)*", 2000)+"'}, condition: a}\n", "regular expression of more than")
	f("repeats", "title: v\nlogsource: {}\ndetection: {a: {x|re: '((a{100}){100}){100}'}, condition: a}\n", "regular expression")
	f("condition", "title: v\nlogsource: {}\ndetection: {a: {x: y}, condition: '"+strings.Repeat("(", 5000)+"a'}\n", "nests too deep")
	f("dashes", "title: v\nlogsource: {}\ndetection: {a: {x|windash: '-a -b -c -d -e'}, condition: a}\n", "more than 4 option marks")
	f("windows", "title: v\ncorrelation: {type: event_count, rules: [a], timespan: 99999d, condition: {gte: 1}}\n", "is no length of time")
}

// TestSplit: documents of one file, and the line each begins at.
func TestSplit(t *testing.T) {
	docs, refused := rule.Parse("x.yml", []byte("---\ntitle: one\nlogsource: {}\ndetection: {a: {x: y}, condition: a}\n---\ntitle: 'two\n---\ntitle: three\nlogsource: {}\ndetection: {a: {x: '---'}, condition: a}\n"))
	var got []string
	for _, d := range docs {
		got = append(got, fmt.Sprint(d.Title, " ", d.Line))
	}
	for _, r := range refused {
		got = append(got, fmt.Sprint("refused ", r.Rule, " ", r.Line))
	}
	if want := "one 1, three 7, refused two 5"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

// FuzzText: a pattern that is written is read as the same.
func FuzzText(f *testing.F) {
	for _, s := range []string{`C:\Windows\\*`, `a\?b?c**`, `\\\\x\*`, ` -enc /q`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := rule.ParseText(s)
		again := rule.ParseText(text.String())
		if diff := cmp.Diff(text, again); diff != "" {
			t.Errorf("%q is written %q: -first +again\n%s", s, text.String(), diff)
		}
	})
}

// FuzzParse: no input panics, every document is taken or refused with a reason,
// and one broken document does not take a good one along.
func FuzzParse(f *testing.F) {
	names, _ := filepath.Glob("testdata/*.yml")
	for _, name := range names {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(data)
		}
	}
	f.Add([]byte(bomb))
	f.Add([]byte(deep(30)))
	f.Add([]byte("title: c\ncorrelation: {type: value_avg, rules: [a, b], group-by: [x], timespan: 5m, aliases: {x: {a: y}}, condition: {gte: 1, field: z}}"))
	f.Add([]byte("title: f\nfilter: {rules: any, s: {a|re|i: x}, condition: not s}"))
	f.Add([]byte("title: r\nlogsource: {product: a}\ndetection: {s: {a|contains|all|windash: [' -x', 2, null, true]}, k: [b, c], condition: 1 of s* or all of them and not k}"))
	const good = "\n---\ntitle: good\nlogsource: {}\ndetection: {a: {x: y}, condition: a}\n"
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, refused := rule.Parse("x.yml", append(data, good...))
		for _, d := range docs {
			if d.Kind != rule.Correlation && d.Expr == nil || d.Kind == rule.Correlation && d.Window == nil {
				t.Errorf("a document without content: %+v", d)
			}
		}
		for _, r := range refused {
			if r.Reason == "" {
				t.Errorf("refused without a reason: %+v", r)
			}
		}
		if n := len(docs); n == 0 || docs[n-1].Title != "good" {
			t.Errorf("the good document is gone: %d documents, refused %+v", n, refused)
		}
	})
}
