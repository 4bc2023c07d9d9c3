package wire

import (
	"slices"

	"vedette/internal/fault"
)

// Bounds of the reassembly of IP datagrams.
const (
	maxDatagrams = 64
	maxDatagram  = 64 << 10
	maxSpans     = 128
	fragTimeout  = 30e9 // nanoseconds, as RFC 1122 section 3.3.2 has at least
)

// fragKey is what the fragments of a datagram have in common.
type fragKey struct {
	addr  [2][16]byte
	id    uint32
	proto uint8
}

// fragments are the datagrams of which parts are missing.
type fragments struct {
	open []*datagram
	done *datagram // the last whole one; its memory is used again
}

type datagram struct {
	key   fragKey
	at    int64
	data  []byte
	spans []span // what of data is there, in order, not overlapping
	total int    // 0 while the last fragment is missing
}

type span struct{ from, to int }

var errFragment = fault.New(fault.Invalid, "a fragment that reaches beyond its datagram")

// fragment takes a piece of a datagram and goes on when it is whole. Of what
// comes twice the first copy counts.
func (e *Engine) fragment(id uint32, at int, more bool) error {
	p := &e.pk
	if at+p.size > maxDatagram {
		return errFragment
	}
	d := e.frags.of(fragKey{p.addr, id, p.proto}, p.at)
	d.add(at, p.payload)
	if !more {
		d.total = at + p.size
	}
	if d.total == 0 || len(d.spans) == 0 || d.spans[0].from != 0 || d.spans[0].to < d.total {
		return nil
	}
	e.frags.close(d)
	p.whole = true
	p.payload, p.size = d.data[:d.total], d.total
	if p.family == familyIPv6 {
		return e.extensions(p.proto, p.payload, p.size)
	}
	return e.transport()
}

// of finds the datagram, or begins it in the place of one that is overdue, or
// of the oldest.
func (f *fragments) of(key fragKey, at int64) *datagram {
	oldest := -1
	for i, d := range f.open {
		if d.key == key && at-d.at <= fragTimeout {
			return d
		}
		if oldest < 0 || d.at < f.open[oldest].at {
			oldest = i
		}
	}
	d := f.done
	f.done = nil
	if len(f.open) >= maxDatagrams {
		d = f.open[oldest]
		f.open = slices.Delete(f.open, oldest, oldest+1)
	}
	if d == nil {
		d = &datagram{}
	}
	*d = datagram{key: key, at: at, data: d.data[:0], spans: d.spans[:0]}
	f.open = append(f.open, d)
	return d
}

func (f *fragments) close(d *datagram) {
	f.open = slices.DeleteFunc(f.open, func(x *datagram) bool { return x == d })
	f.done = d
}

// add puts in what is not there yet.
func (d *datagram) add(at int, b []byte) {
	to := at + len(b)
	if to > len(d.data) {
		d.data = slices.Grow(d.data, to-len(d.data))[:to]
	}
	from := at
	for _, s := range d.spans {
		if s.to <= from || s.from >= to {
			continue
		}
		if from < s.from {
			copy(d.data[from:s.from], b[from-at:])
		}
		from = max(from, s.to)
	}
	if from < to {
		copy(d.data[from:to], b[from-at:])
	}
	d.cover(span{at, to})
}

// cover notes that a piece is there, and joins it with those that it touches.
func (d *datagram) cover(n span) {
	if n.from >= n.to || len(d.spans) >= maxSpans {
		return
	}
	kept := d.spans[:0]
	for _, s := range d.spans {
		if s.to < n.from || s.from > n.to {
			kept = append(kept, s)
			continue
		}
		n = span{min(n.from, s.from), max(n.to, s.to)}
	}
	kept = append(kept, n)
	slices.SortFunc(kept, func(a, b span) int { return a.from - b.from })
	d.spans = kept
}
