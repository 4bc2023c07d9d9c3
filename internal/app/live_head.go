package app

import (
	"encoding/binary"
	"encoding/json"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// headForm is the first byte of the head of a spooled payload. One that was
// written before there were forms is JSON, and begins with a brace.
const headForm = 1

// appendHead writes what a payload is besides its bytes.
func appendHead(b []byte, p *ingest.Payload) []byte {
	b = append(b, headForm)
	for _, s := range [...]string{p.Source, p.Peer, p.Format, p.Key, p.Else, p.Stream} {
		b = appendText(b, s)
	}
	at := int64(0)
	if !p.Received.IsZero() {
		at = p.Received.UnixNano()
	}
	b = binary.AppendVarint(binary.AppendVarint(b, at), p.At)
	b = binary.AppendUvarint(b, uint64(len(p.Meta)))
	for name, v := range p.Meta {
		b = appendText(appendText(b, name), v)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// readHead is the reverse.
func readHead(b []byte) (p ingest.Payload, err error) {
	if len(b) > 0 && b[0] == '{' {
		if err := json.Unmarshal(b, &p); err != nil {
			return p, fault.Wrap(fault.Invalid, err, "reading the head of a spooled payload")
		}
		return p, nil
	}
	if len(b) == 0 || b[0] != headForm {
		return p, fault.New(fault.Invalid, "the head of a spooled payload has a form that is not known")
	}
	r := headReader{left: b[1:]}
	for _, s := range [...]*string{&p.Source, &p.Peer, &p.Format, &p.Key, &p.Else, &p.Stream} {
		*s = r.text()
	}
	at, n := binary.Varint(r.left)
	r.skip(n)
	if at != 0 {
		p.Received = time.Unix(0, at).UTC()
	}
	p.At, n = binary.Varint(r.left)
	r.skip(n)
	count := r.number()
	if count > uint64(len(r.left)) { // each takes more than a byte
		r.bad = true
	}
	for range count {
		if r.bad {
			break
		}
		if p.Meta == nil {
			p.Meta = map[string]string{}
		}
		name := r.text()
		p.Meta[name] = r.text()
	}
	if r.bad || len(r.left) > 0 {
		return p, fault.New(fault.Invalid, "the head of a spooled payload is damaged")
	}
	return p, nil
}

// headReader reads a head from its beginning.
type headReader struct {
	left []byte
	bad  bool
}

func (r *headReader) skip(n int) {
	if n <= 0 || r.bad {
		r.bad, r.left = true, nil
		return
	}
	r.left = r.left[n:]
}

func (r *headReader) number() uint64 {
	v, n := binary.Uvarint(r.left)
	r.skip(n)
	if r.bad {
		return 0
	}
	return v
}

func (r *headReader) text() string {
	n := r.number()
	if r.bad || n > uint64(len(r.left)) {
		r.bad = true
		return ""
	}
	s := string(r.left[:n])
	r.left = r.left[n:]
	return s
}
