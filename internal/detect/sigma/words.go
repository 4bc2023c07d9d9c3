package sigma

import (
	"strings"
	"unsafe"

	"vedette/internal/detect/sigma/pattern"
	"vedette/internal/event"
)

// record is the text that keywords are looked for in: the record as its source
// wrote it, with the escapes of JSON undone. An event without a raw record is
// all its texts instead.
type record struct {
	epoch      uint32
	str        string // the text, or
	begin, end int32  // its place in the scratch's buf
}

// text returns the record. ok is false if the event has no raw record.
func (sc *Scratch) recordText() (r *record, ok bool) {
	r = &sc.word
	raw := sc.event.RawField()
	if r.epoch == sc.epoch {
		return r, raw != ""
	}
	*r = record{epoch: sc.epoch}
	if raw == "" {
		return r, false
	}
	if len(raw) > maxLooked {
		raw = raw[:maxLooked]
		sc.cuts++
	}
	if raw[0] != '{' || strings.IndexByte(raw, '\\') < 0 {
		r.str = raw
		return r, true
	}
	r.begin = int32(len(sc.buf)) //nolint:gosec // G115: some times maxLooked at most
	sc.buf = pattern.AppendUnescaped(sc.buf, raw)
	r.end = int32(len(sc.buf)) //nolint:gosec // G115: as above
	return r, true
}

// record adds the values that keywords are about.
func (sc *Scratch) record() {
	r, ok := sc.recordText()
	if !ok {
		sc.eachText(sc.text)
		return
	}
	v := fieldValue{str: r.str, begin: r.begin, end: r.end, from: int32(len(sc.buf))} //nolint:gosec // G115: some times maxLooked at most
	if r.str != "" {
		sc.buf = pattern.AppendFold(sc.buf, r.str)
	} else {
		sc.buf = pattern.AppendFold(sc.buf, sc.buf[r.begin:r.end])
	}
	v.to = int32(len(sc.buf)) //nolint:gosec // G115: as above
	sc.vals = append(sc.vals, v)
}

// scanWords looks for keywords. A record that certainly has none is neither
// unescaped nor folded.
func (sc *Scratch) scanWords(x *index, hits []int32) []int32 {
	if raw := sc.event.RawField(); raw != "" && len(raw) <= maxLooked && x.gate != nil {
		text := unsafe.Slice(unsafe.StringData(raw), len(raw)) //nolint:gosec // G103: read only, and saves a copy
		if !x.gate.May(text) && pattern.IsPlain(raw) {
			return hits
		}
	}
	vals := sc.values(x.field)
	for i := range vals {
		hits = x.find(sc.folded(&vals[i]), sc, hits)
	}
	return hits
}

// eachText shows every text of the event.
func (sc *Scratch) eachText(f func(string)) {
	e := sc.event
	n := 0
	for _, s := range e.Slots() {
		kind := event.KindOf(s)
		if kind != event.String && kind != event.IP && kind != event.List || isFrame(s) || n >= maxValues {
			continue
		}
		n++
		if kind != event.List {
			f(e.Str(s))
			continue
		}
		for _, item := range e.List(s) {
			f(item)
		}
	}
	for _, x := range e.Extras() {
		if n++; n < maxValues {
			f(x.Value)
		}
	}
}

// isFrame tells fields that are ours and not the record's.
func isFrame(s event.Slot) bool {
	return s == event.SlotMetadataUID || s == event.SlotLabelConfidentiality || s == event.SlotLabelIntegrity
}
