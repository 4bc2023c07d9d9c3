// Package sigmaeval scores the Sigma engine on public rules and recorded
// events: what compiles, what fires on the events it was recorded for, and how
// fast, beside the same rules asked one by one in the same run.
//
// It must not special-case a rule or a data set; figures are given as they come
// out. Nothing of it runs in normal use.
package sigmaeval

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/content"
	"vedette/internal/detect/sigma"
	"vedette/internal/detect/sigma/rulefile"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/normalize"
)

// The files below the folder of public data that are used.
const (
	rulesFile      = "detect/sigma-rules.zip"
	regressionFile = "detect/sigma-regression.zip"
	windowsFile    = "detect/otrf-attack-logs.zip"
)

// networkFiles are recorded logs of Zeek and Suricata.
var networkFiles = []string{"net/suricata-eve.jsonl.gz", "net/iot23-conn-labeled.tsv.gz", "net/iot23-benign-devices-zeek.zip", "net/zeek-icsnpp.zip", "net/slips-traffic.zip"}

// CompileReport is how many of the public rules load.
type CompileReport struct {
	Files    int             `json:"files"`
	Rules    int             `json:"rules"`
	Compiled int             `json:"compiled"`
	Refused  []sigma.Refusal `json:"refused"`
	Reasons  map[string]int  `json:"reasons"`
	Notes    int             `json:"notes"`
	Seconds  float64         `json:"seconds"`
	Matcher  int             `json:"matcher_bytes"`
}

// Compile compiles the public rules below dir.
func Compile(dir string) (CompileReport, error) {
	started := time.Now()
	loaded, err := rulefile.Load(filepath.Join(dir, filepath.FromSlash(rulesFile)))
	if err != nil {
		return CompileReport{}, err
	}
	set, refused, err := compile(loaded, nil)
	if err != nil {
		return CompileReport{}, err
	}
	rep := CompileReport{
		Files: loaded.Files, Rules: set.Len() + len(refused), Compiled: set.Len(), Refused: refused,
		Reasons: make(map[string]int), Notes: len(set.Notes()), Seconds: time.Since(started).Seconds(), Matcher: set.Size(),
	}
	for _, r := range refused {
		rep.Reasons[r.Reason]++
	}
	return rep, nil
}

// compile compiles those of the loaded rules that keep takes.
func compile(loaded *rulefile.Loaded, keep func(d *sigma.Document) bool) (*sigma.Set, []sigma.Refusal, error) {
	m, err := sigma.ParseMapping(content.SigmaMapping())
	if err != nil {
		return nil, nil, err
	}
	some := *loaded
	if keep != nil {
		some.Docs = nil
		for i := range loaded.Docs {
			if keep(&loaded.Docs[i]) {
				some.Docs = append(some.Docs, loaded.Docs[i])
			}
		}
	}
	set, refused := some.Compile(sigma.Options{Mapping: m})
	return set, refused, nil
}

// mainRules takes the rules of the collection's main folder, which is what
// engines are compared with.
func mainRules(d *sigma.Document) bool {
	_, name, ok := strings.Cut(d.File, ".zip/")
	return ok && strings.HasPrefix(name, "rules/")
}

// formats are the dialects of package normalize as package ingest takes them.
func formats() []ingest.Format {
	var out []ingest.Format
	for _, d := range normalize.Dialects() {
		out = append(out, ingest.Format{Name: d.Name, Detect: d.Detect, Cut: d.Cut, Open: func(o ingest.Origin) ingest.Reading {
			p := d.New(normalize.Source{ID: o.ID, Name: o.Name, Modified: o.Modified, Now: o.Now})
			r := ingest.Reading{Record: func(raw []byte, offset int64, emit func(*event.Event)) error {
				return p.Parse(normalize.Record{Raw: raw, Offset: offset}, emit)
			}}
			if holder, ok := p.(normalize.Ender); ok {
				r.End = holder.End
			}
			return r
		}})
	}
	return out
}

// events reads logs as the product reads them: of an archive the files that
// keep takes.
func events(ctx context.Context, file string, keep func(name string) bool, sink func(name string, e *event.Event)) error {
	reader := ingest.NewReader(formats(), time.Now)
	read := func(name string, in io.Reader) error {
		_, err := reader.Stream(ctx, in, name, "", time.Time{}, func(e *event.Event) error {
			sink(name, e)
			return nil
		})
		return err
	}
	if path.Ext(file) != ".zip" {
		f, err := os.Open(file) //nolint:gosec // G304: a file of the public data set
		if err != nil {
			return fault.Wrap(fault.NotFound, err, "opening %s", file)
		}
		defer f.Close() //nolint:errcheck // only read
		return read(file, f)
	}
	return archive(file, func(name string, data []byte) error {
		if !keep(name) {
			return nil
		}
		return read(name, bytes.NewReader(data))
	})
}

// archive shows each file of a zip archive.
func archive(file string, f func(name string, data []byte) error) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "opening %s", file).WithHint("put the public data there, or name its folder")
	}
	defer z.Close() //nolint:errcheck // only read
	files := slices.Clone(z.File)
	slices.SortFunc(files, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	for _, entry := range files {
		if entry.FileInfo().IsDir() {
			continue
		}
		in, err := entry.Open()
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "reading %s in %s", entry.Name, file)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "reading %s in %s", entry.Name, file)
		}
		if err := f(entry.Name, data); err != nil {
			return err
		}
	}
	return nil
}
