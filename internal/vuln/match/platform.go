package match

import (
	"slices"
	"strings"

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
		return by, f.platform(p, q.On)
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

// platform tells whether what a part is known to be on is what a product is on.
func (f *found) platform(p *advisory.Product, have *Platform) there {
	if have == nil || p.On < 1 || p.On > len(f.in.Products) {
		return without
	}
	base, known := &f.in.Products[p.On-1], &f.in.names[p.On-1]
	n := prepare(have.Product, vendorWords(have.Vendor))
	full := prepare(have.Vendor+" "+have.Product, nil)
	same := func(key string) bool { return key != "" && (key == n.key || key == full.key) }
	if !same(known.key) && !same(squash(words(base.Vendor))+known.key) &&
		!slices.ContainsFunc(slices.Concat(known.models, models(base.Models)), func(m string) bool { return slices.Contains(n.models, m) }) {
		return without
	}
	if have.Vendor != "" && base.Vendor != "" && !sameVendor(vendorKey(have.Vendor), vendorKey(base.Vendor)) {
		return without
	}
	if base.Versions.Unsaid {
		return on
	}
	switch at, _ := base.Versions.Locate(have.Version); at {
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

// Conditional tells whether an advisory speaks of a part only on some platform, so
// that it matters what it is on.
func (x *Index) Conditional(q *Query) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if n := prepare(q.Product, vendorWords(q.Vendor)); n.key != "" && x.conditional[string(tableName)+n.key] {
		return true
	}
	return slices.ContainsFunc(q.PURLs, func(text string) bool {
		u, ok := advisory.ParsePURL(text)
		return ok && x.conditional[string(tablePURL)+u.Base()]
	})
}
