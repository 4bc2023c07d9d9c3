package wire

import (
	"slices"

	"vedette/internal/normalize/wire/proto"
)

// Bounds of what is held of one side until a missing segment comes.
const (
	maxSegments = 256
	maxAhead    = 256 << 10 // bytes held, and how far ahead of the gap they may lie
)

// stream puts the bytes of one side of a TCP connection in order (RFC 9293,
// section 3.4). Of bytes that come twice the first copy counts. A gap is given
// up when the other side acknowledged what lies behind it, for then it is the
// capture that lacks it, or when too much waits behind it.
type stream struct {
	isn   uint32 // of the first byte after the SYN
	next  uint32 // the byte to come
	acked uint32 // by the other side
	fin   uint32 // where the side ends
	known, hasAck, hasFin, ended,
	refused bool // no protocol was recognised in what it said
	tries uint8

	lost  int       // bytes missing before buf, not told yet
	buf   []byte    // in order, not taken by the decoder
	segs  []segment // after a gap, in order, not overlapping
	ahead int       // bytes in segs
}

type segment struct {
	seq  uint32
	data []byte
}

func (g *segment) end() uint32 { return g.seq + uint32(len(g.data)) } //nolint:gosec // G115: modulo 2^32

// after is how far a lies behind b in the sequence.
func after(a, b uint32) int { return int(int32(a - b)) } //nolint:gosec // G115: modulo 2^32

// arrange takes a segment: it delivers what is next, and holds what is ahead.
func (e *Engine) arrange(f *flow, s proto.Side, p *packet) {
	t, seq := &f.sides[s].in, p.seq
	if p.flags&flagSYN != 0 {
		seq++
		if !t.known || f.sides[s].bytes == 0 {
			t.isn, t.next, t.known = seq, seq, true
		}
	}
	if !t.known {
		t.next, t.known, t.lost = seq, true, 1 // the beginning was not captured
	}
	if p.flags&flagFIN != 0 && !t.hasFin {
		t.fin, t.hasFin = seq+uint32(p.size), true //nolint:gosec // G115: at most 64 KiB
	}
	if p.size > 0 {
		e.take(f, s, seq, p.payload, p.size)
	}
	if p.flags&flagACK != 0 {
		o := &f.sides[s.Other()].in
		if !o.hasAck || after(p.ack, o.acked) > 0 {
			o.acked, o.hasAck = p.ack, true
		}
		e.skipAcked(f, s.Other())
	}
	e.skipAcked(f, s)
	if t.hasFin && after(t.next, t.fin) >= 0 && !t.ended {
		t.ended = true
		e.deliver(f, s, nil, true)
	}
	if p.flags&flagRST != 0 {
		e.drain(f, proto.Client)
		e.drain(f, proto.Server)
	}
}

// take puts one segment in its place. Of size bytes only those of data were
// captured.
func (e *Engine) take(f *flow, s proto.Side, seq uint32, data []byte, size int) {
	t := &f.sides[s].in
	d := after(seq, t.next)
	switch {
	case d > 0:
		e.hold(f, s, seq, data)
		return
	case -d >= size:
		return
	}
	data, size = data[min(-d, len(data)):], size+d
	e.accept(f, s, data, size-len(data))
	e.released(f, s)
}

// accept delivers bytes that are next, and notes those behind them that the
// capture cut off.
func (e *Engine) accept(f *flow, s proto.Side, data []byte, missing int) {
	t := &f.sides[s].in
	t.next += uint32(len(data)) //nolint:gosec // G115: modulo 2^32
	if len(data) > 0 {
		e.deliver(f, s, data, false)
	}
	if missing > 0 {
		e.gap(f, s, missing)
	}
}

// gap notes that n bytes will not come. What the decoder was still waiting to
// complete is lost with them.
func (e *Engine) gap(f *flow, s proto.Side, n int) {
	t := &f.sides[s].in
	if f.app.mode == appSeek && len(t.buf) > 0 {
		e.seek(f, s, nil, true) // there will be no more to recognise it by
	}
	t.next += uint32(n) //nolint:gosec // G115: modulo 2^32
	t.lost += n + len(t.buf)
	e.table.release(t)
	f.history.add(s, 'g')
}

// released delivers held segments that are next now.
func (e *Engine) released(f *flow, s proto.Side) {
	t := &f.sides[s].in
	for len(t.segs) > 0 && after(t.segs[0].seq, t.next) <= 0 {
		g := t.segs[0]
		t.segs = slices.Delete(t.segs, 0, 1)
		t.ahead -= len(g.data)
		e.table.held -= len(g.data)
		if behind := after(t.next, g.seq); behind < len(g.data) {
			e.accept(f, s, g.data[behind:], 0)
		}
	}
}

// skipAcked gives up gaps that the other side has acknowledged.
func (e *Engine) skipAcked(f *flow, s proto.Side) {
	t := &f.sides[s].in
	for len(t.segs) > 0 && t.hasAck && after(t.acked, t.segs[0].seq) >= 0 {
		e.skip(f, s)
	}
}

// skip gives up the first gap.
func (e *Engine) skip(f *flow, s proto.Side) {
	t := &f.sides[s].in
	e.gap(f, s, max(0, after(t.segs[0].seq, t.next)))
	e.released(f, s)
}

// hold keeps a segment that is ahead of a gap.
func (e *Engine) hold(f *flow, s proto.Side, seq uint32, data []byte) {
	t := &f.sides[s].in
	d := after(seq, t.next)
	for len(t.segs) > 0 && (len(t.segs) >= maxSegments || t.ahead+len(data) > maxAhead || d > maxAhead) {
		e.skip(f, s)
		d = after(seq, t.next)
	}
	if d > maxAhead || len(data) > 0 && !e.room(f, len(data)) {
		e.gap(f, s, d) // nothing can fill it, or it cannot be waited for
	}
	if after(seq, t.next) <= 0 {
		e.take(f, s, seq, data, len(data))
		return
	}
	before := t.ahead
	t.insert(seq, data)
	e.table.held += t.ahead - before
}

// insert adds those parts of a segment that are not held yet.
func (t *stream) insert(seq uint32, data []byte) {
	for i := 0; i < len(t.segs) && len(data) > 0; i++ {
		g := &t.segs[i]
		if after(seq, g.end()) >= 0 {
			continue
		}
		if n := after(g.seq, seq); n > 0 {
			n = min(n, len(data))
			t.put(i, seq, data[:n])
			seq, data = seq+uint32(n), data[n:] //nolint:gosec // G115: modulo 2^32
			continue
		}
		n := min(after(g.end(), seq), len(data))
		seq, data = seq+uint32(n), data[n:] //nolint:gosec // G115: modulo 2^32
	}
	if len(data) > 0 {
		t.put(len(t.segs), seq, data)
	}
}

func (t *stream) put(at int, seq uint32, data []byte) {
	t.segs = slices.Insert(t.segs, at, segment{seq, slices.Clone(data)})
	t.ahead += len(data)
}

// drain ends a side: what waits behind gaps is delivered, and the decoder is
// told that this is all.
func (e *Engine) drain(f *flow, s proto.Side) {
	t := &f.sides[s].in
	for len(t.segs) > 0 {
		e.skip(f, s)
	}
	if !t.ended {
		t.ended = true
		e.deliver(f, s, nil, true)
	}
}
