package correlate_test

import (
	"slices"
	"strings"
	"testing"

	"vedette/internal/correlate"
	"vedette/internal/event"
	"vedette/internal/fault"
)

// What was asked and answered stays with a note within its bounds, over a
// restart too.
func TestNoteKeepsItsResult(t *testing.T) {
	var n serial
	c := correlate.New(correlate.Config{}, clock)
	uid := c.Add(n.finding(0, "scan", event.Medium, "10.1.2.3", "plc-1", "T0846"))
	wide := &correlate.Result{At: clock(), Columns: make([]string, 40), Total: 1000}
	for range 100 {
		row := make([]string, 40)
		for i := range row {
			row[i] = strings.Repeat("\u00e9", 300)
		}
		wide.Rows = append(wide.Rows, row)
	}
	if _, err := c.Desk(nil).AddStep(uid, "ann", correlate.Note{Text: "looked", Query: "write=true", Result: wide}); err != nil {
		t.Fatal(err)
	}
	small := &correlate.Result{At: clock(), Columns: []string{"src"}, Rows: [][]string{{"10.0.0.1"}}, Total: 1}
	if _, err := c.Desk(nil).AddStep(uid, "ann", correlate.Note{Text: "and again", Query: "write=true | by src", Result: small}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []correlate.Note{{Text: "x", Query: "q"}, {Text: "x", Result: small}, {Query: "q", Result: small}, {Text: "x", Query: strings.Repeat("q", 2049), Result: small}} {
		if _, err := c.Desk(nil).AddStep(uid, "ann", bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.20q %.20q: %v", bad.Text, bad.Query, err)
		}
	}
	look := func(c *correlate.Correlator) {
		t.Helper()
		in, _ := c.Get(uid)
		if len(in.Notes) != 2 || in.Notes[0].Result == nil || in.Notes[1].Query != "write=true | by src" || in.Notes[1].Result.Rows[0][0] != "10.0.0.1" {
			t.Fatalf("%+v", in.Notes)
		}
		r, size := in.Notes[0].Result, 0
		for _, row := range r.Rows {
			for _, cell := range row {
				size += len(cell)
			}
		}
		if len(r.Columns) > 24 || len(r.Rows) == 0 || len(r.Rows) > 30 || size > 8<<10 || r.Total != 1000 {
			t.Errorf("%d columns, %d rows, %d bytes, of %d", len(r.Columns), len(r.Rows), size, r.Total)
		}
	}
	look(c)
	changed, _ := c.Dirty()
	again := correlate.New(correlate.Config{}, clock)
	if problems := again.Restore(slices.Values(changed)); len(problems) > 0 {
		t.Fatal(problems)
	}
	look(again)
}
