// Package record owns what all parsers share: the seam between them and their
// readers, and how a value gets into an event without loss.
//
// It must not know any dialect.
package record

import (
	"bufio"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/moment"
)

// Parser understands one dialect. A Parser is used for one source at a time
// and may keep state of it, such as a header that names the columns.
type Parser interface {
	// Parse reads one record (a line without its line end, or one JSON value)
	// and calls emit for each event it holds, usually one; a header line
	// emits none. The event passed to emit and the record's bytes are valid
	// only until emit returns. An error says why the record is rejected; the
	// parser stays usable for the next one.
	Parse(rec Record, emit func(*event.Event)) error
}

// Record is one record of a source.
type Record struct {
	Raw    []byte
	Offset int64 // position of its first byte in the source
}

// Dialect is one format that can be recognised and parsed. Registration is an
// explicit list, see normalize.Dialects.
type Dialect struct {
	Name string // "zeek-tsv", "zeek-json", "eve", "syslog", ...

	// Detect looks at the first bytes of a source (up to 64 KiB, whole
	// records but for the last) and its name, and says how sure it is that the
	// source speaks this dialect, 0 to 100. Content decides; the name may
	// only settle what content leaves open.
	Detect func(head []byte, name string) int

	// New makes a parser for one source.
	New func(src Source) Parser

	// Cut, if set, cuts the source into records by the dialect's own rules, such
	// as the packets of a capture, and Detect is shown the head as it is, binary
	// or not. It returns the function that gives record after record, valid
	// until the next call, with its offset; then io.EOF. Any other error ends
	// the source and says why. Nil means lines, or JSON values that span lines.
	Cut func(in *bufio.Reader) func() (raw []byte, offset int64, err error)

	// Filter, if set, makes of a person's filter what tells which records of a source are
	// read. What it gives belongs to one source.
	Filter func(text string) (fits func(raw []byte) (bool, error), err error)

	// Piecemeal says of a dialect with Cut that its records may come a few at a
	// time, as datagrams and messages do, to a parser that goes on. A parser of
	// one without Cut always may.
	Piecemeal bool

	// Memoryless says that a parser keeps nothing of one record for the next but
	// what names its own origin: one may read the records of any number of
	// senders.
	Memoryless bool
}

// Hearer is a Parser that makes use of how records came. Hear is called before
// those it is about; what it says holds until the next call.
type Hearer interface {
	Parser
	Hear(c Carrier)
}

// Learner is a Parser that is told once what it needs for records that come later,
// such as templates.
type Learner interface {
	Parser
	// Learnt gives records that tell a new parser all of it, and a number that
	// changes when they do. They hold no events.
	Learnt() (records [][]byte, version uint64)
}

// Carrier is what a live source knows of records beyond their bytes.
type Carrier struct {
	Received      time.Time
	Topic, Client string // of MQTT
	Metric        string // what is measured, as the topic tells
}

// Clock is what a source's clock showed when records came so: a parser may go on
// for days.
func (s *Source) Clock(c Carrier) {
	if !c.Received.IsZero() {
		s.Now = c.Received
	}
}

// Ender is a Parser that holds events back until more is known, such as a
// connection until it ends. End is called once, after the last record.
type Ender interface {
	Parser
	End(emit func(*event.Event))
}

// Source is what a parser is told about the origin of its records.
type Source struct {
	ID       string         // event.SourceID of its first bytes
	Name     string         // path or address, for metadata.source
	Modified time.Time      // last change of the file; zero if unknown
	Now      time.Time      // the clock when reading began
	Location *time.Location // zone of times that name none; nil means UTC

	// Broke, if set, hears of a part of the parser that panicked and was borne: its
	// name, the bytes, and what recover gave. It is called by the deferred function.
	Broke func(part string, data []byte, what any)

	texts *Texts // of its records
}

// Frame is what the source's times are read by that do not say all: the last
// change of the file, else the clock, and the source's location.
func (s *Source) Frame() moment.Frame {
	ref := s.Modified
	if ref.IsZero() {
		ref = s.Now
	}
	return moment.Frame{Ref: ref, Loc: s.Location}
}
