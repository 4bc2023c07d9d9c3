package template

import "strings"

// mask puts <*> for what varies by its nature in a word: numbers with what joins
// them (addresses, times, sizes, versions), hexadecimal numbers and ids.
func (m *Miner) mask(word string) string {
	if isPath(word) || calendar[word] {
		return Any
	}
	if !strings.ContainsAny(word, "0123456789") {
		return word
	}
	out := m.masked[:0]
	for i := 0; i < len(word); {
		n := variable(word, i)
		if n == 0 {
			out = append(out, word[i])
			i++
			continue
		}
		if len(out) > 0 && (out[len(out)-1] == '-' || out[len(out)-1] == '+') && (len(out) == 1 || !isWord(out[len(out)-2]) || out[len(out)-2] == '_') {
			out = out[:len(out)-1] // a sign
		}
		if len(out) >= len(Any) && string(out[len(out)-len(Any):]) == Any {
			out = out[:len(out)-len(Any)]
		}
		out = append(out, Any...)
		i += n
	}
	m.masked = out
	return string(out)
}

// calendar are the short names of days and months.
var calendar = map[string]bool{
	"Mon": true, "Tue": true, "Wed": true, "Thu": true, "Fri": true, "Sat": true, "Sun": true,
	"Jan": true, "Feb": true, "Mar": true, "Apr": true, "May": true, "Jun": true, "Jul": true, "Aug": true, "Sep": true, "Oct": true, "Nov": true, "Dec": true,
}

// isPath tells a path of a file or a request: it begins at a root and has
// several parts.
func isPath(word string) bool {
	word = strings.Trim(word, `"'()[],;`)
	unix := strings.HasPrefix(word, "/") && strings.Count(word, "/") > 1
	return unix || len(word) > 3 && word[1] == ':' && word[2] == '\\' || strings.HasPrefix(word, `\\`)
}

// variable is how long the variable part is that begins at i, or 0.
func variable(s string, i int) int {
	if i > 0 && isHex(s[i-1]) && isHex(s[i]) && !isDigit(s[i]) {
		return 0
	}
	if n := hexAt(s, i); n > 0 {
		return n
	}
	if !isDigit(s[i]) {
		return 0
	}
	n := 0
	for i+n < len(s) && (isDigit(s[i+n]) || joins(s, i+n)) {
		n++
	}
	return n
}

// joins tells whether a mark stands between two digits.
func joins(s string, i int) bool {
	return strings.IndexByte(".,:/-_", s[i]) >= 0 && i > 0 && i+1 < len(s) && isDigit(s[i-1]) && isDigit(s[i+1])
}

// hexAt is how long a number or an id in hexadecimal is: after 0x, or at least
// eight digits, a decimal one among them, perhaps joined by hyphens as in a UUID.
func hexAt(s string, i int) int {
	const long = 8
	prefix := 0
	if strings.HasPrefix(s[i:], "0x") || strings.HasPrefix(s[i:], "0X") {
		prefix = 2
	}
	n, digits := prefix, 0
	for i+n < len(s) && (isHex(s[i+n]) || s[i+n] == '-' && n > prefix && i+n+1 < len(s) && isHex(s[i+n+1])) {
		if isDigit(s[i+n]) {
			digits++
		}
		n++
	}
	if i+n < len(s) && isWord(s[i+n]) && s[i+n] != '_' {
		return 0
	}
	if prefix > 0 && n > prefix || n >= long && digits > 1 {
		return n
	}
	return 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func isWord(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}
