package exposure

import (
	"cmp"
	"slices"
	"strings"

	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
)

// classes are the decisions of what is affected, then those of what may be.
const classes = 8

// tally counts rows by class.
type tally [classes]int

// tallies are the counts by context; a nil one is not counted yet.
type tallies []*tally

// rating is what is found of a vulnerability, whatever the device.
type rating struct {
	points  priority.Points
	facts   priority.Facts
	urgency []int8 // by context; -1 is not decided yet
}

// Row is a vulnerability of a component of a subject, with how urgent it is there.
type Row struct {
	Subject   string
	Component string
	Part      string // what names the component
	Match     match.Row
	Points    priority.Points
}

// Filter narrows a list.
type Filter struct {
	ID       string // one vulnerability
	Subject  string // one device or product
	Part     string // one component, by its code
	Status   string // affected or undetermined
	Decision string // act, attend, track* or track
	Offset   int
	Limit    int // 0: no limit
}

func (f *Filter) wants(class int) bool {
	if f.Status != "" && (f.Status == match.Affected) != (class < classes/2) {
		return false
	}
	return f.Decision == "" || priority.Urgency(f.Decision) == class%(classes/2)
}

// Rows returns what is or may be affected, most urgent first, and how many there
// are without offset and limit.
func (v View) Rows(f Filter) (rows []Row, total int) {
	x := v.x
	x.mu.Lock()
	defer x.mu.Unlock()
	x.settle()
	f.ID = strings.ToUpper(f.ID)
	among, sums := v.among(f)
	skip := max(f.Offset, 0)
	for class := range classes {
		if !f.wants(class) {
			continue
		}
		total += sums[class]
		if skip >= sums[class] {
			skip -= sums[class]
			continue
		}
		for _, t := range among {
			if f.Limit > 0 && len(rows) >= f.Limit {
				break
			}
			if t.cohort == nil { // it is gone
				continue
			}
			if n := t.sums[class]; skip >= n {
				skip -= n
				continue
			}
			rows, skip = x.take(rows, t, class, f, skip)
		}
	}
	return rows, total
}

// among returns the subjects that a filter can mean and that are seen, with what is
// counted of each in its cohort, and the sum.
func (v *View) among(f Filter) (list []*subject, all tally) {
	x := v.x
	only := x.only(f)
	mine := func(c *cohort) bool { return v.sees(c) }
	if only == nil {
		x.sumUp()
	} else {
		concerned := x.sumUpOf(f, only)
		mine = func(c *cohort) bool { return concerned[c] && v.sees(c) }
	}
	if f.Subject != "" || v.one {
		t := v.find(cmp.Or(f.Subject, v.subject))
		if t == nil || !mine(t.cohort) {
			return nil, all
		}
		return []*subject{t}, t.sums
	}
	n, of := 0, []*cohort{}
	for _, c := range x.cohorts {
		if c != nil && mine(c) {
			n, of = n+c.size(), append(of, c)
			for i, k := range c.sums {
				all[i] += k * c.size()
			}
		}
	}
	return x.inOrder(n, of, mine), all
}

// inOrder are the n members of some cohorts by id; with them may be some that are gone.
func (x *Index) inOrder(n int, of []*cohort, mine func(c *cohort) bool) []*subject {
	if n == len(x.subjects) {
		return x.order()
	}
	out := make([]*subject, 0, n)
	if n < len(x.subjects)/20 { // few: they are put in order by themselves
		for _, c := range of {
			out = append(out, c.order()...)
		}
		slices.SortFunc(out, func(a, b *subject) int { return strings.Compare(a.id, b.id) })
		return out
	}
	for _, t := range x.order() {
		if t.cohort != nil && mine(t.cohort) {
			out = append(out, t)
		}
	}
	return out
}

// sumUp counts the rows of a member of each cohort.
func (x *Index) sumUp() {
	for _, c := range x.cohorts {
		if c != nil {
			c.sums = x.count(c)
		}
	}
}

// sumUpOf counts those that a filter means, of the cohorts that have some of the
// parts, and returns these.
func (x *Index) sumUpOf(f Filter, only map[*part]struct{}) map[*cohort]bool {
	out := map[*cohort]bool{}
	for p := range only {
		for c := range p.owners {
			out[c] = true
		}
		for l := range p.lists {
			for c := range l.cohorts {
				out[c] = true
			}
		}
	}
	for c := range out {
		c.sums = tally{}
		x.each(c, f.ID, only, func(_ *part, _ string, r *match.Row, u int) { c.sums[classOf(r, u)]++ })
	}
	return out
}

// only returns the parts that a filter means; nil: all.
func (x *Index) only(f Filter) map[*part]struct{} {
	if f.Part == "" {
		if f.ID == "" {
			return nil
		}
		if parts := x.byVuln[f.ID]; parts != nil {
			return parts
		}
		return map[*part]struct{}{}
	}
	out := map[*part]struct{}{}
	if p := x.codes[f.Part]; p != nil {
		if _, has := x.byVuln[f.ID][p]; f.ID == "" || has {
			out[p] = struct{}{}
		}
	}
	return out
}

// count counts the rows of a member of a cohort.
func (x *Index) count(t *cohort) (sum tally) {
	add := func(c *tally) {
		for i := range c {
			sum[i] += c[i]
		}
	}
	if t.own != nil {
		add(x.countPart(t.own, t.context))
	}
	for _, l := range t.lists {
		add(x.countList(l, t.context))
	}
	return sum
}

func (c *tallies) at(context int) **tally {
	for len(*c) <= context {
		*c = append(*c, nil)
	}
	return &(*c)[context]
}

func (x *Index) countPart(p *part, context int) *tally {
	at := p.counts.at(context)
	if *at == nil {
		*at = &tally{}
		for i := range p.rows {
			(*at)[classOf(&p.rows[i], x.urgency(p.rows[i].ID, context))]++
		}
	}
	return *at
}

func (x *Index) countList(l *list, context int) *tally {
	at := l.counts.at(context)
	if *at == nil {
		*at = &tally{}
		for _, e := range l.entries {
			for i, n := range x.countPart(e.part, context) {
				(*at)[i] += n
			}
		}
	}
	return *at
}

func classOf(r *match.Row, urgency int) int {
	if r.Status != match.Affected {
		urgency += classes / 2
	}
	return urgency
}

// each goes over the rows of a member of a cohort, of one vulnerability or of all, and of
// some parts or of all.
func (x *Index) each(t *cohort, id string, only map[*part]struct{}, f func(p *part, label string, r *match.Row, urgency int)) {
	one := func(label string, p *part) {
		if _, in := only[p]; only != nil && !in {
			return
		}
		for i := range p.rows {
			if r := &p.rows[i]; id == "" || strings.EqualFold(r.ID, id) {
				f(p, label, r, x.urgency(r.ID, t.context))
			}
		}
	}
	if t.own != nil {
		one("", t.own)
	}
	for _, l := range t.lists {
		for _, e := range l.entries {
			one(e.label, e.part)
		}
	}
}

// take appends the rows of a subject of one class, but the first skip of them.
func (x *Index) take(rows []Row, t *subject, class int, f Filter, skip int) ([]Row, int) {
	x.each(t.cohort, f.ID, x.only(f), func(p *part, label string, r *match.Row, urgency int) {
		switch {
		case classOf(r, urgency) != class || f.Limit > 0 && len(rows) >= f.Limit:
		case skip > 0:
			skip--
		default:
			rows = append(rows, Row{t.id, label, p.code, *r, x.tree.In(x.rate(r.ID).points, x.contexts[t.context])})
		}
	})
	return rows, skip
}

// rate returns what is found of a vulnerability.
func (x *Index) rate(id string) *rating {
	id = strings.ToUpper(id)
	r := x.rated[id]
	if r == nil {
		facts := x.facts(id)
		r = &rating{points: x.tree.Found(x.match.Find(id), facts), facts: facts}
		x.rated[id] = r
		x.work.Rated++
	}
	return r
}

// facts are what is known of a vulnerability outside the advisories.
func (x *Index) facts(id string) priority.Facts {
	chance, _ := x.match.Chance(id)
	return priority.Facts{KEV: x.match.Exploited(id), EPSS: chance.Score, Sighted: x.match.Sighted(id)}
}

func (x *Index) urgency(id string, context int) int {
	r := x.rate(id)
	for len(r.urgency) <= context {
		r.urgency = append(r.urgency, -1)
	}
	if r.urgency[context] < 0 {
		r.urgency[context] = int8(priority.Urgency(x.tree.In(r.points, x.contexts[context]).Decision)) //nolint:gosec // G115: of four
	}
	return int(r.urgency[context])
}
