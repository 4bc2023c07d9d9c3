package query

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// PlanSequence is a resolved sequence. Steps are at least two; Columns of the
// plan are those of [SequenceColumns].
type PlanSequence struct {
	Within time.Duration
	Keys   int // how many common fields
	Steps  []PlanStep
}

// PlanStep is a resolved step.
type PlanStep struct {
	Classes []event.Class
	Where   *Cond
	By      []*Ref
	Not     bool
}

func (r *resolver) sequence(p *Plan, q Query) error {
	if err := aloneSequence(&q); err != nil {
		return err
	}
	s := q.Sequence
	if err := checkSequence(s); err != nil {
		return err
	}
	within, err := ParseDuration(s.Within)
	if err != nil {
		return err
	}
	p.Sequence = &PlanSequence{Within: within, Keys: len(s.By)}
	for _, step := range s.Steps {
		ps, err := r.step(step, s.By)
		if err != nil {
			return err
		}
		p.Sequence.Steps = append(p.Sequence.Steps, ps)
	}
	for i, name := range SequenceColumns(s) {
		c := Column{Name: name, Kind: event.String}
		switch {
		case i < len(s.By):
		case name == string(Count):
			c.Kind = event.Int
		case strings.HasSuffix(name, ".time"):
			c.Kind = event.Time
		}
		p.Columns = append(p.Columns, c)
	}
	return nil
}

func (r *resolver) step(s Step, by []string) (PlanStep, error) {
	out := PlanStep{Not: s.Not}
	part := &Plan{}
	if err := r.classes(part, Query{Classes: s.Classes}); err != nil {
		return out, err
	}
	out.Classes = part.Classes
	var err error
	if out.Where, err = r.cond(s.Where, 0); err != nil {
		return out, err
	}
	if len(s.By) > 0 {
		by = s.By
	}
	for _, name := range by {
		ref, err := r.ref(name)
		if err != nil {
			return out, err
		}
		if ref.Kind != event.String && ref.Kind != event.IP && ref.Kind != event.Int {
			return out, fault.New(fault.Invalid, "a sequence cannot follow %s: it is a %s", ref.Name, ref.Kind)
		}
		out.By = append(out.By, ref)
	}
	return out, nil
}

// sequence writes the steps as relations of key, time and uid, joined each to
// the nearest later event of the next step, and folded to one row for each
// last event. The nearest is enough: a later one could only leave less time.
func (c *compiler) sequence() *Compiled {
	s := c.plan.Sequence
	chain, have := c.stepRelation(s.Steps[0], 1), c.stepColumns(1)
	for n := 2; n <= len(s.Steps); n++ {
		step := s.Steps[n-1]
		joined := c.d.AsOf
		if step.Not {
			joined = c.d.LeftAsOf
		}
		on := c.eachKey("a.k%[1]d = b.k%[1]d AND ") + fmt.Sprintf("a.t%d < b.t%d", n-1, n)
		own := fmt.Sprintf("b.t%[1]d AS t%[1]d, b.u%[1]d AS u%[1]d", n)
		chain = fill("SELECT "+have+", "+own+" FROM (%s) AS a "+joined+" (%s) AS b ON "+on, chain, c.stepRelation(step, n))
		have += fmt.Sprintf(", a.t%[1]d AS t%[1]d, a.u%[1]d AS u%[1]d", n)
	}
	folded := c.fold(chain)
	all := fill(fmt.Sprintf("SELECT %%s FROM (%%s) AS f ORDER BY t%[1]d DESC, u%[1]d ASC LIMIT %%s", c.ending()), c.sequenceOutput(), folded, c.limit())
	count := fill("SELECT count(*) FROM (%s) AS f", folded)
	return &Compiled{SQL: all.text, Args: all.args, Count: count.text, CountArgs: count.args}
}

// ending is the number of the step whose event ends a sequence.
func (c *compiler) ending() int {
	s := c.plan.Sequence
	if s.Steps[len(s.Steps)-1].Not {
		return len(s.Steps) - 1
	}
	return len(s.Steps)
}

// stepColumns are the columns of the first step as the chain begins.
func (c *compiler) stepColumns(n int) string {
	return c.eachKey("a.k%[1]d AS k%[1]d, ") + fmt.Sprintf("a.m AS m, a.t%[1]d AS t%[1]d, a.u%[1]d AS u%[1]d", n)
}

// eachKey writes a template once for each common field.
func (c *compiler) eachKey(template string) string {
	var b strings.Builder
	for k := range c.plan.Sequence.Keys {
		fmt.Fprintf(&b, template, k)
	}
	return b.String()
}

// stepRelation is the events of a step: one row for each key and time, with
// how many there are (m), so that engines break no tie each in its own way.
func (c *compiler) stepRelation(s PlanStep, n int) frag {
	inner := &compiler{d: c.d, t: c.t, joins: map[event.Slot]string{}, plan: &Plan{
		Classes: s.Classes, Where: s.Where, From: c.plan.From, To: c.plan.To, Bounded: true, // without a trusted time nothing follows
	}}
	var cols, there []frag
	keys := c.eachKey("k%d, ")
	for k, ref := range s.By {
		v := fill("CAST(%s AS VARCHAR)", inner.value(ref))
		cols = append(cols, fill("%s AS k"+strconv.Itoa(k), v))
		there = append(there, fill("%s IS NOT NULL", v))
	}
	at := "e." + ident(event.FieldOf(event.SlotTime).Name)
	cols = append(cols, lit(at+" AS t"), lit("e."+ident(event.FieldOf(event.SlotMetadataUID).Name)+" AS u"))
	there = append(there, lit(at+" IS NOT NULL"))
	where := inner.filter()
	rows := fill("SELECT %s FROM %s WHERE %s AND %s", join(cols, ", "), inner.from(), where, join(there, " AND "))
	return fill(fmt.Sprintf("SELECT %[1]st AS t%[2]d, min(u) AS u%[2]d, count(*) AS m FROM (%%s) AS s%[2]d GROUP BY %[1]st", keys, n), rows)
}

// fold keeps what ended in time, one row for each event that ends a sequence.
func (c *compiler) fold(chain frag) frag {
	end := c.ending()
	ended := fmt.Sprintf("c.t%[1]d, c.u%[1]d", end)
	keys := c.eachKey("c.k%d, ") + ended
	var cols strings.Builder
	cols.WriteString(keys + ", CAST(sum(c.m) AS BIGINT) AS n")
	for i := 1; i < end; i++ {
		cols.WriteString(fmt.Sprintf(", min(c.t%[1]d) AS t%[1]d, ", i) + fmt.Sprintf(c.d.ArgMin, fmt.Sprintf("c.u%d", i), fmt.Sprintf("c.t%d", i)) + fmt.Sprintf(" AS u%d", i))
	}
	return fill("SELECT "+cols.String()+" FROM (%s) AS c WHERE %s GROUP BY "+keys, chain, c.inTime())
}

// inTime is the condition that the last step came soon enough, or, if it is
// not to come, that it did not and could have been seen.
func (c *compiler) inTime() frag {
	s := c.plan.Sequence
	took := func(n int) frag {
		return fill(fmt.Sprintf(c.d.Nanos, "c.t"+strconv.Itoa(n))+" - "+fmt.Sprintf(c.d.Nanos, "c.t1")+" <= %s", param("CAST(? AS BIGINT)", int64(s.Within)))
	}
	n := len(s.Steps)
	if !s.Steps[n-1].Not {
		return took(n)
	}
	parts := []frag{fill("(c.t"+strconv.Itoa(n)+" IS NULL OR NOT (%s))", took(n))}
	if n > 2 {
		parts = append(parts, took(n-1))
	}
	if !c.plan.To.IsZero() {
		parts = append(parts, fill("c.t1 < %s", c.timeArg(c.plan.To.Add(-s.Within))))
	}
	return join(parts, " AND ")
}

func (c *compiler) sequenceOutput() frag {
	var out []frag
	add := func(text string) { out = append(out, lit(text+" AS "+column(len(out)))) }
	for k := range c.plan.Sequence.Keys {
		add("k" + strconv.Itoa(k))
	}
	add("n")
	for i := 1; i <= c.ending(); i++ {
		add("t" + strconv.Itoa(i))
		add("u" + strconv.Itoa(i))
	}
	return join(out, ", ")
}
