package zeek

import (
	"bytes"
	"encoding/binary"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/jsonleaf"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// JSON is Zeek's JSON format: one object a line, its keys the columns of
// the log. The log's name is its "_path", else told by its keys, else by the
// name of the file.
func JSON() record.Dialect {
	return record.Dialect{
		Name:   "zeek-json",
		Detect: detectZeekJSON,
		New: func(src record.Source) record.Parser {
			return &zeekJSON{zeek: zeek{src: src}, file: logOfName(src.Name)}
		},
	}
}

// detectZeekJSON looks at the first objects: Zeek's have "ts" with "uid",
// "id.orig_h" or keys that only one of its logs has.
func detectZeekJSON(head []byte, name string) int {
	best := 0
	var scan jsonleaf.Scanner
	for n, line := range bytes.Split(head, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if n > 20 || line[0] != '{' {
			return best
		}
		leaves, err := scan.Read(string(line))
		if err != nil {
			continue
		}
		keys := make([]string, len(leaves))
		has := map[string]bool{}
		for i, kv := range leaves {
			keys[i] = kv.Key.Name
			has[kv.Key.Name] = true
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
	scan   jsonleaf.Scanner
	file   string
	shapes map[string]*zeekShape // by the keys of the object and its "_path"
	print  []byte                // the key of the shape being looked for

	last      *zeekShape // of the last record, if it may be used again
	lastKeys  []*jsonleaf.Key
	lastNamed string // its "_path"
}

// Parse implements [Parser].
func (p *zeekJSON) Parse(rec record.Record, emit func(*event.Event)) error {
	raw := p.src.Keep(rec.Raw)
	leaves, err := p.scan.Read(raw)
	if err != nil {
		return err
	}
	p.e.Reset()
	shape := p.shapeOf(leaves)
	var when time.Time
	for i := range leaves {
		kv, c := &leaves[i], &shape.columns[i]
		switch {
		case kv.Value == "":
		case c.role == rolePath && kv.Value == shape.name:
		case c.role == roleTime && when.IsZero():
			if when = moment.Epoch(kv.Value); when.IsZero() {
				record.Keep(&p.e, "ts", kv.Value)
			}
		default:
			p.column(shape, c, kv.Value, kv.List)
		}
	}
	p.done(rec, record.Text(raw), shape, when, emit)
	return nil
}

// The bounds of what is remembered of shapes. When there are too many they are
// found out anew; a larger one is every time.
const (
	maxShapes       = 256
	maxShapeColumns = 256
)

// shapeOf is the meaning of an object with these leaves.
func (p *zeekJSON) shapeOf(leaves []jsonleaf.Leaf) *zeekShape {
	if p.likeLast(leaves) {
		return p.last
	}
	p.last, p.lastKeys = nil, p.lastKeys[:0]
	named := ""
	p.print = p.print[:0]
	for i := range leaves {
		p.print = binary.LittleEndian.AppendUint64(p.print, leaves[i].Key.ID)
		p.lastKeys = append(p.lastKeys, leaves[i].Key)
		if leaves[i].Key.Name == "_path" {
			named = leaves[i].Value
		}
	}
	if len(leaves) > maxShapeColumns || len(named) > record.MaxLogWord {
		return p.newShape(leaves, named)
	}
	p.last = p.known(leaves, named)
	return p.last
}

// likeLast reports whether the leaves have the keys and the "_path" of the last
// record, as most have.
func (p *zeekJSON) likeLast(leaves []jsonleaf.Leaf) bool {
	if p.last == nil || len(leaves) != len(p.lastKeys) {
		return false
	}
	for i := range leaves {
		if leaves[i].Key != p.lastKeys[i] || p.last.columns[i].role == rolePath && leaves[i].Value != p.lastNamed {
			return false
		}
	}
	return true
}

// known finds the shape by what is printed of the leaves, or makes it.
func (p *zeekJSON) known(leaves []jsonleaf.Leaf, named string) *zeekShape {
	named = strings.Clone(named) // it is a piece of the record
	p.lastNamed = named
	p.print = append(binary.LittleEndian.AppendUint64(p.print, 0), named...) // no key has the number 0
	if s, ok := p.shapes[string(p.print)]; ok {
		return s
	}
	if p.shapes == nil || len(p.shapes) >= maxShapes {
		p.shapes = make(map[string]*zeekShape)
	}
	s := p.newShape(leaves, named)
	p.shapes[string(p.print)] = s
	return s
}

func (p *zeekJSON) newShape(leaves []jsonleaf.Leaf, named string) *zeekShape {
	keys := make([]string, len(leaves))
	for i := range leaves {
		keys[i] = leaves[i].Key.Name
	}
	if named == "" {
		named = logOfColumns(keys, p.file)
	}
	return newZeekShape(named, keys)
}
