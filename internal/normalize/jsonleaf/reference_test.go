package jsonleaf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"vedette/internal/fault"
)

// byEncodingJSON is [Scanner.Read] written the plain way, on the tokens of
// encoding/json. It is what the scanner must agree with.
func byEncodingJSON(raw []byte) ([]leaf, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	r := reference{dec: dec, out: []leaf{}}
	tok, err := dec.Token()
	if err != nil {
		return nil, whyNot(err)
	}
	if tok != json.Delim('{') {
		return nil, fault.New(fault.Invalid, "not a JSON object")
	}
	if err := r.object("", 0); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "text after the JSON object")
	}
	return r.out, nil
}

func whyNot(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.New(fault.Invalid, "the JSON object breaks off")
	}
	return fault.New(fault.Invalid, "not valid JSON")
}

type reference struct {
	dec *json.Decoder
	out []leaf
}

func (r *reference) object(prefix string, depth int) error {
	if depth > maxDepth {
		return tooDeep()
	}
	for r.dec.More() {
		key, err := r.dec.Token()
		if err != nil {
			return whyNot(err)
		}
		name, _ := key.(string)
		if len(prefix)+len(name) > maxKey {
			return fault.New(fault.Limited, "a JSON key longer than %d bytes", maxKey)
		}
		if prefix != "" {
			name = prefix + "." + name
		}
		tok, err := r.dec.Token()
		if err != nil {
			return whyNot(err)
		}
		if d, nested := tok.(json.Delim); nested {
			err = r.nested(d, name, depth+1)
		} else {
			err = r.leaf(leaf{Key: name, Value: textOf(tok)})
		}
		if err != nil {
			return err
		}
	}
	return r.end()
}

func (r *reference) nested(d json.Delim, name string, depth int) error {
	if d == '{' {
		return r.object(name, depth)
	}
	return r.array(name, depth)
}

func (r *reference) array(name string, depth int) error {
	if depth > maxDepth {
		return tooDeep()
	}
	var list []string
	for i := 0; r.dec.More(); i++ {
		tok, err := r.dec.Token()
		if err != nil {
			return whyNot(err)
		}
		if d, nested := tok.(json.Delim); nested {
			if err := r.nested(d, fmt.Sprintf("%s.%d", name, i), depth+1); err != nil {
				return err
			}
		} else if v := textOf(tok); v != "" && len(list) < maxItems {
			list = append(list, v)
		}
	}
	if err := r.end(); err != nil || len(list) == 0 {
		return err
	}
	return r.leaf(leaf{Key: name, Value: strings.Join(list, ", "), List: list})
}

func (r *reference) end() error {
	if _, err := r.dec.Token(); err != nil {
		return whyNot(err)
	}
	return nil
}

func (r *reference) leaf(l leaf) error {
	if len(r.out) >= maxLeaves {
		return fault.New(fault.Limited, "more than %d values in one record", maxLeaves)
	}
	r.out = append(r.out, l)
	return nil
}

func textOf(tok json.Token) string {
	switch v := tok.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}
