package window_test

import (
	"fmt"
	"testing"
	"time"

	"vedette/internal/detect/sigma/rule"
	"vedette/internal/detect/sigma/window"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// feed adds marks written as "second input value" and returns at which of them
// the condition held.
func feed(t *testing.T, spec rule.Window, inputs int, marks ...[3]float64) []int {
	t.Helper()
	spec.Timespan = time.Minute
	table := window.New(&spec, inputs)
	var out []int
	for i, m := range marks {
		at := start.Add(time.Duration(m[0] * float64(time.Second)))
		if _, ok := table.Add([]byte("k"), window.Mark{Time: at, Input: int(m[1]), Value: uint64(m[2]), Num: m[2], UID: fmt.Sprint(i)}); ok {
			out = append(out, i)
		}
	}
	table.Close(start.Add(time.Hour), true, func(window.Fired) { out = append(out, -1) })
	return out
}

func TestWindows(t *testing.T) {
	gte := func(n float64) []rule.Bound { return []rule.Bound{{Relation: rule.GreaterEqual, Number: n}} }
	f := func(name string, want []int, spec rule.Window, inputs int, marks ...[3]float64) {
		t.Helper()
		if got := feed(t, spec, inputs, marks...); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: fired at %v, want %v", name, got, want)
		}
	}
	count := rule.Window{Type: rule.EventCount, Bounds: gte(3)}
	f("three within a minute", []int{2}, count, 1, [3]float64{0}, [3]float64{30}, [3]float64{59})
	f("three over two minutes", nil, count, 1, [3]float64{0}, [3]float64{45}, [3]float64{90}, [3]float64{150})
	f("it slides", []int{3}, count, 1, [3]float64{0}, [3]float64{50}, [3]float64{70}, [3]float64{80})
	f("late but in the window", []int{2}, count, 1, [3]float64{50}, [3]float64{55}, [3]float64{0})
	f("too late", nil, count, 1, [3]float64{100}, [3]float64{105}, [3]float64{0})
	f("begins anew", []int{2, 5}, count, 1, [3]float64{0}, [3]float64{1}, [3]float64{2}, [3]float64{3}, [3]float64{4}, [3]float64{5})
	few := rule.Window{Type: rule.EventCount, Bounds: []rule.Bound{{Relation: rule.Less, Number: 3}}}
	f("fewer than three, when it is over", []int{-1}, few, 1, [3]float64{0}, [3]float64{1})
	f("not fewer", nil, few, 1, [3]float64{0}, [3]float64{1}, [3]float64{2})
	f("values", []int{4}, rule.Window{Type: rule.ValueCount, Bounds: gte(3)}, 1, [3]float64{0, 0, 1}, [3]float64{1, 0, 1}, [3]float64{2, 0, 2}, [3]float64{3, 0, 2}, [3]float64{4, 0, 3})
	f("sum", []int{1}, rule.Window{Type: rule.ValueSum, Bounds: gte(10)}, 1, [3]float64{0, 0, 4}, [3]float64{1, 0, 6})
	f("average", []int{0}, rule.Window{Type: rule.ValueAvg, Bounds: []rule.Bound{{Relation: rule.Greater, Number: 3}}}, 1, [3]float64{0, 0, 4})
	f("median", []int{2}, rule.Window{Type: rule.ValuePercentile, Percentile: 50, Bounds: gte(5)}, 1, [3]float64{0, 0, 1}, [3]float64{1, 0, 9}, [3]float64{2, 0, 9})
	all := rule.Window{Type: rule.Temporal}
	f("any order", []int{2}, all, 2, [3]float64{0, 1}, [3]float64{5, 1}, [3]float64{9, 0})
	f("not together", nil, all, 2, [3]float64{0, 1}, [3]float64{70, 0})
	f("two of three rules", []int{1}, rule.Window{Type: rule.Temporal, Bounds: gte(2)}, 3, [3]float64{0, 2}, [3]float64{1, 0})
	ordered := rule.Window{Type: rule.TemporalOrdered}
	f("in order", []int{4}, ordered, 3, [3]float64{0, 0}, [3]float64{1, 1}, [3]float64{2, 0}, [3]float64{3, 0}, [3]float64{4, 2})
	f("wrong order", nil, ordered, 2, [3]float64{0, 1}, [3]float64{1, 0})
	f("order over more than the span", nil, ordered, 3, [3]float64{0, 0}, [3]float64{40, 1}, [3]float64{61, 2})
}

// TestBounds: a million made-up keys stay within the bounds and say so.
func TestBounds(t *testing.T) {
	spec := rule.Window{Type: rule.EventCount, Timespan: time.Hour, Bounds: []rule.Bound{{Relation: rule.GreaterEqual, Number: 3}}}
	table := window.New(&spec, 1)
	for i := range 200_000 {
		table.Add(fmt.Append(nil, i), window.Mark{Time: start.Add(time.Duration(i) * time.Millisecond), UID: "u"})
	}
	if table.Groups() > window.MaxGroups || table.Lost() == 0 {
		t.Errorf("%d groups, %d lost", table.Groups(), table.Lost())
	}
	for i := range 2 * window.MaxMarks {
		table.Add([]byte("one"), window.Mark{Time: start.Add(time.Duration(i)), UID: "u", Value: uint64(i)})
	}
}

// TestState: what does not fit is left out, the oldest first, and is counted.
func TestState(t *testing.T) {
	spec := rule.Window{Type: rule.EventCount, Timespan: time.Minute, Bounds: []rule.Bound{{Relation: rule.GreaterEqual, Number: 3}}}
	table := window.New(&spec, 1)
	for i := range 100 {
		table.Add(fmt.Appendf(nil, "k%d", i), window.Mark{Time: start.Add(time.Duration(i) * time.Second), UID: "u"})
	}
	none := func(string) []byte { return nil }
	data, left := table.AppendState(nil, 2000, none)
	if len(data) > 2000 || left < 50 || left > 80 {
		t.Fatalf("%d bytes, %d groups left out", len(data), left)
	}
	back := window.New(&spec, 1)
	newest := ""
	if err := back.RestoreState(data, func(key string, _ []byte) error {
		if newest == "" {
			newest = key
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if back.Groups() != 100-left || newest != "k99" {
		t.Errorf("%d groups, the first %q", back.Groups(), newest)
	}
	for n := range data {
		if err := back.RestoreState(data[:n], func(string, []byte) error { return nil }); err == nil || back.Groups() > 0 {
			t.Fatalf("%d of %d bytes were taken", n, len(data))
		}
	}
}
