package event

import "strings"

// Slot is the position of a known field in every event.
type Slot uint8

// Kind is the type of a field's value.
type Kind uint8

// The kinds of values. IP is text in canonical form that also sorts and
// compares as an address; List is a set of strings.
const (
	String Kind = iota + 1
	Int
	Float
	Bool
	Time
	IP
	List
)

func (k Kind) String() string {
	switch k {
	case String:
		return "text"
	case Int:
		return "whole number"
	case Float:
		return "number"
	case Bool:
		return "true or false"
	case Time:
		return "time"
	case IP:
		return "address"
	case List:
		return "list of texts"
	}
	return "unknown kind"
}

// Store says where an engine keeps a field.
type Store uint8

// InColumn fields have a column of their own. InDocument fields share one
// document with the extras. FromDevice fields are no part of an event: a query
// takes them from the device table, as best known at the time of the question.
// FirstOf fields are none either: they are the address of an endpoint, or its host
// name where an event has no address.
const (
	InColumn Store = iota + 1
	InDocument
	FromDevice
	FirstOf
)

// Field describes one known field.
type Field struct {
	Name    string
	Slot    Slot
	Kind    Kind
	Store   Store
	Aliases []string
	Doc     string
}

// Stored tells a field that is a part of an event, and is not found at query time.
func (f Field) Stored() bool { return f.Store == InColumn || f.Store == InDocument }

// Fields returns all known fields in schema order. The slice is a copy.
func Fields() []Field {
	return append([]Field(nil), table[:]...)
}

// FieldOf returns the description of a slot.
func FieldOf(s Slot) Field { return table[s] }

// KindOf returns the kind of a slot's values.
func KindOf(s Slot) Kind { return kinds[s] }

// kinds are those of the table, close together: every value set asks for one.
var kinds = func() (k [NumSlots]Kind) {
	for i, f := range table {
		k[i] = f.Kind
	}
	return k
}()

// Schema looks fields up by name or alias. Build it once with [NewSchema].
type Schema struct {
	exact map[string]Slot
	lower map[string]Slot
}

// NewSchema indexes the field table. Names win over aliases, earlier fields
// over later ones, and an exact spelling over another case.
func NewSchema() *Schema {
	s := &Schema{exact: make(map[string]Slot), lower: make(map[string]Slot)}
	for _, f := range table {
		s.add(f.Name, f.Slot)
	}
	for _, f := range table {
		for _, a := range f.Aliases {
			s.add(a, f.Slot)
		}
	}
	return s
}

func (s *Schema) add(name string, slot Slot) {
	if _, taken := s.exact[name]; !taken {
		s.exact[name] = slot
	}
	if _, taken := s.lower[strings.ToLower(name)]; !taken {
		s.lower[strings.ToLower(name)] = slot
	}
}

// Lookup finds a field by name or alias.
func (s *Schema) Lookup(name string) (Field, bool) {
	if slot, ok := s.exact[name]; ok {
		return table[slot], true
	}
	if slot, ok := s.lower[strings.ToLower(name)]; ok {
		return table[slot], true
	}
	return Field{}, false
}
