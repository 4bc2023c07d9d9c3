package sigma

import (
	"strings"

	"vedette/internal/event"
)

// field is where the values of a rule's field come from: the first place that
// has any.
type field struct {
	places []place
	words  bool // keywords: every text of the event
}

// place is a slot of the event or an extra.
type place struct {
	extra string // name of an extra; "": a slot
	slot  event.Slot
}

// resolver finds the places of field names and numbers the fields.
type resolver struct {
	set    *Set
	schema *event.Schema
	known  map[string]int32 // by the places in text
}

// field returns the number of a rule's field.
func (r *resolver) field(m *Mapping, l LogSource, name string) int32 {
	if name == "" {
		return r.number("", field{words: true})
	}
	var f field
	names := m.names(l, name)
	for _, n := range names {
		f.places = append(f.places, r.places(n)...)
	}
	return r.number(strings.Join(names, "\x00"), f)
}

func (r *resolver) number(key string, f field) int32 {
	if id, ok := r.known[key]; ok {
		return id
	}
	id := int32(len(r.set.fields)) //nolint:gosec // G115: a number of fields
	r.set.fields = append(r.set.fields, f)
	r.known[key] = id
	return id
}

// places of a name: the event's own name of a field means that field; any other
// name is first what the source itself wrote under it and then what the schema
// has it as an alias of.
func (r *resolver) places(name string) []place {
	f, ok := r.schema.Lookup(name)
	own := ok && f.Name == name && strings.Contains(name, ".")
	extra := place{extra: name}
	switch {
	case own:
		return []place{{slot: f.Slot}, extra}
	case ok:
		return []place{extra, {slot: f.Slot}}
	}
	return []place{extra}
}
