package dnp3

import (
	"math"
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
)

// header is an object header (clause 4.2.2.7).
type header struct {
	group, variation int
	prefix           int // bytes of the index before each object
	sized            int // bytes of the size before each object
	ranged           bool
	low, high        int
	counted          bool
	count            int
}

// widths of ranges and prefixes by their codes.
var widths = [...]int{1, 2, 4}

func readHeader(r *ics.Reader) header {
	h := header{group: r.U8(), variation: r.U8()}
	q := r.U8()
	if p := q >> 4 & 7; p >= 1 && p <= 3 {
		h.prefix = widths[p-1]
	} else if p >= 4 && p <= 6 {
		h.sized = widths[p-4]
	}
	switch code := q & 0x0f; {
	case code <= 2:
		h.low, h.high, h.ranged = number(r, widths[code]), number(r, widths[code]), true
		h.count = h.high - h.low + 1
	case code >= 7 && code <= 9:
		h.count, h.counted = number(r, widths[code-7]), true
	case code == 11:
		h.count, h.counted = r.U8(), true
	}
	return h
}

func number(r *ics.Reader, width int) int {
	switch width {
	case 1:
		return r.U8()
	case 2:
		return r.LE16()
	case 4:
		return r.LE32()
	}
	return 0
}

// carries tells whether object headers of a function are followed by objects.
func (m *message) carries() bool {
	switch m.function {
	case 1, 7, 8, 9, 10, 20, 21, 22, 28:
		return m.function == 28
	}
	return true
}

// object tells of one object header and its objects, and reports whether the
// next header can be found.
func (m *message) object(r *ics.Reader) bool {
	h := readHeader(r)
	if !r.OK() || h.count < 0 {
		m.malformed()
		return false
	}
	if m.carries() && (h.group == 12 && h.variation <= 2 || h.group == 41) && h.prefix > 0 {
		return m.controls(&h, r)
	}
	e := m.event()
	m.describe(e, &h)
	ok, claim := true, ics.Claim{}
	switch {
	case !m.carries() || h.count == 0:
	case h.group == 0:
		claim = attributes(e, &h, r)
	case h.sized > 0:
		sizedObjects(e, &h, r)
	case h.group >= 110 && h.group <= 113:
		octetStrings(e, &h, r)
	default:
		ok = m.values(e, &h, r)
	}
	if !r.OK() {
		ics.Odd(e)
	}
	m.out.Emit(e, m.raw)
	ics.Tell(m.out, m.d.flow, m.side, claim, m.raw)
	return ok && r.OK()
}

func (m *message) describe(e *event.Event, h *header) {
	e.SetICSObject(objectName(h.group, h.variation))
	e.AddExtra("object_group", strconv.Itoa(h.group))
	e.AddExtra("object_variation", strconv.Itoa(h.variation))
	if h.ranged {
		e.SetICSAddress(int64(h.low))
		e.AddExtra("range_high", strconv.Itoa(h.high))
	}
	if m.carries() && h.count > 0 {
		e.SetICSQuantity(int64(h.count))
	}
}

// values reads objects of a fixed layout. It reports false for a layout that
// is not known: what follows cannot be found then.
func (m *message) values(e *event.Event, h *header, r *ics.Reader) bool {
	layout := objects[h.group<<8|h.variation].layout
	if layout == "" {
		return false
	}
	var l, index ics.List
	if bits := map[string]int{"b": 1, "B": 2}[layout]; bits > 0 && h.prefix == 0 {
		if h.count > 8*r.Len() {
			r.Skip(r.Len() + 1)
			return false
		}
		packed(&l, r.Bytes((h.count*bits+7)/8), h.count, bits)
	} else {
		for i := 0; i < h.count && r.OK(); i++ {
			if h.prefix > 0 {
				at := number(r, h.prefix)
				if i == 0 {
					e.SetICSAddress(int64(at))
				}
				index.Int(at)
			}
			v := value(layout, r)
			if r.OK() {
				l.Add(v)
			}
		}
	}
	e.SetICSValue(l.String())
	if index.Len() > 1 {
		e.AddExtra("index_numbers", index.String())
	}
	return true
}

func packed(l *ics.List, b []byte, count, bits int) {
	for i := 0; i < count && !l.Full(); i++ {
		at := i * bits
		if at/8 >= len(b) {
			return
		}
		l.Int(int(b[at/8]>>(at%8)) & (1<<bits - 1))
	}
}

// value reads one object and returns the part of it that is its value.
func value(layout string, r *ics.Reader) string {
	v := ""
	for _, part := range layout {
		switch part {
		case 'b', 'B', 'x', 'f', 'c':
			r.Skip(1)
		case 'F':
			v = strconv.Itoa(r.U8() >> 7)
		case 'i':
			v = strconv.Itoa(int(int16(r.LE16()))) //nolint:gosec // G115: 16 bits with a sign
		case 'I':
			v = strconv.Itoa(int(int32(r.LE32()))) //nolint:gosec // G115: 32 bits with a sign
		case 'u':
			v = strconv.Itoa(r.LE16())
		case 'U':
			v = strconv.Itoa(r.LE32())
		case 'r':
			v = strconv.FormatFloat(float64(math.Float32frombits(uint32(r.LE32()))), 'g', -1, 32) //nolint:gosec // G115: 32 bits were read
		case 'R':
			v = strconv.FormatFloat(math.Float64frombits(r.LE64()), 'g', -1, 64)
		case 'd':
			r.Skip(2)
		case 't':
			low := int64(uint32(r.LE32())) //nolint:gosec // G115: 32 bits were read
			if ms := low + int64(r.LE16())<<32; v == "" {
				v = strconv.FormatInt(ms, 10)
			}
		}
	}
	return v
}

// octetStrings reads octet strings: the variation is the length. Those that are not
// kept are passed over together, for a header may claim four thousand million, and of
// no bytes each.
func octetStrings(e *event.Event, h *header, r *ics.Reader) {
	var l ics.List
	for i := 0; i < h.count && r.OK() && r.Len() > 0; i++ {
		if l.Full() {
			passOver(r, h.count-i, h.prefix+h.variation)
			l.Add("") // it says that there were more
			break
		}
		at := number(r, h.prefix)
		if i == 0 && h.prefix > 0 {
			e.SetICSAddress(int64(at))
		}
		l.Add(ics.Text(r.Bytes(h.variation)))
	}
	e.SetICSValue(l.String())
}

// passOver skips n objects of so many bytes each. If fewer are there it ends with
// them, and runs short within one that is not whole.
func passOver(r *ics.Reader, n, size int) {
	if size > 0 && n > r.Len()/size {
		r.Skip(r.Len() / size * size)
		r.Skip(min(r.Len(), 1) * size)
		return
	}
	r.Skip(n * size)
}
