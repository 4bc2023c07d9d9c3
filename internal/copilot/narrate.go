package copilot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"vedette/internal/copilot/reading"
	"vedette/internal/guard/ground"
	"vedette/internal/query"
	"vedette/internal/toolbox"
)

// narrator words facts by templates: it may use only what evidence holds.
type narrator struct {
	r      *reading.Reading
	ev     []Evidence
	bounds toolbox.Bounds
	now    time.Time
	// suspects says that the last evidence counts records with a doubtful clock.
	suspects bool
}

// maxListed is how many rows of a table are also said in words.
const maxListed = 5

func (n *narrator) sentences(ctx context.Context, tools Tools) []Sentence {
	if n.bounds.Events == 0 && n.r.Shape != reading.DevicesShape {
		return []Sentence{{Text: "nothing is stored yet: take in logs with \"vedette ingest PATH\" first"}}
	}
	var out []Sentence
	switch n.r.Shape {
	case reading.CountShape:
		out = n.count()
	case reading.ExistsShape:
		out = n.exists()
	case reading.TableShape:
		out = n.table()
	case reading.WhenShape:
		out = n.when()
	case reading.TrendShape:
		out = n.trend()
	case reading.ShareShape:
		out = n.share()
	case reading.UnusualShape:
		out = n.unusual()
	case reading.RowsShape, reading.DevicesShape:
		out = n.rows()
	case reading.SequenceShape:
		return n.sequences()
	case reading.OverviewShape:
		out = n.overview()
	}
	if e := n.ev[len(n.ev)-1]; n.suspects && !empty(e) {
		out = append(out, say(e.ID, "%s but for the time: their clocks are in doubt, so a time leaves them out; ask without a time to see them", matching(e.Rows[0][0], n.r.Subject)))
	}
	if s, ok := n.tooLate(); ok {
		out = append(out, s)
	}
	missing := n.missing(ctx, tools)
	if len(missing) > 0 && n.nothingFound() {
		if n.r.Shape == reading.UnusualShape {
			return missing // "nothing is unusual" would sound like a finding
		}
		return append(missing, out...)
	}
	return append(out, missing...)
}

// tooLate tells that nothing was found because the asked time begins after the
// newest stored event, as with recorded data.
func (n *narrator) tooLate() (Sentence, bool) {
	rng, err := n.r.Steps[0].Query.Time.Resolve(n.now)
	if err != nil || rng.From.IsZero() || n.bounds.Newest.IsZero() || !rng.From.After(n.bounds.Newest) || !n.nothingFound() || n.r.Steps[0].Query.From == "devices" {
		return Sentence{}, false
	}
	newest := cell(n.bounds.Newest)
	s := say(n.ev[0].ID, "the newest stored event is of %s, before the asked time: to count back from it, ask with --now last", newest)
	s.computed = given(newest)
	return s, true
}

func (n *narrator) nothingFound() bool {
	e := n.ev[0]
	return len(e.Rows) == 0 || len(e.Rows) == 1 && isZero(e.Rows[0][0])
}

func say(evidence string, format string, args ...any) Sentence {
	return Sentence{Text: fmt.Sprintf(format, args...), Evidence: []string{evidence}}
}

// given are texts in a sentence that our own code holds, such as the newest
// stored time, and that no evidence shows.
func given(texts ...string) []ground.Computed {
	return []ground.Computed{{Fn: ground.Given, Text: strings.Join(texts, "\n")}}
}

func (n *narrator) count() []Sentence {
	e := n.ev[0]
	if len(e.Rows) == 0 {
		return []Sentence{say(e.ID, "no stored %s match", n.r.Subject)}
	}
	if len(e.Columns) > 1 {
		return n.columnsSideBySide(e, n.r.Steps[0].Query.Measures)
	}
	m := n.r.Steps[0].Query.Measures[0]
	v := e.Rows[0][0]
	switch {
	case v == nil:
		return []Sentence{say(e.ID, "no stored %s match, so there is no %s of %s", n.r.Subject, fnWord(m.Fn), n.noun(m.Field))}
	case m.Fn == query.Count:
		return []Sentence{say(e.ID, "%s", matching(v, n.r.Subject))}
	case m.Fn == query.Days:
		return []Sentence{say(e.ID, "on %s different %s", cell(v), counted(v, "days"))}
	case m.Fn == query.Distinct:
		return []Sentence{say(e.ID, "%s different %s", cell(v), counted(v, n.noun(m.Field)))}
	}
	return []Sentence{say(e.ID, "%s of %s: %s%s", fnWord(m.Fn), n.noun(m.Field), cell(v), unit(m.Field))}
}

// noun is the plural noun of a field, or its name.
func (n *narrator) noun(field string) string {
	if w := n.r.Nouns[field]; w != "" {
		return w
	}
	return clean(field) // a field of the log itself, named by who wrote it
}

// matching is "1 login matches" or "3 logins match".
func matching(v any, plural string) string {
	verb := "match"
	if number(v) == 1 {
		verb = "matches"
	}
	return cell(v) + " " + counted(v, plural) + " " + verb
}

// counted is the form of a plural noun that goes with a number.
func counted(v any, plural string) string {
	if number(v) != 1 {
		return plural
	}
	if w, ok := strings.CutSuffix(plural, "ies"); ok {
		return w + "y"
	}
	if w, ok := strings.CutSuffix(plural, "sses"); ok {
		return w + "ss"
	}
	return strings.TrimSuffix(plural, "s")
}

func (n *narrator) exists() []Sentence {
	e := n.ev[0]
	if len(e.Rows) == 0 || isZero(e.Rows[0][0]) {
		return []Sentence{say(e.ID, "no: none of the stored %s match", n.r.Subject)}
	}
	return []Sentence{say(e.ID, "yes: %s", matching(e.Rows[0][0], n.r.Subject))}
}

func isZero(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case int64:
		return x == 0
	case float64:
		return x == 0
	}
	return false
}

func (n *narrator) when() []Sentence {
	e := n.ev[0]
	if len(e.Rows) == 0 || e.Rows[0][len(e.Columns)-1] == nil || isZero(e.Rows[0][len(e.Columns)-1]) {
		return []Sentence{say(e.ID, "no stored %s match", n.r.Subject)}
	}
	var out []Sentence
	for _, row := range e.Rows[:min(maxListed, len(e.Rows))] {
		parts := make([]string, len(row))
		for i, v := range row {
			parts[i] = clean(e.Columns[i]) + " " + cell(v)
		}
		out = append(out, say(e.ID, "%s", strings.Join(parts, ", ")))
	}
	return out
}

func (n *narrator) unusual() []Sentence {
	e := n.ev[0]
	if len(e.Rows) == 0 {
		if len(n.ev) > 1 && len(n.ev[1].Rows) == 0 {
			return []Sentence{say(n.ev[1].ID, "no %s of that time are stored, so there is nothing to judge", n.r.Subject)}
		}
		return []Sentence{say(e.ID, "nothing in that time departs from what is usual")}
	}
	out := make([]Sentence, 0, maxListed+1)
	for _, row := range e.Rows[:min(maxListed, len(e.Rows))] {
		who := cell(row[0])
		if row[1] != nil && cell(row[1]) != who {
			who += " (" + cell(row[1]) + ")"
		}
		reasons, _ := row[4].([]string)
		out = append(out, say(e.ID, "%s, score %s: %s", who, cell(row[3]), wholeReasons(reasons)))
	}
	if more := e.Total - int64(len(out)); more > 0 {
		s := say(e.ID, "%d more are listed", more)
		s.computed = []ground.Computed{{Fn: ground.Rest, Evidence: e.ID, N: int64(len(out))}}
		out = append(out, s)
	}
	return out
}

// maxReasons is how many characters of reasons a sentence has: whole ones, for
// half an address is none; the first is cut if it alone is longer.
const maxReasons = 400

func wholeReasons(list []string) string {
	text := ""
	for i, r := range list {
		r = clean(r)
		if i > 0 && len(text)+len(r) > maxReasons {
			return text + "; and more"
		}
		if i > 0 {
			text += "; "
		}
		text += r
	}
	return text
}

func (n *narrator) rows() []Sentence {
	e := n.ev[0]
	what := n.r.Subject
	if n.r.Shape == reading.DevicesShape {
		what = "devices"
	}
	switch {
	case len(e.Rows) == 0:
		return []Sentence{say(e.ID, "no stored %s match", what)}
	case len(n.r.Steps[0].Query.Measures) > 0:
		return n.table()
	case len(n.r.Frame.Measure.Field) > 0 && len(e.Columns) > 0 && e.Columns[0] == n.r.Frame.Measure.Field:
		return n.extremes(e)
	case e.Total > int64(len(e.Rows)) && len(e.Rows) == 1:
		return []Sentence{say(e.ID, "%s, one is shown", matching(e.Total, what))}
	case e.Total > int64(len(e.Rows)):
		return []Sentence{say(e.ID, "%s, %d are shown", matching(e.Total, what), len(e.Rows))}
	}
	return []Sentence{say(e.ID, "%s", matching(int64(len(e.Rows)), what))}
}

// extremes words records that were ranked by a number: the number, and between
// whom and when it was.
func (n *narrator) extremes(e Evidence) []Sentence {
	var out []Sentence
	for _, row := range e.Rows[:min(maxListed, len(e.Rows))] {
		at := func(column string) string {
			if i := slices.Index(e.Columns, column); i >= 0 && row[i] != nil {
				return cell(row[i])
			}
			return ""
		}
		text := n.noun(e.Columns[0]) + " " + cell(row[0]) + unit(e.Columns[0])
		if src, dst := at("src_endpoint.ip"), at("dst_endpoint.ip"); src != "" && dst != "" {
			text += ": " + src + " → " + dst
			if port := at("dst_endpoint.port"); port != "" {
				text += " port " + port
			}
		}
		if t := at("time"); t != "" {
			text += " at " + t
		}
		out = append(out, say(e.ID, "%s", text))
	}
	return append(out, say(e.ID, "of %s", cell(e.Total)+" "+counted(e.Total, n.r.Subject)))
}

func (n *narrator) overview() []Sentence {
	logs := n.ev[0]
	if len(logs.Rows) == 0 {
		return []Sentence{say(logs.ID, "nothing stored matches")}
	}
	var out []Sentence
	for _, row := range logs.Rows[:min(maxListed, len(logs.Rows))] {
		out = append(out, say(logs.ID, "%s (%s events), first %s, last %s", cell(row[0]), cell(row[1]), cell(row[2]), cell(row[3])))
	}
	for _, row := range n.ev[1].Rows[:min(3, len(n.ev[1].Rows))] {
		out = append(out, say(n.ev[1].ID, "%s to %s port %s (%s events)", cell(row[0]), cell(row[1]), cell(row[2]), cell(row[3])))
	}
	return out
}

// missing says which named values nothing stored has, with the nearest.
func (n *narrator) missing(ctx context.Context, tools Tools) []Sentence {
	var out []Sentence
	for _, m := range n.r.Missing {
		from, field := "", m.Field
		if attr, ok := strings.CutPrefix(field, "device."); ok && attr != "hostname" {
			from, field = "devices", attr
		}
		values, _, err := tools.Values(ctx, from, field)
		if err != nil || slices.ContainsFunc(values, func(v query.ValueCount) bool {
			return strings.Contains(strings.ToLower(v.Value), strings.ToLower(m.Value))
		}) {
			continue
		}
		names := make([]string, len(values))
		for i, v := range values {
			names[i] = v.Value
		}
		s := Sentence{Text: fmt.Sprintf("nothing stored has %s = %q", m.Field, clean(m.Value)), Evidence: []string{n.ev[0].ID}}
		if from == "devices" {
			s.Text = fmt.Sprintf("no device is known with %s = %q", field, clean(m.Value))
		}
		if near := query.Nearest(m.Value, names, 3); len(near) > 0 {
			s.Text += "; nearest: " + clean(strings.Join(near, ", "))
			s.computed = given(near...)
		}
		if m.Field == "device.type" {
			s.Text += "; say which devices are with \"vedette devices set DEVICE type=TYPE\" or \"vedette devices import FILE\""
		}
		out = append(out, s)
	}
	return out
}

func (n *narrator) suggestions() []string {
	if n.r.Shape == reading.UnusualShape && len(n.r.Missing) > 0 {
		return []string{"show unusual communication patterns over the past 24 hours", "which device types are there?"}
	}
	if n.r.Shape == reading.CountShape || n.r.Shape == reading.ExistsShape {
		return []string{"show them per source", "show the trend over time"}
	}
	return nil
}

// cell writes a value for people.
func cell(v any) string { return ground.Shown(v) }

// clean takes out of a stored text what could move a cursor, reorder or hide
// text, and cuts it: it was written by a device or a peer.
func clean(s string) string { return ground.Clean(s) }

func number(v any) float64 {
	switch x := v.(type) {
	case int64:
		return float64(x)
	case float64:
		return x
	}
	return 0
}
