package exposure

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
)

// Change is an advisory that was taken in, and the one whose place it took; New
// is nil when it was taken away.
type Change struct{ Old, New *advisory.Advisory }

// Touched tells what changes made necessary.
type Touched struct {
	Parts           int `json:"parts"`           // that were matched again
	Vulnerabilities int `json:"vulnerabilities"` // that were rated again or will be when they are read
}

// Changed brings the index up to date with advisories that changed in the index
// of advisories, which must have them already.
func (x *Index) Changed(changes ...Change) Touched {
	x.mu.Lock()
	defer x.mu.Unlock()
	var t Touched
	for _, c := range changes {
		for _, a := range []*advisory.Advisory{c.Old, c.New} {
			x.concern(a)
		}
	}
	for _, c := range changes {
		t.Vulnerabilities += x.rerate(c)
	}
	t.Parts = x.settle()
	return t
}

// concern marks the parts that an advisory may speak of.
func (x *Index) concern(a *advisory.Advisory) {
	x.concerned(a, func(p *part) { x.stale[p] = struct{}{} })
}

// concerned gives them, some more than once.
func (x *Index) concerned(a *advisory.Advisory, f func(p *part)) {
	var patterns []string
	for _, key := range match.Keys(a) {
		if match.Pattern(key) {
			patterns = append(patterns, key)
		} else if b := x.watch[key]; b != nil {
			for p := range b.parts {
				f(p)
			}
		}
	}
	if len(patterns) == 0 {
		return
	}
	for key, b := range x.watch {
		if slices.ContainsFunc(patterns, func(p string) bool { return match.Matches(p, key) }) {
			for p := range b.parts {
				f(p)
			}
		}
	}
}

// Lists are the keys of the bills that have a part of which the advisories may speak.
func (x *Index) Lists(of ...*advisory.Advisory) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.settle()
	parts := map[*part]struct{}{}
	for _, a := range of {
		x.concerned(a, func(p *part) { parts[p] = struct{}{} })
	}
	lists := map[string]bool{}
	for p := range parts {
		for l := range p.lists {
			lists[l.key] = true
		}
	}
	return slices.Sorted(maps.Keys(lists))
}

// rerate forgets the ratings that rest on an advisory. It returns how many of
// the vulnerabilities that something has.
func (x *Index) rerate(c Change) int {
	n := 0
	forget := func(id string) { n += x.forget(id) }
	lists := false
	for _, a := range []*advisory.Advisory{c.Old, c.New} {
		switch {
		case a == nil:
		case a.Kind == advisory.KEV || a.Kind == advisory.EPSS:
			lists = true
		default:
			for i := range a.Vulnerabilities {
				forget(a.Vulnerabilities[i].ID)
				for _, id := range a.Vulnerabilities[i].Aliases {
					forget(id)
				}
			}
		}
	}
	if lists { // what the lists of exploited ones and of chances say is rated by what they say now
		n += x.Reweigh()
	}
	return n
}

// forget forgets the rating of a vulnerability, and returns 1 if something has it.
func (x *Index) forget(id string) int {
	id = strings.ToUpper(id)
	delete(x.rated, id)
	parts := x.byVuln[id]
	if len(parts) > 0 {
		x.changes++
	}
	for p := range parts {
		x.uncount(p)
	}
	return min(1, len(parts))
}

// Reweigh rates anew of what more is known outside the advisories than when it was
// rated, and returns how many that something has are rated otherwise: chances change
// every day, and few so much that anything follows.
func (x *Index) Reweigh() int {
	n := 0
	for id, r := range x.rated {
		facts := x.facts(id)
		if r.facts == facts {
			continue
		}
		x.work.Rated++
		points := x.tree.Found(x.match.Find(id), facts)
		if points.Same(&r.points) {
			r.facts = facts
			continue
		}
		n += x.forget(id)
		x.rated[id] = &rating{points: points, facts: facts}
	}
	return n
}

// uncount forgets what was counted of a part and of the bills with it.
func (x *Index) uncount(p *part) {
	p.counts = nil
	p.rating++
	x.notePart(p)
	for l := range p.lists {
		l.counts = nil
	}
}

// answer is what matching a part gave.
type answer struct {
	part *part
	rows []match.Row
	keys []string
}

// settle matches the parts that wait for it, on all processors, and returns how
// many there were.
func (x *Index) settle() int {
	if len(x.stale) == 0 {
		return 0
	}
	list := make([]*part, 0, len(x.stale))
	for p := range x.stale {
		list = append(list, p)
	}
	clear(x.stale)
	n := min(runtime.GOMAXPROCS(0), 1+len(list)/64)
	answers := make([]answer, len(list))
	var wg sync.WaitGroup
	for w := range n {
		wg.Go(func() {
			for i := w; i < len(list); i += n {
				answers[i] = x.ask(list[i])
			}
		})
	}
	wg.Wait()
	for _, a := range answers {
		if !slices.Equal(a.part.rows, a.rows) {
			x.changes++
			a.part.revision++
			x.notePart(a.part)
		}
		was := a.part.rows
		x.unhook(a.part)
		x.hook(a)
		x.unrate(was)
	}
	x.work.Matched += len(list)
	return len(list)
}

func (x *Index) ask(p *part) answer {
	a := answer{part: p}
	rows := x.match.MatchNoting(p.query, func(key string) { a.keys = append(a.keys, key) })
	rows = slices.DeleteFunc(rows, func(r match.Row) bool { return r.Status == match.NotAffected })
	a.rows = slices.Clip(slices.Clone(rows))
	slices.Sort(a.keys)
	a.keys = slices.Compact(a.keys)
	return a
}

// hook enters what matching gave.
func (x *Index) hook(a answer) {
	p := a.part
	p.rows = a.rows
	p.keys = make([]*bucket, 0, len(a.keys))
	for _, key := range a.keys {
		b := x.watch[key]
		if b == nil {
			b = &bucket{key: key, parts: map[*part]struct{}{}}
			x.watch[key] = b
		}
		b.parts[p] = struct{}{}
		p.keys = append(p.keys, b)
	}
	for i := range p.rows {
		id := strings.ToUpper(p.rows[i].ID)
		m := x.byVuln[id]
		if m == nil {
			m = map[*part]struct{}{}
			x.byVuln[id] = m
		}
		m[p] = struct{}{}
	}
	x.uncount(p)
}

// unrate forgets ratings of what nothing has any more. One of what something has is
// never forgotten silently: that it is rated otherwise later could not be told.
func (x *Index) unrate(rows []match.Row) {
	for i := range rows {
		if id := strings.ToUpper(rows[i].ID); x.byVuln[id] == nil {
			delete(x.rated, id)
		}
	}
}

// unhook takes a part out of what finds it.
func (x *Index) unhook(p *part) {
	for _, b := range p.keys {
		if delete(b.parts, p); len(b.parts) == 0 {
			delete(x.watch, b.key)
		}
	}
	for i := range p.rows {
		id := strings.ToUpper(p.rows[i].ID)
		if m := x.byVuln[id]; m != nil {
			if delete(m, p); len(m) == 0 {
				delete(x.byVuln, id)
			}
		}
	}
	if len(p.rows) > 0 {
		x.notePart(p)
	}
	p.keys, p.rows = nil, nil
}
