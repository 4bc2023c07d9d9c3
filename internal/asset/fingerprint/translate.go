package fingerprint

import (
	"regexp/syntax"
	"slices"
	"strings"

	"vedette/internal/fault"
)

// Translate turns a regular expression of Ruby's with Recog's flags into one of
// RE2's that matches the same texts. In Ruby ^ and $ are at any line, and the
// flag that is called multi-line lets the dot match a newline. What RE2 does not
// have - looking ahead or back, back references, atomic groups - is an Invalid
// fault.
func Translate(pattern, flags string) (string, error) {
	prefix := "m"
	for flag := range strings.SplitSeq(flags, ",") {
		switch strings.TrimSpace(flag) {
		case "REG_ICASE", "IGNORECASE":
			prefix += "i"
		case "REG_DOT_NEWLINE", "REG_MULTILINE":
			if !strings.Contains(prefix, "s") {
				prefix += "s"
			}
		}
	}
	out := "(?" + prefix + ")" + rubyEscapes(pattern)
	if _, err := syntax.Parse(out, syntax.Perl); err != nil {
		return "", fault.Wrap(fault.Invalid, err, "translating the pattern %q", pattern)
	}
	return out, nil
}

// rubyEscapes rewrites the escapes that mean another thing in RE2, or nothing.
func rubyEscapes(s string) string {
	var out strings.Builder
	class := -1 // where the class begins that is open
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s):
			i++
			out.WriteString(rubyEscape(s[i], class >= 0))
			continue
		case c == '[' && class < 0:
			class = i
		case c == '[' && strings.HasPrefix(s[i:], "[:"): // [:alpha:]
			if end := strings.Index(s[i:], ":]"); end > 0 {
				out.WriteString(s[i : i+end+2])
				i += end + 1
				continue
			}
		case c == '[':
			out.WriteByte('\\') // a plain bracket within a class
		case c == ']' && class >= 0 && i > class+1:
			class = -1
		case c == '\n', c == '\t', c == '\r': // lines and cells end there in the table
			out.WriteString(map[byte]string{'\n': `\n`, '\t': `\t`, '\r': `\r`}[c])
			continue
		}
		out.WriteByte(c)
	}
	return out.String()
}

func rubyEscape(c byte, inClass bool) string {
	switch {
	case c == 'h' && inClass:
		return `0-9a-fA-F`
	case c == 'h':
		return `[0-9a-fA-F]`
	case c == 'Z':
		return `(?:\n?\z)`
	case c == 'e':
		return `\x1b`
	case c >= 0x80 || c == '\'' || c == '"' || c == ' ' || c == '<' || c == '>' || c == '=' || c == ':' || c == '@' || c == '/' || c == ',' || c == ';':
		return string([]byte{c})
	}
	return `\` + string([]byte{c})
}

// needlesOf returns texts, in lower case, that every match of the expression
// holds.
func needlesOf(re *syntax.Regexp) []string {
	var out []string
	var walk func(re *syntax.Regexp)
	run := ""
	flush := func() {
		if len(run) >= 3 && !slices.Contains(out, run) {
			out = append(out, run)
		}
		run = ""
	}
	walk = func(re *syntax.Regexp) {
		switch re.Op {
		case syntax.OpLiteral:
			for _, r := range re.Rune {
				if r >= 0x80 || folds(r, re.Flags) {
					flush()
					continue
				}
				run += lowerASCII(string(r))
			}
		case syntax.OpConcat, syntax.OpCapture:
			for _, sub := range re.Sub {
				walk(sub)
			}
		case syntax.OpPlus:
			flush()
			walk(re.Sub[0])
			flush()
		case syntax.OpRepeat:
			flush()
			if re.Min > 0 {
				walk(re.Sub[0])
			}
			flush()
		case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpBeginText, syntax.OpEndLine, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		default:
			flush()
		}
	}
	walk(re)
	flush()
	return out
}

// folds reports whether a letter matches one outside ASCII when case is
// ignored: the Kelvin sign and the long s.
func folds(r rune, flags syntax.Flags) bool {
	return flags&syntax.FoldCase != 0 && (r == 'k' || r == 'K' || r == 's' || r == 'S')
}
