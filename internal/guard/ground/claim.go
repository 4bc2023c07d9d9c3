package ground

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Predicate is what a claim says of its subject. All but [Note] are relations
// and figures, and code writes the sentence from the evidence itself.
type Predicate string

// The predicates.
const (
	Contacted Predicate = "contacted" // one row: subject is its source, object its destination
	Has       Predicate = "has"       // one row: subject stands in it, object is a column of it
	Happened  Predicate = "happened"  // one row: subject stands in it, at its time
	Most      Predicate = "most"      // subject's row has the largest figure in column object
	Least     Predicate = "least"     // the smallest
	Total     Predicate = "total"     // how many rows the evidence has in all
	None      Predicate = "none"      // the evidence has no row
	SumOf     Predicate = "sum"       // of column object over all rows
	Note      Predicate = "note"      // Text as it is, if it says nothing that only code may say
)

// Predicates lists them, for schemas.
func Predicates() []Predicate {
	return []Predicate{Contacted, Has, Happened, Most, Least, Total, None, SumOf, Note}
}

// Claim is a statement about evidence, as a model may make it. All of it is
// untrusted.
type Claim struct {
	Predicate Predicate `json:"predicate"`
	Subject   string    `json:"subject"`
	Object    string    `json:"object"`
	Evidence  []string  `json:"evidence"`
	Text      string    `json:"text"`
}

// Sentence is a claim that holds, in words. Own tells that code wrote them.
type Sentence struct {
	Text     string
	Evidence []string
	Own      bool
}

// MaxNote bounds the text of a note, in bytes.
const MaxNote = 300

// Claim checks a claim and writes its sentence. The sentence is checked once
// more like any other, so that a fault in the writing shows nothing false.
func (b *Basis) Claim(c Claim) (Sentence, Result) {
	if len(c.Evidence) == 0 || len(c.Evidence) > 8 {
		return Sentence{}, bad("a claim cites from one to eight pieces of evidence")
	}
	for _, cite := range c.Evidence {
		if _, _, err := b.cited([]string{cite}); err != nil {
			return Sentence{}, bad("%s", err)
		}
	}
	if c.Predicate == Note {
		if why := overreaches(c.Text); why != "" {
			return Sentence{}, bad("%s", why)
		}
		return Sentence{Text: Clean(strings.TrimSpace(c.Text)), Evidence: c.Evidence}, b.Check(Clean(c.Text), c.Evidence)
	}
	text, computed, err := b.write(c)
	if err != nil {
		return Sentence{}, bad("%s", err)
	}
	return Sentence{Text: text, Evidence: c.Evidence[:1], Own: true}, b.Check(text, c.Evidence[:1], computed...)
}

func (b *Basis) write(c Claim) (string, []Computed, error) {
	s, row, err := b.at(c.Evidence[0])
	if err != nil {
		return "", nil, err
	}
	switch c.Predicate {
	case Total:
		return fmt.Sprintf("%d rows in all", s.Total), given(s.Total), nil
	case None:
		if len(s.Rows) > 0 {
			return "", nil, fmt.Errorf("%s is not empty", s.ID)
		}
		return "nothing stored matches", nil, nil
	case SumOf:
		v, err := Computed{Fn: Sum, Evidence: s.ID, Column: c.Object}.Value(b)
		if err != nil || int64(len(s.Rows)) < s.Total {
			return "", nil, fmt.Errorf("%q of %s cannot be added up", Clean(c.Object), s.ID)
		}
		return fmt.Sprintf("the sum of %s is %s", Clean(c.Object), numberKey(v)), []Computed{{Fn: Sum, Evidence: s.ID, Column: c.Object}}, nil
	case Contacted, Has, Happened, Most, Least:
		if row == nil {
			return "", nil, fmt.Errorf("%q is said of one row, and none is cited", c.Predicate)
		}
		text, err := s.ofRow(c, row)
		return text, nil, err
	case Note:
	}
	return "", nil, fmt.Errorf("there is no predicate %q", Clean(string(c.Predicate)))
}

// given is a figure of the evidence as a whole, for a sentence of code.
func given(n int64) []Computed { return []Computed{{Fn: Given, Text: strconv.FormatInt(n, 10)}} }

// at finds the evidence and, if the citation names one, the row.
func (b *Basis) at(cite string) (*source, []any, error) {
	id, number, isRow := strings.Cut(cite, ".")
	s := b.find(id)
	if s == nil {
		return nil, nil, fmt.Errorf("%q is not evidence of this answer", Clean(cite))
	}
	if !isRow {
		return s, nil, nil
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(s.Rows) {
		return nil, nil, fmt.Errorf("%q is no row of this answer", Clean(cite))
	}
	return s, s.Rows[n-1], nil
}

// ofRow writes a claim about one row, in the words of the row.
func (s *source) ofRow(c Claim, row []any) (string, error) {
	subject, at := s.cellOf(row, c.Subject, "")
	if at < 0 {
		return "", fmt.Errorf("%q does not stand in the row", Clean(c.Subject))
	}
	switch c.Predicate { //nolint:exhaustive // the others are not about a row
	case Contacted:
		return s.contact(c, row)
	case Happened:
		for i, cell := range row {
			if t, ok := cell.(time.Time); ok && i != at {
				return subject + " at " + Shown(t), nil
			}
		}
		return "", fmt.Errorf("the row has no time")
	}
	column := slices.Index(s.Columns, c.Object)
	if column < 0 || column == at {
		return "", fmt.Errorf("the row has no column %q", Clean(c.Object))
	}
	value := Shown(row[column])
	if c.Predicate == Has {
		return fmt.Sprintf("%s: %s %s", subject, Clean(c.Object), value), nil
	}
	if err := s.extreme(c.Predicate, row[column], column); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s has the %s %s: %s", subject, c.Predicate, Clean(c.Object), value), nil
}

func (s *source) contact(c Claim, row []any) (string, error) {
	from, at := s.cellOf(row, c.Subject, "src_")
	to, dst := s.cellOf(row, c.Object, "dst_")
	if at < 0 || dst < 0 {
		return "", fmt.Errorf("the row does not say that %q contacted %q", Clean(c.Subject), Clean(c.Object))
	}
	text := from + " → " + to
	if i := slices.Index(s.Columns, "dst_endpoint.port"); i >= 0 && row[i] != nil {
		text += " port " + Shown(row[i])
	}
	return text, nil
}

// extreme holds a figure against all others of its column.
func (s *source) extreme(p Predicate, cell any, column int) error {
	mine, ok := toNumber(cell)
	if !ok || int64(len(s.Rows)) < s.Total {
		return fmt.Errorf("%s of %s is not known: not all rows are here, or it is no figure", p, Clean(s.Columns[column]))
	}
	for _, row := range s.Rows {
		v, ok := toNumber(row[column])
		if ok && (p == Most && v > mine || p == Least && v < mine) {
			return fmt.Errorf("another row has the %s %s", p, Clean(s.Columns[column]))
		}
	}
	return nil
}

// cellOf finds the cell that a text names and gives it as it is shown.
func (s *source) cellOf(row []any, want, prefix string) (shown string, at int) {
	w := scan(want)
	for i, cell := range row {
		if !strings.HasPrefix(s.Columns[i], prefix) || cell == nil {
			continue
		}
		text := Shown(cell)
		if text == Clean(want) && want != "" {
			return text, i
		}
		if have := scan(text); len(w) == 1 && len(have) == 1 && have[0].kind == w[0].kind && have[0].key == w[0].key {
			return text, i
		}
	}
	return "", -1
}

// Shown writes a cell for people: times to the second in UTC, numbers in plain
// digits, texts cleaned.
func Shown(v any) string {
	switch x := v.(type) {
	case nil:
		return "(none)"
	case string:
		return Clean(x)
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return strconv.FormatFloat(math.Round(x*1000)/1000, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(x)
	case time.Time:
		return x.UTC().Format("2006-01-02 15:04:05 UTC")
	case []string:
		return Clean(strings.Join(x, ", "))
	}
	return Clean(fmt.Sprint(v))
}

// judging are words that a note may not have, backed or not: what is missing,
// how grave it is, who did what to whom, and what is to be done are said by
// code alone.
var judging = strings.Fields(`
no not never none nobody nothing nor neither without cannot hardly barely except
critical severe serious grave dangerous harmless benign malicious suspicious safe secure insecure legitimate authorised authorized unauthorised unauthorized
normal normally expected usual usually unusual high higher highest low lower lowest medium informational severity risk threat false true
attack attacks attacked attacker attackers exploit exploited compromise compromised infected breached stole leaked scanned probed
close closed ignore suppress suppressed approve approved allow allowed block blocked delete disable resolved should must may because caused
`)

// overreaches says, in words, what a note may not say; empty if it is plain.
func overreaches(text string) string {
	switch {
	case len(text) > MaxNote:
		return "the note is too long"
	case strings.ContainsAny(text, "<>[]`{}|→*#\\\n") || strings.Contains(text, "://") || strings.Contains(text, "->"):
		return "the note has marks that a plain sentence has not"
	case strings.Contains(text, "n't") || strings.Contains(text, "n’t"):
		return "the note denies something, which code alone may"
	}
	for _, f := range scan(text) {
		if slices.Contains(judging, f.key) {
			return fmt.Sprintf("the note says %q, which code alone may", f.key)
		}
	}
	if len(scan(text)) == 0 {
		return "the note says nothing"
	}
	return ""
}
