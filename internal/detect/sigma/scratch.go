package sigma

import (
	"strconv"
	"strings"
	"time"

	"vedette/internal/detect/sigma/pattern"

	"vedette/internal/event"
)

// The bounds of what is looked at in one event.
const (
	maxValues = 512     // of one field, or of all texts for keywords
	maxLooked = 1 << 20 // bytes of values that are folded for one event
)

// Scratch is the memory that matching needs. It may be used again for the next
// event, by one goroutine at a time; the zero value is ready.
type Scratch struct {
	set    *Set
	epoch  uint32
	event  *event.Event
	routes map[route][]int32

	names  []named
	extras []extraAt // by the number of the name
	mapped bool      // extras are those of this event
	states []fieldState
	vals   []fieldValue
	word   record // what keywords are looked for in
	buf    []byte // folded texts and numbers; values point into it by offset

	scanned []uint32 // by index
	seen    []uint32 // by atom: found or true
	asked   []uint32 // by atom: seen says whether it is true
	ran     []uint32 // by rule
	hits    []int32
	waiting []int32 // candidates
	cuts    int64   // values that were longer than is looked at
}

type extraAt struct {
	epoch uint32
	at    int32
	more  bool // there are numbered values beside it
}

type fieldState struct {
	epoch      uint32
	first, end int32 // in vals
}

// fieldValue is one value of a field: a text of the event, or one in buf if str
// is empty.
type fieldValue struct {
	str        string
	begin, end int32 // the text in buf
	from, to   int32 // the folded text in buf
	isNumber   bool
	number     float64
}

// begin makes the scratch ready for an event.
func (sc *Scratch) begin(s *Set, e *event.Event) {
	if sc.set != s {
		*sc = Scratch{
			set: s, routes: make(map[route][]int32), names: make([]named, maxNames), extras: make([]extraAt, len(s.extraIDs)),
			states: make([]fieldState, len(s.fields)), scanned: make([]uint32, len(s.indexes)),
			seen: make([]uint32, len(s.atoms)), asked: make([]uint32, len(s.atoms)), ran: make([]uint32, len(s.rules)),
			buf: make([]byte, 0, 4096),
		}
	}
	if sc.epoch++; sc.epoch == 0 { // after four thousand million events
		routes := sc.routes
		*sc = Scratch{}
		sc.begin(s, e)
		sc.routes = routes
		return
	}
	if cap(sc.buf) > 4*maxLooked {
		sc.buf = make([]byte, 0, 4096)
	}
	sc.event, sc.mapped = e, false
	sc.buf, sc.vals = sc.buf[:0], sc.vals[:0]
}

// maxNames is how many names of extras are remembered with their numbers.
const maxNames = 2048

// named is a name of an extra and its number; -1: no rule asks for it.
type named struct {
	name string
	id   int32
}

// extraID is a look-up of a name. Records have the same names again and again,
// so most are found here without hashing them whole; a place that is taken
// stays taken, so that made-up names cost no memory.
func (sc *Scratch) extraID(name string) (int32, bool) {
	if name == "" {
		return 0, false
	}
	n := len(name)
	h := (uint(n) + uint(name[0])*31 + uint(name[n-1])*131 + uint(name[n/2])*1031) % maxNames
	if at := &sc.names[h]; at.name == name {
		return at.id, at.id >= 0
	} else if at.name == "" && n < 128 {
		*at = named{strings.Clone(name), -1}
		if id, ok := sc.set.extraIDs[name]; ok {
			at.id = id
		}
		return at.id, at.id >= 0
	}
	id, ok := sc.set.extraIDs[name]
	return id, ok
}

// mapExtras finds which of the event's extras rules name.
func (sc *Scratch) mapExtras() {
	sc.mapped = true
	extras := sc.event.Extras()
	for i := range extras {
		name := extras[i].Name
		id, ok := sc.extraID(name)
		if ok {
			at := &sc.extras[id]
			at.more = at.epoch == sc.epoch && at.more
			at.at, at.epoch = int32(i), sc.epoch
			continue
		}
		base := unnumbered(name)
		if base == "" {
			continue
		}
		if id, ok := sc.extraID(base); ok {
			at := &sc.extras[id]
			if at.epoch != sc.epoch {
				*at = extraAt{epoch: sc.epoch, at: -1}
			}
			at.more = true
		}
	}
}

// values returns the values of a field; the slice is valid until the next call.
func (sc *Scratch) values(id int32) []fieldValue {
	st := &sc.states[id]
	if st.epoch != sc.epoch {
		st.epoch = sc.epoch
		st.first = int32(len(sc.vals)) //nolint:gosec // G115: at most maxValues a field
		f := &sc.set.fields[id]
		if f.words {
			sc.record()
		} else {
			for _, p := range f.places {
				if sc.place(p) {
					break
				}
			}
		}
		st.end = int32(len(sc.vals)) //nolint:gosec // G115: as above
	}
	return sc.vals[st.first:st.end]
}

// place adds the values of a place and reports whether there are any.
func (sc *Scratch) place(p place) bool {
	if p.extra < 0 {
		return sc.slot(p.slot)
	}
	if !sc.mapped {
		sc.mapExtras()
	}
	at := sc.extras[p.extra]
	if at.epoch != sc.epoch {
		return false
	}
	extras := sc.event.Extras()
	if at.at >= 0 {
		sc.text(extras[at.at].Value)
	}
	if !at.more {
		return at.at >= 0
	}
	for i := range extras {
		base := unnumbered(extras[i].Name)
		if id, ok := sc.set.extraIDs[base]; ok && base != "" && id == p.extra {
			sc.text(extras[i].Value)
		}
	}
	return true
}

// unnumbered is the name that a further value of a name stands beside, as
// parsers number them ("Data#2"), or "".
func unnumbered(name string) string {
	at := strings.LastIndexByte(name, '#')
	if at < 1 || at+1 == len(name) || len(name)-at > 3 {
		return ""
	}
	for _, c := range []byte(name[at+1:]) {
		if c < '0' || c > '9' {
			return ""
		}
	}
	return name[:at]
}

func (sc *Scratch) slot(s event.Slot) bool {
	e := sc.event
	if !e.Has(s) {
		return false
	}
	from := len(sc.buf)
	var v fieldValue
	switch event.KindOf(s) {
	case event.String, event.IP:
		sc.text(e.Str(s))
		return true
	case event.List:
		for _, item := range e.List(s) {
			sc.text(item)
		}
		return true
	case event.Int:
		v.isNumber, v.number = true, float64(e.Int(s))
		sc.buf = strconv.AppendInt(sc.buf, e.Int(s), 10)
	case event.Float:
		v.isNumber, v.number = true, e.Float(s)
		sc.buf = strconv.AppendFloat(sc.buf, v.number, 'f', -1, 64)
	case event.Bool:
		sc.buf = strconv.AppendBool(sc.buf, e.Bool(s))
	case event.Time:
		sc.buf = e.Time(s).AppendFormat(sc.buf, time.RFC3339Nano)
		for i := from; i < len(sc.buf); i++ { // folded like any text
			if c := sc.buf[i]; 'A' <= c && c <= 'Z' {
				sc.buf[i] += 'a' - 'A'
			}
		}
	}
	v.from, v.to = int32(from), int32(len(sc.buf)) //nolint:gosec // G115: at most maxLooked
	v.begin, v.end = v.from, v.to
	sc.vals = append(sc.vals, v)
	return true
}

// text adds a text value.
func (sc *Scratch) text(s string) {
	if s == "" || len(sc.vals) >= maxValues*8 {
		return
	}
	from := len(sc.buf)
	if from+len(s) > maxLooked {
		s = s[:max(0, maxLooked-from)]
		sc.cuts++
	}
	sc.buf = pattern.AppendFold(sc.buf, s)
	sc.vals = append(sc.vals, fieldValue{str: s, from: int32(from), to: int32(len(sc.buf))}) //nolint:gosec // G115: at most maxLooked and what folding adds
}

// folded is the folded text of a value.
func (sc *Scratch) folded(v *fieldValue) []byte { return sc.buf[v.from:v.to] }
