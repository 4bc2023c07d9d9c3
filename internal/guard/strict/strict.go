// Package strict reads the JSON that a model wrote and holds it against the
// form that was asked for. It takes one value and nothing beside it, no
// duplicate keys, no broken or hidden characters of the wire (invalid UTF-8,
// lone surrogates, NUL), and nothing past its bounds of size, depth and string.
//
// It judges form alone: what the texts say is untrusted and is judged elsewhere.
// It must not repair anything; an answer that is nearly right is a fault of the
// model, and the caller has an answer of its own.
package strict

import (
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"vedette/internal/fault"
)

// Limits bound an answer.
type Limits struct {
	Bytes  int // of the whole
	Depth  int // of nesting
	Text   int // bytes of one string
	Values int // in all
}

// Default suits the forms that Vedette asks for.
func Default() Limits { return Limits{Bytes: 1 << 20, Depth: 16, Text: 16 << 10, Values: 20_000} }

// Number is a number as it was written; it is finite.
type Number string

// Field is one key of an [Object] with its value.
type Field struct {
	Key   string
	Value any
}

// Object is a JSON object in the order it was written. Values are nil, bool,
// [Number], string, []any and Object.
type Object []Field

// Get returns the value of a key.
func (o Object) Get(key string) (any, bool) {
	for _, f := range o {
		if f.Key == key {
			return f.Value, true
		}
	}
	return nil, false
}

// Decode reads one JSON value. The error is an Invalid fault that names the
// byte, and quotes nothing of the answer.
func Decode(raw []byte, l Limits) (any, error) {
	p := parser{in: raw, limits: l}
	if len(raw) > l.Bytes {
		return nil, fault.New(fault.Limited, "reading the model's answer: it has %d bytes, the limit is %d", len(raw), l.Bytes)
	}
	p.space()
	v := p.value(1)
	p.space()
	if p.problem == "" && p.at < len(p.in) {
		p.fail("there is more behind the value")
	}
	if p.problem != "" {
		return nil, fault.New(fault.Invalid, "reading the model's answer at byte %d: %s", p.where, p.problem)
	}
	return v, nil
}

// parser reads by descent; the first problem ends it.
type parser struct {
	in      []byte
	at      int
	limits  Limits
	values  int
	problem string
	where   int
}

func (p *parser) fail(problem string) any {
	if p.problem == "" {
		p.problem, p.where = problem, p.at
	}
	return nil
}

func (p *parser) peek() byte {
	if p.at < len(p.in) {
		return p.in[p.at]
	}
	return 0
}

func (p *parser) space() {
	for p.at < len(p.in) && (p.in[p.at] == ' ' || p.in[p.at] == '\t' || p.in[p.at] == '\n' || p.in[p.at] == '\r') {
		p.at++
	}
}

func (p *parser) eat(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *parser) value(depth int) any {
	p.values++
	switch {
	case depth > p.limits.Depth:
		return p.fail("it is nested too deeply")
	case p.values > p.limits.Values:
		return p.fail("it has too many values")
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.text()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for word, v := range map[string]any{"true": true, "false": false, "null": nil} {
		if end := p.at + len(word); end <= len(p.in) && string(p.in[p.at:end]) == word {
			p.at = end
			return v
		}
	}
	if p.at >= len(p.in) {
		return p.fail("it ends too early")
	}
	return p.fail("this is not JSON")
}

func (p *parser) object(depth int) any {
	p.at++
	out := Object{}
	seen := map[string]bool{}
	p.space()
	if p.eat('}') {
		return out
	}
	for p.problem == "" {
		p.space()
		if p.peek() != '"' {
			return p.fail("a key is missing")
		}
		key := p.text()
		if seen[key] {
			return p.fail("a key is there twice")
		}
		seen[key] = true
		p.space()
		if p.problem == "" && !p.eat(':') {
			return p.fail("a colon is missing")
		}
		p.space()
		out = append(out, Field{key, p.value(depth + 1)})
		p.space()
		switch {
		case p.problem != "":
			return nil
		case p.eat('}'):
			return out
		case !p.eat(','):
			return p.fail("an object is not closed")
		}
	}
	return nil
}

func (p *parser) array(depth int) any {
	p.at++
	out := []any{}
	p.space()
	if p.eat(']') {
		return out
	}
	for p.problem == "" {
		p.space()
		out = append(out, p.value(depth+1))
		p.space()
		switch {
		case p.problem != "":
			return nil
		case p.eat(']'):
			return out
		case !p.eat(','):
			return p.fail("an array is not closed")
		}
	}
	return nil
}

// text reads a string, whose quote is next.
func (p *parser) text() string {
	p.at++
	var out []byte
	for p.at < len(p.in) && p.problem == "" {
		c := p.in[p.at]
		switch {
		case c == '"':
			p.at++
			return string(out)
		case c < 0x20:
			p.fail("a control character is in a string")
		case c == '\\':
			out = p.escape(out)
		case c < utf8.RuneSelf:
			out = append(out, c)
			p.at++
		default:
			r, size := utf8.DecodeRune(p.in[p.at:])
			if r == utf8.RuneError && size == 1 {
				p.fail("a string is not UTF-8")
			}
			out = append(out, p.in[p.at:p.at+size]...)
			p.at += size
		}
		if len(out) > p.limits.Text {
			p.fail("a string is too long")
		}
	}
	p.fail("a string is not closed")
	return ""
}

// escape reads an escape, whose backslash is next.
func (p *parser) escape(out []byte) []byte {
	if p.at+1 >= len(p.in) {
		p.fail("a string is not closed")
		return out
	}
	c := p.in[p.at+1]
	plain := map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}
	if b, ok := plain[c]; ok {
		p.at += 2
		return append(out, b)
	}
	r, ok := p.unit()
	if !ok {
		p.fail("an escape is none of JSON's")
		return out
	}
	if utf16.IsSurrogate(r) {
		low, ok := p.unit()
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			p.fail("half a surrogate is in a string")
			return out
		}
	}
	if r == 0 {
		p.fail("a NUL is in a string")
	}
	return utf8.AppendRune(out, r)
}

// unit reads \uXXXX.
func (p *parser) unit() (rune, bool) {
	if p.at+6 > len(p.in) || p.in[p.at] != '\\' || p.in[p.at+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.in[p.at+2:p.at+6]), 16, 16)
	if err != nil {
		return 0, false
	}
	p.at += 6
	return rune(n), true
}

func (p *parser) digits() bool {
	from := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.at > from
}

func (p *parser) number() any {
	from := p.at
	p.eat('-')
	ok := p.eat('0') || p.digits()
	if p.eat('.') {
		ok = p.digits() && ok
	}
	if p.eat('e') || p.eat('E') {
		if !p.eat('+') {
			p.eat('-')
		}
		ok = p.digits() && ok
	}
	text := string(p.in[from:p.at])
	f, err := strconv.ParseFloat(text, 64)
	if !ok || err != nil || math.IsInf(f, 0) || len(text) > 64 {
		return p.fail("a number is none, or too large")
	}
	return Number(text)
}
