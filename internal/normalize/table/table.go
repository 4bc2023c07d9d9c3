// Package table reads tables of any tool: CSV, or with semicolons, tabs or bars,
// under a header that names the columns. What the columns mean is told by their
// names, or by a [Mapping] before the header.
//
// Of a table of measurements each number is an event; else each row is one.
package table

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

// CSV is a table with a header.
func CSV() record.Dialect {
	return record.Dialect{
		Name: "csv", Detect: detect,
		New: func(src record.Source) record.Parser { return newParser(src) },
	}
}

const (
	sureMapped = 100
	sureKnown  = 50 // less than any dialect that knows its own columns
	minColumns = 2
	maxColumns = 512
)

// detect looks at the header and the first row: two names that are fields, or a
// time and numbers.
func detect(head []byte, _ string) int {
	if bytes.HasPrefix(head, []byte(mark)) {
		return sureMapped
	}
	first, rest, ok := bytes.Cut(bytes.TrimLeft(head, "\r\n \t"), []byte("\n"))
	if !ok || !utf8.Valid(first) || bytes.HasPrefix(first, []byte("{")) || bytes.HasPrefix(first, []byte("[")) {
		return 0
	}
	row, _, _ := bytes.Cut(bytes.TrimLeft(rest, "\r\n"), []byte("\n"))
	h := newLayout(strings.TrimRight(string(first), "\r"), nil)
	if h == nil {
		return 0
	}
	cells, open := split(strings.TrimRight(record.Text(row), "\r"), h.delimiter, nil)
	if len(cells) != len(h.columns) && !open || len(cells) > len(h.columns) {
		return 0
	}
	if h.known >= minKnown || h.sees(cells) == shapeMeasures {
		return sureKnown
	}
	return 0
}

// minKnown is how many names must be fields.
const minKnown = 2

// column is what a column holds.
type column struct {
	name    string
	unit    string // that its name ends in, in brackets
	slot    event.Slot
	isTime  bool
	measure bool // a number is a reading, if the table is one of measurements
}

// layout is what the header says.
type layout struct {
	delimiter byte
	columns   []column
	known     int // columns that have a field
	mapped    bool
	measures  bool // by the mapping
	value     bool // there is a column of the value: one reading a row
}

// timeNames are the usual names of the time of a row.
var timeNames = map[string]bool{
	"time": true, "ts": true, "timestamp": true, "datetime": true, "date": true, "date_time": true, "date time": true, "eventtime": true, "event_time": true,
	"starttime": true, "start_time": true, "timegenerated": true, "@timestamp": true, "utc": true, "zeit": true, "zeitstempel": true, "_time": true, "t_stamp": true,
	"recorded_at": true, "created_at": true, "timestamp(utc)": true, "time_utc": true, "datetime_utc": true,
}

// judgements are columns that say what a person thought of a row, or count it.
var judgements = map[string]bool{
	"anomaly": true, "changepoint": true, "label": true, "class": true, "target": true, "attack": true, "fault": true, "outlier": true, "id": true, "index": true, "row": true,
	"no": true, "no.": true, "seq": true, "quality": true,
}

// newLayout reads a header; nil if it is none: cells that are empty, numbers,
// long or the same.
func newLayout(line string, m *Mapping) *layout {
	h := &layout{mapped: m != nil}
	count := 0
	if h.delimiter, count = delimiterOf(line); m != nil && m.Delimiter != "" {
		h.delimiter = m.Delimiter[0]
	}
	if count+1 < minColumns && m == nil || count+1 > maxColumns {
		return nil
	}
	names, open := split(line, h.delimiter, nil)
	if open || m == nil && !headerLike(names) || len(names) > maxColumns {
		return nil
	}
	schema := event.NewSchema()
	h.columns = make([]column, len(names))
	for i, name := range names {
		h.columns[i] = h.column(schema, strings.TrimSpace(name), m)
	}
	return h
}

func headerLike(names []string) bool {
	seen := map[string]bool{}
	for i, name := range names {
		name = strings.TrimSpace(name)
		letters := strings.IndexFunc(name, unicode.IsLetter) >= 0
		if len(name) > 64 || seen[name] || !letters && (name != "" || i > 0 && i < len(names)-1) || strings.Count(name, " ") > 4 {
			return false
		}
		seen[name] = true
	}
	return true
}

func (h *layout) column(schema *event.Schema, name string, m *Mapping) column {
	c := column{name: name, slot: record.NoSlot}
	field, mapped := "", false
	if m != nil {
		field, mapped = m.Columns[name]
	}
	low := strings.ToLower(name)
	switch {
	case mapped && field == wordTime:
		c.isTime = true
	case mapped && field == wordMeasure:
		c.measure, h.measures = true, true
		c.name, c.unit = unitOf(name)
	case mapped && field == wordKeep:
	case mapped:
		c.slot, _ = slotOf(schema, field)
	case timeNames[low]:
		c.isTime = true
	case judgements[low]:
	default:
		slot, ok := slotOf(schema, name)
		if ok {
			c.slot, c.measure = slot, slot == event.SlotSeverityId || slot == event.SlotCount // the level of a tank, too
			h.known++
		} else {
			c.measure = true
			c.name, c.unit = unitOf(name)
		}
	}
	if low == "value" && c.slot == event.SlotICSValue && !mapped { // of a meter sooner than of a register
		c.slot = event.SlotMetricValue
	}
	h.value = h.value || c.slot == event.SlotMetricValue
	return c
}

// unitOf cuts the unit in brackets off a name.
func unitOf(name string) (string, string) {
	for _, pair := range [...]string{"[]", "()"} {
		if i := strings.LastIndexByte(name, pair[0]); i > 0 && strings.HasSuffix(name, pair[1:]) {
			return strings.TrimSpace(name[:i]), strings.TrimSpace(name[i+1 : len(name)-1])
		}
	}
	return name, ""
}
