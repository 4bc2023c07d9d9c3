package redact

import (
	"math"
	"regexp"
	"strings"
)

// mark is the form of a key or token that carries its maker's mark: a text
// without the mark is not looked at.
type mark struct {
	need string
	re   *regexp.Regexp
}

var marks = []mark{
	{"PRIVATE KEY", regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)`)},
	{"eyJ", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`)}, // JSON web token
	{"A", regexp.MustCompile(`\b(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{16}\b`)},
	{"gh", regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{30,}\b`)},
	{"github_pat_", regexp.MustCompile(`\bgithub_pat_[A-Za-z0-9_]{40,}\b`)},
	{"glpat-", regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{18,}`)},
	{"xox", regexp.MustCompile(`\bxox[abeoprs]-[A-Za-z0-9-]{10,}`)},
	{"xapp-", regexp.MustCompile(`\bxapp-[A-Za-z0-9-]{10,}`)},
	{"hooks.slack.com", regexp.MustCompile(`https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_+-]{20,}`)},
	{"AIza", regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}`)},
	{"ya29.", regexp.MustCompile(`\bya29\.[A-Za-z0-9_-]{20,}`)},
	{"sk-", regexp.MustCompile(`\bsk-[A-Za-z0-9_-]{20,}`)},
	{"hf_", regexp.MustCompile(`\bhf_[A-Za-z0-9]{30,}\b`)},
	{"k_", regexp.MustCompile(`\b[srp]k_(?:live|test)_[A-Za-z0-9]{16,}\b`)},
	{"SG.", regexp.MustCompile(`\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`)},
	{"npm_", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}\b`)},
	{"pypi-", regexp.MustCompile(`\bpypi-[A-Za-z0-9_-]{50,}`)},
	{"dop_v1_", regexp.MustCompile(`\bdop_v1_[a-f0-9]{64}\b`)},
	{"hv", regexp.MustCompile(`\bhv[sb]\.[A-Za-z0-9_-]{20,}`)},
	{"AGE-SECRET-KEY-1", regexp.MustCompile(`\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b`)},
	{"Key=", regexp.MustCompile(`\b(?:SharedAccessKey|AccountKey)=[A-Za-z0-9+/=]{20,}`)},
	{"$", regexp.MustCompile(`\$(?:2[aby]|5|6|y|argon2id?)\$[./A-Za-z0-9$=,]{20,}`)}, // hashed passwords
}

// secretWords stand before a secret: the value behind them is taken whole.
var secretWords = regexp.MustCompile(`(?i)(?:\b|_)(pass(?:word|wd|phrase|code)?|pwd|passwort|kennwort|contrase(?:ña|na)|mot de passe|secret|api[_ -]?key|access[_ -]?key|auth[_ -]?key|private[_ -]?key|secret[_ -]?key|(?:access|auth|refresh|session|bearer|api|id|csrf)[_ -]?token|token|credentials?|community(?: string)?|psk|pre-?shared key|wpa2?(?:[_ -]?key)?|pin(?: code)?|otp|cvv|cvc)["']?\s*(?:[:=]|\bis\b:?|\bwas\b:?|=>)\s*["']?([^\s"',;&<>]+)`)

// bearer is the header that carries a token, and the password inside a URL.
var (
	bearer  = regexp.MustCompile(`(?i)\b(?:bearer|basic|digest|negotiate)\s+([A-Za-z0-9+/=._~-]{12,})`)
	urlPass = regexp.MustCompile(`://[^\s/:@]*:([^\s/@]+)@`)
	blob    = regexp.MustCompile(`[A-Za-z0-9+/_=-]{24,}`)
)

// secrets finds keys, tokens and passwords: by their maker's mark, by the word
// before them, and by how random they look.
func (s *search) secrets() {
	for _, m := range marks {
		if strings.Contains(s.text, m.need) {
			s.all(m.re, Secret, nil)
		}
	}
	low := lower(s.text)
	if !containsAny(low, secretKeys) {
		s.tail()
		return
	}
	if containsAny(low, []string{":", "=", " is ", " was "}) {
		s.announced()
	}
	if containsAny(low, []string{"bearer", "basic", "digest", "negotiate"}) {
		s.group(bearer)
	}
	if strings.Contains(low, "://") {
		s.group(urlPass)
	}
	s.tail()
}

// group adds the first group of a form.
func (s *search) group(re *regexp.Regexp) {
	for _, m := range re.FindAllStringSubmatchIndex(s.text, -1) {
		s.add(m[2], m[3], Secret)
	}
}

// announced finds the value behind a word like password.
func (s *search) announced() {
	for _, m := range secretWords.FindAllStringSubmatchIndex(s.text, -1) {
		if isSecretValue(s.text[m[2]:m[3]], s.text[m[4]:m[5]], s.know) {
			s.add(m[4], m[4]+len(strings.TrimRight(s.text[m[4]:m[5]], ".!?)")), Secret)
		}
	}
}

// secretKeys are in every text that the words before a secret are in.
var secretKeys = strings.Fields("pass pwd kennwort contrase secret key token credential community psk pin otp cvv cvc bearer basic digest negotiate ://")

// tail finds key material that nothing announces.
func (s *search) tail() {
	if longRun(s.text, 24) {
		s.all(blob, Secret, random)
	}
}

// longRun reports whether n letters, digits or marks of encodings stand side by
// side.
func longRun(text string, n int) bool {
	run := 0
	for i := range len(text) {
		c := text[i]
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '+' || c == '/' || c == '_' || c == '=' || c == '-' {
			if run++; run >= n {
				return true
			}
			continue
		}
		run = 0
	}
	return false
}

// isSecretValue tells a value from the next word of a sentence: "the password
// is wrong" says no password.
func isSecretValue(word, value string, g *gazetteer) bool {
	value = strings.TrimRight(value, ".!?)")
	w := strings.ToLower(value)
	switch strings.ToLower(word) {
	case "pin", "pin code", "otp", "cvv", "cvc":
		return onlyDigits(value) != ""
	}
	return value != "" && (!g.ordinary(w) || value != w)
}

// random reports whether a run of characters looks like key material: letters
// of both cases and digits, and nearly as many different ones as chance gives.
func random(v string) bool {
	var count [256]int
	lowers, uppers, digits := 0, 0, 0
	for i := range len(v) {
		c := v[i]
		count[c]++
		switch {
		case c >= 'a' && c <= 'z':
			lowers++
		case c >= 'A' && c <= 'Z':
			uppers++
		case c >= '0' && c <= '9':
			digits++
		}
	}
	if lowers < 3 || uppers < 3 || digits < 3 || digits > len(v)*7/10 || strings.Count(v, "/") > len(v)/12 || strings.Count(v, "-") > len(v)/8 {
		return false
	}
	bits := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(v))
			bits -= p * math.Log2(p)
		}
	}
	return bits >= 0.8*math.Log2(float64(min(len(v), 64)))
}
