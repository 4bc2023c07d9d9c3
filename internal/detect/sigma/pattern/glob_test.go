package pattern

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"vedette/internal/detect/sigma/rule"
)

// FuzzMatch: a pattern matches what the regular expression that says the same
// matches.
func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "aabbxc")
	f.Add("*ab*ab", "abab")
	f.Add("*a?*?b", "ab\xffäb")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if strings.Count(pattern, "*") > 8 || len(text) > 200 {
			t.Skip()
		}
		parts := rule.ParseText(pattern)
		var re strings.Builder
		re.WriteString(`(?s)\A`)
		for _, p := range parts {
			switch p.Kind {
			case rule.Star:
				re.WriteString(".*")
			case rule.One:
				re.WriteString(".")
			default:
				re.WriteString(regexp.QuoteMeta(p.Lit))
			}
		}
		x, err := regexp.Compile(re.String() + `\z`)
		if err != nil {
			t.Skip()
		}
		want := x.MatchString(text)
		if a, b := Match(parts, text), Match(parts, []byte(text)); a != want || b != want {
			t.Errorf("%q and %q: %v and %v, want %v", pattern, text, a, b, want)
		}
	})
}

// TestLongMatch: a literal that nearly stands everywhere does not make a text take
// the product of both lengths.
func TestLongMatch(t *testing.T) {
	parts := rule.ParseText("*" + strings.Repeat("a", 60_000) + "b*c*d")
	text := strings.Repeat("a", 1<<20) + "d"
	started := time.Now()
	if Match(parts, text) || Match(parts, []byte(text)) {
		t.Error("it matches")
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("it takes %v", took)
	}
}
