package reading

import (
	"fmt"
	"slices"
	"strings"

	"vedette/internal/query"
)

// kind is what part a phrase plays in a question.
type kind string

const (
	kSubject  kind = "subject"
	kEntity   kind = "entity"
	kQuantity kind = "quantity"
	kCond     kind = "cond"
	kFn       kind = "fn"
	kOrder    kind = "order"
	kShape    kind = "shape"
	kOp       kind = "op"
	kPost     kind = "post"
	kContains kind = "contains"
	kIs       kind = "is"
	kRole     kind = "role"
	kNeg      kind = "neg"
	kGroup    kind = "group"
	kWh       kind = "wh"
	kLink     kind = "link"
	kPair     kind = "pair"
	kEach     kind = "each"
	kVerb     kind = "verb"
	kValue    kind = "value"
	kStop     kind = "stop"
)

// entry is one line of the lexicon.
type entry struct {
	kind  kind
	key   string            // the meaning up to the first attribute
	attrs map[string]string // class, logs, where, failure, success, field, unit, words, bucket
	alts  []fieldValue      // kValue: the fields it may be a value of
}

type fieldValue struct{ field, value string }

// Lexicon is the planner's vocabulary, indexed by phrase.
type Lexicon struct {
	phrases map[string][]*entry // stems joined by a space
	longest int                 // words of the longest phrase
	words   map[string]bool     // stems of single words, for spelling
	byKey   map[string]*entry   // kind/key
}

// ParseLexicon reads the lexicon's text form, described at its head. An error
// names the line.
func ParseLexicon(text string) (*Lexicon, error) {
	l := &Lexicon{phrases: map[string][]*entry{}, words: map[string]bool{}, byKey: map[string]*entry{}}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := l.line(line); err != nil {
			return nil, fmt.Errorf("lexicon line %d: %w", n+1, err)
		}
	}
	return l, nil
}

func (l *Lexicon) line(line string) error {
	parts := strings.SplitN(line, " | ", 3)
	if len(parts) != 3 {
		return fmt.Errorf("want kind | meaning | phrases, have %d parts", len(parts))
	}
	e := &entry{kind: kind(parts[0]), attrs: map[string]string{}}
	for i, attr := range strings.Split(parts[1], " ; ") {
		attr = strings.TrimSpace(attr)
		name, val, ok := strings.Cut(attr, "=")
		switch {
		case e.kind == kValue && ok:
			e.alts = append(e.alts, fieldValue{name, val})
		case i == 0:
			e.key = attr
		case ok:
			e.attrs[name] = val
		}
	}
	for _, name := range []string{"where", "failure", "success"} {
		if _, err := query.ParseText(e.attrs[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if old := l.byKey[string(e.kind)+"/"+e.key]; old == nil {
		l.byKey[string(e.kind)+"/"+e.key] = e
	}
	for phrase := range strings.SplitSeq(parts[2], ",") {
		l.add(phrase, e)
	}
	return nil
}

func (l *Lexicon) add(phrase string, e *entry) {
	toks := tokenise(strings.TrimSpace(phrase))
	if len(toks) == 0 {
		return
	}
	stems := make([]string, len(toks))
	for i, t := range toks {
		stems[i] = t.stem
		if len(t.stem) > 3 {
			l.words[t.stem] = true
		}
	}
	key := strings.Join(stems, " ")
	if len(toks) == 1 && len(toks[0].lower) <= 3 {
		key = exact + toks[0].lower
	}
	if !slices.Contains(l.phrases[key], e) {
		l.phrases[key] = append(l.phrases[key], e)
	}
	l.longest = max(l.longest, len(toks))
}

// at returns the entries of the longest phrase that starts at token i, and how
// many tokens it covers.
func (l *Lexicon) at(toks []token, i int) ([]*entry, int) {
	var b strings.Builder
	var best []*entry
	size := 0
	for n := 0; n < l.longest && i+n < len(toks); n++ {
		if toks[i+n].kind == tokQuoted {
			break
		}
		if n > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(toks[i+n].stem)
		found := l.phrases[b.String()]
		if n == 0 {
			found = slices.Concat(found, l.word(toks[i].lower))
		}
		if len(found) > 0 {
			best, size = found, n+1
		}
	}
	return best, size
}

// exact marks the index of words of at most three letters, which are compared
// as they are, but for a plural s: the stem of "side" is no "sid".
const exact = "="

func (l *Lexicon) word(lower string) []*entry {
	if found := l.phrases[exact+lower]; found != nil {
		return found
	}
	if len(lower) <= 2 {
		return nil
	}
	return l.phrases[exact+strings.TrimSuffix(lower, "s")]
}

// find gives the entries of one word.
func (l *Lexicon) find(lower string) []*entry {
	return slices.Concat(l.phrases[stem(lower)], l.word(lower))
}

// correct finds the one lexicon word that a misspelt word is nearest to: one
// edit for words of 4 to 6 letters, two for longer ones. The first letter must
// be right or swapped with the second.
func (l *Lexicon) correct(word string) (string, bool) {
	if len(word) < 4 {
		return "", false
	}
	limit := 1
	if len(word) >= 7 {
		limit = 2
	}
	best, cost, ties := "", 2*limit+2, 0
	for w := range l.words {
		d, ok := misspelt(word, w, limit)
		switch {
		case !ok || d > cost:
		case d < cost:
			best, cost, ties = w, d, 1
		default:
			ties++
		}
	}
	return best, best != "" && ties == 1
}

// misspelt tells how far a misspelt word is from the word w, in half edits:
// a wrong first letter, and a letter that is wrong rather than left out or
// doubled, cost a half more. It is false for what is another word.
func misspelt(word, w string, limit int) (int, bool) {
	if d := len(w) - len(word); d > limit || d < -limit || w[0] != word[0] && w[0] != word[1] {
		return 0, false
	}
	alike := within(word, w) || within(w, word)
	cost := 2 * query.EditDistance(word, w)
	switch {
	case cost > 2*limit:
		return 0, false
	case strings.HasPrefix(word, w) && word[len(word)-1] != word[len(word)-2]:
		return 0, false // a longer word of its own: "employee"
	case cost > 2 && (strings.HasPrefix(word, w) || strings.HasPrefix(w, word)):
		return 0, false
	case cost > 2 && !alike && (len(word) < 10 || commonPrefix(word, w) >= len(word)-3):
		return 0, false // "operator" is no misspelt "operation"
	case len(word) == 4 && !alike && !sameLetters(word, w):
		return 0, false // short words are too near to each other
	}
	if w[0] != word[0] {
		cost++
	}
	if !alike {
		cost++
	}
	return cost, true
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// sameLetters tells words that only differ in the order of their letters.
func sameLetters(a, b string) bool {
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return string(x) == string(y)
}

// within tells whether the letters of a stand in b in the same order.
func within(a, b string) bool {
	i := 0
	for j := 0; j < len(b) && i < len(a); j++ {
		if a[i] == b[j] {
			i++
		}
	}
	return i == len(a)
}

// entry returns the entry of a kind by its key.
func (l *Lexicon) entry(k kind, key string) *entry { return l.byKey[string(k)+"/"+key] }

// nouns gives the plural noun of each field that people can name.
func (l *Lexicon) nouns() map[string]string {
	out := map[string]string{}
	for _, e := range l.byKey {
		field := e.attrs["field"]
		if e.kind == kQuantity {
			field = e.key
		}
		if field == "" || e.attrs["implies"] != "" || e.attrs["words"] == "" {
			continue
		}
		if old := out[field]; old == "" || e.attrs["words"] < old {
			out[field] = e.attrs["words"]
		}
	}
	return out
}
