// Package library keeps the feeds of a data directory: one file a feed, the
// allow-list, and the compiled set of all of them. Importing a feed again
// replaces it. The set is made anew beside the one in use and then takes its
// place at once, so that nothing that looks up has to wait.
//
// A file is written whole under another name, forced to the disk and renamed: a
// kill leaves the old feed or the new one. A feed that cannot be read is a
// problem of its own and leaves the others in force. It must not fetch or judge.
package library

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"vedette/internal/fault"
	"vedette/internal/intel"
	"vedette/internal/intel/feed"
)

// Config says where the feeds are and what is ours.
type Config struct {
	Dir    string         // folder of the feeds; made when something is kept
	Own    []netip.Prefix // ranges of our own, which no indicator can mean
	Now    func() time.Time
	OnSwap func(*intel.Set) // told of each new set; may be nil
}

// Library is the feeds of a data directory. It is safe for concurrent use.
type Library struct {
	cfg     Config
	loading sync.Mutex // held while feeds or the allow-list change
	loaded  atomic.Bool
	set     atomic.Pointer[intel.Set]
	state   sync.Mutex // of what follows
	feeds   []Feed
	allow   []Allowed
}

// Feed describes one kept feed.
type Feed struct {
	Name       string         `json:"name"`
	Imported   time.Time      `json:"imported"`
	By         string         `json:"by,omitempty"`
	Kinds      []string       `json:"kinds"`
	Indicators int            `json:"indicators"`
	Types      map[string]int `json:"types"`
	Refused    int            `json:"refused"`
	Opaque     int            `json:"opaque"`
	Bytes      int64          `json:"bytes"`                 // of its file
	Grade      string         `json:"reliability,omitempty"` // of the source, A to F
	Private    bool           `json:"private,omitempty"`     // ranges that are not on the internet count too
	Problem    string         `json:"problem,omitempty"`     // why it is not in force
	Marks      map[string]int `json:"marks,omitempty"`       // indicators by their mark of the Traffic Light Protocol
	Confidence int            `json:"confidence"`            // mean of those that tell, as it counts; 0: none does
	Ended      int            `json:"ended"`                 // indicators whose time was over when the feeds were read
	Newest     time.Time      `json:"newest,omitzero"`       // of what the indicators tell of their first sighting
}

// Request says how a feed is to be taken in.
type Request struct {
	Name       string        `json:"name"`                  // of the feed
	Confidence int           `json:"confidence"`            // where the feed gives none; 0: 50
	Expires    time.Duration `json:"expires"`               // from now, for those without an end; 0: none
	Kind       string        `json:"kind"`                  // "" to tell by the content
	Grade      string        `json:"reliability,omitempty"` // of the source, A to F; "": not graded
	Private    bool          `json:"private"`               // take ranges that are not on the internet too
	By         string        `json:"by"`                    // who asked
}

// Report tells what an import did.
type Report struct {
	Feed
	Replaced bool          `json:"replaced"`
	Read     int           `json:"read"`
	Reasons  []feed.Reason `json:"reasons,omitempty"`
	Set      intel.Stats   `json:"set"` // in force afterwards
}

// Open makes the library of a folder. It reads nothing until it is asked.
func Open(cfg Config) *Library {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	l := &Library{cfg: cfg}
	l.set.Store(intel.Empty())
	return l
}

// Set returns the indicators in force; the first call reads the feeds.
func (l *Library) Set(ctx context.Context) (*intel.Set, error) {
	if err := l.load(ctx); err != nil {
		return nil, err
	}
	return l.set.Load(), nil
}

// load reads the feeds once; afterwards it waits for nobody.
func (l *Library) load(ctx context.Context) error {
	if l.loaded.Load() {
		return nil
	}
	l.loading.Lock()
	defer l.loading.Unlock()
	if l.loaded.Load() {
		return nil
	}
	return l.compile(ctx)
}

// Feeds lists the kept feeds by name.
func (l *Library) Feeds(ctx context.Context) ([]Feed, error) {
	if err := l.load(ctx); err != nil {
		return nil, err
	}
	l.state.Lock()
	defer l.state.Unlock()
	return slices.Clone(l.feeds), nil
}

// Import takes in a feed of one or more documents and puts it in force.
func (l *Library) Import(ctx context.Context, req Request, docs func(yield func(feed.Document, error) bool)) (Report, error) {
	name, err := cleanName(req.Name)
	if err != nil {
		return Report{}, err
	}
	req.Name = name
	grade, ok := intel.GoodReliability(req.Grade)
	if !ok {
		return Report{}, fault.New(fault.Invalid, "%.20q is no grade of a source", req.Grade).WithHint("A (completely reliable) to E (unreliable), or F (cannot be judged)")
	}
	req.Grade = string(grade)
	l.loading.Lock()
	defer l.loading.Unlock()
	rep, err := l.keep(ctx, req, docs)
	if err != nil {
		return rep, err
	}
	if err := l.compile(ctx); err != nil {
		return rep, err
	}
	rep.Set = l.set.Load().Stats()
	return rep, nil
}

// Remove forgets a feed.
func (l *Library) Remove(ctx context.Context, name string) error {
	name, err := cleanName(name)
	if err != nil {
		return err
	}
	l.loading.Lock()
	defer l.loading.Unlock()
	if err := os.Remove(l.path(name)); errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "there is no feed %q", name).WithHint("list them with: vedette intel list")
	} else if err != nil {
		return fault.Wrap(fault.Unavailable, err, "removing the feed %s", name)
	}
	return l.compile(ctx)
}

// compile reads all feeds and puts the new set in force.
func (l *Library) compile(ctx context.Context) error {
	names, err := l.names()
	if err != nil {
		return err
	}
	b := intel.NewBuilder()
	feeds := make([]Feed, 0, len(names))
	for _, name := range names {
		f, err := l.read(ctx, name, b)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			f.Name, f.Problem = name, err.Error()
		}
		feeds = append(feeds, f)
	}
	allowed, err := l.readAllow()
	if err != nil {
		return err
	}
	l.swap(b.Build().WithAllow(l.allowSet(allowed)))
	l.state.Lock()
	l.feeds, l.allow = feeds, allowed
	l.state.Unlock()
	l.loaded.Store(true)
	return nil
}

func (l *Library) swap(s *intel.Set) {
	l.set.Store(s)
	if l.cfg.OnSwap != nil {
		l.cfg.OnSwap(s)
	}
}

const fileEnd = ".feed"

func (l *Library) path(name string) string { return filepath.Join(l.cfg.Dir, name+fileEnd) }

func (l *Library) names() ([]string, error) {
	entries, err := os.ReadDir(l.cfg.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(fault.Unavailable, err, "reading the feeds in %s", l.cfg.Dir)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), fileEnd); ok && e.Type().IsRegular() {
			names = append(names, name)
		}
	}
	return names, nil
}

const maxFeedName = 64

// cleanName checks the name of a feed, which is a file's name too.
func cleanName(name string) (string, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	ok := name != "" && len(name) <= maxFeedName && name[0] != '.' && name[0] != '-'
	for i := range len(name) {
		c := name[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_.", c) >= 0)
	}
	if !ok {
		return "", fault.New(fault.Invalid, "%q is no name for a feed", name).WithHint("use up to %d letters, digits, - _ and ., such as --source my-feed", maxFeedName)
	}
	return name, nil
}

// NameFor makes a feed's name of the path that it came from.
func NameFor(path string) string {
	base := strings.ToLower(filepath.Base(path))
	for _, end := range []string{".gz", ".zip", ".csv", ".txt", ".json", ".list", ".ipset", ".netset"} {
		base = strings.TrimSuffix(base, end)
	}
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '.' {
			return c
		}
		return '-'
	}, base)
	name = strings.Trim(name, "-.")
	if name == "" {
		return "feed"
	}
	return name[:min(len(name), maxFeedName)]
}

var errFormat = errors.New("it is not in the form of a feed file")
