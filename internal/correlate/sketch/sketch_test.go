package sketch_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"vedette/internal/correlate/sketch"
)

// TestCount: exact for few, near for many, the same when merged or kept.
func TestCount(t *testing.T) {
	for _, n := range []int{0, 1, 32, 33, 100, 1000, 100_000} {
		var all, a, b sketch.Distinct
		for i := range n {
			h := sketch.Hash("value", fmt.Sprint(i))
			all.Add(h)
			all.Add(h)
			if i%2 == 0 {
				a.Add(h)
			} else {
				b.Add(h)
			}
		}
		a.Merge(&b)
		if a.Count() != all.Count() {
			t.Errorf("%d: %d merged, %d counted", n, a.Count(), all.Count())
		}
		if got := all.Count(); n <= 32 && got != n || math.Abs(float64(got-n)) > 0.2*float64(n) {
			t.Errorf("%d values: %d", n, got)
		}
		text, err := all.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back sketch.Distinct
		if err := back.UnmarshalText(text); err != nil || back.Count() != all.Count() {
			t.Errorf("%d values: %d came back, %v", n, back.Count(), err)
		}
	}
}

// FuzzUnmarshal: what is read is bounded and written again as it was.
func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte("f"))
	f.Add([]byte("fAAAAAQ=="))
	f.Fuzz(func(t *testing.T, text []byte) {
		var d sketch.Distinct
		if d.UnmarshalText(text) != nil {
			return
		}
		d.Add(sketch.Hash("one more"))
		back, err := d.MarshalText()
		if err != nil || len(back) > 400 {
			t.Fatalf("%d bytes, %v", len(back), err)
		}
		var again sketch.Distinct
		if err := again.UnmarshalText(back); err != nil || again.Count() != d.Count() {
			t.Fatalf("%d became %d, %v", d.Count(), again.Count(), err)
		}
		if third, _ := again.MarshalText(); !slices.Equal(back, third) {
			t.Fatal("not written as it was read")
		}
	})
}
