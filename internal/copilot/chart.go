package copilot

import (
	"slices"

	"vedette/internal/copilot/reading"
	"vedette/internal/query"
)

// Chart says how the evidence of an answer is best drawn. The figures are the
// evidence's own.
type Chart struct {
	Kind     string   `json:"kind"`             // line: over time; bars: side by side
	Evidence string   `json:"evidence"`         // whose rows are drawn
	X        []string `json:"x"`                // columns that name a point; for a line the first is the time
	Y        string   `json:"y"`                // column that is drawn
	Width    float64  `json:"width,omitempty"`  // of a line's bucket of time, in seconds; buckets without a row are zero
	Shift    float64  `json:"shift,omitempty"`  // of a line: seconds that the earlier period lies before
	Before   string   `json:"before,omitempty"` // evidence with the same for an earlier period, or the column of it
}

// The fewest and most points that are worth drawing.
const (
	leastPoints = 2
	mostBars    = 30
)

// chartOf chooses the chart of an answer; nil where figures say it better.
func chartOf(r *reading.Reading, ev []Evidence) *Chart {
	if len(ev) == 0 || len(r.Steps) == 0 || r.Steps[0].Tool != "query" {
		return nil
	}
	q, e := r.Steps[0].Query, ev[0]
	if len(q.Measures) == 0 || len(e.Rows) < leastPoints {
		return nil
	}
	y := q.Measures[0].Name()
	if r.Shape == reading.ShareShape {
		y = q.Measures[len(q.Measures)-1].Name()
	}
	if !numeric(e, y) {
		return nil
	}
	if q.Bucket != "" {
		return lineOf(r, q, ev, y)
	}
	if len(q.Group) == 0 || len(e.Rows) > mostBars {
		return nil
	}
	c := &Chart{Kind: "bars", Evidence: e.ID, X: slices.Clone(q.Group), Y: y}
	if before := y + query.BeforeSuffix; slices.Contains(e.Columns, before) {
		c.Before = before
	}
	return c
}

func lineOf(r *reading.Reading, q query.Query, ev []Evidence, y string) *Chart {
	width, err := query.ParseDuration(q.Bucket)
	if err != nil {
		return nil
	}
	c := &Chart{Kind: "line", Evidence: ev[0].ID, X: append([]string{"time"}, q.Group...), Y: y, Width: width.Seconds()}
	if len(ev) > 1 && len(r.Steps) > 1 && r.Steps[1].Earlier > 0 {
		c.Before, c.Shift = ev[1].ID, r.Steps[1].Earlier.Seconds()
	}
	return c
}

func numeric(e Evidence, column string) bool {
	at := slices.Index(e.Columns, column)
	if at < 0 {
		return false
	}
	for _, row := range e.Rows {
		switch row[at].(type) {
		case int64, float64:
			return true
		}
	}
	return false
}
