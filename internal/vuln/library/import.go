package library

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"vedette/internal/fault"
	"vedette/internal/flow"
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

// ImportBills takes in bills of materials of one subject, such as device:ID or
// product:NAME; "" takes each document's own product. A bill of a subject that
// has one takes its place.
func (l *Library) ImportBills(ctx context.Context, subject string, docs func(yield func(Document, error) bool)) (BillReport, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rep := BillReport{Files: []BillFile{}}
	if len(subject) > maxBillName {
		return rep, fault.New(fault.Invalid, "the name of the product is longer than %d characters", maxBillName)
	}
	if err := l.load(ctx); err != nil {
		return rep, err
	}
	var failed error
	taken := 0
	docs(func(d Document, err error) bool {
		if err == nil {
			err = ctx.Err()
		}
		var f BillFile
		if err == nil {
			f, err = l.bill(subject, taken, d)
		}
		if f.Status == ok {
			taken++
		}
		if err != nil {
			failed = err
			return false
		}
		rep.Files = append(rep.Files, f)
		return true
	})
	return rep, failed
}

// bill takes in the n-th bill of an import. The first of a named subject takes
// the place of all that it had.
func (l *Library) bill(subject string, n int, d Document) (BillFile, error) {
	f := BillFile{Path: d.Name, Status: ok}
	data, err := readAll(d)
	var b *sbom.BOM
	if err == nil {
		b, err = sbom.Read(data, l.schemas)
	}
	if err != nil {
		f.Status, f.Reason = rejected, reason(err)
		return f, nil
	}
	f.Format, f.Components = b.Format, len(b.Components)
	f.PURLs, f.CPEs = b.Count()
	key := subject
	switch {
	case subject == "":
		subject = own(b, d.Name)
		key = subject
	case n == 0:
		if err := l.forget(subject); err != nil {
			return f, err
		}
	default:
		key += "#" + itoa(n)
	}
	kept := &Bill{Subject: subject, Key: key, Path: d.Name, Imported: l.cfg.Now().UTC(), BOM: b}
	raw, err := json.Marshal(kept)
	if err != nil {
		return f, err
	}
	path := l.billPath(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return f, fault.Wrap(fault.Unavailable, err, "making %s", filepath.Dir(path))
	}
	if err := flow.ReplaceFile(path, raw); err != nil {
		return f, err
	}
	l.bills[key] = kept
	return f, nil
}

// forget removes the further bills of a subject; the first is replaced.
func (l *Library) forget(subject string) error {
	for key, b := range l.bills {
		if b.Subject != subject || key == subject {
			continue
		}
		if err := os.Remove(l.billPath(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Wrap(fault.Unavailable, err, "removing a bill of materials")
		}
		delete(l.bills, key)
	}
	return nil
}

// own names a bill by what it says it is of.
func own(b *sbom.BOM, path string) string {
	name := b.Subject.Name
	if name == "" {
		name = filepath.Base(path)
	}
	if b.Subject.Version != "" {
		name += " " + b.Subject.Version
	}
	return "product:" + name[:min(len(name), maxBillName)]
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
