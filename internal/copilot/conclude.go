package copilot

import (
	"cmp"
	"fmt"
	"slices"

	"vedette/internal/event"
)

// conclude says what follows from the steps: what is new, whether it goes on,
// who else is concerned, and what is like it. Each sentence cites its rows.
func (iv *investigation) conclude() {
	in := iv.of.Incident
	told := iv.ans.Evidence[0]
	out := []Sentence{say(told.ID+".1", "%s for %s, from %s to %s", some(in.Findings.Count, "finding"), some(in.Findings.Events, "event"), cell(in.First), cell(in.Last))}
	subjects := iv.catalogue()
	for _, d := range subjects["device"][:min(maxSubjects, len(subjects["device"]))] {
		out = append(out, iv.newPeers(d)...)
		out = append(out, iv.logins(d)...)
		out = append(out, iv.goesOn(d)...)
	}
	for _, r := range in.Findings.Rules[:min(maxSubjects, len(in.Findings.Rules))] {
		out = append(out, iv.alsoFound(r.Rule, cmp.Or(r.Title, r.Rule))...)
	}
	for _, a := range subjects["address"][:min(maxSubjects, len(subjects["address"]))] {
		if e := iv.evidenceOf("acts of the address", a); e != nil && len(e.Rows) > 0 {
			s := say(e.ID, "what %s did goes to %s in all", clean(a), some(e.Total, "pair")+" of host and port")
			s.computed = given(clean(a))
			out = append(out, s)
		}
		if e := iv.evidenceOf("others of the address", a); e != nil && e.Total > 1 {
			s := say(e.ID, "%s sources spoke to %s", cell(e.Total), clean(a))
			s.computed = given(clean(a))
			out = append(out, s)
		}
	}
	similar := iv.ans.Evidence[1]
	for i, row := range similar.Rows {
		text := fmt.Sprintf("like it: %s, %s", cell(row[0]), cell(row[2]))
		if v := cell(row[3]); v != "" {
			text += ", judged " + v
		}
		out = append(out, say(fmt.Sprintf("%s.%d", similar.ID, i+1), "%s", text))
	}
	iv.ans.Answer = out
}

// newPeers are those that a device spoke to during the incident and not in the
// time before. It is known only if the time before was seen, and as a whole.
func (iv *investigation) newPeers(device string) []Sentence {
	now, past := iv.evidenceOf("peers during", device), iv.evidenceOf("peers before", device)
	if now == nil || past == nil || len(now.Rows) == 0 {
		return nil
	}
	if len(past.Rows) == 0 {
		return []Sentence{say(past.ID, "nothing stored tells whom the device spoke to in the time before")}
	}
	if past.Total > int64(len(past.Rows)) {
		return nil
	}
	var out []Sentence
	for i, row := range now.Rows {
		known := slices.ContainsFunc(past.Rows, func(p []any) bool { return p[1] == row[1] && p[2] == row[2] })
		if known || len(out) == maxSubjects {
			continue
		}
		s := say(fmt.Sprintf("%s.%d", now.ID, i+1), "%s → %s port %s is new: not met in the time before", cell(row[0]), cell(row[1]), cell(row[2]))
		s.Evidence = append(s.Evidence, past.ID)
		out = append(out, s)
	}
	return out
}

// logins tells of logins with their outcome, those that succeeded first.
func (iv *investigation) logins(device string) []Sentence {
	var out []Sentence
	for _, tool := range []string{"entered it", "logins to it"} {
		e := iv.evidenceOf(tool, device)
		for i := 0; e != nil && i < min(maxSubjects, len(e.Rows)); i++ {
			row := e.Rows[i]
			if tool == "entered it" || cell(row[2]) == event.Failure {
				out = append(out, say(fmt.Sprintf("%s.%d", e.ID, i+1), "logins from %s as %s: %s, %s", cell(row[0]), cell(row[1]), cell(row[2]), some(row[3], "time")))
			}
		}
	}
	return out
}

func (iv *investigation) goesOn(device string) []Sentence {
	e, now := iv.evidenceOf("peers after", device), iv.evidenceOf("peers during", device)
	if e == nil || now == nil || len(now.Rows) == 0 {
		return nil
	}
	if len(e.Rows) == 0 {
		return []Sentence{say(e.ID, "nothing is stored of what the device did after it")}
	}
	var out []Sentence
	for i, row := range e.Rows {
		same := slices.ContainsFunc(now.Rows, func(p []any) bool { return p[1] == row[1] && p[2] == row[2] })
		if same && len(out) < 2 {
			out = append(out, say(fmt.Sprintf("%s.%d", e.ID, i+1), "it goes on: %s → %s port %s, last at %s", cell(row[0]), cell(row[1]), cell(row[2]), cell(row[5])))
		}
	}
	return out
}

// alsoFound tells how many devices a rule was found of. It names the rule by its
// title; the id is in the query that is cited.
func (iv *investigation) alsoFound(rule, title string) []Sentence {
	e := iv.evidenceOf("others of the rule", rule)
	if e == nil || len(e.Rows) == 0 {
		return nil
	}
	s := say(e.ID, "%s devices in all have findings of %s", cell(e.Total), clean(title))
	if e.Total == 1 {
		s = say(e.ID, "one device alone has findings of %s", clean(title))
	}
	s.computed = given(clean(title))
	return []Sentence{s}
}

// some is a number with its noun.
func some(n any, noun string) string {
	text := cell(n)
	if text != "1" {
		noun += "s"
	}
	return text + " " + noun
}
