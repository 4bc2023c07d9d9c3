package redact

import (
	"strings"
	"unicode/utf8"
)

// names finds the names of people, firms and places. Known places go first;
// what is left of the words written with a capital is judged run by run, by
// what the words are and what stands around them.
func (s *search) names() {
	s.gazetted()
	if s.small {
		s.smallNames()
		return
	}
	runs := s.runs()
	s.firms(runs)
	for i := range runs {
		s.judge(runs, i)
	}
	s.smallCues()
}

// gazetted finds places and peoples that are known by name.
func (s *search) gazetted() {
	for i := 0; i < len(s.words); i++ {
		for n := min(s.know.longest, len(s.words)-i); n > 0; n-- {
			if kind, ok := s.know.places[s.phrase(i, n)]; ok && s.isPlace(i, n, kind) {
				s.add(s.words[i].start, s.words[i+n-1].end, kind)
				i += n - 1
				break
			}
		}
	}
}

// phrase is the text of n tokens in lower case, if they stand side by side.
func (s *search) phrase(i, n int) string {
	if n == 1 {
		return s.words[i].low
	}
	for _, t := range s.words[i+1 : i+n] {
		if t.gap != " " && t.gap != "\n" && t.gap != ". " {
			return ""
		}
	}
	return lower(strings.ReplaceAll(s.text[s.words[i].start:s.words[i+n-1].end], "\n", " "))
}

// isPlace tells a place from a word or a person of the same name.
func (s *search) isPlace(i, n int, kind string) bool {
	t := s.words[i]
	if !t.capital && !s.small && (kind != Group || s.know.ordinary(t.low)) {
		return s.words[i].low == "the" && n > 1 && s.words[i+1].capital
	}
	if n > 1 {
		return true
	}
	if len(t.text) <= 2 && !t.shout {
		return false
	}
	ordinary := s.know.ordinary(t.low) || s.know.isGiven(t.low) || s.know.isSurname(t.low)
	if s.small && ordinary {
		return kind == Group && !s.know.ordinary(t.low) || s.placePrep(i)
	}
	if kind == Group {
		return true
	}
	named := s.nextCapital(i) && !s.know.ordinary(s.words[i+1].low) && s.words[i+1].gap == " "
	if i > 0 && s.words[i].gap == " " && s.words[i-1].capital && s.know.isGiven(s.words[i-1].low) {
		return false
	}
	return !ordinary && !named || s.placePrep(i) && !named
}

func (s *search) nextCapital(i int) bool { return i+1 < len(s.words) && s.words[i+1].capital }

// placePrep reports whether a word that places follow stands before token i.
func (s *search) placePrep(i int) bool {
	return i > 0 && strings.Trim(s.words[i].gap, " ") == "" && placeWords[s.words[i-1].low]
}

var placeWords = wordSet(`in from to at near visit visiting visited into toward towards outside inside around across via leaving left reach reached through throughout between`)

// wordSet is a set of words.
func wordSet(text string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(text) {
		out[w] = true
	}
	return out
}

// run is a stretch of words with capitals: tokens from to to, exclusive.
type run struct {
	from, to int
	kind     string // what it was taken for
}

// runs cuts the text into stretches of names.
func (s *search) runs() []run {
	var out []run
	for i := 0; i < len(s.words); {
		if !s.nameish(i) {
			i++
			continue
		}
		j := i + 1
		for j < len(s.words) && s.goesOn(j) {
			j++
		}
		for !s.words[j-1].capital && j > i+1 {
			j--
		}
		if r := s.trim(run{from: i, to: j}); r.from < r.to {
			out = append(out, r)
		}
		i = j
	}
	return out
}

func (s *search) nameish(i int) bool {
	t := s.words[i]
	return t.capital && !inStreets(t.low) && !s.busy(t.start, t.end) && t.low != "i" && !strings.HasPrefix(t.low, "i'") && !strings.HasPrefix(t.low, "i’") && (!t.digits || !t.shout)
}

// goesOn reports whether token j belongs to the run before it.
func (s *search) goesOn(j int) bool {
	t, prev := s.words[j], s.words[j-1]
	joined := t.gap == " " || t.gap == " & " || t.gap == ". " && initialOf(prev)
	if !joined {
		return false
	}
	if s.nameish(j) {
		return true
	}
	return particle(t.low) && !t.capital && s.nextCapital(j) && s.words[j+1].gap == " " && nameParticles[t.low] && !s.know.ordinary(prev.low)
}

var nameParticles = wordSet(`de la le du des del della di da do dos van von der den ter ten zu bin ibn al el of`)

func initialOf(t token) bool { return utf8.RuneCountInString(t.text) == 1 && t.capital }

// trim takes away the words at the start of a sentence that are no names.
func (s *search) trim(r run) run {
	for r.from < r.to {
		t := s.words[r.from]
		rest := r.to - r.from
		if !t.first && !stopWords[t.low] || t.first && !s.know.ordinary(t.low) && !stopWords[t.low] {
			break
		}
		person := s.know.isGiven(t.low) || s.know.isSurname(t.low) && rest > 1
		if !stopWords[t.low] && (rest > 1 && s.orgClause(r) || person && (rest > 1 || !s.know.ordinary(t.low)) || rest > 1 && s.orgTail(r) || rest > 1 && s.know.ordinary(s.words[r.from+1].low)) {
			break
		}
		r.from++
	}
	for r.from < r.to && stopWords[s.words[r.to-1].low] {
		r.to--
	}
	return r
}

// stopWords are written with a capital and are nobody's name.
var stopWords = wordSet(`monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december
	the a an this that these those my your his her our their its it he she we they you i and or but if in on at to from by with for of as is are was were be been has have had do does did not no yes
	please hello hi hey dear thanks thank sorry sir madam god internet ok okay what when where who why how which can could will would should may might must let since because while after before
	mobile phone tel fax email address name date desk office bot user subject billing shipping zip error warning failed accepted info debug notice critical tcp udp http https dns dhcp ssh tls ssl ip mac url id api usb cpu ram
	modbus mqtt bacnet dnp3 plc hmi scada opc ntp ftp smtp snmp icmp arp lan wan vlan vpn ip4 ipv4 ipv6 get post put head delete ceo cto cfo atm pin iban ssn vip`)

func (s *search) orgTail(r run) bool { return orgEnds[s.words[r.to-1].low] }

// orgEnds end the name of a firm or body.
var orgEnds = wordSet(`inc ltd llc llp plc gmbh ag ab as asa oy oyj kg ohg bv nv sa srl spa sarl corp corporation company co group holding holdings bank university college institute foundation association society
	partners associates solutions systems technologies technology labs laboratories industries enterprises services consulting ventures capital investments international global insurance airlines airways motors electric energy
	hospital school academy agency ministry department committee council union club magazine times post news press media records studios entertainment network networks software sons brothers bros museum church markets securities logistics pharmaceuticals`)

// judge says what a run is and adds it.
func (s *search) judge(all []run, n int) {
	r := &all[n]
	start, end := s.words[r.from].start, s.words[r.to-1].end
	if s.busy(start, end) {
		return
	}
	person, org, place := s.asPerson(*r), s.asOrg(*r), s.asPlace(*r)
	person += s.inList(all, n)
	best, kind := person, PersonName
	if org > best {
		best, kind = org, Organization
	}
	if place > best {
		best, kind = place, Place
	}
	if best < 3 {
		return
	}
	if kind == Organization && end < len(s.text) && s.text[end] == '.' && orgEnds[s.words[r.to-1].low] && s.words[r.to-1].low == "inc" && end+1 < len(s.text) && s.text[end+1] != '\n' {
		end++
	}
	if s.add(start, end, kind) {
		r.kind = kind
	}
}

// context returns the two words before a run and the two behind it, in lower
// case, without those of another line or sentence.
func (s *search) context(r run) (before2, before, after, after2 string) {
	if r.from > 0 && !s.words[r.from].first {
		before = s.words[r.from-1].low
		if r.from > 1 && !s.words[r.from-1].first {
			before2 = s.words[r.from-2].low
		}
	}
	if r.to < len(s.words) && strings.Trim(s.words[r.to].gap, " ,'’s\"”") == "" {
		after = s.words[r.to].low
		if r.to+1 < len(s.words) && s.words[r.to+1].gap == " " {
			after2 = s.words[r.to+1].low
		}
	}
	return before2, before, after, after2
}

// kinds counts what the words of a run are.
func (s *search) kinds(r run) (given, surname, unknown, ordinary int) {
	for _, t := range s.words[r.from:r.to] {
		if !t.capital || initialOf(t) {
			continue
		}
		word := s.know.ordinary(t.low)
		switch {
		case s.know.isGiven(t.low) && (!word || r.to-r.from > 1 || !t.first && !stopWords[t.low]):
			given++
		case s.know.isSurname(t.low) && (!word || r.to-r.from > 1):
			surname++
		case word || stopWords[t.low]:
			ordinary++
		default:
			unknown++
		}
	}
	return given, surname, unknown, ordinary
}

var (
	personBefore = wordSet(`mr mrs ms dr prof hi hello hey dear thanks regards sincerely cheers by with says said asked told named called contact contacted colleague friend brother sister mother father wife husband son daughter boss manager
		guardian founder president minister singer actor actress author player artist director writer composer captain coach client customer patient doctor nurse engineer employee driver me that's am i'm meet met know knows love loves miss marry married heard ask tell call email
		leave of and not for than like about to when is`)
	personAfter = wordSet(`said says is was has had lives lived works worked and will would can could wrote writes went goes came told asked who whose speak spoke likes loves born died played plays fan sings listed spent thinks called wants never just moved moves`)
	orgBefore   = wordSet(`at for company firm join joined joining agency bank employer startup ceo cto founder founders bought acquired acquire sued of with by shares stock later the called between against contact`)
	orgAfter    = wordSet(`announced acquired bought sells sold offers provides manufactures employs employees employee team account app store shares stock ceo office offices headquarters website customers board reported launched company corporation brand products`)
	orgNouns    = []string{"company", "agency", "firm", "brainchild", "startup", "start-up", "manufacturer", "provider", "organization", "organisation", "corporation", "vendor", "supplier", "business", "studio", "retailer", "bank ", "platform", "chain", "brand", "institution", "charity", "non-profit", "nonprofit", "maker", "association", "subsidiary", "employer"}
)

// asPerson scores a run as the name of a person.
func (s *search) asPerson(r run) int {
	given, surname, unknown, ordinary := s.kinds(r)
	before2, before, after, _ := s.context(r)
	score, n := 0, r.to-r.from
	score += min(3*given+2*surname+2*unknown, 6)
	if n > 1 && ordinary == 0 && n <= 4 {
		score += 2
	}
	score -= 2 * ordinary
	if n == 1 && s.words[r.from].shout {
		score -= 2
	}
	for _, t := range s.words[r.from:r.to] {
		if initialOf(t) && n > 1 {
			score++
		}
	}
	strong := before == "name" || before == "is" && before2 == "name" || titles[before]
	switch {
	case strong || s.nameLabel(r):
		score += 5
	case personBefore[before]:
		score++
	}
	if personAfter[after] || strings.HasPrefix(s.after(s.words[r.to-1].end, 4), "'s") || strings.HasPrefix(s.after(s.words[r.to-1].end, 5), "’s") {
		score++
	}
	if n == 1 && unknown == 1 && s.words[r.from].first && given+surname == 0 && !personAfter[after] {
		if score--; s.prose() && !s.words[r.from].shout {
			score += 2 // in a sentence of plain words, a word of no language is a name
		}
	}
	if !s.words[r.from].first || n > 1 {
		score++
	}
	return score
}

// nameLabel reports whether the label of a form stands before the run.
func (s *search) nameLabel(r run) bool {
	b := strings.TrimRight(s.before(s.words[r.from].start, 24), " ")
	for _, label := range []string{"name:", "contact:", "attn:", "attention:", "to:", "from:", "customer:", "patient:", "employee:", "regards,", "sincerely,", "signed,", "cheers,", "thanks,", "best,", "dear", "address:", "my name is", "this is", "i am", "i'm", "call me", "says", "named"} {
		if strings.HasSuffix(b, label) {
			return true
		}
	}
	return false
}

var placeEnds = wordSet(`city town village beach valley island islands park bay hills county province state district region heights springs falls creek lake harbour harbor peninsula coast republic`)

// asPlace scores a run as the name of a place.
func (s *search) asPlace(r run) int {
	given, surname, unknown, ordinary := s.kinds(r)
	before2, before, _, _ := s.context(r)
	score, n := 0, r.to-r.from
	score += min(unknown+surname, 2)
	if n <= 3 && placeWords[before] {
		score += 3
		if before == "in" || before == "from" || before == "visit" {
			score += 2
		}
		if placeVerbs[before2] {
			score += 4
		}
	}
	if placeEnds[s.words[r.to-1].low] && n > 1 {
		score += 4
	}
	if s.words[r.from].shout && len(s.words[r.from].text) > 4 {
		score++
	}
	if ordinary > 0 {
		score -= 2
	}
	return score - given
}

var placeVerbs = wordSet(`live lives lived living move moved moves moving born based located return returned returning travel travelling traveling travelled traveled fly flying flew trip come comes came coming go going went arrive arrived stay staying stayed work works worked office offices am is are was were here there originally drive drove headquartered`)

// inList scores what a run gains by standing in a list of names.
func (s *search) inList(all []run, n int) int {
	r := all[n]
	if r.to-r.from > 3 {
		return 0
	}
	if n > 0 && all[n-1].to == r.from && all[n-1].kind == PersonName && strings.Trim(s.words[r.from].gap, " ") == "," {
		return 3
	}
	if n > 0 && all[n-1].to+1 == r.from && all[n-1].kind == PersonName && (s.words[r.from-1].low == "and" || s.words[r.from-1].low == "or") {
		return 3
	}
	if n+2 < len(all) && all[n+1].from == r.to && s.words[r.to].gap == ", " {
		return 2
	}
	return 0
}
