package reading

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// texts are the patterns of the stored texts: what logs that no dialect knows say
// ("Received block <*> of size <*>"), by the words in them. A question over such
// logs is read as one over the patterns that have most of its words, the rare
// words counting most (inverse document frequency; Spärck Jones, "A statistical
// interpretation of term specificity", 1972).
type texts struct {
	patterns []textPattern
	in       map[string]int // stem or meaning → how many patterns have it
	words    map[string]bool
	usual    float64 // different words of a pattern, on average
}

type textPattern struct {
	text  string
	not   bool            // it says that something is not so
	words map[string]bool // as written
	stems map[string]bool
	means map[string]bool
}

// patternField is the field that holds the pattern of a text.
const patternField = "template.text"

// maxTextEvents is how many events may be stored for their patterns to be read: they
// are in the document of each, and the first question has to look at all of them.
const maxTextEvents = 2_000_000

// loadTexts reads the patterns, where logs are stored that may have some, and few
// enough events.
func (r *reader) loadTexts(ctx context.Context, w World) error {
	if !r.vals.mayHaveTexts() {
		return nil
	}
	n, err := w.Events(ctx)
	if err != nil || n > maxTextEvents {
		return err
	}
	list, _, err := w.Values(ctx, "", patternField)
	if err != nil {
		return fmt.Errorf("reading the patterns of texts: %w", err)
	}
	r.texts.in, r.texts.words = map[string]int{}, map[string]bool{}
	for _, v := range list {
		p := newPattern(v.Value)
		if len(p.stems) == 0 {
			continue
		}
		r.texts.patterns = append(r.texts.patterns, p)
		for s := range p.stems {
			r.texts.in[s]++
		}
		for m := range p.means {
			r.texts.in[m]++
		}
		maps.Copy(r.texts.words, p.words)
		r.texts.usual += (float64(len(p.words)) - r.texts.usual) / float64(len(r.texts.patterns))
	}
	return nil
}

// mayHaveTexts tells whether a log is stored whose lines may be texts with a pattern.
func (v *values) mayHaveTexts() bool {
	for name := range v.fields["metadata.log_name"] {
		if tool, _, _ := strings.Cut(name, "/"); tool == "text" || tool == "syslog" || name == "web/error" {
			return true
		}
	}
	return false
}

func newPattern(text string) textPattern {
	p := textPattern{text: text, words: map[string]bool{}, stems: map[string]bool{}, means: map[string]bool{}}
	for _, w := range textWords(text) {
		s := textStem(w)
		p.words[w], p.stems[s] = true, true
		p.not = p.not || negations[w]
		if m := meanings[s]; m != "" {
			p.means[m] = true
		}
	}
	return p
}

// How much a word of a pattern counts that is written as in the question, that is
// a form of it, and that means the same.
const (
	sameWord    = 1
	sameStem    = 0.95
	sameMeaning = 0.6
	turnedRound = 0.97 // a text that says no where the question does not, or the other way
	longText    = 0.15 // for each time the usual length that a text is longer: one that has all words tells nothing (as in BM25; Robertson, Zaragoza 2009)
)

// has tells how well a pattern has a word.
func (p *textPattern) has(word string) float64 {
	s := textStem(word)
	switch {
	case p.words[word]:
		return sameWord
	case p.stems[s]:
		return sameStem
	case meanings[s] != "" && p.means[meanings[s]]:
		return sameMeaning
	}
	return 0
}

// weight is how much a word tells: the fewer patterns have it, the more.
func (t *texts) weight(word string) float64 {
	s := textStem(word)
	n := max(t.in[s], t.in[meanings[s]])
	if n == 0 {
		return 0
	}
	return math.Log(1 + float64(len(t.patterns))/float64(n))
}

// best gives the patterns that have the most of some words and none of others, and
// the words that they have.
func (t *texts) best(words []string, not bool, without []string) (patterns []string, have map[string]bool) {
	most, have := 0.0, map[string]bool{}
	for i := range t.patterns {
		p, score, its := &t.patterns[i], 0.0, map[string]bool{}
		if slices.ContainsFunc(without, func(w string) bool { return p.has(w) >= sameStem }) {
			continue
		}
		for _, w := range words {
			if h := p.has(w); h > 0 {
				score += h * t.weight(w)
				its[w] = true
			}
		}
		if p.not != not {
			score *= turnedRound
		}
		score /= 1 + longText*max(0, float64(len(p.words))/t.usual-1)
		switch {
		case score > most+1e-9:
			most, patterns, have = score, []string{p.text}, its
		case score > 0 && score > most-1e-9:
			patterns = append(patterns, p.text)
			for w := range its {
				have[w] = true
			}
		}
	}
	return patterns, have
}

// kin adds the patterns that are the same with more or fewer words opened: a
// pattern grows more general with the texts that join it.
func (t *texts) kin(patterns []string) []string {
	out := slices.Clone(patterns)
	for _, p := range patterns {
		words := strings.Fields(p)
		for i := range t.patterns {
			if q := t.patterns[i].text; !slices.Contains(out, q) && sameOpened(words, strings.Fields(q)) {
				out = append(out, q)
			}
		}
	}
	slices.Sort(out)
	return out
}

// sameOpened tells that two patterns differ only where one of them is open.
func sameOpened(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && a[i] != "<*>" && b[i] != "<*>" {
			return false
		}
	}
	return true
}

// knows tells whether a pattern has a word or one that means the same.
func (t *texts) knows(word string) bool {
	s := textStem(word)
	return t.in[s] > 0 || meanings[s] != "" && t.in[meanings[s]] > 0
}

// telling tells that one of some words is in few patterns, so that it is more than
// what all lines of a log speak of.
func (t *texts) telling(have map[string]bool) bool {
	for w := range have {
		s := textStem(w)
		if n := max(t.in[s], t.in[meanings[s]]); n <= max(3, len(t.patterns)/3) {
			return true
		}
	}
	return false
}
