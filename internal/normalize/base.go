package normalize

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"vedette/internal/event"
)

// The bounds of a believable time: nothing that Vedette reads was logged
// before 1995, and a record from more than a day ahead of the clock is wrong.
const (
	oldestYear = 1995
	aheadLimit = 24 * time.Hour
)

// finish sets what every event has: identity, origin, labels and raw bytes,
// and marks a time that cannot be right. A record without a usable time (zero
// when) is kept at 1970-01-01 and marked. raw is the record as text. Part tells
// apart the events of one record; 0 for the first or only one.
func finish(e *event.Event, src *Source, rec Record, raw string, part int, when time.Time) {
	suspect := when.IsZero() || when.Year() < oldestYear || !src.Now.IsZero() && when.Sub(src.Now) > aheadLimit
	if when.IsZero() {
		when = time.Unix(0, 0).UTC()
	}
	e.SetTimeField(when)
	if !e.Has(event.SlotTime) { // a year that cannot be kept
		keep(e, "time", when.Format(time.RFC3339Nano))
		e.SetTimeField(time.Unix(0, 0).UTC())
		suspect = true
	}
	if suspect {
		e.SetMetadataClockSuspect(true)
	}
	e.SetMetadataUID(event.UID(src.ID, rec.Offset+int64(part)<<48, rec.Raw))
	e.SetMetadataSource(src.Name)
	if !e.Has(event.SlotLabelIntegrity) {
		e.SetLabelIntegrity(event.Untrusted)
	}
	if !e.Has(event.SlotLabelConfidentiality) {
		e.SetLabelConfidentiality(event.Internal)
	}
	e.SetRawField(raw)
}

// text is b as valid UTF-8. A byte that is none becomes \xNN, as Zeek writes
// it, so that it is not lost.
func text[T string | []byte](b T) string {
	s := string(b)
	if utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&out, `\x%02x`, s[0])
		} else {
			out.WriteString(s[:n])
		}
		s = s[n:]
	}
	return out.String()
}

// maxLogWord is the longest name of a log that is taken from a source.
const maxLogWord = 64

// logWord makes what a source calls its log or program into the last part of a
// log name: lower case letters, digits, "-" and "_". It is "other" if nothing
// is left.
func logWord(name string) string {
	name = name[strings.LastIndexByte(name, '/')+1:]
	w := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, strings.ToLower(name[:min(len(name), 2*maxLogWord)]))
	if w == "" {
		return "other"
	}
	return w[:min(len(w), maxLogWord)]
}

// setLogName names the log, and keeps the source's own word where it cannot be
// a log's name: logName is "TOOL/" and the [logWord] of name.
func setLogName(e *event.Event, logName, key, name string) {
	if logName[strings.IndexByte(logName, '/')+1:] != name {
		keep(e, key, name)
	}
	e.SetMetadataLogName(logName)
}

// lower is v in lower case; the usual protocols cost no memory.
func lower(v string) string {
	switch v {
	case "TCP":
		return "tcp"
	case "UDP":
		return "udp"
	case "ICMP":
		return "icmp"
	}
	return strings.ToLower(v)
}

// memo remembers what was found out about short texts. The most it keeps is
// bounded: when it is full it begins anew.
type memo[T any] struct{ known map[string]T }

const (
	maxMemo     = 256
	maxMemoText = 64
)

// of is what find says of key. find must depend on nothing else.
func (m *memo[T]) of(key string, find func(string) T) T {
	if v, ok := m.known[key]; ok {
		return v
	}
	if len(key) > maxMemoText {
		return find(key)
	}
	if m.known == nil || len(m.known) >= maxMemo {
		m.known = make(map[string]T)
	}
	key = strings.Clone(key) // it may be a piece of a long record
	v := find(key)
	m.known[key] = v
	return v
}
