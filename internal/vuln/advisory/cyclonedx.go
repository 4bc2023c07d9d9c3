package advisory

import (
	"encoding/json"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/vuln/sbom"
	"vedette/internal/vuln/schema"
	"vedette/internal/vuln/version"
)

// readCycloneVEX reads the vulnerabilities of a CycloneDX document.
func readCycloneVEX(m map[string]any, data []byte, schemas *schema.Set) (*Advisory, error) {
	if err := sbom.CheckCycloneDX(m, schemas); err != nil {
		return nil, err
	}
	var d cycloneVEX
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the CycloneDX document")
	}
	a := &Advisory{Kind: CycloneVE, ID: d.Serial, Rank: ByVEX, Updated: when(d.Metadata.Timestamp), Published: when(d.Metadata.Timestamp), Publisher: clip(d.Metadata.Supplier.Name, 100)}
	parts := map[string]cyclonePart{}
	d.collect(parts)
	for i := range d.Vulnerabilities {
		v := &d.Vulnerabilities[i]
		if v.ID == "" {
			return nil, fault.New(fault.Invalid, "at vulnerabilities/%d: id is missing", i)
		}
		a.cyclone(v, parts)
	}
	if a.ID == "" && len(a.Vulnerabilities) > 0 {
		a.ID = a.Vulnerabilities[0].ID
	}
	return a, nil
}

type cyclonePart struct {
	Ref        string `json:"bom-ref"`
	Name       string
	Version    string
	PURL       string
	CPE        string
	Supplier   struct{ Name string }
	Components []cyclonePart
}

type cycloneVEX struct {
	Serial   string `json:"serialNumber"`
	Metadata struct {
		Timestamp string
		Component *cyclonePart
		Supplier  struct{ Name string }
	}
	Components      []cyclonePart
	Vulnerabilities []cycloneVuln
}

type cycloneVuln struct {
	ID             string
	Description    string
	Recommendation string
	CWEs           []int
	Ratings        []struct {
		Score    float64
		Severity string
		Method   string
		Vector   string
		Source   struct{ Name string }
	}
	Advisories []struct{ URL string }
	Analysis   struct {
		State, Justification, Detail string
	}
	Affects []struct {
		Ref      string
		Versions []struct{ Version, Range, Status string }
	}
}

func (d *cycloneVEX) collect(to map[string]cyclonePart) {
	var walk func(list []cyclonePart)
	walk = func(list []cyclonePart) {
		for _, c := range list {
			to[c.Ref] = c
			walk(c.Components)
		}
	}
	if d.Metadata.Component != nil {
		walk([]cyclonePart{*d.Metadata.Component})
	}
	walk(d.Components)
}

var cycloneStates = map[string]Status{
	"resolved": Fixed, "resolved_with_pedigree": Fixed, "exploitable": Affected, "in_triage": Investigating,
	"false_positive": NotAffected, "not_affected": NotAffected, "": Affected,
}

func (a *Advisory) cyclone(v *cycloneVuln, parts map[string]cyclonePart) {
	out := Vulnerability{ID: clip(v.ID, 100), Text: clip(v.Description, maxText)}
	for _, n := range v.CWEs {
		out.CWE = append(out.CWE, "CWE-"+itoa(n))
	}
	for _, r := range v.Ratings {
		out.Scores = append(out.Scores, cycloneScore(r.Method, r.Vector, r.Severity, r.Source.Name, r.Score)...)
	}
	for _, r := range v.Advisories {
		out.References = append(out.References, Reference{URL: clip(r.URL, 1000)})
	}
	if v.Recommendation != "" {
		out.Remedies = []Remedy{{Kind: "vendor_fix", Text: clip(v.Recommendation, 1000), Fix: fixIn("vendor_fix", v.Recommendation)}}
	}
	whole := cycloneStates[v.Analysis.State]
	for _, t := range v.Affects {
		p := cycloneProduct(t.Ref, parts)
		if len(t.Versions) == 0 {
			out.Statements = append(out.Statements, Statement{len(a.Products), whole, v.Analysis.Justification})
			a.Products = append(a.Products, p)
		}
		for _, ver := range t.Versions {
			q, status := p, whole
			switch ver.Status {
			case "unaffected":
				status = NotAffected
			case "unknown":
				status = Investigating
			}
			q.Versions = version.Set{Exact: []string{ver.Version}}
			if ver.Range != "" {
				q.Versions = version.Parse(ver.Range)
			}
			out.Statements = append(out.Statements, Statement{len(a.Products), status, v.Analysis.Justification})
			a.Products = append(a.Products, q)
		}
	}
	a.Vulnerabilities = append(a.Vulnerabilities, out)
}

// cycloneProduct finds what a reference means: a part of the document, a part
// of another (urn:cdx:serial/version#ref), or a purl.
func cycloneProduct(ref string, parts map[string]cyclonePart) Product {
	c, ok := parts[ref]
	if !ok {
		if i := strings.LastIndexByte(ref, '#'); i >= 0 {
			ref = unescape(ref[i+1:])
		}
		return productOf(ref)
	}
	p := Product{Vendor: clip(c.Supplier.Name, 100), Name: clip(c.Name, 500), PURL: clip(c.PURL, 500), Versions: version.Set{All: true}}
	if c.CPE != "" {
		p.CPEs = []string{clip(c.CPE, 300)}
	}
	if c.Version != "" {
		p.Versions = version.Set{Exact: []string{c.Version}}
	}
	return p
}

func cycloneScore(method, vector, severity, source string, base float64) []Score {
	raw, err := json.Marshal(map[string]any{"vectorString": vector, "baseScore": base, "baseSeverity": strings.ToUpper(severity)})
	if err != nil {
		return nil
	}
	if strings.HasPrefix(method, "CVSSv3") && !strings.HasPrefix(vector, "CVSS:") && vector != "" {
		raw, _ = json.Marshal(map[string]any{"vectorString": map[string]string{"CVSSv3": "CVSS:3.0/", "CVSSv31": "CVSS:3.1/"}[method] + vector, "baseScore": base, "baseSeverity": strings.ToUpper(severity)})
	}
	if s, ok := scoreOf(raw, clip(source, 100)); ok {
		return []Score{s}
	}
	return nil
}
