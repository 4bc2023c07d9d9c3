package redact

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// streetWords say that a name is of a street; streetEnds are their endings
// where a language writes both as one word, and streetStarts stand in front.
var (
	streetWords = setOf(`street st str road rd avenue ave av boulevard blvd lane ln drive dr court ct square sq place pl terrace way highway hwy parkway pkwy circle cir crescent cres
		close row alley trail trl loop gardens grove mews wharf quay walk esplanade parade turnpike plaza heights hill ridge crossing creek junction path pike run
		utca út útja u tér tere kapu sor köz ulica ul ulice náměstí nám třída tř trg cesta straße strasse platz weg allee gasse ring damm ufer chaussee
		laan straat plein kade gracht dijk singel vej gade allé plads stræde gata gatan väg vägen gränd veien vegen vei katu tie tee tänav pst mnt puiestee maantee bulvar caddesi sokak cad sok οδός λεωφόρος ulitsa prospekt`)
	streetEnds = strings.Fields(`straße strasse gasse platz allee weg damm ring straat laan plein gracht kade dijk singel baan steeg vej gade vænget vangen toften stien gatan gata vägen väg gränd stigen vegen veien vei bakken gaten
		katu tie kuja polku kaari tänav utca útja gata stræti vegur braut gerði hagi street road avenue lane field gate feld stein graben berg dorf bundesstrasse hauptstrasse dreef hof vollen svingen ringen`)
	streetStarts = setOf(`via viale piazza corso largo vicolo strada rua avenida av travessa praça praceta largo alameda estrada rúa calle c plaza paseo camino carrera cra avda ronda rue avenue boulevard place chemin allée impasse quai route cours
		ul ulica aleja al plac os osiedle rr λ οδός lugar puerta cuesta carretera urb campo escuadro ctra`)
	units     = setOf(`apt apartment suite ste unit room rm floor fl flat building bldg box lot dept no`)
	particles = setOf(`de la las los el le les du des del della delle dei di da do dos das van von der den ter ten zu zum zur am an im und y of the av na nad u v ve w z ze pod sur op aan à d l`)
)

var boxes = regexp.MustCompile(`(?i)\b(?:psc|cmr|unit)\s+\S{1,24},?\s+box\s+\d{1,6}(?:,?\s*(?:apo|fpo|dpo),?\s+[a-z]{2}\s+\d{5}(?:-\d{4})?)?|\b(?:uss|uscgc|usns|usnv|hms)\s+[\pL'’-]+,?\s+(?:fpo|apo|dpo),?\s+[a-z]{2}\s+\d{5}|\b(?:p\.? ?o\.?|post(?:al)?) ?box\s+\d{1,8}`)

// corner is a place named by two streets.
var corner = regexp.MustCompile(`(?i)\b(?:the )?(?:corner|intersection) of ([^\n?!]{2,60}?) (?:and|&) ((?:[\pL\pN'’.-]+ ?){1,5})`)

// addressCue is what is written in front of an address.
var addressCue = regexp.MustCompile(`(?i)(?:address(?: (?:is|to|as|of|from|was|linked to [\pL ]{1,40} to))?|(?:liv(?:e|es|ed|ing)|resid(?:e|es|ing)|locat(?:ed)?|stay(?:s|ing)?|arriv(?:e|ed|es)|deliver(?:ed)?|sent|send|ship(?:ped)?|mail(?:ed)?|moved?|pick(?:ed)? (?:me )?up|drop(?:s|ped)?(?: \pL+)? off|taxi|meet(?: me)?|go|went|drive|get|office(?:s)?(?: is| are)?|headquarters?|house|home)(?: \pL+){0,4}? (?:at|on|in|to|from|is)|(?:at|on|to)|street|: |corner of|user: ?)\W{0,4}$`)

// addresses finds where people live and firms are: a number with the name of
// a street, what follows it as far as it belongs to it, and boxes of the post.
func (s *search) addresses() {
	if low := lower(s.text); containsAny(low, []string{"box", "apo", "fpo", "dpo"}) {
		for _, m := range boxes.FindAllStringIndex(s.text, -1) {
			s.place(m[0], m[1])
		}
	}
	if strings.Contains(s.text, "orner of ") || strings.Contains(s.text, "ntersection of ") {
		for _, m := range corner.FindAllStringSubmatchIndex(s.text, -1) {
			s.corner(m)
		}
	}
	for i := 0; i < len(s.words); {
		j := s.core(i)
		if j < 0 || s.busy(s.words[i].start, s.words[j].end) {
			i++
			continue
		}
		s.place(s.words[i].start, s.words[j].end)
		i = j + 1
	}
}

// corner adds a place that two streets name: what stands behind "and", as far
// as it is written like a name.
func (s *search) corner(m []int) {
	i := s.tokenAt(m[4])
	end := m[4]
	for n := 0; n < 5 && i < len(s.words) && (s.words[i].gap == " " || n > 0 && inLine(s.words[i].gap)); n++ {
		if t := s.words[i]; t.capital || number(t) || particle(t.low) || inStreets(t.low) || s.small && !s.know.ordinary(t.low) {
			end = t.end
			i++
			continue
		}
		break
	}
	if end > m[4] {
		s.add(m[0], end, Address)
	}
}

func inStreets(w string) bool { _, ok := streetWords[w]; return ok }

// core returns the last token of the middle of an address that begins at token
// i: [number] name… with a street word, a second number or a unit; -1: none.
func (s *search) core(i int) int {
	led := number(s.words[i])
	j := i
	if led {
		j++
		if j < len(s.words) && s.words[j].gap == " " && number(s.words[j]) {
			j++
		}
	}
	begin := j
	names, street := 0, false
	for ; j < len(s.words) && names < 6; j++ {
		t := s.words[j]
		if j > i && !inLine(t.gap) || names > 0 && t.gap == ". " && s.endsSentence(j) || !s.streetName(t, names) {
			break
		}
		street = street || isStreet(t.low, names)
		names++
	}
	if names == 0 || orgEnds[s.words[j-1].low] {
		return -1
	}
	tail := j < len(s.words) && inLine(s.words[j].gap) && number(s.words[j]) && !s.dated(j)
	if !s.isCore(i, begin, j, led, street, tail) {
		return -1
	}
	if tail {
		return j
	}
	return j - 1
}

// isCore judges a stretch that begins at token i, whose name is tokens begin to
// j: led by a number, with a word of streets, with a number behind.
func (s *search) isCore(i, begin, j int, led, street, tail bool) bool {
	first, last := s.words[i], s.words[j-1]
	unit := j+1 < len(s.words) && short(s.words[j].gap) && inUnits(s.words[j].low) && s.words[j+1].digits
	switch {
	case led && tail && s.capitalRun(begin, j), led && unit, street && (led || tail):
		return true
	case street && j-begin > 1 && first.capital && last.capital && english(last.low):
		return true
	case tail && first.capital && !s.know.ordinary(first.low), led && last.capital && s.unknown(begin, j):
		return addressCue.MatchString(s.before(first.start, 60))
	}
	return false
}

// capitalRun reports whether some word between two numbers is a name.
func (s *search) capitalRun(i, j int) bool {
	for _, t := range s.words[i:j] {
		if t.capital || s.small && !s.know.ordinary(t.low) {
			return true
		}
	}
	return false
}

func (s *search) unknown(i, j int) bool {
	for _, t := range s.words[i:j] {
		if t.capital && !s.know.ordinary(t.low) {
			return true
		}
	}
	return false
}

// dated reports whether number j is a year or followed by a unit of time.
func (s *search) dated(j int) bool {
	if j+1 >= len(s.words) {
		return false
	}
	switch s.words[j+1].low {
	case "years", "days", "hours", "minutes", "percent", "am", "pm", "times", "people", "seconds":
		return true
	}
	return false
}

// streetName reports whether a word can be part of a street's name.
func (s *search) streetName(t token, before int) bool {
	if t.digits {
		return false
	}
	if t.capital {
		return before > 0 || !t.first || !s.know.ordinary(t.low) || isStreet(t.low, 0) || s.know.isProper(t.low)
	}
	if _, ok := particles[t.low]; ok && before > 0 {
		return true
	}
	if _, ok := streetWords[t.low]; ok && before > 0 {
		return true
	}
	if _, ok := streetStarts[t.low]; ok && before == 0 && len(t.low) > 1 {
		return true
	}
	return s.small && !s.know.ordinary(t.low) || uncased(t.text)
}

// endsSentence reports whether the full stop before token j ends a sentence
// rather than a short word.
func (s *search) endsSentence(j int) bool {
	w := s.words[j-1].low
	return utf8.RuneCountInString(w) > 3 && !inStreets(w) && !titles[w]
}

func uncased(w string) bool {
	r, _ := utf8.DecodeRuneInString(w)
	return !unicode.IsUpper(r) && !unicode.IsLower(r)
}

func isStreet(w string, at int) bool {
	if _, ok := streetWords[w]; ok && at > 0 {
		return true
	}
	if _, ok := streetStarts[w]; ok && at == 0 {
		return true
	}
	for _, end := range streetEnds {
		if len(w) > len(end)+2 && strings.HasSuffix(w, end) {
			return true
		}
	}
	return false
}

func english(w string) bool {
	switch w {
	case "street", "road", "avenue", "lane", "drive", "boulevard", "rd", "ave", "blvd", "square", "sq", "crescent", "terrace", "highway", "parkway", "straße", "strasse":
		return true
	}
	return false
}

func inUnits(w string) bool { _, ok := units[w]; return ok }

// number reports whether a token is the number of a house, or a postcode.
func number(t token) bool {
	n := len(onlyDigits(t.text))
	return n > 0 && n <= 6 && n >= len(t.text)-1
}

// inLine and short say which gaps an address may have between its words.
func inLine(gap string) bool {
	return len(gap) <= 3 && strings.Trim(gap, " .,/") == "" && !strings.HasPrefix(gap, ". .")
}

func short(gap string) bool { return len(gap) <= 8 && strings.Trim(gap, " .,\n\r\t>()#") == "" }

// place adds an address whose middle is known, with what belongs to it.
func (s *search) place(start, end int) {
	i, block := s.tokenAt(end), s.startsLine(start)
	begin := start
	for n := 0; i < len(s.words) && n < 12; n++ {
		next := s.more(i)
		if next < 0 {
			break
		}
		if block && strings.ContainsAny(s.words[i].gap, "\n") {
			s.add(begin, end, Address)
			s.lines(i)
			return
		}
		i = next + 1
		end = s.words[next].end
	}
	if end < len(s.text) && s.text[end] == ')' && strings.Contains(s.text[start:end], "(") {
		end++
	}
	s.add(begin, end, Address)
}

// tokenAt returns the first token at or behind a byte.
func (s *search) tokenAt(at int) int {
	for i, t := range s.words {
		if t.start >= at {
			return i
		}
	}
	return len(s.words)
}

// startsLine reports whether a block of lines begins here, as on a letter.
func (s *search) startsLine(at int) bool {
	line := s.text[strings.LastIndexByte(s.text[:at], '\n')+1 : at]
	return strings.Trim(line, " \t>") == "" && strings.Contains(s.text[at:], "\n")
}

// more returns the last token of the next part of an address that begins at
// token i: a unit with its number, a town, a state, a country, a postcode.
func (s *search) more(i int) int {
	t := s.words[i]
	if !short(t.gap) || strings.HasPrefix(t.gap, ". ") && !inUnits(s.words[max(0, i-1)].low) && s.know.ordinary(t.low) || s.label(i) {
		return -1
	}
	if inUnits(t.low) && i+1 < len(s.words) && s.words[i+1].digits {
		return i + 1
	}
	if t.digits {
		if m := phoneRE.FindStringIndex(s.text[t.start:min(len(s.text), t.start+32)]); m != nil && m[0] == 0 && len(onlyDigits(s.text[t.start:t.start+m[1]])) >= 8 && grouped(s.text[t.start:t.start+m[1]]) {
			return -1 // a telephone number below the address
		}
		if len(t.text) <= 8 && len(onlyDigits(t.text)) >= 2 {
			return i
		}
		return -1
	}
	if _, ok := streetWords[t.low]; ok && !strings.ContainsAny(t.gap, ".\n") {
		return i
	}
	town := t.capital && (!s.know.ordinary(t.low) || t.shout || strings.ContainsAny(t.gap, ",\n") || s.know.isProper(t.low) || s.capitalNext(i)) ||
		s.small && (!s.know.ordinary(t.low) || strings.ContainsAny(t.gap, ",\n")) || t.capital && t.gap == " " && s.words[i-1].capital && !s.words[i-1].digits
	if town || particle(t.low) && i+1 < len(s.words) && s.words[i+1].capital && s.words[i+1].gap == " " {
		return i
	}
	return -1
}

func (s *search) capitalNext(i int) bool {
	return i+1 < len(s.words) && s.words[i+1].capital && s.words[i+1].gap == " "
}

func particle(w string) bool { _, ok := particles[w]; return ok }

// label reports whether token i is the word before a colon: "Mobile:".
func (s *search) label(i int) bool {
	rest := s.after(s.words[i].end, 2)
	return strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, " :")
}

// smallState reports whether token i is a short word alone on its line with a
// number on the next: a state or country code written small.
func (s *search) smallState(i int) bool {
	if i+1 >= len(s.words) || len(s.words[i].text) > 3 || !s.words[i+1].digits {
		return false
	}
	return strings.Contains(s.words[i].gap, "\n") && short(s.words[i].gap) && strings.Contains(s.words[i+1].gap, "\n")
}

// lines takes the further lines of a block one by one: what is a number in
// them is of the address, what is a name is a town, state or country.
func (s *search) lines(i int) {
	for n := 0; i < len(s.words) && n < 12; n++ {
		t := s.words[i]
		j := s.more(i)
		if j < 0 && s.smallState(i) {
			j = i
		}
		if j < 0 {
			return
		}
		switch {
		case inUnits(t.low):
			s.add(t.start, s.words[j].end, Address)
		case t.digits:
			s.add(t.start, t.end, Postcode)
		default:
			for j+1 < len(s.words) && strings.Trim(s.words[j+1].gap, " (") == "" && !s.words[j+1].digits && s.more(j+1) == j+1 {
				j++
			}
			s.add(t.start, s.words[j].end, Place)
		}
		i = j + 1
	}
}
