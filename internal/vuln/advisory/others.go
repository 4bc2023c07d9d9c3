package advisory

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/vuln/sbom"
	"vedette/internal/vuln/schema"
	"vedette/internal/vuln/version"
)

func readKEV(data []byte) (*Advisory, error) {
	var d struct {
		Version  string `json:"catalogVersion"`
		Released string `json:"dateReleased"`
		List     []struct {
			ID      string `json:"cveID"`
			Vendor  string `json:"vendorProject"`
			Product string
			Name    string `json:"vulnerabilityName"`
			Added   string `json:"dateAdded"`
			Action  string `json:"requiredAction"`
		} `json:"vulnerabilities"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the KEV catalogue")
	}
	a := &Advisory{Kind: KEV, ID: "kev", Title: "known exploited vulnerabilities " + clip(d.Version, 40), Publisher: "CISA", Updated: when(d.Released)}
	for i, k := range d.List {
		if !cveID.MatchString(k.ID) {
			return nil, fault.New(fault.Invalid, "at vulnerabilities/%d/cveID: %.40q is no CVE id", i, k.ID)
		}
		if k.Added == "" {
			return nil, fault.New(fault.Invalid, "at vulnerabilities/%d: dateAdded is missing", i)
		}
		a.Vulnerabilities = append(a.Vulnerabilities, Vulnerability{ID: k.ID, Title: clip(k.Name, 300), KEV: clip(k.Added, 40)})
	}
	return a, nil
}

func newEPSS() *Advisory {
	return &Advisory{Kind: EPSS, ID: "epss", Title: "exploit prediction scores", Publisher: "FIRST", EPSS: map[string]Chance{}}
}

func (a *Advisory) chance(cve, score, percentile string) error {
	s, err := strconv.ParseFloat(score, 64)
	p, err2 := strconv.ParseFloat(percentile, 64)
	switch {
	case !cveID.MatchString(cve):
		return fault.New(fault.Invalid, "%.40q is no CVE id", cve)
	case err != nil || math.IsNaN(s) || s < 0 || s > 1:
		return fault.New(fault.Invalid, "the score %.20q of %s is not between 0 and 1", score, cve)
	case percentile != "" && (err2 != nil || math.IsNaN(p) || p < 0 || p > 1):
		return fault.New(fault.Invalid, "the percentile %.20q of %s is not between 0 and 1", percentile, cve)
	}
	a.EPSS[cve] = Chance{s, p}
	return nil
}

func readEPSSCSV(data []byte) (*Advisory, error) {
	a := newEPSS()
	in := bufio.NewScanner(bytes.NewReader(data))
	var order map[string]int
	for n := 1; in.Scan(); n++ {
		line := strings.TrimSpace(in.Text())
		if line == "" {
			continue
		}
		if line[0] == '#' {
			if _, date, ok := strings.Cut(line, "score_date:"); ok {
				a.Updated = when(strings.TrimSpace(date))
			}
			continue
		}
		f := strings.Split(line, ",")
		if order == nil {
			order = map[string]int{}
			for i, name := range f {
				order[strings.ToLower(strings.TrimSpace(name))] = i
			}
			continue
		}
		get := func(name string) string {
			if i, ok := order[name]; ok && i < len(f) {
				return strings.TrimSpace(f[i])
			}
			return ""
		}
		if err := a.chance(get("cve"), get("epss"), get("percentile")); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "in line %d", n)
		}
	}
	if len(a.EPSS) == 0 {
		return nil, fault.New(fault.Invalid, "the table has no scores").WithHint("its columns are cve, epss, percentile")
	}
	return a, in.Err()
}

func readEPSSJSON(data []byte) (*Advisory, error) {
	var d struct {
		Data []struct {
			CVE, Date        string
			EPSS, Percentile json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the EPSS scores")
	}
	a := newEPSS()
	plain := func(r json.RawMessage) string { return strings.Trim(string(r), `"`) }
	for i, e := range d.Data {
		if err := a.chance(e.CVE, plain(e.EPSS), plain(e.Percentile)); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "at data/%d", i)
		}
		a.Updated = when(e.Date)
	}
	return a, nil
}

type vexStatement struct {
	Vulnerability   json.RawMessage
	Products        []json.RawMessage
	Status          string
	Justification   string
	Impact          string `json:"impact_statement"`
	Action          string `json:"action_statement"`
	Notes           string `json:"status_notes"`
	VulnDescription string `json:"vuln_description"`
}

func readOpenVEX(data []byte) (*Advisory, error) {
	var d struct {
		Context    string `json:"@context"`
		ID         string `json:"@id"`
		Author     string
		Timestamp  string
		Updated    string `json:"last_updated"`
		Version    json.RawMessage
		Statements []vexStatement
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the OpenVEX document")
	}
	switch {
	case d.ID == "":
		return nil, fault.New(fault.Invalid, "at the top: @id is missing")
	case d.Author == "":
		return nil, fault.New(fault.Invalid, "at the top: author is missing")
	case d.Timestamp != "" && when(d.Timestamp).IsZero():
		return nil, fault.New(fault.Invalid, "at timestamp: %.40q is no time", d.Timestamp)
	case len(d.Statements) == 0:
		return nil, fault.New(fault.Invalid, "at the top: statements is missing or empty")
	}
	a := &Advisory{Kind: OpenVEX, ID: clip(d.ID, 300), Publisher: clip(d.Author, 100), Rank: ByVEX, Published: when(d.Timestamp), Updated: when(d.Timestamp)}
	if t := when(d.Updated); !t.IsZero() {
		a.Updated = t
	}
	for i := range d.Statements {
		if err := a.vex(&d.Statements[i], i); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *Advisory) vex(s *vexStatement, i int) error {
	status := map[string]Status{"affected": Affected, "not_affected": NotAffected, "fixed": Fixed, "under_investigation": Investigating}[s.Status]
	name, aliases := vexName(s.Vulnerability)
	switch {
	case status == "":
		return fault.New(fault.Invalid, "at statements/%d/status: %.40q is none of affected, not_affected, fixed, under_investigation", i, s.Status)
	case name == "":
		return fault.New(fault.Invalid, "at statements/%d: vulnerability is missing", i)
	case status == NotAffected && s.Justification == "" && s.Impact == "":
		return fault.New(fault.Invalid, "at statements/%d: not_affected needs a justification or an impact_statement", i)
	}
	v := Vulnerability{ID: name, Aliases: aliases, Text: clip(s.VulnDescription, maxText)}
	why := s.Justification
	if why == "" {
		why = clip(s.Impact, 200)
	}
	for _, raw := range s.Products {
		for _, p := range vexProducts(raw) {
			v.Statements = append(v.Statements, Statement{len(a.Products), status, why})
			a.Products = append(a.Products, p)
		}
	}
	if s.Action != "" {
		v.Remedies = []Remedy{{Kind: "vendor_fix", Text: clip(s.Action, 1000), Fix: fixIn("vendor_fix", s.Action)}}
	}
	a.Vulnerabilities = append(a.Vulnerabilities, v)
	return nil
}

// vexName reads a vulnerability: a name, or an object that has one.
func vexName(raw json.RawMessage) (string, []string) {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		return clip(name, 100), nil
	}
	var o struct {
		ID      string `json:"@id"`
		Name    string
		Aliases []string
	}
	if json.Unmarshal(raw, &o) != nil {
		return "", nil
	}
	if o.Name == "" {
		o.Name = o.ID[strings.LastIndexByte(o.ID, '/')+1:]
	}
	return clip(o.Name, 100), o.Aliases
}

type vexProduct struct {
	ID            string `json:"@id"`
	Identifiers   map[string]string
	Subcomponents []json.RawMessage
}

func vexProducts(raw json.RawMessage) []Product {
	var id string
	if json.Unmarshal(raw, &id) == nil {
		return []Product{productOf(id)}
	}
	var o vexProduct
	if json.Unmarshal(raw, &o) != nil {
		return nil
	}
	if o.ID == "" {
		for _, key := range []string{"purl", "cpe23", "cpe22"} {
			if o.Identifiers[key] != "" {
				o.ID = o.Identifiers[key]
				break
			}
		}
	}
	p := productOf(o.ID)
	if o.Identifiers["purl"] != "" {
		p.PURL = clip(o.Identifiers["purl"], 500)
	}
	list := []Product{p}
	for _, sub := range o.Subcomponents { // the part, where it lies in the product
		for _, s := range vexProducts(sub) {
			s.Within = p.Name
			list = append(list, s)
		}
	}
	return list
}

// productOf makes a product of a purl, a CPE or a plain name.
func productOf(id string) Product {
	if p, ok := ParsePURL(id); ok {
		out := Product{Name: clip(p.Name, 500), PURL: clip(id, 500), Versions: version.Set{All: true}}
		if p.Version != "" {
			out.Versions = version.Set{Scheme: version.SchemeOf(p.Type), Exact: []string{p.Version}}
		}
		return out
	}
	if c, ok := ParseCPE(id); ok {
		out := Product{Vendor: c.Vendor, Name: c.Product, CPEs: []string{clip(id, 300)}, Versions: version.Set{All: true}}
		if c.Version != "" {
			out.Versions = version.Set{Exact: []string{strings.TrimSpace(c.Version + " " + c.Update)}}
		}
		return out
	}
	name, set := splitName(clip(id, 500))
	if set.Unsaid {
		set = version.Set{All: true}
	}
	return Product{Name: name, Versions: set}
}

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
			if ver.Status == "unaffected" {
				status = NotAffected
			} else if ver.Status == "unknown" {
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
