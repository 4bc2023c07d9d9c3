package sigma

import "hash/maphash"

// memo remembers what an index found in a value, because streams have the same
// values again and again. Its memory is fixed, and a value is taken in when it
// is met the second time, so that values that never come again cost little. What
// is remembered is compared whole: it is never wrong.
type memo struct {
	seed  maphash.Seed
	slots []memoSlot
	once  []uint32 // of hashes that were met
	texts []byte   // a ring
	atoms []int32  // a ring
	text  uint64   // how much was written to texts
	atom  uint64   // the same of atoms
}

// memoSlot is a value and what was found. Its places in the rings count from
// the beginning of time, so it is known whether they were written over.
type memoSlot struct {
	hash uint64
	text uint64
	atom uint64
	n    int32 // of the text
	hits int32
	x    int32 // the index
}

// The sizes of a memo: 1.5 MiB in all.
const (
	memoSlots = 1 << 13
	memoOnce  = 1 << 14
	memoTexts = 1 << 20
	memoAtoms = 1 << 15
	memoText  = 1 << 10 // the longest value
	memoHits  = 256     // the most that is remembered of one
)

func (m *memo) init() {
	m.seed = maphash.MakeSeed()
	m.slots, m.once = make([]memoSlot, memoSlots), make([]uint32, memoOnce)
	m.texts, m.atoms = make([]byte, memoTexts), make([]int32, memoAtoms)
}

// hash is of a value; that of an index with the value is made from it.
func (m *memo) hash(v *fieldValue) uint64 {
	if v.hash == 0 {
		v.hash = maphash.String(m.seed, v.str) | 1
	}
	return v.hash
}

func keyed(hash uint64, x int32) uint64 {
	return (hash + uint64(x)*0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd //nolint:gosec // G115: bits to mix
}

// get returns what an index found in a text. The slice is valid until the next
// put.
func (m *memo) get(hash uint64, x int32, text string) ([]int32, bool) {
	s := &m.slots[hash>>51]
	if s.hash != hash || s.x != x || int(s.n) != len(text) || m.text-s.text > memoTexts || m.atom-s.atom > memoAtoms {
		return nil, false
	}
	at := s.text % memoTexts
	if string(m.texts[at:at+uint64(s.n)]) != text { //nolint:gosec // G115: a length
		return nil, false
	}
	at = s.atom % memoAtoms
	return m.atoms[at : at+uint64(s.hits)], true //nolint:gosec // G115: a length
}

// again reports whether a value was met before, and notes it.
func (m *memo) again(hash uint64) bool {
	at := &m.once[hash>>50]
	was := *at == uint32(hash) //nolint:gosec // G115: the low bits are meant
	*at = uint32(hash)         //nolint:gosec // G115: as above
	return was
}

// put remembers what was found.
func (m *memo) put(hash uint64, x int32, text string, hits []int32) {
	if len(hits) > memoHits {
		return
	}
	s := &m.slots[hash>>51]
	*s = memoSlot{hash: hash, x: x, n: int32(len(text)), hits: int32(len(hits))} //nolint:gosec // G115: at most memoText and memoHits
	s.text = room(&m.text, uint64(len(text)), memoTexts)
	s.atom = room(&m.atom, uint64(len(hits)), memoAtoms)
	copy(m.texts[s.text%memoTexts:], text)
	copy(m.atoms[s.atom%memoAtoms:], hits)
}

// room takes the next n of a ring, all in one piece.
func room(written *uint64, n, size uint64) uint64 {
	if at := *written % size; at+n > size {
		*written += size - at
	}
	at := *written
	*written += n
	return at
}

// Forget makes the scratch forget which values it met. What it finds does not
// change; it is there to measure with.
func (sc *Scratch) Forget() {
	sc.memo.text += memoTexts + 1
	sc.memo.atom += memoAtoms + 1
}
