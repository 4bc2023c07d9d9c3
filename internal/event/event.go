// Package event is Vedette's vocabulary: the Event record, its fields, classes
// and labels, a subset of OCSF 1.9 with one extension object for industrial
// protocols (ics) and one for judgement (anomaly).
//
// An [Event] is a slot-indexed record: schema.txt lists every known field with
// its kind and aliases, and eventgen turns that list into slot constants and
// typed accessors. Fields that a source has and the schema does not know are
// kept as [Extra] values under the source's own name, so that nothing is lost.
//
// Everything in an event was written by a device or a third party unless its
// integrity label says otherwise, and must be treated as untrusted text.
//
// A text of an event may be kept, but is usually a piece of a few KiB that many
// events share: strings.Clone what is kept for long.
//
// Package event imports only the standard library and nothing of ours.
package event

//go:generate go run ./eventgen

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Event is one record. The zero value is an empty event ready for use. It is
// not safe for concurrent use; [Event.Reset] lets a parser reuse one.
type Event struct {
	index [NumSlots]uint8 // position in vals plus one; 0: not set
	slots []Slot          // the slots of vals, in the order they were set
	vals  []value
	lists [][]string // of the list fields; a value's num is the place
	extra []Extra
}

// Extra is a field that the schema does not know, under the source's own name.
type Extra struct{ Name, Value string }

type value struct {
	num uint64 // int, float bits, bool, nanoseconds since 1970, or place in lists plus one
	str string
}

// maxStale is how many texts of an event that was emptied may still be held
// until the next ones take their place: clearing them costs as much as setting.
const maxStale = 64

// Reset empties the event and keeps its memory.
func (e *Event) Reset() {
	for _, s := range e.slots {
		e.index[s] = 0
	}
	clear(e.lists)
	if len(e.vals)+len(e.extra) > maxStale {
		clear(e.vals)
		clear(e.extra)
	}
	e.slots, e.vals, e.lists, e.extra = e.slots[:0], e.vals[:0], e.lists[:0], e.extra[:0]
}

// Clone returns a copy that shares no mutable memory with e.
func (e *Event) Clone() *Event {
	c := &Event{index: e.index, slots: slices.Clone(e.slots), vals: slices.Clone(e.vals), lists: slices.Clone(e.lists), extra: slices.Clone(e.extra)}
	for i := range c.lists {
		c.lists[i] = slices.Clone(c.lists[i])
	}
	return c
}

// Has reports whether the field is set.
func (e *Event) Has(s Slot) bool { return e.index[s] != 0 }

// Unset removes the field.
func (e *Event) Unset(s Slot) {
	at := e.index[s]
	if at == 0 {
		return
	}
	if list := e.list(s); list != nil {
		*list = nil
	}
	last := len(e.vals) - 1
	moved := e.slots[last]
	e.vals[at-1], e.slots[at-1] = e.vals[last], moved
	e.index[moved], e.index[s] = at, 0
	e.vals[last] = value{}
	e.vals, e.slots = e.vals[:last], e.slots[:last]
}

// Slots returns the set fields in the order they were set. The slice belongs
// to the event and is valid until its next change.
func (e *Event) Slots() []Slot { return e.slots }

// Str returns a string or IP field, or "" if it is not set.
func (e *Event) Str(s Slot) string {
	if at := e.index[s]; at != 0 {
		return e.vals[at-1].str
	}
	return ""
}

// Int returns an int field, or 0 if it is not set.
func (e *Event) Int(s Slot) int64 { return int64(e.num(s)) } //nolint:gosec // G115: stored by SetInt from an int64

// Float returns a float field, or 0 if it is not set.
func (e *Event) Float(s Slot) float64 { return math.Float64frombits(e.num(s)) }

// Bool returns a bool field, or false if it is not set.
func (e *Event) Bool(s Slot) bool { return e.num(s) != 0 }

// Time returns a time field in UTC, or the zero time if it is not set.
func (e *Event) Time(s Slot) time.Time {
	if e.index[s] == 0 {
		return time.Time{}
	}
	return time.Unix(0, e.Int(s)).UTC()
}

// List returns a list field, or nil if it is not set.
func (e *Event) List(s Slot) []string {
	if list := e.list(s); list != nil {
		return *list
	}
	return nil
}

// SetStr sets a string field. An empty value unsets it: an event does not tell
// empty from absent.
func (e *Event) SetStr(s Slot, v string) {
	if v == "" {
		e.Unset(s)
		return
	}
	e.put(s, value{str: v})
}

// SetIP sets an IP field to the canonical text of v (RFC 5952; an IPv4-mapped
// IPv6 address becomes IPv4; zones are dropped). If v is no address the field
// stays unset and SetIP reports false, so that the caller can keep the text as
// an extra.
func (e *Event) SetIP(s Slot, v string) bool {
	if isCanonicalIPv4(v) {
		e.put(s, value{str: v})
		return true
	}
	if strings.IndexByte(v, '.') < 0 && strings.IndexByte(v, ':') < 0 {
		return false // no address, and often met where a host may also be named
	}
	addr, err := netip.ParseAddr(v)
	if err != nil {
		return false
	}
	var buf [64]byte
	if text := addr.Unmap().WithZone("").AppendTo(buf[:0]); string(text) != v {
		v = string(text)
	}
	e.put(s, value{str: v})
	return true
}

// isCanonicalIPv4 reports whether v is an IPv4 address: four numbers up to 255
// without leading zeros, which is also the only way to write it.
func isCanonicalIPv4(v string) bool {
	if len(v) < len("0.0.0.0") || len(v) > len("255.255.255.255") {
		return false
	}
	dots, digits, n := 0, 0, 0
	for i := range len(v) {
		switch c := v[i]; {
		case c >= '0' && c <= '9':
			if digits > 0 && n == 0 {
				return false
			}
			if n = n*10 + int(c-'0'); n > 255 {
				return false
			}
			digits++
		case c == '.' && digits > 0:
			dots, digits, n = dots+1, 0, 0
		default:
			return false
		}
	}
	return dots == 3 && digits > 0
}

// SetInt sets an int field.
func (e *Event) SetInt(s Slot, v int64) { e.put(s, value{num: uint64(v)}) } //nolint:gosec // G115: the bits are kept and read back by Int

// SetFloat sets a float field. NaN and infinities unset it.
func (e *Event) SetFloat(s Slot, v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		e.Unset(s)
		return
	}
	e.put(s, value{num: math.Float64bits(v)})
}

// SetBool sets a bool field.
func (e *Event) SetBool(s Slot, v bool) {
	var n uint64
	if v {
		n = 1
	}
	e.put(s, value{num: n})
}

// SetTime sets a time field, kept to the nanosecond in UTC. Times outside the
// years 1678 to 2261 cannot be kept and unset the field.
func (e *Event) SetTime(s Slot, v time.Time) {
	if sec := v.Unix(); sec < firstKept || sec >= endOfKept {
		e.Unset(s)
		return
	}
	e.SetInt(s, v.UnixNano())
}

// The years 1678 to 2261 in seconds since 1970, checked by test.
const (
	firstKept = -9214560000
	endOfKept = 9214646400
)

// SetList sets a list field; the event keeps v. An empty list unsets it.
func (e *Event) SetList(s Slot, v []string) {
	if len(v) == 0 {
		e.Unset(s)
		return
	}
	if list := e.list(s); list != nil {
		*list = v
		return
	}
	e.lists = append(e.lists, v)
	e.put(s, value{num: uint64(len(e.lists))})
}

// SetExtra keeps a field that the schema does not know. A second value under
// the same name replaces the first; an empty value is not kept.
func (e *Event) SetExtra(name, v string) {
	if v == "" || name == "" {
		return
	}
	for i := range e.extra {
		if e.extra[i].Name == name {
			e.extra[i].Value = v
			return
		}
	}
	e.extra = append(e.extra, Extra{name, v})
}

// AddExtra is SetExtra for a name that the caller knows to be new: it does not
// look for an earlier value.
func (e *Event) AddExtra(name, v string) {
	if v != "" && name != "" {
		e.extra = append(e.extra, Extra{name, v})
	}
}

// Extra returns the value kept under the source's own name, or "".
func (e *Event) Extra(name string) string {
	for i := range e.extra {
		if e.extra[i].Name == name {
			return e.extra[i].Value
		}
	}
	return ""
}

// Extras returns the unknown fields in the order they were set. The slice
// belongs to the event and is valid until its next change.
func (e *Event) Extras() []Extra { return e.extra }

func (e *Event) num(s Slot) uint64 {
	if at := e.index[s]; at != 0 {
		return e.vals[at-1].num
	}
	return 0
}

// list is where the list of a field is kept, or nil.
func (e *Event) list(s Slot) *[]string {
	if kinds[s] != List || e.num(s) == 0 {
		return nil
	}
	return &e.lists[e.num(s)-1]
}

func (e *Event) put(s Slot, v value) {
	if at := e.index[s]; at != 0 {
		e.vals[at-1] = v
		return
	}
	e.slots = append(e.slots, s)
	e.vals = append(e.vals, v)
	e.index[s] = uint8(len(e.vals)) //nolint:gosec // G115: at most NumSlots entries, checked by test to fit
}
