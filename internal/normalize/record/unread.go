package record

import (
	"encoding/hex"
	"time"

	"vedette/internal/event"
)

// UnreadLog is the name of the log of records that the parser of their dialect
// failed on: they are kept as they came, for people and for a later version.
const UnreadLog = "vedette/unread"

// The bounds of what is kept of one.
const (
	maxUnread       = 64 << 10
	maxUnreadBinary = 4 << 10
	unreadPart      = 1<<15 - 1 // its number among the events of a record that gave some before
)

// Unread fills an event with a record that nobody has read. Of binary records the
// beginning is kept as hexadecimal digits. when may be zero.
func Unread(e *event.Event, src *Source, rec Record, dialect string, binary bool, when time.Time) {
	e.Reset()
	e.SetClassUID(int64(event.BaseEvent))
	e.SetMetadataProduct("Vedette")
	e.SetMetadataLogName(UnreadLog)
	e.SetStatusDetail("the parser " + dialect + " failed on this record: a fault of this program")
	text := ""
	if binary {
		text = hex.EncodeToString(rec.Raw[:min(len(rec.Raw), maxUnreadBinary)])
	} else {
		text = Text(rec.Raw[:min(len(rec.Raw), maxUnread)])
	}
	Finish(e, src, rec, text, unreadPart, when)
}

// Resetter is a Parser whose state may be half made after it panicked. Reset
// forgets it.
type Resetter interface {
	Parser
	Reset()
}
