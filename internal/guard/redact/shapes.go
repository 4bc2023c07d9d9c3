package redact

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The forms that are known by their shape alone.
var (
	emailRE  = regexp.MustCompile(`[\pL\pN._%+'-]{1,64}@(?:[\pL\pN-]{1,63}\.)+\pL{2,24}`)
	urlRE    = regexp.MustCompile(`(?i)\b(?:https?|ftps?|wss?|mqtts?|opc\.tcp|rtsp|ssh|ldaps?|smb|hxxps?)://[^\s<>"'\x60{}|\\^]+`)
	domainRE = regexp.MustCompile(`(?i)\b(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+(?:com|net|org|edu|gov|mil|int|info|biz|io|dev|app|xyz|top|site|online|shop|cloud|local|lan|corp|internal|home|intra|localdomain|test|example|invalid|onion|[a-z]{2})\b`)
	ip4RE    = regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?\b`)
	ip6RE    = regexp.MustCompile(`(?i)(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?:%[a-z0-9]+)?(?:/\d{1,3})?`)
	macRE    = regexp.MustCompile(`\b(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\b`)
	dotMAC   = regexp.MustCompile(`\b[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\b`)
	ibanRE   = regexp.MustCompile(`(?i)\b[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,4})?\b`)
	cardRE   = regexp.MustCompile(`\b\d(?:[ -]?\d){11,18}\b`)
	ssnRE    = regexp.MustCompile(`\b\d{3}-\d{2}-\d{4}\b`)
	phoneRE  = regexp.MustCompile(`(?i)(?:\+|\b00|\()?\(?\d[\d() \x{A0}./–-]{4,22}\d(?: ?(?:x|ext\.?|extension)\s?\d{1,6})?`)
	dateRE   = regexp.MustCompile(`\b\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?\b|\b\d{1,2}[/-]\d{1,2}[/-](?:\d{4}|\d{2})(?: \d{1,2}:\d{2}(?::\d{2})?)?\b|\b\d{4}/\d{1,2}/\d{1,2}\b`)
	dotDate  = regexp.MustCompile(`\b\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2})\b`)
)

// shapes finds what has a form of its own.
func (s *search) shapes() {
	if strings.Contains(s.text, "@") {
		s.all(emailRE, Email, nil)
	}
	if strings.Contains(s.text, "://") {
		for _, m := range urlRE.FindAllStringIndex(s.text, -1) {
			s.add(m[0], m[0]+len(strings.TrimRight(s.text[m[0]:m[1]], ".,;:!?)]")), Domain)
		}
	}
	if strings.Count(s.text, ":") > 4 || strings.Count(s.text, "-") > 4 {
		s.all(macRE, MAC, nil)
	}
	if strings.Count(s.text, ".") > 1 {
		s.all(dotMAC, MAC, nil)
	}
	if strings.Count(s.text, ":") > 1 {
		s.all(ip6RE, IP, isAddress)
	}
	if strings.Contains(s.text, ".") {
		s.all(ip4RE, IP, isAddress)
		s.all(domainRE, Domain, s.isDomain)
	}
	if strings.ContainsAny(s.text, "0123456789") {
		s.all(ibanRE, IBAN, isIBAN)
		s.dates()
		for _, m := range cardRE.FindAllStringIndex(s.text, -1) {
			if s.isCard(s.text[m[0]:m[1]]) && !containsAny(s.before(m[0], 16), []string{"imei", "iccid", "imsi", "serial", "s/n"}) {
				s.add(m[0], m[1], Card)
			}
		}
		if strings.Count(s.text, "-") > 1 {
			s.all(ssnRE, SSN, nil)
		}
	}
}

// dates finds dates in figures.
func (s *search) dates() {
	forms := []*regexp.Regexp{dateRE, dotDate}
	if strings.Count(s.text, "-") < 2 && strings.Count(s.text, "/") < 2 {
		forms = forms[1:]
	}
	for _, re := range forms {
		for _, m := range re.FindAllStringIndex(s.text, -1) {
			if !s.joined(m[0], m[1]) && !strings.HasPrefix(s.after(m[1], 2), ".") || strings.HasPrefix(s.after(m[1], 2), ". ") {
				s.add(m[0], m[1], DateTime)
			}
		}
	}
}

// all adds the matches of a form that pass its check.
func (s *search) all(re *regexp.Regexp, kind string, check func(string) bool) {
	for _, m := range re.FindAllStringIndex(s.text, -1) {
		if check == nil || check(s.text[m[0]:m[1]]) {
			s.add(m[0], m[1], kind)
		}
	}
}

func isAddress(v string) bool {
	if len(v) < 3 {
		return false
	}
	if strings.Contains(v, "/") {
		_, err := netip.ParsePrefix(v)
		return err == nil
	}
	_, err := netip.ParseAddr(v)
	return err == nil
}

// isDomain refuses what only looks like a name: file names, versions, and the
// end of one sentence with the start of the next.
func (s *search) isDomain(v string) bool {
	last := v[strings.LastIndexByte(v, '.')+1:]
	if len(last) == 2 {
		first, _ := utf8.DecodeRuneInString(last)
		if unicode.IsUpper(first) && last != strings.ToUpper(v[len(v)-2:]) || notCountries[strings.ToLower(last)] {
			return false
		}
	}
	return strings.IndexFunc(v, unicode.IsLetter) >= 0
}

// notCountries are two letters behind a dot that are more often the end of a
// file's name, or a word.
var notCountries = map[string]bool{"py": true, "rs": true, "sh": true, "so": true, "js": true, "ts": true, "md": true, "cc": true, "pl": false, "ps": true, "gz": true, "db": true, "go": true, "is": false, "vb": true, "7z": true, "xz": true}

// isIBAN checks the two check digits (ISO 13616).
func isIBAN(v string) bool {
	v = strings.ToUpper(strings.ReplaceAll(v, " ", ""))
	if len(v) < 15 || len(v) > 34 {
		return false
	}
	rest := 0
	for _, r := range v[4:] + v[:4] {
		switch {
		case r >= '0' && r <= '9':
			rest = (rest*10 + int(r-'0')) % 97
		case r >= 'A' && r <= 'Z':
			rest = (rest*100 + int(r-'A') + 10) % 97
		default:
			return false
		}
	}
	return rest == 1
}

// isCard wants the check digit (Luhn), or a number where cards are spoken of.
func (s *search) isCard(v string) bool {
	digits := onlyDigits(v)
	if len(digits) < 12 || len(digits) > 19 {
		return false
	}
	return luhn(digits) && digits[0] != '0'
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func onlyDigits(v string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, v)
}
