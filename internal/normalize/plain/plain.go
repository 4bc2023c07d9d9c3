// Package plain is the fallback for text that no other package knows.
//
// It must not reject anything.
package plain

import (
	"bytes"
	"path"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/parameter"
	"vedette/internal/normalize/record"
)

// Text is the fallback for text that nothing else knows: each line is an event
// with its words as message. Time, level, process and component that stand before
// the words are lifted off, and lines of one pattern share a template. A line without
// a time, such as one of a trace of calls, has that of the line before, and says so.
// Nothing is rejected, so that unknown logs are at least searchable.
func Text() record.Dialect {
	return record.Dialect{
		Name: "text",
		Detect: func(head []byte, _ string) int {
			if len(bytes.TrimSpace(head)) == 0 {
				return 0
			}
			return 1
		},
		New: func(src record.Source) record.Parser {
			return &plainText{src: src, frame: src.Frame(), log: "text/" + textLog(src.Name)}
		},
	}
}

type plainText struct {
	src   record.Source
	frame moment.Frame
	log   string
	e     event.Event
	says  parameter.Reader
	last  time.Time // of the newest line that has one
}

// textLog names the log after the file, without what looks like a rotation.
func textLog(name string) string {
	base, _, _ := strings.Cut(path.Base(strings.ReplaceAll(name, "\\", "/")), ".")
	return record.LogWord(strings.TrimRight(base, "0123456789-_"))
}

// Parse implements [Parser].
func (p *plainText) Parse(rec record.Record, emit func(*event.Event)) error {
	p.e.Reset()
	e, raw := &p.e, record.Text(p.src.Keep(rec.Raw))
	h := cutHead(strings.TrimSpace(raw), p.frame)
	e.SetMessage(strings.TrimSpace(h.text))
	e.SetClassUID(int64(event.BaseEvent))
	e.SetMetadataLogName(p.log)
	e.SetMetadataProduct("text")
	record.Keep(e, "origin", h.origin)
	record.Set(e, event.SlotProcessPid, "pid", h.pid)
	record.Keep(e, "level", h.level)
	if s := record.Level(h.level); s != 0 {
		e.SetSeverityId(int64(s))
	}
	record.Keep(e, "component", h.component)
	record.Keep(e, "thread", h.thread)
	record.Keep(e, "code_line", h.line)
	record.Keep(e, "uptime", h.uptime)
	record.Keep(e, "context", h.id)
	p.says.Read(e, e.Message())
	for _, pair := range h.named {
		p.says.Keep(e, pair[0], pair[1])
	}
	if h.when.IsZero() && !p.last.IsZero() {
		h.when = p.last
		record.Keep(e, "time_of", "the line before")
	}
	p.last = h.when
	record.Finish(e, &p.src, rec, raw, 0, h.when)
	emit(e)
	return nil
}
