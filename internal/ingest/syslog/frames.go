package syslog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

var errTooLong = errors.New("the message is longer than allowed")

// maxDigits bounds the length before a message.
const maxDigits = 9

// frames cuts a stream into messages, RFC 6587: a message that is preceded by its
// length, a blank and its "<" is counted (3.4.1), any other ends with a line feed
// (3.4.2), also one that begins with a digit, such as a date. Peers mix both, so
// each message is looked at.
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
		if c := first[0]; c == '\n' || c == '\r' || c == 0 { // between messages
			_, _ = f.in.Discard(1) // it is there
			continue
		}
		if n, digits := f.length(); digits > 0 {
			_, _ = f.in.Discard(digits + 1) // they were looked at
			return f.counted(n)
		}
		return f.line()
	}
}

// length looks for a length before a message; digits is 0 if there is none.
func (f *frames) length() (n, digits int) {
	for i := range maxDigits {
		b, err := f.in.Peek(i + 1)
		switch {
		case err != nil:
			return 0, 0
		case b[i] == ' ' && i > 0:
			if b, err = f.in.Peek(i + 2); err != nil || b[i+1] != '<' {
				return 0, 0
			}
			return n, i
		case b[i] < '0' || b[i] > '9' || i == 0 && b[i] == '0':
			return 0, 0
		}
		n = n*10 + int(b[i]-'0')
	}
	return 0, 0
}

// counted reads a message of n bytes.
func (f *frames) counted(n int) ([]byte, error) {
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
