// Package match tells, for a product in a version, which vulnerabilities it is
// affected by: yes, no, or undetermined, each with its reason and source. The
// word of a VEX counts more than that of a CSAF advisory, that more than the
// ranges of a CVE record, and those more than what others added by CPE.
//
// A product that no advisory names has no vulnerabilities here; one that is
// named only as part of a family, or whose version has no sure order, is
// undetermined. It must not guess a version, keep files or fetch.
package match

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/version"
)

// Query is a product as an inventory, a banner or a bill of materials writes it.
type Query struct {
	Vendor  string   `json:"vendor"`
	Product string   `json:"product"`
	Version string   `json:"version"`
	Models  []string `json:"models,omitempty"` // order numbers besides
	PURLs   []string `json:"purls,omitempty"`
	CPEs    []string `json:"cpes,omitempty"`
	// On is what it is known to be a part of: what a source says of it there counts.
	On *Platform `json:"on,omitempty"`
	// Parts: what it is made of is known, and asked apart.
	Parts bool `json:"parts,omitempty"`
}

// Platform is what something is installed on or a component of.
type Platform struct {
	Vendor  string `json:"vendor,omitempty"`
	Product string `json:"product"`
	Version string `json:"version,omitempty"`
}

// The answers.
const (
	Affected     = "affected"
	NotAffected  = "not_affected"
	Undetermined = "undetermined"
)

// Row is the answer for one vulnerability.
type Row struct {
	ID         string  `json:"id"`
	Status     string  `json:"status"`
	Reason     string  `json:"reason"`
	Source     string  `json:"source"`
	Fix        string  `json:"fix"`
	Confidence float64 `json:"confidence"`

	about About
}

// About returns what the row rests on.
func (r *Row) About() About { return r.about }

// how a product was found.
type how uint8

const (
	byModel how = iota + 1
	byPURL
	byName
	byTail     // by the last words of its name
	byFamily   // the advisory names a family
	byPlatform // the advisory names something on it, or in it
)

// found are the products of one advisory that the query may mean.
type found struct {
	in       *entry
	products map[int32]how

	doubtful string // why what was found by name need not be it

	on   *platformName // what the query is on
	onAt map[int]there // by product that others are on

	spots  []spot // as products, by place; made when all are found
	placed []placed
}

// spot is how a product was found, and where among the placed ones it stands, from
// 1; 0: its place was not worked out yet. Vulnerabilities share products.
type spot struct {
	by how
	at int32
}

// placed is where the version of the query lies beside a product.
type placed struct {
	at        version.Place
	why, text string
	variant   string
	v         string // the version that was held against it
	fix       string // end of the affected span in which it lies, or may lie
}

// ready lays the products out for judging.
func (f *found) ready() {
	f.spots = make([]spot, len(f.in.Products))
	for p, by := range f.products {
		f.spots[p].by = by
	}
}

// of is how a product was found; 0: it was not.
func (f *found) of(n int) how {
	if n < 0 || n >= len(f.spots) {
		return 0
	}
	return f.spots[n].by
}

// place works out once where the version lies beside a product.
func (f *found) place(n int, q *Query) *placed {
	s := &f.spots[n]
	if s.at > 0 {
		return &f.placed[s.at-1]
	}
	in, by := &f.in.Products[n], s.by
	set := versionsOf(in)
	p := placed{v: q.versionFor(by), variant: variant(in, by), text: set.String()}
	p.at, p.why = set.Locate(p.v)
	if len(set.Spans) == 1 && p.v == q.Version && !set.All && len(set.Exact)+len(set.Except) == 0 && set.Unread == "" && !set.Unsaid {
		if set.Spans[0].HighOut && (p.at == version.Inside || p.at == version.NotSure) {
			p.fix = set.Spans[0].High // what fixAfter would find out again
		}
	} else {
		p.fix = fixAfter(set, q.Version)
	}
	f.placed = append(f.placed, p)
	s.at = int32(len(f.placed)) //nolint:gosec // G115: bounded by the reader
	return &f.placed[s.at-1]
}

// Match answers for every vulnerability that an advisory joins with the product.
func (x *Index) Match(q Query) []Row { return x.MatchNoting(q, nil) }

// MatchNoting answers as Match does, and tells note, if it is not nil, every key
// that it looked up, found or not. The answer stays what it is until an advisory
// changes that has one of them; see [Keys].
func (x *Index) MatchNoting(q Query, note func(key string)) []Row {
	x.mu.RLock()
	defer x.mu.RUnlock()
	q.filled()
	hits, on := x.look(&q, note), x.platformNames.of(q.On)
	verdicts := map[string][]verdict{}
	for _, f := range hits {
		f.ready()
		f.on, f.doubtful = on, f.doubt(x, &q)
		for i := range f.in.Vulnerabilities {
			v := &f.in.Vulnerabilities[i]
			verdicts[v.ID] = append(verdicts[v.ID], judge(f, v, &q)...)
		}
	}
	rows := make([]Row, 0, len(verdicts))
	for id, list := range verdicts {
		if row, ok := settle(id, list); ok {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.ID, b.ID) })
	return rows
}

// search gathers products, each by the best way in which it was found.
type search struct {
	index  *Index
	vendor string
	makers []string // that CPEs name; nil: any
	at     map[*entry]*found
	order  []*found
	note   func(key string)
}

// find takes what a table has under a key.
func (s *search) find(table byte, key string, by how) { s.take(s.list(table, key), by) }

// list returns what a table has under a key, and notes that it was asked for.
func (s *search) list(table byte, key string) []ref {
	if s.note != nil {
		s.note(string(table) + key)
	}
	return s.index.table(table)[key]
}

func (s *search) take(list []ref, by how) {
	for _, r := range list {
		of := r
		if by == byPlatform {
			of.product = int32(r.in.Products[r.product].On - 1) //nolint:gosec // G115: bounded by the reader
		}
		if r.in.dead || r.in.Withdrawn || !fits(of, s.vendor, by) || by != byPURL && by != byModel && !s.made(of) {
			continue
		}
		f := s.at[r.in]
		if f == nil {
			f = &found{in: r.in, products: map[int32]how{}}
			s.at[r.in] = f
			s.order = append(s.order, f)
		}
		if was := f.products[r.product]; was == 0 || by < was {
			f.products[r.product] = by
		}
	}
}

// made tells whether a product is of one of the makers that CPEs name.
func (s *search) made(r ref) bool {
	return len(s.makers) == 0 || slices.ContainsFunc(s.makers, func(maker string) bool {
		return slices.ContainsFunc(r.in.makers[r.product], func(m string) bool { return sameVendor(m, maker) })
	})
}

// look finds the products that the query may mean.
func (x *Index) look(q *Query, note func(string)) []*found {
	s := &search{index: x, vendor: x.aliases.Vendor(q.Vendor), at: map[*entry]*found{}, note: note}
	n := prepare(q.Product, vendorWords(q.Vendor))
	x.identified(s, q, &n)
	if n.key == "" {
		return s.order
	}
	exact := len(s.order) > 0
	s.makers = x.cpeMakers(q)
	s.find(tableName, n.key, byName)
	for _, maker := range []string{squash(words(q.Vendor)), vendorKey(q.Vendor)} { // names that have the maker in them
		if maker != "" {
			s.find(tableName, maker+n.key, byName)
		}
	}
	s.order = dropOthers(s.order, &n, exact, q.Product)
	clear(s.at)
	for _, f := range s.order {
		s.at[f.in] = f
	}
	if bare := withoutVersion(q.Product, q.Version); bare != "" && len(s.order) == 0 {
		s.find(tableName, prepare(bare, vendorWords(q.Vendor)).key, byName)
	}
	if len(s.order) == 0 {
		for _, m := range n.loose {
			s.find(tableModel, m, byModel)
		}
	}
	if len(s.order) == 0 && telling(n.words) {
		if list := s.list(tableTail, n.key); single(list) {
			s.take(list, byTail)
		}
	}
	for k := 1; k < len(n.words); k++ {
		s.find(tableHead, squash(n.words[:k]), byFamily)
	}
	x.platforms(s, q, &n)
	return s.order
}

// identified takes what package URLs, CPEs and order numbers name.
func (x *Index) identified(s *search, q *Query, n *name) {
	for _, u := range q.PURLs {
		if p, ok := advisory.ParsePURL(u); ok {
			s.find(tablePURL, p.Base(), byPURL)
			x.owned(s, &p)
			x.built(s, q, u, &p)
		}
	}
	if group, artifact, ok := strings.Cut(q.Product, ":"); ok && strings.Contains(group, ".") && !strings.ContainsAny(q.Product, " /") {
		s.find(tablePURL, (&advisory.PURL{Type: "maven", Namespace: group, Name: artifact}).Base(), byPURL)
	}
	asked := s.vendor
	for _, text := range q.CPEs {
		if c, ok := advisory.ParseCPE(text); ok {
			if s.vendor = x.aliases.Vendor(c.Vendor); s.vendor == "" {
				s.vendor = asked
			}
			s.find(tableName, prepare(c.Product, vendorWords(c.Vendor)).key, byName)
		}
	}
	s.vendor = asked
	for _, m := range append(slices.Clone(n.models), models(q.Models)...) {
		s.find(tableModel, m, byModel)
		s.take(x.wildcards(m), byModel)
	}
}

// dropOthers leaves out what bears the name but another order number or another
// addition in brackets, when the one that was asked for is there.
func dropOthers(list []*found, n *name, byNumber bool, asked string) []*found {
	added := func(s string) bool { return strings.ContainsAny(s, "([") }
	same := func(f *found, p int32) bool {
		return f.in.names[p].full == n.full
	}
	exact := false
	for _, f := range list {
		for p, by := range f.products {
			exact = exact || by == byName && same(f, p)
		}
	}
	for _, f := range list {
		for p, by := range f.products {
			if by != byName {
				continue
			}
			if byNumber && numbered(f.in, p) || exact && (added(f.in.Products[p].Name) || added(asked)) && !same(f, p) {
				delete(f.products, p)
			}
		}
	}
	return slices.DeleteFunc(list, func(f *found) bool { return len(f.products) == 0 })
}

// numbered tells whether a product has order numbers.
func numbered(e *entry, p int32) bool { return len(e.Products[p].Models)+len(e.names[p].models) > 0 }

func models(list []string) []string {
	var out []string
	for _, m := range list {
		if key := modelKey(m); key != "" {
			out = append(out, key)
		}
	}
	return out
}

func (x *Index) wildcards(model string) []ref {
	var out []ref
	for _, w := range x.wild {
		if w.pattern[0] != model[0] && w.pattern[0] != '*' && w.pattern[0] != '?' {
			continue
		}
		if ok, err := path.Match(w.pattern, model); err == nil && ok {
			out = append(out, w.ref)
		}
	}
	return out
}

// single tells whether all the products have one name.
func single(list []ref) bool {
	key := ""
	for _, r := range list {
		if r.in.dead {
			continue
		}
		k := r.in.names[r.product].key
		if key != "" && k != key {
			return false
		}
		key = k
	}
	return key != ""
}

// fits tells whether the vendors can be one. An order number is a vendor's own,
// and a package's name too.
func fits(r ref, vendor string, by how) bool {
	if by == byPURL || vendor == "" {
		return true
	}
	makers := r.in.makers[r.product]
	if sameVendor(vendor, makers[0]) {
		return r.in.Products[r.product].Vendor != "" || by != byFamily
	}
	return slices.ContainsFunc(makers[1:], func(v string) bool { return sameVendor(vendor, v) })
}

// versionFor is the version to hold against a product that was found in a way. What
// a distribution numbers is held against its own ranges alone; against the maker's
// it is the maker's version in it.
func (q *Query) versionFor(by how) string {
	v := q.Version
	if by != byPURL && q.packaged() {
		return upstream(v)
	}
	return v
}

// packaged tells whether the query is of a distribution's package.
func (q *Query) packaged() bool {
	for _, u := range q.PURLs {
		if p, ok := advisory.ParsePURL(u); ok && distributions[p.Type] {
			return true
		}
	}
	return false
}

// settle joins what all sources say of one vulnerability.
func settle(id string, list []verdict) (Row, bool) {
	// What a person said of another version says nothing here.
	list = slices.DeleteFunc(list, func(v verdict) bool { return v.rank == advisory.BySelf && v.strength == ignorant })
	if len(list) == 0 {
		return Row{}, false
	}
	slices.SortStableFunc(list, func(a, b verdict) int {
		if a.rank != b.rank {
			return int(b.rank - a.rank)
		}
		if a.strength != b.strength {
			return int(b.strength - a.strength)
		}
		return newest(a.about, b.about)
	})
	best := list[0]
	if best.strength == ignorant { // no word: the next source's counts
		for _, v := range list[1:] {
			if v.strength > ignorant {
				why := best.reason
				best = v
				best.reason += "; " + sourceOf(list[0].about) + " does not settle it: " + why
				best.confidence *= 0.8
				break
			}
		}
	}
	if best.hide {
		return Row{}, false
	}
	row := Row{ID: id, Status: best.status, Reason: best.reason, Source: sourceOf(best.about), Fix: best.fix, Confidence: best.confidence, about: best.about}
	for _, v := range list {
		if row.Fix == "" {
			row.Fix = v.fix
		}
	}
	return row, true
}

// newest orders what is equal else: the later first, then by key, so that the
// order in which advisories came in tells nothing.
func newest(a, b About) int {
	return cmp.Or(b.Advisory.Updated.Compare(a.Advisory.Updated), strings.Compare(a.Advisory.Key(), b.Advisory.Key()))
}

func sourceOf(a About) string {
	if a.Advisory.Publisher == "" {
		return a.Advisory.ID
	}
	if strings.EqualFold(a.Advisory.Publisher, "osv") || a.Advisory.Kind == advisory.CVE {
		return a.Advisory.ID
	}
	return a.Advisory.ID + " (" + a.Advisory.Publisher + ")"
}

// fixOf finds the version that mends a vulnerability for the products: what is
// listed as fixed, what a vendor's fix names, or the end of the affected range.
func fixOf(f *found, v *advisory.Vulnerability, q *Query) string {
	mine := func(products []int) bool {
		return len(products) == 0 || slices.ContainsFunc(products, func(p int) bool { return f.of(p) != 0 })
	}
	for _, s := range v.Statements {
		if f.of(s.Product) == 0 || s.Status != advisory.Fixed {
			continue
		}
		if p := &f.in.Products[s.Product]; len(p.Versions.Exact) > 0 {
			return p.Versions.Exact[0]
		}
	}
	for _, s := range v.Statements {
		if f.of(s.Product) == 0 || s.Status != advisory.Affected {
			continue
		}
		if fix := f.place(s.Product, q).fix; fix != "" {
			return fix
		}
	}
	for _, r := range v.Remedies {
		if r.Fix != "" && mine(r.Products) {
			return r.Fix
		}
	}
	return ""
}

// fixAfter is the end of the first span in which a version lies, or may lie, when
// that end is no part of it.
func fixAfter(set *version.Set, current string) string {
	for _, sp := range set.Spans {
		if !sp.HighOut {
			continue
		}
		one := version.Set{Scheme: set.Scheme, Spans: []version.Span{sp}}
		if at, _ := one.Locate(current); at == version.Inside || at == version.NotSure {
			return sp.High
		}
	}
	return ""
}
