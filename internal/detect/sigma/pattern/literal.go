package pattern

import (
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// MinLiteral is the shortest text that is worth looking for; shorter ones are
// in nearly everything.
const MinLiteral = 3

// maxLiterals bounds how many texts a regular expression is said to need one of.
const maxLiterals = 32

// Needed returns folded texts of which at least one is in everything that
// the regular expression matches, or nil if there is no telling.
func Needed(pattern string) []string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	return needed(re.Simplify())
}

// needed is Needed for a parsed expression.
func needed(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return literal(re.Rune)
	case syntax.OpCapture, syntax.OpPlus:
		return needed(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needed(re.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if l := needed(sub); better(l, best) {
				best = l
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			l := needed(sub)
			if l == nil {
				return nil
			}
			all = append(all, l...)
		}
		if len(all) <= maxLiterals {
			return all
		}
	default:
	}
	return nil
}

// literal is a literal of an expression, if the index can look for it. The
// replacement character also matches bytes that are no UTF-8, so it is no text.
func literal(runes []rune) []string {
	var longest string
	for piece := range strings.SplitSeq(string(runes), string(utf8.RuneError)) {
		if len(piece) > len(longest) {
			longest = piece
		}
	}
	if l := Fold(longest); len(l) >= MinLiteral {
		return []string{l}
	}
	return nil
}

// better prefers fewer and longer texts.
func better(a, b []string) bool {
	if a == nil || b == nil {
		return a != nil
	}
	return shortest(a)*len(b) > shortest(b)*len(a)
}

func shortest(list []string) int {
	n := len(list[0])
	for _, s := range list {
		n = min(n, len(s))
	}
	return n
}
