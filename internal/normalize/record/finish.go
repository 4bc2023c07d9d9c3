package record

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"vedette/internal/event"
	"vedette/internal/normalize/moment"
)

// oldest bounds what is a believable time: nothing that Vedette reads was
// logged before 1995, and a record from more than a day ahead of the clock
// ([moment.AheadLimit]) is wrong.
var oldest = time.Date(1995, 1, 1, 0, 0, 0, 0, time.UTC)

// Finish sets what every event has: identity, origin, labels and raw bytes,
// and marks a time that cannot be right. A record without a usable time (zero
// when) is kept at 1970-01-01 and marked. raw is the record as text. Part tells
// apart the events of one record; 0 for the first or only one.
func Finish(e *event.Event, src *Source, rec Record, raw string, part int, when time.Time) {
	suspect := when.IsZero() || when.Before(oldest) || !src.Now.IsZero() && when.Sub(src.Now) > moment.AheadLimit
	if when.IsZero() {
		when = time.Unix(0, 0).UTC()
	}
	e.SetTimeField(when)
	if !e.Has(event.SlotTime) { // a year that cannot be kept
		Keep(e, "time", when.Format(time.RFC3339Nano))
		e.SetTimeField(time.Unix(0, 0).UTC())
		suspect = true
	}
	if suspect {
		e.SetMetadataClockSuspect(true)
	}
	disown(e)
	e.SetMetadataUID(src.uid(rec.Offset+int64(part)<<48, rec.Raw))
	e.SetMetadataSource(src.Name)
	if !e.Has(event.SlotLabelIntegrity) {
		e.SetLabelIntegrity(event.Untrusted)
	}
	if !e.Has(event.SlotLabelConfidentiality) {
		e.SetLabelConfidentiality(event.Internal)
	}
	e.SetRawField(raw)
}

// disown takes from a record what only our own findings may say: whose product
// they are and what log they are in. Else a device could hide what it does
// among them.
func disown(e *event.Event) {
	if strings.EqualFold(e.MetadataProduct(), event.FindingProduct) {
		e.SetMetadataProduct(e.MetadataProduct() + " (imported)")
	}
	if name := e.MetadataLogName(); len(name) > len(event.FindingProduct) && name[len(event.FindingProduct)] == '/' && strings.EqualFold(name[:len(event.FindingProduct)], event.FindingProduct) {
		e.SetMetadataLogName("imported" + name[len(event.FindingProduct):])
	}
}

// Text is b as valid UTF-8. A byte that is none becomes \xNN, as Zeek writes
// it, so that it is not lost.
func Text[T string | []byte](b T) string {
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

// MaxLogWord is the longest name of a log that is taken from a source.
const MaxLogWord = 64

// LogWord makes what a source calls its log or program into the last part of a
// log name: lower case letters, digits, "-" and "_". It is "other" if nothing
// is left.
func LogWord(name string) string {
	name = name[strings.LastIndexByte(name, '/')+1:]
	w := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, strings.ToLower(name[:min(len(name), 2*MaxLogWord)]))
	if w == "" {
		return "other"
	}
	return w[:min(len(w), MaxLogWord)]
}

// SetLogName names the log, and keeps the source's own word where it cannot be
// a log's name: logName is "TOOL/" and the [LogWord] of name.
func SetLogName(e *event.Event, logName, key, name string) {
	if logName[strings.IndexByte(logName, '/')+1:] != name {
		Keep(e, key, name)
	}
	e.SetMetadataLogName(logName)
}

// Lower is v in lower case; the usual protocols cost no memory.
func Lower(v string) string {
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
