package ingest

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// MaxPayload is the most bytes of one [Payload] without a key.
const MaxPayload = 1 << 20

// The bounds of what is kept of peers: beyond maxPeers half of them are forgotten,
// but for their formats, of which maxFormats are kept: to look for one anew costs
// ten times as much as to read a small payload.
// A format that counts from a start, such as the year of a log without one, is
// opened anew after peerAge; one that is piecemeal has no such start.
const (
	maxPeers   = 4096
	maxFormats = 64 << 10
	peerAge    = time.Hour
	steady     = 8 // so many payloads make a peer one that is forgotten last
)

// Live parses payloads of live sources. Records of one peer are read by one
// [Reading], so that what a peer tells once counts for what it sends later. It
// is for one goroutine.
type Live struct {
	reader *Reader
	id     string
	open   map[peer]*opened
	known  map[peer]recognised // of peers that have no reading of their own
	shared map[peer]*opened    // by source and format: readings without a memory
	buf    *bufio.Reader
}

type peer struct{ source, name, format string }

type recognised struct {
	format *Format
	since  time.Time
}

type opened struct {
	recognised
	used  uint64 // number of the last payload
	heard int    // payloads
	read  Reading
	last  Payload // without its bytes
}

// liveBuffer is as much as a format that cuts may look ahead.
const liveBuffer = 128 << 10

// Live returns a parser of payloads. The id names the spool they come from: with
// the number of a payload in it, it is the identity of its records, so that what
// is read again after a kill is the same event.
func (r *Reader) Live(id string) *Live {
	return &Live{reader: r, id: id, open: map[peer]*opened{}, known: map[peer]recognised{}, shared: map[peer]*opened{}, buf: bufio.NewReaderSize(nil, liveBuffer)}
}

// Payload parses one payload. seq is its number in the spool. What cannot be read is
// in the report; the error is of sink or ctx.
func (l *Live) Payload(ctx context.Context, p Payload, seq uint64, sink func(*event.Event) error) (Report, error) {
	rep := Report{Path: p.Source}
	sink = marked(p, sink)
	if p.Key != "" { // a source of its own, as a file is
		err := l.reader.streamAs(ctx, bytes.NewReader(p.Data), &rep, p.Format, p.Received, event.SourceID([]byte(p.Source+"\x00"+p.Key)), sink)
		if fault.KindOf(err) == fault.Invalid { // a format that there is not
			counts := &counter{rep: &rep}
			counts.reject(plainError(err), 0)
			counts.finish()
			err = nil
		}
		return rep, err
	}
	counts := &counter{rep: &rep}
	defer counts.finish()
	o, err := l.reading(p, seq, counts)
	if o == nil || err != nil {
		return rep, err
	}
	o.last = p
	o.last.Data = nil
	rep.Format = o.format.Name
	base := int64(seq<<20) & (1<<63 - 1) //nolint:gosec // G115: masked
	if p.Stream != "" {
		base = p.At
	}
	read := Reading{Record: func(raw []byte, offset int64, emit func(*event.Event)) error {
		return o.read.Record(raw, base+offset, emit)
	}}
	if o.read.Told != nil {
		o.read.Told(p.Received, p.Meta)
	}
	l.buf.Reset(bytes.NewReader(p.Data))
	pumped := &pump{ctx: ctx, reading: read, sink: sink, counts: counts}
	if o.format.Cut != nil {
		err = pumped.run(o.format.Cut(l.buf), true)
	} else {
		err = pumped.run(newSplitter(l.buf, p.Data[:min(len(p.Data), HeadSize)]).next, false)
	}
	if rep.Rejected > 0 && rep.Events == 0 && p.Format == "" && !o.format.Piecemeal {
		l.drop(peer{p.Source, cmp.Or(p.Stream, p.Peer), p.Format}) // it may speak another format by now
	}
	return rep, err
}

// reading finds the peer's reading or opens one.
func (l *Live) reading(p Payload, seq uint64, counts *counter) (*opened, error) {
	key := peer{p.Source, cmp.Or(p.Stream, p.Peer), p.Format}
	now := l.reader.now()
	if o := l.open[key]; o != nil && o.holds(now) {
		o.used = seq
		o.heard++
		return o, nil
	}
	is, ok := l.known[key]
	if !ok || !is.holds(now) {
		f, err := l.reader.recogniseElse(p.Data[:min(len(p.Data), HeadSize)], p.Format, p.Else, counts)
		if fault.KindOf(err) == fault.Invalid {
			counts.reject(plainError(err), 0)
			return nil, nil //nolint:nilnil // refused, and told
		}
		if f == nil || err != nil {
			return nil, err
		}
		is = recognised{f, now}
	}
	f := is.format
	if f.Cut != nil && !f.Piecemeal {
		counts.reject("a file of "+f.Name+" needs a key: it cannot be read in parts", 0)
		return nil, nil //nolint:nilnil // refused, and told
	}
	if f.Memoryless && p.Stream == "" {
		l.note(key, is)
		return l.common(p.Source, is, now), nil
	}
	if len(l.open) >= maxPeers {
		l.forget()
	}
	id := event.SourceID([]byte(l.id + "\x00" + p.Source + "\x00" + p.Peer))
	if p.Stream != "" {
		id = event.SourceID([]byte(p.Source + "\x00stream\x00" + p.Stream))
	}
	o := &opened{recognised: is, used: seq, heard: 1, read: f.Open(Origin{ID: id, Name: p.Source, Now: now})}
	l.open[key] = o
	return o, nil
}

// common is the one reading of a format without a memory for all peers of a
// source.
func (l *Live) common(source string, is recognised, now time.Time) *opened {
	key := peer{source: source, format: is.format.Name}
	o := l.shared[key]
	if o == nil {
		id := event.SourceID([]byte(l.id + "\x00" + source + "\x00\x00" + is.format.Name))
		o = &opened{recognised: is, read: is.format.Open(Origin{ID: id, Name: source, Now: now})}
		l.shared[key] = o
	}
	return o
}

// note keeps what a peer speaks.
func (l *Live) note(k peer, is recognised) {
	if len(l.known) >= maxFormats {
		l.known = map[peer]recognised{}
	}
	l.known[k] = is
}

// forget drops half of the peers: first those that were heard a few times only,
// as senders that somebody makes up are, then those that were heard longest ago.
func (l *Live) forget() {
	keys := slices.Collect(maps.Keys(l.open))
	slices.SortFunc(keys, func(a, b peer) int {
		x, y := l.open[a], l.open[b]
		return cmp.Or(cmp.Compare(min(x.heard, steady), min(y.heard, steady)), cmp.Compare(x.used, y.used))
	})
	for _, k := range keys[:len(keys)/2] {
		l.note(k, l.open[k].recognised)
		delete(l.open, k)
	}
}

// holds reports whether a format still counts.
func (r recognised) holds(now time.Time) bool {
	return r.format.Piecemeal || now.Sub(r.since) < peerAge
}

// drop forgets what a peer speaks.
func (l *Live) drop(k peer) {
	delete(l.open, k)
	delete(l.known, k)
}

// SpoolID makes a name for the payloads of a spool from the time it was made.
func SpoolID(made time.Time) string { return "spool-" + strconv.FormatInt(made.UnixNano(), 36) }
