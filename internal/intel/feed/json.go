package feed

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
)

// fuse lets one value of a document take at most maxObject bytes.
type fuse struct {
	in   io.Reader
	left int
}

var errObject = errors.New("one object is larger than 64 MiB")

// Read implements [io.Reader].
func (f *fuse) Read(p []byte) (int, error) {
	if f.left <= 0 {
		return 0, errObject
	}
	n, err := f.in.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}

// json walks a document of STIX or MISP: values one after another, arrays
// within them opened, so that never more than one object is in memory.
func (r *reader) json(in *bufio.Reader) error {
	f := &fuse{in: in}
	dec := json.NewDecoder(f)
	w := &walker{reader: r, dec: dec, fuse: f, bundle: newBundle()}
	for {
		f.left = maxObject
		err := w.value(0)
		if errors.Is(err, io.EOF) && w.top {
			break
		}
		if err != nil {
			return jsonError(err)
		}
		w.top = true
	}
	return w.bundle.flush(r)
}

// jsonError tells damage from what the receiver of indicators said.
func jsonError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errObject) {
		return broken(err)
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return broken(err)
	}
	return err
}

// walker opens the containers of a document and reads what is in them.
type walker struct {
	*reader
	dec    *json.Decoder
	fuse   *fuse
	bundle *bundle
	top    bool // one value has been read whole
}

const maxContainers = 6

// value reads one value at the top or in a container's array.
func (w *walker) value(depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	w.fuse.left = maxObject
	tok, err := w.dec.Token()
	if err != nil {
		return err
	}
	switch tok {
	case json.Delim('['):
		return w.array()
	case json.Delim('{'):
		return w.object(depth)
	}
	w.report.Read++
	w.refuse("a JSON value where an object was expected", "")
	return nil
}

func (w *walker) array() error {
	for w.dec.More() {
		if err := w.element(); err != nil {
			return err
		}
	}
	_, err := w.dec.Token()
	return err
}

// element reads an element of an array whole: an object of a bundle, an event,
// an attribute.
func (w *walker) element() error {
	w.fuse.left = maxObject
	var raw json.RawMessage
	if err := w.dec.Decode(&raw); err != nil {
		return err
	}
	return w.whole(raw)
}

// whole tells what an object is by its keys.
func (w *walker) whole(raw json.RawMessage) error {
	var o struct {
		Type      any             `json:"type"`
		ID        string          `json:"id"`
		Event     json.RawMessage `json:"Event"`
		Attribute json.RawMessage `json:"Attribute"`
		Value     any             `json:"value"`
		Category  any             `json:"category"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		w.report.Read++
		w.refuse("an object with fields of the wrong type", "")
		return nil //nolint:nilerr // counted
	}
	switch {
	case o.Event != nil:
		return w.mispEvent(o.Event)
	case o.Attribute != nil:
		return w.mispEvent(raw)
	case o.Category != nil && o.Value != nil:
		return w.mispAttribute(raw, mispContext{})
	case o.ID != "" || o.Type != nil:
		return w.bundle.object(w.reader, raw)
	}
	w.other("a JSON object that is neither STIX nor MISP", "")
	return nil
}

// object reads an object at the top key by key: "objects" of a bundle and
// "response" of a MISP export are opened, an event is read whole. An object
// that is not a container is put together again and read as an element.
func (w *walker) object(depth int) error {
	rest := map[string]json.RawMessage{}
	opened := false
	for w.dec.More() {
		tok, err := w.dec.Token()
		if err != nil {
			return err
		}
		key, _ := tok.(string)
		if (key == "objects" || key == "response") && depth < maxContainers {
			opened = true
			if err := w.value(depth + 1); err != nil {
				return err
			}
			continue
		}
		var raw json.RawMessage
		if err := w.dec.Decode(&raw); err != nil {
			return err
		}
		rest[key] = raw
	}
	if _, err := w.dec.Token(); err != nil {
		return err
	}
	if opened {
		return nil
	}
	all, err := json.Marshal(rest)
	if err != nil {
		return err
	}
	return w.whole(all)
}
