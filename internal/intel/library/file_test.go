package library

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/intel"
)

// FuzzLine: what is read of a feed's file is written as a line that reads back
// equal.
func FuzzLine(f *testing.F) {
	f.Add("domain\tevil.example\t50\t1700000000\t\tamber\tmirai")
	f.Add("ip\t203.0.113.9\t-1\t\t99\t\t")
	f.Fuzz(func(t *testing.T, line string) {
		in, err := parseLine(line)
		if err != nil {
			return
		}
		if in.First.Year() > 9999 || in.Until.Year() > 9999 {
			return
		}
		text := appendLine(nil, &in)
		again, err := parseLine(string(text[:len(text)-1]))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if diff := cmp.Diff(in, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestLine(t *testing.T) {
	in := intel.Indicator{Type: intel.URL, Value: "evil.example/a%09b", Confidence: 7, First: time.Unix(5, 0).UTC(), TLP: intel.AmberStrict, Family: "a b"}
	text := appendLine(nil, &in)
	got, err := parseLine(string(text[:len(text)-1]))
	if diff := cmp.Diff(in, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, bad := range []string{"", "domain", "nothing\tx\t1\t\t\t\t", "domain\tx\tone\t\t\t\t", "domain\tx\t1\t\tsoon\t\t", "domain\tx\t1\t\t\t\t\textra"} {
		if _, err := parseLine(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
