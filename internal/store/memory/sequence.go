package memory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/query"
)

// moment is the events of a step with one key at one time.
type moment struct {
	key   []any
	id    string // key as text
	at    time.Time
	uid   string // the least of them
	count int64
}

// sequence answers a query for a sequence.
func (r *run) sequence(all []record) {
	s := r.plan.Sequence
	steps := make([][]moment, len(s.Steps))
	for i, step := range s.Steps {
		steps[i] = r.moments(step, all)
	}
	type found struct {
		chain []moment
		count int64
	}
	ended := map[string]*found{}
	for _, first := range steps[0] {
		chain, ok := r.follow(first, steps[1:])
		if !ok {
			continue
		}
		last := chain[len(chain)-1]
		id := last.id + last.uid
		f := ended[id]
		if f == nil {
			f = &found{chain: chain}
			ended[id] = f
		}
		f.count += first.count
		for i, m := range chain {
			if m.at.Before(f.chain[i].at) {
				f.chain[i] = m
			}
		}
	}
	for _, f := range ended {
		cells := slices.Clone(f.chain[0].key)
		cells = append(cells, f.count)
		for _, m := range f.chain {
			cells = append(cells, m.at, m.uid)
		}
		r.rows = append(r.rows, row{cells: cells})
	}
	end := len(r.plan.Columns) - 2
	slices.SortFunc(r.rows, func(a, b row) int {
		return cmp.Or(compareValues(b.cells[end], a.cells[end]), compareValues(a.cells[end+1], b.cells[end+1]))
	})
}

// follow finds the nearest later event of each further step, and says whether
// the sequence is one.
func (r *run) follow(first moment, rest [][]moment) ([]moment, bool) {
	s := r.plan.Sequence
	chain := []moment{first}
	for i, step := range rest {
		now := chain[len(chain)-1]
		at := slices.IndexFunc(step, func(m moment) bool { return m.id == now.id && m.at.After(now.at) })
		inTime := at >= 0 && step[at].at.Sub(first.at) <= s.Within
		if s.Steps[i+1].Not {
			told := r.plan.To.IsZero() || first.at.Before(r.plan.To.Add(-s.Within))
			return chain, !inTime && told && now.at.Sub(first.at) <= s.Within
		}
		if at < 0 {
			return nil, false
		}
		chain = append(chain, step[at])
	}
	return chain, chain[len(chain)-1].at.Sub(first.at) <= s.Within
}

// moments are the events of a step, in the order of time.
func (r *run) moments(step query.PlanStep, all []record) []moment {
	own := &run{devices: r.devices, plan: &query.Plan{Classes: step.Classes, Where: step.Where, From: r.plan.From, To: r.plan.To, Bounded: true}}
	byID := map[string]*moment{}
	for _, rec := range all {
		if !rec.event.Has(event.SlotTime) || !own.keeps(rec) {
			continue
		}
		m, ok := own.moment(step, rec)
		if !ok {
			continue
		}
		id := m.id + m.at.String()
		if have := byID[id]; have != nil {
			have.count++
			have.uid = min(have.uid, m.uid)
			continue
		}
		byID[id] = &m
	}
	out := make([]moment, 0, len(byID))
	for _, m := range byID {
		out = append(out, *m)
	}
	slices.SortFunc(out, func(a, b moment) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.id, b.id)) })
	return out
}

func (r *run) moment(step query.PlanStep, rec record) (moment, bool) {
	m := moment{at: rec.event.TimeField(), uid: rec.event.MetadataUID(), count: 1}
	for _, ref := range step.By {
		v := r.value(rec, ref)
		if v == nil {
			return m, false
		}
		m.key = append(m.key, fmt.Sprint(v))
		m.id += fmt.Sprintf("%q ", fmt.Sprint(v))
	}
	return m, true
}
