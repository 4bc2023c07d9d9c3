package pull

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"vedette/internal/fault"
)

// Config says what is pulled and where its state is kept.
type Config struct {
	Dir     string
	Sources []Source
	Limits  Limits
	Taker   Taker
	Now     func() time.Time
	// Transport is what connections are made like; nil is Go's. Its dialling is
	// replaced by one that is guarded.
	Transport *http.Transport
}

// Puller pulls sources, one at a time. It is safe for concurrent use.
type Puller struct {
	cfg     Config
	pulling sync.Mutex
	mu      sync.Mutex // of states
	states  map[string]*state
}

// New makes a puller. It reads what was known of the sources and asks nobody.
func New(cfg Config) (*Puller, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Limits == (Limits{}) {
		cfg.Limits = DefaultLimits()
	}
	if cfg.Transport == nil {
		cfg.Transport = &http.Transport{ForceAttemptHTTP2: true}
	}
	p := &Puller{cfg: cfg, states: map[string]*state{}}
	for i := range cfg.Sources {
		src := &cfg.Sources[i]
		if err := src.Check(); err != nil {
			return nil, err
		}
		if p.states[src.Name] != nil {
			return nil, fault.New(fault.Invalid, "two sources are called %s", src.Name)
		}
		s := readState(cfg.Dir, src)
		p.states[src.Name] = &s
	}
	return p, nil
}

// Health tells how the sources are, by name.
func (p *Puller) Health() []Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Health, 0, len(p.states))
	for _, s := range p.states {
		out = append(out, s.Health)
	}
	slices.SortFunc(out, func(a, b Health) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Run pulls each source when its time comes, until ctx ends.
func (p *Puller) Run(ctx context.Context) error {
	for {
		next := p.cfg.Now().Add(time.Hour)
		for i := range p.cfg.Sources {
			src := &p.cfg.Sources[i]
			if at := p.next(src); !at.After(p.cfg.Now()) {
				_, _ = p.Pull(ctx, src.Name, false) // its failure is in its health
			}
			if at := p.next(src); at.Before(next) {
				next = at
			}
		}
		timer := time.NewTimer(max(next.Sub(p.cfg.Now()), time.Second))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

func (p *Puller) next(src *Source) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.states[src.Name].Next
}

// Pull asks one source now. With fresh it is asked as if for the first time. What
// fails is the error, and in the health; what was taken in before stays.
func (p *Puller) Pull(ctx context.Context, name string, fresh bool) (Health, error) {
	at := slices.IndexFunc(p.cfg.Sources, func(s Source) bool { return s.Name == name })
	if at < 0 {
		return Health{}, fault.New(fault.NotFound, "there is no source %.70q", name).WithHint("they are under pulls in the configuration")
	}
	src := &p.cfg.Sources[at]
	p.pulling.Lock()
	defer p.pulling.Unlock()
	p.mu.Lock()
	s := *p.states[name]
	p.mu.Unlock()
	anew := s.Reader < src.Reader
	if fresh || anew {
		s.ETag, s.Modified, s.Sum, s.Seen, s.Mark = "", "", "", nil, "" // keys that were trusted stay so
	}
	limited, cancel := context.WithTimeout(ctx, p.cfg.Limits.Pull)
	done, err := p.pull(limited, src, &s)
	cancel()
	if ctx.Err() != nil {
		return s.Health, ctx.Err() // the program ends: that is no failure of the source
	}
	now := p.cfg.Now().UTC()
	if err != nil {
		p.mu.Lock()
		s = *p.states[name] // the marks stay those of the last success
		p.mu.Unlock()
		s.failed(now, src.Every, err)
	} else {
		if anew {
			done.note = strings.TrimPrefix(done.note+"; all was pulled anew, because this version reads more of it", "; ")
			s.Reader = src.Reader
		}
		s.succeeded(now, src, done.fresh, done.changed, done.note)
	}
	p.mu.Lock()
	p.states[name] = &s
	p.mu.Unlock()
	if kept := s.keep(p.cfg.Dir); err == nil {
		err = kept
	}
	return s.Health, err
}

// result is what one pull brought.
type result struct {
	fresh   int
	changed bool
	note    string
}

func (p *Puller) pull(ctx context.Context, src *Source, s *state) (result, error) {
	if err := os.MkdirAll(p.cfg.Dir, 0o700); err != nil {
		return result{}, fault.Wrap(fault.Unavailable, err, "making %s", p.cfg.Dir)
	}
	p.sweep()
	f, err := newFetcher(src, p.cfg.Limits, p.cfg.Dir, p.cfg.Transport)
	if err != nil {
		return result{}, err
	}
	defer f.close()
	switch src.Kind {
	case CSAF:
		return p.provider(ctx, f, s)
	case TAXII:
		return p.collection(ctx, f, s)
	}
	return p.document(ctx, f, s)
}

// sweep removes what a kill left.
func (p *Puller) sweep() {
	files, _ := filepath.Glob(filepath.Join(p.cfg.Dir, "pull-*.part"))
	for _, path := range files {
		_ = os.Remove(path)
	}
}

// document pulls a source that is one document.
func (p *Puller) document(ctx context.Context, f *fetcher, s *state) (result, error) {
	g, err := f.get(ctx, f.src.URL, "", s.ETag, s.Modified)
	if err != nil || g.unchanged {
		return result{}, err
	}
	if at, bad := http.ParseTime(g.modified); bad == nil {
		if s.newest(at, p.cfg.Now()); s.Back != nil { // yesterday's data: what was there stays
			_ = os.Remove(g.path)
			return result{}, nil
		}
	}
	defer os.Remove(g.path) //nolint:errcheck // swept later
	if g.sum == s.Sum {
		s.ETag, s.Modified = g.etag, g.modified
		return result{}, nil
	}
	n, err := p.take(ctx, f, []file{{shown(f.src.URL), g.path}})
	if err != nil {
		return result{}, err
	}
	s.ETag, s.Modified, s.Sum = g.etag, g.modified, g.sum
	return result{n, true, ""}, nil
}

// file is a document that came, and where it lies.
type file struct{ name, path string }

// take hands documents on.
func (p *Puller) take(ctx context.Context, f *fetcher, files []file) (int, error) {
	return p.cfg.Taker.Take(ctx, f.src, func(yield func(Document, error) bool) {
		for _, d := range files {
			in, err := f.open(ctx, d.path)
			if err != nil {
				yield(Document{Name: d.name}, err)
				return
			}
			more := yield(Document{d.name, in}, nil)
			_ = in.Close()
			if !more {
				return
			}
		}
	})
}
