package normalize

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// ZeekJSON is Zeek's JSON format: one object a line, its keys the columns of
// the log. The log's name is its "_path", else told by its keys, else by the
// name of the file.
func ZeekJSON() Dialect {
	return Dialect{
		Name:   "zeek-json",
		Detect: detectZeekJSON,
		New: func(src Source) Parser {
			return &zeekJSON{zeek: zeek{src: src}, file: logOfName(src.Name)}
		},
	}
}

// detectZeekJSON looks at the first objects: Zeek's have "ts" with "uid",
// "id.orig_h" or keys that only one of its logs has.
func detectZeekJSON(head []byte, name string) int {
	best := 0
	for n, line := range bytes.Split(head, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if n > 20 || line[0] != '{' {
			return best
		}
		m, err := flatJSON(line)
		if err != nil {
			continue
		}
		keys := make([]string, len(m))
		has := map[string]bool{}
		for i, kv := range m {
			keys[i] = kv.key
			has[kv.key] = true
		}
		switch {
		case has["event_type"]:
			return 0
		case has["id.orig_h"] && (has["ts"] || has["uid"]):
			return 100
		case has["_path"] && has["ts"]:
			return 100
		case has["ts"] && logOfColumns(keys, "") != "unknown":
			best = max(best, 90)
		case has["ts"] || logOfName(name) == "loaded_scripts" && has["name"]:
			best = max(best, 40)
		}
	}
	return best
}

type zeekJSON struct {
	zeek
	file string
	keys []string
}

// Parse implements [Parser].
func (p *zeekJSON) Parse(rec Record, emit func(*event.Event)) error {
	m, err := flatJSON(rec.Raw)
	if err != nil {
		return err
	}
	p.e.Reset()
	p.keys = p.keys[:0]
	named := ""
	for _, kv := range m {
		p.keys = append(p.keys, kv.key)
		if kv.key == "_path" {
			named = kv.value
		}
	}
	if named == "" {
		named = logOfColumns(p.keys, p.file)
	}
	log, ot := zeekLogs[named], otProtocol(named) != ""
	var when time.Time
	for _, kv := range m {
		switch {
		case kv.key == "_path" && kv.value == named:
		case kv.key == "ts" && when.IsZero():
			if when = epoch(kv.value); when.IsZero() {
				keep(&p.e, "ts", kv.value)
			}
		case kv.value != "" || len(kv.list) > 0:
			p.column(log, ot, kv.key, kv.value, kv.list)
		}
	}
	p.done(rec, named, log, when, emit)
	return nil
}

// pair is one leaf of a JSON object: nested objects are flattened with dots.
// list is set for an array with members.
type pair struct {
	key, value string
	list       []string
}

// The bounds of what one JSON record may hold; more is cut off into an error
// or left out, as said at each.
const (
	maxJSONDepth  = 32
	maxJSONLeaves = 4000
	maxListItems  = 1000
	maxJSONKey    = 512 // a key with those it is nested in
)

// flatJSON reads one JSON object into its leaves in their order. Numbers keep
// their text, true and false become "true" and "false", null leaves no value.
// An array of plain values is a list; one of objects is flattened with the
// index in the key.
func flatJSON(raw []byte) ([]pair, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	f := flattener{dec: dec}
	tok, err := dec.Token()
	if err != nil {
		return nil, notJSON(err)
	}
	if tok != json.Delim('{') {
		return nil, fault.New(fault.Invalid, "not a JSON object")
	}
	if err := f.object("", 0); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "text after the JSON object")
	}
	return f.out, nil
}

func notJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.New(fault.Invalid, "the JSON object breaks off")
	}
	if _, bad := errors.AsType[*json.SyntaxError](err); bad {
		return fault.New(fault.Invalid, "not valid JSON")
	}
	return fault.Wrap(fault.Invalid, err, "not valid JSON")
}

type flattener struct {
	dec *json.Decoder
	out []pair
}

func (f *flattener) object(prefix string, depth int) error {
	if depth > maxJSONDepth {
		return fault.New(fault.Invalid, "JSON nested deeper than %d", maxJSONDepth)
	}
	for f.dec.More() {
		key, err := f.dec.Token()
		if err != nil {
			return notJSON(err)
		}
		name, _ := key.(string)
		if len(prefix)+len(name) > maxJSONKey { // each value below would carry it
			return fault.New(fault.Limited, "a JSON key longer than %d bytes", maxJSONKey)
		}
		if prefix != "" {
			name = prefix + "." + name
		}
		if err := f.value(name, depth); err != nil {
			return err
		}
	}
	_, err := f.dec.Token() // the closing brace
	if err != nil {
		return notJSON(err)
	}
	return nil
}

func (f *flattener) value(name string, depth int) error {
	tok, err := f.dec.Token()
	if err != nil {
		return notJSON(err)
	}
	switch tok {
	case json.Delim('{'):
		return f.object(name, depth+1)
	case json.Delim('['):
		return f.array(name, depth+1)
	}
	return f.leaf(pair{key: name, value: leafText(tok)})
}

func (f *flattener) leaf(p pair) error {
	if len(f.out) >= maxJSONLeaves {
		return fault.New(fault.Limited, "more than %d values in one record", maxJSONLeaves)
	}
	f.out = append(f.out, p)
	return nil
}

func leafText(tok json.Token) string {
	switch v := tok.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}

func (f *flattener) array(name string, depth int) error {
	if depth > maxJSONDepth {
		return fault.New(fault.Invalid, "JSON nested deeper than %d", maxJSONDepth)
	}
	var list []string
	for i := 0; f.dec.More(); i++ {
		tok, err := f.dec.Token()
		if err != nil {
			return notJSON(err)
		}
		switch tok {
		case json.Delim('{'):
			err = f.object(fmt.Sprintf("%s.%d", name, i), depth+1)
		case json.Delim('['):
			err = f.array(fmt.Sprintf("%s.%d", name, i), depth+1)
		default:
			if v := leafText(tok); v != "" && len(list) < maxListItems {
				list = append(list, v)
			}
		}
		if err != nil {
			return err
		}
	}
	if _, err := f.dec.Token(); err != nil { // the closing bracket
		return notJSON(err)
	}
	if len(list) == 0 {
		return nil
	}
	return f.leaf(pair{key: name, value: strings.Join(list, ", "), list: slices.Clone(list)})
}
