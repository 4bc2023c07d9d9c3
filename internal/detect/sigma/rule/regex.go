package rule

import (
	"fmt"
	"regexp/syntax"
	"strings"
)

// translate makes a Sigma regular expression (PCRE without look-around and
// back references) into one of Go, which runs in linear time whatever it is
// shown. What cannot be said there is an error.
func translate(s, flags string) (string, error) {
	pattern := s
	if flags != "" {
		pattern = "(?" + flags + ")" + s
	}
	_, err := syntax.Parse(pattern, syntax.Perl)
	if err == nil {
		return pattern, nil
	}
	if fixed, changed := perlish(pattern); changed {
		if _, again := syntax.Parse(fixed, syntax.Perl); again == nil {
			return fixed, nil
		}
	}
	for _, look := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
		if strings.Contains(s, look) {
			return "", fmt.Errorf("regular expression %q looks ahead or behind, which Sigma does not have", clip(s))
		}
	}
	return "", fmt.Errorf("regular expression %q: %s", clip(s), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
}

// perlish writes in Go's way what PCRE and Go write differently and mean alike:
// escapes of characters that need none, and possessive or atomic grouping,
// which changes speed there and nothing here but rare corner cases, so it is
// left alone.
func perlish(s string) (string, bool) {
	var b strings.Builder
	changed := false
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 >= len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case '/', '"', '\'', '`', ' ', '<', '>', '=', '%', '&', ',', ';', ':', '@', '#', '~', '!', '_':
			b.WriteByte(c)
			changed = true
		case 'e':
			b.WriteString(`\x1b`)
			changed = true
		case 'h':
			b.WriteString(`[ \t]`)
			changed = true
		case 'Z':
			b.WriteString(`\z`)
			changed = true
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), changed
}
