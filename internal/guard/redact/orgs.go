package redact

import "strings"

// asOrg scores a run as the name of a firm or body.
func (s *search) asOrg(r run) int {
	given, surname, unknown, ordinary := s.kinds(r)
	before2, before, after, after2 := s.context(r)
	score, n := 0, r.to-r.from
	if orgEnds[s.words[r.to-1].low] && (n > 1) {
		score += 6
	}
	for _, t := range s.words[r.from:r.to] {
		if strings.Contains(t.text, "&") || camel(t.text) {
			score += 4
		}
		if strings.Contains(t.text, "-") && !s.know.isGiven(t.low) && given == 0 {
			score += 2
		}
	}
	if ordinary > 0 && n > 1 && !s.words[r.from].first {
		score += 3
	}
	score += min(unknown+surname, 2)
	if n == 1 && ordinary == 1 {
		score -= 3
	}
	if before == "the" || before == "a" || before == "an" {
		score += 2
	}
	score += orgPrep(before2, before)
	if label := strings.TrimRight(s.before(s.words[r.from].start, 24), " "); hasSuffix(label, "company:", "organization:", "organisation:", "employer:", "firm:", "bank:", "school:", "vendor:", "manufacturer:", "supplier:", "company name:") {
		score += 7
	}
	if orgAfter[after] || orgAfter[after2] {
		score += 3
	}
	if s.orgClause(r) {
		score += 7
	}
	if s.alone(r) && s.lineBefore(r) {
		score += 4
	}
	if given > 0 && n > 1 && ordinary == 0 && !orgEnds[s.words[r.to-1].low] {
		score -= 2
	}
	return score
}

func hasSuffix(text string, ends ...string) bool {
	for _, end := range ends {
		if strings.HasSuffix(text, end) {
			return true
		}
	}
	return false
}

// What stands before "at" or "for", and before "of", where a firm follows.
var (
	orgWork = wordSet("work works worked working employed employee job year years hired position intern internship")
	orgOf   = wordSet("address ceo cto founder employee customer shares office offices president owner director")
)

// orgPrep scores the words before a run.
func orgPrep(before2, before string) int {
	switch {
	case orgWork[before2] && (before == "for" || before == "at" || before == "with" || before == "by"):
		return 8
	case before == "of" && orgOf[before2]:
		return 5
	case before == "at":
		return 3
	case orgBefore[before]:
		return 1
	}
	return 0
}

// orgClause reports whether what follows says that the run is a firm.
func (s *search) orgClause(r run) bool {
	clause := s.after(s.words[r.to-1].end, 48)
	if !strings.HasPrefix(clause, " is ") && !strings.HasPrefix(clause, " was ") && !strings.HasPrefix(clause, ", ") {
		return false
	}
	for _, noun := range orgNouns {
		if strings.Contains(clause, noun) {
			return true
		}
	}
	return false
}

// firms finds firms that are named after people: "A, B and C" where a firm is
// spoken of.
func (s *search) firms(all []run) {
	for n := 0; n+2 < len(all); n++ {
		a, b, c := all[n], all[n+1], all[n+2]
		if a.to != b.from || s.words[b.from].gap != ", " || b.to+1 != c.from || s.words[b.to].low != "and" || c.to-c.from != 1 || b.to-b.from != 1 || a.to-a.from != 1 {
			continue
		}
		whole := run{from: a.from, to: c.to}
		before2, before, after, _ := s.context(whole)
		if before == "at" || before == "for" && strings.HasPrefix(before2, "work") || before == "of" && before2 == "address" || s.orgClause(whole) || orgAfter[after] || s.alone(whole) && s.lineAbove(whole) {
			s.add(s.words[a.from].start, s.words[c.to-1].end, Organization)
		}
	}
}

// lineAbove reports whether there is a line above the run.
func (s *search) lineAbove(r run) bool { return strings.Contains(s.text[:s.words[r.from].start], "\n") }

// camel reports whether a word has a capital behind a small letter, and is not
// a name like McDonald.
func camel(w string) bool {
	small := false
	for i, r := range w {
		if r >= 'A' && r <= 'Z' && small && i > 3 {
			return true
		}
		small = r >= 'a' && r <= 'z'
	}
	return false
}

// alone reports whether a run fills its line.
func (s *search) alone(r run) bool {
	start, end := s.words[r.from].start, s.words[r.to-1].end
	line := s.text[strings.LastIndexByte(s.text[:start], '\n')+1 : start]
	rest, _, _ := strings.Cut(s.text[end:], "\n")
	return strings.Trim(line, " \t>-*") == "" && strings.Trim(rest, " \t\r.,") == ""
}

// lineBefore reports whether the line before a run is the name of a person.
func (s *search) lineBefore(r run) bool {
	start := s.words[r.from].start
	for _, f := range s.found {
		if f.Type == PersonName && f.End <= start && strings.Trim(s.text[f.End:start], " \t\r\n>,") == "" && strings.Contains(s.text[f.End:start], "\n") {
			return true
		}
	}
	return false
}
