package library

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/vuln/sbom"
)

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
	if old := l.bills[key]; old != nil {
		if reflect.DeepEqual(old.BOM, b) {
			return f, nil // nothing is new in it
		}
		if err := l.retire(old); err != nil {
			return f, err
		}
	}
	kept := &Bill{Subject: subject, Key: key, Path: d.Name, Imported: l.cfg.Now().UTC(), BOM: b}
	if err := l.keepBill(l.billPath(key), kept); err != nil {
		return f, err
	}
	l.bills[key] = kept
	return f, nil
}

func (l *Library) keepBill(path string, b *Bill) error {
	raw, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, err, "making %s", filepath.Dir(path))
	}
	return flow.ReplaceFile(path, raw)
}

// forget puts the further bills of a subject aside; the first is replaced.
func (l *Library) forget(subject string) error {
	for key, b := range l.bills {
		if b.Subject != subject || key == subject {
			continue
		}
		if err := l.retire(b); err != nil {
			return err
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

const (
	billDir = "sbom"
	oldDir  = "old" // below billDir: what others took the place of
	billEnd = ".sbom.json"
)

// maxBillName bounds a subject.
const maxBillName = 200

func (l *Library) billPath(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return filepath.Join(l.cfg.Dir, billDir, hex.EncodeToString(sum[:12])+billEnd)
}

func (l *Library) readBills() error {
	entries, err := os.ReadDir(filepath.Join(l.cfg.Dir, billDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.Unavailable, err, "reading the bills of materials in %s", l.cfg.Dir)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), billEnd) {
			continue
		}
		path := filepath.Join(l.cfg.Dir, billDir, e.Name())
		raw, err := os.ReadFile(path) //nolint:gosec // G304: in the data directory
		var b Bill
		if err == nil {
			err = json.NewDecoder(bytes.NewReader(raw)).Decode(&b)
		}
		if err != nil || b.BOM == nil {
			l.problems = append(l.problems, path+" cannot be read")
			continue
		}
		l.bills[b.Key] = &b
	}
	return nil
}
