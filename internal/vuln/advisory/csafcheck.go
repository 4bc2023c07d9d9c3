package advisory

import (
	"slices"
	"strconv"
	"strings"

	"vedette/internal/fault"
)

// checkCSAF holds a document against the mandatory tests of CSAF 2.0 (section
// 6.1), of which the number stands in the reason. Left out are what needs a
// list that does not ship: names of CWEs (6.1.11) but the best known, and
// language tags (6.1.12) beyond their form.
func checkCSAF(d *csafDoc) error {
	c := &csafChecker{doc: d, defined: map[string]int{}, groups: map[string]bool{}}
	for _, check := range []func() error{
		c.definitions, c.circles, c.references, c.statuses, c.scores, c.weaknesses, c.languages, c.names,
		c.history, c.vulnerabilities, c.targeted, c.flags, c.profile,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func fails(test, format string, args ...any) error {
	return fault.New(fault.Invalid, "CSAF "+test+": "+format, args...)
}

type csafChecker struct {
	doc     *csafDoc
	defined map[string]int
	groups  map[string]bool
}

// eachProduct calls f with every product that the tree defines.
func (c *csafChecker) eachProduct(f func(p *csafProduct)) {
	var walk func(list []csafBranch)
	walk = func(list []csafBranch) {
		for i := range list {
			if list[i].Product != nil {
				f(list[i].Product)
			}
			walk(list[i].Branches)
		}
	}
	walk(c.doc.Tree.Branches)
	for i := range c.doc.Tree.Names {
		f(&c.doc.Tree.Names[i])
	}
	for i := range c.doc.Tree.Relationships {
		f(&c.doc.Tree.Relationships[i].Product)
	}
}

func (c *csafChecker) definitions() error {
	c.eachProduct(func(p *csafProduct) { c.defined[p.ID]++ })
	for id, n := range c.defined {
		if n > 1 {
			return fails("6.1.2", "the product id %.80q is defined %d times", id, n)
		}
	}
	for _, g := range c.doc.Tree.Groups {
		if c.groups[g.ID] {
			return fails("6.1.5", "the group id %.80q is defined twice", g.ID)
		}
		c.groups[g.ID] = true
	}
	return nil
}

// circles finds a relationship whose product is made of itself.
func (c *csafChecker) circles() error {
	parts := map[string][]string{}
	for _, r := range c.doc.Tree.Relationships {
		parts[r.Product.ID] = []string{r.Reference, r.RelatesTo}
	}
	state := map[string]int{} // 1: being looked at, 2: done
	var walk func(id string, depth int) bool
	walk = func(id string, depth int) bool {
		if state[id] == 1 || depth > 1000 {
			return true
		}
		if state[id] == 2 {
			return false
		}
		state[id] = 1
		for _, p := range parts[id] {
			if walk(p, depth+1) {
				return true
			}
		}
		state[id] = 2
		return false
	}
	for id := range parts {
		if walk(id, 0) {
			return fails("6.1.3", "the product %.80q is defined by itself", id)
		}
	}
	return nil
}

func (c *csafChecker) known(where string, ids []string) error {
	for _, id := range ids {
		if c.defined[id] == 0 {
			return fails("6.1.1", "%s names the product %.80q, which the product tree does not define", where, id)
		}
	}
	return nil
}

func (c *csafChecker) targets(where string, t csafTargets) error {
	for _, g := range t.Groups {
		if !c.groups[g] {
			return fails("6.1.4", "%s names the group %.80q, which the product tree does not define", where, g)
		}
	}
	return c.known(where, t.Products)
}

func (c *csafChecker) references() error {
	for _, r := range c.doc.Tree.Relationships {
		if err := c.known("a relationship", []string{r.Reference, r.RelatesTo}); err != nil {
			return err
		}
	}
	for _, g := range c.doc.Tree.Groups {
		if err := c.known("the group "+g.ID, g.Products); err != nil {
			return err
		}
	}
	for i := range c.doc.Vulnerabilities {
		if err := c.referencesOf(&c.doc.Vulnerabilities[i], "vulnerabilities/"+itoa(i)); err != nil {
			return err
		}
	}
	return nil
}

func (c *csafChecker) referencesOf(v *csafVuln, where string) error {
	for list, ids := range v.Status {
		if err := c.known(where+"/product_status/"+list, ids); err != nil {
			return err
		}
	}
	for _, s := range v.Scores {
		if err := c.known(where+"/scores", s.Products); err != nil {
			return err
		}
	}
	for _, x := range v.Remediations {
		if err := c.targets(where+"/remediations", x.csafTargets); err != nil {
			return err
		}
	}
	for _, x := range v.Threats {
		if err := c.targets(where+"/threats", x.csafTargets); err != nil {
			return err
		}
	}
	for _, x := range v.Flags {
		if err := c.targets(where+"/flags", x.csafTargets); err != nil {
			return err
		}
	}
	return nil
}

// statuses refuses a product that is affected and fixed at once.
func (c *csafChecker) statuses() error {
	for i := range c.doc.Vulnerabilities {
		said := map[string]Status{}
		for list, ids := range c.doc.Vulnerabilities[i].Status {
			s := csafStatus[list]
			if s == Recommended {
				continue
			}
			for _, id := range ids {
				if was, ok := said[id]; ok && was != s {
					return fails("6.1.6", "vulnerabilities/%d says of the product %.80q both %s and %s", i, id, was, s)
				}
				said[id] = s
			}
		}
	}
	return nil
}

// weaknesses compares the names of well-known weaknesses.
func (c *csafChecker) weaknesses() error {
	for i := range c.doc.Vulnerabilities {
		w := c.doc.Vulnerabilities[i].CWE
		if w == nil {
			continue
		}
		if name := cweNames[w.ID]; name != "" && !strings.EqualFold(name, strings.TrimSpace(w.Name)) {
			return fails("6.1.11", "vulnerabilities/%d/cwe: %s is %q, not %.80q", i, w.ID, name, w.Name)
		}
	}
	return nil
}

func (c *csafChecker) languages() error {
	d := &c.doc.Document
	for _, lang := range []string{d.Lang, d.SourceLang} {
		if lang != "" && !languageTag(lang) {
			return fails("6.1.12", "%.40q is no language tag such as en-US", lang)
		}
	}
	if d.Lang != "" && strings.EqualFold(d.Lang, d.SourceLang) {
		return fails("6.1.28", "lang and source_lang are both %.40q: it is no translation", d.Lang)
	}
	translator := d.Publisher.Category == "translator"
	if translator && d.SourceLang == "" {
		return fails("6.1.15", "the publisher is a translator, but source_lang is missing")
	}
	return nil
}

// languageTag looks at the parts of a BCP 47 tag; the registry of languages
// does not ship, but two letters that name none are rare mistakes.
func languageTag(tag string) bool {
	parts := strings.Split(tag, "-")
	first := strings.ToLower(parts[0])
	if first == "x" || first == "i" {
		return len(parts) > 1
	}
	if len(first) < 2 || len(first) > 8 || first == "ez" {
		return false
	}
	for _, p := range parts {
		if p == "" || len(p) > 8 {
			return false
		}
	}
	return len(first) != 2 || languages[first]
}

func (c *csafChecker) names() error {
	var bad error
	c.eachProduct(func(p *csafProduct) {
		for _, u := range append([]string{p.Helper.PURL}, p.Helper.PURLs...) {
			if u != "" && bad == nil && !ValidPURL(u) {
				bad = fails("6.1.13", "%.100q is no package URL", u)
			}
		}
		for _, h := range p.Helper.Hashes {
			seen := map[string]bool{}
			for _, f := range h.FileHashes {
				if seen[f.Algorithm] && bad == nil {
					bad = fails("6.1.25", "the hash algorithm %.20q is there twice for one file", f.Algorithm)
				}
				seen[f.Algorithm] = true
			}
		}
	})
	if bad != nil {
		return bad
	}
	return singleVersions(c.doc.Tree.Branches)
}

// rangeWords must not stand in a product_version, which is a single one.
var rangeWords = []string{"<", "<=", ">", ">=", "after", "all", "before", "earlier", "later", "prior", "versions"}

// singleVersions refuses a range in words where one version belongs. A `vers:`
// text is left: it cannot be misread.
func singleVersions(list []csafBranch) error {
	for i := range list {
		b := &list[i]
		if b.Category == "product_version" && !strings.HasPrefix(b.Name, "vers:") {
			for part := range strings.FieldsSeq(strings.ToLower(b.Name)) {
				if slices.Contains(rangeWords, strings.Trim(part, "()[],;:")) || strings.ContainsAny(part, "<>") {
					return fails("6.1.31", "the product_version %.80q is a range: make it a product_version_range", b.Name)
				}
			}
		}
		if err := singleVersions(b.Branches); err != nil {
			return err
		}
	}
	return nil
}

func (c *csafChecker) vulnerabilities() error {
	seen := map[string]bool{}
	for i := range c.doc.Vulnerabilities {
		v := &c.doc.Vulnerabilities[i]
		if v.CVE != "" && seen[v.CVE] {
			return fails("6.1.23", "%s is there twice", v.CVE)
		}
		seen[v.CVE] = true
		parties := map[string]bool{}
		for _, p := range v.Involvements {
			key := p.Party + "\x00" + p.Date
			if parties[key] {
				return fails("6.1.24", "vulnerabilities/%d has two involvements of the %s at one date", i, p.Party)
			}
			parties[key] = true
		}
	}
	return nil
}

func (c *csafChecker) targeted() error {
	for i := range c.doc.Vulnerabilities {
		v := &c.doc.Vulnerabilities[i]
		for n, r := range v.Remediations {
			if len(r.Products)+len(r.Groups) == 0 {
				return fails("6.1.29", "vulnerabilities/%d/remediations/%d names no product and no group", i, n)
			}
		}
		for n, f := range v.Flags {
			if len(f.Products)+len(f.Groups) == 0 {
				return fails("6.1.32", "vulnerabilities/%d/flags/%d names no product and no group", i, n)
			}
		}
	}
	return nil
}

var vexFlags = []string{
	"component_not_present", "inline_mitigations_already_exist", "vulnerable_code_cannot_be_controlled_by_adversary",
	"vulnerable_code_not_in_execute_path", "vulnerable_code_not_present",
}

func (c *csafChecker) flags() error {
	groups := map[string][]string{}
	for _, g := range c.doc.Tree.Groups {
		groups[g.ID] = g.Products
	}
	for i := range c.doc.Vulnerabilities {
		said := map[string]string{}
		for _, f := range c.doc.Vulnerabilities[i].Flags {
			if !slices.Contains(vexFlags, f.Label) {
				continue
			}
			for _, p := range expand(f.csafTargets, groups) {
				if said[p] != "" {
					return fails("6.1.33", "vulnerabilities/%d gives the product %.80q two reasons: %s and %s", i, p, said[p], f.Label)
				}
				said[p] = f.Label
			}
		}
	}
	return nil
}

func expand(t csafTargets, groups map[string][]string) []string {
	out := map[string]bool{}
	for _, p := range t.Products {
		out[p] = true
	}
	for _, g := range t.Groups {
		for _, p := range groups[g] {
			out[p] = true
		}
	}
	list := make([]string, 0, len(out))
	for p := range out {
		list = append(list, p)
	}
	slices.Sort(list)
	return list
}

func itoa(n int) string { return strconv.Itoa(n) }
