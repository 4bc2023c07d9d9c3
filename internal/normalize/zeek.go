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
	if !ok || slot == noSlot || z.e.Has(slot) {
		if list != nil {
			v = strings.Join(list, ", ")
		}
		keep(&z.e, name, v)
		return
	}
	switch slot {
	case event.SlotConnectionInfoProtocolName, event.SlotAppName, event.SlotSrcEndpointMAC, event.SlotDstEndpointMAC:
		v = strings.ToLower(v)
	case event.SlotICSFunction:
		v = strings.TrimSpace(v)
	default:
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
	setLogName(&z.e, "zeek", "_path", logName)
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

	told, toldFor string // which log the columns tell, and of which columns that is
}

// The bounds of what a header may ask for.
const (
	maxColumns    = 1000
	maxColumnName = 256
)

// Parse implements [Parser].
func (p *zeekTSV) Parse(rec Record, emit func(*event.Event)) error {
	line := text(rec.Raw)
	if t := strings.TrimLeft(line, " \t"); strings.HasPrefix(t, "#") {
		return p.header(t)
	}
	if zeekBareHeader.MatchString(line) {
		p.empty = ""
		return p.name(line, "\t")
	}
	if strings.Count(line, p.sep) >= maxColumns {
		return fault.New(fault.Limited, "more than %d columns", maxColumns)
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
	name := p.logOf(fields)
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
		if field == "ts" && when.IsZero() {
			if when = epoch(cell); when.IsZero() {
				keep(&p.e, field, unescapeZeek(cell))
			}
			continue
		}
		if p.isList(i) && strings.Contains(cell, p.setSep) {
			list := strings.Split(cell, p.setSep)
			for n := range list {
				list[n] = unescapeZeek(list[n]) // only now: \x2c is no separator
			}
			p.column(log, ot, field, "", list)
			continue
		}
		p.column(log, ot, field, unescapeZeek(cell), nil)
	}
	p.done(rec, name, log, when, emit)
}

// isList tells whether the types say that column i has several values.
func (p *zeekTSV) isList(i int) bool {
	return i < len(p.types) && (strings.HasPrefix(p.types[i], "set[") || strings.HasPrefix(p.types[i], "vector["))
}

// logOf is the log's name: the header's, else what the columns tell.
func (p *zeekTSV) logOf(fields []string) string {
	if p.named {
		return p.log
	}
	if key := strings.Join(fields, "\t"); p.told == "" || key != p.toldFor {
		p.told, p.toldFor = logOfColumns(fields, p.log), key
	}
	return p.told
}

// name takes the names of the columns. A header that asks for too much is
// refused, and the rows below it are read as if it were not there.
func (p *zeekTSV) name(names, sep string) error {
	p.fields, p.types = nil, nil
	if strings.Count(names, sep) >= maxColumns {
		return fault.New(fault.Limited, "a header of more than %d columns", maxColumns)
	}
	fields := strings.Split(names, sep)
	for _, f := range fields {
		if len(f) > maxColumnName {
			return fault.New(fault.Limited, "a column name longer than %d bytes", maxColumnName)
		}
	}
	p.fields = fields
	return nil
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
	key, rest, ok := strings.Cut(line, p.sep)
	if !ok {
		return nil
	}
	first, _, _ := strings.Cut(rest, p.sep)
	switch key {
	case "#set_separator":
		p.setSep = first
		if p.setSep == "" {
			p.setSep = ","
		}
	case "#empty_field":
		p.empty = first
	case "#unset_field":
		p.unset = first
	case "#path":
		p.log, p.named = strings.ToLower(first), true
	case "#fields":
		return p.name(rest, p.sep)
	case "#types":
		p.types = strings.SplitN(rest, p.sep, maxColumns)
	}
	return nil
}

// unescapeZeek undoes \xNN, which Zeek writes for bytes that would break the
// format or are no text; the latter stay as they are.
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
	return text(b.String())
}
