package redact

import (
	"regexp"
	"strconv"
	"strings"
)

// titles stand before the name of a person.
var titles = map[string]bool{
	"mr": true, "mrs": true, "ms": true, "miss": true, "dr": true, "prof": true, "professor": true, "mx": true, "rev": true, "hon": true,
	"herr": true, "frau": true, "hr": true, "fr": true, "señor": true, "señora": true, "sr": true, "sra": true, "srta": true, "mme": true, "mlle": true, "monsieur": true, "madame": true,
	"ing": true, "dipl-ing": true, "doctor": true, "dott": true, "sig": true, "pan": true, "pani": true,
}

// cue is a form that is known by the words around it; group 1 is what is kept.
type cue struct {
	re    *regexp.Regexp
	kind  string
	check func(string) bool
	need  []string // a text without any of these, in lower case, cannot match
}

const numerals = "0123456789"

// jobs end what people are by trade.
var jobs = wordSet(`administrator engineer nurse librarian clerk driver controller distributor manager technician specialist analyst accountant teacher lecturer lawyer solicitor barrister doctor surgeon dentist pharmacist therapist psychologist scientist chemist physicist biologist geologist developer programmer designer architect surveyor planner officer inspector consultant adviser advisor assistant secretary receptionist buyer broker trader operator electrician plumber mechanic carpenter welder machinist editor journalist writer author artist musician producer director pilot translator interpreter trainer coach counsellor counselor supervisor foreman worker maker repairer installer attendant agent representative executive waiter waitress chef cook baker butcher farmer gardener cleaner janitor guard firefighter paramedic veterinarian optometrist economist statistician auditor actuary archivist curator historian researcher`)

// jobBefore and jobWhole are what stands before the last word of a trade.
var (
	jobBefore = regexp.MustCompile(`(?i)\b(?:(?:work(?:s|ed|ing)?|employed|hired|job|position|career|role) (?:as|of)|job(?: title)?:?|profession:?|occupation:?|(?:he|she|who|i)(?:'s| is| was|'m| am)) (?:an? |the |our )?((?:[\pL'’-]+(?:, (?:and )?| and | )){0,5})$`)
	jobWhole  = regexp.MustCompile(`\b(\p{Lu}[\pL'’-]*(?:, (?:and )?| and | )(?:[\p{Ll}'’-]+(?:, (?:and )?| and | )){0,4})$`)
)

// trades finds what people do for a living, where it is said of someone or
// written like a title.
func (s *search) trades() {
	for _, t := range s.words {
		if !jobs[strings.TrimSuffix(t.low, "s")] {
			continue
		}
		start := max(0, t.start-100)
		for i, re := range []*regexp.Regexp{jobBefore, jobWhole} {
			if i == 1 && (t.capital || !jobs[t.low]) {
				continue
			}
			if m := re.FindStringSubmatchIndex(s.text[start:t.start]); m != nil && isJob(s.text[start+m[2]:t.end]) {
				s.add(start+m[2], t.end, Title)
				break
			}
		}
	}
}

// Words that texts of some cues have.
var (
	months = strings.Fields("jan feb mar mär apr may mai jun jul aug sep oct okt nov dec dez")
	years  = []string{"19", "20"}
)

var cues = []cue{
	{regexp.MustCompile(`(?i)\b(?:card|visa|mastercard|amex|maestro)(?:\s+(?:number|no\.?|nr\.?|#|num))?\s*(?:is|:|#|no\.?|number)?\s*#?\s*(\d(?:[ -]?\d){11,18})\b`), Card, nil, strings.Fields("card visa master amex maestro")},
	{regexp.MustCompile(`(?i)\b(?:ssn|social security(?: number| no\.?)?)\W{0,3}(?:is|:|#)?\s*(\d{3}[- ]?\d{2}[- ]?\d{4})\b`), SSN, nil, strings.Fields("ssn social")},
	{regexp.MustCompile(`(?i)\b(?:iban|account(?: number| no\.?)?)\s*(?:is|:|#)?\s*([a-z]{2}\d{2}[a-z0-9]{11,30})\b`), IBAN, nil, strings.Fields("iban account")},
	{regexp.MustCompile(`(?i)\b(?:phone|telephone|tel|mobile|cell|cellphone|fax|desk|home|office|work|call(?:ing)?(?: me| us| him| her| them)?(?: back)?(?: at| on)?|dial(?:ing)?|ring|reach(?:ed)?(?: me| us| him| her)?(?: at| on)|text(?: me)?(?: at| on)?|whatsapp|sms|handy|telefon|téléphone|teléfono|number)(?:\s+(?:number|no\.?|nr\.?))?\s*(?:is|at|on|:|#|to)?\s*:?\s*(\+?[(\d][\d()\s./x–-]{4,24}\d)`), Phone, isPhone, strings.Fields("phone tel mobile cell fax desk home office work call dial ring reach text whatsapp sms handy number")},
	{regexp.MustCompile(`(?i)\b(?:passport|driver'?s?[' ]*licen[cs]e|driving licen[cs]e|licen[cs]e(?: plate)?|plate|national id|identity card|tax id|vat(?: id)?|tin|itin|nhs|medicare|insurance|policy|member(?:ship)?|employee|badge|customer|patient|bank account|account|routing)\s*(?:id|number|no\.?|nr\.?|#)?\s*(?:is|:|#)?\s*#?([a-z]{0,4}[ -]?\d[a-z0-9-]{3,20})\b`), Identity, hasDigits, strings.Fields("passport licen plate national identity tax vat itin nhs medicare insurance policy member employee badge customer patient account routing")},
	{regexp.MustCompile(`(?i)\b(?:serial(?:[ _-]?(?:number|no\.?|nr\.?))?|s/n|sn|imei|imsi|iccid|asset[ _-]?tag)\s*(?:is|[:=#])?\s*#?([a-z0-9][a-z0-9./_-]{3,40})`), Serial, hasDigits, strings.Fields("serial s/n sn imei imsi iccid asset")},
	{regexp.MustCompile(`(?i)\b(?:zip(?:[ -]?code)?|post(?:al)?[ -]?code|plz|cap|código postal|code postal)\s*(?:is|:|of)?\s*([a-z]{0,2}-?\d[a-z0-9]{0,6}(?:[ -]\d?[a-z0-9]{1,4})?)\b`), Postcode, hasDigits, strings.Fields("zip post plz cap code código")},
	{regexp.MustCompile(`(?i)\b(?:user(?:[ _-]?name)?|login(?: name)?|account(?: name)?|uid|logon|owner|operator)\s*[:=]\s*["']?([\pL\pN][\pL\pN._@\\$-]{1,63})`), User, isLogin, strings.Fields("user: user= username name: name= login: login= account: account= uid: uid= logon: logon= owner: owner= operator: operator=")},
	{regexp.MustCompile(`\b[Uu]ser\s+["']?([\pL\pN][\pL\pN._\\$-]{1,63})`), User, notFrom, strings.Fields("user")},
	{regexp.MustCompile(`(?i)\bsession (?:opened|closed) for (?:user )?([\pL\pN][\pL\pN._\\$-]{1,63})`), User, notFrom, strings.Fields("session")},
	{regexp.MustCompile(`(?i)\b(?:accepted|failed) (?:password|publickey|none|keyboard-interactive(?:/pam)?) for ([\pL\pN][\pL\pN._\\$-]{1,63}) from`), User, notFrom, strings.Fields("accepted failed")},
	{regexp.MustCompile(`(?i)\b(?:host(?:[ _-]?name)?|computer(?:[ _-]?name)?|workstation|server|machine|device(?:[ _-]?name)?|node|sysname)\s*[:=]\s*["']?([\pL\pN][\pL\pN._-]{1,252})`), Host, nil, strings.Fields("host computer workstation server machine device node sysname")},
	{regexp.MustCompile(`(?i)\b(?:host|hostname|computer|workstation|server|machine|device|controller|plc|hmi|switch|gateway|camera|sensor)\s+(?:named |called )?["']?((?:[\pL]+[-_])+[\pL\pN]*\d[\pL\pN_-]*|\pL+-?\d{2,}[\pL\pN_-]*)`), Host, hasDigits, strings.Fields("host computer workstation server machine device controller plc hmi switch gateway camera sensor")},
	{regexp.MustCompile(`(?i)\b(?:aged?|turn(?:s|ed|ing)?|age is|age of|age[:=])\s*:?\s*(\d{1,3})\b`), Age, isAge, strings.Fields("age turn")},
	{regexp.MustCompile(`(?i)\b(\d{1,3})[- ](?:years?|yrs?)[- ](?:old|of age)\b`), Age, isAge, strings.Fields("year yr")},
	{regexp.MustCompile(`(?i)\b(?:i am|i'm|he is|he's|she is|she's|he was|she was|they were|when i was|is now|was only)\s+(?:just |only |about |almost |nearly |already )?(\d{1,3})(?:[.,!?;]|$| (?:and|when|years|now))`), Age, isAge, strings.Split("i am|i'm|he is|he's|she is|she's|was|were|now", "|")},
	{regexp.MustCompile(`(?i)\b((?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.? \d{1,2}(?:st|nd|rd|th)?(?:,? \d{4})?)\b`), DateTime, nil, months},
	{regexp.MustCompile(`(?i)\b(\d{1,2}(?:st|nd|rd|th)?\.? (?:of )?(?:january|february|march|april|may|june|july|august|september|october|november|december|januar|februar|märz|mai|juni|juli|oktober|dezember)(?:,? \d{4})?)\b`), DateTime, nil, months},
	{regexp.MustCompile(`\b((?:19|20)\d{2})(?:'s|s)?\b`), DateTime, nil, years},
}

// facts finds what the words around it give away.
func (s *search) facts() {
	low := lower(s.text)
	for _, c := range cues {
		if !containsAny(low, c.need) {
			continue
		}
		for _, m := range c.re.FindAllStringSubmatchIndex(s.text, -1) {
			if c.check == nil || c.check(s.text[m[2]:m[3]]) {
				s.add(m[2], m[3], c.kind)
			}
		}
	}
	s.phones()
	s.trades()
	s.titles()
}

func containsAny(text string, words []string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// phones finds numbers that are grouped like those of a telephone.
func (s *search) phones() {
	for _, m := range phoneRE.FindAllStringIndex(s.text, -1) {
		v := s.text[m[0]:m[1]]
		if isPhone(v) && grouped(v) && !s.joined(m[0], m[1]) {
			s.add(m[0], m[1], Phone)
		}
	}
}

// joined reports whether a letter or a part of a longer number touches.
func (s *search) joined(start, end int) bool {
	const glue = "abcdefghijklmnopqrstuvwxyz0123456789_-/.:"
	b, a := s.before(start, 1), s.after(end, 1)
	return b != "" && strings.Contains(glue, b) || a != "" && strings.Contains("abcdefghijklmnopqrstuvwxyz0123456789_/", a)
}

func isPhone(v string) bool {
	n := len(onlyDigits(v))
	return n >= 6 && n <= 17 && !strings.Contains(v, "\n")
}

// grouped reports whether a number is written in groups, or with a plus.
func grouped(v string) bool {
	if strings.HasPrefix(v, "+") || strings.HasPrefix(v, "(") {
		return true
	}
	digits := len(onlyDigits(v))
	groups := len(strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(" -./()x–", r) }))
	return groups >= 2 && digits >= 7 && groups <= digits/2+1 || groups == 1 && digits >= 10 && digits <= 11
}

// isLogin refuses what begins a sentence: "User: Hello".
func isLogin(v string) bool {
	first := v[0]
	if accounts[strings.ToLower(v)] {
		return true
	}
	return (first < 'A' || first > 'Z') && (first < '0' || first > '9') && !knowledge().ordinary(strings.ToLower(v))
}

// isJob refuses a stretch of a sentence that only ends in a trade.
func isJob(v string) bool {
	for w := range strings.FieldsSeq(strings.ToLower(v)) {
		if w = strings.Trim(w, ","); strings.HasSuffix(w, "ed") && len(w) > 4 {
			return false
		}
		switch w {
		case "the", "a", "an", "as", "my", "your", "our", "is", "was", "to", "for", "with", "this", "that":
			return false
		}
	}
	return true
}

func isAge(v string) bool {
	n, err := strconv.Atoi(v)
	return err == nil && n > 0 && n < 125
}

func hasDigits(v string) bool { return strings.ContainsAny(v, numerals) }

// notFrom refuses the next word of a sentence behind "user".
func notFrom(v string) bool {
	return !knowledge().ordinary(strings.ToLower(v)) || accounts[strings.ToLower(v)]
}

// accounts are ordinary words that are also the names of accounts.
var accounts = wordSet("admin administrator operator engineer guest maintenance service support test technician supervisor manager backup monitor")

// titles finds the titles of persons: before a name, not as a word.
func (s *search) titles() {
	for i, t := range s.words {
		if !titles[t.low] || i+1 >= len(s.words) {
			continue
		}
		next := s.words[i+1]
		dotted := strings.HasPrefix(next.gap, ".")
		if t.low == "miss" && (!t.capital || !next.capital) || !dotted && !next.capital && !s.small || strings.ContainsAny(next.gap, "\n,:;()") {
			continue
		}
		if len(t.low) < 4 && !dotted && t.shout || t.low == "pan" || t.low == "sig" && !dotted {
			continue
		}
		end := t.end
		if dotted {
			end++
		}
		s.add(t.start, end, Title)
	}
}
