package table

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// Mapping says what the columns of a table mean, where their names do not.
type Mapping struct {
	// Columns gives a column's field by its name or an alias, "time", or "-" to
	// keep it as it is. "measure" makes its numbers device telemetry.
	Columns map[string]string `json:"columns" yaml:"columns"`
	// TimeFormat is how times are written, as Go spells it ("2006-01-02
	// 15:04"); without it the usual spellings are tried.
	TimeFormat string `json:"time_format,omitempty" yaml:"time_format"`
	Class      string `json:"class,omitempty" yaml:"class"`         // of all rows, by its OCSF name
	LogName    string `json:"log_name,omitempty" yaml:"log_name"`   // "TOOL/LOG"
	Product    string `json:"product,omitempty" yaml:"product"`     // what wrote the table
	Delimiter  string `json:"delimiter,omitempty" yaml:"delimiter"` // one character
}

// mark begins the line that carries a mapping before the header.
const mark = "#vedette-mapping "

// The words of Columns that are no field.
const (
	wordTime    = "time"
	wordKeep    = "-"
	wordMeasure = "measure"
)

const maxMapping = 256 << 10

// Line is the mapping as the first line of a source, after it was checked. It
// travels with the rows, so that it makes no difference who reads them.
func (m *Mapping) Line() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "writing the mapping")
	}
	if len(text) > maxMapping {
		return nil, fault.New(fault.Limited, "the mapping is longer than %d KiB", maxMapping>>10)
	}
	return append(append([]byte(mark), text...), '\n'), nil
}

// parseMapping reads what [Mapping.Line] wrote.
func parseMapping(line string) (*Mapping, error) {
	text, ok := strings.CutPrefix(line, mark)
	if !ok || len(text) > maxMapping {
		return nil, fault.New(fault.Invalid, "no mapping")
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.DisallowUnknownFields()
	m := new(Mapping)
	if err := dec.Decode(m); err != nil {
		return nil, fault.New(fault.Invalid, "the mapping cannot be read")
	}
	return m, m.check()
}

func (m *Mapping) check() error {
	schema := event.NewSchema()
	for column, field := range m.Columns {
		if _, ok := slotOf(schema, field); !ok && field != wordTime && field != wordKeep && field != wordMeasure {
			return fault.New(fault.Invalid, "the mapping gives column %q the field %q, which is none", column, field).
				WithHint("the fields are in docs/query.md; \"-\" keeps a column as it is, \"measure\" makes it telemetry")
		}
	}
	if _, ok := event.ClassByName(m.Class); m.Class != "" && !ok {
		return fault.New(fault.Invalid, "the mapping names the class %q, which is none", m.Class).WithHint("the classes are %v", event.ClassNames())
	}
	if len(m.Delimiter) > 1 {
		return fault.New(fault.Invalid, "the delimiter %q is not one character", m.Delimiter)
	}
	if m.TimeFormat != "" && time.Unix(0, 0).Format(m.TimeFormat) == m.TimeFormat {
		return fault.New(fault.Invalid, "the time format %q has no part of a time", m.TimeFormat).WithHint("write 2006-01-02 15:04:05 the way the table has it")
	}
	if tool, log, ok := strings.Cut(m.LogName, "/"); m.LogName != "" && (!ok || !isWord(tool) || !isWord(log)) {
		return fault.New(fault.Invalid, "the log name %q is not like \"tool/log\"", m.LogName)
	}
	return nil
}

func isWord(s string) bool {
	if s == "" || len(s) > 48 {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// ours are fields that a table must not set: what became of the record here,
// and what was judged of it.
var ours = map[event.Slot]bool{
	event.SlotMetadataUID: true, event.SlotMetadataSource: true, event.SlotMetadataClockSuspect: true, event.SlotMetadataLogName: true,
	event.SlotRaw: true, event.SlotLabelConfidentiality: true, event.SlotLabelIntegrity: true, event.SlotDeviceUID: true, event.SlotSrcEndpointUID: true,
	event.SlotDstEndpointUID: true, event.SlotAnomalyScore: true, event.SlotAnomalyReasons: true, event.SlotClassUID: true,
	event.SlotTemplateUID: true, event.SlotTemplateText: true,
}

// slotOf finds the field that a table may set under a name.
func slotOf(schema *event.Schema, name string) (event.Slot, bool) {
	f, ok := schema.Lookup(name)
	if !ok || !f.Stored() || ours[f.Slot] || f.Slot == event.SlotTime {
		return 0, false
	}
	return f.Slot, true
}
