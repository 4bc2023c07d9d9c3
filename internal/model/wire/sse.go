package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

// Event is one server-sent event.
type Event struct {
	Name string // of "event:"; empty if it has none
	Data []byte // of "data:", the lines joined; valid until the next event
}

// SSE reads server-sent events (text/event-stream of the HTML standard): lines
// end with LF, CR or both, lines that begin with a colon are comments, an empty
// line ends an event. It holds at most one event; one that is longer than the
// bound is an error. What stands before the end of the stream without an empty
// line is an event too: some servers leave the last line out, and half of a
// value is found by whoever decodes it.
type SSE struct {
	in    *bufio.Reader
	max   int
	line  []byte
	event Event
	some  bool // the event has data
	start bool
	cr    bool // the last line ended with CR, an LF after it belongs to it
}

// NewSSE reads events of at most limit bytes.
func NewSSE(r io.Reader, limit int) *SSE {
	return &SSE{in: bufio.NewReaderSize(r, 4096), max: limit, start: true}
}

// Next reads one event that has data; io.EOF after the last.
func (s *SSE) Next() (Event, error) {
	s.event.Name, s.event.Data, s.some = "", s.event.Data[:0], false
	for {
		err := s.readLine()
		over := errors.Is(err, io.EOF)
		if err != nil && !over {
			return Event{}, err
		}
		empty := len(s.line) == 0
		s.field()
		switch {
		case len(s.event.Data) > s.max:
			return Event{}, errTooLong
		case (empty || over) && s.some:
			return s.event, nil
		case over:
			return Event{}, io.EOF
		case empty:
			s.event.Name = ""
		}
	}
}

// readLine reads one line without its end. io.EOF comes with what stands after
// the last end of a line.
func (s *SSE) readLine() error {
	s.line = s.line[:0]
	for {
		if _, err := s.in.Peek(1); err != nil {
			s.trimStart()
			return err
		}
		have, _ := s.in.Peek(s.in.Buffered())
		if s.cr && have[0] == '\n' {
			s.cr = false
			_, _ = s.in.Discard(1)
			continue
		}
		s.cr = false
		end := bytes.IndexAny(have, "\r\n")
		part := have
		if end >= 0 {
			part = have[:end]
		}
		if len(s.line)+len(part) > s.max+64 {
			return errTooLong
		}
		s.line = append(s.line, part...)
		if end < 0 {
			_, _ = s.in.Discard(len(have))
			continue
		}
		s.cr = have[end] == '\r'
		_, _ = s.in.Discard(end + 1)
		s.trimStart()
		return nil
	}
}

// trimStart drops a byte order mark at the start of the stream.
func (s *SSE) trimStart() {
	if s.start {
		s.line = bytes.TrimPrefix(s.line, []byte("\ufeff"))
		s.start = false
	}
}

// field takes the line into the event.
func (s *SSE) field() {
	name, value, _ := bytes.Cut(s.line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "event":
		s.event.Name = string(value[:min(len(value), 64)])
		if !utf8.ValidString(s.event.Name) {
			s.event.Name = ""
		}
	case "data":
		if s.some {
			s.event.Data = append(s.event.Data, '\n')
		}
		s.event.Data, s.some = append(s.event.Data, value...), true
	}
}
