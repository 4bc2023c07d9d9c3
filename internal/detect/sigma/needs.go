package sigma

import (
	"slices"

	"vedette/internal/event"
)

// Needs tells what of an event the rules look at: what routes it, what they test
// and what they count. With keywords that is all of it. Extras are names of no
// schema; not every event has them.
func (s *Set) Needs() (slots []event.Slot, extras []string, all bool) {
	slots = []event.Slot{event.SlotClassUID, event.SlotMetadataProduct, event.SlotMetadataLogName, event.SlotMetadataEventCode, event.SlotAppName, event.SlotICSProtocol, event.SlotTime, event.SlotMetadataClockSuspect}
	extras = []string{"Channel"}
	for i := range s.fields {
		all = all || s.fields[i].words
		for _, p := range s.fields[i].places {
			if p.extra != "" {
				extras = append(extras, p.extra)
			} else {
				slots = append(slots, p.slot)
			}
		}
	}
	slices.Sort(slots)
	slices.Sort(extras)
	return slices.Compact(slots), slices.Compact(extras), all
}
