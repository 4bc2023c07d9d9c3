// Package exposure keeps which device and which part of a bill of materials has
// which vulnerability, and brings it up to date when a device, a bill or an
// advisory changes, touching only what the change concerns.
//
// Equal components are one part here, matched once however many devices run it.
// A part remembers every key that its matching looked up, found or not, so that
// a new advisory finds the parts it now speaks of. What is only rated (KEV, EPSS,
// scores) is rated again and not matched. It must not read files or fetch.
package exposure

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
)

// Item is one component as it is matched.
type Item struct {
	Label string // as a person reads it, such as "busybox 1.35.0"
	Query match.Query
}

// Subject is a device, or a product that a bill is of.
type Subject struct {
	Own     match.Query // the product itself; without a name nothing is asked
	Lists   []string    // the keys of its bills
	Context priority.Context
	Zone    string // of a device: who sees the zone sees it; "": only who sees everything
}

// Index is what is exposed to what. It is safe for concurrent use. A change
// costs what it touches; matching waits until the next read or [Index.Changed].
type Index struct {
	match *match.Index
	tree  *priority.Tree

	mu       sync.Mutex
	parts    map[string]*part // by their query
	codes    map[string]*part // by what names them in addresses
	lists    map[string]*list
	subjects map[string]*subject
	ordered  []*subject // by id; may have some that are gone
	fresh    []*subject // not yet in ordered
	gone     int        // of ordered
	watch    map[string]*bucket
	byVuln   map[string]map[*part]struct{} // by the id in upper case
	stale    map[*part]struct{}            // to be matched
	rated    map[string]*rating
	contexts []priority.Context
	cohorts  []*cohort // by serial; nil: free
	free     []int
	byCohort map[cohortKey]*cohort
	work     Work
	serials  uint64 // of parts
	changes  uint64 // counts what changed that a reader can tell
	trail    trail
	marks    uint64 // counts marks on bills and cohorts
}

// Work counts what was done since the index was made.
type Work struct {
	Matched int `json:"matched"` // parts held against the advisories
	Rated   int `json:"rated"`   // vulnerabilities rated
}

// part is a distinct component.
type part struct {
	key    string
	code   string
	query  match.Query
	rows   []match.Row // but those that are not affected
	keys   []*bucket   // that its matching looked up
	lists  map[*list]int
	labels map[string]int // how often bills write it how
	owners map[*cohort]struct{}
	counts tallies

	serial   uint64
	revision uint64 // counts changes of rows and labels
	rating   uint64 // counts changes of how urgent its rows are
	noted    uint64 // where the trail last has it
}

// bucket are the parts that looked a key up.
type bucket struct {
	key   string
	parts map[*part]struct{}
}

// list is a bill of materials. One that is only referred to is empty.
type list struct {
	key     string
	put     bool
	entries []entry
	cohorts map[*cohort]struct{}
	counts  tallies
	noted   uint64 // where the trail last has it
	mark    uint64 // of the last [Census] that has it
	crowd   crowd
}

type entry struct {
	label string
	part  *part
}

type subject struct {
	*cohort // nil when it is gone
	id      string
	at      int // among the members of its cohort
}

// New makes an index over one of advisories. What is in that already counts;
// what changes in it later must be told with [Index.Changed].
func New(advisories *match.Index, tree *priority.Tree) *Index {
	return &Index{
		match: advisories, tree: tree, parts: map[string]*part{}, codes: map[string]*part{}, lists: map[string]*list{}, subjects: map[string]*subject{},
		watch: map[string]*bucket{}, byVuln: map[string]map[*part]struct{}{}, stale: map[*part]struct{}{}, rated: map[string]*rating{},
		byCohort: map[cohortKey]*cohort{},
	}
}

// PutList keeps a bill in the place of the one of the same key.
func (x *Index) PutList(key string, items []Item) {
	x.mu.Lock()
	defer x.mu.Unlock()
	l := x.list(key)
	was := l.entries
	if l.put && x.same(was, items) {
		return
	}
	l.put, l.counts = true, nil
	l.entries = make([]entry, 0, len(items))
	x.changes++
	for i := range items {
		if p := x.part(&items[i].Query); p != nil {
			if p.labels[items[i].Label]++; p.labels[items[i].Label] == 1 {
				p.revision++
			}
			p.lists[l]++
			x.notePart(p)
			l.entries = append(l.entries, entry{items[i].Label, p})
		}
	}
	x.release(l, was)
}

// same tells whether a bill has these items already.
func (x *Index) same(entries []entry, items []Item) bool {
	n := 0
	for i := range items {
		q := &items[i].Query
		if q.Product == "" && len(q.Models) == 0 && len(q.PURLs) == 0 && len(q.CPEs) == 0 {
			continue
		}
		if n >= len(entries) || entries[n].label != items[i].Label || entries[n].part.key != keyOf(q) {
			return false
		}
		n++
	}
	return n == len(entries)
}

// DropList forgets a bill; subjects that refer to it have nothing from it.
func (x *Index) DropList(key string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	l := x.lists[key]
	if l == nil {
		return
	}
	was := l.entries
	x.changes++
	l.put, l.entries, l.counts = false, nil, nil
	x.release(l, was)
	x.tidy(l)
}

func (x *Index) list(key string) *list {
	l := x.lists[key]
	if l == nil {
		l = &list{key: key, cohorts: map[*cohort]struct{}{}}
		x.lists[key] = l
	}
	return l
}

func (x *Index) tidy(l *list) {
	if !l.put && len(l.cohorts) == 0 {
		delete(x.lists, l.key)
	}
}

func (x *Index) release(l *list, entries []entry) {
	for _, e := range entries {
		if e.part.lists[l]--; e.part.lists[l] == 0 {
			delete(e.part.lists, l)
		}
		x.notePart(e.part)
		if e.part.labels[e.label]--; e.part.labels[e.label] == 0 {
			delete(e.part.labels, e.label)
			e.part.revision++
		}
		x.drop(e.part)
	}
}

// PutSubject keeps what a device or product runs in the place of what was known
// of it. It reports whether anything changed.
func (x *Index) PutSubject(id string, s Subject) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	own := x.part(&s.Own)
	at := x.contextOf(s.Context)
	t := x.subjects[id]
	if t != nil && t.own == own && t.context == at && t.zone == s.Zone && slices.EqualFunc(t.lists, s.Lists, func(l *list, key string) bool { return l.key == key }) {
		return false
	}
	x.changes++
	c := x.cohortOf(own, s.Lists, at, s.Zone) // before it leaves the other: what both have stays
	if t == nil {
		t = &subject{id: id}
		x.subjects[id] = t
		x.fresh = append(x.fresh, t)
	} else {
		x.leave(t)
	}
	x.join(c, t)
	return true
}

// DropSubject forgets a device or product.
func (x *Index) DropSubject(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	t := x.subjects[id]
	if t == nil {
		return
	}
	x.changes++
	delete(x.subjects, id)
	x.gone++
	x.leave(t)
}

func (x *Index) contextOf(c priority.Context) int {
	i := slices.Index(x.contexts, c)
	if i < 0 {
		i = len(x.contexts)
		x.contexts = append(x.contexts, c)
	}
	return i
}

// part returns the part of a query; a new one waits to be matched. A query that
// names nothing has none.
func (x *Index) part(q *match.Query) *part {
	if q.Product == "" && len(q.Models) == 0 && len(q.PURLs) == 0 && len(q.CPEs) == 0 {
		return nil
	}
	key := keyOf(q)
	p := x.parts[key]
	if p == nil {
		x.serials++
		p = &part{key: key, code: codeOf(key), query: *q, lists: map[*list]int{}, labels: map[string]int{}, owners: map[*cohort]struct{}{}, serial: x.serials}
		x.parts[key], x.codes[p.code] = p, p
		x.stale[p] = struct{}{}
	}
	return p
}

// keyOf tells queries apart that are answered apart.
func keyOf(q *match.Query) string {
	var b strings.Builder
	for _, s := range []string{q.Vendor, q.Product, q.Version} {
		b.WriteString(s)
		b.WriteByte(0)
	}
	for _, list := range [][]string{q.Models, q.PURLs, q.CPEs} {
		for _, s := range list {
			b.WriteString(s)
			b.WriteByte(1)
		}
		b.WriteByte(0)
	}
	if q.On != nil {
		b.WriteString(q.On.Vendor + "\x01" + q.On.Product + "\x01" + q.On.Version + "\x00")
	}
	if q.Parts {
		b.WriteByte(2)
	}
	return b.String()
}

// drop forgets a part that nothing has any more.
func (x *Index) drop(p *part) {
	if p == nil || len(p.lists)+len(p.owners) > 0 {
		return
	}
	was := p.rows
	x.unhook(p)
	x.unrate(was)
	delete(x.parts, p.key)
	delete(x.codes, p.code)
	delete(x.stale, p)
}

// Stats tells how much is in the index.
type Stats struct {
	Subjects        int `json:"subjects"`
	Lists           int `json:"lists"`
	Parts           int `json:"parts"` // distinct components
	Keys            int `json:"keys"`  // that are waited for
	Vulnerabilities int `json:"vulnerabilities"`
	Work            Work
}

// Stats returns the counts.
func (x *Index) Stats() Stats {
	x.mu.Lock()
	defer x.mu.Unlock()
	return Stats{len(x.subjects), len(x.lists), len(x.parts), len(x.watch), len(x.byVuln), x.work}
}

// order returns the subjects by id.
func (x *Index) order() []*subject {
	if len(x.fresh) == 0 && x.gone <= len(x.ordered)/2 {
		return x.ordered
	}
	byID := func(a, b *subject) int { return strings.Compare(a.id, b.id) }
	slices.SortFunc(x.fresh, byID)
	out := make([]*subject, 0, len(x.subjects))
	i := 0
	for _, t := range x.ordered {
		for ; i < len(x.fresh) && byID(x.fresh[i], t) < 0; i++ {
			out = append(out, x.fresh[i])
		}
		out = append(out, t)
	}
	out = append(out, x.fresh[i:]...)
	x.ordered = slices.DeleteFunc(out, func(t *subject) bool { return t.cohort == nil })
	x.fresh, x.gone = nil, 0
	return x.ordered
}

// Subjects returns the ids of the subjects that are known, in order.
func (x *Index) Subjects() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Sorted(maps.Keys(x.subjects))
}
