package flow

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"vedette/internal/fault"
)

// A segment is a file named after the sequence number of its first record:
// eight bytes of magic, then records. A record is its length (4 bytes, big
// endian), a checksum of its sequence number and bytes (4), and its bytes.
const (
	segmentMagic = "VEDSPL1\n"
	segmentExt   = ".seg"
	recordHead   = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type segment struct {
	first uint64 // sequence number of its first record
	next  uint64 // one more than that of its last
	size  int64
	path  string
}

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", first, segmentExt))
}

func firstOf(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentExt)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil
}

// checksum ties a record to its place, so that stale bytes of another record
// do not pass for it.
func checksum(seq uint64, data []byte) uint32 {
	place := uint32(seq)*2654435761 ^ uint32(seq>>32) //nolint:gosec // G115: both halves are meant
	return crc32.Checksum(data, castagnoli) ^ place
}

func appendRecord(b []byte, seq uint64, data []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(data))) //nolint:gosec // G115: at most maxRecord
	b = binary.BigEndian.AppendUint32(b, checksum(seq, data))
	return append(b, data...)
}

// errDamaged marks a record whose checksum is wrong; the reader stands behind
// it.
var errDamaged = errors.New("record is damaged")

// errTorn marks the end of what was written whole.
var errTorn = errors.New("record is cut off")

// readRecord reads the next record into buf, which it may grow.
func readRecord(r io.Reader, seq uint64, maxRecord int, buf []byte) ([]byte, error) {
	var head [recordHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return buf, io.EOF
		}
		return buf, errTorn
	}
	size := int64(binary.BigEndian.Uint32(head[:4]))
	if size == 0 || size > int64(maxRecord) {
		return buf, errTorn
	}
	if int64(cap(buf)) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	if _, err := io.ReadFull(r, buf); err != nil {
		return buf, errTorn
	}
	if checksum(seq, buf) != binary.BigEndian.Uint32(head[4:]) {
		return buf, errDamaged
	}
	return buf, nil
}

// scanSegment finds the end of the last whole record. A damaged record that
// whole ones follow is kept (the reader skips it): only the tail is cut.
func scanSegment(path string, first uint64, maxRecord int) (segment, error) {
	seg := segment{first: first, next: first, path: path}
	file, err := os.Open(path) //nolint:gosec // G304: a segment of the operator's own directory
	if err != nil {
		return seg, fault.Wrap(fault.Unavailable, err, "opening spool segment %s", path)
	}
	defer func() { _ = file.Close() }()
	r := bufio.NewReaderSize(file, 1<<16)
	magic := make([]byte, len(segmentMagic))
	if n, err := io.ReadFull(r, magic); err != nil {
		if n == 0 || strings.HasPrefix(segmentMagic, string(magic[:n])) {
			return seg, nil // killed while making it
		}
	}
	if string(magic) != segmentMagic {
		return seg, fault.New(fault.Invalid, "opening spool segment %s: it is not a spool segment of this version", path).
			WithHint("move the file away if it does not belong there")
	}
	seg.size = int64(len(segmentMagic))
	at, seq := seg.size, first
	var buf []byte
	for {
		buf, err = readRecord(r, seq, maxRecord, buf)
		if err != nil && !errors.Is(err, errDamaged) {
			return seg, nil
		}
		at += recordHead + int64(len(buf))
		seq++
		if err == nil {
			seg.size, seg.next = at, seq
		}
	}
}
