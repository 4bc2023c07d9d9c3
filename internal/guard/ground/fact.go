package ground

import (
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// kind is a kind of fact.
type kind uint8

const (
	word    kind = iota + 1 // letters alone; a name where it is no ordinary word
	name                    // a host, user, path, topic: anything with digits or joints
	address                 // IPv4 or IPv6
	subnet
	mac
	hash
	id // CVE, ATT&CK, ATLAS
	number
	percent
	moment // date and time of day
	date
	clock
)

// fact is one thing that a text says and that must be backed.
type fact struct {
	kind      kind
	key       string // canonical form; equal keys of one kind are the same fact
	text      string // as it stands in the text
	from, end int    // bytes of the text

	value    float64 // number, percent
	decimals int     // as shown
	scale    float64 // of the unit
	at       time.Time
	grain    time.Duration // of at
	parts    []fact        // what it is if it is not one thing
}

// maxText bounds what is scanned of one text.
const maxText = 1 << 16

// scan takes the facts out of a text, in order.
func scan(text string) []fact {
	if len(text) > maxText {
		text = text[:maxText]
	}
	var out []fact
	for at := 0; at < len(text); {
		from, end := nextToken(text, at)
		if from == len(text) {
			break
		}
		at = end
		if f, end, ok := momentAt(text, from, end); ok {
			out, at = append(out, f), end
			continue
		}
		out = append(out, classify(text[from:end], from, text)...)
		if n := len(out); n > 0 {
			at = max(at, out[n-1].end) // a unit may be the next word
		}
	}
	return joinNumberWords(out, text)
}

// joins tells runes that hold a token together.
func joins(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || strings.ContainsRune("._:-@/\\'’", r)
}

// nextToken finds the next run of letters, digits and joints. A comma, or a
// narrow space, between digits in groups of three is part of a number.
func nextToken(text string, at int) (from, end int) {
	for at < len(text) {
		r, size := utf8.DecodeRuneInString(text[at:])
		if joins(r) {
			break
		}
		at += size
	}
	from = at
	for at < len(text) {
		r, size := utf8.DecodeRuneInString(text[at:])
		if !joins(r) && !separates(text, from, at, r, size) {
			break
		}
		at += size
	}
	return from, at
}

// separates tells a separator of thousands.
func separates(text string, from, at int, r rune, size int) bool {
	if !strings.ContainsRune(",\u00a0\u202f\u2009", r) || at == from || !digit(text[at-1]) {
		return false
	}
	rest := text[at+size:]
	for i := range 3 {
		if i >= len(rest) || !digit(rest[i]) {
			return false
		}
	}
	return len(rest) == 3 || !digit(rest[3])
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// classify names the kind of a token and brings it into canonical form.
func classify(token string, from int, text string) []fact {
	if strings.Contains(token, "::") { // colons at the ends belong to it
		for end := len(token); end > 1; end-- {
			f := fact{text: token[:end], from: from, end: from + end}
			if fixed(&f) {
				return []fact{f}
			}
			if !strings.ContainsRune(".:-'/", rune(token[end-1])) {
				break
			}
		}
	}
	trimmed := strings.TrimLeft(token, ".:-@/\\'’_")
	start := from + len(token) - len(trimmed)
	if trimmed = strings.TrimRight(trimmed, ".:-@/\\'’_"); trimmed == "" {
		return nil
	}
	f := fact{text: trimmed, from: start, end: start + len(trimmed)}
	if fixed(&f) {
		return []fact{f}
	}
	if host, port, ok := addressAndPort(&f); ok {
		return []fact{host, port}
	}
	negative := start > from && token[start-from-1] == '-' && start-from == 1
	if measure(&f, negative, text) {
		return []fact{f}
	}
	return []fact{named(f)}
}

// fixed recognises what has a form of its own.
func fixed(f *fact) bool {
	lower := strings.ToLower(f.text)
	if a, err := netip.ParseAddr(lower); err == nil {
		f.kind, f.key = address, a.Unmap().String()
		return true
	}
	if p, err := netip.ParsePrefix(lower); err == nil {
		f.kind, f.key = subnet, p.String()
		return true
	}
	switch {
	case isMAC(lower):
		f.kind, f.key = mac, hexOnly(lower)
	case isID(lower):
		f.kind, f.key = id, strings.ToUpper(lower)
	case len(lower) >= 32 && strings.Trim(lower, "0123456789abcdef") == "":
		f.kind, f.key = hash, lower
	case isDate(lower):
		f.kind, f.key = date, lower
	case isClock(lower):
		f.kind, f.key = clock, lower
	default:
		return false
	}
	return true
}

// addressAndPort splits "10.0.0.1:443".
func addressAndPort(f *fact) (host, port fact, ok bool) {
	ap, err := netip.ParseAddrPort(f.text)
	if err != nil {
		return host, port, false
	}
	host = *f
	host.kind, host.key = address, ap.Addr().Unmap().String()
	port = numberFact(float64(ap.Port()), f.text)
	port.from, port.end = f.from, f.end
	return host, port, true
}

// named is a word or a name. Case makes no difference, nor does the ending of
// a possessive.
func named(f fact) fact {
	key := strings.ToLower(f.text)
	key = strings.TrimSuffix(strings.TrimSuffix(key, "'s"), "’s")
	f.kind, f.key = word, key
	if strings.IndexFunc(key, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) < 0 {
		return f
	}
	f.kind = name
	pieces := strings.FieldsFunc(key, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '_' && r != '.'
	})
	onlyLetters := true
	for _, p := range pieces {
		onlyLetters = onlyLetters && strings.IndexFunc(p, unicode.IsDigit) < 0
	}
	if onlyLetters {
		f.kind = word // "first-seen", "src_endpoint.ip": judged by the vocabulary
	}
	f.parts = partsOf(pieces, f)
	return f
}

// partsOf takes apart what may be several facts joined, such as "10-20". In a
// sentence they may stand for the whole if all of them are typed: a name is
// never made of names.
func partsOf(pieces []string, f fact) []fact {
	if len(pieces) < 2 {
		return nil
	}
	var out []fact
	for _, p := range pieces {
		part := fact{text: p, from: f.from, end: f.end}
		if !fixed(&part) && !measure(&part, false, "") {
			part.kind, part.key = word, p
		}
		out = append(out, part)
	}
	return out
}

func isMAC(s string) bool {
	switch len(s) {
	case 17:
		for i := range len(s) {
			if i%3 == 2 && s[i] != ':' && s[i] != '-' || i%3 != 2 && !hexDigit(s[i]) {
				return false
			}
		}
		return true
	case 14: // cisco form
		for i := range len(s) {
			if i%5 == 4 && s[i] != '.' || i%5 != 4 && !hexDigit(s[i]) {
				return false
			}
		}
		return true
	}
	return false
}

func hexDigit(b byte) bool { return digit(b) || b >= 'a' && b <= 'f' }

func hexOnly(s string) string { return strings.NewReplacer(":", "", "-", "", ".", "").Replace(s) }

// isID recognises CVE-2021-44228, T0855, T1110.001, TA0108, AML.T0051.000.
func isID(lower string) bool {
	if rest, ok := strings.CutPrefix(lower, "cve-"); ok {
		year, n, ok := strings.Cut(rest, "-")
		return ok && len(year) == 4 && allDigits(year) && len(n) >= 4 && allDigits(n)
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(lower, "aml."), "t")
	rest = strings.TrimPrefix(rest, "a")
	head, sub, hasSub := strings.Cut(rest, ".")
	return strings.Contains(lower, "t") && rest != lower && len(head) == 4 && allDigits(head) && (!hasSub || len(sub) == 3 && allDigits(sub))
}

func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// Fact is a fact of a text as [Facts] tells it.
type Fact struct {
	Kind      string // address, subnet, mac, hash, id, number, percent, moment, date, clock, name or word
	Text      string
	From, End int
}

// Facts lists what a text says that would have to be backed; words of the
// language are left out.
func Facts(text string) []Fact {
	names := map[kind]string{
		word: "word", name: "name", address: "address", subnet: "subnet", mac: "mac", hash: "hash", id: "id",
		number: "number", percent: "percent", moment: "moment", date: "date", clock: "clock",
	}
	var out []Fact
	for _, f := range scan(text) {
		if f.kind == word && ordinary(f.key) {
			continue
		}
		out = append(out, Fact{Kind: names[f.kind], Text: text[f.from:f.end], From: f.from, End: f.end})
	}
	return out
}
