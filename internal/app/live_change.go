package app

import (
	"context"
	"slices"
	"time"

	"vedette/internal/ingest"
)

// runner is a source that runs.
type runner struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// begin starts all sources.
func (l *Live) begin(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running, l.runners = ctx, map[string]*runner{}
	for _, s := range l.sources {
		l.start(s) //nolint:contextcheck // ctx is kept for it and for those that come later
	}
}

// start runs a source. It is called under mu.
func (l *Live) start(s ingest.Source) {
	ctx, cancel := context.WithCancel(l.running)
	r := &runner{cancel, make(chan struct{})}
	l.runners[s.Status().Name] = r
	go func() {
		defer close(r.done)
		l.runSource(ctx, s)
	}()
}

// end waits for all sources; none starts after it.
func (l *Live) end() {
	l.mu.Lock()
	runners := l.runners
	l.running, l.runners = nil, nil
	l.mu.Unlock()
	for _, r := range runners {
		r.cancel()
		<-r.done
	}
}

// Replace ends the source of a name, if there is one, waits for it, and puts in its
// place what open makes; nil leaves the place empty. What the former received stays
// in the spool and is stored. Only one caller may be in it at a time.
func (l *Live) Replace(name string, open func() ingest.Source) {
	l.mu.Lock()
	r := l.runners[name]
	delete(l.runners, name)
	l.mu.Unlock()
	if r != nil {
		r.cancel()
		<-r.done
	}
	next := open()
	l.mu.Lock()
	defer l.mu.Unlock()
	at := slices.IndexFunc(l.sources, func(s ingest.Source) bool { return s.Status().Name == name })
	switch {
	case next == nil && at >= 0:
		l.sources = slices.Delete(l.sources, at, at+1)
	case next != nil && at >= 0:
		l.sources[at] = next
	case next != nil:
		l.sources = append(l.sources, next)
	}
	if next != nil && l.runners != nil {
		l.start(next)
	}
}

// resting is a source that does not run, and says why.
type resting struct{ status ingest.Status }

func rest(name, kind, text string, since time.Time) resting {
	return resting{ingest.Status{Name: name, Kind: kind, State: ingest.Stopped, Text: text, Since: since}}
}

// Run implements [ingest.Source].
func (r resting) Run(ctx context.Context, _ ingest.Spooler) error {
	<-ctx.Done()
	return nil
}

// Status implements [ingest.Source].
func (r resting) Status() ingest.Status { return r.status }
