package normalize

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
	"vedette/internal/normalize/wire"
	"vedette/internal/normalize/wire/capfile"
	"vedette/internal/normalize/zeek"
	"vedette/internal/pcapfilter"
)

// Capture is what a network card saw: pcap or pcapng. Package wire understands
// it, see docs/decisions/0012-captures.md.
func Capture() Dialect {
	return Dialect{
		Name: "capture",
		Detect: func(head []byte, _ string) int {
			if capfile.Detect(head) {
				return 100
			}
			return 0
		},
		Cut:    capfile.Cut,
		Filter: fitting,
		New: func(src Source) Parser {
			c := &capture{src: src}
			c.Reset()
			return c
		},
	}
}

// fitting reads a filter in the language of tcpdump.
func fitting(text string) (func(raw []byte) (bool, error), error) {
	f, err := pcapfilter.Parse(text)
	if err != nil {
		return nil, err //nolint:wrapcheck // says it all
	}
	return capfile.Fitting(f), nil
}

// Packets is what a live capture hands on, packet by packet. What is known of
// flows is kept from one payload to the next.
func Packets() Dialect {
	d := Capture()
	d.Name, d.Cut, d.Filter, d.Piecemeal = "packets", capfile.CutParts, nil, true
	d.Detect = func([]byte, string) int { return 0 } // only by name
	d.New = func(src Source) Parser {
		c := &capture{src: src, live: true}
		c.Reset()
		return c
	}
	return d
}

// lateness is how far behind another reader of an interface one may be without flows being
// split: the kernel hands over what it gathers within 100 ms, and the rest is for a spool
// that is slow.
const lateness = 2 * time.Second

// maxRawMessage is how many first bytes of a message are kept with its event,
// as hexadecimal digits. The whole stays in the capture.
const maxRawMessage = 512

// capture is a [Parser], an [Ender] and a [record.Resetter]: a flow is told when it ends.
type capture struct {
	src    Source
	engine *wire.Engine
	last   int64 // offset of the last packet
	part   int   // events since it began
	ended  int   // of a live capture: ends of flows since it began
	live   bool  // reading may begin anew anywhere
	hex    [2 * maxRawMessage]byte
}

// Reset implements [record.Resetter].
func (c *capture) Reset() {
	c.engine = wire.New(wire.DefaultLimits(), wire.Protocols())
	c.engine.Broke = c.src.Broke
	if c.live {
		c.engine.Late = lateness
	}
}

// Parse implements [Parser].
func (c *capture) Parse(rec Record, emit func(*event.Event)) error {
	c.last, c.part, c.ended = rec.Offset, 0, 0
	p, err := capfile.Parse(rec.Raw)
	if err != nil {
		return err
	}
	return c.engine.Packet(p, func(h wire.Happening) { c.give(h, emit) })
}

// End implements [Ender].
func (c *capture) End(emit func(*event.Event)) {
	c.engine.End(func(h wire.Happening) { c.give(h, emit) })
}

// number is that of an event among those of its packet. In a live capture the
// ends of flows are counted apart: after a restart fewer flows are known, and the
// messages of a packet must be the same events still.
func (c *capture) number(h wire.Happening) uint64 {
	if c.live && h.Raw == nil {
		c.ended++
		return 1<<32 + uint64(c.ended) //nolint:gosec // G115: a count
	}
	c.part++
	return uint64(c.part) //nolint:gosec // G115: a count
}

// give completes an event. It is identified by the packet that completed it,
// its number among the events of that packet, and its first bytes.
func (c *capture) give(h wire.Happening, emit func(*event.Event)) {
	part := c.number(h)
	var id [8 + 64]byte
	binary.BigEndian.PutUint64(id[:], part)
	n := copy(id[8:], h.Raw)
	raw := h.Raw[:min(len(h.Raw), maxRawMessage)]
	text := string(c.hex[:hex.Encode(c.hex[:], raw)])
	if h.Event.MetadataLogName() == "wire/conn" {
		zeek.FinishConn(h.Event)
	}
	when := h.Time
	if h.Event.Has(event.SlotTime) { // a decoder knows better, of flows that an exporter tells
		when = h.Event.TimeField()
	}
	record.Finish(h.Event, &c.src, Record{Raw: id[:8+n], Offset: c.last}, text, 0, when)
	emit(h.Event)
}
