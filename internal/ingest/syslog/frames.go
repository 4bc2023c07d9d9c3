package syslog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

var (
	errTooLong = errors.New("the message is longer than allowed")
	errFraming = errors.New("the length before a message is no number")
)

// maxDigits bounds the length before a message.
const maxDigits = 9

// frames cuts a stream into messages, RFC 6587: a message that begins with a
// digit is preceded by its length in bytes and a blank (3.4.1), any other ends
// with a line feed (3.4.2). Peers mix both, so each message is looked at.
type frames struct {
	in  *bufio.Reader
	max int
	buf []byte
}

func newFrames(in io.Reader, limit int) *frames {
	return &frames{in: bufio.NewReaderSize(in, 64<<10), max: limit}
}

// next returns the next message, valid until the next call. After errTooLong the
// stream goes on; any other error ends it.
func (f *frames) next() ([]byte, error) {
	for {
		first, err := f.in.Peek(1)
		if err != nil {
			return nil, err //nolint:wrapcheck // io.EOF must stay itself
		}
		switch c := first[0]; {
		case c == '\n' || c == '\r' || c == 0: // between messages
			_, _ = f.in.Discard(1) // it is there
			continue
		case c >= '1' && c <= '9':
			return f.counted()
		}
		return f.line()
	}
}

// counted reads "LENGTH SP MESSAGE".
func (f *frames) counted() ([]byte, error) {
	n := 0
	for i := 0; ; i++ {
		c, err := f.in.ReadByte()
		if err != nil {
			return nil, fmt.Errorf("reading the length of a message: %w", err)
		}
		if c == ' ' && i > 0 {
			break
		}
		if c < '0' || c > '9' || i == maxDigits {
			return nil, errFraming
		}
		n = n*10 + int(c-'0')
	}
	if n > f.max {
		if _, err := io.CopyN(io.Discard, f.in, int64(n)); err != nil {
			return nil, fmt.Errorf("passing over a message: %w", err)
		}
		return nil, errTooLong
	}
	f.buf = append(f.buf[:0], make([]byte, n)...)
	if _, err := io.ReadFull(f.in, f.buf); err != nil {
		return nil, fmt.Errorf("reading a message: %w", err)
	}
	return bytes.TrimRight(f.buf, "\r\n\x00"), nil
}

// line reads up to a line feed. What the stream ends with is a message too.
func (f *frames) line() ([]byte, error) {
	f.buf = f.buf[:0]
	long := false
	for {
		part, err := f.in.ReadSlice('\n')
		if len(f.buf)+len(part) > f.max+2 {
			long = true
		}
		if !long {
			f.buf = append(f.buf, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case long && err == nil:
			return nil, errTooLong
		case err == nil, errors.Is(err, io.EOF) && len(f.buf) > 0 && !long:
			return bytes.TrimRight(f.buf, "\r\n\x00"), nil
		}
		return nil, err //nolint:wrapcheck // io.EOF must stay itself
	}
}
