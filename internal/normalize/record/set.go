package record

import (
	"math"
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/moment"
)

// Set puts a text into a known field. What does not fit the field's kind is
// kept as an extra under the source's own name, so that nothing is lost.
func Set(e *event.Event, slot event.Slot, name, v string) {
	if v == "" {
		return
	}
	ok := true
	switch event.KindOf(slot) {
	case event.String:
		e.SetStr(slot, v)
	case event.IP:
		ok = e.SetIP(slot, v) && strings.IndexByte(v, '%') < 0 // the zone is kept beside the address
	case event.Int:
		var n int64
		if n, ok = ParseInt(v); ok && isPort(slot) {
			ok = n >= 0 && n <= math.MaxUint16
		}
		if ok {
			e.SetInt(slot, n)
		}
	case event.Float:
		f, err := strconv.ParseFloat(v, 64)
		if ok = err == nil && !math.IsInf(f, 0) && !math.IsNaN(f); ok {
			e.SetFloat(slot, f)
		}
	case event.Bool:
		switch strings.ToLower(v) {
		case "t", "true", "1", "yes":
			e.SetBool(slot, true)
		case "f", "false", "0", "no":
			e.SetBool(slot, false)
		default:
			ok = false
		}
	case event.Time:
		if t := moment.Epoch(v); !t.IsZero() {
			e.SetTime(slot, t)
		}
		ok = e.Has(slot)
	case event.List:
		e.SetList(slot, []string{v})
	}
	if !ok {
		Keep(e, name, v)
	}
}

// Put puts a value into the field that fields give its key. Without one, or if
// it is set already, the value is kept under its key.
func Put(e *event.Event, fields map[string]event.Slot, key, v string) {
	slot, ok := fields[key]
	if !ok || slot == NoSlot || e.Has(slot) {
		Keep(e, key, v)
		return
	}
	switch slot {
	case event.SlotConnectionInfoProtocolName, event.SlotAppName:
		v = Lower(v)
	case event.SlotSrcEndpointMAC, event.SlotDstEndpointMAC, event.SlotDeviceMAC:
		v = MAC(v)
	default:
	}
	Set(e, slot, key, v)
}

// MAC is a MAC address in lower case with colons, whatever stood between its
// digits; what is none stays as it is.
func MAC(v string) string {
	digits := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'f':
			return r
		case r >= 'A' && r <= 'F':
			return r + 'a' - 'A'
		case r == ':', r == '-', r == '.':
			return -1
		}
		return 'x'
	}, v)
	if len(digits) != 12 || len(v) > 17 || strings.Contains(digits, "x") {
		return v
	}
	var b strings.Builder
	for i := 0; i < len(digits); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(digits[i : i+2])
	}
	return b.String()
}

func isPort(s event.Slot) bool {
	return s == event.SlotSrcEndpointPort || s == event.SlotDstEndpointPort
}

// Keep keeps a value that the schema does not know, under the source's own
// name. A further value of the same name is kept beside the first, numbered:
// what a sensor says twice must not hide what it said first.
func Keep(e *event.Event, name, v string) {
	if v == "" {
		return
	}
	if name == "" {
		name = NoName
	}
	free := name
	for n := 2; n < maxSameName; n++ {
		old := e.Extra(free)
		if old == "" {
			e.SetExtra(free, v)
			return
		}
		if old == v {
			return
		}
		free = name + "#" + strconv.Itoa(n)
	}
}

// maxSameName is how many values of one name are kept apart; all of them stay
// in the raw record.
const maxSameName = 10

// NoName is what a nameless value is kept under.
const NoName = "(no name)"

// SetList puts several texts into a field: a list field takes them all, any
// other takes them joined.
func SetList(e *event.Event, slot event.Slot, name string, vs []string) {
	if event.KindOf(slot) == event.List {
		e.SetList(slot, vs)
		return
	}
	Set(e, slot, name, strings.Join(vs, ", "))
}

// ParseInt reads a decimal, 0x-hexadecimal or whole-valued float number.
func ParseInt(v string) (int64, bool) {
	if n, ok := plainInt(v); ok {
		return n, true
	}
	if hex, isHex := strings.CutPrefix(v, "0x"); isHex {
		n, err := strconv.ParseUint(hex, 16, 63)
		return int64(n), err == nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// plainInt reads the usual form: up to 18 digits and nothing else.
func plainInt(v string) (n int64, ok bool) {
	if v == "" || len(v) > 18 {
		return 0, false
	}
	for i := range len(v) {
		c := v[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	return n, true
}

// NoSlot marks a value that has no field of its own; it is kept under the
// source's name.
const NoSlot = event.NumSlots

// AddTraffic fills the sums of both directions from what is known of each.
func AddTraffic(e *event.Event) {
	sum := func(total, out, in event.Slot) {
		if n := e.Int(out) + e.Int(in); !e.Has(total) && (e.Has(out) || e.Has(in)) && e.Int(out) >= 0 && e.Int(in) >= 0 && n >= 0 {
			e.SetInt(total, n)
		}
	}
	sum(event.SlotTrafficBytes, event.SlotTrafficBytesOut, event.SlotTrafficBytesIn)
	sum(event.SlotTrafficPackets, event.SlotTrafficPacketsOut, event.SlotTrafficPacketsIn)
}
