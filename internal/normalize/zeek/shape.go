package zeek

import (
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/ics"
	"vedette/internal/normalize/record"
)

// zeekShape is what the columns of a Zeek record mean. It is found out once
// for a header, or for the keys of a JSON object, and not for each record.
type zeekShape struct {
	name     string // the log, as the source calls it
	logName  string // metadata.log_name
	log      zeekLog
	protocol string // of OT; "" for other logs
	columns  []zeekColumn
	distinct bool // no two columns are kept under the same name
}

type zeekColumn struct {
	name string
	slot event.Slot // record.NoSlot: it is kept under its own name
	role role
	list bool // it may have several values in one cell
}

// role is what a column is to the record as a whole.
type role uint8

const (
	roleOther role = iota
	roleTime       // when it was
	rolePath       // which log it is of
)

func roleOf(column string) role {
	switch column {
	case "ts":
		return roleTime
	case "_path":
		return rolePath
	}
	return roleOther
}

func newZeekShape(name string, columns []string) *zeekShape {
	s := &zeekShape{
		name: name, logName: "zeek/" + record.LogWord(name), log: zeekLogs[name], protocol: ics.Protocol(name),
		columns: make([]zeekColumn, len(columns)), distinct: true,
	}
	seen := make(map[string]bool, len(columns))
	for i, c := range columns {
		s.columns[i] = zeekColumn{name: c, slot: s.slotOf(c), role: roleOf(c)}
		if c == "" {
			c = record.NoName
		}
		s.distinct = s.distinct && !seen[c]
		seen[c] = true
	}
	return s
}

func (s *zeekShape) slotOf(column string) event.Slot {
	slot, ok := s.log.columns[column]
	if !ok && s.protocol != "" {
		slot, ok = ics.Columns[column]
	}
	if !ok {
		slot, ok = zeekCommon[column]
	}
	if !ok {
		return record.NoSlot
	}
	return slot
}

// zeek turns the columns of one Zeek record into an event. Both spellings of
// Zeek's logs, tab separated and JSON, end here.
type zeek struct {
	src record.Source
	e   event.Event
}

// column puts one column of a shape in. list is set for a column with several
// values; v may then have them joined.
func (z *zeek) column(s *zeekShape, c *zeekColumn, v string, list []string) {
	slot := c.slot
	if slot == record.NoSlot || z.e.Has(slot) {
		if list != nil && v == "" {
			v = strings.Join(list, ", ")
		}
		if s.distinct && c.name != "" {
			z.e.AddExtra(c.name, v)
		} else {
			record.Keep(&z.e, c.name, v)
		}
		return
	}
	switch slot {
	case event.SlotConnectionInfoProtocolName, event.SlotAppName, event.SlotSrcEndpointMAC, event.SlotDstEndpointMAC:
		v = record.Lower(v)
	case event.SlotICSFunction:
		v = strings.TrimSpace(v)
	default:
	}
	if list != nil {
		record.SetList(&z.e, slot, c.name, list)
		return
	}
	if slot == event.SlotICSFunctionCode {
		if _, isCode := record.ParseInt(v); !isCode && !z.e.Has(event.SlotICSFunction) {
			slot = event.SlotICSFunction // dnp3_control writes the name here
		}
	}
	record.Set(&z.e, slot, c.name, v)
}

// done gives the record its class, product and outcome and emits it. raw is
// the record as text.
func (z *zeek) done(rec record.Record, raw string, s *zeekShape, when time.Time, emit func(*event.Event)) {
	z.e.SetMetadataProduct("Zeek")
	record.SetLogName(&z.e, s.logName, "_path", s.name)
	if z.e.ClassUID() == 0 {
		z.e.SetClassUID(int64(s.log.class))
	}
	if s.log.app != "" && !z.e.Has(event.SlotAppName) {
		z.e.SetAppName(s.log.app)
	}
	if s.log.finish != nil {
		s.log.finish(&z.e)
	}
	if s.protocol != "" {
		ics.Finish(&z.e, s.name, s.protocol)
	}
	record.Finish(&z.e, &z.src, rec, raw, 0, when)
	emit(&z.e)
}
