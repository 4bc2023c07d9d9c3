package safetensors

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// parser reads the JSON token by token: encoding/json alone would take a name
// that is there twice.
type parser struct {
	dec   *json.Decoder
	names map[string]bool
	err   error
}

// object reads the whole header.
func (p *parser) object(h *Header) ([]span, error) {
	var spans []span
	p.each(func(name string) {
		if p.names[name] {
			p.refuse("a name is there twice")
			return
		}
		p.names[name] = true
		switch {
		case name == "__metadata__":
			p.metadata(h.Metadata)
		case len(spans) == MaxTensors:
			p.refuse("it has more than %d tensors", MaxTensors)
		default:
			spans = append(spans, p.tensor())
		}
	})
	if p.err == nil {
		if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
			p.refuse("something follows the header's object")
		}
	}
	return spans, p.err
}

func (p *parser) metadata(to map[string]string) {
	p.each(func(key string) {
		_, double := to[key]
		switch text, ok := p.token().(string); {
		case p.err != nil:
		case !ok:
			p.refuse("a value of __metadata__ is not a text")
		case len(text) > MaxString:
			p.refuse("a value of __metadata__ has %d bytes, the limit is %d", len(text), MaxString)
		case double:
			p.refuse("a key of __metadata__ is there twice")
		case len(to) == MaxMetadata:
			p.refuse("__metadata__ has more than %d pairs", MaxMetadata)
		default:
			to[key] = text
		}
	})
}

// tensor reads the three fields of a tensor; each must be there once and no
// other.
func (p *parser) tensor() span {
	var s span
	var shape, offsets []uint64
	seen := map[string]bool{}
	p.each(func(field string) {
		if seen[field] {
			p.refuse("a field of a tensor is there twice")
		}
		seen[field] = true
		switch field {
		case "dtype":
			var ok bool
			if s.kind, ok = p.token().(string); !ok {
				p.refuse("a tensor's dtype is not a text")
			}
		case "shape":
			shape = p.numbers(MaxDims)
		case "data_offsets":
			offsets = p.numbers(2)
		default:
			p.refuse("a tensor has an unknown field")
		}
	})
	switch {
	case p.err != nil:
	case len(seen) != 3 || len(offsets) != 2:
		p.refuse("a tensor has not the fields dtype, shape and data_offsets of two numbers")
	default:
		s.begin, s.end = offsets[0], offsets[1]
		p.err = s.measure(shape)
	}
	return s
}

func (p *parser) numbers(limit int) []uint64 {
	var out []uint64
	p.delim('[')
	for p.err == nil && p.dec.More() {
		text, ok := p.token().(json.Number)
		n, err := strconv.ParseUint(string(text), 10, 64)
		switch {
		case p.err != nil:
		case !ok || err != nil:
			p.refuse("a shape or offset is no whole number")
		case len(out) == limit:
			p.refuse("a list of numbers has more than %d", limit)
		default:
			out = append(out, n)
		}
	}
	p.delim(']')
	return out
}

// each calls f for each key of an object, with the decoder before its value.
func (p *parser) each(f func(key string)) {
	p.delim('{')
	for p.err == nil && p.dec.More() {
		key, ok := p.token().(string)
		if !ok || len(key) > MaxString {
			p.refuse("a name has more than %d bytes", MaxString)
			return
		}
		f(key)
	}
	p.delim('}')
}

func (p *parser) delim(want json.Delim) {
	if p.err != nil {
		return
	}
	if got, ok := p.token().(json.Delim); p.err == nil && (!ok || got != want) {
		p.refuse("%q is missing", want.String())
	}
}

func (p *parser) token() json.Token {
	if p.err != nil {
		return nil
	}
	t, err := p.dec.Token()
	if err != nil {
		p.refuse("its header is not JSON")
	}
	return t
}

func (p *parser) refuse(format string, args ...any) {
	if p.err == nil {
		p.err = refuse(format, args...)
	}
}
