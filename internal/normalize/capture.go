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

// maxRawMessage is how many first bytes of a message are kept with its event,
// as hexadecimal digits. The whole stays in the capture.
const maxRawMessage = 512

// capture is a [Parser], an [Ender], a [record.Learner] and a [record.Resetter]: a flow is told when it ends.
type capture struct {
	src    Source
	engine *wire.Engine
	last   int64  // offset of the last packet
	part   int    // events since it began
	ended  int    // of a live capture: ends of flows since it began
	live   bool   // reading may begin anew anywhere
	cut    uint64 // how often it has ended
	hex    [2 * maxRawMessage]byte
}

// Reset implements [record.Resetter].
func (c *capture) Reset() {
	c.engine = wire.New(wire.DefaultLimits(), wire.Protocols())
	c.engine.Broke = c.src.Broke
	c.engine.Live = c.live
}

// Parse implements [Parser].
func (c *capture) Parse(rec Record, emit func(*event.Event)) error {
	c.last, c.part, c.ended = rec.Offset, 0, 0
	p, err := capfile.Parse(rec.Raw)
	if err != nil {
		return err
	}
	if p.Note && c.live {
		return c.engine.Learn(p.Time, p.Data) //nolint:wrapcheck // says it all
	}
	return c.engine.Packet(p, func(h wire.Happening) { c.give(h, emit) })
}

// End implements [Ender]. What a live capture hears no more of is told as open.
func (c *capture) End(emit func(*event.Event)) {
	if c.live {
		c.cut++
		c.engine.Cut(func(h wire.Happening) { c.give(h, emit) })
		return
	}
	c.engine.End(func(h wire.Happening) { c.give(h, emit) })
}

// notesAtOnce is how many flows one record of what is known of them has.
const notesAtOnce = 1000

// Learnt implements [record.Learner]: flows that were open at the end, of which a new
// parser is to know that they began before.
func (c *capture) Learnt() (records [][]byte, version uint64) {
	var b []byte
	n := 0
	c.engine.Known(func(last time.Time, data []byte) {
		b = capfile.AppendPart(b, capfile.Packet{Time: last, Data: data, Note: true})
		if n++; n%notesAtOnce == 0 {
			records, b = append(records, b), nil
		}
	})
	if len(b) > 0 {
		records = append(records, b)
	}
	return records, c.cut
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

// What is said of connections of which a live capture heard a part.
const (
	saidBefore = "it began before the capture did: what came since is counted"
	saidOpen   = "the capture was stopped while it was open: what came until then is counted"
)

// partly says that a connection was heard in part. That nobody answered, or that it was
// refused, is not known then.
func partly(h wire.Happening) {
	if !h.Before && !h.Open {
		return
	}
	e := h.Event
	e.SetActivityName("Traffic")
	if e.Status() == event.Failure {
		e.SetStatus("")
	}
	for _, c := range []struct {
		is   bool
		text string
	}{{h.Before, saidBefore}, {h.Open, saidOpen}} {
		if had := e.StatusDetail(); c.is && had != "" {
			e.SetStatusDetail(had + "; " + c.text)
		} else if c.is {
			e.SetStatusDetail(c.text)
		}
	}
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
		if c.live {
			partly(h)
		}
	}
	when := h.Time
	if h.Event.Has(event.SlotTime) { // a decoder knows better, of flows that an exporter tells
		when = h.Event.TimeField()
	}
	record.Finish(h.Event, &c.src, Record{Raw: id[:8+n], Offset: c.last}, text, 0, when)
	emit(h.Event)
}
