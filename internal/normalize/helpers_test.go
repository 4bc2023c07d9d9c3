package normalize_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"
	"unicode/utf8"

	"vedette/internal/event"
	"vedette/internal/normalize"
)

// clock is when all the tests read.
var clock = time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)

// outcome is what became of one record.
type outcome struct {
	raw    []byte
	offset int64
	event  *event.Event // nil for a header or a reject
	err    error
}

// dialect finds a dialect by its name.
func dialect(t testing.TB, name string) normalize.Dialect {
	t.Helper()
	for _, d := range normalize.Dialects() {
		if d.Name == name {
			return d
		}
	}
	t.Fatalf("there is no dialect %q", name)
	return normalize.Dialect{}
}

// detect picks the dialect as package ingest does.
func detect(data []byte, name string) string {
	best, sure := "", 0
	for _, d := range normalize.Dialects() {
		if n := d.Detect(data[:min(len(data), 64<<10)], name); n > sure {
			best, sure = d.Name, n
		}
	}
	return best
}

func newParser(d normalize.Dialect, name string, data []byte) normalize.Parser {
	return d.New(normalize.Source{ID: event.SourceID(data), Name: name, Modified: clock, Now: clock})
}

// parseLines reads data line by line. Blank lines are left out, as package
// ingest leaves them out.
func parseLines(d normalize.Dialect, name string, data []byte) []outcome {
	p := newParser(d, name, data)
	if holder, ok := p.(normalize.Ender); ok {
		return parseHeld(holder, data)
	}
	var out []outcome
	offset := int64(0)
	for line := range bytes.Lines(data) {
		raw := bytes.TrimRight(line, "\r\n")
		if len(bytes.TrimSpace(raw)) > 0 {
			out = append(out, parseOne(p, normalize.Record{Raw: raw, Offset: offset}))
		}
		offset += int64(len(line))
	}
	return out
}

// parseHeld is parseLines for a parser that puts several records into one
// event: the raw bytes of an outcome are those of its event.
func parseHeld(p normalize.Ender, data []byte) []outcome {
	var out []outcome
	take := func(e *event.Event) {
		o := outcome{raw: []byte(e.Str(event.SlotRaw)), event: e.Clone()}
		if bad := invariant(o.event); bad != "" {
			o.err = fmt.Errorf("BROKEN: %s", bad)
		}
		out = append(out, o)
	}
	offset := int64(0)
	for line := range bytes.Lines(data) {
		raw := bytes.TrimRight(line, "\r\n")
		if len(bytes.TrimSpace(raw)) > 0 {
			if err := p.Parse(normalize.Record{Raw: raw, Offset: offset}, take); err != nil {
				out = append(out, outcome{raw: raw, offset: offset, err: err})
			}
		}
		offset += int64(len(line))
	}
	p.End(take)
	return out
}

// parseOne reads one record that may hold at most one event, and checks what
// holds for every event.
func parseOne(p normalize.Parser, rec normalize.Record) outcome {
	o := outcome{raw: rec.Raw, offset: rec.Offset}
	n := 0
	o.err = p.Parse(rec, func(e *event.Event) {
		o.event = e.Clone()
		n++
	})
	switch {
	case n > 1:
		o.err = fmt.Errorf("BROKEN: %d events of one record", n)
	case n == 1 && o.err != nil:
		o.err = fmt.Errorf("BROKEN: an event and the error %w", o.err)
	case n == 1:
		if bad := invariant(o.event); bad != "" {
			o.err = fmt.Errorf("BROKEN: %s", bad)
		}
	}
	return o
}

// invariant says what is wrong with an event that no parser may emit, or "".
func invariant(e *event.Event) string {
	for _, s := range []event.Slot{event.SlotTime, event.SlotMetadataUID, event.SlotMetadataLogName, event.SlotMetadataProduct, event.SlotClassUID, event.SlotRaw, event.SlotLabelIntegrity, event.SlotLabelConfidentiality} {
		if !e.Has(s) {
			return event.FieldOf(s).Name + " is not set"
		}
	}
	when := e.TimeField()
	if far := when.Year() < 1995 || when.Sub(clock) > 24*time.Hour; far != e.MetadataClockSuspect() {
		return fmt.Sprintf("time %v and clock_suspect %v", when, e.MetadataClockSuspect())
	}
	if len(e.MetadataLogName()) > 100 {
		return "the log's name is too long"
	}
	for _, r := range e.MetadataLogName() {
		if r <= ' ' || r > '~' {
			return fmt.Sprintf("the log's name %q", e.MetadataLogName())
		}
	}
	for _, s := range e.Slots() {
		f := event.FieldOf(s)
		if !utf8.ValidString(e.Str(s)) {
			return f.Name + " is not valid UTF-8"
		}
		for _, v := range e.List(s) {
			if !utf8.ValidString(v) {
				return f.Name + " is not valid UTF-8"
			}
		}
	}
	for _, x := range e.Extras() {
		if !utf8.ValidString(x.Name) || !utf8.ValidString(x.Value) {
			return fmt.Sprintf("extra %q is not valid UTF-8", x.Name)
		}
	}
	return ""
}
