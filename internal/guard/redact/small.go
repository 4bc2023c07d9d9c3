package redact

import (
	"regexp"
	"strings"
)

// smallCue is what stands before a name even where it is written small.
var smallCue = regexp.MustCompile(`(?i)(?:\bmy name(?:'s| is)|\bname:|\bname is|\bi am called|\bcalls? me|\bi'm|\bi am|\bthis is|\bhi|\bhello|\bhey|\bdear|\bmr\.?|\bmrs\.?|\bms\.?|\bdr\.?|\bprof\.?|\bcontact|\bnamed|\bfriend|\bregards,|\bsincerely,|\bcheers,)\s+$`)

// smallPlace is what stands before a place written small.
var smallPlace = regexp.MustCompile(`(?i)\b(?:(?:liv(?:e|es|ed|ing)|born|based|located|move[ds]?(?: here)?|moving|travel(?:l?ing|l?ed)?|fly(?:ing)?|trip|going|went|come[s]?|came|originally|am|is|are|office[s]?|staying|stay(?:s|ed)?|return(?:ed)?|visit(?:ed|ing)?)(?: back)?(?: in| from| to| at| near)|visit(?:ed|ing)?)\s+$`)

// smallNames finds names in a text without capitals: known names, and unknown
// words where a name is announced.
func (s *search) smallNames() {
	for i := 0; i < len(s.words); i++ {
		t := s.words[i]
		if t.digits || s.busy(t.start, t.end) || s.know.ordinary(t.low) || len(t.text) < 3 || strings.ContainsAny(t.text, "'’") || stopWords[t.low] {
			continue
		}
		j := i + 1
		for j < len(s.words) && j < i+4 && (s.words[j].gap == " " || s.words[j].gap == ". ") && !s.words[j].digits && !s.busy(s.words[j].start, s.words[j].end) && (!s.know.ordinary(s.words[j].low) || len(s.words[j].text) == 1 && s.words[j].low != "i" && s.words[j].low != "a") {
			j++
		}
		if kind := s.smallKind(i, j); kind != "" {
			s.add(t.start, s.words[j-1].end, kind)
		}
		i = j - 1
	}
}

func (s *search) smallKind(i, j int) string {
	before := s.before(s.words[i].start, 40)
	known := false
	for _, t := range s.words[i:j] {
		known = known || s.know.isGiven(t.low) || s.know.isSurname(t.low) || s.know.isProper(t.low)
	}
	switch {
	case smallPlace.MatchString(before):
		return Place
	case smallCue.MatchString(before), known:
		return PersonName
	case orgWord(before):
		return Organization
	case j-i > 1 && !strings.ContainsAny(s.text, "=_/\\<>{}"):
		return PersonName
	case len(s.words) < 40 && !strings.ContainsAny(s.text, "=_/\\<>{}[]") && s.prose():
		return PersonName
	}
	return ""
}

// prose reports whether most words of a text are ordinary ones, as those of a
// log are not.
func (s *search) prose() bool {
	n := 0
	for _, t := range s.words {
		if s.know.ordinary(t.low) {
			n++
		}
	}
	return n*4 >= len(s.words)*3
}

func orgWord(before string) bool {
	for _, w := range []string{"work for ", "works for ", "work at ", "works at ", "worked for ", "worked at ", "company ", "employed by "} {
		if strings.HasSuffix(before, w) {
			return true
		}
	}
	return false
}

// smallCues finds, in a text with capitals, a name that is written small
// behind words that announce one.
func (s *search) smallCues() {
	for i, t := range s.words {
		if t.capital || t.digits || len(t.text) < 3 || s.know.ordinary(t.low) || s.busy(t.start, t.end) {
			continue
		}
		before := s.before(t.start, 40)
		switch {
		case smallPlace.MatchString(before):
			s.add(t.start, t.end, Place)
		case smallCue.MatchString(before) && s.know.isGiven(t.low):
			s.add(t.start, t.end, PersonName)
		case uncased(t.text) && i > 0:
			s.add(t.start, t.end, PersonName)
		}
	}
}
