// Package capfile cuts capture files, pcap and pcapng, into packets. It owns
// the two file formats and must not look inside a packet.
//
// A packet is handed on as a record of bytes, so that it passes through code
// that knows nothing of captures: a header of [headerSize] bytes that holds the
// time, link type and original length, and then what was captured. [Parse] reads
// it back.
package capfile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"vedette/internal/fault"
)

// Packet is one packet of a capture.
type Packet struct {
	Time time.Time // zero if the capture does not tell
	Link uint16    // link type, https://www.tcpdump.org/linktypes.html
	Orig int       // bytes that were on the wire; Data may have fewer
	Data []byte

	// Note says that it is no packet but what a reader of packets wrote down for the next
	// one. No file and no interface has such records.
	Note bool
}

const (
	headerSize = 16
	noteMark   = 1 // in its place packets have 0

	// maxPacket is the longest packet that is believed. Tools write at most
	// 256 KiB, and more only for buses that are not decoded here.
	maxPacket = 1 << 20
	// maxBlock is the longest block of a pcapng file that is believed.
	maxBlock = 16 << 20
)

// Parse reads a record that the function of [Cut] gave.
func Parse(raw []byte) (Packet, error) {
	if len(raw) < headerSize {
		return Packet{}, fault.New(fault.Invalid, "a record without the header of a packet")
	}
	p := Packet{
		Link: binary.BigEndian.Uint16(raw[8:]),
		Orig: int(binary.BigEndian.Uint32(raw[12:])),
		Data: raw[headerSize:],
		Note: binary.BigEndian.Uint16(raw[10:]) == noteMark,
	}
	if ns := int64(binary.BigEndian.Uint64(raw)); ns != 0 { //nolint:gosec // G115: written by put from an int64
		p.Time = time.Unix(0, ns).UTC()
	}
	return p, nil
}

// put writes the header of a record.
func put(raw []byte, ns int64, link uint16, orig uint32) {
	binary.BigEndian.PutUint64(raw, uint64(ns)) //nolint:gosec // G115: only the bits matter
	binary.BigEndian.PutUint16(raw[8:], link)
	binary.BigEndian.PutUint16(raw[10:], 0)
	binary.BigEndian.PutUint32(raw[12:], orig)
}

// Append appends the record of a packet to b; it is the inverse of [Parse].
func Append(b []byte, p Packet) []byte {
	var head [headerSize]byte
	ns := int64(0)
	if !p.Time.IsZero() {
		ns = p.Time.UnixNano()
	}
	put(head[:], ns, p.Link, uint32(max(p.Orig, 0))) //nolint:gosec // G115: lengths of packets
	if p.Note {
		binary.BigEndian.PutUint16(head[10:], noteMark)
	}
	return append(append(b, head[:]...), p.Data...)
}

// Detect reports whether the first bytes of a source are those of a capture.
func Detect(head []byte) bool {
	if len(head) < 12 {
		return false
	}
	if binary.BigEndian.Uint32(head) == blockSection {
		magic := binary.BigEndian.Uint32(head[8:])
		return magic == orderMagic || magic == orderMagicSwapped
	}
	_, ok := pcapFlavour(head)
	return ok
}

// Cut returns the function that gives packet after packet, as
// normalize.Dialect asks: a record is valid until the next call, and its offset
// is that of the packet's header in the file. A packet that is cut off, or
// whose length cannot be, ends the file with an error: one that is cut off with an
// io.ErrUnexpectedEOF.
func Cut(in *bufio.Reader) func() ([]byte, int64, error) {
	r := &reader{in: in}
	return r.next
}

// reader reads either format. What follows depends on the first bytes.
type reader struct {
	in     *bufio.Reader
	pos    int64
	buf    []byte // header and packet that are handed on
	format func() ([]byte, int64, error)
	err    error
}

func (r *reader) next() (raw []byte, at int64, err error) {
	if r.err != nil {
		return nil, r.pos, r.err
	}
	if r.format == nil {
		err = r.open()
	}
	if err == nil {
		raw, at, err = r.format()
	}
	if err != nil {
		r.err = err
		return nil, r.pos, err
	}
	return raw, at, nil
}

func (r *reader) open() error {
	head, err := r.in.Peek(24)
	if len(head) >= 4 && binary.BigEndian.Uint32(head) == blockSection {
		r.format = (&ng{reader: r}).next
		return nil
	}
	if len(head) < 24 {
		if len(head) == 0 {
			return io.EOF
		}
		return fault.Wrap(fault.Invalid, err, "the header of the capture is cut off")
	}
	fl, ok := pcapFlavour(head)
	if !ok {
		return fault.New(fault.Invalid, "neither pcap nor pcapng")
	}
	r.format = (&classic{reader: r, flavour: fl, link: uint16(fl.order.Uint32(head[20:]) & 0xffff)}).next
	return r.skip(24)
}

// fill reads n bytes into the buffer behind a place for the record header.
func (r *reader) fill(n int) ([]byte, error) {
	if cap(r.buf) < headerSize+n {
		r.buf = make([]byte, headerSize+n, headerSize+n+n/2)
	}
	r.buf = r.buf[:headerSize+n]
	got, err := io.ReadFull(r.in, r.buf[headerSize:])
	r.pos += int64(got)
	if err != nil {
		return nil, broken(err)
	}
	return r.buf, nil
}

func (r *reader) skip(n int) error {
	got, err := r.in.Discard(n)
	r.pos += int64(got)
	if err != nil {
		return broken(err)
	}
	return nil
}

// peek shows the next n bytes. io.EOF says that the file ends before the
// first of them, as it may between two packets.
func (r *reader) peek(n int) ([]byte, error) {
	b, err := r.in.Peek(n)
	if len(b) == 0 && errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, broken(err)
	}
	return b, nil
}

func broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.Wrap(fault.Invalid, io.ErrUnexpectedEOF, "the last packet is cut off")
	}
	return fault.Wrap(fault.Invalid, err, "reading the capture failed: %v", err)
}
