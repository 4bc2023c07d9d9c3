package record

import (
	"strings"

	"vedette/internal/event"
)

// Texts keeps many short texts in few pieces of memory. What is written into
// one is never changed, so that its texts may be kept; one that is kept for
// long should be cloned, as it holds its neighbours. The zero value is ready.
type Texts struct{ b strings.Builder }

// textsSize is the size of a piece: some twenty usual records.
const textsSize = 8 << 10

// Keep returns v as a text.
func (t *Texts) Keep(v []byte) string {
	if len(v) > textsSize/4 {
		return string(v)
	}
	if t.b.Cap()-t.b.Len() < len(v) {
		t.b.Reset()
		t.b.Grow(textsSize)
	}
	n := t.b.Len()
	t.b.Write(v)
	return t.b.String()[n:]
}

// Keep returns the bytes of a record as they are, as a text in memory that the
// records of a source share. See [Text] for what is no UTF-8.
func (s *Source) Keep(raw []byte) string { return s.memory().Keep(raw) }

// uid is [event.UID] of a record, in the same memory.
func (s *Source) uid(offset int64, raw []byte) string {
	var hex [event.UIDSize]byte
	return s.memory().Keep(event.AppendUID(hex[:0], s.ID, offset, raw))
}

func (s *Source) memory() *Texts {
	if s.texts == nil {
		s.texts = new(Texts)
	}
	return s.texts
}
