package query

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"vedette/internal/fault"
)

type tokenKind uint8

const (
	tokEnd    tokenKind = iota
	tokWord             // a bare word: field name, keyword, bare value
	tokString           // a quoted string, unquoted
	tokOp               // = != < <= > >= ~ ^= $=
	tokPunct            // ( ) , |
)

type token struct {
	kind tokenKind
	text string
	pos  int // byte offset in the text
}

// maxText bounds the text form; longer queries come as JSON.
const maxText = 16 << 10

// lex splits the text form into tokens. Bare words run up to white space or
// one of ( ) , | = < > ! ~ ^ $ ".
func lex(text string) ([]token, error) {
	if len(text) > maxText {
		return nil, fault.New(fault.Invalid, "the query is %d bytes long, at most %d are read", len(text), maxText)
	}
	var out []token
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case unicode.IsSpace(r):
			i += size
		case strings.ContainsRune("(),|", r):
			out = append(out, token{tokPunct, text[i : i+size], i})
			i += size
		case r == '"':
			s, n, err := unquote(text[i:], i)
			if err != nil {
				return nil, err
			}
			out = append(out, token{tokString, s, i})
			i += n
		case strings.ContainsRune("=<>!~^$", r):
			n := opLen(text[i:])
			if n == 0 {
				return nil, fault.New(fault.Invalid, "no comparison starts with %q at column %d", r, i+1).WithHint("the comparisons are = != < <= > >= ~ ^= $=")
			}
			out = append(out, token{tokOp, text[i : i+n], i})
			i += n
		default:
			n := strings.IndexFunc(text[i:], func(r rune) bool {
				return unicode.IsSpace(r) || strings.ContainsRune("(),|=<>!~^$\"", r)
			})
			if n < 0 {
				n = len(text) - i
			}
			out = append(out, token{tokWord, text[i : i+n], i})
			i += n
		}
	}
	return append(out, token{tokEnd, "", len(text)}), nil
}

func opLen(s string) int {
	for _, op := range []string{"!=", "<=", ">=", "^=", "$=", "=", "<", ">", "~"} {
		if strings.HasPrefix(s, op) {
			return len(op)
		}
	}
	return 0
}

// unquote reads a quoted string; \" and \\ are the only escapes.
func unquote(s string, pos int) (text string, size int, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), i + 1, nil
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, fault.New(fault.Invalid, "the string that starts at column %d has no closing quote", pos+1)
}

// quote writes a value so that lex reads it back as one token.
func quote(s string) string {
	bare := s != "" && strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || r == utf8.RuneError || strings.ContainsRune("(),|=<>!~^$\"\\", r)
	}) < 0
	if bare && !isKeyword(s) {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func isKeyword(s string) bool {
	switch strings.ToLower(s) {
	case "and", "or", "not", "in", "exists", "last", "from", "to", "devices", "by", "where", "as", "true", "false", "sequence", "then", "within":
		return true
	}
	return false
}
