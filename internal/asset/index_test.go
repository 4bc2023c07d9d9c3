package asset

import (
	"net/netip"
	"testing"
)

// FuzzNumber holds the packing of addresses and MACs against the packages that
// read them: what has a number is the canonical text, and comes back of it.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{
		"10.0.0.1", "0.0.0.0", "255.255.255.255", "256.1.1.1", "1.2.3.04", "1.2.3", "1.2.3.4.5", "1.2.3.", "00:11:22:33:44:55", "00:11:22:33:44:5G",
		"00-11-22-33-44-55", "AA:BB:CC:DD:EE:FF", "fe80::1", "12:34:56:78:9a:bc", "", "modbus",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := number(text)
		addr, err := netip.ParseAddr(text)
		switch {
		case err == nil && addr.Is4():
			b := addr.As4()
			if want := uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3]); !ok || n != want {
				t.Errorf("%q: %x, %v, want %x", text, n, ok, want)
			}
		case isCanonicalMAC(text):
			mac := formatMAC([6]byte{byte(n >> 40), byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
			if !ok || mac != text || n>>63 != 1 {
				t.Errorf("%q: %x is of %q", text, n, mac)
			}
		case ok:
			t.Errorf("%q is neither and has %x", text, n)
		}
	})
}

func TestIndexKeepsEveryKindOfText(t *testing.T) {
	x := newIndex[int]()
	texts := []string{"10.0.0.1", "0.0.0.10", "::1", "fe80::1", "00:00:0a:00:00:01", "0.0.0.0"}
	for i, text := range texts {
		x.put(text, &i)
	}
	if x.len() != len(texts) {
		t.Errorf("%d of %d", x.len(), len(texts))
	}
	for i, text := range texts {
		if got := x.get(text); got == nil || *got != i {
			t.Errorf("%s: %v, want %d", text, got, i)
		}
		x.remove(text)
		if x.get(text) != nil {
			t.Errorf("%s is still there", text)
		}
	}
}
