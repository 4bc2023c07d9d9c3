package match

import (
	"slices"
	"strings"
	"sync"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/version"
)

// An advisory may say something of a part only where it is installed on, or a
// component of, a platform. Who is known to be both has what it says; of who is known
// to be the platform alone it is not known; and nothing is said of others.

// place of a part: whether it is on the platform that a statement names.
type there uint8

const (
	without there = iota // it is not known
	on
	off    // it is on the platform in another version
	within // the platform is asked for, and the part is not known
)

// standing tells whether a product is on the platform that the advisory names it on,
// and how it was found then.
func (f *found) standing(p *advisory.Product, q *Query, by how) (how, there) {
	switch {
	case by == byPlatform && f.isFirmware(p, q):
		return byName, on
	case by == byPlatform:
		return by, within
	case p.On > 0:
		return by, f.platform(p)
	}
	return by, without
}

// platformKeys gives the keys by which the platform of a product finds it.
func platformKeys(a *advisory.Advisory, i int, yield func(table byte, key string)) {
	p := &a.Products[i]
	if p.On < 1 || p.On > len(a.Products) || p.On == i+1 {
		return
	}
	base := &a.Products[p.On-1]
	n := prepare(base.Name, vendorWords(base.Vendor))
	keys := slices.Concat([]string{n.key}, n.models, n.loose)
	for _, m := range base.Models {
		keys = append(keys, modelKey(m))
	}
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		if key != "" && !strings.ContainsAny(key, "*?") {
			yield(tablePlatform, key)
		}
	}
}

// platforms takes what advisories say of parts on the product that is asked for.
func (x *Index) platforms(s *search, q *Query, n *name) {
	if q.Parts || q.On != nil || len(q.PURLs) > 0 {
		return
	}
	keys := slices.Concat([]string{n.key}, n.models, n.loose, models(q.Models))
	for _, maker := range []string{squash(words(q.Vendor)), vendorKey(q.Vendor)} {
		if maker != "" {
			keys = append(keys, maker+n.key)
		}
	}
	for _, key := range keys {
		s.find(tablePlatform, key, byPlatform)
	}
}

// base is a product of an advisory that others are on, made ready.
type base struct {
	names  []string
	models []string
	vendor string
}

// bases makes those of an advisory ready, by product.
func bases(a *advisory.Advisory, names []name) map[int]*base {
	var out map[int]*base
	for i := range a.Products {
		at := a.Products[i].On - 1
		if at < 0 || at >= len(a.Products) || out[at] != nil {
			continue
		}
		if out == nil {
			out = map[int]*base{}
		}
		p, n := &a.Products[at], &names[at]
		one := &base{models: slices.Concat(n.models, models(p.Models)), vendor: vendorKey(p.Vendor)}
		if n.key != "" {
			one.names = []string{n.key, squash(words(p.Vendor)) + n.key}
		}
		out[at] = one
	}
	return out
}

// platformName is what a part is known to be on, made ready.
type platformName struct {
	given  Platform
	names  []string
	models []string
	vendor string
}

// maxPlatformNames bounds those that are kept ready: parts of one bill are on the
// same, and all bills of a fleet are on as many as it has models and versions.
const maxPlatformNames = 20_000

// readyPlatforms are those that were asked for before.
type readyPlatforms struct {
	mu sync.Mutex
	m  map[Platform]*platformName
}

func (r *readyPlatforms) of(on *Platform) *platformName {
	if on == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.m[*on]
	if p != nil {
		return p
	}
	n, full := prepare(on.Product, vendorWords(on.Vendor)), prepare(on.Vendor+" "+on.Product, nil)
	p = &platformName{given: *on, models: n.models, vendor: vendorKey(on.Vendor)}
	for _, key := range []string{n.key, full.key} {
		if key != "" {
			p.names = append(p.names, key)
		}
	}
	if r.m == nil || len(r.m) >= maxPlatformNames {
		r.m = map[Platform]*platformName{}
	}
	r.m[*on] = p
	return p
}

// platform tells whether what a part is known to be on is what a product is on; it is
// found out once for all products that are on the same.
func (f *found) platform(p *advisory.Product) there {
	at := p.On - 1
	if f.on == nil || at < 0 || at >= len(f.in.Products) {
		return without
	}
	is, known := f.onAt[at]
	if !known {
		is = f.isOn(at)
		if f.onAt == nil {
			f.onAt = map[int]there{}
		}
		f.onAt[at] = is
	}
	return is
}

func (f *found) isOn(at int) there {
	b, have, versions := f.in.bases[at], f.on, &f.in.Products[at].Versions
	same := slices.ContainsFunc(b.names, func(key string) bool { return slices.Contains(have.names, key) }) ||
		slices.ContainsFunc(b.models, func(m string) bool { return slices.Contains(have.models, m) })
	if !same || have.vendor != "" && b.vendor != "" && !sameVendor(have.vendor, b.vendor) {
		return without
	}
	if versions.Unsaid {
		return on
	}
	switch where, _ := versions.Locate(have.given.Version); where {
	case version.Inside:
		return on
	case version.NotSure:
		return without
	case version.Above, version.Below, version.Between, version.Unlisted:
	}
	return off
}

// isFirmware tells whether a part is the firmware of the hardware that is asked for,
// so that the version of the device is the part's.
func (f *found) isFirmware(p *advisory.Product, q *Query) bool {
	base := &f.in.Products[p.On-1]
	if !base.Versions.Unsaid || q.Version == "" || p.Relation == "installed_with" {
		return false
	}
	mine := slices.Concat(words(base.Name), words(base.Vendor), words(p.Vendor))
	named := false
	for _, w := range words(p.Name) {
		if w == "firmware" || w == "fw" {
			named = true
		} else if !slices.Contains(mine, w) {
			return false
		}
	}
	return named
}

// inside is what is known of a platform when a source speaks of a part on it; nil
// when the platform is another, or the source says that the part there is no harm.
func (f *found) inside(p *advisory.Product, s advisory.Statement, v *advisory.Vulnerability, q *Query) *verdict {
	base := &f.in.Products[p.On-1]
	if s.Status != advisory.Affected && s.Status != advisory.Investigating && s.Status != advisory.Unknown {
		return nil
	}
	if !base.Versions.Unsaid {
		if at, _ := base.Versions.Locate(q.Version); at != version.Inside && at != version.NotSure {
			return nil
		}
	}
	rank := f.in.Rank
	if p.Rank != 0 {
		rank = p.Rank
	}
	how := map[string]string{
		"default_component_of": "a part that comes with it", "optional_component_of": "an optional part of it", "external_component_of": "a part beside it",
		"installed_with": "what is installed with it", "installed_on": "what is installed on it",
	}[p.Relation]
	if how == "" {
		how = "a part of it"
	}
	part := p.Name
	if text := p.Versions.String(); text != "" && !p.Versions.Unsaid {
		part += " " + text
	}
	return &verdict{
		status: Undetermined, reason: "the source says so of " + how + ", " + short(part) + ", and whether that is there is not known", rank: rank, strength: ignorant,
		confidence: 0.3 * trust(rank), about: About{f.in.Advisory, v},
	}
}

// condition counts what the parts of an advisory may be on, or takes it off.
func (x *Index) condition(e *entry, n int) {
	for i := range e.Products {
		b := e.bases[e.Products[i].On-1]
		if b == nil {
			continue
		}
		on := slices.Concat(b.names, b.models)
		for _, name := range on {
			if x.baseNames[name] += n; x.baseNames[name] == 0 {
				delete(x.baseNames, name)
			}
		}
		productKeys(&e.Products[i], &e.names[i], func(table byte, key string) {
			key = string(table) + key
			m := x.conditional[key]
			if m == nil {
				m = map[string]int{}
				x.conditional[key] = m
			}
			for _, name := range on {
				if m[name] += n; m[name] == 0 {
					delete(m, name)
				}
			}
			if len(m) == 0 {
				delete(x.conditional, key)
			}
		})
	}
}

// Conditional tells whether an advisory speaks of a part on what it is on, so that
// that matters; elsewhere equal parts stay one, whatever they are on.
func (x *Index) Conditional(q *Query, on *Platform) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	have := x.platformNames.of(on)
	if have == nil || len(x.baseNames) == 0 {
		return false
	}
	names := slices.DeleteFunc(slices.Concat(have.names, have.models), func(name string) bool { return x.baseNames[name] == 0 })
	if len(names) == 0 {
		return false
	}
	speaks := func(table byte, key string) bool {
		m := x.conditional[string(table)+key]
		return slices.ContainsFunc(names, func(name string) bool { return m[name] > 0 })
	}
	n := prepare(q.Product, vendorWords(q.Vendor))
	if n.key != "" && (speaks(tableName, n.key) || speaks(tableName, vendorKey(q.Vendor)+n.key)) {
		return true
	}
	if slices.ContainsFunc(slices.Concat(n.models, n.loose, models(q.Models)), func(m string) bool { return speaks(tableModel, m) }) {
		return true
	}
	return slices.ContainsFunc(q.PURLs, func(text string) bool {
		u, ok := advisory.ParsePURL(text)
		return ok && speaks(tablePURL, u.Base())
	}) || slices.ContainsFunc(q.CPEs, func(text string) bool {
		c, ok := advisory.ParseCPE(text)
		return ok && speaks(tableName, prepare(c.Product, vendorWords(c.Vendor)).key)
	})
}
