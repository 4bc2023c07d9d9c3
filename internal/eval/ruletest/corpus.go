package ruletest

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"slices"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// Source is a log or capture that rules are run over.
type Source struct {
	Name string // as reports show it
	Open func() (io.ReadCloser, error)
}

// Report counts what a pack raises over many sources.
type Report struct {
	Sources int         `json:"sources"`
	Events  int         `json:"events"`
	Unread  []string    `json:"unread,omitempty"` // sources that gave no event
	Rules   []RuleCount `json:"rules"`            // those that were raised, most findings first
}

// RuleCount is what one rule raised.
type RuleCount struct {
	Rule     string      `json:"rule"` // file of the rule without its ending
	Title    string      `json:"title"`
	Level    string      `json:"level"`
	Findings int         `json:"findings"` // after folding of repeats
	Events   int         `json:"events"`   // that the findings stand for
	Files    []FileCount `json:"files"`
}

// FileCount is what one rule raised in one source.
type FileCount struct {
	File   string `json:"file"`
	Events int    `json:"events"`
}

// Corpus runs the pack over sources, each on a machine of its own, without an
// inventory and zones, as on the first day at a new site.
func (p *Pack) Corpus(ctx context.Context, sources []Source) (Report, error) {
	rep := Report{Sources: len(sources), Rules: []RuleCount{}}
	at := make(map[string]int)
	for _, s := range sources {
		findings, events, err := p.over(ctx, s)
		if err != nil {
			return rep, err
		}
		rep.Events += events
		if events == 0 {
			rep.Unread = append(rep.Unread, s.Name)
		}
		for i := range findings {
			f := &findings[i]
			if f.Family != event.FamilySigma {
				continue
			}
			n, ok := at[f.Rule]
			if !ok {
				n = len(rep.Rules)
				at[f.Rule] = n
				rep.Rules = append(rep.Rules, RuleCount{Rule: slug(p.of[f.Rule]), Title: f.Title, Level: p.level(f.Rule)})
			}
			rep.Rules[n].add(s.Name, f.Count)
		}
	}
	slices.SortFunc(rep.Rules, func(a, b RuleCount) int {
		return cmp.Or(cmp.Compare(b.Findings, a.Findings), cmp.Compare(a.Rule, b.Rule))
	})
	return rep, nil
}

func (c *RuleCount) add(file string, events int) {
	c.Findings++
	c.Events += events
	if n := len(c.Files); n > 0 && c.Files[n-1].File == file {
		c.Files[n-1].Events += events
		return
	}
	c.Files = append(c.Files, FileCount{file, events})
}

func (p *Pack) level(id string) string {
	for i := range p.Entries {
		if p.Entries[i].Rule.ID == id {
			return p.Entries[i].Rule.Level
		}
	}
	return ""
}

// over runs the pack over one source. Records that are rejected are passed
// over, as in the product.
func (p *Pack) over(ctx context.Context, s Source) ([]event.Finding, int, error) {
	in, err := s.Open()
	if err != nil {
		return nil, 0, fault.Wrap(fault.NotFound, err, "opening %s", s.Name)
	}
	defer in.Close() //nolint:errcheck // only read
	m, err := p.machine(&test{})
	if err != nil {
		return nil, 0, err
	}
	var all []event.Finding
	rep, err := m.stream(ctx, in, path.Base(s.Name))
	if err != nil && ctx.Err() != nil {
		return nil, 0, err
	}
	m.chain.End()
	all = append(all, m.chain.Take()...)
	return all, rep.Events, nil
}

// maxMember is how long a file of an archive may be.
const maxMember = 256 << 20

// ZipSources are the files of an archive that want takes, in its order.
func ZipSources(file string, want func(name string) bool) ([]Source, error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "opening %s", file)
	}
	defer z.Close() //nolint:errcheck // only read
	var out []Source
	for _, f := range z.File {
		if f.FileInfo().IsDir() || want != nil && !want(f.Name) {
			continue
		}
		if f.UncompressedSize64 > maxMember {
			return nil, fault.New(fault.Limited, "%s in %s is larger than %d MiB", f.Name, file, maxMember>>20)
		}
		data, err := readMember(f)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading %s in %s", f.Name, file)
		}
		out = append(out, Source{Name: path.Base(file) + "!" + f.Name, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(data)), nil
		}})
	}
	if len(out) == 0 {
		return nil, fault.New(fault.NotFound, "%s holds none of the files that are wanted", file)
	}
	return out, nil
}

func readMember(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, maxMember))
	return data, errors.Join(err, r.Close())
}

// FileSource is a file on disk.
func FileSource(file string) Source {
	return Source{Name: path.Base(file), Open: func() (io.ReadCloser, error) { return os.Open(file) }}
}
