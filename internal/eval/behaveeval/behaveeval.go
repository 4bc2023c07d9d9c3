// Package behaveeval scores the behaviour detector on recorded data with
// labels, through the path that events take in the product: normalize, asset,
// behave. Its reports can be written as JSON.
//
// It must not tune anything: a report says which part of the data the
// constants of package behave were chosen on, and shows both parts.
package behaveeval

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/internal/asset"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/normalize"
)

// source is one file of a set.
type source struct {
	name string
	data []byte
}

// zipped reads the files of an archive that match, in the order of their names.
func zipped(shared, name string, match func(string) bool) ([]source, error) {
	z, err := zip.OpenReader(filepath.Join(shared, name))
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "opening %s", name).WithHint("put the public test data there; its README lists each source")
	}
	defer z.Close() //nolint:errcheck // only read
	var out []source
	for _, f := range z.File {
		if f.FileInfo().IsDir() || !match(f.Name) {
			continue
		}
		data, err := unzip(f)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading %s of %s", f.Name, name)
		}
		out = append(out, source{f.Name, data})
	}
	slices.SortFunc(out, func(a, b source) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

func unzip(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // only read
	return io.ReadAll(io.LimitReader(r, 256<<20))
}

func gunzipped(shared, name string) (source, error) {
	data, err := os.ReadFile(filepath.Join(shared, name)) //nolint:gosec // G304: the operator named the folder
	if err != nil {
		return source{}, fault.Wrap(fault.NotFound, err, "reading %s", name).WithHint("put the public test data there; its README lists each source")
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return source{}, fault.Wrap(fault.Invalid, err, "reading %s", name)
	}
	data, err = io.ReadAll(io.LimitReader(r, 256<<20))
	if err != nil {
		return source{}, fault.Wrap(fault.Invalid, err, "reading %s", name)
	}
	return source{name, data}, nil
}

// events reads sources into events of their own memory.
func events(ctx context.Context, sources ...source) ([]*event.Event, error) {
	now := func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	in := ingest.NewReader(formats(), now)
	var out []*event.Event
	for _, s := range sources {
		_, err := in.Stream(ctx, bytes.NewReader(s.data), s.name, "", time.Time{}, func(e *event.Event) error {
			out = append(out, owned(e))
			return nil
		})
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading %s", s.name)
		}
	}
	return out, nil
}

// formats are all dialects as the reader knows them.
func formats() []ingest.Format {
	dialects := normalize.Dialects()
	out := make([]ingest.Format, len(dialects))
	for i, d := range dialects {
		out[i] = ingest.Format{Name: d.Name, Detect: d.Detect, Cut: d.Cut, Open: func(o ingest.Origin) ingest.Reading {
			p := d.New(normalize.Source{ID: o.ID, Name: o.Name, Modified: o.Modified, Now: o.Now})
			r := ingest.Reading{Record: func(raw []byte, offset int64, emit func(*event.Event)) error {
				return p.Parse(normalize.Record{Raw: raw, Offset: offset}, emit)
			}}
			if ender, ok := p.(normalize.Ender); ok {
				r.End = ender.End
			}
			return r
		}}
	}
	return out
}

// owned copies an event with its texts, whose memory the parser uses again.
func owned(e *event.Event) *event.Event {
	c := e.Clone()
	for _, s := range slices.Clone(c.Slots()) {
		if t := c.Str(s); t != "" {
			c.SetStr(s, strings.Clone(t))
		}
		if l := c.List(s); len(l) > 0 {
			for i := range l {
				l[i] = strings.Clone(l[i])
			}
		}
	}
	for i, x := range c.Extras() {
		c.Extras()[i] = event.Extra{Name: strings.Clone(x.Name), Value: strings.Clone(x.Value)}
	}
	return c
}

func newRegistry() *asset.Registry {
	return asset.New(asset.Config{Site: "eval"}, nil, func() time.Time { return time.Time{} })
}

// byTime orders events as they happened.
func byTime(es []*event.Event) {
	slices.SortStableFunc(es, func(a, b *event.Event) int { return a.TimeField().Compare(b.TimeField()) })
}
