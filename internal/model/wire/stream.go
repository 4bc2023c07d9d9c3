package wire

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"

	"vedette/internal/model"
)

// ErrProtocol is what a decoder says of an event that is not of its protocol.
var ErrProtocol = errors.New("what it sent is not of its protocol")

// Decoder knows the events of one protocol. It is used for one answer.
type Decoder interface {
	// Event takes one event: text is what it adds to the answer, done says that
	// nothing follows. An error that is a [*model.Error] keeps its kind and its
	// cause, which is in our words; any other means that the event is not of the
	// protocol.
	Event(e Event) (text string, done bool, err error)
	// End is the last piece; false when the answer has not come to its end.
	End() (model.Piece, bool)
}

// watch is the time of one request: the whole of it, and the silence.
type watch struct {
	ctx    context.Context //nolint:containedctx // it lives as long as the request
	cancel context.CancelCauseFunc
	free   context.CancelFunc
	timer  *time.Timer
}

func newWatch(parent context.Context, l model.Limits) *watch {
	timed, free := context.WithTimeoutCause(parent, l.Total, errTotal)
	ctx, cancel := context.WithCancelCause(timed)
	return &watch{ctx: ctx, cancel: cancel, free: free, timer: time.AfterFunc(l.First, func() { cancel(errIdle) })}
}

// wait starts a silence that may last d.
func (w *watch) wait(d time.Duration) { w.timer.Reset(d) }

// pause stops counting the silence.
func (w *watch) pause() { w.timer.Stop() }

func (w *watch) end() {
	w.timer.Stop()
	w.cancel(context.Canceled)
	w.free()
}

// Stream sends a request whose answer is a stream of events and yields its
// pieces as [model.Provider] promises.
func (c *Client) Stream(ctx context.Context, path string, query url.Values, body any, decoder func() Decoder) iter.Seq2[model.Piece, error] {
	return func(yield func(model.Piece, error) bool) {
		w := newWatch(ctx, c.limits)
		defer w.end()
		resp, err := c.send(w, path, query, body, "text/event-stream")
		if err != nil {
			yield(model.Piece{}, err)
			return
		}
		defer resp.Body.Close() //nolint:errcheck // what counts was read
		c.read(w, resp, decoder(), yield)
	}
}

// read yields the pieces of an answer that began.
func (c *Client) read(w *watch, resp *http.Response, d Decoder, yield func(model.Piece, error) bool) {
	limit := int(min(c.limits.Answer, 1<<26))
	events := NewSSE(&bounded{resp.Body, int64(limit)*perText + maxHeader}, limit+maxHeader)
	total := 0
	for done := false; !done; {
		e, err := events.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			yield(model.Piece{}, c.broken(w, err))
			return
		}
		var text string
		if text, done, err = d.Event(e); err != nil {
			yield(model.Piece{}, c.wrong(err, e.Data))
			return
		}
		if total += len(text); total > limit {
			yield(model.Piece{}, c.fail(model.TooMuch, 0, errTooLong))
			return
		}
		if e.Name == "ping" {
			continue // it does not end a silence; what a model thinks, and we do not take, does
		}
		w.pause()
		if text != "" && !yield(model.Piece{Text: text}, nil) {
			return
		}
		w.wait(c.limits.Idle)
	}
	last, ok := d.End()
	if !ok {
		yield(model.Piece{}, c.fail(model.Down, 0, errReset))
		return
	}
	if total += len(last.Text); total > limit {
		yield(model.Piece{}, c.fail(model.TooMuch, 0, errTooLong))
		return
	}
	yield(last, nil)
}

// wrong is the error of an event that the decoder did not take.
func (c *Client) wrong(err error, data []byte) *model.Error {
	if e, ok := errors.AsType[*model.Error](err); ok {
		e.Endpoint, e.Detail = c.endpoint, c.clean(e.Detail)
		return e
	}
	e := c.fail(model.Malformed, 0, ErrProtocol)
	e.Detail = c.clean(string(data[:min(len(data), 2*maxDetail)]))
	return e
}

// bounded reads at most n bytes and then fails, where io.LimitReader would say
// that the stream ended.
type bounded struct {
	r io.Reader
	n int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.n <= 0 {
		return 0, errTooLong
	}
	if int64(len(p)) > b.n {
		p = p[:b.n]
	}
	n, err := b.r.Read(p)
	b.n -= int64(n)
	return n, err
}
