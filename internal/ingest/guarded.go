package ingest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// Breakage tells that a part of ours panicked on bytes from outside. It is a fault
// of the program, never of the sender, and ends nothing but the record.
type Breakage struct {
	Time   time.Time `json:"time"`
	Part   string    `json:"part"`   // what failed: "parser zeek-json", "decoder modbus", "source syslog"
	Source string    `json:"source"` // file or live source
	Peer   string    `json:"peer,omitempty"`
	Place  string    `json:"place,omitempty"` // where the record is: in the file, or in the spool
	Offset int64     `json:"offset"`
	What   string    `json:"what"`
	Stack  string    `json:"stack"`
	Size   int       `json:"size"` // of the record
	Data   []byte    `json:"data"` // its first bytes, at most maxBreakage
}

// The bounds of what is kept of a record that something failed on.
const (
	maxBreakage = 64 << 10
	maxStack    = 16 << 10
)

// Broke makes a Breakage of what a recover gave. It must be called by the
// deferred function itself, so that the stack is that of the panic.
func Broke(part string, data []byte, what any) Breakage {
	stack := debug.Stack()
	return Breakage{
		Part: part, What: clip(fmt.Sprint(what), 1024), Stack: clip(string(stack), maxStack), Size: len(data), Data: bytes.Clone(data[:min(len(data), maxBreakage)]),
	}
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}

// Listener hears of breakages. A [Spooler] that is one is told of those of its
// sources.
type Listener interface {
	Broke(b Breakage)
}

// Bear runs f on bytes that came from outside. If it panics the spooler is told,
// if it listens, and the error says so: the caller counts the bytes as refused and
// goes on with the next.
func Bear(to Spooler, part, source, peer string, data []byte, f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			b := Broke(part, data, r)
			b.Source, b.Peer = source, peer
			if l, ok := to.(Listener); ok {
				l.Broke(b)
			}
			err = broken(part)
		}
	}()
	f()
	return nil
}

// The pauses before a part that panicked begins anew: the first, and the longest.
const (
	pauseFirst = 100 * time.Millisecond
	pauseMost  = time.Minute
)

// Keep runs a part of a source that goes on until ctx ends. If it panics the spooler
// is told, if it listens, told is called with what to say of it, and the part begins
// anew after a pause, which doubles each time.
func Keep(ctx context.Context, to Spooler, part, source string, told func(error), f func(context.Context) error) error {
	for pause := pauseFirst; ; pause = min(2*pause, pauseMost) {
		var err error
		broken := Bear(to, part, source, "", nil, func() { err = f(ctx) })
		if broken == nil {
			return err
		}
		told(broken)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// broken is what a report and a state say of it.
func broken(part string) error {
	return fault.New(fault.Internal, "the %s failed on it, which is a fault of this program", part).WithHint("vedette doctor says where a sample is")
}

// OnBreak sets who hears of formats that panic. It is called before the reader is
// used.
func (r *Reader) OnBreak(f func(Breakage)) { r.broke = f }

func (r *Reader) tell(b Breakage) {
	b.Time = r.now()
	if r.broke != nil {
		r.broke(b)
	}
}

// guarded makes a format that never panics: this is the boundary between bytes
// from outside and the rest of the program. What panics beyond it, in the sink, is
// none of the format's and goes on.
func (r *Reader) guarded(f Format) Format {
	part := "parser " + f.Name
	inner := f
	f.Detect = func(head []byte, name string) (sure int) {
		defer func() {
			if p := recover(); p != nil {
				b := Broke(part, head, p)
				b.Source = name
				r.tell(b)
				sure = 0
			}
		}()
		return inner.Detect(head, name)
	}
	f.Open = func(o Origin) Reading {
		o.Broke = func(b Breakage) {
			b.Source = o.Name
			r.tell(b)
		}
		return guardReading(part, o, inner.Open)
	}
	if inner.Cut != nil {
		f.Cut = func(in *bufio.Reader) func() ([]byte, int64, error) { return r.guardCut(part, in, inner.Cut) }
	}
	return f
}

// guardCut ends the source where its cutter panics: what follows cannot be found.
func (r *Reader) guardCut(part string, in *bufio.Reader, cut func(*bufio.Reader) func() ([]byte, int64, error)) func() ([]byte, int64, error) {
	var next func() ([]byte, int64, error)
	var at int64
	ended := false
	return func() (raw []byte, offset int64, err error) {
		if ended {
			return nil, at, io.EOF
		}
		defer func() {
			if p := recover(); p != nil {
				ended = true
				ahead, _ := in.Peek(in.Buffered())
				r.tell(Broke(part, ahead, p))
				raw, offset, err = nil, at, broken(part)
			}
		}()
		if next == nil {
			next = cut(in)
		}
		raw, offset, err = next()
		at = offset
		return raw, offset, err
	}
}

// guard is a Reading that never panics.
type guard struct {
	part    string
	origin  Origin
	in      Reading
	emit    func(*event.Event)
	sinking bool // the event is being taken by others
}

func guardReading(part string, o Origin, open func(Origin) Reading) (out Reading) {
	g := &guard{part: part, origin: o}
	func() {
		defer func() {
			if p := recover(); p != nil {
				o.Broke(Broke(part, nil, p))
				g.in = Reading{Record: func([]byte, int64, func(*event.Event)) error { return broken(part) }}
			}
		}()
		g.in = open(o)
	}()
	out = g.in
	pass := func(e *event.Event) {
		g.sinking = true
		g.emit(e)
		g.sinking = false
	}
	out.Record = func(raw []byte, offset int64, emit func(*event.Event)) error {
		g.emit = emit
		return g.record(raw, offset, pass)
	}
	if g.in.End != nil {
		out.End = func(emit func(*event.Event)) {
			g.emit = emit
			defer g.end()
			g.in.End(pass)
		}
	}
	if g.in.Told != nil {
		out.Told = func(received time.Time, meta map[string]string) {
			defer g.end()
			g.in.Told(received, meta)
		}
	}
	if g.in.Learnt != nil {
		out.Learnt = func() ([][]byte, uint64) {
			defer g.end()
			return g.in.Learnt()
		}
	}
	return out
}

// record reads one. One that the parser fails on is kept as it is, if the format
// can do that, and told.
func (g *guard) record(raw []byte, offset int64, pass func(*event.Event)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			g.note(p, raw, offset)
			err = broken(g.part)
			if g.in.Salvage != nil {
				defer g.end()
				g.in.Salvage(raw, offset, pass)
			}
		}
	}()
	return g.in.Record(raw, offset, pass)
}

// end is deferred by what has no record.
func (g *guard) end() {
	if p := recover(); p != nil {
		g.note(p, nil, 0)
	}
}

// note tells of a panic. One of the sink is not of the format: it goes on to who
// runs the whole batch.
func (g *guard) note(p any, raw []byte, offset int64) {
	if g.sinking {
		g.sinking = false
		panic(p)
	}
	b := Broke(g.part, raw, p)
	b.Offset = offset
	g.origin.Broke(b)
	if g.in.Reset != nil {
		defer func() { _ = recover() }() // what cannot begin anew goes on as it is
		g.in.Reset()
	}
}
