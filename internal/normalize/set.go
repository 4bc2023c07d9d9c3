package normalize

import (
	"math"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
)

// set puts a text into a known field. What does not fit the field's kind is
// kept as an extra under the source's own name, so that nothing is lost.
func set(e *event.Event, slot event.Slot, name, v string) {
	if v == "" {
		return
	}
	ok := true
	switch event.FieldOf(slot).Kind {
	case event.String:
		e.SetStr(slot, v)
	case event.IP:
		ok = e.SetIP(slot, v)
	case event.Int:
		var n int64
		if n, ok = parseInt(v); ok {
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
		t := epoch(v)
		if ok = !t.IsZero(); ok {
			e.SetTime(slot, t)
		}
	case event.List:
		e.SetList(slot, []string{v})
	}
	if !ok {
		e.SetExtra(name, v)
	}
}

// setList puts several texts into a field: a list field takes them all, any
// other takes them joined.
func setList(e *event.Event, slot event.Slot, name string, vs []string) {
	if event.FieldOf(slot).Kind == event.List {
		e.SetList(slot, vs)
		return
	}
	set(e, slot, name, strings.Join(vs, ", "))
}

// parseInt reads a decimal, 0x-hexadecimal or whole-valued float number.
func parseInt(v string) (int64, bool) {
	if hex, isHex := strings.CutPrefix(v, "0x"); isHex {
		n, err := strconv.ParseUint(hex, 16, 63)
		return int64(n), err == nil //nolint:gosec // G115: 63 bits were asked for
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

// epoch reads seconds since 1970 with up to nine decimals, exactly, or an
// RFC 3339 time. It returns the zero time for anything else.
func epoch(v string) time.Time {
	whole, frac, _ := strings.Cut(v, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		if f, ferr := strconv.ParseFloat(v, 64); ferr == nil && math.Abs(f) < 1e12 {
			s, part := math.Modf(f)
			return time.Unix(int64(s), int64(part*1e9)).UTC()
		}
		t, terr := time.Parse(time.RFC3339Nano, v)
		if terr != nil {
			return time.Time{}
		}
		return t.UTC()
	}
	if len(frac) > 9 {
		frac = frac[:9]
	}
	nano := int64(0)
	if frac != "" {
		n, err := strconv.ParseUint(frac, 10, 32)
		if err != nil {
			return time.Time{}
		}
		nano = int64(n) //nolint:gosec // G115: at most nine digits
		for range 9 - len(frac) {
			nano *= 10
		}
	}
	if sec < -1<<33 || sec > 1<<38 {
		return time.Time{}
	}
	if strings.HasPrefix(v, "-") {
		nano = -nano
	}
	return time.Unix(sec, nano).UTC()
}

// addTraffic fills the sums of both directions from what is known of each.
func addTraffic(e *event.Event) {
	sum := func(total, out, in event.Slot) {
		if !e.Has(total) && (e.Has(out) || e.Has(in)) {
			e.SetInt(total, e.Int(out)+e.Int(in))
		}
	}
	sum(event.SlotTrafficBytes, event.SlotTrafficBytesOut, event.SlotTrafficBytesIn)
	sum(event.SlotTrafficPackets, event.SlotTrafficPacketsOut, event.SlotTrafficPacketsIn)
}
