package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"vedette/internal/api/problem"
	"vedette/internal/copilot"
	"vedette/internal/fault"
	typed "vedette/internal/query"
	"vedette/internal/toolbox"
)

// Streams are answers as server-sent events (WHATWG HTML, section 9.2).
const (
	maxStreams = 200 // at a time
	maxOwn     = 10  // of one account or token: each look of a tail is a query
	tailEvery  = time.Second
	tailRows   = 200 // of one look
	tailBack   = "10m"
	stillEvery = time.Minute // between two looks whether who asks is still let in
	beatEvery  = 15 * time.Second
)

// stream is an answer that comes in parts.
type stream func(ctx context.Context, tell func(event string, v any) error) error

type endKey struct{}

// WithEnd gives the context of a server's requests a channel that is closed when
// the server begins to end: streams end then, other requests may go on.
func WithEnd(ctx context.Context, end <-chan struct{}) context.Context {
	return context.WithValue(ctx, endKey{}, end)
}

// streams counts those that are open.
type streams struct {
	mu  sync.Mutex
	all int
	by  map[string]int // who asks
}

func (s *streams) open(who string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.all >= maxStreams:
		return fault.New(fault.Limited, "%d streams are open, the most there may be", maxStreams).WithHint("close one, or poll")
	case s.by[who] >= maxOwn:
		return fault.New(fault.Limited, "%d streams of yours are open, the most there may be", maxOwn).WithHint("close one, or poll")
	}
	if s.by == nil {
		s.by = map[string]int{}
	}
	s.all++
	s.by[who]++
	return nil
}

func (s *streams) close(who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.by[who]--; s.by[who] == 0 {
		delete(s.by, who)
	}
}

// send runs a stream. What fails after the first event is told by the event
// "problem".
func (s *server) send(w http.ResponseWriter, r *http.Request, run stream) {
	who := person(r).ID
	if err := s.streams.open(who); err != nil {
		problem.Write(w, r, err)
		return
	}
	defer s.streams.close(who)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if end, ok := ctx.Value(endKey{}).(<-chan struct{}); ok {
		go func() {
			select {
			case <-end:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	defer func() { _ = out.SetWriteDeadline(time.Time{}) }() // the next request of the connection has its own
	checked := time.Now()
	write := func(event string, v any) error {
		text, err := json.Marshal(v) // without line breaks
		if err != nil {
			return fault.Wrap(fault.Internal, err, "writing an event")
		}
		_ = out.SetWriteDeadline(time.Now().Add(beatEvery)) // where there is none a peer that does not read is held by its connection
		if _, err := w.Write([]byte("event: " + event + "\ndata: " + string(text) + "\n\n")); err != nil {
			return fault.Wrap(fault.Unavailable, err, "the client has gone")
		}
		return out.Flush()
	}
	tell := func(event string, v any) error {
		if now := time.Now(); s.about.Still != nil && now.Sub(checked) > s.recheck {
			if err := s.about.Still(r); err != nil {
				return err
			}
			checked = now
		}
		return write(event, v)
	}
	if err := run(ctx, tell); err != nil && ctx.Err() == nil {
		text, hint := fault.Public(err)
		_ = write("problem", problem.Details{Status: problem.Status(fault.KindOf(err)), Detail: text, Hint: hint, Kind: fault.KindOf(err).String()}) // the client has gone if this fails
	}
}

// askStream answers a question sentence by sentence: events "sentence" as soon as
// one is checked, then "done" with the whole answer.
func askStream(s *server, req copilot.Request) stream {
	return func(ctx context.Context, tell func(string, any) error) error {
		var gone error
		req.Told = func(one copilot.Sentence) {
			if gone == nil {
				gone = tell("sentence", one)
			}
		}
		answer, err := s.Ask(ctx, req)
		if err != nil {
			return err
		}
		return tell("done", answer)
	}
}

// wantsStream reports whether a request asks for events.
func wantsStream(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/event-stream")
}

// tail follows what comes in: events "rows" with what was not told before, the
// newest first. ?q= are conditions of a query; what happened longer than ten
// minutes ago by its own clock is not told.
func tail(s *server, r *http.Request) (any, error) {
	text := strings.TrimSpace(r.URL.Query().Get("q"))
	q, err := typed.ParseText(text)
	switch {
	case err != nil:
		return nil, err
	case len(q.Measures) > 0 || len(q.Select) > 0 || q.From != "" || q.Sequence != nil || !q.Time.IsZero() || q.Bucket != "" || len(q.Sort) > 0 || q.Limit != 0:
		return nil, fault.New(fault.Invalid, "only conditions can be followed").WithHint("leave out time, stages, devices and sequences: src=10.0.0.5 status=Failure")
	}
	columns := r.URL.Query().Get("select")
	if columns == "" {
		columns = "time, metadata.log_name, src, dst, dst_port, app_name, activity_name, status, user, device, finding_info.title"
	}
	if strings.ContainsRune(columns, '|') {
		return nil, fault.New(fault.Invalid, "select names fields alone").WithHint("separated by commas")
	}
	full := text + " last " + tailBack + " | select metadata.uid, " + columns + " | sort time desc | limit " + strconv.Itoa(tailRows)
	if _, err := s.Query(r.Context(), full, s.about.Now()); err != nil { // an error is better told before the stream begins
		return nil, err
	}
	return stream(func(ctx context.Context, tell func(string, any) error) error {
		told, beat := newSeen(), time.Now()
		for {
			t, err := s.Query(ctx, full, s.about.Now())
			if err != nil {
				return err
			}
			if fresh := told.fresh(t); len(fresh) > 0 {
				if err := tell("rows", tableView{Columns: t.Columns, Rows: copilot.AppendRows(nil, t.Columns, fresh), Total: t.Total}); err != nil {
					return err
				}
				beat = time.Now()
			} else if time.Since(beat) > beatEvery { // so that proxies and pages know that it lives
				if err := tell("beat", struct{}{}); err != nil {
					return err
				}
				beat = time.Now()
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(tailEvery):
			}
		}
	}), nil
}

// seen remembers which events were told, as long as they can come again.
type seen struct{ now, before map[string]bool }

func newSeen() *seen { return &seen{map[string]bool{}, map[string]bool{}} }

// fresh returns the rows that were not seen before.
func (s *seen) fresh(t *toolbox.Table) [][]any {
	var out [][]any
	for _, row := range t.Rows {
		uid, _ := row[0].(string)
		if s.now[uid] || s.before[uid] {
			continue
		}
		s.now[uid] = true
		out = append(out, row)
	}
	if len(s.now) > 4*tailRows { // at most tailRows of them can come again
		s.now, s.before = map[string]bool{}, s.now
	}
	return out
}
