package normalize

import (
	"bytes"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// zeek turns the columns of one Zeek record into an event. Both spellings of
// Zeek's logs, tab separated and JSON, end here.
type zeek struct {
	src Source
	e   event.Event
}

// column puts one column in. list is set for a column with several values.
func (z *zeek) column(log zeekLog, ot bool, name, v string, list []string) {
	slot, ok := log.columns[name]
	if !ok && ot {
		slot, ok = otColumns[name]
	}
	if !ok {
		slot, ok = zeekCommon[name]
	}
	if !ok || z.e.Has(slot) && slot != event.SlotTime {
		if list != nil {
			v = strings.Join(list, ", ")
		}
		z.e.SetExtra(name, v)
		return
	}
	switch slot {
	case event.SlotConnectionInfoProtocolName, event.SlotAppName, event.SlotSrcEndpointMAC, event.SlotDstEndpointMAC:
		v = strings.ToLower(v)
	case event.SlotICSFunction:
		v = strings.TrimSpace(v)
	}
	if list != nil {
		setList(&z.e, slot, name, list)
		return
	}
	if slot == event.SlotICSFunctionCode {
		if _, isCode := parseInt(v); !isCode && !z.e.Has(event.SlotICSFunction) {
			slot = event.SlotICSFunction // dnp3_control writes the name here
		}
	}
	set(&z.e, slot, name, v)
}

// done gives the record its class, product and outcome and emits it.
func (z *zeek) done(rec Record, logName string, log zeekLog, when time.Time, emit func(*event.Event)) {
	z.e.SetMetadataProduct("Zeek")
	z.e.SetMetadataLogName("zeek/" + logName)
	if z.e.ClassUID() == 0 {
		z.e.SetClassUID(int64(log.class))
	}
	if log.app != "" && !z.e.Has(event.SlotAppName) {
		z.e.SetAppName(log.app)
	}
	if log.finish != nil {
		log.finish(&z.e)
	}
	if p := otProtocol(logName); p != "" {
		finishOT(&z.e, logName, p)
	}
	finish(&z.e, &z.src, rec, 0, when)
	emit(&z.e)
}

// logOfName is the log that a file name tells: "conn.log", "conn.12:00.log.gz"
// and "conn_20250101.log" are conn logs.
func logOfName(name string) string {
	base := strings.ToLower(path.Base(strings.ReplaceAll(name, "\\", "/")))
	base, _, _ = strings.Cut(base, ".")
	return strings.TrimRight(base, "0123456789-_:")
}

// ZeekTSV is Zeek's tab-separated format: header lines that start with "#"
// name separators, columns and types; they may come again in mid-file. Logs
// whose header was stripped are recognised by the shape of their first six
// columns and read with the built-in layouts.
func ZeekTSV() Dialect {
	return Dialect{
		Name:   "zeek-tsv",
		Detect: detectZeekTSV,
		New: func(src Source) Parser {
			return &zeekTSV{zeek: zeek{src: src}, sep: "\t", setSep: ",", empty: "(empty)", unset: "-", log: logOfName(src.Name)}
		},
	}
}

var (
	zeekBareRow    = regexp.MustCompile(`^(?:\d{1,12}\.\d{1,9}|X{10}\.X{6})\tC[0-9A-Za-z]{8,20}\t[0-9A-Fa-f:.]+\t\d{1,5}\t[0-9A-Fa-f:.]+\t\d{1,5}(?:\t|$)`)
	zeekBareHeader = regexp.MustCompile(`^ts\tuid\tid\.orig_h\t`)
)

func detectZeekTSV(head []byte, _ string) int {
	for n, line := range bytes.Split(head, []byte("\n")) {
		line = bytes.TrimRight(line, "\r")
		trimmed := bytes.TrimLeft(line, " \t")
		switch {
		case n > 50:
			return 0
		case bytes.HasPrefix(trimmed, []byte("#separator ")), bytes.HasPrefix(trimmed, []byte("#fields\t")):
			return 100
		case zeekBareHeader.Match(line):
			return 95
		case zeekBareRow.Match(line):
			return 90
		case len(trimmed) == 0, trimmed[0] == '#':
		default:
			return 0
		}
	}
	return 0
}

type zeekTSV struct {
	zeek
	sep, setSep, empty, unset string
	fields, types             []string
	log                       string
	named                     bool // the header named the log
}

// Parse implements [Parser].
func (p *zeekTSV) Parse(rec Record, emit func(*event.Event)) error {
	line := string(rec.Raw)
	if t := strings.TrimLeft(line, " \t"); strings.HasPrefix(t, "#") {
		return p.header(t)
	}
	if zeekBareHeader.MatchString(line) {
		p.fields, p.types = strings.Split(line, "\t"), nil
		p.empty = ""
		return nil
	}
	cells := strings.Split(line, p.sep)
	fields := p.fields
	if fields == nil {
		if !zeekBareRow.MatchString(line) {
			return fault.New(fault.Invalid, "a line before any #fields header that is no Zeek record")
		}
		fields = layoutOf(p.log, len(cells))
	}
	if len(cells) < len(fields) {
		return fault.New(fault.Invalid, "%d columns where the header names %d", len(cells), len(fields))
	}
	p.row(rec, cells, fields, emit)
	return nil
}

func (p *zeekTSV) row(rec Record, cells, fields []string, emit func(*event.Event)) {
	p.e.Reset()
	name := p.log
	if !p.named {
		name = logOfColumns(fields, p.log)
	}
	log, ot := zeekLogs[name], otProtocol(name) != ""
	var when time.Time
	for i, cell := range cells {
		if cell == p.unset || cell == p.empty || cell == "" {
			continue
		}
		field := "col" + strconv.Itoa(i+1)
		if i < len(fields) {
			field = fields[i]
		}
		cell = unescapeZeek(cell)
		if field == "ts" {
			if when = epoch(cell); when.IsZero() {
				p.e.SetExtra(field, cell)
			}
			continue
		}
		if i < len(p.types) && (strings.HasPrefix(p.types[i], "set[") || strings.HasPrefix(p.types[i], "vector[")) && strings.Contains(cell, p.setSep) {
			p.column(log, ot, field, "", strings.Split(cell, p.setSep))
			continue
		}
		p.column(log, ot, field, cell, nil)
	}
	p.done(rec, name, log, when, emit)
}

// header reads one "#" line. Comments that are no header are passed over.
func (p *zeekTSV) header(line string) error {
	if sep, ok := strings.CutPrefix(line, "#separator "); ok {
		sep = unescapeZeek(strings.TrimSpace(sep))
		if sep == "" {
			return fault.New(fault.Invalid, "the #separator header names no separator")
		}
		p.sep = sep
		return nil
	}
	parts := strings.Split(line, p.sep)
	if len(parts) < 2 {
		return nil
	}
	switch parts[0] {
	case "#set_separator":
		p.setSep = parts[1]
		if p.setSep == "" {
			p.setSep = ","
		}
	case "#empty_field":
		p.empty = parts[1]
	case "#unset_field":
		p.unset = parts[1]
	case "#path":
		p.log, p.named = strings.ToLower(parts[1]), true
	case "#fields":
		p.fields, p.types = parts[1:], nil
	case "#types":
		p.types = parts[1:]
	}
	return nil
}

// unescapeZeek undoes \xNN, which Zeek writes for bytes that would break the
// format.
func unescapeZeek(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && s[i+1] == 'x' {
			if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}
