package advisory

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/vuln/cvss"
	"vedette/internal/vuln/version"
)

type cveDoc struct {
	DataType string `json:"dataType"`
	Meta     struct {
		ID        string `json:"cveId"`
		State     string
		Published string `json:"datePublished"`
		Updated   string `json:"dateUpdated"`
		Assigner  string `json:"assignerShortName"`
	} `json:"cveMetadata"`
	Containers struct {
		CNA *cveContainer
		ADP []cveContainer
	}
}

// ByCISA is who adds SSVC, CVSS and CWE to the records of others.
const ByCISA = "CISA-ADP"

type cveContainer struct {
	Title    string
	Provider struct {
		Name string `json:"shortName"`
	} `json:"providerMetadata"`
	Descriptions []struct{ Lang, Value string }
	Affected     []cveAffected
	Problems     []struct {
		Descriptions []struct{ CWEID, Description string }
	} `json:"problemTypes"`
	References []struct {
		URL  string
		Tags []string
	}
	Metrics     []map[string]json.RawMessage
	Workarounds []struct{ Lang, Value string }
	Solutions   []struct{ Lang, Value string }
	Exploits    []struct{ Lang, Value string }
}

type cveAffected struct {
	Vendor, Product string
	PackageName     string   `json:"packageName"`
	CollectionURL   string   `json:"collectionURL"`
	PackageURL      string   `json:"packageURL"`
	Platforms       []string `json:"platforms"`
	CPEs            []string `json:"cpes"`
	Default         string   `json:"defaultStatus"`
	Versions        []cveVersion
}

type cveVersion struct {
	Version, Status, VersionType string
	LessThan                     string `json:"lessThan"`
	UpTo                         string `json:"lessThanOrEqual"`
	Changes                      []struct{ At, Status string }
}

var cveID = regexp.MustCompile(`^CVE-\d{4}-\d{4,19}$`)

func readCVE(data []byte) (*Advisory, error) {
	var d cveDoc
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the CVE record")
	}
	switch {
	case !cveID.MatchString(d.Meta.ID):
		return nil, fault.New(fault.Invalid, "at cveMetadata/cveId: %.40q is no CVE id", d.Meta.ID)
	case d.Meta.State != "PUBLISHED" && d.Meta.State != "REJECTED":
		return nil, fault.New(fault.Invalid, "at cveMetadata/state: %.40q is neither PUBLISHED nor REJECTED", d.Meta.State)
	case d.Containers.CNA == nil:
		return nil, fault.New(fault.Invalid, "at containers: cna is missing")
	}
	cna := d.Containers.CNA
	a := &Advisory{
		Kind: CVE, Reader: Reader(CVE), ID: d.Meta.ID, Title: clip(cna.Title, 300), Publisher: clip(cna.Provider.Name, 100), Rank: ByCVE,
		Published: when(d.Meta.Published), Updated: when(d.Meta.Updated), Withdrawn: d.Meta.State == "REJECTED",
	}
	v := Vulnerability{ID: d.Meta.ID, Title: a.Title}
	for _, t := range cna.Descriptions {
		if v.Text == "" && strings.HasPrefix(strings.ToLower(t.Lang), "en") {
			v.Text = clip(t.Value, maxText)
		}
	}
	for _, s := range cna.Solutions {
		v.Remedies = append(v.Remedies, Remedy{Kind: "vendor_fix", Text: clip(s.Value, 1000), Fix: fixIn("vendor_fix", s.Value)})
	}
	for _, s := range cna.Workarounds {
		v.Remedies = append(v.Remedies, Remedy{Kind: "workaround", Text: clip(s.Value, 1000)})
	}
	for _, e := range cna.Exploits {
		v.References = append(v.References, Reference{Tags: []string{"exploit_status:" + clip(e.Value, 200)}})
	}
	a.container(&v, cna, ByCVE)
	for i := range d.Containers.ADP {
		a.container(&v, &d.Containers.ADP[i], ByCPE)
	}
	a.Vulnerabilities = []Vulnerability{v}
	return a, nil
}

// container adds what a container says. The Rank of its products tells the
// record's own word from what was added later.
func (a *Advisory) container(v *Vulnerability, c *cveContainer, rank Rank) {
	for _, p := range c.Problems {
		for _, d := range p.Descriptions {
			if strings.HasPrefix(d.CWEID, "CWE-") && !slices.Contains(v.CWE, d.CWEID) {
				v.CWE = append(v.CWE, d.CWEID)
				if c.Provider.Name == ByCISA {
					v.CWEAdded = append(v.CWEAdded, d.CWEID)
				}
			}
		}
	}
	for _, r := range c.References {
		if len(v.References) < 200 {
			one := Reference{URL: clip(r.URL, 1000), Tags: r.Tags}
			if rank == ByCPE {
				one.By = clip(c.Provider.Name, 40)
			}
			v.References = append(v.References, one)
		}
	}
	for _, m := range c.Metrics {
		v.metric(m, c.Provider.Name)
	}
	for i := range c.Affected {
		if e := &c.Affected[i]; !e.hashesAlone() || !slices.ContainsFunc(c.Affected, func(o cveAffected) bool { return o.Product == e.Product && !o.hashesAlone() }) {
			a.affected(v, e, rank)
		}
	}
}

func (v *Vulnerability) metric(m map[string]json.RawMessage, by string) {
	for _, key := range []string{"cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0"} {
		if s, ok := scoreOf(m[key], by); ok {
			v.Scores = append(v.Scores, s)
		}
	}
	var other struct {
		Type    string
		Content struct {
			Options []map[string]string
			Added   string `json:"dateAdded"`
		}
	}
	if m["other"] == nil || json.Unmarshal(m["other"], &other) != nil {
		return
	}
	switch strings.ToLower(other.Type) {
	case "ssvc":
		s := &SSVC{By: by}
		for _, o := range other.Content.Options {
			for _, name := range slices.Sorted(maps.Keys(o)) { // one key written twice in other letters: the same one wins every time
				s.set(name, o[name])
			}
		}
		v.SSVC = s
	case "kev":
		v.KEV = clip(other.Content.Added, 40)
	}
}

func (s *SSVC) set(name, value string) {
	value = strings.ToLower(value)
	switch strings.ToLower(name) {
	case "exploitation":
		s.Exploitation = value
	case "automatable":
		s.Automatable = value
	case "technical impact":
		s.TechnicalImpact = value
	}
}

// affected turns one entry into products, one for each status.
func (a *Advisory) affected(v *Vulnerability, e *cveAffected, rank Rank) {
	base := Product{Vendor: none(e.Vendor), Name: none(e.Product), Rank: rank}
	if base.Name == "" {
		base.Name = clip(e.PackageName, 500)
	}
	if base.PURL = clip(e.PackageURL, 500); !ValidPURL(base.PURL) {
		base.PURL = packageIn(e.CollectionURL, clip(e.PackageName, 400))
	}
	for _, c := range e.CPEs {
		if len(base.CPEs) < 50 {
			base.CPEs = append(base.CPEs, clip(c, 300))
		}
	}
	if base.Name == "" || len(a.Products) >= maxProducts {
		return
	}
	said := map[Status]*version.Set{}
	for i := range e.Versions {
		e.Versions[i].add(said)
	}
	if len(said) == 0 {
		said[Affected] = &version.Set{Unsaid: true}
	}
	if e.Default == "affected" { // all but those that are not
		said[Affected] = &version.Set{All: true}
	}
	for _, status := range []Status{Affected, NotAffected, Unknown} {
		if set := said[status]; set != nil {
			p := base
			p.Versions = *set
			v.Statements = append(v.Statements, Statement{Product: len(a.Products), Status: status, Why: defaultWhy(status, e.Default)})
			a.Products = append(a.Products, p)
		}
	}
}

// defaultWhy keeps what the record says of the versions that it does not list.
func defaultWhy(s Status, def string) string {
	if s == Affected && def == "unaffected" {
		return "default:unaffected"
	}
	return ""
}

// hashesAlone tells an entry of commits, which have no order, from one of
// versions.
func (e *cveAffected) hashesAlone() bool {
	for i := range e.Versions {
		if version.SchemeOf(e.Versions[i].VersionType) != version.Git {
			return false
		}
	}
	return len(e.Versions) > 0
}

func none(s string) string {
	s = clip(s, 500)
	switch strings.ToLower(s) {
	case "n/a", "na", "-", "unknown", "unspecified":
		return ""
	}
	return s
}

func (e *cveVersion) add(said map[Status]*version.Set) {
	status := map[string]Status{"affected": Affected, "unaffected": NotAffected, "unknown": Unknown}[e.Status]
	if status == "" {
		return
	}
	set := func(s Status) *version.Set {
		if said[s] == nil {
			said[s] = &version.Set{}
		}
		return said[s]
	}
	to := set(status)
	scheme := version.SchemeOf(e.VersionType)
	if scheme == version.Git {
		to.Unsaid = !to.All && len(to.Spans)+len(to.Exact) == 0
		return
	}
	to.Unsaid = false
	bound := e.LessThan + e.UpTo
	low := e.Version
	if low == "0" || low == "*" || low == "unspecified" || low == "-" || low == "n/a" {
		low = ""
	}
	if scheme == version.Semver && (low != "" && !version.Fits(scheme, low) || bound != "" && bound != "*" && !version.Fits(scheme, strings.TrimSuffix(bound, ".*"))) {
		scheme = version.Generic
	}
	if bound == "" {
		merge(to, version.Parse(e.Version))
		return
	}
	to.Scheme = scheme
	if bound == "*" {
		if low == "" {
			to.All = true
		} else {
			to.Spans = append(to.Spans, version.Span{Low: low})
		}
		return
	}
	high, out := version.Upper(bound, e.LessThan != "")
	e.changes(status, version.Span{Low: low, High: high, HighOut: out}, set)
}

// changes cuts a span at the points where its status changes.
func (e *cveVersion) changes(status Status, sp version.Span, set func(Status) *version.Set) {
	for _, c := range e.Changes {
		next := map[string]Status{"affected": Affected, "unaffected": NotAffected, "unknown": Unknown}[c.Status]
		if next == "" || next == status || strings.TrimSpace(c.At) == "" {
			continue
		}
		first := sp
		first.High, first.HighOut = strings.TrimSpace(c.At), true
		set(status).Spans = append(set(status).Spans, first)
		sp.Low, sp.LowOut, status = first.High, false, next
	}
	if sp.High != "" && sp.Low != "" && len(e.Changes) > 0 && version.Compare(version.Generic, sp.Low, sp.High) == version.Greater {
		return // the change lies behind the end, as records of patched branches have it
	}
	set(status).Spans = append(set(status).Spans, sp)
}

func merge(to *version.Set, s version.Set) {
	to.All = to.All || s.All
	to.Spans = append(to.Spans, s.Spans...)
	to.Exact = append(to.Exact, s.Exact...)
	to.Except = append(to.Except, s.Except...)
	if to.Unread == "" {
		to.Unread = s.Unread
	}
	to.Unsaid = s.Unsaid && len(to.Spans)+len(to.Exact) == 0 && !to.All
}

// best returns the newest version's score.
func (v *Vulnerability) best() (Score, bool) {
	for _, want := range []string{"3.1", "3.0", "4.0", "2.0"} {
		for _, s := range v.Scores {
			if s.Version == want {
				return s, true
			}
		}
	}
	return Score{}, false
}

// Disagrees tells whether the score is another than the vector gives, and what that is.
func (s *Score) Disagrees() (float64, bool) {
	v, err := cvss.Parse(s.Vector)
	if err != nil {
		return 0, false
	}
	ok, want := v.Agrees(s.Base)
	return want, !ok
}

// Vector returns the metrics of the score that tells most, or none.
func (v *Vulnerability) Vector() (cvss.Vector, bool) {
	s, ok := v.best()
	if !ok {
		return cvss.Vector{}, false
	}
	vec, err := cvss.Parse(s.Vector)
	return vec, err == nil
}
