package advisory

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"vedette/internal/fault"
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
