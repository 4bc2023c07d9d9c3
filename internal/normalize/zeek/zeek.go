// Package zeek reads the logs of Zeek and its plug-ins, tab separated and JSON.
//
// It must not know other writers of JSON.
package zeek

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// logOfName is the log that a file name tells: "conn.log", "conn.12:00.log.gz"
// and "conn_20250101.log" are conn logs.
func logOfName(name string) string {
	base := strings.ToLower(path.Base(strings.ReplaceAll(name, "\\", "/")))
	base, _, _ = strings.Cut(base, ".")
	return strings.TrimRight(base, "0123456789-_:")
}

// TSV is Zeek's tab-separated format: header lines that start with "#"
// name separators, columns and types; they may come again in mid-file. Logs
// whose header was stripped are recognised by the shape of their first six
// columns and read with the built-in layouts.
func TSV() record.Dialect {
	return record.Dialect{
		Name:   "zeek-tsv",
		Detect: detectZeekTSV,
		New: func(src record.Source) record.Parser {
			return &zeekTSV{zeek: zeek{src: src}, sep: "\t", setSep: ",", empty: "(empty)", unset: "-", log: logOfName(src.Name)}
		},
	}
}

const zeekBareHeader = "ts\tuid\tid.orig_h\t"

var zeekBareRow = regexp.MustCompile(`^(?:\d{1,12}\.\d{1,9}|X{10}\.X{6})\tC[0-9A-Za-z]{8,20}\t[0-9A-Fa-f:.]+\t\d{1,5}\t[0-9A-Fa-f:.]+\t\d{1,5}(?:\t|$)`)

func detectZeekTSV(head []byte, _ string) int {
	for n, line := range bytes.Split(head, []byte("\n")) {
		line = bytes.TrimRight(line, "\r")
		trimmed := bytes.TrimLeft(line, " \t")
		switch {
		case n > 50:
			return 0
		case bytes.HasPrefix(trimmed, []byte("#separator ")), bytes.HasPrefix(trimmed, []byte("#fields\t")):
			return 100
		case bytes.HasPrefix(line, []byte(zeekBareHeader)):
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

	cells []string   // of the row being read
	shape *zeekShape // of the last row; nil after a header line
}

// The bounds of what a header may ask for.
const (
	maxColumns    = 1000
	maxColumnName = 256
)

// Parse implements [Parser].
func (p *zeekTSV) Parse(rec record.Record, emit func(*event.Event)) error {
	line := record.Text(p.src.Keep(rec.Raw))
	if t := strings.TrimLeft(line, " \t"); strings.HasPrefix(t, "#") {
		p.shape = nil
		return p.header(t)
	}
	if strings.HasPrefix(line, zeekBareHeader) {
		p.shape, p.empty = nil, ""
		return p.name(line, "\t")
	}
	if err := p.cut(line); err != nil {
		return err
	}
	if p.fields == nil && !zeekBareRow.MatchString(line) {
		return fault.New(fault.Invalid, "a line before any #fields header that is no Zeek record")
	}
	if len(p.cells) < len(p.fields) {
		return fault.New(fault.Invalid, "%d columns where the header names %d", len(p.cells), len(p.fields))
	}
	if p.shape == nil || len(p.shape.columns) != len(p.cells) {
		p.shape = p.shapeOf(len(p.cells))
	}
	if n := len(p.shape.columns); len(p.cells) < n { // of a layout
		return fault.New(fault.Invalid, "%d columns where the header names %d", len(p.cells), n)
	}
	p.row(rec, line, emit)
	return nil
}

// cut cuts a line into its cells.
func (p *zeekTSV) cut(line string) error {
	clear(p.cells)
	p.cells = p.cells[:0]
	for {
		cell, rest, more := strings.Cut(line, p.sep)
		if len(p.cells) >= maxColumns {
			return fault.New(fault.Limited, "more than %d columns", maxColumns)
		}
		p.cells = append(p.cells, cell)
		if !more {
			return nil
		}
		line = rest
	}
}

// shapeOf is the meaning of a row of n cells: as the header names them, or as
// the log of a stripped header has them. More cells than names are called by
// their position.
func (p *zeekTSV) shapeOf(n int) *zeekShape {
	fields := p.fields
	if fields == nil {
		fields = layoutOf(p.log, n)
	}
	log := p.log
	if !p.named {
		log = logOfColumns(fields, p.log)
	}
	all := slices.Clip(fields)
	for i := len(all); i < n; i++ {
		all = append(all, "col"+strconv.Itoa(i+1))
	}
	s := newZeekShape(log, all)
	for i := range min(n, len(p.types)) {
		s.columns[i].list = strings.HasPrefix(p.types[i], "set[") || strings.HasPrefix(p.types[i], "vector[")
	}
	return s
}

func (p *zeekTSV) row(rec record.Record, line string, emit func(*event.Event)) {
	p.e.Reset()
	escaped := strings.Contains(line, `\x`)
	var when time.Time
	for i, cell := range p.cells {
		if cell == p.unset || cell == p.empty || cell == "" {
			continue
		}
		c := &p.shape.columns[i]
		if c.role == roleTime && when.IsZero() {
			if when = moment.Epoch(cell); when.IsZero() {
				record.Keep(&p.e, c.name, unescapeZeek(cell))
			}
			continue
		}
		if c.list && strings.Contains(cell, p.setSep) {
			list := strings.Split(cell, p.setSep)
			for n := range list {
				list[n] = unescapeZeek(list[n]) // only now: \x2c is no separator
			}
			p.column(p.shape, c, "", list)
			continue
		}
		if escaped {
			cell = unescapeZeek(cell)
		}
		p.column(p.shape, c, cell, nil)
	}
	p.done(rec, line, p.shape, when, emit)
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
	return record.Text(b.String())
}
