package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

var errTooLong = errors.New("record too long")

// splitter cuts a stream into records: lines, or whole JSON values when the
// stream starts with an array or with an object that spans lines. Offsets
// count decompressed bytes.
type splitter struct {
	br     *bufio.Reader
	offset int64
	buf    []byte
	json   bool
}

func newSplitter(br *bufio.Reader, head []byte) *splitter {
	s := &splitter{br: br, json: spansLines(head)}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		n, _ := br.Discard(3)
		s.offset = int64(n)
	}
	return s
}

// spansLines tells pretty-printed JSON and JSON arrays from JSON lines.
func spansLines(head []byte) bool {
	h := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if bytes.HasPrefix(h, []byte("[")) {
		rest := bytes.TrimLeft(h[1:], " \t\r\n")
		return bytes.HasPrefix(rest, []byte("{")) || bytes.HasPrefix(rest, []byte("]"))
	}
	line, _, _ := bytes.Cut(h, []byte("\n"))
	return len(line) < len(h) && bytes.Equal(bytes.TrimSpace(line), []byte("{"))
}

// next returns the next record and its offset. The bytes are valid until the
// next call. The error is io.EOF at the end, errTooLong for a record that was
// skipped, or what broke the stream off; after that io.EOF follows.
func (s *splitter) next() ([]byte, int64, error) {
	if s.json {
		return s.value()
	}
	return s.line()
}

func (s *splitter) line() ([]byte, int64, error) {
	start := s.offset
	s.buf = s.buf[:0]
	tooLong := false
	for {
		part, err := s.br.ReadSlice('\n')
		s.offset += int64(len(part))
		if len(s.buf)+len(part) > MaxRecord {
			tooLong = true
		}
		if !tooLong {
			s.buf = append(s.buf, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			s.br.Reset(bytes.NewReader(nil))
			return nil, start, err
		case tooLong:
			return nil, start, errTooLong
		case err != nil && len(s.buf) == 0:
			return nil, start, io.EOF
		}
		return bytes.TrimRight(s.buf, "\r\n"), start, nil
	}
}

// value reads one top-level JSON object by counting braces outside strings;
// brackets and commas between objects are passed over.
func (s *splitter) value() ([]byte, int64, error) {
	s.buf = s.buf[:0]
	start, depth := s.offset, 0
	quoted, escaped, tooLong := false, false, false
	for {
		c, err := s.br.ReadByte()
		if err != nil {
			if errors.Is(err, io.EOF) && len(s.buf) > 0 {
				return s.buf, start, nil // the parser says what is wrong with it
			}
			return nil, start, err
		}
		s.offset++
		if depth == 0 {
			if c != '{' {
				if bytes.IndexByte([]byte(" \t\r\n,[]"), c) >= 0 {
					continue
				}
				return s.stray(c)
			}
			start = s.offset - 1
		}
		if tooLong = tooLong || len(s.buf) >= MaxRecord; !tooLong {
			s.buf = append(s.buf, c)
		}
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				if tooLong {
					return nil, start, errTooLong
				}
				return s.buf, start, nil
			}
		}
	}
}

// stray returns what stands between objects and is none, up to the line's end.
func (s *splitter) stray(c byte) ([]byte, int64, error) {
	start := s.offset - 1
	s.buf = append(s.buf[:0], c)
	for len(s.buf) < 4096 {
		c, err := s.br.ReadByte()
		if err != nil || c == '\n' {
			break
		}
		s.offset++
		s.buf = append(s.buf, c)
	}
	return s.buf, start, nil
}

// magics are the first bytes of files that people try and that hold no text.
var magics = []struct{ magic, what string }{
	{"\xd4\xc3\xb2\xa1", "a packet capture (pcap): decode it with Zeek or Suricata and take in their logs"},
	{"\xa1\xb2\xc3\xd4", "a packet capture (pcap): decode it with Zeek or Suricata and take in their logs"},
	{"\x4d\x3c\xb2\xa1", "a packet capture (pcap): decode it with Zeek or Suricata and take in their logs"},
	{"\x0a\x0d\x0d\x0a", "a packet capture (pcapng): decode it with Zeek or Suricata and take in their logs"},
	{"PK\x03\x04", "a zip archive: unpack it first"},
	{"\x89PNG", "an image"},
	{"\x7fELF", "a program"},
	{"%PDF", "a PDF document"},
	{"\xfd7zXZ\x00", "an xz archive: unpack it first"},
	{"BZh", "a bzip2 archive: unpack it first"},
	{"\x28\xb5\x2f\xfd", "a zstd archive: unpack it first"},
	{"7z\xbc\xaf", "a 7z archive: unpack it first"},
	{"\x1f\x8b", "gzip inside gzip: unpack it first"},
	{"\xff\xfe", "text in UTF-16: convert it to UTF-8 first"},
	{"\xfe\xff", "text in UTF-16: convert it to UTF-8 first"},
	{"SQLite format 3\x00", "an SQLite database"},
	{"PAR1", "a Parquet file"},
}

// binary names what a source is if it is no text: by its magic, or because
// more than one byte in a hundred of its head is NUL.
func binary(head []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.what
		}
	}
	if n := bytes.Count(head, []byte{0}); n*100 > len(head) {
		return "binary data"
	}
	return ""
}
