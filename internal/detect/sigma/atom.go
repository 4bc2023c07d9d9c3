package sigma

import (
	"bytes"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"vedette/internal/detect/sigma/pattern"

	"vedette/internal/detect/sigma/rule"
)

// atomKind is how a test is done.
type atomKind uint8

const (
	isExact    atomKind = iota + 1 // the index finds these four
	isPrefix                       //
	isSuffix                       //
	isInside                       //
	isShort                        // a literal too short for the index: edges says where
	isGlob                         // wildcards in the middle
	isCased                        // the same with regard to case
	isRegex                        //
	isCIDR                         //
	isNumber                       //
	isTimePart                     //
	isExists                       //
	isNull                         //
	isSame                         // equals another field
)

// atom is one test of one field. Equal tests of the rules of a group are one
// atom, asked once for an event.
type atom struct {
	kind     atomKind
	start    bool // isShort, isSame: where it must stand
	end      bool
	inside   bool
	relation rule.Relation
	field    int32
	other    int32 // isSame: the other field
	index    int32 // the index that finds it, or -1
	lit      string
	name     string // of the field, as the rule has it
	more     *atomMore
}

// atomMore is what only some kinds need.
type atomMore struct {
	glob   []rule.Part
	re     *regexp.Regexp
	cidr   netip.Prefix
	number float64
	part   string
}

const atomSize = int(unsafe.Sizeof(atom{}))

// holds asks an atom that the index does not answer.
func (a *atom) holds(sc *Scratch) bool {
	vals := sc.values(a.field)
	switch a.kind {
	case isExists:
		return len(vals) > 0
	case isNull:
		return len(vals) == 0
	default:
	}
	for i := range vals {
		if a.fits(sc, &vals[i]) {
			return true
		}
	}
	return false
}

// fits asks for one value.
func (a *atom) fits(sc *Scratch, v *fieldValue) bool {
	folded := sc.folded(v)
	switch a.kind {
	case isExact:
		return string(folded) == a.lit
	case isPrefix:
		return len(folded) >= len(a.lit) && string(folded[:len(a.lit)]) == a.lit
	case isSuffix:
		return len(folded) >= len(a.lit) && string(folded[len(folded)-len(a.lit):]) == a.lit
	case isInside, isShort:
		return a.short(folded)
	case isGlob:
		return pattern.Match(a.more.glob, folded)
	case isCased:
		if v.str == "" {
			return pattern.Match(a.more.glob, sc.buf[v.begin:v.end])
		}
		return pattern.Match(a.more.glob, v.str)
	case isRegex:
		if v.str == "" {
			return a.more.re.Match(sc.buf[v.begin:v.end])
		}
		return a.more.re.MatchString(v.str)
	case isCIDR:
		return inCIDR(a.more.cidr, v.str)
	case isNumber:
		n, ok := numberOf(v)
		return ok && a.relation.Holds(n, a.more.number)
	case isTimePart:
		n, ok := timePart(a.more.part, v.str, string(folded))
		return ok && a.relation.Holds(n, a.more.number)
	case isSame:
		return a.same(sc, v)
	case isExists, isNull:
	}
	return false
}

func (a *atom) short(folded []byte) bool {
	switch {
	case a.start:
		return len(folded) >= len(a.lit) && string(folded[:len(a.lit)]) == a.lit
	case a.end:
		return len(folded) >= len(a.lit) && string(folded[len(folded)-len(a.lit):]) == a.lit
	}
	return bytes.Contains(folded, unsafe.Slice(unsafe.StringData(a.lit), len(a.lit))) //nolint:gosec // G103: read only, and saves a copy
}

// same compares with the other field. Values of v stay where they are while the
// other's are made: they are offsets.
func (a *atom) same(sc *Scratch, v *fieldValue) bool {
	mine := *v
	others := sc.values(a.other)
	for i := range others {
		x, y := sc.folded(&mine), sc.folded(&others[i])
		switch {
		case a.inside && bytes.Contains(x, y), a.start && bytes.HasPrefix(x, y), a.end && bytes.HasSuffix(x, y):
			return true
		case !a.inside && !a.start && !a.end && bytes.Equal(x, y):
			return true
		}
	}
	return false
}

func inCIDR(p netip.Prefix, s string) bool {
	if len(s) < 2 || len(s) > 64 || strings.Trim(s, "0123456789abcdefABCDEF.:") != "" {
		return false // no address; asked first, because an error costs memory
	}
	addr, err := netip.ParseAddr(s)
	return err == nil && p.Contains(addr.Unmap())
}

// numberOf reads a value as a number.
func numberOf(v *fieldValue) (float64, bool) {
	if v.isNumber {
		return v.number, true
	}
	s := v.str
	if s == "" || len(s) > 40 || strings.Trim(s, "0123456789+-.eExXabcdfABCDF_") != "" || s[0] > '9' {
		return 0, false
	}
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		n, err := strconv.ParseUint(s[2:], 16, 64)
		return float64(n), err == nil
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, false // not the infinity that a number too large gives
	}
	return n, true
}

// timePart takes a part out of a time. The time of an event is UTC; a text is
// taken as it is written, in its own zone.
func timePart(part, s, folded string) (float64, bool) {
	if s == "" {
		s = strings.ToUpper(folded)
	}
	if len(s) < 10 || len(s) > 40 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	s = strings.Replace(s, " ", "T", 1)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", time.DateOnly} {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		switch part {
		case "minute":
			return float64(t.Minute()), true
		case "hour":
			return float64(t.Hour()), true
		case "day":
			return float64(t.Day()), true
		case "week":
			_, week := t.ISOWeek()
			return float64(week), true
		case "month":
			return float64(t.Month()), true
		case "year":
			return float64(t.Year()), true
		}
	}
	return 0, false
}

// clipped is a value as a reason shows it.
func clipped(sc *Scratch, v *fieldValue, most int) string {
	s := v.str
	if s == "" {
		s = string(sc.buf[v.begin:v.end])
	}
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return strings.Clone(s)
}

// maxObserved is what a reason quotes of a value unless told otherwise.
const maxObserved = 200
