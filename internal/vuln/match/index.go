package match

import (
	"slices"
	"strings"
	"sync"

	"vedette/internal/vuln/advisory"
)

// entry is an advisory in the index. A replaced one is dead.
type entry struct {
	*advisory.Advisory
	names  []name // of its products
	bases  map[int]*base
	makers [][]string // of its products, as Aliases.Vendor gives them: the one it names, then those of CPEs
	dead   bool
}

// ref is a product of an advisory.
type ref struct {
	in      *entry
	product int32
}

// Index finds advisories by product. It is safe for concurrent use.
type Index struct {
	aliases *Aliases

	mu      sync.RWMutex
	byKey   map[string]*entry // by the advisory's key
	byName  map[string][]ref  // by the squashed name
	byTail  map[string][]ref  // by the last words of a name
	byHead  map[string][]ref  // families, by their words
	byModel map[string][]ref  // by order number
	wild    []wildModel       // order numbers with * and ?
	byPURL  map[string][]ref  // by package
	byBase  map[string][]ref  // by the platform that they are on

	platformNames readyPlatforms

	conditional map[string]map[string]int // by key of a part: what it may be on, and how often
	baseNames   map[string]int            // all that parts may be on

	byVuln   map[string][]*entry // by vulnerability
	kev      map[string]string
	sighted  map[string]string // by id: where it was seen exploited here
	epss     map[string]advisory.Chance
	products int
	gone     int // products of replaced advisories that lists still refer to
}

// minSweep is how many products of replaced advisories are not worth a sweep.
const minSweep = 1000

type wildModel struct {
	pattern string
	ref
}

// New makes an empty index.
func New(aliases *Aliases) *Index {
	return &Index{
		aliases: aliases, byKey: map[string]*entry{}, byName: map[string][]ref{}, byTail: map[string][]ref{}, byHead: map[string][]ref{},
		byModel: map[string][]ref{}, byPURL: map[string][]ref{}, byBase: map[string][]ref{}, conditional: map[string]map[string]int{}, baseNames: map[string]int{}, byVuln: map[string][]*entry{},
		kev: map[string]string{}, epss: map[string]advisory.Chance{},
	}
}

// Add puts an advisory in, in the place of the one of the same key. It touches
// what the advisory names and nothing else.
func (x *Index) Add(a *advisory.Advisory) {
	x.mu.Lock()
	defer x.mu.Unlock()
	key := a.Key()
	if old := x.byKey[key]; old != nil {
		old.dead = true
		x.condition(old, -1)
		x.products -= len(old.Products)
		x.gone += len(old.Products)
		if x.gone > x.products+minSweep {
			x.sweep()
		}
	}
	e := &entry{Advisory: a, names: make([]name, len(a.Products)), makers: make([][]string, len(a.Products))}
	x.byKey[key] = e
	switch a.Kind {
	case advisory.KEV:
		clear(x.kev)
		for i := range a.Vulnerabilities {
			x.kev[a.Vulnerabilities[i].ID] = a.Vulnerabilities[i].KEV
		}
		return
	case advisory.EPSS:
		x.epss = a.EPSS
		return
	}
	x.products += len(a.Products)
	for i := range a.Products {
		x.addProduct(e, i)
	}
	e.bases = bases(a, e.names)
	x.condition(e, 1)
	for i := range a.Vulnerabilities {
		v := &a.Vulnerabilities[i]
		for _, id := range append([]string{v.ID}, v.Aliases...) {
			id = strings.ToUpper(id)
			if l := x.byVuln[id]; len(l) == 0 || l[len(l)-1] != e {
				x.byVuln[id] = append(alive(l), e)
			}
		}
	}
}

// sweep takes what was replaced out of all lists: a feed that is taken in every day
// would fill them, and the bound of order numbers with wildcards.
func (x *Index) sweep() {
	for _, m := range []map[string][]ref{x.byName, x.byTail, x.byHead, x.byModel, x.byPURL, x.byBase} {
		for key, list := range m {
			if m[key] = slices.DeleteFunc(list, func(r ref) bool { return r.in.dead }); len(m[key]) == 0 {
				delete(m, key)
			}
		}
	}
	x.wild = slices.DeleteFunc(x.wild, func(w wildModel) bool { return w.in.dead })
	x.gone = 0
}

func alive(list []*entry) []*entry {
	return slices.DeleteFunc(list, func(e *entry) bool { return e.dead })
}

// The tables of the index; a key that is looked up is the letter of its table
// and what is looked for.
const (
	tableName     = 'n'
	tableTail     = 't'
	tableHead     = 'h'
	tableModel    = 'm'
	tablePURL     = 'p'
	tablePlatform = 'o' // what it is on, or a component of
	tableWild     = '*' // order numbers with wildcards, which are held against those asked for
)

func (x *Index) table(table byte) map[string][]ref {
	switch table {
	case tableName:
		return x.byName
	case tableTail:
		return x.byTail
	case tableHead:
		return x.byHead
	case tableModel:
		return x.byModel
	case tablePURL:
		return x.byPURL
	case tablePlatform:
		return x.byBase
	}
	return nil
}

func (x *Index) addProduct(e *entry, i int) {
	p := &e.Products[i]
	r := ref{e, int32(i)} //nolint:gosec // G115: bounded by the reader
	e.names[i] = prepare(p.Name, vendorWords(p.Vendor))
	e.makers[i] = x.makersOf(p)
	platformKeys(e.Advisory, i, func(_ byte, key string) { x.byBase[key] = append(x.byBase[key], r) })
	productKeys(p, &e.names[i], func(table byte, key string) {
		if table != tableWild {
			m := x.table(table)
			m[key] = append(m[key], r)
		} else if len(x.wild) < 200_000 {
			x.wild = append(x.wild, wildModel{key, r})
		}
	})
}

func (x *Index) makersOf(p *advisory.Product) []string {
	out := []string{x.aliases.Vendor(p.Vendor)}
	for _, text := range p.CPEs {
		if c, ok := advisory.ParseCPE(text); ok {
			if v := x.aliases.Vendor(c.Vendor); !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return slices.Clip(out)
}

// productKeys gives all keys by which a product is found.
func productKeys(p *advisory.Product, n *name, yield func(table byte, key string)) {
	put := func(table byte, key string) {
		if key != "" {
			yield(table, key)
		}
	}
	number := func(key string) {
		if strings.ContainsAny(key, "*?") {
			put(tableWild, key)
		} else {
			put(tableModel, key)
		}
	}
	put(tableName, n.key)
	if n.group {
		put(tableHead, n.key)
	}
	for k := 1; k < len(n.words)-1; k++ {
		if tail := n.words[k:]; telling(tail) {
			put(tableTail, squash(tail))
		}
	}
	for _, m := range slices.Concat(n.models, n.loose) {
		number(m)
	}
	for _, m := range p.Models {
		number(modelKey(m))
	}
	if u, ok := advisory.ParsePURL(p.PURL); ok {
		put(tablePURL, u.Base())
	}
	for _, text := range p.CPEs {
		if c, ok := advisory.ParseCPE(text); ok {
			if m := prepare(c.Product, vendorWords(c.Vendor)); m.key != n.key {
				put(tableName, m.key)
			}
		}
	}
}

// telling: the end of a name can stand for it when it has a number in it and is
// long enough to be met by no other product.
func telling(tail []string) bool {
	long, digits := 0, false
	for _, w := range tail {
		long += len(w)
		digits = digits || strings.ContainsAny(w, "0123456789")
	}
	return digits && len(tail) >= 2 && long >= 6
}

// Stats tells how much is in the index.
type Stats struct {
	Advisories      int `json:"advisories"`
	Products        int `json:"products"`
	Vulnerabilities int `json:"vulnerabilities"`
	KEV             int `json:"kev"`
	EPSS            int `json:"epss"`
}

// Stats returns the counts.
func (x *Index) Stats() Stats {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return Stats{len(x.byKey), x.products, len(x.byVuln), len(x.kev), len(x.epss)}
}

// Exploited tells since when a vulnerability is on the list of exploited ones.
func (x *Index) Exploited(id string) string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.kev[id]
}

// Sight says what was seen exploited on this site, by id, in words; it takes the
// place of what was said before.
func (x *Index) Sight(seen map[string]string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sighted = seen
}

// Sighted tells where a vulnerability was seen exploited on this site; "": nowhere.
func (x *Index) Sighted(id string) string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.sighted[id]
}

// Chance returns the EPSS score of a vulnerability.
func (x *Index) Chance(id string) (advisory.Chance, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	c, ok := x.epss[id]
	return c, ok
}

// About is what one advisory says of one vulnerability.
type About struct {
	Advisory      *advisory.Advisory
	Vulnerability *advisory.Vulnerability
}

// Find returns what the advisories say of a vulnerability.
func (x *Index) Find(id string) []About {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var out []About
	for _, e := range x.byVuln[strings.ToUpper(strings.TrimSpace(id))] {
		if e.dead {
			continue
		}
		for i := range e.Vulnerabilities {
			v := &e.Vulnerabilities[i]
			if strings.EqualFold(v.ID, id) || slices.ContainsFunc(v.Aliases, func(a string) bool { return strings.EqualFold(a, id) }) {
				out = append(out, About{e.Advisory, v})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b About) int {
		if a.Advisory.Rank != b.Advisory.Rank {
			return int(b.Advisory.Rank - a.Advisory.Rank)
		}
		return newest(a, b)
	})
	return out
}

// Vulnerabilities returns the ids that are known, in order.
func (x *Index) Vulnerabilities() []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	seen := map[string]bool{}
	for _, e := range x.byKey {
		if e.Kind != advisory.KEV && e.Kind != advisory.EPSS {
			for i := range e.Vulnerabilities {
				seen[e.Vulnerabilities[i].ID] = true
			}
		}
	}
	out := make([]string, 0, len(seen))
	for id := range seen {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}
