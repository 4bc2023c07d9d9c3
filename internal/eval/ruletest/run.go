package ruletest

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"vedette/internal/asset"
	"vedette/internal/detect"
	"vedette/internal/detect/sigma"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// Result is the outcome of one section of a test.
type Result struct {
	Path    string   `json:"path"`
	Title   string   `json:"title"`
	Section string   `json:"section"` // fire/NAME, silent/NAME; "" if the test could not run
	OK      bool     `json:"ok"`
	Events  int      `json:"events"`
	Raised  []string `json:"raised"` // files of the rules that were raised
	Reason  string   `json:"reason,omitempty"`
}

// clock is the time at which tests run: a log without a year has this one's.
var clock = time.Date(2025, 11, 20, 12, 0, 0, 0, time.UTC)

// Run runs the test of one entry, section by section, each on a machine of its
// own that begins with the learn sections.
func (p *Pack) Run(ctx context.Context, e *Entry) []Result {
	fail := func(reason string) []Result {
		return []Result{{Path: e.Path, Title: e.Rule.Title, Reason: reason}}
	}
	if e.Test == nil {
		return fail("it has no test")
	}
	t, err := parseTest(e.Test)
	if err != nil {
		return fail(err.Error())
	}
	var out []Result
	for _, f := range slices.Concat(t.fire, t.silent) {
		r := Result{Path: e.Path, Title: e.Rule.Title, Section: f.Name, Raised: []string{}}
		if err := p.section(ctx, &r, &t, f); err != nil {
			r.Reason = err.Error()
		} else {
			r.judge(&t)
		}
		r.OK = r.Reason == ""
		out = append(out, r)
	}
	return out
}

func (p *Pack) section(ctx context.Context, r *Result, t *test, f txtar.File) error {
	m, err := p.machine(t)
	if err != nil {
		return err
	}
	for _, l := range t.learn {
		if _, err := m.read(ctx, l.Name, l.Data); err != nil {
			return err
		}
	}
	m.chain.Take()
	if r.Events, err = m.read(ctx, f.Name, f.Data); err != nil {
		return err
	}
	m.chain.End()
	for _, finding := range m.chain.Take() {
		if finding.Family != event.FamilySigma {
			continue
		}
		if name := p.of[finding.Rule]; !slices.Contains(r.Raised, name) {
			r.Raised = append(r.Raised, name)
		}
	}
	slices.Sort(r.Raised)
	return nil
}

// judge compares what was raised with what the section is for. Rules beside
// the one tested are allowed in fire sections if the test names them.
func (r *Result) judge(t *test) {
	fired := slices.Contains(r.Raised, r.Path)
	if strings.HasPrefix(r.Section, "silent/") {
		if fired {
			r.Reason = "it is raised and should be silent"
		}
		return
	}
	if !fired {
		r.Reason = "it is not raised"
		return
	}
	for _, other := range r.Raised {
		if other != r.Path && !slices.Contains(t.also, slug(other)) {
			r.Reason = "it also raises " + slug(other) + ", which the section also does not name"
		}
	}
}

// machine is the way of an event from a log to findings.
type machine struct {
	reader  *ingest.Reader
	devices *asset.Registry
	chain   *detect.Chain
}

func (p *Pack) machine(t *test) (*machine, error) {
	cfg, err := assetConfig(t.config)
	if err != nil {
		return nil, err
	}
	now := func() time.Time { return clock }
	m := &machine{reader: ingest.NewReader(p.opts.Formats, now), devices: asset.New(cfg, nil, now)}
	var detectors []detect.Detector
	if p.opts.Before != nil {
		detectors = p.opts.Before()
	}
	m.chain = detect.NewChain(append(detectors, sigma.NewDetector(p.set, sigma.DetectorOptions{}))...)
	if t.devices != nil {
		rep, err := m.devices.Import(bytes.NewReader(t.devices))
		if err != nil {
			return nil, err
		}
		if len(rep.Problems) > 0 {
			return nil, fault.New(fault.Invalid, "devices.csv, line %d: %s", rep.Problems[0].Line, rep.Problems[0].Text)
		}
	}
	return m, nil
}

// assetConfig reads a section config: zones and own_subnets as in the
// product's settings.
func assetConfig(data []byte) (asset.Config, error) {
	var c struct {
		Zones []struct {
			Name, Level, Criticality string
			Subnets                  []netip.Prefix
		} `yaml:"zones"`
		Own []netip.Prefix `yaml:"own_subnets"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && len(data) > 0 {
		return asset.Config{}, fault.Wrap(fault.Invalid, err, "reading the section config")
	}
	cfg := asset.Config{Own: c.Own}
	for _, z := range c.Zones {
		cfg.Zones = append(cfg.Zones, asset.Zone{Name: z.Name, Level: z.Level, Subnets: z.Subnets, Criticality: z.Criticality})
	}
	return cfg, nil
}

// read shows the events of a log to devices and detectors. A record that is
// rejected is an error: a test must say what it means.
func (m *machine) read(ctx context.Context, name string, data []byte) (int, error) {
	file := path.Base(name)
	if plain, ok := strings.CutSuffix(file, ".b64"); ok {
		raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(data)), ""))
		if err != nil {
			return 0, fault.Wrap(fault.Invalid, err, "reading %s as base64", name)
		}
		file, data = plain, raw
	}
	rep, err := m.stream(ctx, bytes.NewReader(data), file)
	switch {
	case err != nil:
		return 0, err
	case rep.Rejected > 0:
		return 0, fault.New(fault.Invalid, "%s: %d records rejected: %s", name, rep.Rejected, rep.Reasons[0].Reason)
	case rep.Events == 0:
		return 0, fault.New(fault.Invalid, "%s gives no event", name)
	}
	return rep.Events, nil
}

func (m *machine) stream(ctx context.Context, in io.Reader, name string) (ingest.Report, error) {
	return m.reader.Stream(ctx, in, name, "", clock, func(e *event.Event) error {
		m.devices.Observe(e)
		m.chain.Inspect(e)
		return nil
	})
}
