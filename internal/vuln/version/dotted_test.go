package version

import "testing"

// FuzzDotted: the short way orders versions of numbers and dots as the long way
// does.
func FuzzDotted(f *testing.F) {
	for _, pair := range [][2]string{{"2.8", "2.8.0"}, {"1..2", "1.2"}, {"20130114", "1.3"}, {"021.011", "21.11"}, {"0", "0.0.1"}, {"1.", "1"}, {"00000", "1"}, {"1.2.3", "1.10"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !dotted(a) || !dotted(b) {
			return
		}
		if got, want := compareDotted(a, b), compareTokens(a, b); got != want {
			t.Errorf("%q beside %q is %v, and %v the long way", a, b, got, want)
		}
	})
}
