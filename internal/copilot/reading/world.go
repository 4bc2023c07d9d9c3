package reading

import (
	"context"
	"slices"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/query"
)

// World is what a reading knows of the stored data: names and values, never
// the content of an event.
type World interface {
	query.Values
	// Span gives the times of the oldest and newest event that is not
	// clock-suspect; zero when there is none.
	Span(ctx context.Context) (oldest, newest time.Time, err error)
	// Extras are the names of stored fields outside the schema.
	Extras(ctx context.Context) ([]string, error)
	// Names are the names of devices and who gave them.
	Names(ctx context.Context) (*Names, error)
	// Events is how many events are stored.
	Events(ctx context.Context) (int64, error)
	// Types are the types of device that are known, stored or not.
	Types(ctx context.Context) ([]DeviceType, error)
}

// DeviceType is a type of device with the words that people use for it.
type DeviceType struct {
	Name  string
	Words []string
}

// Name is a name that a question may use for a device.
type Name struct {
	Text     string
	UID      string
	Operator bool // given by a person; otherwise the device wrote it
}

// The fields whose stored values a question may name without naming the field.
// vocabulary values come from a fixed set that sensors and parsers write;
// written values come from devices and peers and never beat a word of the
// grammar.
var (
	vocabularyFields = []string{
		"connection_info.protocol_name", "app_name", "http_request.http_method", "query.type", "rcode", "tls.version",
		"finding_info.title", "finding_info.category", "disposition", "connection_info.state", "auth_protocol",
		"ics.protocol", "ics.function", "ics.object", "ics.response", "file.mime_type", "metadata.log_name",
		"metadata.event_code", "activity_name", "status_detail",
	}
	writtenFields = []string{
		"user.name", "process.name", "device.hostname", "query.hostname", "http_request.url.hostname", "tls.sni",
		"src_endpoint.hostname", "dst_endpoint.hostname", "product.name", "file.name", "mqtt.topic", "mqtt.client_id",
		"http_request.url.path", "src_endpoint.mac", "http_request.user_agent", "email.from", "email.subject",
	}
	// What people and configuration say of devices, and what devices say.
	givenFields   = []string{"type", "zone", "owner", "criticality", "level", "state"}
	claimedFields = []string{"vendor", "model"}
)

// StoredFields are the fields of events whose values every question may need.
func StoredFields() []string { return slices.Concat(vocabularyFields, writtenFields) }

// Names is an index of names by their letters and digits. Making it takes time
// for a large fleet, so that whoever holds the names keeps it.
type Names struct {
	byPlain map[string][]value
	longest int
	given   bool // people have named devices
}

// NewNames makes the index.
func NewNames(list []Name) *Names {
	n := &Names{byPlain: make(map[string][]value, len(list))}
	for _, x := range list {
		n.given = n.given || x.Operator
		key := plain(x.Text)
		if key == "" {
			continue
		}
		n.byPlain[key] = append(n.byPlain[key], value{fieldValue: fieldValue{"device.name", x.Text}, count: 1, written: !x.Operator})
		n.longest = max(n.longest, len(key))
	}
	return n
}

// value is one stored value that a phrase may mean.
type value struct {
	fieldValue
	count   int64
	written bool // by a device or peer
	part    bool // the value stands for all that contain it
}

// values indexes the stored values by their letters and digits.
type values struct {
	byPlain map[string][]value
	fields  map[string]map[string]int64 // field → value → count
	longest int
	names   *Names
	spaced  map[string][]string // field → values as spaced words, made when needed
}

func loadValues(ctx context.Context, w World) (*values, error) {
	v := &values{byPlain: map[string][]value{}, fields: map[string]map[string]int64{}}
	load := func(from string, names []string, prefix string, written bool) error {
		for _, name := range names {
			list, _, err := w.Values(ctx, from, name)
			if err != nil {
				return err
			}
			v.addField(prefix+name, list, written)
		}
		return nil
	}
	if err := load("", vocabularyFields, "", false); err != nil {
		return nil, err
	}
	if err := load("", writtenFields, "", true); err != nil {
		return nil, err
	}
	if err := load("devices", givenFields, "device.", false); err != nil {
		return nil, err
	}
	if err := load("devices", claimedFields, "device.", true); err != nil {
		return nil, err
	}
	types, err := w.Types(ctx)
	if err != nil {
		return nil, err
	}
	v.addTypes(types)
	v.names, err = w.Names(ctx)
	return v, err
}

func (v *values) addField(field string, list []query.ValueCount, written bool) {
	m := make(map[string]int64, len(list))
	for _, x := range list {
		m[x.Value] = x.Count
		v.add(value{fieldValue: fieldValue{field, x.Value}, count: x.Count, written: written})
		if first, _, ok := strings.Cut(x.Value, " "); ok && field == "device.vendor" && len(first) > 3 {
			v.add(value{fieldValue: fieldValue{field, first}, count: x.Count, written: written, part: true}) // "Siemens" for "Siemens AG"
		}
		if field == "metadata.log_name" {
			if first, last, ok := strings.Cut(x.Value, "/"); ok && first != event.FindingProduct { // "behaviour" is a word, not a log
				v.add(value{fieldValue: fieldValue{field, x.Value}, count: x.Count, written: written}, last)
			}
		}
	}
	v.fields[field] = m
}

// addTypes adds the known types of device under all their words. A type that
// no device is of does not beat words of the grammar.
func (v *values) addTypes(types []DeviceType) {
	for _, t := range types {
		n, stored := v.fields["device.type"][t.Name]
		x := value{fieldValue: fieldValue{"device.type", t.Name}, count: n, written: !stored}
		for _, w := range append([]string{t.Name}, t.Words...) {
			if plain(w) != plain(t.Name) || !stored {
				v.add(x, w)
			}
			v.add(x, plural(w))
		}
	}
}

// plural is the regular plural of a noun.
func plural(w string) string {
	switch {
	case strings.HasSuffix(w, "s") || strings.HasSuffix(w, "x") || strings.HasSuffix(w, "ch"):
		return w + "es"
	case strings.HasSuffix(w, "y") && !strings.HasSuffix(w, "ay") && !strings.HasSuffix(w, "ey"):
		return w[:len(w)-1] + "ies"
	}
	return w + "s"
}

func (v *values) add(x value, under ...string) {
	name := x.value
	if len(under) > 0 {
		name = under[0]
	}
	key := plain(name)
	if key == "" {
		return
	}
	v.byPlain[key] = append(v.byPlain[key], x)
	v.longest = max(v.longest, len(key))
}

// has tells whether a field has a value, in any case, and gives its spelling.
func (v *values) has(field, want string) (string, bool) {
	if _, ok := v.fields[field][want]; ok {
		return want, true
	}
	for have := range v.fields[field] {
		if strings.EqualFold(have, want) {
			return have, true
		}
	}
	return "", false
}

// maxValueWords is how many words of a question are tried as one value.
const maxValueWords = 12

// at finds the longest run of tokens from i on that spells a stored value.
func (v *values) at(toks []token, i int) ([]value, int) {
	var b strings.Builder
	var best []value
	size := 0
	for n := 0; n < maxValueWords && i+n < len(toks); n++ {
		b.WriteString(plain(toks[i+n].text))
		if b.Len() > max(v.longest, v.names.longest) {
			break
		}
		if found := v.spelt(b.String()); found != nil {
			best, size = found, n+1
		}
	}
	return best, size
}

// spelt gives the stored values and names of these letters.
func (v *values) spelt(key string) []value {
	stored, names := v.byPlain[key], v.names.byPlain[key]
	if len(names) == 0 {
		return stored
	}
	return slices.Concat(stored, names)
}

// logs returns the stored log names whose last part is one of kinds.
func (v *values) logs(kinds []string) []string {
	var out []string
	for name := range v.fields["metadata.log_name"] {
		if slices.Contains(kinds, name[strings.LastIndexByte(name, '/')+1:]) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// any tells whether any stored event has the field.
func (v *values) any(field string) bool { return len(v.fields[field]) > 0 }
