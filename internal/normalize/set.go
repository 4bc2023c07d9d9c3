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
	switch event.KindOf(slot) {
	case event.String:
		e.SetStr(slot, v)
	case event.IP:
		ok = e.SetIP(slot, v) && !strings.Contains(v, "%") // the zone is kept beside the address
	case event.Int:
		var n int64
		if n, ok = parseInt(v); ok && isPort(slot) {
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
		if t := epoch(v); !t.IsZero() {
			e.SetTime(slot, t)
		}
		ok = e.Has(slot)
	case event.List:
		e.SetList(slot, []string{v})
	}
	if !ok {
		keep(e, name, v)
	}
}

func isPort(s event.Slot) bool {
	return s == event.SlotSrcEndpointPort || s == event.SlotDstEndpointPort
}

// keep keeps a value that the schema does not know, under the source's own
// name. A further value of the same name is kept beside the first, numbered:
// what a sensor says twice must not hide what it said first.
func keep(e *event.Event, name, v string) {
	if v == "" {
		return
	}
	if name == "" {
		name = noName
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

// noName is what a nameless value is kept under.
const noName = "(no name)"

// setList puts several texts into a field: a list field takes them all, any
// other takes them joined.
func setList(e *event.Event, slot event.Slot, name string, vs []string) {
	if event.KindOf(slot) == event.List {
		e.SetList(slot, vs)
		return
	}
	set(e, slot, name, strings.Join(vs, ", "))
}

// parseInt reads a decimal, 0x-hexadecimal or whole-valued float number.
func parseInt(v string) (int64, bool) {
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

// Numbers from here on are milliseconds since 1970, which Zeek writes under
// JSON::TS_MILLIS: a moment in 2001, where seconds would be the year 33658.
const fromMillis = 1_000_000_000_000

// epoch reads seconds since 1970 with up to nine decimals, exactly,
// milliseconds since 1970, or an RFC 3339 time. It returns the zero time for
// anything else.
func epoch(v string) time.Time {
	if t, ok := plainEpoch(v); ok {
		return t
	}
	return anyEpoch(v)
}

// anyEpoch is epoch without haste.
func anyEpoch(v string) time.Time {
	if strings.ContainsAny(v, "eE") { // 1.7e9, as some JSON writers have it
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || math.Abs(f) >= fromMillis {
			return time.Time{}
		}
		s, part := math.Modf(f)
		return time.Unix(int64(s), int64(part*1e9)).UTC()
	}
	whole, frac, _ := strings.Cut(v, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
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
		nano = int64(n)
		for range 9 - len(frac) {
			nano *= 10
		}
	}
	if sec >= fromMillis && sec < 1000*fromMillis {
		return time.UnixMilli(sec).UTC().Add(time.Duration(nano / 1000))
	}
	if sec < -1<<33 || sec > 1<<38 {
		return time.Time{}
	}
	if strings.HasPrefix(v, "-") {
		nano = -nano
	}
	return time.Unix(sec, nano).UTC()
}

// plainEpoch reads the usual form: seconds of at most eleven digits, with up to
// nine decimals.
func plainEpoch(v string) (t time.Time, ok bool) {
	sec, i := int64(0), 0
	for ; i < len(v) && v[i] >= '0' && v[i] <= '9'; i++ {
		if i >= 11 {
			return time.Time{}, false
		}
		sec = sec*10 + int64(v[i]-'0')
	}
	nano, rest, ok := fraction(v[i:])
	if i == 0 || !ok || rest != "" {
		return time.Time{}, false
	}
	return time.Unix(sec, int64(nano)).UTC(), true
}

// addTraffic fills the sums of both directions from what is known of each.
func addTraffic(e *event.Event) {
	sum := func(total, out, in event.Slot) {
		if n := e.Int(out) + e.Int(in); !e.Has(total) && (e.Has(out) || e.Has(in)) && e.Int(out) >= 0 && e.Int(in) >= 0 && n >= 0 {
			e.SetInt(total, n)
		}
	}
	sum(event.SlotTrafficBytes, event.SlotTrafficBytesOut, event.SlotTrafficBytesIn)
	sum(event.SlotTrafficPackets, event.SlotTrafficPacketsOut, event.SlotTrafficPacketsIn)
}
