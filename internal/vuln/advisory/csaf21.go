package advisory

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
)

// CSAF 2.1 is read as far as it carries what 2.0 does, and what is new beside it:
// metrics with CVSS 4 and SSVC, lists of package URLs and weaknesses, dates of
// disclosure and of the first exploitation, product paths, TLP 2. Its schema does
// not ship; the tests that it has in common with 2.0 are made.
const csaf21 = "2.1"

// profiles21 are those that 2.1 added.
var profiles21 = []string{"csaf_withdrawn", "csaf_superseded", "csaf_deprecated_security_advisory"}

// csafScore is a score of CSAF 2.0, and what a metric of 2.1 is turned into.
type csafScore struct {
	Products []string
	V2       json.RawMessage `json:"cvss_v2"`
	V3       json.RawMessage `json:"cvss_v3"`

	V4     json.RawMessage `json:"-"`
	Source string          `json:"-"`
}

// csafVuln21 is what a vulnerability has in 2.1 alone.
type csafVuln21 struct {
	CWEs      []struct{ ID, Name string } `json:"cwes"`
	Disclosed string                      `json:"disclosure_date"`
	Exploited []struct {
		Date      string
		Exploited string `json:"exploitation_date"`
		csafTargets
	} `json:"first_known_exploitation_dates"`
	Metrics []struct {
		Products []string
		Source   string
		Content  struct {
			V2       json.RawMessage `json:"cvss_v2"`
			V3       json.RawMessage `json:"cvss_v3"`
			V4       json.RawMessage `json:"cvss_v4"`
			SSVC1    json.RawMessage `json:"ssvc_v1"`
			SSVC2    json.RawMessage `json:"ssvc_v2"`
			Severity string          `json:"qualitative_severity_rating"`
		}
	} `json:"metrics"`
}

// csafPath is a product inside others.
type csafPath struct {
	Begin string      `json:"beginning_product_reference"`
	Full  csafProduct `json:"full_product_name"`
	Sub   []struct {
		Category string
		Next     string `json:"next_product_reference"`
	} `json:"subpaths"`
}

// csafVersion is the version that a document names.
func csafVersion(doc any) string {
	m, _ := doc.(map[string]any)
	document, _ := m["document"].(map[string]any)
	v, _ := document["csaf_version"].(string)
	return v
}

// readCSAF21 reads a document of 2.1 into the form of 2.0.
func readCSAF21(data []byte, d *csafDoc) error {
	if err := json.Unmarshal(data, d); err != nil {
		return fault.Wrap(fault.Invalid, err, "reading the CSAF 2.1 document")
	}
	t := &d.Document.Tracking
	for _, need := range []struct{ name, value string }{
		{"document/category", d.Document.Category},
		{"document/title", d.Document.Title},
		{"document/publisher/name", d.Document.Publisher.Name},
		{"document/tracking/id", t.ID},
		{"document/tracking/version", t.Version},
		{"document/tracking/current_release_date", t.Current},
		{"document/distribution/tlp/label", d.Document.Distribution.TLP.Label},
	} {
		if strings.TrimSpace(need.value) == "" {
			return fault.New(fault.Invalid, "the CSAF 2.1 document has no %s", need.name)
		}
	}
	if label := d.Document.Distribution.TLP.Label; !slices.Contains([]string{"CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"}, label) {
		return fault.New(fault.Invalid, "the CSAF 2.1 document has the mark TLP:%.20s, which TLP 2 does not have", label)
	}
	for _, p := range d.Tree.Paths {
		r := csafRelation{Product: p.Full, Reference: p.Begin, RelatesTo: p.Begin}
		if n := len(p.Sub); n > 0 {
			r.Category, r.RelatesTo = p.Sub[n-1].Category, p.Sub[n-1].Next
		}
		d.Tree.Relationships = append(d.Tree.Relationships, r)
	}
	for i := range d.Vulnerabilities {
		v := &d.Vulnerabilities[i]
		if v.CWE == nil && len(v.CWEs) > 0 {
			v.CWE = &v.CWEs[0]
		}
		for _, m := range v.Metrics {
			v.Scores = append(v.Scores, csafScore{Products: m.Products, V2: m.Content.V2, V3: m.Content.V3, V4: m.Content.V4, Source: m.Source})
		}
	}
	return nil
}

// tlpWord is a mark as a word of TLP 2; WHITE of the first is clear.
func tlpWord(label string) string {
	if word := strings.ToLower(label); word != "white" {
		return clip(word, 20)
	}
	return "clear"
}

// news reads what only 2.1 has.
func (out *Vulnerability) news(v *csafVuln, at map[string]int, groups map[string][]string) {
	for _, w := range v.CWEs {
		if !slices.Contains(out.CWE, w.ID) && len(out.CWE) < 20 {
			out.CWE = append(out.CWE, clip(w.ID, 20))
		}
	}
	out.Disclosed = when(v.Disclosed)
	for _, e := range v.Exploited {
		first := when(e.Exploited)
		named := len(e.Products)+len(e.Groups) == 0 || len(targets(e.csafTargets, at, groups)) > 0
		if named && !first.IsZero() && (out.Exploited.IsZero() || first.Before(out.Exploited)) {
			out.Exploited = first
		}
	}
	if !out.Exploited.IsZero() {
		out.References = append(out.References, Reference{Tags: []string{"exploit_status:exploited since " + out.Exploited.Format(time.DateOnly)}})
	}
	for _, m := range v.Metrics {
		for _, raw := range []json.RawMessage{m.Content.SSVC2, m.Content.SSVC1} {
			out.decision(raw, m.Source)
		}
	}
}

// decision reads SSVC as CSAF 2.1 embeds it: decision points with their values, or
// a selection of them.
func (out *Vulnerability) decision(raw json.RawMessage, source string) {
	type point struct {
		Name   string
		Values []json.RawMessage
		Key    string
	}
	var doc struct {
		Role       string
		Selections []point
		Options    []map[string]json.RawMessage
	}
	if len(raw) == 0 || out.SSVC != nil || json.Unmarshal(raw, &doc) != nil {
		return
	}
	s := SSVC{By: clip(source, 200)}
	if s.By == "" {
		s.By = clip(doc.Role, 100)
	}
	for _, p := range doc.Selections {
		if len(p.Values) == 1 {
			s.set(p.Name, ssvcValue(p.Values[0]))
		}
	}
	for _, o := range doc.Options {
		for _, name := range slices.Sorted(maps.Keys(o)) {
			s.set(name, ssvcValue(o[name]))
		}
	}
	if s.Exploitation+s.Automatable+s.TechnicalImpact != "" {
		out.SSVC = &s
	}
}

// ssvcValue is a value that is a text, or an object with a name.
func ssvcValue(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return strings.ToLower(clip(text, 50))
	}
	var object struct{ Name, Key string }
	if json.Unmarshal(raw, &object) != nil {
		return ""
	}
	return strings.ToLower(clip(object.Name, 50))
}
