package redact

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// fold brings a text to the form that values are compared in: compatibility
// forms resolved, lower case, nothing in it that is not seen.
func fold(text string) string {
	if ascii(text) {
		return strings.ToLower(text)
	}
	text = strings.Map(func(r rune) rune {
		if unseen(r) {
			return -1
		}
		return r
	}, norm.NFKC.String(strings.ToValidUTF8(text, "\uFFFD")))
	return strings.ToLower(text)
}

func ascii(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= 0x80 || c < 0x20 && c != '\n' && c != '\t' && c != '\r' || c == 0x7F {
			return false
		}
	}
	return true
}

// unseen reports whether a character is of no width: it may split a name
// without being seen.
func unseen(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r) && (r == 0x034F || r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF) ||
		r < 0x20 && r != '\n' && r != '\t' && r != '\r' || r == 0x7F || r == 0x115F || r == 0x1160 || r == 0x3164 || r == 0xFFA0 || r == 0x180B || r == 0x180C || r == 0x180D
}

var (
	percentRE = regexp.MustCompile(`(?:%[0-9a-fA-F]{2})`)
	escapeRE  = regexp.MustCompile(`\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[0-7]{3}|\\U[0-9a-fA-F]{8}`)
)

// decodings are how deep one encoding inside another is looked through.
const decodings = 3

// readings returns text and what it says when its encodings are undone:
// percent, escapes, entities, hexadecimal, base64, in any order, some deep.
func readings(text string) []string {
	all := []string{text}
	level := []string{text}
	for range decodings {
		var next []string
		for _, t := range level {
			next = append(next, undo(t)...)
		}
		if len(next) == 0 {
			break
		}
		all, level = append(all, next...), next
	}
	return all
}

// undo returns what text says with one encoding undone. Each reading is not
// longer than the text, so three levels are bounded.
func undo(text string) []string {
	var out []string
	if strings.Contains(text, "%") && percentRE.MatchString(text) {
		out = append(out, percentRE.ReplaceAllStringFunc(text, func(s string) string {
			v, err := url.PathUnescape(s)
			if err != nil {
				return s
			}
			return v
		}))
	}
	if strings.Contains(text, "+") {
		out = append(out, strings.ReplaceAll(text, "+", " ")) // as forms encode a space
	}
	if strings.Contains(text, `\`) && escapeRE.MatchString(text) {
		out = append(out, escapeRE.ReplaceAllStringFunc(text, unescape))
	}
	if strings.Contains(text, "&") {
		if v := html.UnescapeString(text); v != text {
			out = append(out, v)
		}
	}
	if v := runsOf(hexRuns(text), unhex); v != "" {
		out = append(out, v)
	}
	if v := runsOf(base64Runs(text), unbase64); v != "" {
		out = append(out, v)
	}
	return out
}

func unescape(s string) string {
	base, digits := 16, s[2:]
	if s[1] >= '0' && s[1] <= '7' {
		base, digits = 8, s[1:]
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > unicode.MaxRune {
		return s
	}
	return string(rune(n))
}

// least is the shortest run that is decoded.
const least = 6

// hexRuns are stretches of three and more bytes in hexadecimal, with at most one
// separator behind each: what (?:[0-9a-fA-F]{2}[ :,-]?){3,} finds, of six letters
// and more. The last scan reads all that leaves, and an expression took most of its time.
func hexRuns(text string) []string {
	var out []string
	for i := 0; i < len(text); {
		at, pairs := i, 0
		for at+1 < len(text) && isHexDigit(text[at]) && isHexDigit(text[at+1]) {
			at += 2
			pairs++
			if at < len(text) && (text[at] == ' ' || text[at] == ':' || text[at] == ',' || text[at] == '-') {
				at++
			}
		}
		if pairs < least/2 {
			i++
			continue
		}
		out = append(out, text[i:at])
		i = at
	}
	return out
}

// base64Runs are stretches of six and more letters of base64, of both alphabets.
func base64Runs(text string) []string {
	var out []string
	start := 0
	for i := range len(text) + 1 {
		if i < len(text) && isBase64(text[i]) {
			continue
		}
		if i-start >= least {
			out = append(out, text[start:i])
		}
		start = i + 1
	}
	return out
}

func isHexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isBase64(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '+' || c == '/' || c == '_' || c == '-'
}

// runsOf joins what the runs of an encoding decode to, a line each.
func runsOf(runs []string, decode func(string) []string) string {
	var b strings.Builder
	for _, run := range runs {
		for _, v := range decode(run) {
			writeReadable(&b, v)
		}
	}
	return b.String()
}

func unhex(run string) []string {
	run = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" :,-", r) {
			return -1
		}
		return r
	}, run)
	var out []string
	for shift := range 2 {
		if len(run)-shift < 4 {
			break
		}
		part := run[shift:]
		if v, err := hex.DecodeString(part[:len(part)/2*2]); err == nil {
			out = append(out, string(v))
		}
	}
	return out
}

// unbase64 decodes from each of four starts, since a value may lie anywhere
// in what was encoded.
func unbase64(run string) []string {
	run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
	var out []string
	for shift := range min(4, len(run)) {
		part := run[shift:]
		if len(part)%4 == 1 {
			part = part[:len(part)-1]
		}
		if v, err := base64.RawStdEncoding.DecodeString(part); err == nil || len(v) > 2 {
			out = append(out, string(v))
		}
	}
	return out
}

// writeReadable writes the stretches of v that are text: what is decoded by
// chance is noise.
func writeReadable(b *strings.Builder, v string) {
	start, n := 0, 0
	flush := func(end int) {
		if n >= 3 {
			b.WriteString(v[start:end])
			b.WriteByte('\n')
		}
		n = 0
	}
	for i, r := range v {
		if r == utf8.RuneError || !unicode.IsPrint(r) && !unseen(r) {
			flush(i)
			continue
		}
		if n == 0 {
			start = i
		}
		n++
	}
	flush(len(v))
}
