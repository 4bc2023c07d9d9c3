package exposure

import (
	"maps"
	"slices"
	"strings"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
)

// maxCleared bounds the rows of one answer.
const maxCleared = 1000

// Cleared returns what an advisory speaks of and clears: the rows that are not
// affected, which the lists leave out, of one vulnerability or of one subject.
// They are matched when they are asked for. cut tells that there are more.
func (v View) Cleared(f Filter) (rows []Row, cut bool) {
	x := v.x
	x.mu.Lock()
	defer x.mu.Unlock()
	x.settle()
	f.ID = strings.ToUpper(f.ID)
	for _, p := range v.candidates(f) {
		found := slices.DeleteFunc(x.match.Match(p.query), func(r match.Row) bool {
			return r.Status != match.NotAffected || f.ID != "" && !strings.EqualFold(r.ID, f.ID)
		})
		if len(found) == 0 {
			continue
		}
		for _, t := range v.holders(p) {
			for _, r := range found {
				if f.Subject != "" && t.id != f.Subject {
					continue
				}
				if len(rows) >= maxCleared {
					return rows, true
				}
				label := ""
				if t.own != p {
					label = v.label(p)
				}
				rows = append(rows, Row{t.id, label, p.code, r, x.tree.In(x.rate(r.ID).points, x.contexts[t.context])})
			}
		}
	}
	return rows, false
}

// candidates are the parts that an answer can be about, in order.
func (v *View) candidates(f Filter) []*part {
	x := v.x
	set := map[*part]struct{}{}
	if f.Subject != "" {
		if t := v.find(f.Subject); t != nil {
			if t.own != nil {
				set[t.own] = struct{}{}
			}
			for _, l := range t.lists {
				for _, e := range l.entries {
					set[e.part] = struct{}{}
				}
			}
		}
	} else {
		for _, about := range x.match.Find(f.ID) {
			x.spokenOf(about.Advisory, set)
		}
	}
	out := make([]*part, 0, len(set))
	for p := range set {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *part) int { return strings.Compare(a.key, b.key) })
	return out
}

// spokenOf adds the parts that an advisory may speak of.
func (x *Index) spokenOf(a *advisory.Advisory, into map[*part]struct{}) {
	for _, key := range match.Keys(a) {
		if match.Pattern(key) {
			continue // those with wildcards would be held against every key that is waited for
		}
		if b := x.watch[key]; b != nil {
			for p := range b.parts {
				into[p] = struct{}{}
			}
		}
	}
}

// holders are the subjects that have a part and are seen, in order.
func (v *View) holders(p *part) []*subject {
	set := map[*cohort]struct{}{}
	maps.Copy(set, p.owners)
	for l := range p.lists {
		maps.Copy(set, l.cohorts)
	}
	var out []*subject
	for c := range set {
		out = append(out, v.members(c)...)
	}
	slices.SortFunc(out, func(a, b *subject) int { return strings.Compare(a.id, b.id) })
	return out
}
