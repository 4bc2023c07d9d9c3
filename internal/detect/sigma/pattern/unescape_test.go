package pattern

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzUnescape: what JSON escapes is undone.
func FuzzUnescape(f *testing.F) {
	f.Add("C:\\Tools \"x\" </a> \u2028 \U0001F600 \x01\n\t")
	f.Add(`\\u0041`)
	f.Fuzz(func(t *testing.T, s string) {
		raw, err := json.Marshal(s)
		if err != nil || !utf8.ValidString(s) {
			t.Skip()
		}
		if got := string(AppendUnescaped(nil, string(raw))); got != `"`+s+`"` {
			t.Errorf("%q: %q", raw, got)
		}
		AppendUnescaped(nil, s)
	})
}
