package pcapfilter

import (
	"strings"

	"vedette/internal/fault"
)

const listed = "docs/sources.md lists what a filter may say"

// split cuts a filter into words and signs.
func split(text string) ([]string, error) {
	if len(text) > MaxText {
		return nil, fault.New(fault.Invalid, "a filter of %d bytes; at most %d are taken", len(text), MaxText)
	}
	var out []string
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '(' || c == ')' || c == '!':
			out = append(out, text[i:i+1])
			i++
		case strings.HasPrefix(text[i:], "&&"), strings.HasPrefix(text[i:], "||"):
			out = append(out, map[byte]string{'&': "and", '|': "or"}[c])
			i += 2
		case inWord(c):
			end := i
			for end < len(text) && inWord(text[end]) {
				end++
			}
			out = append(out, text[i:end])
			i = end
		case strings.IndexByte("[]=<>&|+*", c) >= 0:
			return nil, fault.New(fault.Invalid, "%q: a filter here does not calculate with bytes of a packet", c).WithHint(listed)
		default:
			return nil, fault.New(fault.Invalid, "%q is not understood in a filter", c).WithHint(listed)
		}
	}
	return out, nil
}

func inWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte(".:/-_\\", c) >= 0
}
