package sbom

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// Changed is a component that both bills have in other versions.
type Changed struct {
	Component
	Before []string `json:"before"`
	After  []string `json:"after"`
}

// Difference is what one bill has otherwise than another.
type Difference struct {
	Added   []Component `json:"added"`
	Removed []Component `json:"removed"`
	Changed []Changed   `json:"changed"`
	Same    int         `json:"same"` // components of the later bill that the earlier one has in that version
}

// Diff tells what became of a bill. A component is known again by its package
// URL without the version, else by supplier, group and name; one that is there in
// several versions counts as changed when the set of them is another.
func Diff(before, after *BOM) Difference {
	old, now := byIdentity(before), byIdentity(after)
	d := Difference{Added: []Component{}, Removed: []Component{}, Changed: []Changed{}}
	for _, key := range now.keys {
		list := now.by[key]
		was, known := old.by[key]
		if !known {
			d.Added = append(d.Added, list...)
			continue
		}
		a, b := versionsOf(was), versionsOf(list)
		if slices.Equal(a, b) {
			d.Same += len(list)
			continue
		}
		d.Changed = append(d.Changed, Changed{list[0], a, b})
	}
	for _, key := range old.keys {
		if _, still := now.by[key]; !still {
			d.Removed = append(d.Removed, old.by[key]...)
		}
	}
	return d
}

type identities struct {
	keys []string // in order
	by   map[string][]Component
}

func byIdentity(b *BOM) identities {
	x := identities{by: map[string][]Component{}}
	for i := range b.Components {
		key := identity(&b.Components[i])
		x.by[key] = append(x.by[key], b.Components[i])
	}
	for key, list := range x.by {
		x.keys = append(x.keys, key)
		slices.SortStableFunc(list, func(a, b Component) int { return cmp.Compare(a.Version, b.Version) })
	}
	slices.Sort(x.keys)
	return x
}

// identity is what stays when the version changes.
func identity(c *Component) string {
	if len(c.PURLs) > 0 {
		if base := unversioned(c.PURLs[0]); base != "" {
			return base
		}
	}
	return strings.ToLower(c.Supplier + "\x00" + c.Group + "\x00" + c.Name)
}

// unversioned is a package URL without version, qualifiers and path.
func unversioned(purl string) string {
	rest, ok := strings.CutPrefix(purl, "pkg:")
	if !ok {
		return ""
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	if i := strings.LastIndexByte(rest, '@'); i > strings.LastIndexByte(rest, '/') {
		rest = rest[:i]
	}
	if plain, err := url.PathUnescape(rest); err == nil {
		rest = plain
	}
	return strings.ToLower("pkg:" + rest)
}

func versionsOf(list []Component) []string {
	var out []string
	for i := range list {
		out = append(out, list[i].Version)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
