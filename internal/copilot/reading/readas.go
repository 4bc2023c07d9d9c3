package reading

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/query"
)

// readAs says in words how the question was read, so that a person can see a
// misreading at once.
func (r *reader) readAs(out *Reading) string {
	var b strings.Builder
	switch r.f.Shape {
	case UnusualShape:
		fmt.Fprintf(&b, "unusual behaviour of %s: what was learnt of each device, first-seen peers and ports, fan-out, failed connections and volume against its own past and its type", out.Subject)
	case DevicesShape:
		b.WriteString("devices of the inventory")
	case OverviewShape:
		b.WriteString("an overview of all events")
	case WhenShape:
		word := map[Shape]string{"first": "the first time", "last": "the last time", "": "the first and last time"}[r.f.Pick]
		fmt.Fprintf(&b, "%s of %s", word, out.Subject)
	case ExistsShape:
		fmt.Fprintf(&b, "whether there are %s", out.Subject)
	case RowsShape:
		b.WriteString(out.Subject)
		if r.f.Measure.Field != "" {
			fmt.Fprintf(&b, " by %s, %s first", r.f.Measure.Field, map[bool]string{false: "largest", true: "smallest"}[r.f.Asc])
		} else if r.f.Pick == "first" {
			b.WriteString(", oldest first")
		}
	case ShareShape:
		fmt.Fprintf(&b, "the share of %s that meet the condition", out.Subject)
	case CountShape, TableShape, TrendShape, SequenceShape:
		b.WriteString(r.measureWords(out.Subject))
	}
	r.groupWords(&b)
	r.condWords(&b)
	r.timeWords(&b)
	b.WriteString(r.earlierWords())
	r.orderWords(&b)
	for _, n := range r.notes {
		b.WriteString("; " + n)
	}
	if len(out.Unknown) > 0 {
		b.WriteString("; not understood: " + strings.Join(out.Unknown, ", "))
	}
	return b.String()
}

func (r *reader) measureWords(subject string) string {
	if r.overGroups() {
		return fnWord(query.Fn(r.uncomputed().entry(kFn).key)) + " of the counts of " + subject
	}
	ms := r.measures()
	words := make([]string, 0, len(ms))
	for _, m := range ms {
		w := "count of " + subject
		switch m.Fn {
		case query.Distinct:
			w = "number of different " + m.Field + " in " + subject
		case query.Count:
		case query.Days:
			w = "number of days with " + subject
		case query.First, query.Last:
			w = fnWord(m.Fn) + " of " + subject
		default:
			w = fmt.Sprintf("%s of %s over %s", fnWord(m.Fn), m.Field, subject)
		}
		if m.As != "" {
			w += " (" + m.As + ")"
		}
		words = append(words, w)
	}
	return strings.Join(words, " beside ")
}

func fnWord(fn query.Fn) string {
	switch fn { //nolint:exhaustive // the others are percentiles or say themselves
	case query.Avg:
		return "average"
	case query.Min:
		return "smallest"
	case query.Max:
		return "largest"
	case query.First, query.Last:
		return string(fn) + " time"
	}
	if part, ok := fn.Percentile(); ok && fn != query.Median {
		return strconv.FormatFloat(math.Round(part*100_000)/1000, 'f', -1, 64) + "th percentile"
	}
	return string(fn)
}

func (r *reader) groupWords(b *strings.Builder) {
	var groups []string
	for _, t := range r.f.Targets {
		groups = append(groups, strings.TrimPrefix(t, groupMark))
	}
	if at := slices.Index(groups, sourceAddress); at >= 0 && r.f.Shape == TableShape && r.knownByName() {
		groups[at] = sourceHost
	}
	if r.f.Bucket != "" && (r.f.Shape == TrendShape || r.f.Shape == TableShape) {
		groups = append(groups, "every "+r.bucket())
	}
	if len(groups) > 0 && r.f.Shape != DevicesShape {
		b.WriteString(", for each " + strings.Join(groups, " and "))
	}
	switch r.f.Pick { //nolint:exhaustive // only these two pick
	case "new":
		b.WriteString(", first seen in that time")
	case "never":
		b.WriteString(", those without any that meet the condition")
	}
}

func (r *reader) condWords(b *strings.Builder) {
	for i, c := range r.f.Conds {
		sep := " and "
		if i == 0 {
			sep = ", where "
		}
		text := c.Expr.String()
		if len(c.Expr.Or) > 4 || len(c.Expr.And) > 0 {
			text = c.Text
		}
		if c.Not {
			text = "not " + text
		}
		b.WriteString(sep + text)
	}
	for i, h := range r.f.Having {
		fmt.Fprintf(b, ", with %s %s %v", r.f.Measures[i].Name(), h.Op, h.Value)
	}
}

func (r *reader) timeWords(b *strings.Builder) {
	switch {
	case r.comparesTimes():
		fmt.Fprintf(b, ", comparing %s with %s", r.f.Times[0].text, r.f.Times[1].text)
	case r.f.Earlier != nil && len(r.f.Times) == 0:
		fmt.Fprintf(b, ", in the %s before %s", humanSpan(r.f.Earlier.asked), stamp(r.now))
	case len(r.f.Times) > 0:
		words := make([]string, len(r.f.Times))
		for i, w := range r.f.Times {
			words[i] = w.text
		}
		b.WriteString(", in " + strings.Join(words, " and "))
	case r.f.Shape == UnusualShape:
		b.WriteString(", in the 24 hours before " + stamp(r.now))
	case r.f.Shape != DevicesShape:
		b.WriteString(", over all stored time")
	}
}

func (r *reader) orderWords(b *strings.Builder) {
	if r.f.Shape != TableShape || !r.f.Ordered {
		return
	}
	order := "most first"
	if r.f.Asc {
		order = "fewest first"
		if r.f.Measure.Fn == query.First {
			order = "earliest first"
		}
	}
	if r.f.Measure.Fn == query.Last && !r.f.Asc {
		order = "latest first"
	}
	fmt.Fprintf(b, "; %s, top %d", order, r.limit())
}
