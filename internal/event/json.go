package event

import (
	"encoding/json"
	"strconv"
	"time"
)

// AppendJSON appends the event as one flat JSON object: the set fields under
// their dotted names in schema order, then the unknown ones in an object named
// "unmapped" (the OCSF word). Times are RFC 3339 in UTC; class_uid is joined
// by class_name.
func (e *Event) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	first := true
	for s := range NumSlots {
		if !e.Has(s) {
			continue
		}
		b = appendKey(b, table[s].Name, &first)
		b = e.appendValue(b, s)
		if s == SlotClassUID {
			b = appendKey(b, "class_name", &first)
			b = appendString(b, Class(e.ClassUID()).String())
		}
	}
	if len(e.extra) > 0 {
		b = appendKey(b, "unmapped", &first)
		b = append(b, '{')
		inner := true
		for _, x := range e.extra {
			b = appendKey(b, x.Name, &inner)
			b = appendString(b, x.Value)
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

// MarshalJSON is [Event.AppendJSON].
func (e *Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// Any returns the value of a field as string, int64, float64, bool, time.Time
// or []string, or nil if it is not set.
func (e *Event) Any(s Slot) any {
	if !e.Has(s) {
		return nil
	}
	switch table[s].Kind {
	case Int:
		return e.Int(s)
	case Float:
		return e.Float(s)
	case Bool:
		return e.Bool(s)
	case Time:
		return e.Time(s)
	case List:
		return e.List(s)
	case String, IP:
	}
	return e.Str(s)
}

func (e *Event) appendValue(b []byte, s Slot) []byte {
	switch table[s].Kind {
	case Int:
		return strconv.AppendInt(b, e.Int(s), 10)
	case Float:
		return strconv.AppendFloat(b, e.Float(s), 'g', -1, 64)
	case Bool:
		return strconv.AppendBool(b, e.Bool(s))
	case Time:
		b = append(b, '"')
		b = e.Time(s).AppendFormat(b, time.RFC3339Nano)
		return append(b, '"')
	case List:
		b = append(b, '[')
		for i, v := range e.List(s) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, v)
		}
		return append(b, ']')
	case String, IP:
	}
	return appendString(b, e.Str(s))
}

func appendKey(b []byte, key string, first *bool) []byte {
	if !*first {
		b = append(b, ',')
	}
	*first = false
	b = appendString(b, key)
	return append(b, ':')
}

// appendString quotes v; invalid UTF-8 becomes U+FFFD as encoding/json does.
func appendString(b []byte, v string) []byte {
	q, err := json.Marshal(v)
	if err != nil { // a string always marshals
		return append(b, `""`...)
	}
	return append(b, q...)
}
