// Package bom writes models of the register as a CycloneDX 1.6 bill of
// materials with model cards, for those who keep such bills. Where the form has
// a field it is used; how far each thing is known - verified, declared, unknown
// - stands beside it in properties whose names begin with "vedette:", since the
// form has no place for it. An unknown answer is written as unknown, not left
// out.
//
// It must not judge: what it writes is what the register holds.
package bom

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/model/register"
)

type document struct {
	Schema       string      `json:"$schema"`
	Format       string      `json:"bomFormat"`
	SpecVersion  string      `json:"specVersion"`
	SerialNumber string      `json:"serialNumber"`
	Version      int         `json:"version"`
	Metadata     metadata    `json:"metadata"`
	Components   []component `json:"components"`
}

type metadata struct {
	Timestamp string `json:"timestamp"`
	Tools     tools  `json:"tools"`
}

type tools struct {
	Components []component `json:"components"`
}

type component struct {
	Type        string      `json:"type"`
	Ref         string      `json:"bom-ref,omitempty"`
	Name        string      `json:"name"`
	Version     string      `json:"version,omitempty"`
	Description string      `json:"description,omitempty"`
	Hashes      []hash      `json:"hashes,omitempty"`
	Licenses    []license   `json:"licenses,omitempty"`
	Components  []component `json:"components,omitempty"`
	ModelCard   *modelCard  `json:"modelCard,omitempty"`
	Properties  []property  `json:"properties,omitempty"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type license struct {
	License struct {
		Name            string `json:"name"`
		Acknowledgement string `json:"acknowledgement"`
	} `json:"license"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type modelCard struct {
	Parameters parameters `json:"modelParameters"`
	Analysis   *analysis  `json:"quantitativeAnalysis,omitempty"`
	Properties []property `json:"properties"`
}

type parameters struct {
	Task         string    `json:"task"`
	Family       string    `json:"architectureFamily,omitempty"`
	Architecture string    `json:"modelArchitecture,omitempty"`
	Datasets     []dataset `json:"datasets,omitempty"`
	Inputs       []inOut   `json:"inputs"`
	Outputs      []inOut   `json:"outputs"`
}

type dataset struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

type inOut struct {
	Format string `json:"format"`
}

type analysis struct {
	Metrics []metric `json:"performanceMetrics"`
}

type metric struct {
	Type  string `json:"type"`
	Value string `json:"value"`
	Slice string `json:"slice,omitempty"`
}

// Write writes entries as they were at a time. random makes the serial number;
// version is the product's.
func Write(out io.Writer, entries []register.Entry, at time.Time, version string, random io.Reader) error {
	serial, err := newSerial(random)
	if err != nil {
		return err
	}
	doc := document{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", SpecVersion: "1.6", SerialNumber: serial, Version: 1,
		Metadata:   metadata{at.UTC().Format(time.RFC3339), tools{[]component{{Type: "application", Name: "vedette", Version: version}}}},
		Components: make([]component, len(entries)),
	}
	for i, e := range entries {
		doc.Components[i] = componentOf(e)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fault.Wrap(fault.Unavailable, err, "writing the bill of models")
	}
	return nil
}

// newSerial is a random UUID.
func newSerial(random io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "making a serial number")
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return "urn:uuid:" + strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-"), nil
}

func componentOf(e register.Entry) component {
	c := component{Type: "machine-learning-model", Ref: "model:" + e.ID, Name: e.ID, ModelCard: cardOf(e)}
	p := &list{}
	p.add("state", string(e.State), register.Verified)
	p.add("revision", strconv.Itoa(e.Revision), register.Verified)
	if n := len(e.History); n > 0 {
		last := e.History[n-1]
		p.add("decision", last.Action+" by "+last.By+": "+last.Why, register.Verified)
		p.plain("decision:at", last.At.UTC().Format(time.RFC3339))
		p.plain("decision:audit_entry", strconv.FormatInt(last.Audit, 10))
	}
	if e.Files != nil {
		c.files(e.Files, p)
	}
	if at := e.Endpoint; at != nil {
		if e.Files == nil {
			c.Version = at.Version
		}
		p.add("endpoint", at.Name+" "+at.URL, register.Declared)
		p.add("endpoint:model", at.Model, register.Declared)
		p.add("endpoint:location", string(at.Location), register.Declared)
		for _, pin := range at.Pins {
			p.add("endpoint:tls_key", pin, register.Verified)
		}
	}
	for _, text := range e.Unverifiable() {
		p.plain("unverifiable", text)
	}
	c.Properties = p.all
	return c
}

func (c *component) files(f *register.Files, p *list) {
	digest, single := strings.CutPrefix(f.Digest, "sha256:")
	if single {
		c.Hashes = []hash{{"SHA-256", digest}}
	} else {
		for _, s := range f.Sums {
			c.Components = append(c.Components, component{Type: "file", Name: s.Name, Hashes: []hash{{"SHA-256", s.SHA256}}})
		}
	}
	c.Version = f.Digest
	c.Description = clean(f.Facts.Name)
	if l := clean(f.Facts.License); l != "" {
		c.Licenses = make([]license, 1)
		c.Licenses[0].License.Name, c.Licenses[0].License.Acknowledgement = l, "declared"
	}
	p.add("digest", f.Digest, register.Verified)
	p.add("bytes", strconv.FormatInt(f.Bytes, 10), register.Verified)
	p.add("format", f.Facts.Format, register.Verified)
	p.add("license", f.Facts.License, register.Declared)
	p.add("quantisation", f.Facts.Quantisation, register.Declared)
	p.add("context", number(f.Facts.Context), register.Declared)
	p.add("parameters", number(f.Facts.Parameters), register.Verified)
	p.add("chat_template_sha256", f.Facts.TemplateSHA, register.Verified)
	signature := "none"
	mark := register.Unknown
	if s := f.Signature; s != nil {
		signature, mark = "openssf-model-signing, key "+s.Fingerprint+", root "+s.Root, register.Verified
	}
	p.add("signature", signature, mark)
}

func cardOf(e register.Entry) *modelCard {
	m := &modelCard{Parameters: parameters{Task: "text-generation", Inputs: []inOut{{"text"}}, Outputs: []inOut{{"text"}}}}
	if e.Files != nil {
		m.Parameters.Architecture = clean(e.Files.Facts.Architecture)
	}
	if text := e.Card.TrainedOn.Text; text != "" {
		m.Parameters.Datasets = []dataset{{"dataset", clean(text)}}
	}
	p := &list{}
	p.plain("architecture:mark", string(known(m.Parameters.Architecture, register.Declared)))
	for _, q := range e.Card.Questions() {
		p.add(q.Key, q.Answer.Text, q.Answer.Mark)
		if q.Answer.Mark == register.Unknown {
			continue
		}
		p.plain(q.Key+":by", q.Answer.By)
		p.plain(q.Key+":at", q.Answer.At.UTC().Format(time.RFC3339))
		if q.Answer.Evidence != "" {
			p.plain(q.Key+":evidence", q.Answer.Evidence)
		}
	}
	for _, ev := range e.Evaluations {
		p.add("evaluation", ev.Name+" "+ev.Ref+" sha256:"+ev.SHA256, register.Declared)
		p.plain("evaluation:by", ev.By)
		if m.Analysis == nil && len(ev.Figures) > 0 {
			m.Analysis = &analysis{}
		}
		for _, name := range sorted(ev.Figures) {
			m.Analysis.Metrics = append(m.Analysis.Metrics, metric{clean(name), strconv.FormatFloat(ev.Figures[name], 'g', -1, 64), clean(ev.Name)})
		}
	}
	if n := len(e.Drift); n > 0 {
		d := e.Drift[n-1]
		p.add("canaries", fmt.Sprintf("%d of %d answers as in the first run, on %s", d.Same, len(d.Answers), d.At.UTC().Format(time.DateOnly)), register.Declared)
	}
	m.Properties = p.all
	return m
}

func sorted(m map[string]float64) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// list collects properties.
type list struct{ all []property }

// add writes a value and how far it is known; an empty one is unknown.
func (l *list) add(name, value string, mark register.Mark) {
	l.plain(name, value)
	l.plain(name+":mark", string(known(value, mark)))
}

func (l *list) plain(name, value string) {
	l.all = append(l.all, property{"vedette:" + name, clean(value)})
}

func known(value string, mark register.Mark) register.Mark {
	if value == "" {
		return register.Unknown
	}
	return mark
}

// clean takes out what a viewer could take for its own control: the texts of
// headers and cards are whatever somebody wrote.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, s)
}
