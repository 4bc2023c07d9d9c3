package reading

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"
)

// tokenKind says what shape a token has before any word is looked up.
type tokenKind uint8

const (
	tokWord tokenKind = iota + 1
	tokNumber
	tokAddr
	tokCIDR
	tokMAC
	tokQuoted
	tokDate  // 2025-12-10, optionally with a time of day
	tokClock // 06:55, 06:55:46
	tokSymbol
)

type token struct {
	kind  tokenKind
	text  string // as written, without quotes
	lower string
	stem  string
	from  int // byte range in the question
	to    int
}

// maxQuestion bounds a question in bytes; more is refused before any work.
const maxQuestion = 4096

// The shapes in the order they are tried at each position. The address
// patterns are generous; netip decides.
var shapes = []struct {
	kind tokenKind
	re   *regexp.Regexp
}{
	{tokQuoted, regexp.MustCompile(`^(?:"[^"]{1,300}"|“[^”]{1,300}”|‘[^’]{1,300}’|` + "`[^`]{1,300}`" + `)`)},
	{tokMAC, regexp.MustCompile(`^(?i)[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}\b`)},
	{tokDate, regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?`)},
	{tokCIDR, regexp.MustCompile(`^[0-9A-Fa-f:.]{3,45}/\d{1,3}\b`)},
	{tokAddr, regexp.MustCompile(`^(?:\d{1,3}(?:\.\d{1,3}){3}|(?i:[0-9a-f]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?:\d{1,3}(?:\.\d{1,3}){3})?)`)},
	{tokClock, regexp.MustCompile(`^\d{1,2}:\d{2}(?::\d{2})?\b`)},
	{tokNumber, regexp.MustCompile(`^(?:0x[0-9a-fA-F]+|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)`)},
	{tokSymbol, regexp.MustCompile(`^(?:>=|<=|!=|==|[<>=≥≤%])`)},
	{tokWord, regexp.MustCompile(`^[\p{L}\p{N}_][\p{L}\p{N}_.@/\\:?&+*#$%~'’-]*`)},
}

// tokenise splits a question. Anything that fits no shape is a separator.
func tokenise(q string) []token {
	q = strings.ToValidUTF8(q, "\uFFFD")
	var out []token
	for i := 0; i < len(q); {
		kind, text := shapeAt(q[i:])
		if kind == 0 {
			_, n := utf8.DecodeRuneInString(q[i:])
			i += n
			continue
		}
		if kind == tokWord {
			out = append(out, words(text, i)...)
		} else {
			t := newToken(kind, text, i)
			if kind == tokQuoted {
				t.text = strings.Trim(text, "\"“”‘’`")
				t.lower = strings.ToLower(t.text)
			}
			out = append(out, t)
		}
		i += len(text)
	}
	return out
}

func shapeAt(s string) (tokenKind, string) {
	for _, shape := range shapes {
		if !couldBegin(shape.kind, s[0]) {
			continue
		}
		m := shape.re.FindString(s)
		if m == "" {
			continue
		}
		switch shape.kind {
		case tokAddr:
			if _, err := netip.ParseAddr(m); err != nil {
				continue
			}
		case tokCIDR:
			if _, err := netip.ParsePrefix(m); err != nil {
				continue
			}
		case tokNumber:
			if rest := s[len(m):]; partOfName(rest) {
				continue
			}
		case tokWord, tokMAC, tokQuoted, tokDate, tokClock, tokSymbol:
		}
		return shape.kind, m
	}
	return 0, ""
}

// couldBegin tells whether a shape can begin with a byte: most cannot, and a
// pattern need not be tried to see that.
func couldBegin(kind tokenKind, b byte) bool {
	digit := b >= '0' && b <= '9'
	hex := digit || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
	switch kind {
	case tokQuoted:
		return b == '"' || b == '`' || b >= utf8.RuneSelf
	case tokMAC:
		return hex
	case tokCIDR, tokAddr:
		return hex || b == ':' || b == '.'
	case tokDate, tokClock, tokNumber:
		return digit
	case tokSymbol:
		return strings.IndexByte("<>=!%", b) >= 0 || b >= utf8.RuneSelf
	case tokWord:
		return isNameByte(b) || b >= utf8.RuneSelf
	}
	return true
}

// partOfName tells a number that goes on as a name ("3com", "7zip.exe",
// "10.0.0") from a number with a unit stuck to it ("10KB", "5min").
func partOfName(rest string) bool {
	if rest == "" || !isNameByte(rest[0]) {
		return len(rest) > 1 && rest[0] == '.' && isNameByte(rest[1])
	}
	word := strings.FieldsFunc(rest, func(r rune) bool { return r != '_' && (r < '0' || r > 'z') })
	return len(word) > 0 && !isUnit(strings.ToLower(strings.TrimRight(word[0], ".:?")))
}

func isNameByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// words cuts a run of name characters: possessives and trailing punctuation
// go, hyphens and slashes between plain words separate. Names with dots,
// colons or paths stay whole.
func words(text string, at int) []token {
	trimmed := strings.TrimRight(text, ".:?&'’*-/#$%~+\\@")
	for _, poss := range []string{"'s", "’s"} {
		trimmed = strings.TrimSuffix(trimmed, poss)
	}
	if trimmed == "" {
		return nil
	}
	if strings.ContainsAny(trimmed, ".@:?&=\\") || strings.HasPrefix(trimmed, "/") {
		return []token{newToken(tokWord, trimmed, at)}
	}
	var out []token
	start := 0
	for i := 0; i <= len(trimmed); i++ {
		if i < len(trimmed) && trimmed[i] != '-' && trimmed[i] != '/' {
			continue
		}
		if i > start {
			kind := tokWord
			if strings.Trim(trimmed[start:i], "0123456789") == "" {
				kind = tokNumber
			}
			out = append(out, newToken(kind, trimmed[start:i], at+start))
		}
		start = i + 1
	}
	return out
}

func newToken(kind tokenKind, text string, at int) token {
	lower := strings.ToLower(strings.ReplaceAll(text, "’", "'"))
	return token{kind: kind, text: text, lower: lower, stem: stem(lower), from: at, to: at + len(text)}
}

// stem brings the forms of a word together: plurals, -ing, -ed and a final e
// go. It is applied to lexicon and question alike, so it need not be right
// English, only equal on both sides.
func stem(w string) string {
	if w == "ips" || w == "ids" {
		return w[:2]
	}
	if len(w) <= 3 || strings.ContainsAny(w, "0123456789._@:/") {
		return w
	}
	switch {
	case w == "https" || strings.HasSuffix(w, "ss") || strings.HasSuffix(w, "us") || strings.HasSuffix(w, "is"):
		return w
	case strings.HasSuffix(w, "ies") && len(w) > 4:
		return w[:len(w)-3] + "y"
	case strings.HasSuffix(w, "sses"), strings.HasSuffix(w, "ches"), strings.HasSuffix(w, "shes"), strings.HasSuffix(w, "xes"):
		return w[:len(w)-2]
	case strings.HasSuffix(w, "s"):
		w = w[:len(w)-1]
	}
	for _, end := range []string{"ing", "ied", "ed"} {
		if base, ok := strings.CutSuffix(w, end); ok && len(base) >= 3 && strings.ContainsAny(base, "aeiouy") {
			w = base
			if end == "ied" {
				w += "y"
			}
			if n := len(w); n > 3 && w[n-1] == w[n-2] && w[n-1] != 'l' && w[n-1] != 's' {
				w = w[:n-1]
			}
			break
		}
	}
	if len(w) > 3 {
		w = strings.TrimSuffix(w, "e")
	}
	return w
}

// plain reduces a text to its letters and digits in lower case, which is how
// stored values and words are compared: "READ_COILS" is "read coils".
func plain(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 127 {
			b.WriteRune(r)
		}
	}
	return b.String()
}
