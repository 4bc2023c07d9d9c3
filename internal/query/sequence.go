package query

import (
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// Sequence asks for events that follow each other: each step at a later time
// than the one before it, all of one and the same host, user or whatever By
// names, and the last at most Within after the first. The answer has one row
// for each event of the last step that the others preceded in time, with the
// columns of [SequenceColumns]: a thousand failed logins before one write are
// one row that counts them.
//
// When the last step is Not, a row is an event of the step before it that no
// such event followed in time; those too young to tell are left out.
//
// With the one measure count, and By as Group or no Group, a query gives the
// number of such rows for each of By, or of all.
type Sequence struct {
	By     []string `json:"by"`
	Within string   `json:"within"`
	Steps  []Step   `json:"steps"`
}

// Step is one part of a sequence. By, if set, names the step's own fields for
// Sequence.By, one for one: a login to a host (dst_endpoint.ip) and then what
// this host did (src_endpoint.ip).
type Step struct {
	Classes []string `json:"classes,omitempty"`
	Where   *Expr    `json:"where,omitempty"`
	By      []string `json:"by,omitempty"`
	Not     bool     `json:"not,omitempty"`
}

// The limits of a sequence.
const (
	MaxSteps  = 4
	MaxWithin = 31 * 24 * time.Hour
)

// StepTime and StepUID name the columns of a step, counted from 1.
func StepTime(n int) string { return "step" + strconv.Itoa(n) + ".time" }

// StepUID names the column with the id of a step's event, counted from 1.
func StepUID(n int) string { return "step" + strconv.Itoa(n) + ".uid" }

// SequenceColumns are the columns of the answer: the common fields as text,
// count (how many events of the first step lie in the span before the last
// one), and time and uid of each step, the nearest to the one after it. A last
// step that is Not has none.
func SequenceColumns(s *Sequence) []string {
	out := append([]string(nil), s.By...)
	out = append(out, "count")
	for i, step := range s.Steps {
		if !step.Not {
			out = append(out, StepTime(i+1), StepUID(i+1))
		}
	}
	return out
}

// isSequence tells the word that begins a sequence from a field of that name.
func (p *parser) isSequence(t token) bool {
	next := p.toks[min(p.at+1, len(p.toks)-1)]
	return t.kind == tokWord && strings.EqualFold(t.text, "sequence") && next.kind == tokWord && strings.EqualFold(next.text, "by")
}

// sequence reads "sequence by FIELDS within 5m (STEP) then (STEP)".
func (p *parser) sequence() error {
	if p.q.Sequence != nil {
		return fault.New(fault.Invalid, "a query has one sequence")
	}
	p.at += 2
	by, err := p.fields()
	if err != nil {
		return err
	}
	seq := &Sequence{By: by}
	if !p.acceptWord("within") {
		return p.unexpected(p.peek(), "within and a span such as 5m")
	}
	seq.Within = p.next().text
	for {
		step, err := p.step()
		if err != nil {
			return err
		}
		seq.Steps = append(seq.Steps, step)
		if !p.acceptWord("then") {
			break
		}
	}
	p.q.Sequence = seq
	return nil
}

// step reads "(CLASSES CONDITIONS by FIELDS)" or "not (...)".
func (p *parser) step() (Step, error) {
	s := Step{Not: p.acceptWord("not")}
	if !p.acceptPunct("(") {
		return s, p.unexpected(p.peek(), "a step in parentheses")
	}
	var conds []Expr
	for !p.acceptPunct(")") {
		t := p.peek()
		switch {
		case t.kind == tokPunct && t.text == ",":
			p.at++
		case p.isClass(t):
			p.at++
			s.Classes = append(s.Classes, strings.ToLower(t.text))
		case t.kind == tokWord && strings.EqualFold(t.text, "by"):
			p.at++
			by, err := p.fields()
			if err != nil {
				return s, err
			}
			s.By = by
		default:
			e, err := p.or()
			if err != nil {
				return s, err
			}
			conds = append(conds, e)
		}
	}
	s.Where = all(conds)
	return s, nil
}

func (s *Sequence) text() string {
	steps := make([]string, len(s.Steps))
	for i, step := range s.Steps {
		var parts []string
		if len(step.Classes) > 0 {
			parts = append(parts, strings.Join(step.Classes, ", "))
		}
		if step.Where != nil {
			parts = append(parts, exprText(*step.Where, true))
		}
		if len(step.By) > 0 {
			parts = append(parts, "by "+quoteAll(step.By))
		}
		steps[i] = "(" + strings.Join(parts, " ") + ")"
		if step.Not {
			steps[i] = "not " + steps[i]
		}
	}
	return "sequence by " + quoteAll(s.By) + " within " + quote(s.Within) + " " + strings.Join(steps, " then ")
}

// sequence checks a sequence and resolves its names.
func (v *validation) sequence(q *Query) error {
	if q.Sequence == nil {
		return nil
	}
	if err := aloneSequence(q); err != nil {
		return err
	}
	seq := *q.Sequence
	if err := checkSequence(&seq); err != nil {
		return err
	}
	var err error
	if seq.By, err = v.names(seq.By); err != nil {
		return err
	}
	seq.Steps = append([]Step(nil), seq.Steps...)
	for i := range seq.Steps {
		s := &seq.Steps[i]
		part := Query{Classes: s.Classes}
		if err := v.classes(&part); err != nil {
			return err
		}
		s.Classes = part.Classes
		if s.Where, err = v.where(s.Where); err != nil {
			return err
		}
		if s.By, err = v.names(s.By); err != nil {
			return err
		}
	}
	q.Sequence = &seq
	return nil
}

func (v *validation) names(list []string) ([]string, error) {
	out := make([]string, 0, len(list))
	for _, name := range list {
		f, err := v.field(name)
		if err != nil {
			return nil, err
		}
		if f.Kind != event.String && f.Kind != event.IP && f.Kind != event.Int {
			return nil, fault.New(fault.Invalid, "a sequence cannot follow %s: it is a %s", f.Name, f.Kind)
		}
		out = append(out, f.Name)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

func aloneSequence(q *Query) error {
	counts := len(q.Measures) == 1 && q.Measures[0].Fn == Count && q.Measures[0].Where == nil && q.Measures[0].As == "" && q.Measures[0].Field == ""
	switch {
	case q.From == "devices":
		return fault.New(fault.Invalid, "devices have no sequence").WithHint("a sequence is of events")
	case len(q.Select)+len(q.Having)+len(q.Sort) > 0 || q.Bucket != "" || q.Compare != "" || len(q.Measures) > 0 && !counts:
		return fault.New(fault.Invalid, "a sequence has columns of its own").WithHint("sequences can be counted (| count) or counted for each of their common fields (| by src count)")
	case len(q.Group) > 0 && (!counts || len(q.Group) != len(q.Sequence.By)):
		return fault.New(fault.Invalid, "sequences are counted by the fields that they go by").WithHint("by %s count", strings.Join(q.Sequence.By, ", "))
	case len(q.Classes) > 0 || q.Where != nil:
		return fault.New(fault.Invalid, "conditions of a sequence belong into its steps")
	}
	return nil
}

func checkSequence(s *Sequence) error {
	if len(s.Steps) < 2 || len(s.Steps) > MaxSteps {
		return fault.New(fault.Invalid, "a sequence has 2 to %d steps, not %d", MaxSteps, len(s.Steps))
	}
	if len(s.By) == 0 || len(s.By) > 3 {
		return fault.New(fault.Invalid, "a sequence needs one to three fields that its events have in common").WithHint("sequence by src_endpoint.ip within 5m (...) then (...)")
	}
	d, err := ParseDuration(s.Within)
	if err != nil {
		return err
	}
	if d > MaxWithin {
		return fault.New(fault.Invalid, "a sequence ends within %d days, not %s", int(MaxWithin.Hours()/24), s.Within)
	}
	for i, step := range s.Steps {
		if step.Not && i != len(s.Steps)-1 {
			return fault.New(fault.Invalid, "only the last step of a sequence can be not")
		}
		if len(step.By) > 0 && len(step.By) != len(s.By) {
			return fault.New(fault.Invalid, "step %d has %d fields for the %d that the sequence goes by", i+1, len(step.By), len(s.By))
		}
	}
	return nil
}
