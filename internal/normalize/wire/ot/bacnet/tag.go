package bacnet

import (
	"fmt"
	"math"
	"strconv"

	"vedette/internal/normalize/wire/ot/ics"
)

// The application tags (clause 20.2.1.4).
const (
	tagBoolean    = 1
	tagUnsigned   = 2
	tagSigned     = 3
	tagReal       = 4
	tagDouble     = 5
	tagText       = 7
	tagBits       = 8
	tagEnumerated = 9
	tagDate       = 10
	tagTime       = 11
	tagObject     = 12
)

// tag is one tagged element.
type tag struct {
	number  int
	context bool
	opening bool
	closing bool
	value   int // of a boolean, which has no body
	body    []byte
}

func readTag(r *ics.Reader) tag {
	first := r.U8()
	t := tag{number: first >> 4, context: first&8 != 0}
	if t.number == 15 {
		t.number = r.U8()
	}
	n := first & 7
	switch {
	case t.context && n == 6:
		t.opening = true
		return t
	case t.context && n == 7:
		t.closing = true
		return t
	case !t.context && t.number == tagBoolean:
		t.value = n
		return t
	case n == 5:
		if n = r.U8(); n == 254 {
			n = r.BE16()
		} else if n == 255 {
			n = r.BE32()
		}
	}
	t.body = r.Bytes(n)
	return t
}

func (t tag) uint() int {
	v := 0
	for _, c := range t.body[max(0, len(t.body)-7):] {
		v = v<<8 | int(c)
	}
	return v
}

// object splits an object identifier (clause 20.2.14).
func (t tag) object() (kind, instance int) {
	v := t.uint()
	return v >> 22 & 0x3ff, v & 0x3fffff
}

const (
	maxDepth = 8
	maxTags  = 4096
)

// walk visits the elements of b in order, with the numbers of the opening tags
// around each, until visit returns false or the bytes are no element.
func walk(b []byte, visit func(t tag, in []int) bool) {
	r := ics.NewReader(b)
	var in []int
	for n := 0; r.Len() > 0 && n < maxTags; n++ {
		t := readTag(r)
		if !r.OK() {
			return
		}
		if t.closing {
			if len(in) == 0 {
				return
			}
			in = in[:len(in)-1]
		}
		if !visit(t, in) {
			return
		}
		if t.opening {
			if in = append(in, t.number); len(in) > maxDepth {
				return
			}
		}
	}
}

// text writes the value of an application element; property tells what its
// enumerations mean.
func (t tag) text(property int) string {
	switch t.number {
	case 0:
		return "null"
	case tagBoolean:
		return strconv.FormatBool(t.value != 0)
	case tagUnsigned:
		return strconv.Itoa(t.uint())
	case tagSigned:
		v := t.uint()
		if n := len(t.body); n > 0 && n < 8 && t.body[0]&0x80 != 0 {
			v -= 1 << (8 * n)
		}
		return strconv.Itoa(v)
	case tagReal:
		if len(t.body) == 4 {
			return strconv.FormatFloat(float64(math.Float32frombits(uint32(ics.NewReader(t.body).BE32()))), 'f', -1, 32) //nolint:gosec // G115: 32 bits were read
		}
	case tagDouble:
		if len(t.body) == 8 {
			return strconv.FormatFloat(math.Float64frombits(ics.NewReader(t.body).BE64()), 'f', -1, 64)
		}
	case tagText:
		return characters(t.body)
	case tagBits:
		if len(t.body) > 1 {
			return bits(t.body)
		}
	case tagEnumerated:
		return enumerated(property, t.uint())
	case tagDate:
		if len(t.body) == 4 {
			return fmt.Sprintf("%04d-%02d-%02d", 1900+int(t.body[0]), t.body[1], t.body[2])
		}
	case tagTime:
		if len(t.body) == 4 {
			return fmt.Sprintf("%02d:%02d:%02d.%02d", t.body[0], t.body[1], t.body[2], t.body[3])
		}
	case tagObject:
		kind, instance := t.object()
		return nameOf(objectTypes, kind) + ": " + strconv.Itoa(instance)
	}
	return ics.Hex(t.body)
}

// characters reads a text (clause 20.2.9): the first byte is its encoding.
func characters(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	const ucs2 = 4
	if b[0] != ucs2 {
		return ics.Text(b[1:])
	}
	var runes []rune
	for b = b[1:]; len(b) >= 2 && len(runes) < ics.MaxText; b = b[2:] {
		runes = append(runes, rune(b[0])<<8|rune(b[1]))
	}
	return ics.Text([]byte(string(runes)))
}

// bits writes a bit string: the first bit is the highest of the first byte.
func bits(b []byte) string {
	n := 8*(len(b)-1) - int(b[0]&7)
	var l ics.List
	for i := 0; i < n && !l.Full(); i++ {
		l.Int(int(b[1+i/8]>>(7-i%8)) & 1)
	}
	return l.String()
}

func enumerated(property, v int) string {
	var names map[int]string
	switch property {
	case 36:
		names = eventStates
	case 79:
		names = objectTypes
	case 107:
		names = segmentation
	case 112:
		names = systemStates
	case 117:
		names = units
	}
	if s, ok := names[v]; ok {
		return s
	}
	return strconv.Itoa(v)
}
