package copilot

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// The things in a sentence that must be backed: addresses, MACs, times,
// identifiers and numbers.
var claimShape = regexp.MustCompile(`(?i)\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b|\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(?: UTC|Z)?|(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}|\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?\b|\bCVE-\d{4}-\d+\b|\bT\d{4}(?:\.\d{3})?\b|\b\d+(?:\.\d+)?\b`)

// verify marks each sentence: every address, time, identifier and number in it
// must be in the evidence it cites, in the question, or have been recomputed.
// A sentence that cites evidence which is not part of this answer is
// unsupported, and so is one with a fact that nothing backs.
func verify(sentences []Sentence, ans *Answer) []Sentence {
	for i := range sentences {
		s := &sentences[i]
		s.Status = "verified"
		if s.Evidence == nil {
			s.Evidence = []string{}
		}
		backing, ok := backingOf(s, ans)
		if !ok {
			s.Status = "unsupported"
			continue
		}
		for _, fact := range claimShape.FindAllString(s.Text, -1) {
			if !backing.has(fact) {
				s.Status = "unsupported"
				break
			}
		}
	}
	return sentences
}

// backing is the set of canonical texts that may appear in a sentence, and the
// free texts they may appear within.
type backing struct {
	facts map[string]bool
	texts []string
}

func backingOf(s *Sentence, ans *Answer) (backing, bool) {
	b := backing{facts: map[string]bool{}, texts: []string{ans.Question}}
	for _, id := range s.Evidence {
		found := false
		for _, e := range ans.Evidence {
			if e.ID == id {
				found = true
				b.addEvidence(e)
			}
		}
		if !found {
			return b, false
		}
	}
	for _, c := range s.computed {
		b.addText(c)
	}
	return b, true
}

func (b *backing) addEvidence(e Evidence) {
	b.fact(strconv.FormatInt(e.Total, 10))
	b.fact(strconv.Itoa(len(e.Rows)))
	for _, c := range e.Columns {
		b.addText(c)
	}
	for _, row := range e.Rows {
		for _, v := range row {
			switch x := v.(type) {
			case nil:
			case string:
				b.addText(x)
			case []string:
				for _, m := range x {
					b.addText(m)
				}
			default:
				b.fact(cell(x))
				b.fact(fmt.Sprint(x))
			}
		}
	}
}

func (b *backing) fact(s string) { b.facts[canonical(s)] = true }

func (b *backing) addText(s string) {
	b.fact(s)
	b.texts = append(b.texts, s)
}

func (b *backing) has(fact string) bool {
	if b.facts[canonical(fact)] {
		return true
	}
	for _, t := range b.texts {
		for _, part := range claimShape.FindAllString(t, -1) {
			if canonical(part) == canonical(fact) {
				return true
			}
		}
	}
	return false
}

// canonical brings equal facts to one spelling: addresses as netip writes
// them, times without zone words, numbers without trailing zeros.
func canonical(s string) string {
	s = strings.TrimSpace(strings.ToLower(s))
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().String()
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return strings.NewReplacer(" utc", "", "z", "", "t", " ").Replace(s)
}
