package normalize

import (
	"bytes"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"vedette/internal/event"
)

// Text is the fallback for text that nothing else knows: each line is an event
// with its words as message, and a time if it begins with one. Nothing is
// rejected, so that unknown logs are at least searchable.
func Text() Dialect {
	return Dialect{
		Name: "text",
		Detect: func(head []byte, _ string) int {
			if len(bytes.TrimSpace(head)) == 0 || bytes.IndexByte(head, 0) >= 0 {
				return 0
			}
			return 1
		},
		New: func(src Source) Parser { return &text{src: src, log: "text/" + textLog(src.Name)} },
	}
}

type text struct {
	src Source
	log string
	e   event.Event
}

// textLog names the log after the file, without what looks like a rotation.
func textLog(name string) string {
	base, _, _ := strings.Cut(path.Base(strings.ReplaceAll(name, "\\", "/")), ".")
	if w := logWord(strings.TrimRight(base, "0123456789-_")); w != "" && len(w) <= 64 {
		return w
	}
	return "other"
}

// Parse implements [Parser].
func (p *text) Parse(rec Record, emit func(*event.Event)) error {
	p.e.Reset()
	msg := string(rec.Raw)
	if !utf8.ValidString(msg) {
		msg = strings.ToValidUTF8(msg, "\uFFFD")
	}
	p.e.SetMessage(strings.TrimSpace(msg))
	p.e.SetClassUID(int64(event.BaseEvent))
	p.e.SetMetadataLogName(p.log)
	p.e.SetMetadataProduct("text")
	finish(&p.e, &p.src, rec, 0, leadingTime(msg))
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

func leadingTime(s string) time.Time {
	for _, t := range textTimes {
		m := t.shape.FindStringSubmatch(s)
		if m == nil {
			continue
		}
		switch t.layout {
		case "epoch":
			return epoch(m[1])
		case "":
			v := strings.Replace(strings.Replace(m[1], " ", "T", 1), ",", ".", 1)
			for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999"} {
				if when, err := time.Parse(layout, v); err == nil {
					return when.UTC()
				}
			}
		default:
			if when, err := time.Parse(t.layout, m[1]); err == nil {
				return when.UTC()
			}
		}
	}
	return time.Time{}
}
