package enip

import (
	"strconv"

	"vedette/internal/normalize/wire/ot/ics"
)

// path reads where a request goes (volume 1, appendix C): logical segments and
// names; the way through ports is passed over.
func (t *target) path(r *ics.Reader) {
	for r.Len() >= 2 {
		seg := r.U8()
		switch {
		case seg&0xe0 == 0x20:
			t.logical(seg, r)
		case seg == 0x91:
			n := r.U8()
			text := ics.Text(r.Bytes(n))
			r.Skip(min(n&1, r.Len()))
			if t.symbol != "" {
				text = t.symbol + "." + text
			}
			if len(text) <= ics.MaxText {
				t.symbol = text
			}
		case seg&0xe0 == 0: // a port: its number and an address there
			n := 1
			if seg&0x10 != 0 {
				n = r.U8()
				n += n & 1
			}
			r.Skip(n)
		default:
			return
		}
	}
}

func (t *target) logical(seg int, r *ics.Reader) {
	const key = 0x34
	if seg == key {
		r.Skip(1 + 8)
		return
	}
	v := 0
	switch seg & 3 {
	case 0:
		v = r.U8()
	case 1:
		r.Skip(1)
		v = r.LE16()
	case 2:
		r.Skip(1)
		v = r.LE32()
	}
	if !r.OK() {
		return
	}
	switch seg >> 2 & 7 {
	case 0:
		t.class = v
	case 1:
		t.instance = v
	case 2:
		if t.symbol != "" {
			t.symbol += "[" + strconv.Itoa(v) + "]"
		}
	case 4:
		t.attribute = v
	}
}
