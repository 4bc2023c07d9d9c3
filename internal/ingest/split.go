package ingest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

var errTooLong = errors.New("record too long")

const bom = "\xef\xbb\xbf"

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
	if bytes.HasPrefix(head, []byte(bom)) {
		n, _ := br.Discard(3)
		s.offset = int64(n)
	}
	return s
}

// spansLines tells pretty-printed JSON and JSON arrays from JSON lines.
func spansLines(head []byte) bool {
	h := bytes.TrimLeft(bytes.TrimPrefix(head, []byte(bom)), " \t\r\n")
	if bytes.HasPrefix(h, []byte("[")) {
		rest := bytes.TrimLeft(h[1:], " \t\r\n")
		return bytes.HasPrefix(rest, []byte("{")) || bytes.HasPrefix(rest, []byte("]"))
	}
	line, _, _ := bytes.Cut(h, []byte("\n"))
	if len(line) == len(h) || !bytes.HasPrefix(h, []byte("{")) {
		return false
	}
	if bytes.Equal(bytes.TrimSpace(line), []byte("{")) {
		return true
	}
	if json.Valid(line) {
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(h))
	var first json.RawMessage
	return dec.Decode(&first) == nil && dec.InputOffset() > int64(len(line))
}

// sample is the head as a format may look at it: without byte order mark and
// without holes of NUL, each JSON value on one line.
func sample(head []byte) []byte {
	head = bytes.ReplaceAll(bytes.TrimPrefix(head, []byte(bom)), []byte{0}, nil)
	if !spansLines(head) {
		return head
	}
	s := newSplitter(bufio.NewReader(bytes.NewReader(head)), head)
	var out bytes.Buffer
	for {
		raw, _, err := s.next()
		if err != nil {
			break
		}
		if json.Compact(&out, raw) == nil { // else: the last one is cut off
			out.WriteByte('\n')
		}
	}
	if out.Len() == 0 {
		return head
	}
	return out.Bytes()
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
			return nil, start, s.broken(err)
		case tooLong:
			return nil, start, errTooLong
		case err != nil && len(s.buf) == 0:
			return nil, start, io.EOF
		}
		return bytes.TrimRight(s.buf, "\r\n"), start, nil
	}
}

// broken makes EOF follow an error of the stream.
func (s *splitter) broken(err error) error {
	s.br.Reset(bytes.NewReader(nil))
	return err
}

// nesting follows how deep in JSON a stream is.
type nesting struct {
	depth           int
	quoted, escaped bool
}

// step takes the next byte. No string goes on over a line: one that is not
// ended must not hide the rest of the stream.
func (n *nesting) step(c byte) {
	switch {
	case n.escaped:
		n.escaped = false
	case n.quoted && c == '\\':
		n.escaped = true
	case c == '"', n.quoted && c == '\n':
		n.quoted = !n.quoted
	case n.quoted:
	case c == '{':
		n.depth++
	case c == '}':
		n.depth--
	}
}

// value reads one top-level JSON object by counting braces outside strings;
// brackets and commas between objects are passed over.
func (s *splitter) value() ([]byte, int64, error) {
	s.buf = s.buf[:0]
	start, tooLong := s.offset, false
	var in nesting
	for {
		c, err := s.br.ReadByte()
		if err != nil {
			return s.end(err, start, tooLong)
		}
		s.offset++
		if in.depth == 0 {
			if bytes.IndexByte([]byte(" \t\r\n,[]"), c) >= 0 {
				continue
			}
			if c != '{' {
				return s.stray(c)
			}
			start = s.offset - 1
		}
		if tooLong = tooLong || len(s.buf) >= MaxRecord; !tooLong {
			s.buf = append(s.buf, c)
		}
		if in.step(c); in.depth > 0 {
			continue
		}
		if tooLong {
			return nil, start, errTooLong
		}
		return s.buf, start, nil
	}
}

// end is what is left when the stream ends in a value.
func (s *splitter) end(err error, start int64, tooLong bool) ([]byte, int64, error) {
	switch {
	case !errors.Is(err, io.EOF):
		return nil, start, s.broken(err)
	case tooLong:
		return nil, start, errTooLong
	case len(s.buf) > 0:
		return s.buf, start, nil // the parser says what is wrong with it
	}
	return nil, s.offset, err
}

// stray returns what stands between objects and is none, up to the line's end.
func (s *splitter) stray(c byte) ([]byte, int64, error) {
	start := s.offset - 1
	s.buf = append(s.buf[:0], c)
	for len(s.buf) < 4096 {
		c, err := s.br.ReadByte()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, start, s.broken(err)
		}
		if err != nil {
			break
		}
		s.offset++
		if c == '\n' {
			break
		}
		s.buf = append(s.buf, c)
	}
	return s.buf, start, nil
}
