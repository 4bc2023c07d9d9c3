package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"vedette/internal/copilot"
)

// chartWidth is how many characters wide a chart is drawn.
const chartWidth = 60

// drawChart draws an answer's chart in characters; nothing if it has none.
func drawChart(out io.Writer, ans *copilot.Answer) {
	if ans.Chart == nil {
		return
	}
	at := slices.IndexFunc(ans.Evidence, func(e copilot.Evidence) bool { return e.ID == ans.Chart.Evidence })
	if at < 0 {
		return
	}
	if ans.Chart.Kind == "line" {
		drawLine(out, ans.Chart, ans.Evidence[at])
		return
	}
	drawBars(out, ans.Chart, ans.Evidence[at])
}

// drawLine draws a row of blocks over time, eight heights. Points closer than
// a character are added up; groups too.
func drawLine(out io.Writer, c *copilot.Chart, e copilot.Evidence) {
	x, y := slices.Index(e.Columns, c.X[0]), slices.Index(e.Columns, c.Y)
	type point struct {
		at time.Time
		n  float64
	}
	var points []point
	for _, row := range e.Rows {
		if t, ok := timeOf(row[x]); ok {
			points = append(points, point{t, numberOf(row[y])})
		}
	}
	if len(points) < 2 || c.Width <= 0 {
		return
	}
	slices.SortFunc(points, func(a, b point) int { return a.at.Compare(b.at) })
	from, to := points[0].at, points[len(points)-1].at
	buckets := int(to.Sub(from).Seconds()/c.Width) + 1
	width := min(buckets, chartWidth)
	cells := make([]float64, width)
	for _, p := range points {
		n := int(p.at.Sub(from).Seconds() / c.Width)
		cells[n*width/buckets] += p.n
	}
	top := slices.Max(cells)
	if top <= 0 {
		return
	}
	var b strings.Builder
	for _, n := range cells {
		b.WriteRune([]rune(" ▁▂▃▄▅▆▇█")[int(math.Ceil(n/top*8))])
	}
	layout := "2006-01-02 15:04"
	fmt.Fprintf(out, "\n  %s  peak %s\n  %s to %s UTC, %s\n", b.String(), plainNumber(top), from.Format(layout), to.Format(layout), printable(c.Y))
}

func drawBars(out io.Writer, c *copilot.Chart, e copilot.Evidence) {
	y := slices.Index(e.Columns, c.Y)
	top, widest := 0.0, 0
	var names []string
	for _, row := range e.Rows {
		var parts []string
		for _, x := range c.X {
			if v := row[slices.Index(e.Columns, x)]; v != nil {
				parts = append(parts, printable(fmt.Sprint(v)))
			}
		}
		name := []rune(strings.Join(parts, " "))
		names = append(names, string(name[:min(len(name), chartWidth/2)]))
		widest = max(widest, min(len(name), chartWidth/2))
		top = max(top, numberOf(row[y]))
	}
	if top <= 0 {
		return
	}
	fmt.Fprintln(out)
	for i, row := range e.Rows {
		n := numberOf(row[y])
		bar := strings.Repeat("█", int(math.Round(max(n, 0)/top*chartWidth/2)))
		fmt.Fprintf(out, "  %-*s  %s %s\n", widest, names[i], cmp.Or(bar, "▏"), plainNumber(n))
	}
}

// timeOf and numberOf read cells of this process, or as JSON brought them.
func timeOf(v any) (time.Time, bool) {
	switch x := v.(type) {
	case time.Time:
		return x, true
	case string:
		t, err := time.Parse(time.RFC3339Nano, x)
		return t, err == nil
	}
	return time.Time{}, false
}

func numberOf(v any) float64 {
	switch x := v.(type) {
	case int64:
		return float64(x)
	case float64:
		return x
	case json.Number:
		f, err := x.Float64()
		if err == nil {
			return f
		}
	}
	return 0
}

func plainNumber(n float64) string {
	return fmt.Sprint(math.Round(n*1000) / 1000)
}
