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

	Counted, ByKey bool // only how many there are is asked for, of all or for each key
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
	p.Sequence = &PlanSequence{Within: within, Keys: len(s.By), Counted: len(q.Measures) > 0, ByKey: len(q.Group) > 0}
	for _, step := range s.Steps {
		ps, err := r.step(step, s.By)
		if err != nil {
			return err
		}
		p.Sequence.Steps = append(p.Sequence.Steps, ps)
	}
	columns := SequenceColumns(s)
	switch {
	case p.Sequence.ByKey:
		columns = columns[:len(s.By)+1]
	case p.Sequence.Counted:
		columns = []string{string(Count)}
	}
	for i, name := range columns {
		c := Column{Name: name, Kind: event.String}
		switch {
		case name == string(Count):
			c.Kind = event.Int
		case i < len(s.By):
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

// sequence writes the steps as relations of key, time and uid. From each event
// of the last step it goes back, each time to the nearest earlier event of the
// step before: a farther one could only leave less time. A last step that is
// Not is looked for forward, from the step before it.
func (c *compiler) sequence() *Compiled {
	s, end := c.plan.Sequence, c.ending()
	first, last, named := c.named()
	chain := last
	have := c.eachKey("a.k%[1]d AS k%[1]d, ") + stepColumns("a", end)
	for n := end - 1; n >= 1; n-- {
		on := c.eachKey("a.k%[1]d = b.k%[1]d AND ") + fmt.Sprintf("a.t%d > b.t%d", n+1, n)
		own := stepColumns("b", n)
		if n == 1 {
			own += ", b.n AS n1"
		}
		step := first
		if n > 1 {
			step = c.stepRelation(s.Steps[n-1], n)
		}
		chain = fill("SELECT "+have+", "+own+" FROM (%s) AS a "+c.d.AsOf+" (%s) AS b ON "+on, chain, step)
		have += ", " + stepColumns("a", n)
	}
	if end > 1 {
		chain = c.counted(chain, first, have+", a.n1 AS n1")
	} else {
		chain = fill("SELECT "+have+", 1 AS n FROM (%s) AS a", chain)
	}
	if end < len(s.Steps) {
		chain = c.notFollowed(chain, have+", a.n AS n")
	}
	found := fill("SELECT * FROM (%s) AS c WHERE %s", chain, c.inTime())
	return c.sequenceAnswer(found, named)
}

// named gives the first and the last step names, if the engine can: the first is
// needed twice, and of the steps before the last one only those with a key of it.
func (c *compiler) named() (first, last frag, named []frag) {
	s, end := c.plan.Sequence, c.ending()
	last = c.stepRelation(s.Steps[end-1], end)
	if c.d.Once == "" || end < 2 {
		return c.stepRelation(s.Steps[0], 1), last, nil
	}
	named = append(named, c.once("last", last))
	if s.Keys > 0 {
		c.only = "k0 IN (SELECT k0 FROM last)"
	}
	named = append(named, c.once("first", c.stepRelation(s.Steps[0], 1)))
	return lit("SELECT * FROM first"), lit("SELECT * FROM last"), named
}

// counted adds how many events of the first step lie in the span before the
// last: those up to the nearest one, less those that are too old.
func (c *compiler) counted(chain, steps frag, have string) frag {
	s, end := c.plan.Sequence, c.ending()
	old := fmt.Sprintf(c.d.FromNanos, fmt.Sprintf(c.d.Nanos, fmt.Sprintf("a.t%d", end))+" - "+strconv.FormatInt(int64(s.Within), 10))
	on := c.eachKey("a.k%[1]d = b.k%[1]d AND ") + old + " > b.t0"
	first := fill("SELECT "+c.eachKey("k%d, ")+"t1 AS t0, n FROM (%s) AS o", steps)
	return fill("SELECT "+have+", a.n1 - coalesce(b.n, 0) AS n FROM (%s) AS a "+c.d.LeftAsOf+" (%s) AS b ON "+on, chain, first)
}

// notFollowed adds the nearest later event of the step that is not to come.
func (c *compiler) notFollowed(chain frag, have string) frag {
	s, end := c.plan.Sequence, c.ending()
	on := c.eachKey("a.k%[1]d = b.k%[1]d AND ") + fmt.Sprintf("a.t%d < b.t%d", end, end+1)
	return fill("SELECT "+have+", "+stepColumns("b", end+1)+" FROM (%s) AS a "+c.d.LeftAsOf+" (%s) AS b ON "+on, chain, c.stepRelation(s.Steps[end], end+1))
}

// sequenceAnswer chooses, orders and limits what is shown of what was found.
func (c *compiler) sequenceAnswer(found frag, named []frag) *Compiled {
	s := c.plan.Sequence
	if s.Counted && !s.ByKey {
		all := fill("SELECT CAST(count(*) AS BIGINT) AS c0 FROM (%s) AS f", found)
		all = c.with(named, all)
		return &Compiled{SQL: all.text, Args: all.args, Count: "SELECT 1"}
	}
	output, order := c.sequenceOutput(), lit(fmt.Sprintf("t%[1]d DESC, u%[1]d ASC", c.ending()))
	if s.ByKey {
		keys := strings.TrimSuffix(c.eachKey("k%d, "), ", ")
		found = fill("SELECT "+keys+", CAST(count(*) AS BIGINT) AS n FROM (%s) AS f GROUP BY "+keys, found)
		var cols strings.Builder
		for k := range s.Keys {
			fmt.Fprintf(&cols, "k%d AS %s, ", k, column(k))
		}
		output, order = lit(cols.String()+"n AS "+column(s.Keys)), lit("n DESC, "+keys)
	}
	if c.d.Once != "" {
		named = append(named, c.once("g", found))
		all := c.with(named, fill("SELECT %s, (SELECT count(*) FROM g) AS total FROM g ORDER BY %s LIMIT %s", output, order, c.limit()))
		return &Compiled{SQL: all.text, Args: all.args}
	}
	all := fill("SELECT %s FROM (%s) AS g ORDER BY %s LIMIT %s", output, found, order, c.limit())
	count := fill("SELECT count(*) FROM (%s) AS g", found)
	return &Compiled{SQL: all.text, Args: all.args, Count: count.text, CountArgs: count.args}
}

// with puts named relations before a query.
func (c *compiler) with(named []frag, query frag) frag {
	if len(named) == 0 {
		return query
	}
	return fill("WITH %s %s", join(named, ", "), query)
}

// ending is the number of the step whose event ends a sequence.
func (c *compiler) ending() int {
	s := c.plan.Sequence
	if s.Steps[len(s.Steps)-1].Not {
		return len(s.Steps) - 1
	}
	return len(s.Steps)
}

func stepColumns(of string, n int) string {
	return fmt.Sprintf("%[1]s.t%[2]d AS t%[2]d, %[1]s.u%[2]d AS u%[2]d", of, n)
}

// eachKey writes a template once for each common field.
func (c *compiler) eachKey(template string) string {
	var b strings.Builder
	for k := range c.plan.Sequence.Keys {
		fmt.Fprintf(&b, template, k)
	}
	return b.String()
}

// stepRelation is the events of a step. Those of the last step are all of
// them; of the others, one row for each key and time, so that engines break no
// tie each in its own way, with how many there are up to it (n).
func (c *compiler) stepRelation(s PlanStep, n int) frag {
	inner := &compiler{d: c.d, t: c.t, joins: map[event.Slot]string{}, plan: &Plan{
		Classes: s.Classes, Where: s.Where, From: c.plan.From, To: c.plan.To, Bounded: true, // without a trusted time nothing follows
	}}
	var cols, there []frag
	for k, ref := range s.By {
		v := fill("CAST(%s AS VARCHAR)", inner.value(ref))
		cols = append(cols, fill("%s AS k"+strconv.Itoa(k), v))
		there = append(there, fill("%s IS NOT NULL", v))
	}
	at := "e." + ident(event.FieldOf(event.SlotTime).Name)
	cols = append(cols, lit(fmt.Sprintf("%s AS t%d", at, n)), lit(fmt.Sprintf("e.%s AS u%d", ident(event.FieldOf(event.SlotMetadataUID).Name), n)))
	there = append(there, lit(at+" IS NOT NULL"))
	where := inner.filter()
	rows := fill("SELECT %s FROM %s WHERE %s AND %s", join(cols, ", "), inner.from(), where, join(there, " AND "))
	if n == c.ending() {
		return rows
	}
	if c.only != "" {
		rows = fill("SELECT * FROM (%s) AS r WHERE "+c.only, rows)
	}
	keys := c.eachKey("k%d, ")
	tied := fill(fmt.Sprintf("SELECT %[1]st%[2]d, min(u%[2]d) AS u%[2]d, count(*) AS m FROM (%%s) AS s GROUP BY %[1]st%[2]d", keys, n), rows)
	return fill(fmt.Sprintf("SELECT %[1]st%[2]d, u%[2]d, CAST(sum(m) OVER (PARTITION BY %[3]s ORDER BY t%[2]d) AS BIGINT) AS n FROM (%%s) AS w", keys, n, strings.TrimSuffix(keys, ", ")), tied)
}

// inTime is the condition that the steps came soon enough, and that the one
// that is not to come did not and could have been seen.
func (c *compiler) inTime() frag {
	s, end := c.plan.Sequence, c.ending()
	took := func(n int) frag {
		return fill(fmt.Sprintf(c.d.Nanos, "c.t"+strconv.Itoa(n))+" - "+fmt.Sprintf(c.d.Nanos, "c.t1")+" <= %s", param("CAST(? AS BIGINT)", int64(s.Within)))
	}
	parts := []frag{took(end)}
	if end < len(s.Steps) {
		parts = append(parts, fill(fmt.Sprintf("(c.t%d IS NULL OR NOT (%%s))", end+1), took(end+1)))
		if !c.plan.To.IsZero() {
			parts = append(parts, fill("c.t1 < %s", c.timeArg(c.plan.To.Add(-s.Within))))
		}
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
