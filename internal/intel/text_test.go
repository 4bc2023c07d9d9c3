package intel

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestLower: eight bytes at once are what one at a time would be.
func TestLower(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "text"))
		ascii := []byte(strings.TrimSuffix(text, "."))
		for i, c := range ascii {
			if c >= 'A' && c <= 'Z' {
				ascii[i] = c + 32
			}
		}
		var buf [64]byte
		if got := string(buf[:lower(buf[:], text)]); got != string(ascii) {
			t.Fatalf("%q: %q, want %q", text, got, ascii)
		}
	})
}
