package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/version"
)

// strength says how much a verdict knows.
type strength int8

const (
	ignorant strength = iota // the source does not tell
	implied                  // the version lies outside what is named
	open                     // the source says that it is being looked at
	explicit                 // the source names it
)

// verdict is what one advisory says of one vulnerability and the query.
type verdict struct {
	status     string
	reason     string
	fix        string
	rank       advisory.Rank
	strength   strength
	confidence float64
	about      About
	hide       bool
}

// sums are the statements of an advisory that concern the query, by rank.
type sums struct {
	inAll, in       string // affected: all versions, or a part in which it lies
	unsure          string
	outside         string // where it lies instead
	unlisted        string
	clear           string // not affected, or fixed
	clearAll        string
	looked          string
	fixedAt, before string
	unaffected      bool // versions that are not listed are not affected
	found           how
	any             bool
}

// judge holds the query against the statements of one advisory about one
// vulnerability.
func judge(f *found, v *advisory.Vulnerability, q *Query) []verdict {
	var all parts
	var inside *verdict // of something that may be on it
	for _, s := range v.Statements {
		by := f.of(s.Product)
		if by == 0 || s.Status == advisory.Recommended {
			continue
		}
		p := &f.in.Products[s.Product]
		by, there := f.standing(p, q, by)
		if there == within && inside == nil {
			inside = f.inside(p, s, v, q)
		}
		if there == off || there == within {
			continue
		}
		where := f.place(s.Product, q)
		at := part{f.in.Rank, where.variant}
		if p.Rank != 0 {
			at.rank = p.Rank
		}
		t := all.of(at, by)
		t.found = min(t.found, by)
		t.add(p, s, where, there == on)
	}
	if len(all.list) == 0 {
		if inside != nil {
			return []verdict{*inside}
		}
		return nil
	}
	fix := fixOf(f, v, q)
	var said []verdict
	for i := range all.list {
		at := &all.list[i]
		if one, ok := at.verdict(q, v, f); ok {
			one.rank, one.about, one.fix = at.rank, About{f.in.Advisory, v}, fix
			if one.status == NotAffected {
				one.fix = ""
			}
			one.confidence *= trust(at.rank)
			said = append(said, one)
		}
	}
	return eachRank(said)
}

// eachRank makes one verdict of those of a rank.
func eachRank(said []verdict) []verdict {
	if len(said) < 2 {
		return said
	}
	slices.SortStableFunc(said, func(a, b verdict) int { return cmp.Compare(a.rank, b.rank) })
	var out []verdict
	for from := 0; from < len(said); {
		to := from + 1
		for to < len(said) && said[to].rank == said[from].rank {
			to++
		}
		out = append(out, variants(said[from:to]))
		from = to
	}
	return out
}

// part is a rank and an order number, which are weighed apart.
type part struct {
	rank  advisory.Rank
	model string
}

// parts are the sums of an advisory, each with its part. Most have one or two, for
// which a map costs more than looking at each.
type parts struct {
	list []struct {
		part
		sums
	}
	at map[part]int // when there are many
}

const manyParts = 8

func (p *parts) of(at part, by how) *sums {
	if p.at != nil {
		if i, ok := p.at[at]; ok {
			return &p.list[i].sums
		}
	} else {
		for i := range p.list {
			if p.list[i].part == at {
				return &p.list[i].sums
			}
		}
	}
	p.list = append(p.list, struct {
		part
		sums
	}{at, sums{found: by}})
	last := len(p.list) - 1
	switch {
	case p.at != nil:
		p.at[at] = last
	case len(p.list) > manyParts:
		p.at = make(map[part]int, 2*len(p.list))
		for i := range p.list {
			p.at[p.list[i].part] = i
		}
	}
	return &p.list[last].sums
}

// variant tells the order numbers of a name apart; found by its number, there
// is one.
func variant(p *advisory.Product, by how) string {
	if by != byName && by != byTail {
		return ""
	}
	if len(p.Models) > 0 {
		return strings.Join(p.Models, "\x00")
	}
	if !strings.ContainsAny(p.Name, "([") {
		return ""
	}
	return strings.Join(bracket.FindAllString(p.Name, -1), "\x00")
}

// variants joins what holds for the order numbers that one name has. Where they
// differ, the name alone does not tell.
func variants(list []verdict) verdict {
	slices.SortFunc(list, func(a, b verdict) int {
		return cmp.Or(cmp.Compare(a.status, b.status), cmp.Compare(b.strength, a.strength), cmp.Compare(a.reason, b.reason))
	})
	one := list[0]
	for _, v := range list[1:] {
		if v.status != one.status {
			one.status, one.strength = Undetermined, open
			one.reason = "it hangs on the order number: " + list[0].reason + " for one, " + v.reason + " for another"
			one.confidence = min(one.confidence, 0.5)
			return one
		}
	}
	return one
}

func trust(r advisory.Rank) float64 {
	switch r {
	case advisory.BySelf, advisory.ByVEX:
		return 1
	case advisory.ByCSAF:
		return 0.95
	case advisory.ByCVE:
		return 0.85
	case advisory.ByCPE:
		return 0.7
	}
	return 0
}

// add takes in one statement.
func (t *sums) add(p *advisory.Product, s advisory.Statement, where *placed, there bool) {
	t.any = true
	at, why, text, v := where.at, where.why, where.text, where.v
	if p.Within != "" && !there && at == version.Inside {
		at, why = version.NotSure, "the source says so only for it as part of "+short(p.Within)
	}
	switch s.Status {
	case advisory.Affected:
		t.unaffected = t.unaffected || s.Why == "default:unaffected"
		t.affected(p, at, why, text)
	case advisory.NotAffected, advisory.Fixed:
		t.cleared(p, s, at, why, text, v)
	case advisory.Investigating:
		if at == version.Inside || at == version.NotSure {
			t.looked = "the source is still looking at it"
		}
	case advisory.Unknown:
		if at == version.Inside {
			t.unsure = "the source says that it does not know"
		}
	case advisory.Recommended:
	}
}

func (t *sums) affected(p *advisory.Product, at version.Place, why, text string) {
	switch at {
	case version.Inside:
		if p.Versions.All {
			t.inAll = "all versions are affected"
		} else {
			t.in = "it lies in " + text
		}
	case version.NotSure:
		t.unsure = why
	case version.Above, version.Below, version.Between:
		word := map[version.Place]string{version.Above: "after", version.Below: "before", version.Between: "between the parts of"}[at]
		if t.outside != "" {
			t.outside += "; "
		}
		if len(t.outside) < 300 {
			t.outside += word + " the affected " + text
		}
	case version.Unlisted:
		t.unlisted = text
	}
}

func (t *sums) cleared(p *advisory.Product, s advisory.Statement, at version.Place, why, text, v string) {
	word := "the source lists it as not affected"
	if s.Status == advisory.Fixed {
		word = "the source lists it as fixed"
	}
	if s.Why != "" {
		word += " (" + short(s.Why) + ")"
	}
	switch at {
	case version.Inside:
		if p.Versions.All {
			t.clearAll = word
		} else {
			t.clear = word + ": " + text
		}
	case version.NotSure:
		if t.unsure == "" && !p.Versions.Unsaid {
			t.unsure = why
		}
	case version.Unlisted:
		t.sinceFixed(p, s, v)
	case version.Above, version.Below, version.Between:
	}
}

// sinceFixed: later than a fixed version is fixed too.
func (t *sums) sinceFixed(p *advisory.Product, s advisory.Statement, v string) {
	if s.Status != advisory.Fixed {
		return
	}
	for _, e := range p.Versions.Exact {
		switch version.Compare(versionsOf(p).Scheme, v, e) {
		case version.Greater:
			t.fixedAt = e
		case version.Less:
			t.before = e
		case version.Equal, version.Unknown:
		}
	}
}

func (t *sums) verdict(q *Query, v *advisory.Vulnerability, f *found) (verdict, bool) {
	if !t.any {
		return verdict{}, false
	}
	one := t.decide(q, v, f)
	switch t.found {
	case byFamily:
		if one.status == NotAffected {
			return verdict{}, false
		}
		if one.status == Affected {
			one.status, one.strength = Undetermined, ignorant
			one.reason = "the source names a family, and whether this product is of it is not sure; " + one.reason
		}
		one.confidence *= 0.4
	case byTail:
		one.reason += "; found by the end of its name"
		one.confidence *= 0.8
	case byName, byModel, byPURL, byPlatform:
	}
	if t.found != byPURL && one.status == Affected && f.doubtful != "" {
		one.status, one.strength = Undetermined, ignorant
		one.reason += "; " + f.doubtful
		one.confidence *= 0.3
	}
	if t.found != byPURL && one.status == Affected && q.packaged() {
		one.status, one.strength = Undetermined, ignorant
		one.reason += "; it is a distribution's package, which may have the fix without the version"
		one.confidence *= 0.5
	}
	return one, true
}

// decide weighs the statements: what names the version counts more than what
// names all of them.
func (t *sums) decide(q *Query, v *advisory.Vulnerability, f *found) verdict {
	yes := func(reason string, s strength) verdict {
		return verdict{status: Affected, reason: reason, strength: s, confidence: 1}
	}
	no := func(reason string, s strength) verdict {
		return verdict{status: NotAffected, reason: reason, strength: s, confidence: 1}
	}
	maybe := func(reason string, s strength) verdict {
		return verdict{status: Undetermined, reason: reason, strength: s, confidence: 0.5}
	}
	switch {
	case t.in != "" && t.clear != "":
		return maybe("the source contradicts itself: "+t.in+", and "+t.clear, ignorant)
	case t.clear != "":
		return no(t.clear, explicit)
	case t.in != "":
		return yes(t.in, explicit)
	case t.inAll != "" && t.fixedAt != "":
		return no("it is later than the fixed "+t.fixedAt, explicit)
	case t.inAll != "":
		return yes(t.inAll, explicit)
	case t.clearAll != "":
		return no(t.clearAll, explicit)
	case t.looked != "":
		return maybe(t.looked, open)
	case t.unsure != "":
		return maybe(t.unsure, ignorant)
	case t.fixedAt != "":
		return no("it is later than the fixed "+t.fixedAt, implied)
	case t.outside != "":
		return no("it lies "+t.outside, implied)
	case t.unlisted != "" && t.unaffected:
		return no("the source says that versions other than "+t.unlisted+" are not affected", implied)
	case t.unlisted != "":
		return t.other(q, v, f, no, maybe)
	case t.before != "":
		return maybe("it is before the fixed "+t.before+", and the source does not say since when it is affected", ignorant)
	}
	return maybe("the source names other versions only", ignorant)
}

// other: the source lists single versions, and this is none of them. Where it
// names the fix, what is not before that is not affected.
func (t *sums) other(q *Query, v *advisory.Vulnerability, f *found, no, maybe func(string, strength) verdict) verdict {
	for _, r := range v.Remedies {
		for _, p := range r.Products {
			if r.Fix == "" || f.of(p) == 0 {
				continue
			}
			if o := version.Compare(fixScheme(&f.in.Products[p]), q.Version, r.Fix); o == version.Greater || o == version.Equal {
				return no("it is not before "+r.Fix+", in which the source says it is fixed", implied)
			}
		}
	}
	return maybe(fmt.Sprintf("the source lists %s alone and does not say that other versions are safe", short(t.unlisted)), ignorant)
}

func short(s string) string {
	if len(s) > 120 {
		s = strings.ToValidUTF8(s[:120], "") + "…"
	}
	return s
}
