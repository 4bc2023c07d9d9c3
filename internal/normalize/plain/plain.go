// Package plain is the fallback for text that no other package knows.
//
// It must not reject anything.
package plain

import (
	"bytes"
	"path"
	"regexp"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// Text is the fallback for text that nothing else knows: each line is an event
// with its words as message, and a time if it begins with one. Nothing is
// rejected, so that unknown logs are at least searchable.
func Text() record.Dialect {
	return record.Dialect{
		Name: "text",
		Detect: func(head []byte, _ string) int {
			if len(bytes.TrimSpace(head)) == 0 {
				return 0
			}
			return 1
		},
		New: func(src record.Source) record.Parser { return &plainText{src: src, log: "text/" + textLog(src.Name)} },
	}
}

type plainText struct {
	src record.Source
	log string
	e   event.Event
}

// textLog names the log after the file, without what looks like a rotation.
func textLog(name string) string {
	base, _, _ := strings.Cut(path.Base(strings.ReplaceAll(name, "\\", "/")), ".")
	return record.LogWord(strings.TrimRight(base, "0123456789-_"))
}

// Parse implements [Parser].
func (p *plainText) Parse(rec record.Record, emit func(*event.Event)) error {
	p.e.Reset()
	msg := record.Text(rec.Raw)
	p.e.SetMessage(strings.TrimSpace(msg))
	p.e.SetClassUID(int64(event.BaseEvent))
	p.e.SetMetadataLogName(p.log)
	p.e.SetMetadataProduct("text")
	record.Finish(&p.e, &p.src, rec, msg, 0, leadingTime(msg, p.src.Location))
	emit(&p.e)
	return nil
}

// The ways a line of text may begin with a time, and how to read each.
var textTimes = []struct {
	shape  *regexp.Regexp
	layout string
}{
	{regexp.MustCompile(`^\[?(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?)`), ""},
	{regexp.MustCompile(`^\[((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} \d{2} \d{2}:\d{2}:\d{2} \d{4})\]`), "Mon Jan 02 15:04:05 2006"},
	{regexp.MustCompile(`^(\d{6} \d{6}) `), "060102 150405"},
	{regexp.MustCompile(`^(\d{10}\.\d{1,9})\b`), "epoch"},
}

// leadingTime reads the time that a line begins with; one that names no zone
// is in loc, or UTC.
func leadingTime(s string, loc *time.Location) time.Time {
	if loc == nil {
		loc = time.UTC
	}
	for _, t := range textTimes {
		m := t.shape.FindStringSubmatch(s)
		if m == nil {
			continue
		}
		switch t.layout {
		case "epoch":
			return moment.Epoch(m[1])
		case "":
			v := strings.Replace(strings.Replace(m[1], " ", "T", 1), ",", ".", 1)
			for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999"} {
				if when, err := time.ParseInLocation(layout, v, loc); err == nil {
					return when.UTC()
				}
			}
		default:
			if when, err := time.ParseInLocation(t.layout, m[1], loc); err == nil {
				return when.UTC()
			}
		}
	}
	return time.Time{}
}
