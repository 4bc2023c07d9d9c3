package pattern

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzFold: texts that strings.EqualFold calls equal fold to the same.
func FuzzFold(f *testing.F) {
	f.Add("Straße KELVIN \u212a ſ", "strasse")
	f.Add("ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`@az", "abcdefghijklmnopqrstuvwxyz[\\]^_`@az")
	f.Add("ÅÅå", "ååå")
	f.Fuzz(func(t *testing.T, a, b string) {
		if utf8.ValidString(a) && utf8.ValidString(b) && strings.EqualFold(a, b) != (Fold(a) == Fold(b)) {
			t.Errorf("%q and %q: EqualFold %v, folded %q and %q", a, b, strings.EqualFold(a, b), Fold(a), Fold(b))
		}
		for _, v := range []string{strings.ToUpper(a), strings.ToLower(a), Fold(a)} {
			if utf8.ValidString(a) && strings.EqualFold(a, v) && Fold(v) != Fold(a) {
				t.Errorf("%q and %q fold apart", a, v)
			}
		}
	})
}
