package pattern

import (
	"encoding/json"
	"strings"
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

// FuzzIsPlain: the ASCII of a record that is plain is the same after undoing
// escapes and folding, but for the case, and for what escapes of two characters
// stand for.
func FuzzIsPlain(f *testing.F) {
	f.Add(`{"a":"C:\\Windows\u0041"}`)
	f.Add(`1234567\u 1234567`)
	f.Add("\x00\x01\\v]u")
	f.Add("plain, and longer than eight bytes")
	f.Add("other letters \u00e4\u00df, and \u212a or \u017f")
	ascii := func(b []byte) string {
		var out []byte
		for _, c := range b {
			if c < utf8.RuneSelf && c >= ' ' && c != '\\' && c != '"' && c != '/' {
				if 'A' <= c && c <= 'Z' {
					c += 'a' - 'A'
				}
				out = append(out, c)
			}
		}
		return string(out)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !IsPlain(s) {
			if !strings.ContainsAny(s, "u\u017f\u212a") {
				t.Errorf("%q is plain", s)
			}
			return
		}
		got := ascii(AppendFold(nil, AppendUnescaped(nil, s)))
		want := ascii([]byte(strings.NewReplacer(`\\`, "", `\b`, "", `\f`, "", `\n`, "", `\r`, "", `\t`, "").Replace(s)))
		if got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	})
}
