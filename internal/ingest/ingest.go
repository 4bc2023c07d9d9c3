// Package ingest brings bytes in: it finds files, undoes gzip, recognises the
// format of a source by its content, cuts it into records and hands each to
// the parser of that format. So far the sources are files, directories and
// standard input.
//
// It must not parse meaning: formats are given to it as [Format] values, and
// package app makes them from the dialects of package normalize.
//
// One bad record never stops a source: it is counted with its reason and
// offset, and reading goes on. That holds for a parser that panics too, see
// [Breakage]. What nothing here can bound is a parser that does not return: each
// is held to that by its fuzz target, and records are bounded by [MaxRecord].
package ingest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// Format is one way that records are written.
type Format struct {
	Name string
	// Detect says how sure it is, 0 to 100, that a source with these first
	// bytes (at most HeadSize) and this name is written so.
	Detect func(head []byte, name string) int
	// Open starts on a source.
	Open func(origin Origin) Reading
	// Cut, if set, cuts the source into records by the format's own rules, and
	// Detect is shown the head as it is, binary or not. It returns the function
	// that gives record after record, valid until the next call, with its
	// offset; then io.EOF. Any other error ends the source and says why. Nil
	// means lines, or JSON values that span lines.
	Cut func(in *bufio.Reader) func() (raw []byte, offset int64, err error)
	// Filter, if set, makes of a person's filter what tells which records are read.
	// What it gives belongs to one source.
	Filter func(text string) (fits func(raw []byte) (bool, error), err error)
	// Piecemeal says of a format with Cut that its records may come a few at a
	// time, as datagrams do, to a Reading that goes on: a peer's Reading is kept
	// for as long as the peer is, and with it what the peer told once. One
	// without Cut may always come so.
	Piecemeal bool
	// Memoryless says that a Reading keeps nothing of one payload for the next: one
	// reads those of all peers of a source.
	Memoryless bool
}

// Reading is a format at work on one source.
type Reading struct {
	// Record reads the next record. An error rejects that record alone.
	Record func(raw []byte, offset int64, emit func(*event.Event)) error
	// End, if set, is called once after the last record and emits what was held
	// back for want of an end, such as a connection that is still open.
	End func(emit func(*event.Event))
	// Told, if set, hears before the records of a payload when they were received
	// and what its source knows of them beyond the bytes.
	Told func(received time.Time, meta map[string]string)
	// Learnt, if set, gives records that tell a new Reading what this one was told
	// once, and a number that changes when they do. They hold no events.
	Learnt func() (records [][]byte, version uint64)
	// Salvage, if set, emits a record that Record panicked on as bytes that nobody
	// has read.
	Salvage func(raw []byte, offset int64, emit func(*event.Event))
	// Reset, if set, is called after a panic: what the Reading keeps may be half
	// made, and is forgotten.
	Reset func()
}

// Origin is what a format is told about a source.
type Origin struct {
	ID       string // event.SourceID of its first bytes
	Name     string
	Modified time.Time
	Now      time.Time
	// Broke hears of parts of the format that panicked and that it has borne itself,
	// such as the decoder of one protocol. It is never nil.
	Broke func(Breakage)
}

// HeadSize is how many first bytes of a source a format may look at.
const HeadSize = 64 << 10

// MaxRecord is the longest record in bytes; a longer one is rejected whole.
const MaxRecord = 16 << 20

// Report says what became of a source.
type Report struct {
	Path     string
	Format   string
	Read     int // records that gave an event or were rejected: not headers, not blank lines
	Events   int
	Rejected int
	Reasons  []Reason // most frequent first
}

// Reason is why records were rejected, with up to maxSamples places.
type Reason struct {
	Reason  string  `json:"reason"`
	Count   int     `json:"count"`
	Offsets []int64 `json:"offsets"`
}

const (
	maxSamples = 5
	maxReasons = 50 // different reasons kept for a source; more are put together
)

// Reader reads sources. It keeps no state between them.
type Reader struct {
	formats []Format
	now     func() time.Time
	broke   func(Breakage)
	filter  string // "": none
}

// Only returns a reader that reads the records alone which a filter takes. A source whose
// format has no filters is an error; "" is no filter.
func (r *Reader) Only(filter string) *Reader {
	out := *r
	out.filter = filter
	return &out
}

// NewReader makes a reader that knows the given formats. The order settles
// ties: the first format with the highest certainty wins.
func NewReader(formats []Format, now func() time.Time) *Reader {
	r := &Reader{formats: make([]Format, len(formats)), now: now}
	for i, f := range formats {
		r.formats[i] = r.guarded(f)
	}
	return r
}

// File reads one file ("-" is standard input) and gives each event to sink,
// which must not keep it. format forces a format by name, "" detects it. The
// error is for what ends the reading: the file cannot be opened, sink failed,
// ctx ended. What is wrong inside the file is in the report.
func (r *Reader) File(ctx context.Context, path, format string, sink func(*event.Event) error) (Report, error) {
	rep := Report{Path: path}
	in, modified, err := open(path)
	if err != nil {
		return rep, err
	}
	defer in.Close() //nolint:errcheck // only read
	err = r.stream(ctx, in, &rep, format, modified, sink)
	return rep, err
}

// Stream is File for a source that is already open. Modified may be zero.
func (r *Reader) Stream(ctx context.Context, in io.Reader, name, format string, modified time.Time, sink func(*event.Event) error) (Report, error) {
	rep := Report{Path: name}
	err := r.stream(ctx, in, &rep, format, modified, sink)
	return rep, err
}

func open(path string) (io.ReadCloser, time.Time, error) {
	if path == "-" {
		return io.NopCloser(os.Stdin), time.Time{}, nil
	}
	f, err := os.Open(path) //nolint:gosec // G304: the person named this file
	if err != nil {
		kind := fault.Invalid
		if errors.Is(err, os.ErrNotExist) {
			kind = fault.NotFound
		}
		return nil, time.Time{}, fault.Wrap(kind, err, "opening %s", path)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("is a directory")
	}
	if err != nil {
		_ = f.Close()
		return nil, time.Time{}, fault.Wrap(fault.Invalid, err, "opening %s", path)
	}
	return f, info.ModTime(), nil
}

func (r *Reader) stream(ctx context.Context, in io.Reader, rep *Report, format string, modified time.Time, sink func(*event.Event) error) error {
	return r.streamAs(ctx, in, rep, format, modified, "", sink)
}

// streamAs is stream for a source whose identity is known; "" takes its first
// bytes for it.
func (r *Reader) streamAs(ctx context.Context, in io.Reader, rep *Report, format string, modified time.Time, id string, sink func(*event.Event) error) error {
	counts := &counter{rep: rep}
	defer counts.finish()
	br, err := unpack(in)
	if err != nil {
		counts.reject("damaged gzip header", 0)
		return nil //nolint:nilerr // a damaged file is a rejected source, not a failure
	}
	head, err := br.Peek(HeadSize)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) && len(head) == 0 {
		counts.reject("cannot be read: "+plainError(err), 0)
		return nil
	}
	if len(head) == 0 {
		return nil
	}
	f, err := r.recognise(head, format, counts)
	if err != nil {
		return err
	}
	if f == nil {
		_, err := r.fits(&Format{Name: "of no known format"}, rep)
		return err
	}
	rep.Format = f.Name
	if id == "" {
		id = event.SourceID(head)
	}
	origin := Origin{ID: id, Name: rep.Path, Modified: modified, Now: r.now()}
	fits, err := r.fits(f, rep)
	if err != nil {
		return err
	}
	p := &pump{ctx: ctx, reading: f.Open(origin), fits: fits, sink: sink, counts: counts}
	if f.Cut != nil {
		return p.run(f.Cut(br), true)
	}
	return p.run(newSplitter(br, head).next, false)
}

// fits tells which records of a source are read; nil: all.
func (r *Reader) fits(f *Format, rep *Report) (func(raw []byte) (bool, error), error) {
	if r.filter == "" {
		return nil, nil
	}
	if f.Filter == nil {
		return nil, fault.New(fault.Invalid, "a filter is for captures of packets, and %s is %s", rep.Path, f.Name).WithHint("name captures alone, or leave the filter out")
	}
	return f.Filter(r.filter)
}

// recognise finds the format of a source. Without one it says so in the report.
func (r *Reader) recognise(head []byte, forced string, counts *counter) (*Format, error) {
	name := filepath.Base(counts.rep.Path)
	own := func(f *Format) bool { return f.Cut != nil }
	if f, err := r.pick(head, name, forced, own); f != nil || err != nil {
		return f, err
	}
	if what := binary(head); what != "" {
		counts.rep.Format = "binary"
		counts.reject(what, 0)
		return nil, nil //nolint:nilnil // refused, and told
	}
	look := sample(head)
	f, err := r.pick(look, name, forced, func(f *Format) bool { return !own(f) })
	if f != nil || err != nil {
		return f, err
	}
	if len(head) == HeadSize || len(bytes.TrimSpace(look)) > 0 { // else: nothing but blank lines
		counts.reject("no known format", 0)
	}
	return nil, nil //nolint:nilnil // refused, and told
}

// hardly is how sure a format may be at most for another to be taken in its
// place: that of text that nothing else knows.
const hardly = 1

// recogniseElse is recognise with a format for what is not recognised.
func (r *Reader) recogniseElse(head []byte, forced, other string, counts *counter) (*Format, error) {
	if forced != "" || other == "" {
		return r.recognise(head, forced, counts)
	}
	quiet := &counter{rep: &Report{Path: counts.rep.Path}}
	f, err := r.recognise(head, "", quiet)
	if err == nil && (f == nil || f.Cut == nil && f.Detect(sample(head), counts.rep.Path) <= hardly) {
		return r.pick(nil, "", other, nil)
	}
	return f, err
}

// unpack undoes gzip, which is recognised by its magic and not by the name.
func unpack(in io.Reader) (*bufio.Reader, error) {
	br := bufio.NewReaderSize(in, HeadSize)
	if magic, err := br.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return br, nil //nolint:nilerr // shorter than two bytes: not gzip
	}
	z, err := gzip.NewReader(br)
	if err != nil {
		return nil, fmt.Errorf("reading the gzip header: %w", err)
	}
	return bufio.NewReaderSize(z, HeadSize), nil
}

// pick finds the format that is surest among those of a kind, or the one that
// is forced, whatever its kind.
func (r *Reader) pick(head []byte, name, forced string, kind func(*Format) bool) (*Format, error) {
	var best *Format
	sure := 0
	for i := range r.formats {
		f := &r.formats[i]
		if forced != "" {
			if f.Name == forced {
				return f, nil
			}
			continue
		}
		if !kind(f) {
			continue
		}
		if n := f.Detect(head, name); n > sure {
			best, sure = f, n
		}
	}
	if forced != "" {
		names := make([]string, len(r.formats))
		for i, f := range r.formats {
			names[i] = f.Name
		}
		return nil, fault.New(fault.Invalid, "there is no format %q", forced).WithHint("the formats are %v", names)
	}
	return best, nil
}

// pump moves records from a stream through a parser into a sink.
type pump struct {
	ctx     context.Context //nolint:containedctx // lives as long as one source
	reading Reading
	fits    func(raw []byte) (bool, error) // nil: all records are read
	sink    func(*event.Event) error
	counts  *counter
	failed  error
}

// run reads record after record. Exact records are given on as they are;
// others lose holes of NUL, and blank ones are passed over.
func (p *pump) run(next func() ([]byte, int64, error), exact bool) error {
	for n := 0; ; n++ {
		if n%256 == 0 && p.ctx.Err() != nil {
			return fmt.Errorf("reading %s: %w", p.counts.rep.Path, p.ctx.Err())
		}
		raw, offset, err := next()
		switch {
		case errors.Is(err, io.EOF):
			return p.end()
		case errors.Is(err, errTooLong):
			p.counts.rep.Read++
			p.counts.reject(fmt.Sprintf("longer than %d MiB", MaxRecord>>20), offset)
			continue
		case err != nil:
			p.counts.reject("the file breaks off: "+plainError(err), offset)
			return p.end()
		}
		if !exact {
			if raw, offset = trim(raw, offset); len(raw) == 0 {
				continue
			}
		}
		if p.passes(raw, offset) {
			continue
		}
		before := p.counts.rep.Events
		err = p.reading.Record(raw, offset, p.emit)
		if err != nil {
			p.counts.reject(plainError(err), offset)
		}
		if err != nil || p.counts.rep.Events > before { // the others are headers
			p.counts.rep.Read++
		}
		if p.failed != nil {
			return p.failed
		}
	}
}

// passes reports whether a record is passed over: by a filter, or because the filter
// cannot tell, which rejects it.
func (p *pump) passes(raw []byte, offset int64) bool {
	if p.fits == nil {
		return false
	}
	fits, err := p.fits(raw)
	if err != nil {
		p.counts.rep.Read++
		p.counts.reject(plainError(err), offset)
	}
	return err != nil || !fits
}

// trim takes away a hole of NUL, left by a power cut. Nothing is left of a
// blank record.
func trim(raw []byte, offset int64) ([]byte, int64) {
	if hole := len(raw) - len(bytes.TrimLeft(raw, "\x00")); hole > 0 {
		raw, offset = raw[hole:], offset+int64(hole)
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, offset
	}
	return raw, offset
}

// end lets the format give what it held back.
func (p *pump) end() error {
	if p.reading.End != nil {
		p.reading.End(p.emit)
	}
	return p.failed
}

func (p *pump) emit(e *event.Event) {
	if p.failed != nil {
		return
	}
	p.counts.rep.Events++
	p.failed = p.sink(e)
}

// plainError is what a report shows of an error: its public text if it has
// one.
func plainError(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Text
	}
	return err.Error()
}
