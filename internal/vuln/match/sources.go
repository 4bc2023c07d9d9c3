package match

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Publisher is how much of one kind one publisher gave.
type Publisher struct {
	Kind      string         `json:"kind"`
	Publisher string         `json:"publisher"`
	Documents int            `json:"documents"`
	Withdrawn int            `json:"withdrawn"`
	Outdated  int            `json:"outdated"` // read by an earlier version, which missed something: to be taken in anew
	Newest    time.Time      `json:"newest"`   // zero when no document tells
	Oldest    time.Time      `json:"oldest"`
	Years     map[string]int `json:"years"` // documents by the year in which they were published
}

// Publishers returns who gave what, by kind and name.
func (x *Index) Publishers() []Publisher {
	x.mu.RLock()
	defer x.mu.RUnlock()
	at := map[[2]string]*Publisher{}
	for _, e := range x.byKey {
		key := [2]string{e.Kind, e.Publisher}
		p := at[key]
		if p == nil {
			p = &Publisher{Kind: e.Kind, Publisher: e.Publisher, Years: map[string]int{}}
			at[key] = p
		}
		p.Documents++
		if e.Withdrawn {
			p.Withdrawn++
		}
		if e.Outdated() {
			p.Outdated++
		}
		if t := e.Updated; !t.IsZero() {
			if p.Newest.Before(t) {
				p.Newest = t
			}
			if p.Oldest.IsZero() || t.Before(p.Oldest) {
				p.Oldest = t
			}
		}
		if t := e.Published; !t.IsZero() {
			p.Years[t.Format("2006")]++
		}
	}
	out := make([]Publisher, 0, len(at))
	for _, p := range at {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Publisher) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Publisher, b.Publisher))
	})
	return out
}
