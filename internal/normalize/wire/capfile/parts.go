package capfile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"vedette/internal/fault"
)

// AppendPart appends a packet, or a note, as [CutParts] reads it.
func AppendPart(b []byte, p Packet) []byte {
	at := len(b)
	b = Append(append(b, 0, 0, 0, 0), p)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4)) //nolint:gosec // G115: a packet
	return b
}

// CutParts is [Cut] for packets as a live capture hands them on: each is a
// length of four bytes and a record that [Parse] reads.
func CutParts(in *bufio.Reader) func() ([]byte, int64, error) {
	var at int64
	var buf []byte
	return func() ([]byte, int64, error) {
		var head [4]byte
		start := at
		if n, err := io.ReadFull(in, head[:]); errors.Is(err, io.EOF) && n == 0 {
			return nil, start, io.EOF
		} else if err != nil {
			return nil, start, broken(err)
		}
		size := binary.BigEndian.Uint32(head[:])
		if size < headerSize || size > headerSize+maxPacket {
			return nil, start, fault.New(fault.Invalid, "a part of %d bytes is no packet", size)
		}
		if uint32(cap(buf)) < size { //nolint:gosec // G115: at most a packet
			buf = make([]byte, size)
		}
		buf = buf[:size]
		if _, err := io.ReadFull(in, buf); err != nil {
			return nil, start, broken(err)
		}
		at += 4 + int64(size)
		return buf, start, nil
	}
}
