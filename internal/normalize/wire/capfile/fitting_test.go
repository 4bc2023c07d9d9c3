package capfile

import (
	"testing"

	"vedette/internal/fault"
	"vedette/internal/pcapfilter"
)

// A filter is looked at by the link of each packet; one that it cannot read is an
// error, and so is a record that is none.
func TestFitting(t *testing.T) {
	f, err := pcapfilter.Parse("arp or icmp")
	if err != nil {
		t.Fatal(err)
	}
	fits := Fitting(f)
	arp := []byte("\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x02\x08\x06")
	icmp := []byte("\x45\x00\x00\x14\x00\x00\x00\x00\x40\x01")
	for _, c := range []struct {
		link uint16
		data []byte
		want bool
	}{{1, arp, true}, {101, icmp, true}, {1, icmp, false}, {101, arp, false}} {
		raw := append(make([]byte, headerSize), c.data...)
		put(raw, 1, c.link, 60)
		if got, err := fits(raw); err != nil || got != c.want {
			t.Errorf("link %d: % x: %v, %v", c.link, c.data, got, err)
		}
	}
	raw := make([]byte, headerSize+4)
	put(raw, 1, 195, 4)
	if _, err := fits(raw); fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
	if _, err := fits(raw[:3]); fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
}
