package redact

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzRuns: the runs are those that the expressions find.
func FuzzRuns(f *testing.F) {
	base64RE := regexp.MustCompile(`[A-Za-z0-9+/_-]{6,}`)
	hexRE := regexp.MustCompile(`(?:[0-9a-fA-F]{2}[ :,-]?){3,}`)
	for _, s := range []string{"68:6f:73:74 and cGxjLTc= or 706c63", "a 1b2c3 d4e5f6,7", "----------", "aa bb cc  dd", "abcdefabcdefa", "12 34 5", "\xff616263\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if diff := cmp.Diff(hexRE.FindAllString(text, -1), hexRuns(text), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("hexadecimal in %q: %s", text, diff)
		}
		if diff := cmp.Diff(base64RE.FindAllString(text, -1), base64Runs(text), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("base64 in %q: %s", text, diff)
		}
	})
}
