package telemetry

import (
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
)

// reading is one of the object that holds n, without its value.
func (t *tree) reading(n *node, name string) Reading {
	o := t.objects[n.path]
	r := Reading{Name: name, Time: t.when(n.path), Unit: t.unit(n, o)}
	if n.means != roleValue || n.path == "" {
		return r
	}
	for _, x := range o.nodes {
		if x != n && (x.means == roleNone || x.means == roleAttribute) && x.leaf.Value != "" && len(r.More) < maxAttributes {
			r.More = append(r.More, event.Extra{Name: x.last, Value: x.leaf.Value})
		}
	}
	return r
}

func (t *tree) add(r Reading) {
	if len(t.m.Readings) >= maxReadings {
		t.skipped++
		return
	}
	t.m.Readings = append(t.m.Readings, r)
}

// nameOf is the name of the reading in an object: what it says, else the path
// of the object.
func (t *tree) nameOf(n *node, o *object) string {
	if o.name != nil {
		return o.name.leaf.Value
	}
	if name := stripped(n.path); name != "" {
		return name
	}
	return n.last
}

// unit is that of the key, or of the object if it measures one thing.
func (t *tree) unit(n *node, o *object) string {
	if n.means != roleValue {
		if u := t.units[n.path+"\x00"+n.plain]; u != "" {
			return u
		}
		if u := t.units[anywhere+n.plain]; u != "" {
			return u
		}
		if o.bare != 1 {
			return ""
		}
	}
	if o.unit == nil {
		return ""
	}
	return o.unit.leaf.Value
}

// when is the time of the nearest object around that names one.
func (t *tree) when(path string) time.Time {
	for {
		if o := t.objects[path]; o != nil && !o.when.IsZero() {
			return o.when
		}
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			break
		}
		path = path[:i]
	}
	if o := t.objects[""]; o != nil {
		return o.when
	}
	return time.Time{}
}

// stripped is a path without what says nothing of the reading: wrappers at its
// beginning and positions in lists.
func stripped(path string) string {
	parts := strings.Split(path, ".")
	for len(parts) > 1 && (wrappers[plainKey(parts[0])] || isIndex(parts[0])) {
		parts = parts[1:]
	}
	if len(parts) == 1 && (wrappers[plainKey(parts[0])] || isIndex(parts[0])) {
		return ""
	}
	return strings.Join(parts, ".")
}

func isIndex(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}
