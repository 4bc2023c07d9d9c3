// Package window counts what correlations count: matches of rules in groups
// with the same values, within a time span that slides with the time of the
// events.
//
// Keys and values come from devices, so everything is bounded: groups of a
// table, marks of a group, the number asked for. When a table is full, groups
// that are over are forgotten first, then any; [Table.Lost] says how many.
//
// Times need not be in order: what is late is put where it belongs as long as
// its group's window still reaches back to it. The package must not know rules
// or events beyond that.
package window

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"vedette/internal/detect/sigma/rule"
	"vedette/internal/event"
)

// The bounds of a table.
const (
	MaxGroups = 50_000
	MaxMarks  = 10_000 // matches or values that a group remembers
)

// Mark is one match of a rule that a correlation counts.
type Mark struct {
	Time  time.Time
	Input int     // which of the correlation's rules
	Value uint64  // hash of the value that is counted, else of the event
	Num   float64 // the value as a number
	UID   string  // of the event; cloned if it is kept
}

// Fired is a window whose condition holds.
type Fired struct {
	Key      string
	Count    int     // matches in the window
	Number   float64 // what the condition was asked about
	First    time.Time
	Last     time.Time
	Evidence []string // uids of the newest matches, oldest first
	Start    uint64   // the Value of the oldest match
}

// Table is the state of one correlation. It is for one goroutine.
type Table struct {
	spec   *rule.Window
	inputs int
	late   bool // the condition has no lower bound: it is asked when the window is over
	groups map[string]*group
	lost   int64
	limit  int
}

// group is what is remembered under one key.
type group struct {
	marks  []mark // by time
	newest int64
	sum    float64
	sorted []float64 // value_percentile
	seqs   []chain   // temporal_ordered: by how many rules were met in order
	uids   []string
}

type mark struct {
	at    int64
	input int32
	value uint64
	num   float64
}

// chain is the latest way to have met the first rules in order.
type chain struct {
	start, last int64
	n           int32 // 0: none
}

// New makes the table of a correlation with so many rules.
func New(spec *rule.Window, inputs int) *Table {
	t := &Table{spec: spec, inputs: inputs, groups: make(map[string]*group), limit: MaxGroups, late: len(spec.Bounds) > 0}
	for _, b := range spec.Bounds {
		if b.Relation != rule.Less && b.Relation != rule.LessEqual {
			t.late = false
		}
	}
	return t
}

// Groups is how many groups are remembered; Lost how often the bounds made the
// table forget something that still counted.
func (t *Table) Groups() int { return len(t.groups) }

// Lost is how often a bound was reached.
func (t *Table) Lost() int64 { return t.lost }

// Late reports whether the condition is asked only when a window is over,
// because it has no lower bound.
func (t *Table) Late() bool { return t.late }

// Add counts a match in the group of a key and reports whether the condition
// holds now. A group begins anew when it does.
func (t *Table) Add(key []byte, m Mark) (Fired, bool) {
	g := t.groups[string(key)]
	if g == nil {
		if len(t.groups) >= t.limit {
			t.makeRoom(m.Time)
		}
		g = &group{newest: math.MinInt64}
		t.groups[string(key)] = g
	}
	at := m.Time.UnixNano()
	span := int64(t.spec.Timespan)
	if t.late && len(g.marks) > 0 && at-g.marks[0].at > span {
		fired, holds := t.result(string(key), g)
		*g = group{newest: math.MinInt64}
		t.put(g, m, at)
		return fired, holds
	}
	if g.newest != math.MinInt64 && at < g.newest-span {
		return Fired{}, false // too late to stand in one window with the newest
	}
	t.put(g, m, at)
	if t.late {
		return Fired{}, false
	}
	fired, holds := t.result(string(key), g)
	if holds {
		delete(t.groups, fired.Key)
	}
	return fired, holds
}

// put remembers a match and forgets what has left the window.
func (t *Table) put(g *group, m Mark, at int64) {
	g.newest = max(g.newest, at)
	t.prune(g, g.newest-int64(t.spec.Timespan))
	again := m.UID != "" && len(g.uids) > 0 && g.uids[len(g.uids)-1] == m.UID // another rule of the same event
	if !again {
		if len(g.uids) == event.MaxEvidence {
			g.uids = slices.Delete(g.uids, 0, 1)
		}
		g.uids = append(g.uids, strings.Clone(m.UID))
	}
	if t.spec.Type == rule.TemporalOrdered {
		t.follow(g, m.Input, at)
	}
	if again && t.spec.Type != rule.Temporal {
		return // an event counts once
	}
	switch t.spec.Type {
	case rule.ValueCount, rule.Temporal:
		// Only the newest of each counts.
		same := func(k mark) bool {
			if t.spec.Type == rule.ValueCount {
				return k.value == m.Value
			}
			return int(k.input) == m.Input
		}
		if i := slices.IndexFunc(g.marks, same); i >= 0 {
			at = max(at, g.marks[i].at)
			t.remove(g, i)
		}
	}
	if len(g.marks) >= MaxMarks {
		t.lost++
		t.remove(g, 0)
	}
	k := mark{at: at, input: int32(m.Input), value: m.Value, num: m.Num} //nolint:gosec // G115: a number of rules
	i := len(g.marks)
	for i > 0 && g.marks[i-1].at > at {
		i--
	}
	g.marks = slices.Insert(g.marks, i, k)
	g.sum += m.Num
	if t.spec.Type == rule.ValuePercentile {
		at, _ := slices.BinarySearch(g.sorted, m.Num)
		g.sorted = slices.Insert(g.sorted, at, m.Num)
	}
}

func (t *Table) prune(g *group, oldest int64) {
	n := 0
	for n < len(g.marks) && g.marks[n].at < oldest {
		t.uncount(g, g.marks[n].num)
		n++
	}
	if g.marks = slices.Delete(g.marks, 0, n); len(g.marks) == 0 {
		g.sum = 0 // no error of rounding stays
	}
	for i := range g.seqs {
		if g.seqs[i].n > 0 && g.seqs[i].start < oldest {
			g.seqs[i] = chain{}
		}
	}
}

func (t *Table) remove(g *group, i int) {
	t.uncount(g, g.marks[i].num)
	g.marks = slices.Delete(g.marks, i, i+1)
}

// uncount takes a number out of what is kept of all.
func (t *Table) uncount(g *group, num float64) {
	g.sum -= num
	if t.spec.Type != rule.ValuePercentile {
		return
	}
	if at, ok := slices.BinarySearch(g.sorted, num); ok {
		g.sorted = slices.Delete(g.sorted, at, at+1)
	}
}

// follow moves the chains on that a match of a rule continues. One rule may
// stand at several places.
func (t *Table) follow(g *group, input int, at int64) {
	if g.seqs == nil {
		g.seqs = make([]chain, t.inputs)
	}
	if input == 0 {
		if c := &g.seqs[0]; c.n == 0 || at >= c.start {
			*c = chain{start: at, last: at, n: 1}
		}
		return
	}
	before := g.seqs[input-1]
	if before.n == 0 || before.last > at || at-before.start > int64(t.spec.Timespan) {
		return
	}
	if c := &g.seqs[input]; c.n == 0 || before.start >= c.start {
		*c = chain{start: before.start, last: at, n: before.n + 1}
	}
}

// result asks the condition of a group.
func (t *Table) result(key string, g *group) (Fired, bool) {
	number := t.number(g)
	holds := len(g.marks) > 0 && t.spec.Holds(number)
	if temporal := t.spec.Type == rule.Temporal || t.spec.Type == rule.TemporalOrdered; temporal && len(t.spec.Bounds) == 0 {
		holds = int(number) == t.inputs
	}
	if !holds {
		return Fired{}, false
	}
	uids := g.uids
	if t.spec.Type != rule.ValueCount && t.spec.Type != rule.Temporal { // of these some marks were replaced
		uids = uids[max(0, len(uids)-len(g.marks)):]
	}
	return Fired{
		Key: key, Count: len(g.marks), Number: number, Evidence: uids, Start: g.marks[0].value,
		First: time.Unix(0, g.marks[0].at).UTC(), Last: time.Unix(0, g.newest).UTC(),
	}, true
}

// number is what the condition is about.
func (t *Table) number(g *group) float64 {
	switch t.spec.Type {
	case rule.ValueSum:
		return g.sum
	case rule.ValueAvg:
		if len(g.marks) == 0 {
			return 0
		}
		return g.sum / float64(len(g.marks))
	case rule.ValuePercentile:
		if len(g.sorted) == 0 {
			return 0
		}
		rank := int(math.Ceil(t.spec.Percentile / 100 * float64(len(g.sorted))))
		return g.sorted[max(rank, 1)-1]
	case rule.TemporalOrdered:
		n := int32(0)
		for _, c := range g.seqs {
			n = max(n, c.n)
		}
		return float64(n)
	}
	return float64(len(g.marks))
}

// Close asks the windows that are over by now, or all, and forgets them.
func (t *Table) Close(now time.Time, all bool, f func(Fired)) {
	oldest := now.UnixNano() - int64(t.spec.Timespan)
	var over []Fired
	for key, g := range t.groups {
		if !all && g.newest >= oldest {
			continue
		}
		if t.late {
			if fired, holds := t.result(key, g); holds {
				over = append(over, fired)
			}
		}
		if t.late || !all {
			delete(t.groups, key)
		}
	}
	slices.SortFunc(over, func(a, b Fired) int { return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Key, b.Key)) })
	for _, fired := range over {
		f(fired)
	}
}

// makeRoom forgets groups that are over, and a tenth of the others if that is
// not enough.
func (t *Table) makeRoom(now time.Time) {
	oldest := now.UnixNano() - int64(t.spec.Timespan)
	for key, g := range t.groups {
		if g.newest < oldest {
			delete(t.groups, key)
		}
	}
	left := len(t.groups) - t.limit*9/10
	for key := range t.groups {
		if left <= 0 {
			return
		}
		left--
		t.lost++
		delete(t.groups, key)
	}
}
