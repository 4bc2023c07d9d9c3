package advisory

import (
	"encoding/json"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/vuln/version"
)

type osvDoc struct {
	ID, Summary, Details, Modified, Published, Withdrawn string
	Aliases                                              []string
	Severity                                             []struct{ Type, Score string }
	Affected                                             []osvAffected
	References                                           []struct{ Type, URL string }
	Specific                                             struct {
		CWE []string `json:"cwe_ids"`
	} `json:"database_specific"`
}

type osvAffected struct {
	Package struct{ Ecosystem, Name, PURL string }
	Ranges  []struct {
		Type   string
		Events []map[string]string
	}
	Versions []string
}

func readOSV(data []byte) (*Advisory, error) {
	var d osvDoc
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the OSV record")
	}
	switch {
	case d.ID == "":
		return nil, fault.New(fault.Invalid, "at the top: id is missing")
	case when(d.Modified).IsZero():
		return nil, fault.New(fault.Invalid, "at modified: %.40q is no time", d.Modified)
	}
	a := &Advisory{Kind: OSV, ID: clip(d.ID, 100), Title: clip(d.Summary, 300), Publisher: "OSV", Rank: ByCVE, Published: when(d.Published), Updated: when(d.Modified), Withdrawn: d.Withdrawn != ""}
	v := Vulnerability{ID: a.ID, Title: a.Title, Text: clip(d.Details, maxText), CWE: d.Specific.CWE}
	for _, al := range d.Aliases {
		if cveID.MatchString(al) && !cveID.MatchString(v.ID) {
			v.ID, al = al, v.ID
		}
		v.Aliases = append(v.Aliases, clip(al, 100))
	}
	for _, s := range d.Severity {
		v.Scores = append(v.Scores, osvScore(s.Score)...)
	}
	for _, r := range d.References {
		tag := strings.ToLower(r.Type)
		if tag == "evidence" {
			tag = "exploit"
		}
		v.References = append(v.References, Reference{URL: clip(r.URL, 1000), Tags: tags(tag)})
	}
	for i := range d.Affected {
		p, fixes, err := d.Affected[i].product()
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "at affected/%d", i)
		}
		at := len(a.Products)
		v.Statements = append(v.Statements, Statement{Product: at, Status: Affected, Why: "default:unaffected"})
		for _, f := range fixes {
			v.Remedies = append(v.Remedies, Remedy{Kind: "vendor_fix", Text: "fixed in " + f, Fix: f, Products: []int{at}})
		}
		a.Products = append(a.Products, p)
	}
	a.Vulnerabilities = []Vulnerability{v}
	return a, nil
}

// product reads the events of each range: introduced, fixed, last_affected.
func (e *osvAffected) product() (Product, []string, error) {
	p := Product{Name: clip(e.Package.Name, 500), PURL: clip(e.Package.PURL, 500)}
	if p.PURL == "" && p.Name != "" {
		p.PURL = osvPURL(e.Package.Ecosystem, p.Name)
	}
	set := version.Set{Scheme: version.SchemeOf(e.Package.Ecosystem)}
	var fixes []string
	for _, r := range e.Ranges {
		if r.Type == "GIT" {
			continue // hashes have no order
		}
		fixes = append(fixes, events(&set, r.Events)...)
	}
	for _, v := range e.Versions {
		if len(set.Exact) < 10_000 {
			set.Exact = append(set.Exact, clip(v, version.MaxLength))
		}
	}
	set.Unsaid = !set.All && len(set.Spans)+len(set.Exact) == 0
	p.Versions = set
	if p.Name == "" && p.PURL == "" && len(e.Ranges) == 0 {
		return p, nil, fault.New(fault.Invalid, "package is missing")
	}
	return p, fixes, nil
}

// events adds what a list of events says and returns the versions of fixes.
func events(set *version.Set, list []map[string]string) []string {
	var fixes []string
	var open *version.Span
	for _, event := range list {
		switch {
		case event["introduced"] != "":
			open = &version.Span{Low: event["introduced"]}
			if open.Low == "0" {
				open.Low = ""
			}
		case open != nil && event["fixed"] != "":
			open.High, open.HighOut = event["fixed"], true
			fixes = append(fixes, event["fixed"])
			set.Spans = append(set.Spans, *open)
			open = nil
		case open != nil && event["last_affected"] != "":
			open.High = event["last_affected"]
			set.Spans = append(set.Spans, *open)
			open = nil
		}
	}
	if open != nil && open.Low == "" {
		set.All = true
	} else if open != nil {
		set.Spans = append(set.Spans, *open)
	}
	return fixes
}

func osvPURL(ecosystem, name string) string {
	ecosystem, _, _ = strings.Cut(strings.ToLower(ecosystem), ":")
	kind := map[string]string{
		"pypi": "pypi", "npm": "npm", "go": "golang", "crates.io": "cargo", "maven": "maven", "nuget": "nuget", "rubygems": "gem",
		"packagist": "composer", "hex": "hex", "pub": "pub", "debian": "deb/debian", "alpine": "apk/alpine", "ubuntu": "deb/ubuntu",
	}[ecosystem]
	if kind == "" {
		return ""
	}
	return "pkg:" + kind + "/" + strings.ReplaceAll(name, ":", "/")
}

func osvScore(vector string) []Score {
	raw, err := json.Marshal(map[string]any{"vectorString": vector})
	if err != nil {
		return nil
	}
	s, ok := scoreOf(raw, "OSV")
	if !ok {
		return nil
	}
	vec := Vulnerability{Scores: []Score{s}}
	if v, ok := vec.Vector(); ok {
		if base, ok := v.Base(); ok {
			s.Base = base
			s.Severity = severity(s)
		}
	}
	return []Score{s}
}
