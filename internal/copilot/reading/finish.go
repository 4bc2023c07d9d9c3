package reading

import (
	"regexp"
	"slices"
	"strings"

	"vedette/internal/query"
)

// DefaultTop is how many groups a plural ranking shows; MaxGroups how many a
// plain list of values shows.
const (
	DefaultTop = 10
	MaxGroups  = 1000
)

// finish turns the frame into a reading with its plan.
func (r *reader) finish() *Reading {
	out := &Reading{Question: r.question, Shape: r.f.Shape, Notes: r.notes, Missing: r.missing, Frame: r.f}
	out.Subject = "events"
	if r.f.Subject != nil {
		out.Subject = r.f.Subject.attrs["words"]
	}
	for _, s := range r.spans {
		if !s.used && (s.unknown || s.num != nil && len(s.entries) == 0 && r.toks[s.from].kind == tokNumber && !r.named(s)) {
			out.Unknown = append(out.Unknown, s.text)
		}
	}
	out.Unknown = append(out.Unknown, r.withoutPlace()...)
	out.Status = r.status(out.Unknown)
	if out.Status == NotUnderstood {
		return out
	}
	out.Steps = r.steps()
	r.leaveOwnOut(out)
	out.ReadAs = r.readAs(out)
	return out
}

// withoutPlace lists words that carry meaning, are known and yet have no part in
// the plan: what is to be computed where records are merely counted, and what
// puts a set together of others.
func (r *reader) withoutPlace() []string {
	out := unusedSetWords(r.question)
	if r.f.Pick == "never" && len(r.f.Conds) == 0 {
		out = append(out, "never") // what they never did has no condition
	}
	if s := r.uncomputed(); s != nil && !r.overGroups() {
		out = append(out, s.text)
	}
	if s := r.shareless(); s != nil {
		out = append(out, s.text)
	}
	if window := oneWindow.FindString(r.question); window != "" && r.f.Bucket == "" {
		out = append(out, window) // so many in any one minute: no plan counts by moving windows
	}
	return out
}

// shareless is the word for a share where records are listed, so that nothing is
// divided by anything.
func (r *reader) shareless() *span {
	if r.f.Shape != RowsShape {
		return nil
	}
	for _, s := range r.spans {
		if e := s.entry(kShape); e != nil && e.key == "share" {
			return s
		}
	}
	return nil
}

// oneWindow says that what is counted has to fall into one short span.
var oneWindow = regexp.MustCompile(`(?i)\b(?:within|inside|in|during)(?: the space of)? (?:(?:a|any) (?:single|one)|one(?: single| and the same)?|a single|any|the same) (?:second|minute|hour)\b`)

// uncomputed is the word for what is to be computed, where records are merely
// counted.
func (r *reader) uncomputed() *span {
	if r.f.Measure.Fn != query.Count || len(r.f.Measures) > 0 || r.f.Shape == ShareShape || r.f.Shape == DevicesShape {
		return nil
	}
	for _, s := range r.spans {
		if e := s.entry(kFn); e != nil && computes(e.key) && !s.is(kOrder) {
			return s
		}
	}
	return nil
}

// overGroups tells that one number of the counts of all groups is asked for:
// "the median of the logins per source".
func (r *reader) overGroups() bool {
	return r.f.Shape == TableShape && len(r.f.Targets) == 1 && r.f.Bucket == "" && r.f.Pick == "" && r.f.Earlier == nil &&
		len(r.f.Having) == 0 && !r.f.Ordered && !r.comparesTimes() && r.uncomputed() != nil
}

// computes tells a function that makes one number of many.
func computes(key string) bool {
	_, percentile := query.Fn(key).Percentile()
	return percentile || key == string(query.Avg)
}

// named tells a number that is part of a name before it, as in "TLS 1".
func (r *reader) named(s *span) bool {
	i := slices.Index(r.spans, s)
	return i > 0 && r.spans[i-1].used && (r.spans[i-1].is(kValue) || len(r.spans[i-1].values) > 0)
}

// status weighs what was understood. A question whose head ("what is the X")
// is unknown is not understood, however much of the rest is.
func (r *reader) status(unknown []string) Status {
	empty := r.f.Subject == nil && len(r.f.Targets) == 0 && len(r.f.Conds) == 0 && r.f.Measure.Field == "" && len(r.f.Measures) == 0
	special := r.f.Shape == UnusualShape || r.f.Shape == DevicesShape || r.f.Shape == WhenShape || r.f.Bucket != "" || r.f.Shape == OverviewShape && len(r.f.Times) > 0
	if empty && (!special || len(unknown) > 0) && r.f.Shape != UnusualShape {
		return NotUnderstood
	}
	if len(unknown) == 0 && !r.headUnknown() {
		if r.f.On["guessed"] {
			return Partly
		}
		return Understood
	}
	known := 0
	for _, s := range r.spans {
		if s.addr != "" || s.num != nil || s.name != "" || len(s.values) > 0 || len(s.entries) > 0 && !s.only(kStop, kIs, kRole, kWh, kShape, kLink, kGroup, kFn) {
			known++
		}
	}
	if r.headUnknown() || len(unknown) > known {
		return NotUnderstood
	}
	return Partly
}

// headUnknown tells whether the first word with content after "which", "what
// is", "how many", "list" or the start is one that is not known.
func (r *reader) headUnknown() bool {
	for i, s := range r.spans {
		if (i > 0 || r.tellsFirst()) && !s.is(kWh) && !s.is(kFn) {
			continue
		}
		for k := i; k < len(r.spans); k++ {
			n := r.spans[k]
			if k == i && !n.unknown || n.only(kStop, kIs, kEach, kWh, kShape, kRole, kGroup, kLink, kFn) {
				continue
			}
			if n.unknown {
				return r.unknownHeads(k)
			}
			if e := n.entry(kSubject); e != nil && e.key == "ot" && s.is(kWh) && strings.HasPrefix(strings.ToLower(n.text), "command") && !r.vals.any("ics.function") {
				return true // the commands that a user ran are in no log here
			}
			return n.only(kValue) && s.is(kWh) && k == i+1 && r.standsAlone(k)

		}
	}
	return false
}

// setTheScene takes the nouns of a sentence that asks nothing out of the
// question: "X looks like a scanner. How many ports did it hit?"
func (r *reader) setTheScene() {
	if !r.tellsFirst() {
		return
	}
	stop := strings.LastIndex(r.question[:strings.LastIndex(r.question, "?")], ". ")
	for _, s := range r.spans {
		if r.toks[s.from].from < stop && !s.unknown && s.addr == "" && s.name == "" && len(s.values) == 0 && s.time == nil && !s.is(kValue) && !s.is(kCond) {
			s.used = true
		}
	}
}

// tellsFirst tells a question that begins with a sentence that asks nothing.
func (r *reader) tellsFirst() bool {
	stop := strings.Index(r.question, ". ")
	return stop > 0 && strings.Contains(r.question[stop:], "?")
}

// standsAlone: in "which password did he use" a value is asked for as if it
// were a thing to list; in "which tcp connections" it describes the noun.
func (r *reader) standsAlone(k int) bool {
	if k+1 >= len(r.spans) {
		return true
	}
	n := r.spans[k+1]
	return !n.is(kSubject) && !n.is(kEntity) && !n.is(kQuantity) && !n.is(kValue) && !n.is(kCond) && !n.is(kLink) && n.num == nil && len(n.values) == 0
}

// unknownHeads: an unknown adjective before a known noun ("malicious
// connections") does not make the head unknown, an unknown noun does.
func (r *reader) unknownHeads(k int) bool {
	if k+1 >= len(r.spans) {
		return true
	}
	n := r.spans[k+1]
	known := n.is(kSubject) || n.is(kEntity) || n.is(kQuantity) || n.is(kCond) || n.is(kValue) || len(n.values) > 0
	return !known
}
