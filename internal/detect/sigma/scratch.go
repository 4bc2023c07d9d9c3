package sigma

import (
	"strconv"
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
	routes map[route]*routed

	memo   memo
	recent [recentRoutes]*routed
	extras extras
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
	looked  int     // bytes of values of the event
	cuts    int64   // values that were longer than is looked at
}

type fieldState struct {
	epoch      uint32
	first, end int32 // in vals
}

// fieldValue is one value of a field: a text of the event, or one in buf if str
// is empty.
type fieldValue struct {
	str        string
	begin, end int32  // the text in buf
	from, to   int32  // the folded text in buf; from -1: not folded yet
	hash       uint64 // of str; 0: not made yet
	isNumber   bool
	number     float64
}

// begin makes the scratch ready for an event.
func (sc *Scratch) begin(s *Set, e *event.Event) {
	if sc.set != s {
		*sc = Scratch{
			set: s, routes: make(map[route]*routed),
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
	sc.event, sc.looked = e, 0
	sc.extras.set(e.Extras())
	sc.buf, sc.vals = sc.buf[:0], sc.vals[:0]
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
			for i := range f.places {
				if sc.place(&f.places[i]) {
					break
				}
			}
		}
		st.end = int32(len(sc.vals)) //nolint:gosec // G115: as above
	}
	return sc.vals[st.first:st.end]
}

// place adds the values of a place and reports whether there are any.
func (sc *Scratch) place(p *place) bool {
	if p.extra == "" {
		return sc.slot(p.slot)
	}
	x := &sc.extras
	at, more := x.find(p.extra)
	if at >= 0 {
		sc.text(x.of[at].Value)
	}
	if !more {
		return at >= 0
	}
	for i := range x.of {
		if isNumbered(x.of[i].Name, p.extra) {
			sc.text(x.of[i].Value)
		}
	}
	return true
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
	if sc.looked+len(s) > maxLooked {
		s = s[:max(0, maxLooked-sc.looked)]
		sc.cuts++
	}
	sc.looked += len(s)
	sc.vals = append(sc.vals, fieldValue{str: s, from: -1})
}

// folded is the folded text of a value.
func (sc *Scratch) folded(v *fieldValue) []byte {
	if v.from < 0 {
		v.from = int32(len(sc.buf)) //nolint:gosec // G115: at most maxLooked and what folding and numbers add
		sc.buf = pattern.AppendFold(sc.buf, v.str)
		v.to = int32(len(sc.buf)) //nolint:gosec // G115: as above
	}
	return sc.buf[v.from:v.to]
}
