package library

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"vedette/internal/fault"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/sbom"
)

// Document is one file to be taken in.
type Document struct {
	Name string
	io.Reader
}

// Import takes in documents with advisories. What is refused is told and the
// rest goes on; what was there before with the same content is not kept again.
func (l *Library) Import(ctx context.Context, docs func(yield func(Document, error) bool)) (Report, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(ctx); err != nil {
		return Report{}, err
	}
	rep := Report{Files: []File{}}
	in := &intake{l: l, seen: map[string]int{}}
	var failed error
	docs(func(d Document, err error) bool {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			failed = err
			return false
		}
		rep.Files = append(rep.Files, in.file(d))
		return true
	})
	if failed != nil {
		return rep, failed
	}
	rep.New = len(in.lines)
	if len(in.lines) > 0 {
		if err := l.write(in.lines, false); err != nil {
			return rep, fault.Wrap(fault.KindOf(err), err, "keeping the advisories").WithHint("check the free space of the data directory's disk")
		}
		for i, a := range in.list {
			key := a.Key()
			rep.Changed = append(rep.Changed, Change{l.current[key], a})
			l.current[key], l.hashes[key] = a, hash(in.lines[i])
			l.index.Add(a)
		}
	}
	rep.Stats = l.index.Stats()
	return rep, l.join()
}

// intake gathers what is new of one import.
type intake struct {
	l     *Library
	lines [][]byte
	list  []*advisory.Advisory
	seen  map[string]int // key: its place in list
}

func (in *intake) file(d Document) File {
	f := File{Path: d.Name, Status: ok}
	records := 0
	var first error
	err := advisory.Each(d.Reader, in.l.schemas, func(a *advisory.Advisory, err error) error {
		records++
		if err == nil {
			err = in.add(a)
		}
		if err != nil {
			f.Rejected++
			if first == nil {
				first = err
			}
			return nil
		}
		f.Format, f.ID = a.Kind, a.ID
		f.Products += len(a.Products)
		f.Vulnerabilities += len(a.Vulnerabilities) + len(a.EPSS)
		return nil
	})
	if err == nil && records == 0 {
		err = fault.New(fault.Invalid, "there is no document in the file")
	}
	switch {
	case err != nil:
		f.Status, f.Reason = rejected, reason(err)
	case f.Rejected == records:
		f.Status, f.Reason, f.Rejected = rejected, reason(first), 0
	case f.Rejected > 0:
		f.Reason = itoa(f.Rejected) + " of " + itoa(records) + " records were refused; the first: " + reason(first)
	}
	if records > 1 {
		f.ID, f.Records = "", records
	}
	return f
}

// reason words an error with what to do.
func reason(err error) string {
	text, hint := err.Error(), ""
	if _, h := fault.Public(err); h != "" {
		hint = " (" + h + ")"
	}
	return text + hint
}

func (in *intake) add(a *advisory.Advisory) error {
	if a.Kind == advisory.CycloneVE && len(a.Vulnerabilities) == 0 {
		return nil // a bill alone: valid, and nothing to keep
	}
	line, err := json.Marshal(a)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the document cannot be kept")
	}
	key := a.Key()
	if old := in.l.current[key]; old != nil && old.Updated.After(a.Updated) && !a.Updated.IsZero() {
		return nil // yesterday's document does not take the place of today's
	}
	if in.l.hashes[key] == hash(line) {
		return nil
	}
	if at, again := in.seen[key]; again {
		if in.list[at].Updated.After(a.Updated) {
			return nil
		}
		in.list[at], in.lines[at] = a, line
		return nil
	}
	in.seen[key] = len(in.list)
	in.list, in.lines = append(in.list, a), append(in.lines, line)
	return nil
}

func readAll(d Document) ([]byte, error) {
	in, err := unzip(d.Reader)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(in, sbom.MaxBytes+1))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the file is damaged or breaks off")
	}
	if n > sbom.MaxBytes {
		return nil, fault.New(fault.Limited, "the document is larger than %d MB", sbom.MaxBytes>>20).WithHint("split it, one product a file")
	}
	return buf.Bytes(), nil
}
