package exposure

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"vedette/internal/vuln/priority"
)

// By says what rows are counted by.
type By uint8

// What rows are counted by.
const (
	BySubject By = iota
	ByComponent
	ByVulnerability
)

// Counts are rows by decision, in the order of [priority.Decisions].
type Counts [classes / 2]int

// Group is how many rows a device, a component or a vulnerability has.
type Group struct {
	Key          string // the subject, the code of the component, the id of the vulnerability
	Label        string // of a component: as a person reads it
	Query        string // of a component: what it is known by
	Affected     Counts
	Undetermined Counts
	Subjects     int // devices and products that have it; not counted by subject
}

// Worst is the most urgent class of the group, lower is more urgent: what is
// affected stands before what may be.
func (g *Group) Worst() (decision string, affected bool) {
	for i, d := range priority.Decisions() {
		if g.Affected[i] > 0 {
			return d, true
		}
	}
	for i, d := range priority.Decisions() {
		if g.Undetermined[i] > 0 {
			return d, false
		}
	}
	return "", false
}

func (g *Group) add(n *tally, times int) {
	for i := range n {
		if i < classes/2 {
			g.Affected[i] += n[i] * times
		} else {
			g.Undetermined[i-classes/2] += n[i] * times
		}
	}
}

// Grouped is a page of groups.
type Grouped struct {
	Groups []Group
	Total  int   // groups, without offset and limit
	All    Group // the rows of all groups that want takes, whatever status and decision were asked for
}

// Groups counts the rows by what has them, the most urgent first. Status and
// decision of the filter narrow what counts; want, if it is not nil, narrows the
// groups and must not call the index.
func (v View) Groups(by By, f Filter, want func(key, label string) bool) Grouped {
	x := v.x
	x.mu.Lock()
	defer x.mu.Unlock()
	x.settle()
	top := &topmost{}
	if f.Limit > 0 {
		top.most = max(f.Offset, 0) + f.Limit
	}
	var out Grouped
	take := func(g *Group) {
		if g.empty() || want != nil && !want(g.Key, g.Label) {
			return
		}
		out.All.sum(g)
		if f.narrow(g); !g.empty() {
			out.Total++
			top.add(g)
		}
	}
	switch by {
	case BySubject:
		x.sumUp()
		for _, t := range x.order() {
			if t.cohort != nil && v.sees(t.cohort) && (!v.one || t.id == v.subject) {
				g := Group{Key: t.id}
				g.add(&t.sums, 1)
				take(&g)
			}
		}
	case ByComponent:
		v.byPart(take)
	case ByVulnerability:
		v.byID(take)
	}
	kept := top.sorted()
	out.Groups = slices.Clone(kept[min(max(f.Offset, 0), len(kept)):])
	for i := range out.Groups {
		v.countSubjects(by, &out.Groups[i])
	}
	return out
}

// topmost keeps the most urgent groups of many: those of a page and of the pages
// before it, whatever the rest is.
type topmost struct {
	most int // 0: all
	kept []Group
	last *Group // none that is less urgent is among them
}

func (t *topmost) add(g *Group) {
	if t.last != nil && moreUrgent(t.last, g) < 0 {
		return
	}
	t.kept = append(t.kept, *g)
	if t.most > 0 && len(t.kept) >= 2*t.most+minTopmost {
		t.kept = t.sorted()
		last := t.kept[len(t.kept)-1]
		t.last = &last
	}
}

// minTopmost is how many groups are not worth sorting.
const minTopmost = 1000

func (t *topmost) sorted() []Group {
	slices.SortFunc(t.kept, func(a, b Group) int { return moreUrgent(&a, &b) })
	if t.most > 0 {
		return t.kept[:min(t.most, len(t.kept))]
	}
	return t.kept
}

// moreUrgent orders groups: those with more of what is most urgent first.
func moreUrgent(a, b *Group) int {
	return cmp.Or(slices.Compare(b.Affected[:], a.Affected[:]), slices.Compare(b.Undetermined[:], a.Undetermined[:]), strings.Compare(a.Key, b.Key))
}

func (g *Group) empty() bool { return g.Affected == Counts{} && g.Undetermined == Counts{} }

func (g *Group) sum(o *Group) {
	for i := range o.Affected {
		g.Affected[i] += o.Affected[i]
		g.Undetermined[i] += o.Undetermined[i]
	}
}

// narrow leaves out what the filter does not want.
func (f *Filter) narrow(g *Group) {
	for class := range classes {
		if !f.wants(class) {
			if class < classes/2 {
				g.Affected[class] = 0
			} else {
				g.Undetermined[class-classes/2] = 0
			}
		}
	}
}

// spread is how many subjects of each context have a part, by way of each bill.
type spread struct {
	view  *View
	lists map[*list][]int
}

func (s *spread) of(p *part, contexts int) []int {
	out := make([]int, contexts)
	for c := range p.owners {
		out[c.context] += s.view.count(c)
	}
	for l, n := range p.lists {
		in := s.lists[l]
		if in == nil {
			in = make([]int, contexts)
			for c := range l.cohorts {
				in[c.context] += s.view.count(c)
			}
			s.lists[l] = in
		}
		for c := range in {
			out[c] += in[c] * n
		}
	}
	return out
}

func (v *View) byPart(take func(*Group)) {
	x, s := v.x, &spread{v, map[*list][]int{}}
	for _, p := range x.parts {
		if len(p.rows) == 0 {
			continue
		}
		g := Group{Key: p.code, Label: v.title(p), Query: p.known()}
		for c, n := range s.of(p, len(x.contexts)) {
			if n > 0 {
				g.add(x.countPart(p, c), n)
			}
		}
		take(&g)
	}
}

func (v *View) byID(take func(*Group)) {
	x, s := v.x, &spread{v, map[*list][]int{}}
	at := map[string]*Group{}
	for _, p := range x.parts {
		if len(p.rows) == 0 {
			continue
		}
		for c, n := range s.of(p, len(x.contexts)) {
			if n == 0 {
				continue
			}
			for i := range p.rows {
				r := &p.rows[i]
				id := strings.ToUpper(r.ID)
				g := at[id]
				if g == nil {
					g = &Group{Key: id}
					at[id] = g
				}
				var one tally
				one[classOf(r, x.urgency(r.ID, c))] = n
				g.add(&one, 1)
			}
		}
	}
	for _, g := range at {
		take(g)
	}
}

// countSubjects counts who has what a group is of.
func (v *View) countSubjects(by By, g *Group) {
	x := v.x
	parts := map[*part]struct{}{}
	switch by {
	case ByComponent:
		if p := x.codes[g.Key]; p != nil {
			parts[p] = struct{}{}
		}
	case ByVulnerability:
		parts = x.byVuln[g.Key]
	default:
		return
	}
	who := map[*cohort]struct{}{}
	for p := range parts {
		maps.Copy(who, p.owners)
		for l := range p.lists {
			maps.Copy(who, l.cohorts)
		}
	}
	for c := range who {
		g.Subjects += v.count(c)
	}
}

// title is a part as a person reads it: as a bill writes it, or as the product
// that it is.
func (v *View) title(p *part) string {
	if label := v.label(p); label != "" {
		return label
	}
	return strings.Join(strings.Fields(p.query.Vendor+" "+p.query.Product+" "+p.query.Version), " ")
}

// known is what identifies a part.
func (p *part) known() string {
	for _, list := range [][]string{p.query.PURLs, p.query.CPEs, p.query.Models} {
		if len(list) > 0 {
			return list[0]
		}
	}
	return ""
}

// codeOf names a part in addresses.
func codeOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}
