package ground

import (
	"maps"
	"math"
	"strings"
	"time"
)

// bag holds the facts of a backing, each with the column it stands in.
type bag struct {
	facts []placed
	byKey map[string][]int
	names map[string]bool // columns, which a sentence may name
	alone map[string]bool // words that are all of a cell
	texts map[string]bool // cells of several words, as they are shown
}

type placed struct {
	fact
	column string
}

func newBag() *bag {
	return &bag{byKey: map[string][]int{}, names: map[string]bool{}, alone: map[string]bool{}, texts: map[string]bool{}}
}

func (b *bag) add(f fact, column string) {
	b.byKey[f.key] = append(b.byKey[f.key], len(b.facts))
	b.facts = append(b.facts, placed{f, column})
}

func (b *bag) addText(s, column string) { b.addFacts(scan(s), column) }

func (b *bag) addFacts(facts []fact, column string) {
	for _, f := range facts {
		b.add(f, column)
		for _, p := range f.parts {
			b.add(p, column)
		}
	}
}

func (b *bag) join(o *bag) {
	for _, f := range o.facts {
		b.add(f.fact, f.column)
	}
	maps.Copy(b.names, o.names)
	maps.Copy(b.alone, o.alone)
	maps.Copy(b.texts, o.texts)
}

// addCell takes a cell in. A text is shown cut, so that its last word may be
// half of one: the half is a fact too.
func (b *bag) addCell(cell any, column string) {
	switch x := cell.(type) {
	case nil:
	case string:
		b.addShown(x, column)
	case []string:
		joined := strings.Join(x, ", ")
		b.addText(uncontrolled(joined), column)
		b.addCut(joined, column)
		for _, m := range x {
			b.addCut(m, column)
		}
	case time.Time:
		b.add(momentFact(x.UTC(), time.Nanosecond), column)
	case int64:
		b.add(numberFact(float64(x), ""), column)
	case float64:
		b.add(numberFact(x, ""), column)
	case bool:
		b.add(fact{kind: word, key: map[bool]string{true: "true", false: "false"}[x]}, column)
	}
}

func (b *bag) addShown(s, column string) {
	all := scan(uncontrolled(s))
	b.addFacts(all, column)
	b.addCut(s, column)
	if len(all) == 1 {
		b.alone[all[0].key] = true
	} else if len(all) > 1 && len(s) <= MaxCell {
		b.texts[Clean(s)] = true
	}
}

func (b *bag) addCut(s, column string) {
	if len(s) <= MaxCell {
		return
	}
	short := Clean(s)
	if len(short) == len(uncontrolled(s)) {
		return
	}
	if all := scan(short); len(all) > 0 {
		b.add(all[len(all)-1], column)
	}
}

// addColumns takes the names of columns in, with the numbers in them, such as
// the 95 of p95(duration).
func (b *bag) addColumns(columns []string) {
	for _, c := range columns {
		for _, f := range scan(Clean(c)) {
			b.names[f.key] = true
		}
		if digits := strings.TrimLeft(c, "p"); len(digits) == len(c)-1 {
			n, _, _ := strings.Cut(digits, "(")
			if f, ok := plainNumber(n); ok {
				b.names[f.key] = true
			}
		}
	}
}

// has tells whether a fact is in the bag, however often it is asked.
func (b *bag) has(f *fact) bool { return b.index(f, nil) >= 0 }

// take is has, but each place of the bag serves once.
func (b *bag) take(f *fact, used map[int]bool) bool {
	i := b.index(f, used)
	if i < 0 {
		return false
	}
	used[i] = f.kind != date && f.kind != clock // both may be of one time
	return true
}

func (b *bag) index(f *fact, used map[int]bool) int {
	for _, i := range b.byKey[f.key] {
		if !used[i] && b.facts[i].kind == f.kind {
			return i
		}
	}
	if f.kind == word || f.kind == name {
		return -1
	}
	for i := range b.facts {
		if !used[i] && f.agrees(&b.facts[i].fact) {
			return i
		}
	}
	return -1
}

// agrees tells whether a fact of a sentence says what a fact of the evidence
// says, in another form: rounded, in other units, a part of a time.
func (f *fact) agrees(e *fact) bool {
	switch {
	case f.kind == number && e.kind == number:
		return sameNumber(f, e.value)
	case f.kind == percent && e.kind == number:
		return roundsTo(e.value*100, f.value, f.decimals, 1)
	case f.kind == percent && e.kind == percent:
		return sameNumber(f, e.value)
	case f.kind == moment && e.kind == moment:
		return e.at.Truncate(f.grain).Equal(f.at)
	case f.kind == date && e.kind == moment:
		return e.at.Format(time.DateOnly) == f.key
	case f.kind == clock && e.kind == moment:
		return strings.HasPrefix(e.at.Format("15:04:05.999999999"), f.key)
	}
	return false
}

// sameNumber: equal, or e shortened to the digits that the sentence shows. A
// whole number without a unit is never a rounded one.
func sameNumber(f *fact, e float64) bool {
	if f.value == e {
		return true
	}
	if f.decimals == 0 && f.scale == 1 {
		return false
	}
	return roundsTo(e, f.value, f.decimals, f.scale) && math.Abs(e-f.value) <= 0.005*math.Abs(e)
}

// roundsTo tells whether e, in units of scale and with so many decimals, is
// written as the value shown.
func roundsTo(e, shown float64, decimals int, scale float64) bool {
	p := math.Pow(10, float64(decimals))
	return math.Abs(math.Round(e/scale*p)/p-shown/scale) < 1e-9*math.Max(1, math.Abs(shown/scale))
}
