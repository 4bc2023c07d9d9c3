package advisory

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	integer  = regexp.MustCompile(`^(0|[1-9]\d*)$`)
	semantic = regexp.MustCompile(`^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$`)
)

// number is a version of a document in comparable parts.
type docVersion struct {
	major, minor, patch int
	pre                 string
	isInt               bool
}

func parseDocVersion(s string) (docVersion, bool) {
	if integer.MatchString(s) {
		return docVersion{major: atoi(s), isInt: true}, true
	}
	m := semantic.FindStringSubmatch(s)
	if m == nil {
		return docVersion{}, false
	}
	return docVersion{major: atoi(m[1]), minor: atoi(m[2]), patch: atoi(m[3]), pre: m[4]}, true
}

func atoi(s string) int {
	n := 0
	for _, c := range s[:min(len(s), 9)] {
		n = n*10 + int(c-'0')
	}
	return n
}

func (v docVersion) less(o docVersion) bool {
	for _, p := range [][2]int{{v.major, o.major}, {v.minor, o.minor}, {v.patch, o.patch}} {
		if p[0] != p[1] {
			return p[0] < p[1]
		}
	}
	return v.pre != "" && (o.pre == "" || v.pre < o.pre)
}

func (v docVersion) same(o docVersion, status string) bool {
	if status == "draft" { // a draft's version may carry a mark of its own
		v.pre, o.pre = "", ""
	}
	return v.major == o.major && v.minor == o.minor && v.patch == o.patch && v.pre == o.pre
}

// history holds the tracking object against tests 6.1.14 to 6.1.22 and 6.1.30.
func (c *csafChecker) history() error {
	t := &c.doc.Document.Tracking
	own, ok := parseDocVersion(t.Version)
	if !ok {
		return fails("6.1.30", "the version %.40q is neither an integer nor a semantic version", t.Version)
	}
	list, err := c.revisions(own)
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(a, b revision) int {
		if n := a.at.Compare(b.at); n != 0 {
			return n
		}
		if a.v.less(b.v) {
			return -1
		}
		return 1
	})
	for i := 1; i < len(list); i++ {
		if list[i].v.less(list[i-1].v) {
			return fails("6.1.14", "sorted by date, the revisions are not in the order of their numbers")
		}
	}
	if len(list) == 0 {
		return fails("6.1.16", "the revision history is empty")
	}
	if !own.same(list[len(list)-1].v, t.Status) {
		return fails("6.1.16", "the version is %.40q, but the newest revision is another", t.Version)
	}
	if err := c.state(own); err != nil {
		return err
	}
	first := list[0].v.major
	if first > 1 {
		return fails("6.1.21", "the revision history begins with %d, the ones before are missing", first)
	}
	for i := 1; i < len(list); i++ {
		if list[i].v.major > list[i-1].v.major+1 {
			return fails("6.1.21", "the revision %d is missing in the history", list[i-1].v.major+1)
		}
	}
	return nil
}

// revision is an entry of the history.
type revision struct {
	at time.Time
	v  docVersion
}

// revisions reads the history and looks at each entry alone.
func (c *csafChecker) revisions(own docVersion) ([]revision, error) {
	t := &c.doc.Document.Tracking
	var list []revision
	seen := map[string]bool{}
	for _, r := range t.Revision {
		v, ok := parseDocVersion(r.Number)
		if !ok || v.isInt != own.isInt {
			return nil, fails("6.1.30", "versions %.40q and %.40q are of two kinds: use integers or semantic versions", t.Version, r.Number)
		}
		if seen[r.Number] {
			return nil, fails("6.1.22", "the revision %.40q is there twice", r.Number)
		}
		seen[r.Number] = true
		released := t.Status == "final" || t.Status == "interim"
		if v.isInt && v.major == 0 && released || !v.isInt && v.major == 0 && released {
			return nil, fails("6.1.18", "the status is %s, but the revision %.40q is from before the release", t.Status, r.Number)
		}
		if v.pre != "" {
			return nil, fails("6.1.19", "the revision %.40q is a pre-release, which has no entry", r.Number)
		}
		list = append(list, revision{when(r.Date), v})
	}
	return list, nil
}

func (c *csafChecker) state(own docVersion) error {
	t := &c.doc.Document.Tracking
	if (own.major == 0 || own.pre != "") && t.Status != "draft" {
		if own.pre != "" && own.major > 0 {
			return fails("6.1.20", "the status is %s, but the version %.40q is a pre-release", t.Status, t.Version)
		}
		return fails("6.1.17", "the version is %.40q, so the status must be draft and not %s", t.Version, t.Status)
	}
	return nil
}

var profiles = []string{"csaf_base", "csaf_security_incident_response", "csaf_informational_advisory", "csaf_security_advisory", "csaf_vex"}

func squeeze(s string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
}

// profile holds the document against tests 6.1.26 and 6.1.27.
func (c *csafChecker) profile() error {
	d := &c.doc.Document
	if !slices.Contains(profiles, d.Category) {
		for _, p := range append([]string{"securityincidentresponse", "informationaladvisory", "securityadvisory", "vex"}, profiles...) {
			if squeeze(d.Category) == squeeze(p) || squeeze(d.Category) == strings.TrimPrefix(squeeze(p), "csaf") {
				return fails("6.1.26", "the category %.60q is too close to a profile's name: use one of %s", d.Category, strings.Join(profiles, ", "))
			}
		}
		if strings.HasPrefix(strings.ToLower(d.Category), "csaf_") && (d.Spec != csaf21 || !slices.Contains(profiles21, d.Category)) {
			return fails("6.1.26", "the category %.60q takes the prefix of the standard's own", d.Category)
		}
	}
	switch d.Category {
	case "csaf_security_incident_response", "csaf_informational_advisory":
		return c.noteProfile()
	case "csaf_security_advisory", "csaf_vex":
		return c.productProfile()
	}
	return nil
}

func (c *csafChecker) noteProfile() error {
	d := &c.doc.Document
	found := slices.ContainsFunc(d.Notes, func(n csafNote) bool {
		return slices.Contains([]string{"description", "details", "general", "summary"}, n.Category)
	})
	external := slices.ContainsFunc(d.References, func(r csafReference) bool { return r.Category == "external" })
	switch {
	case !found:
		return fails("6.1.27.1", "the profile %s needs a note that is a description, details, general or a summary", d.Category)
	case !external:
		return fails("6.1.27.2", "the profile %s needs an external reference", d.Category)
	case d.Category == "csaf_informational_advisory" && c.doc.Vulnerabilities != nil:
		return fails("6.1.27.3", "the profile %s must not have vulnerabilities", d.Category)
	}
	return nil
}

func (c *csafChecker) productProfile() error {
	vex := c.doc.Document.Category == "csaf_vex"
	tree := &c.doc.Tree
	if len(tree.Branches)+len(tree.Names)+len(tree.Groups)+len(tree.Relationships) == 0 {
		return fails("6.1.27.4", "the profile %s needs a product tree", c.doc.Document.Category)
	}
	if len(c.doc.Vulnerabilities) == 0 {
		return fails("6.1.27.11", "the profile %s needs vulnerabilities", c.doc.Document.Category)
	}
	groups := map[string][]string{}
	for _, g := range tree.Groups {
		groups[g.ID] = g.Products
	}
	for i := range c.doc.Vulnerabilities {
		v := &c.doc.Vulnerabilities[i]
		switch {
		case len(v.Notes) == 0:
			return fails("6.1.27.5", "vulnerabilities/%d has no notes, which the profile needs", i)
		case !vex && len(v.Status) == 0:
			return fails("6.1.27.6", "vulnerabilities/%d has no product_status, which the profile needs", i)
		case vex && len(v.Status["fixed"])+len(v.Status["known_affected"])+len(v.Status["known_not_affected"])+len(v.Status["under_investigation"]) == 0:
			return fails("6.1.27.7", "vulnerabilities/%d has none of fixed, known_affected, known_not_affected, under_investigation", i)
		case vex && v.CVE == "" && len(v.IDs) == 0:
			return fails("6.1.27.8", "vulnerabilities/%d has neither cve nor ids", i)
		}
		if vex {
			if err := vexStatements(v, groups, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// vexStatements wants a reason for what is not affected and an action for what is.
func vexStatements(v *csafVuln, groups map[string][]string, i int) error {
	reasons, actions := map[string]bool{}, map[string]bool{}
	for _, f := range v.Flags {
		for _, p := range expand(f.csafTargets, groups) {
			reasons[p] = true
		}
	}
	for _, t := range v.Threats {
		if t.Category == "impact" {
			for _, p := range expand(t.csafTargets, groups) {
				reasons[p] = true
			}
		}
	}
	for _, r := range v.Remediations {
		for _, p := range expand(r.csafTargets, groups) {
			actions[p] = true
		}
	}
	for _, p := range v.Status["known_not_affected"] {
		if !reasons[p] {
			return fails("6.1.27.9", "vulnerabilities/%d says that %.80q is not affected, without a reason (a flag or an impact)", i, p)
		}
	}
	for _, p := range v.Status["known_affected"] {
		if !actions[p] {
			return fails("6.1.27.10", "vulnerabilities/%d says that %.80q is affected, without what to do (a remediation)", i, p)
		}
	}
	return nil
}
