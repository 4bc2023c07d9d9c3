// Package netflow reads what routers and probes say of flows: NetFlow v5 and v9
// (RFC 3954), IPFIX (RFC 7011, in files as RFC 5655 puts them), the CSV of
// nfdump and the text of Argus, known as binetflow.
//
// It must not put flows together: what an exporter cut into two records stays
// two events.
package netflow

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/record"
)

// The versions in the first two bytes of a message.
const (
	version5  = 5
	version9  = 9
	versionIP = 10
)

const (
	head5, record5, maxRecords5 = 24, 48, 30
	head9                       = 20
	headIP                      = 16
	maxMessage                  = 64 << 10
)

// Export is a file of messages as exporters send them, one after another.
func Export() record.Dialect {
	return record.Dialect{
		Name: "netflow", Detect: detectExport, Cut: cutMessages, Piecemeal: true,
		New: func(src record.Source) record.Parser { return &exportFile{src: src} },
	}
}

// detectExport asks for a message whose parts fit its length, and what begins
// like another behind it.
func detectExport(head []byte, _ string) int {
	n, err := measure(head)
	if err != nil || n > len(head) || !plausible(head[:n]) {
		return 0
	}
	if rest := head[n:]; len(rest) >= 2 && binary.BigEndian.Uint16(rest) != binary.BigEndian.Uint16(head) {
		return 0
	}
	return 95
}

// plausible checks the time of export.
func plausible(b []byte) bool {
	at := 8
	if binary.BigEndian.Uint16(b) == versionIP {
		at = 4
	}
	sec := binary.BigEndian.Uint32(b[at:])
	return sec > 600_000_000
}

var errShort = errors.New("the message breaks off")

// measure is the length of the message that b begins with. NetFlow v9 does not
// say it: its flowsets are counted up until what follows is none of them.
func measure(b []byte) (int, error) {
	if len(b) < headIP {
		return 0, errShort
	}
	switch binary.BigEndian.Uint16(b) {
	case version5:
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n == 0 || n > maxRecords5 {
			return 0, fault.New(fault.Invalid, "a NetFlow v5 message of %d records", n)
		}
		return head5 + n*record5, nil
	case versionIP:
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n < headIP {
			return 0, fault.New(fault.Invalid, "an IPFIX message of %d bytes", n)
		}
		return n, nil
	case version9:
		return measure9(b)
	}
	return 0, fault.New(fault.Invalid, "not a message of NetFlow v5, v9 or IPFIX")
}

// measure9 passes over flowsets: their ids are 0, 1 or from 256 on, the next
// message begins with 9.
func measure9(b []byte) (int, error) {
	at := head9
	if len(b) < at {
		return 0, errShort
	}
	for len(b)-at >= 4 && at < maxMessage {
		id, n := binary.BigEndian.Uint16(b[at:]), int(binary.BigEndian.Uint16(b[at+2:]))
		if id == version9 || id != 0 && id != 1 && id < 256 {
			break
		}
		if n < 4 {
			return 0, fault.New(fault.Invalid, "a NetFlow v9 flowset of %d bytes", n)
		}
		if at+n > len(b) {
			return 0, errShort
		}
		at += n
	}
	if at == head9 {
		return 0, fault.New(fault.Invalid, "a NetFlow v9 message without a flowset")
	}
	return at, nil
}

// cutMessages cuts a file into its messages.
func cutMessages(in *bufio.Reader) func() ([]byte, int64, error) {
	big := bufio.NewReaderSize(in, 2*maxMessage)
	var offset int64
	var last int
	return func() ([]byte, int64, error) {
		_, _ = big.Discard(last) // it was peeked at
		offset += int64(last)
		last = 0
		b, err := big.Peek(2 * maxMessage)
		if len(b) == 0 {
			if err == nil {
				err = io.EOF
			}
			return nil, offset, err
		}
		n, err := measure(b)
		if err == nil && n > len(b) {
			err = errShort
		}
		if err != nil {
			return nil, offset, err
		}
		last = n
		return b[:n], offset, nil
	}
}

type exportFile struct {
	src     record.Source
	decoder Decoder
	e       event.Event
}

// Hear implements [record.Hearer].
func (p *exportFile) Hear(c record.Carrier) { p.src.Clock(c) }

// Learnt implements [record.Learner].
func (p *exportFile) Learnt() (records [][]byte, version uint64) { return p.decoder.Learnt() }

// Parse implements [record.Parser].
func (p *exportFile) Parse(rec record.Record, emit func(*event.Event)) error {
	part := 0
	return p.decoder.Message(rec.Raw, func(f Flow) {
		p.e.Reset()
		f.Fill(&p.e)
		p.e.SetMetadataProduct(f.Format)
		p.e.SetMetadataLogName("netflow/flow")
		one := record.Record{Raw: f.Raw, Offset: rec.Offset}
		record.Finish(&p.e, &p.src, one, hex.EncodeToString(f.Raw[:min(len(f.Raw), maxRaw)]), part, f.Start())
		part++
		emit(&p.e)
	})
}

// maxRaw is how many bytes of a flow record are kept with its event.
const maxRaw = 512

// Flow is one record of a flow.
type Flow struct {
	Format   string // "NetFlow v5", "NetFlow v9" or "IPFIX"
	Raw      []byte // valid until the call returns
	exported time.Time
	boot     time.Time // when the exporter started, by its own clock
	domain   uint32
	fields   []element
}

// Start is when the flow began; without that, when it was told.
func (f *Flow) Start() time.Time {
	if t := f.time(startFields[:]); !t.IsZero() {
		return t
	}
	if t := f.time(endFields[:]); !t.IsZero() {
		return t
	}
	return f.exported
}

// Is tells whether b is one whole message.
func Is(b []byte) bool {
	n, err := measure(b)
	return err == nil && n == len(b) && plausible(b)
}
