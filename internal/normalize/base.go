package normalize

import (
	"time"

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
// when) is kept at 1970-01-01 and marked. Part tells apart the events of one
// record; 0 for the first or only one.
func finish(e *event.Event, src *Source, rec Record, part int, when time.Time) {
	suspect := when.IsZero() || when.Year() < oldestYear || !src.Now.IsZero() && when.Sub(src.Now) > aheadLimit
	if when.IsZero() {
		when = time.Unix(0, 0).UTC()
	}
	e.SetTimeField(when)
	if !e.Has(event.SlotTime) { // a year that cannot be kept
		e.SetTimeField(time.Unix(0, 0).UTC())
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
	e.SetRawField(string(rec.Raw))
}
