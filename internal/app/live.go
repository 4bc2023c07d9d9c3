package app

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/ingest"
	"vedette/internal/trace"
)

// spoolName is the folder of what live sources received and what is not stored
// yet.
const spoolName = "spool"

// The rhythm of the live way: payloads are stored together, so that a trickle is
// seen soon and a burst costs little.
const (
	liveGather  = 500 * time.Millisecond
	liveBytes   = 8 << 20
	liveRetry   = 2 * time.Second
	spoolSync   = time.Second
	spoolFull   = 20 * time.Millisecond // between two looks whether there is room
	manyRejects = 0.03                  // share of rejected records at which a source is failing
)

// Live takes what sources receive through the spool into the store. What Put has
// accepted survives a kill of the process, and a power cut but for the last second; it
// is taken from the spool only once it is stored.
type Live struct {
	app   *App
	spool *flow.Spool
	parse *ingest.Live
	id    string // of the spool
	busy  atomic.Pointer[busyAt]

	learnt  uint64 // number of what was written last, of the goroutine that stores
	written time.Time

	mu      sync.Mutex
	sources []ingest.Source
	runners map[string]*runner // by name of the source; nil until Run
	running context.Context    //nolint:containedctx // that of Run, for sources that come later
	counts  map[string]*liveCount
	tooOld  int64                // records that the next maintenance drops
	waiting map[string]time.Time // sources that wait for room, since when
}

type liveCount struct {
	events, rejected int64
	aside            int64 // payloads that the program failed on
	reasons          []ingest.Reason
}

// OpenLive opens the spool in the data directory. limit is its size in bytes; 0
// takes the spool's own.
func (a *App) OpenLive(limit int64, sources ...ingest.Source) (*Live, error) {
	dir := filepath.Join(a.cfg.Dir, spoolName)
	spool, err := flow.OpenSpool(flow.SpoolConfig{Dir: dir, MaxBytes: limit, Sync: flow.SyncNever})
	if err != nil {
		return nil, err
	}
	if cut := spool.Stats().CutBytes; cut > 0 {
		a.cfg.Log.Warn("the end of the spool was no whole payload, as a kill or a damaged disk leaves behind, and is cut off", "component", "ingest", "bytes", cut)
	}
	id, err := spoolID(dir, a.cfg.Now())
	if err != nil {
		return nil, errors.Join(err, spool.Close())
	}
	parse := a.reader.Live(id)
	if err := recall(parse, dir); err != nil {
		a.cfg.Log.Warn("what senders told before cannot be read: flows wait for their templates", "component", "ingest", "err", err)
	}
	l := &Live{app: a, spool: spool, parse: parse, id: id, sources: sources, counts: map[string]*liveCount{}, waiting: map[string]time.Time{}}
	a.live.Store(l)
	return l, nil
}

// spoolID is kept beside the spool: the numbers of its payloads begin anew with
// a new spool, and the identity of events must not.
func spoolID(dir string, now time.Time) (string, error) {
	path := filepath.Join(dir, "id")
	raw, err := os.ReadFile(path) //nolint:gosec // G304: in the data directory
	if err == nil && len(bytes.TrimSpace(raw)) > 0 {
		return string(bytes.TrimSpace(raw)), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fault.Wrap(fault.Unavailable, err, "reading the name of the spool %s", dir)
	}
	id := ingest.SpoolID(now)
	return id, flow.ReplaceFile(path, []byte(id+"\n"))
}

// Put implements [ingest.Spooler].
func (l *Live) Put(ctx context.Context, p ingest.Payload) error {
	if len(p.Data) == 0 {
		return nil
	}
	if p.Key == "" && len(p.Data) > ingest.MaxPayload {
		return fault.New(fault.Invalid, "a payload of %d bytes of source %s: at most %d without a key", len(p.Data), p.Source, ingest.MaxPayload)
	}
	rec := packPayload(&p)
	defer l.waits(p.Source, false)
	for {
		_, err := l.spool.Append(rec)
		if fault.KindOf(err) != fault.Limited {
			return err
		}
		l.waits(p.Source, true)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(spoolFull):
		}
	}
}

// waits notes that a source waits for room, or that it does no longer.
func (l *Live) waits(source string, now bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch _, known := l.waiting[source]; {
	case !now:
		delete(l.waiting, source)
	case !known:
		l.waiting[source] = l.app.cfg.Now()
	}
}

// packPayload writes a payload as it stands in the spool.
func packPayload(p *ingest.Payload) []byte {
	head := appendHead(make([]byte, 0, 256), p)
	rec := binary.AppendUvarint(make([]byte, 0, len(head)+len(p.Data)+4), uint64(len(head)))
	return append(append(rec, head...), p.Data...)
}

// unpackPayload is the reverse of packPayload.
func unpackPayload(rec []byte) (ingest.Payload, error) {
	var p ingest.Payload
	n, used := binary.Uvarint(rec)
	if used <= 0 || n > uint64(len(rec)-used) { //nolint:gosec // G115: used is at most the length
		return p, fault.New(fault.Invalid, "a spooled payload has no whole head")
	}
	head, data := rec[used:used+int(n)], rec[used+int(n):] //nolint:gosec // G115: bounded by the length
	p, err := readHead(head)
	if err != nil {
		return p, err
	}
	p.Data = bytes.Clone(data)
	return p, nil
}

// Run runs the sources and stores what they receive until ctx ends. A source that
// cannot go on says so in its status and leaves the others alone.
func (l *Live) Run(ctx context.Context) error {
	var running sync.WaitGroup
	l.begin(ctx)
	running.Go(func() {
		told := func(err error) {
			l.app.cfg.Log.Error("writing the spool through begins anew", "component", "ingest", "err", err)
		}
		_ = ingest.Keep(ctx, l, "spool", "", told, func(ctx context.Context) error { l.keepSynced(ctx, l.spool.Sync); return nil })
	})
	flow.Background(func() { l.keepDrained(ctx) })
	running.Wait()
	l.end()
	if err := l.cut(ctx); err != nil {
		l.app.cfg.Log.Error("what was open when the sources stopped cannot be stored", "component", "ingest", "err", err)
	}
	l.remember(true)
	l.app.live.CompareAndSwap(l, nil)
	return errors.Join(l.spool.Sync(), l.spool.Close())
}

// cutWithin bounds how long an end may take for what was open.
const cutWithin = 20 * time.Second

// cut stores what was held back of what was received, such as connections that are open,
// as it stands: how it goes on nobody hears.
func (l *Live) cut(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cutWithin)
	defer cancel()
	var sum ingest.Summary
	return l.app.taking(ctx, &sum, false, func(sink func(*event.Event) error) (ingest.Report, error) {
		return l.parse.End(ctx, sink)
	})
}

// keepDrained stores what is received until ctx ends.
func (l *Live) keepDrained(ctx context.Context) {
	for ctx.Err() == nil {
		if err := l.drain(ctx); err != nil && ctx.Err() == nil {
			l.app.cfg.Log.Error("what sources received cannot be stored; it stays in the spool", "component", "ingest", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(liveRetry):
			}
		}
	}
}

// runSource runs a source until ctx ends or it cannot go on. One that panics
// begins anew after a while.
func (l *Live) runSource(ctx context.Context, s ingest.Source) {
	for ctx.Err() == nil {
		var err error
		st := s.Status()
		broken := ingest.Bear(l, "source "+st.Kind, st.Name, "", nil, func() { err = s.Run(ctx, l) })
		if broken == nil {
			if err != nil {
				l.app.cfg.Log.Error("a source has stopped", "component", "ingest", "source", st.Name, "err", err)
			}
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(liveRetry):
		}
	}
}

// keepSynced bounds what a power cut can take.
func (l *Live) keepSynced(ctx context.Context, sync func() error) {
	tick := time.NewTicker(spoolSync)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := sync(); err != nil {
				l.app.cfg.Log.Error("the spool cannot be written through", "component", "ingest", "err", err)
			}
		}
	}
}

// waitingPayload is a payload with its number in the spool.
type waitingPayload struct {
	ingest.Payload
	seq uint64
}

// unread is a record of the spool that is no payload of this version.
type unread struct {
	seq uint64
	rec []byte
}

// drain stores payload after payload, several at a time, until ctx ends or
// something fails; then it is called again and begins with the first that is not
// stored.
func (l *Live) drain(ctx context.Context) error {
	r := l.spool.Read()
	defer r.Close() //nolint:errcheck // only read
	for ctx.Err() == nil {
		batch, last, damaged, full, err := gatherPayloads(ctx, r)
		if err != nil {
			return err
		}
		for _, p := range damaged {
			if err := l.setAside("", p.seq, p.rec, "it cannot be taken apart: another version may have written it"); err != nil {
				return err
			}
		}
		if len(batch) > 0 {
			err := l.store(ctx, batch, full)
			if errors.Is(err, errPanic) {
				err = l.storeEach(ctx, batch, err)
			}
			if err != nil {
				return err
			}
		}
		l.remember(false)
		if err := l.spool.Ack(last); err != nil {
			return err
		}
	}
	return nil
}

// gatherPayloads waits for a payload and takes those that come right after it.
// What cannot be read is told apart: it must not hold up what follows. Full says
// that more may be waiting.
func gatherPayloads(ctx context.Context, r *flow.Reader) (batch []waitingPayload, last uint64, damaged []unread, full bool, err error) {
	wait, bytesIn := ctx, 0
	for bytesIn < liveBytes {
		seq, rec, err := r.Next(wait)
		if err != nil {
			if bytesIn > 0 && ctx.Err() == nil && wait.Err() != nil {
				break // nothing more came in time
			}
			return batch, last, damaged, false, err
		}
		if last = seq; bytesIn == 0 {
			var cancel context.CancelFunc
			wait, cancel = context.WithTimeout(ctx, liveGather)
			defer cancel()
		}
		bytesIn += len(rec)
		if p, err := unpackPayload(rec); err == nil {
			batch = append(batch, waitingPayload{p, seq})
		} else {
			damaged = append(damaged, unread{seq, bytes.Clone(rec)})
		}
	}
	return batch, last, damaged, bytesIn >= liveBytes, nil
}

// store takes payloads the way of any event and returns when they survive a
// kill. With more, others wait behind them.
func (l *Live) store(ctx context.Context, batch []waitingPayload, more bool) (err error) {
	var sum ingest.Summary
	ctx, span := l.app.Tracer().Start(ctx, trace.Ingest, trace.Count(trace.Payloads, len(batch)))
	defer func() {
		span.Set(trace.Count(trace.Read, sum.Read), trace.Count(trace.Stored, sum.Stored), trace.Count(trace.Rejected, sum.Rejected), trace.Count(trace.Found, sum.Findings))
		span.End(err)
	}()
	reports := make([]ingest.Report, 0, len(batch))
	defer l.busy.Store(nil)
	err = l.app.taking(ctx, &sum, more, func(sink func(*event.Event) error) (ingest.Report, error) {
		all := ingest.Report{Path: "live"}
		for _, p := range batch {
			l.busy.Store(&busyAt{p.Source, p.Peer, p.seq, time.Now()})
			rep, err := l.parse.Payload(ctx, p.Payload, p.seq, sink)
			if err != nil {
				return all, err
			}
			reports = append(reports, rep)
			all.Read, all.Events, all.Rejected = all.Read+rep.Read, all.Events+rep.Events, all.Rejected+rep.Rejected
		}
		return all, nil
	})
	if err != nil {
		return err
	}
	l.app.tellTooOld(ctx, &sum)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tooOld = int64(sum.TooOld)
	for _, rep := range reports {
		c := l.count(rep.Path)
		c.events += int64(rep.Events)
		c.rejected += int64(rep.Rejected)
		if len(rep.Reasons) > 0 {
			c.reasons = rep.Reasons // the latest
		}
	}
	return nil
}

// count is what became of a source's payloads. It is called under mu.
func (l *Live) count(source string) *liveCount {
	c := l.counts[source]
	if c == nil {
		c = &liveCount{}
		l.counts[source] = c
	}
	return c
}

// Broke implements [ingest.Listener].
func (l *Live) Broke(b ingest.Breakage) { l.app.Broke(b) }

// Status tells how each source stands: what it says itself, and what became of
// what it received.
func (l *Live) Status() []ingest.Status {
	l.mu.Lock()
	sources := slices.Clone(l.sources)
	l.mu.Unlock()
	out := make([]ingest.Status, len(sources))
	for i, s := range sources {
		st := s.Status()
		aside := int64(0)
		l.mu.Lock()
		if c := l.counts[st.Name]; c != nil {
			aside = c.aside
			st.Events, st.Rejected, st.Reasons = c.events, c.rejected, c.reasons
		}
		since, waiting := l.waiting[st.Name]
		l.mu.Unlock()
		switch share := float64(st.Rejected) / float64(max(1, st.Events+st.Rejected)); {
		case l.stalled(st.Name) != "":
			st.State, st.Text = ingest.Failing, l.stalled(st.Name)
		case st.State != ingest.Running:
		case waiting:
			st.State, st.Text, st.Since = ingest.Waiting, "the spool is full: it waits for room", since
		case share >= manyRejects:
			st.State, st.Text = ingest.Failing, "parsers reject "+strconv.FormatFloat(100*share, 'f', 1, 64)+" %"+" of its records"
		case aside > 0:
			st.State, st.Text = ingest.Failing, strconv.FormatInt(aside, 10)+" of its payloads were set aside: the program fails on them"
		}
		out[i] = st
	}
	return out
}

// Sources implements [api.Sources]: none when no server runs them.
func (a *App) Sources(context.Context) ([]ingest.Status, error) {
	l := a.live.Load()
	if l == nil {
		return []ingest.Status{}, nil
	}
	return l.Status(), nil
}
