package store

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
)

// MaxExtras is how many names of extras [Bounds] tells, so that a source with
// endless field names cannot make it endless.
const MaxExtras = 1000

// SchemaNames returns a function that says whether the schema has a field of
// that name.
func SchemaNames() func(string) bool {
	names := map[string]bool{}
	for _, f := range event.Fields() {
		names[f.Name] = true
	}
	return func(name string) bool { return names[name] }
}

// Canonical returns the event as every engine keeps it: texts in valid UTF-8,
// extras under their document keys (see [query.DocumentKey]), and an address
// field that holds no address moved to an extra. An event that is so already,
// nearly every one, is returned itself.
func Canonical(e *event.Event, taken func(string) bool) *event.Event {
	if isCanonical(e, taken) {
		return e
	}
	c := e.Clone()
	extras := c.Extras()
	fixed := make([]event.Extra, 0, len(extras))
	keep := func(key, value string) {
		if !slices.ContainsFunc(fixed, func(x event.Extra) bool { return x.Name == key }) {
			fixed = append(fixed, event.Extra{Name: key, Value: query.Clean(value)})
		}
	}
	for _, x := range extras {
		keep(query.DocumentKey(query.Clean(x.Name), taken), x.Value)
	}
	for _, s := range slices.Clone(c.Slots()) {
		switch event.FieldOf(s).Kind {
		case event.String:
			c.SetStr(s, query.Clean(c.Str(s)))
		case event.List:
			list := c.List(s) // the clone's own
			for i := range list {
				list[i] = query.Clean(list[i])
			}
		case event.IP:
			if text := c.Str(s); !c.SetIP(s, text) {
				c.Unset(s)
				keep(query.DocumentKey(event.FieldOf(s).Name, taken), text)
			}
		default:
		}
	}
	return withExtras(c, fixed)
}

func isCanonical(e *event.Event, taken func(string) bool) bool {
	for _, s := range e.Slots() {
		switch event.FieldOf(s).Kind {
		case event.String:
			if !utf8.ValidString(e.Str(s)) {
				return false
			}
		case event.List:
			if slices.ContainsFunc(e.List(s), func(v string) bool { return !utf8.ValidString(v) }) {
				return false
			}
		case event.IP:
			if addr, err := netip.ParseAddr(e.Str(s)); err != nil || addr.String() != e.Str(s) || addr.Is4In6() || addr.Zone() != "" {
				return false
			}
		default:
		}
	}
	for _, x := range e.Extras() {
		if taken(x.Name) || !utf8.ValidString(x.Name) || !utf8.ValidString(x.Value) {
			return false
		}
	}
	return true
}

// withExtras copies the fields of e and gives the copy these extras.
func withExtras(e *event.Event, extras []event.Extra) *event.Event {
	c := &event.Event{}
	for _, s := range e.Slots() {
		switch event.FieldOf(s).Kind {
		case event.Int:
			c.SetInt(s, e.Int(s))
		case event.Float:
			c.SetFloat(s, e.Float(s))
		case event.Bool:
			c.SetBool(s, e.Bool(s))
		case event.Time:
			c.SetTime(s, e.Time(s))
		case event.List:
			c.SetList(s, e.List(s))
		case event.String, event.IP:
			c.SetStr(s, e.Str(s))
		}
	}
	for _, x := range extras {
		c.SetExtra(x.Name, x.Value)
	}
	return c
}

// AppendDocument appends the JSON document that engines keep beside the
// columns: the event.InDocument fields under their names (times as nanoseconds
// since 1970), then the extras. It appends nothing if there are none. The event
// is a canonical one.
func AppendDocument(b []byte, e *event.Event) []byte {
	start := len(b)
	for _, s := range e.Slots() {
		f := event.FieldOf(s)
		if f.Store != event.InDocument {
			continue
		}
		b = appendKey(b, start, f.Name)
		switch f.Kind {
		case event.Int:
			b = strconv.AppendInt(b, e.Int(s), 10)
		case event.Float:
			b = strconv.AppendFloat(b, e.Float(s), 'g', -1, 64)
		case event.Bool:
			b = strconv.AppendBool(b, e.Bool(s))
		case event.Time:
			b = strconv.AppendInt(b, e.Time(s).UnixNano(), 10)
		case event.List:
			b = append(b, '[')
			for i, v := range e.List(s) {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendText(b, v)
			}
			b = append(b, ']')
		case event.String, event.IP:
			b = appendText(b, e.Str(s))
		}
	}
	for _, x := range e.Extras() {
		b = appendKey(b, start, x.Name)
		b = appendText(b, x.Value)
	}
	if len(b) > start {
		b = append(b, '}')
	}
	return b
}

func appendKey(b []byte, start int, key string) []byte {
	if len(b) == start {
		b = append(b, '{')
	} else {
		b = append(b, ',')
	}
	b = appendText(b, key)
	return append(b, ':')
}

// appendText quotes a text; the plain ones, nearly all, without allocating.
func appendText(b []byte, v string) []byte {
	plain := true
	for i := range len(v) {
		if c := v[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		b = append(b, '"')
		b = append(b, v...)
		return append(b, '"')
	}
	q, err := json.Marshal(v)
	if err != nil { // a string always marshals
		return append(b, `""`...)
	}
	return append(b, q...)
}

// CheckBatch refuses events that cannot be told apart from their own repeats.
func CheckBatch(batch []*event.Event) error {
	for i, e := range batch {
		if e == nil || e.MetadataUID() == "" {
			return fault.New(fault.Invalid, "storing events: event %d of %d has no metadata.uid", i+1, len(batch))
		}
	}
	return nil
}

// CheckDevices refuses devices that no event can point at.
func CheckDevices(devices []Device) error {
	for i, d := range devices {
		if d.UID == "" {
			return fault.New(fault.Invalid, "storing devices: device %d of %d has no uid", i+1, len(devices))
		}
	}
	return nil
}

// CleanDevice copies a device as every engine keeps it: valid UTF-8, times in
// UTC that an engine can hold.
func CleanDevice(d Device) Device {
	for _, s := range []*string{&d.UID, &d.Name, &d.Type, &d.Vendor, &d.Model, &d.Firmware, &d.Zone, &d.Level, &d.Criticality, &d.Owner, &d.Serial, &d.OS, &d.State, &d.Location, &d.AliasOf} {
		*s = query.Clean(*s)
	}
	for _, list := range []*[]string{&d.IPs, &d.MACs} {
		*list = slices.Clone(*list)
		for i := range *list {
			(*list)[i] = query.Clean((*list)[i])
		}
	}
	for _, t := range []*time.Time{&d.FirstSeen, &d.LastSeen} {
		var e event.Event
		if e.SetTimeField(*t); t.IsZero() || !e.Has(event.SlotTime) {
			*t = time.Time{}
			continue
		}
		*t = t.UTC()
	}
	return d
}
