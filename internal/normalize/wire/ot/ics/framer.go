package ics

import (
	"vedette/internal/fault"
	"vedette/internal/normalize/wire/proto"
)

const (
	// maxFrame is how much of one message is looked at: less than what the core
	// holds, so that a message never has to be dropped by it.
	maxFrame = proto.MaxHeld / 2

	// maxStray is how many bytes that begin no message a stream may have before
	// it is given up.
	maxStray = 4096
)

// Framer cuts one side of a stream into messages. The zero value is ready.
type Framer struct {
	skip  int // of a long message, what is still to come
	stray int // bytes passed over since the last message
}

// Cut hands each complete message at the beginning of p.Data to handle and
// returns how many bytes it has taken.
//
// size tells from the first bytes how long a message is: 0 if it needs to see
// more, negative if no message begins so. What it says of some bytes must not
// change when more follow, except from 0.
//
// Of a message longer than 32 KiB handle sees the first 32 KiB. Bytes that begin no
// message are passed over; after 4 KiB of them in a row Cut returns an error.
func (f *Framer) Cut(p proto.Payload, size func([]byte) int, handle func([]byte)) (taken int, err error) {
	if p.Lost > 0 {
		f.skip = max(0, f.skip-p.Lost)
		if p.Lost == 1 { // not known how many
			f.skip = 0
		}
	}
	for at := 0; ; {
		n := min(f.skip, len(p.Data)-at)
		f.skip, at = f.skip-n, at+n
		if at == len(p.Data) {
			return at, nil
		}
		rest := p.Data[at:]
		n = size(rest)
		switch {
		case n == 0:
			return at, nil
		case n < 0:
			at++
			if f.stray++; f.stray > maxStray {
				return at, fault.New(fault.Invalid, "no message begins in %d bytes", maxStray)
			}
		case len(rest) < min(n, maxFrame):
			return at, nil
		default:
			seen := min(n, maxFrame)
			f.stray, f.skip = 0, n-seen
			handle(rest[:seen:seen])
			at += seen
		}
	}
}
