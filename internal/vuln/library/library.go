// Package library keeps advisories and bills of materials below the data
// directory, and the index of all of them.
//
// Advisories lie in segments: files of one JSON document a line, gzip, numbered
// in the order in which they came. An import writes one segment with what is
// new in it, whole under another name, forced to the disk and renamed, so that
// a kill leaves all of an import or nothing. The newest line of an advisory
// counts. When there are many segments they are joined. A bill of materials is
// a file of its own. It must not fetch or judge.
package library

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"sync"
	"time"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/sbom"
	"vedette/internal/vuln/schema"
	"vedette/internal/vuln/vex"
)

// Config says where the library is.
type Config struct {
	Dir     string
	Aliases *match.Aliases
	Now     func() time.Time
}

// Library is a folder of advisories and bills. It is safe for concurrent use.
type Library struct {
	cfg     Config
	schemas *schema.Set

	mu       sync.Mutex // held while it loads and imports
	loaded   bool
	index    *match.Index
	hashes   map[string][32]byte // of each advisory's line, by key
	current  map[string]*advisory.Advisory
	segments []int
	bills    map[string]*Bill // by subject
	stated   []vex.Statement  // all that was ever stated, the oldest first
	problems []string
}

// File is what became of one document.
type File struct {
	Path            string `json:"path"`
	Format          string `json:"format"`
	Status          string `json:"status"` // ok or rejected
	Reason          string `json:"reason,omitempty"`
	ID              string `json:"id,omitempty"`
	Products        int    `json:"products"`
	Vulnerabilities int    `json:"vulnerabilities"`
	Records         int    `json:"records,omitempty"`  // of a file with many
	Rejected        int    `json:"rejected,omitempty"` // of them
}

// Report tells what an import of advisories did.
type Report struct {
	Files []File      `json:"files"`
	New   int         `json:"new"` // advisories that were not there so before
	Stats match.Stats `json:"stats"`
	// Changed are the advisories that came, each with the one whose place it took.
	Changed []Change `json:"-"`
}

// Change is an advisory that was taken in; Old is nil when it was not there.
type Change struct{ Old, New *advisory.Advisory }

// BillFile is what became of one bill of materials.
type BillFile struct {
	Path       string `json:"path"`
	Format     string `json:"format"`
	Status     string `json:"status"`
	Reason     string `json:"reason,omitempty"`
	Components int    `json:"components"`
	PURLs      int    `json:"purls"`
	CPEs       int    `json:"cpes"`
}

// BillReport tells what an import of bills did.
type BillReport struct {
	Files []BillFile `json:"files"`
}

// Bill is a kept bill of materials and what it is of.
type Bill struct {
	Subject  string    `json:"subject"` // device:ID or product:NAME
	Key      string    `json:"key"`     // names it among those of the subject
	Path     string    `json:"path"`
	Imported time.Time `json:"imported"`
	Until    time.Time `json:"until,omitzero"` // when another took its place
	BOM      *sbom.BOM `json:"bom"`
}

// The states of a file.
const (
	ok       = "ok"
	rejected = "rejected"
)

// Open makes the library of a folder. It reads nothing until it is asked.
func Open(cfg Config) *Library {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Library{cfg: cfg, schemas: schema.New()}
}

// Index returns the index of all advisories; the first call reads them.
func (l *Library) Index(ctx context.Context) (*match.Index, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(ctx); err != nil {
		return nil, err
	}
	return l.index, nil
}

// Problems tells which files could not be read.
func (l *Library) Problems(ctx context.Context) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(ctx); err != nil {
		return nil, err
	}
	return slices.Clone(l.problems), nil
}

// Bills returns the kept bills of materials by subject.
func (l *Library) Bills(ctx context.Context) ([]*Bill, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(ctx); err != nil {
		return nil, err
	}
	out := make([]*Bill, 0, len(l.bills))
	for _, b := range l.bills {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b *Bill) int { return strings.Compare(a.Subject, b.Subject) })
	return out, nil
}

func (l *Library) load(ctx context.Context) error {
	if l.loaded {
		return nil
	}
	l.index = match.New(l.cfg.Aliases)
	l.hashes, l.current = map[string][32]byte{}, map[string]*advisory.Advisory{}
	l.bills, l.problems, l.segments = map[string]*Bill{}, nil, nil
	if err := l.readSegments(ctx); err != nil {
		return err
	}
	for _, a := range l.current {
		l.index.Add(a)
	}
	if err := l.readBills(); err != nil {
		return err
	}
	if err := l.readStated(); err != nil {
		return err
	}
	l.loaded = true
	return nil
}

// hash tells two documents apart by their content.
func hash(line []byte) [32]byte { return sha256.Sum256(line) }
