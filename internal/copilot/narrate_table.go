package copilot

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/copilot/reading"
	"vedette/internal/guard/ground"
	"vedette/internal/query"
)

func (n *narrator) table() []Sentence {
	e := n.ev[0]
	q := n.r.Steps[0].Query
	if len(e.Rows) == 0 {
		return []Sentence{say(e.ID, "no stored %s match", n.r.Subject)}
	}
	keys := len(e.Columns) - len(q.Measures)
	if keys == 0 {
		return n.columnsSideBySide(e, q.Measures)
	}
	if last := q.Measures[len(q.Measures)-1]; overGroups(last.Fn) {
		s := say(e.ID, "%s of the counts of %s over %d groups: %s", overWord(last.Fn), n.r.Subject, e.Total, cell(e.Rows[0][len(e.Columns)-1]))
		return []Sentence{s}
	}
	line := func(row []any) string {
		return keyWords(e.Columns[:keys], row) + ": " + n.measureWords(q.Measures, row[keys:])
	}
	out := make([]Sentence, 0, maxListed+1)
	if e.Total > int64(len(e.Rows)) && q.Limit > 1 {
		out = append(out, say(e.ID, "%d groups in all, the first %d are shown", e.Total, len(e.Rows)))
	} else if len(e.Rows) > maxListed {
		out = append(out, say(e.ID, "%d groups", len(e.Rows)))
	}
	for _, row := range e.Rows[:min(maxListed, len(e.Rows))] {
		s := say(e.ID, "%s", line(row))
		out = append(out, s)
	}
	if len(n.ev) > 1 && len(n.ev[1].Rows) > 1 && n.r.Steps[1].Why == reading.NextInRank {
		next := n.ev[1].Rows[1]
		if fmt.Sprint(next[keys]) == fmt.Sprint(e.Rows[0][keys]) {
			out = append(out, say(n.ev[1].ID, "it shares its rank with %s", line(next)))
		} else {
			out = append(out, say(n.ev[1].ID, "next in rank: %s", line(next)))
		}
	}
	return out
}

// isHost tells a column of addresses, or of names where there are none.
func isHost(column string) bool {
	return strings.HasSuffix(column, "_endpoint.ip") || strings.HasSuffix(column, "_endpoint.host")
}

// keyWords writes what a row is about, a host by its name and address.
func keyWords(columns []string, row []any) string {
	var out []string
	for i, c := range columns {
		if strings.HasSuffix(c, "_endpoint.name") && i > 0 && isHost(columns[i-1]) {
			if row[i] != nil && cell(row[i]) != out[len(out)-1] {
				out[len(out)-1] = cell(row[i]) + " (" + out[len(out)-1] + ")"
			}
			continue
		}
		out = append(out, cell(row[i]))
	}
	return strings.Join(out, " → ")
}

// measureWords writes the figures of a row; a count alone needs no name.
func (n *narrator) measureWords(measures []query.Measure, vals []any) string {
	if len(vals) == 1 && measures[0].Fn == query.Count && measures[0].As == "" {
		return cell(vals[0])
	}
	out := make([]string, len(vals))
	for i, v := range vals {
		m := measures[i]
		switch {
		case percents(m.Fn) && v != nil:
			out[i] = clean(m.Name()) + " " + percent(v) + " %"
		case m.As != "":
			out[i] = clean(m.As) + " " + cell(v)
		case m.Fn == query.Days:
			out[i] = "on " + cell(v) + " different " + counted(v, "days")
		case m.Fn == query.Distinct:
			out[i] = cell(v) + " different " + counted(v, n.noun(m.Field))
		case m.Field != "":
			out[i] = fnWord(m.Fn) + " of " + n.noun(m.Field) + " " + cell(v)
		default:
			out[i] = string(m.Fn) + " " + cell(v)
		}
	}
	return strings.Join(out, ", ")
}

func (n *narrator) columnsSideBySide(e Evidence, measures []query.Measure) []Sentence {
	parts := make([]string, len(e.Columns))
	for i, c := range e.Columns {
		parts[i] = clean(c) + ": " + cell(e.Rows[0][i])
		if v := e.Rows[0][i]; v != nil && i < len(measures) && percents(measures[i].Fn) {
			parts[i] = clean(c) + ": " + percent(v) + " %"
		}
	}
	s := say(e.ID, "%s", strings.Join(parts, "; "))
	return []Sentence{s}
}

func (n *narrator) trend() []Sentence {
	e := n.ev[0]
	if len(e.Rows) == 0 {
		return []Sentence{say(e.ID, "no stored %s match", n.r.Subject)}
	}
	at := len(e.Columns) - len(n.r.Steps[0].Query.Measures)
	time := slices.Index(e.Columns, "time")
	high, low := e.Rows[0], e.Rows[0]
	for _, row := range e.Rows {
		if number(row[at]) > number(high[at]) {
			high = row
		}
		if number(row[at]) < number(low[at]) {
			low = row
		}
	}
	out := append(n.totals(at), say(e.ID, "highest at %s: %s", cell(high[time]), cell(high[at])))
	if len(e.Rows) > 1 {
		out = append(out, say(e.ID, "lowest of the times with any at %s: %s", cell(low[time]), cell(low[at])))
	}
	return out
}

// totals puts the sums of a trend and of the same trend of an earlier period
// side by side, where both were asked for.
func (n *narrator) totals(at int) []Sentence {
	if n.r.Frame.Earlier == nil || len(n.ev) < 2 || n.r.Frame.Measure.Fn != query.Count {
		return nil
	}
	sum := func(e Evidence) string {
		total := 0.0
		for _, row := range e.Rows {
			total += number(row[at])
		}
		return strconv.FormatFloat(total, 'f', -1, 64)
	}
	s := Sentence{Evidence: []string{n.ev[0].ID, n.ev[1].ID}}
	for _, e := range n.ev[:2] {
		s.computed = append(s.computed, ground.Computed{Fn: ground.Sum, Evidence: e.ID, Column: e.Columns[at]})
	}
	s.Text = fmt.Sprintf("%s %s in all, in the earlier period %s", sum(n.ev[0]), n.r.Subject, sum(n.ev[1]))
	return []Sentence{s}
}

func (n *narrator) share() []Sentence {
	e := n.ev[0]
	if len(n.r.Steps[0].Query.Group) > 0 {
		return n.table()
	}
	if len(e.Rows) == 0 || isZero(e.Rows[0][1]) {
		return []Sentence{say(e.ID, "no stored %s match, so there is no share", n.r.Subject)}
	}
	part, whole := number(e.Rows[0][0]), number(e.Rows[0][1])
	pct := percent(part / whole)
	s := say(e.ID, "%s %% (%s of %s %s)", pct, cell(e.Rows[0][0]), cell(e.Rows[0][1]), n.r.Subject)
	s.computed = []ground.Computed{{Fn: ground.Percent, Evidence: e.ID, Column: e.Columns[0], Whole: e.Columns[1]}}
	return []Sentence{s}
}

func fnWord(fn query.Fn) string {
	switch fn {
	case query.Avg:
		return "average"
	case query.Max:
		return "largest value"
	case query.Min:
		return "smallest value"
	default:
	}
	if part, ok := fn.Percentile(); ok && fn != query.Median {
		return strconv.FormatFloat(math.Round(part*100_000)/1000, 'f', -1, 64) + "th percentile"
	}
	return string(fn)
}

func overGroups(fn query.Fn) bool {
	_, ok := fn.OverGroups()
	return ok
}

func overWord(fn query.Fn) string {
	base, _ := fn.OverGroups()
	return fnWord(base)
}

func unit(field string) string {
	switch {
	case field == "duration", field == "dhcp.lease_time":
		return " seconds"
	case field == "file.size", strings.HasPrefix(field, "http_") && strings.HasSuffix(field, ".length"):
		return " bytes" // the nouns of traffic say it themselves
	}
	return ""
}
