// Package ground decides whether a sentence stands on the evidence that it
// cites, by code alone: every address, number, time, identifier and name in it
// must be in one cited row, in the question, or be a value that code computes
// again. Who wrote the sentence, a template or a model, makes no difference.
//
// It owns the canonical forms of facts, the check, and the typed claims of
// which code writes the sentence. It must not trust a word of what it checks,
// ask a model, or know where evidence comes from. It finds invented facts and
// turned relations; it cannot know whether a choice of true facts misleads.
package ground

import (
	"fmt"
	"strconv"
	"strings"

	"vedette/internal/event"
)

// Evidence is a result that sentences may cite: as a whole by its id ("E1"), or
// one row of it, counted from one ("E1.3"). Cells are nil, string, int64,
// float64, bool, time.Time or []string.
type Evidence struct {
	ID      string
	Columns []string
	Rows    [][]any
	Total   int64
}

// Basis is what the sentences of one answer may stand on. It is not safe for
// concurrent use.
type Basis struct {
	vocabulary map[string]bool
	question   *bag
	evidence   []*source
}

// source is evidence with what was read from it so far.
type source struct {
	Evidence
	rows  []*bag // nil: not read yet
	whole *bag
	told  *bag // all rows
}

// NewBasis makes the basis of an answer. own are texts of ours, such as the
// nouns of the narrator, whose words name no device, person or file.
func NewBasis(question string, evidence []Evidence, own ...string) *Basis {
	b := &Basis{vocabulary: map[string]bool{}, question: newBag()}
	b.question.addText(question, "")
	for _, e := range evidence {
		b.evidence = append(b.evidence, &source{Evidence: e, rows: make([]*bag, len(e.Rows))})
	}
	for _, text := range own {
		for _, f := range scan(text) {
			b.vocabulary[f.key] = true
		}
	}
	return b
}

// Result is the outcome of a check. Why says in our words what is not backed;
// it quotes the sentence, so it is as untrusted as that.
type Result struct {
	OK  bool
	Why string
}

func bad(format string, args ...any) Result { return Result{Why: fmt.Sprintf(format, args...)} }

// Check tells whether a text stands on what it cites. Computed are values that
// the text also uses: they are computed here again, from the evidence.
func (b *Basis) Check(text string, cites []string, computed ...Computed) Result {
	shared := newBag()
	for _, c := range computed {
		if err := c.into(b, shared); err != nil {
			return bad("%s", err)
		}
	}
	rows, wholes, err := b.cited(cites)
	if err != nil {
		return bad("%s", err)
	}
	facts := scan(text)
	if len(rows) > 0 { // rows are named: all of them together
		all := newBag()
		for _, r := range rows {
			all.join(r)
		}
		for _, s := range wholes {
			all.join(s.wholeBag())
		}
		return b.against(text, facts, all, shared, nil)
	}
	return b.search(text, facts, wholes, shared)
}

// search looks for what backs a text that cites evidence as a whole: either
// what is true of the whole, or one row alone. Facts of different rows in one
// sentence would say that they belong together.
func (b *Basis) search(text string, facts []fact, wholes []*source, shared *bag) Result {
	all := newBag()
	for _, s := range wholes {
		all.join(s.wholeBag())
	}
	if len(wholes) == 0 {
		return b.against(text, facts, all, shared, nil)
	}
	told := b.told(wholes)
	best := b.against(text, facts, all, shared, told)
	for _, s := range wholes {
		for i := range s.Rows {
			if best.OK {
				return best
			}
			if got := b.against(text, facts, s.row(i), shared, told); got.OK || best.Why == "" {
				best = got
			}
		}
	}
	return best
}

// cited resolves citations. One that names nothing of this answer is an error.
func (b *Basis) cited(cites []string) (rows []*bag, wholes []*source, err error) {
	for _, cite := range cites {
		id, number, isRow := strings.Cut(cite, ".")
		s := b.find(id)
		if s == nil {
			return nil, nil, fmt.Errorf("it cites %q, which is not evidence of this answer", Clean(cite))
		}
		if !isRow {
			wholes = append(wholes, s)
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > len(s.Rows) {
			return nil, nil, fmt.Errorf("it cites %q, but %s has %d rows", Clean(cite), id, len(s.Rows))
		}
		rows = append(rows, s.row(n-1))
	}
	return rows, wholes, nil
}

func (b *Basis) find(id string) *source {
	for _, s := range b.evidence {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// told is all that the rows of evidence say. Evidence that is too large for one
// look is left out: then the question backs what it said itself.
func (b *Basis) told(wholes []*source) *bag {
	for _, s := range wholes {
		if s.told != nil {
			continue
		}
		s.told = newBag()
		for i := range s.Rows[:min(maxTold, len(s.Rows))] {
			s.told.join(s.row(i))
		}
	}
	if len(wholes) == 1 {
		return wholes[0].told
	}
	all := newBag()
	for _, s := range wholes {
		all.join(s.told)
	}
	return all
}

// maxTold is how many rows of evidence a sentence about the whole is held
// against at once.
const maxTold = 2000

// row reads a row once.
func (s *source) row(i int) *bag {
	if s.rows[i] == nil {
		s.rows[i] = newBag()
		for at, cell := range s.Rows[i] {
			s.rows[i].addCell(cell, s.Columns[at])
		}
		s.rows[i].names = s.wholeBag().names
	}
	return s.rows[i]
}

// wholeBag is what is true of evidence as a whole: how many rows there are.
func (s *source) wholeBag() *bag {
	if s.whole == nil {
		s.whole = newBag()
		if !s.figures() {
			s.whole.addCell(s.Total, "")
			s.whole.addCell(int64(len(s.Rows)), "")
		}
		s.whole.addColumns(s.Columns)
	}
	return s.whole
}

// figures tells one row of nothing but figures: they are the result, and that
// it is one row says nothing.
func (s *source) figures() bool {
	if len(s.Rows) != 1 {
		return false
	}
	for _, cell := range s.Rows[0] {
		if _, ok := toNumber(cell); !ok && cell != nil {
			return false
		}
	}
	return true
}

// against checks facts against one backing. Each place that a fact has in the
// backing backs one mention of it, so that "3 of 5" does not stand on "5" and
// one "3" when it says "3 of 3". The question backs what it said itself, but
// not what the evidence tells of, if told is given: then the row decides. The
// same holds for ordinary words that are all of a cell, such as a user "new".
func (b *Basis) against(text string, facts []fact, backing, shared, told *bag) Result {
	used := make(map[int]bool, len(facts))
	for i := range facts {
		f := &facts[i]
		if b.question.has(f) && (told == nil || !told.has(f)) || shared.has(f) || b.common(f) && (told == nil || !told.alone[f.key]) || backing.names[f.key] {
			continue
		}
		if backing.take(f, used) {
			continue
		}
		if len(f.parts) > 0 && b.partsIn(f, backing, shared, used) {
			continue
		}
		return bad("%q is not in the evidence", Clean(f.text))
	}
	if why := backing.turned(text, facts); why != "" {
		return bad("%s", why)
	}
	if told != nil && !told.textsIn(text, backing) {
		return bad("it names what stands in another row")
	}
	return Result{OK: true}
}

// common tells what needs no backing.
func (b *Basis) common(f *fact) bool {
	return f.kind == word && b.knows(f.key) || f.kind == name && b.vocabulary[f.key]
}

// partsIn: "22,443" may be one number or two.
func (b *Basis) partsIn(f *fact, backing, shared *bag, used map[int]bool) bool {
	for i := range f.parts {
		p := &f.parts[i]
		if p.kind == word {
			return false
		}
		if !b.question.has(p) && !shared.has(p) && !backing.names[p.key] && !backing.take(p, used) {
			return false
		}
	}
	return true
}

// knows tells words that name nothing of the site: ordinary words, those of
// the narrator, and the names of fields.
func (b *Basis) knows(key string) bool {
	if b.vocabulary[key] || ordinary(key) {
		return true
	}
	if _, ok := fields.Lookup(key); ok && strings.ContainsAny(key, "._") {
		return true
	}
	parts := strings.FieldsFunc(key, func(r rune) bool { return r == '-' || r == '/' })
	if len(parts) < 2 {
		return false
	}
	for _, p := range parts {
		if !b.vocabulary[p] && !ordinary(p) {
			return false
		}
	}
	return true
}

var fields = event.NewSchema()
