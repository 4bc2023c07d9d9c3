package grams

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
)

// The choices of a table.
const (
	maxStep  = 8
	maxRuns  = 512 // with a step above one: more would make the table say yes too often
	bitsEach = 64  // of the table for each run
	bitsStep = 256 // the same with a step above one: nearly every yes is then in vain
	minBits  = 10
	maxBits  = 19
)

// builder picks runs.
type builder struct {
	t     *table
	uses  map[uint32]int32 // in how many literals a run is
	taken map[uint32]int32 // by how many it was picked
	picks []pick
	rest  []Pattern
}

// pick is a run that tells of a literal.
type pick struct {
	run   uint32
	entry entry
}

// build makes the table of literals and returns those that must be looked for
// by other means when it finds a gate.
func (t *table) build(patterns []Pattern, width int) []Pattern {
	if len(patterns) == 0 {
		return nil
	}
	t.width = width
	t.step = maxStep
	for _, p := range patterns {
		t.step = min(t.step, len(p.Literal)-width+1)
	}
	t.step = max(1, min(t.step, maxRuns/len(patterns)))
	b := &builder{t: t, uses: make(map[uint32]int32), taken: make(map[uint32]int32)}
	for _, p := range patterns {
		lit := []byte(p.Literal[:min(len(p.Literal), maxCompare)])
		for i := 0; i+width <= len(lit); i++ {
			b.uses[t.runAt(lit, i)]++
		}
	}
	// The shortest first: they have the fewest runs to pick from.
	sorted := slices.Clone(patterns)
	slices.SortStableFunc(sorted, func(x, y Pattern) int { return cmp.Compare(len(x.Literal), len(y.Literal)) })
	var lits strings.Builder
	for _, p := range sorted {
		b.add(p, &lits)
	}
	t.lits = lits.String()
	t.fill(b.picks)
	return b.rest
}

// add picks the runs of a literal: as many as the step has bytes, one after
// another, so that every look at a text that has the literal meets one of them.
func (b *builder) add(p Pattern, lits *strings.Builder) {
	t := b.t
	lit := []byte(p.Literal[:min(len(p.Literal), maxCompare)])
	best, least := 0, 0
	for at := 0; at+t.step-1+t.width <= len(lit); at++ {
		cost := 0
		for n := range t.step {
			cost += b.cost(lit, at+n)
		}
		if at == 0 || cost < least {
			best, least = at, cost
		}
	}
	e := entry{id: p.ID, from: int32(lits.Len()), n: uint16(len(lit)), gate: len(p.Literal) > maxCompare} //nolint:gosec // G115: bounded by the bytes of all literals; at most maxCompare
	lits.Write(lit)
	full := false
	for n := range t.step {
		run := t.runAt(lit, best+n)
		b.taken[run]++
		full = full || b.taken[run] > maxShared
		e.at = uint16(best + n)
		if b.taken[run] <= maxShared {
			b.picks = append(b.picks, pick{run, e})
		} else if b.taken[run] == maxShared+1 {
			b.picks = append(b.picks, pick{run, entry{gate: true}})
		}
	}
	if full || e.gate {
		b.rest = append(b.rest, p)
	}
}

// cost says how unwelcome a run is: it is common, or others have it.
func (b *builder) cost(lit []byte, at int) int {
	run := b.t.runAt(lit, at)
	n := 3 * (bits.Len32(uint32(b.uses[run])) + bits.Len32(uint32(b.taken[run]))) //nolint:gosec // G115: counts
	for _, c := range lit[at : at+b.t.width] {
		n += commonness(c)
	}
	if b.taken[run] >= maxShared {
		n += 1000
	}
	return n
}

// fill puts what was picked into the table.
func (t *table) fill(picks []pick) {
	slices.SortStableFunc(picks, func(x, y pick) int { return cmp.Compare(x.run, y.run) })
	runs := 0
	for i := range picks {
		if i == 0 || picks[i].run != picks[i-1].run {
			runs++
		}
	}
	each := bitsEach
	if t.step > 1 {
		each = bitsStep
	}
	wide := min(maxBits, max(minBits, bits.Len(uint(runs*each))))
	t.shift = uint(32 - wide)
	t.bits = make([]uint64, 1<<wide/64)
	t.slots = make([]slot, 1<<bits.Len(uint(runs*2)))
	mask := uint32(len(t.slots) - 1) //nolint:gosec // G115: a count
	for i, p := range picks {
		e := p.entry
		e.last = i+1 == len(picks) || picks[i+1].run != p.run
		t.entries = append(t.entries, e)
		if i > 0 && picks[i-1].run == p.run {
			continue
		}
		bit := p.run * mixer >> t.shift
		t.bits[bit>>6] |= 1 << (bit & 63)
		h := p.run * mixer >> 7 & mask
		for t.slots[h].first != 0 {
			h = (h + 1) & mask
		}
		t.slots[h] = slot{p.run, int32(i) + 1}
	}
}
