package pull

import (
	"context"
	"errors"
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
	mu      sync.Mutex // of what follows
	sources []Source
	states  map[string]*state
	now     string                  // that is being pulled
	stop    context.CancelCauseFunc // ends that
	woken   chan struct{}
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
	p := &Puller{cfg: cfg, states: map[string]*state{}, woken: make(chan struct{}, 1)}
	return p, p.Replace(cfg.Sources)
}

var errChanged = errors.New("the source was changed, paused or removed meanwhile")

// Replace puts other sources in the place of those that there are. One that is the
// same but for how it is asked goes on from where it was; one that is being pulled
// and is another by now is broken off. With an error nothing has changed.
func (p *Puller) Replace(sources []Source) error {
	names := map[string]bool{}
	for i := range sources {
		if err := sources[i].Check(); err != nil {
			return err
		}
		if names[sources[i].Name] {
			return fault.New(fault.Invalid, "two sources are called %s", sources[i].Name)
		}
		names[sources[i].Name] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.states
	if src := p.find(p.now); src != nil && p.stop != nil && !slices.ContainsFunc(sources, func(s Source) bool { return s.same(src) }) {
		p.stop(errChanged)
	}
	p.states, p.sources = map[string]*state{}, slices.Clone(sources)
	for i := range sources {
		src := &sources[i]
		s := old[src.Name]
		if s == nil || s.Of != of(src) {
			read := readState(p.cfg.Dir, src)
			s = &read
		}
		next := *s // Pull has the old one
		next.Paused = src.Paused
		p.states[src.Name] = &next
	}
	select {
	case p.woken <- struct{}{}:
	default:
	}
	return nil
}

// find is a source by its name; nil: there is none. It is called under mu.
func (p *Puller) find(name string) *Source {
	if at := slices.IndexFunc(p.sources, func(s Source) bool { return s.Name == name }); at >= 0 {
		return &p.sources[at]
	}
	return nil
}

// Sources are those that there are.
func (p *Puller) Sources() []Source {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sources)
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
		for _, src := range p.Sources() {
			if at, ok := p.next(src.Name); ok && !at.After(p.cfg.Now()) {
				_, _ = p.Pull(ctx, src.Name, false) // its failure is in its health
			}
			if at, ok := p.next(src.Name); ok && at.Before(next) {
				next = at
			}
		}
		timer := time.NewTimer(max(next.Sub(p.cfg.Now()), time.Second))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-p.woken:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// next is when a source is to be pulled; false: never, by now.
func (p *Puller) next(name string) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.states[name]
	if s == nil || s.Paused {
		return time.Time{}, false
	}
	return s.Next, true
}

// Pull asks one source now. With fresh it is asked as if for the first time. What
// fails is the error, and in the health; what was taken in before stays.
func (p *Puller) Pull(ctx context.Context, name string, fresh bool) (Health, error) {
	p.pulling.Lock()
	defer p.pulling.Unlock()
	limited, cancel := context.WithTimeout(ctx, p.cfg.Limits.Pull)
	defer cancel()
	limited, stop := context.WithCancelCause(limited)
	defer stop(nil)
	src, s, err := p.begin(name, stop)
	if err != nil {
		return Health{}, err
	}
	anew := s.Reader < src.Reader
	if fresh || anew {
		s.ETag, s.Modified, s.Sum, s.Seen, s.Mark = "", "", "", nil, "" // keys that were trusted stay so
	}
	done, err := p.pull(limited, &src, &s)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now, p.stop = "", nil
	if ctx.Err() != nil {
		return s.Health, ctx.Err() // the program ends: that is no failure of the source
	}
	now := p.cfg.Now().UTC()
	is := p.states[name]
	if is == nil || is.Of != s.Of || errors.Is(context.Cause(limited), errChanged) {
		return s.Health, fault.Wrap(fault.Conflict, errChanged, "pulling %s", name)
	}
	if err != nil {
		s = *is // the marks stay those of the last success
		s.failed(now, src.Every, err)
	} else {
		if anew {
			done.note = strings.TrimPrefix(done.note+"; all was pulled anew, because this version reads more of it", "; ")
			s.Reader = src.Reader
		}
		s.Paused = is.Paused
		s.succeeded(now, &src, done.fresh, done.changed, done.note)
	}
	p.states[name] = &s
	if kept := s.keep(p.cfg.Dir); err == nil {
		err = kept
	}
	return s.Health, err
}

// begin notes that a source is being pulled, which stop ends.
func (p *Puller) begin(name string, stop context.CancelCauseFunc) (Source, state, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	src := p.find(name)
	switch {
	case src == nil:
		return Source{}, state{}, fault.New(fault.NotFound, "there is no source %.70q", name).WithHint("they are under pulls in the configuration, or were added: vedette intel feeds")
	case src.Paused:
		return Source{}, state{}, fault.New(fault.Conflict, "the source %s is paused", name).WithHint("resume it first")
	}
	p.now, p.stop = name, stop
	return *src, *p.states[name], nil
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
