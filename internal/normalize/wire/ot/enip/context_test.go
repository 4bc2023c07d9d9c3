package enip

import "testing"

// TestContextChanges holds that a text belongs to the context asked for, also
// when the memory of the bytes is used again.
func TestContextChanges(t *testing.T) {
	var c context
	b := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	for _, want := range []string{"0x0102030405060708", "0x0102030405060709", "0x010203040506070a"} {
		if got := c.as(b); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := c.as(b); got != want {
			t.Errorf("asked again: got %s, want %s", got, want)
		}
		b[7]++
	}
}
