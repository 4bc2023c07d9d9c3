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

// moment is an event of a step, or those of one key at one time.
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
	end := len(s.Steps)
	if s.Steps[end-1].Not {
		end--
	}
	steps := make([][]moment, len(s.Steps))
	for i, step := range s.Steps {
		steps[i] = r.moments(step, all, i != end-1)
	}
	for _, last := range steps[end-1] {
		chain, ok := r.back(last, steps[:end-1])
		if !ok || end < len(s.Steps) && !r.unfollowed(chain, steps[end]) {
			continue
		}
		count := int64(1)
		if end > 1 {
			count = 0
			for _, m := range steps[0] {
				if m.id == last.id && m.at.Before(chain[1].at) && last.at.Sub(m.at) <= s.Within {
					count += m.count
				}
			}
		}
		cells := append(slices.Clone(last.key), count)
		for _, m := range chain {
			cells = append(cells, m.at, m.uid)
		}
		r.rows = append(r.rows, row{cells: cells})
	}
	if s.Counted {
		r.countSequences()
		return
	}
	last := len(r.plan.Columns) - 2
	slices.SortFunc(r.rows, func(a, b row) int {
		return cmp.Or(compareValues(b.cells[last], a.cells[last]), compareValues(a.cells[last+1], b.cells[last+1]))
	})
}

// countSequences puts how many rows there are, of all or for each key, in
// place of them.
func (r *run) countSequences() {
	keys := r.plan.Sequence.Keys
	if !r.plan.Sequence.ByKey {
		r.rows = []row{{cells: []any{int64(len(r.rows))}}}
		return
	}
	counts := map[string]*row{}
	for _, x := range r.rows {
		id := fmt.Sprintf("%q", x.cells[:keys])
		if counts[id] == nil {
			counts[id] = &row{cells: append(slices.Clone(x.cells[:keys]), int64(0))}
		}
		counts[id].cells[keys] = counts[id].cells[keys].(int64) + 1
	}
	r.rows = nil
	for _, x := range counts {
		r.rows = append(r.rows, *x)
	}
	slices.SortFunc(r.rows, func(a, b row) int {
		if c := compareValues(b.cells[keys], a.cells[keys]); c != 0 {
			return c
		}
		return slices.CompareFunc(a.cells[:keys], b.cells[:keys], compareValues)
	})
}

// back goes from an event of the last step to the nearest earlier one of each
// step before, and says whether all are there in time. The chain begins with
// the first step.
func (r *run) back(last moment, before [][]moment) ([]moment, bool) {
	chain := []moment{last}
	for _, b := range slices.Backward(before) {
		found := -1
		for k, m := range b {
			if m.id == last.id && m.at.Before(chain[0].at) {
				found = k // they are in the order of time
			}
		}
		if found < 0 {
			return nil, false
		}
		chain = slices.Insert(chain, 0, b[found])
	}
	return chain, last.at.Sub(chain[0].at) <= r.plan.Sequence.Within
}

// unfollowed reports whether none of the last step came in time, and one that
// did could have been seen.
func (r *run) unfollowed(chain []moment, not []moment) bool {
	within, first, now := r.plan.Sequence.Within, chain[0], chain[len(chain)-1]
	at := slices.IndexFunc(not, func(m moment) bool { return m.id == now.id && m.at.After(now.at) })
	inTime := at >= 0 && not[at].at.Sub(first.at) <= within
	return !inTime && (r.plan.To.IsZero() || first.at.Before(r.plan.To.Add(-within)))
}

// moments are the events of a step, in the order of time; folded, those of one
// key at one time are one.
func (r *run) moments(step query.PlanStep, all []record, folded bool) []moment {
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
		if !folded {
			id += m.uid
		}
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
