package rule

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// PartKind is what a part of a Text stands for.
type PartKind uint8

// The parts of a text pattern.
const (
	Literal     PartKind = iota + 1
	Star                 // any characters, also none
	One                  // one character
	Placeholder          // a list of values that the operator gives; Lit is its name
)

// Part is a piece of a Text.
type Part struct {
	Kind PartKind
	Lit  string
}

// Text is a pattern: literal pieces and wildcards.
type Text []Part

// ParseText reads a value as Sigma writes it: * and ? are wildcards, a
// backslash takes their meaning away, and before any other character a
// backslash is just a backslash.
func ParseText(s string) Text {
	var t Text
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			t = append(t, Part{Literal, lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\':
			if i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?' || s[i+1] == '\\') {
				i++
			}
			lit.WriteByte(s[i])
		case '*', '?':
			flush()
			if c == '?' {
				t = append(t, Part{Kind: One})
			} else if len(t) == 0 || t[len(t)-1].Kind != Star {
				t = append(t, Part{Kind: Star})
			}
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return t
}

// String writes the text so that ParseText reads the same; placeholders are
// written as %name%.
func (t Text) String() string {
	var b strings.Builder
	for _, p := range t {
		switch p.Kind {
		case Star:
			b.WriteByte('*')
		case One:
			b.WriteByte('?')
		case Placeholder:
			b.WriteString("%" + p.Lit + "%")
		case Literal:
			for i := range len(p.Lit) {
				if c := p.Lit[i]; c == '*' || c == '?' || c == '\\' {
					b.WriteByte('\\')
				}
				b.WriteByte(p.Lit[i])
			}
		}
	}
	return b.String()
}

// Plain returns the text if it has no wildcards.
func (t Text) Plain() (string, bool) {
	switch {
	case len(t) == 0:
		return "", true
	case len(t) == 1 && t[0].Kind == Literal:
		return t[0].Lit, true
	}
	return "", false
}

// HasPlaceholder reports whether values of the operator are missing in it.
func (t Text) HasPlaceholder() bool {
	return slices.ContainsFunc(t, func(p Part) bool { return p.Kind == Placeholder })
}

// Fill replaces the first placeholder by each of its values.
func (t Text) Fill(values map[string][]string) ([]Text, bool) {
	i := slices.IndexFunc(t, func(p Part) bool { return p.Kind == Placeholder })
	if i < 0 {
		return []Text{t}, true
	}
	var out []Text
	for _, v := range values[t[i].Lit] {
		filled := slices.Concat(t[:i], ParseText(v), t[i+1:]).joined()
		more, ok := filled.Fill(values)
		if !ok {
			return nil, false
		}
		if out = append(out, more...); len(out) > maxTests {
			return nil, false
		}
	}
	return out, len(out) > 0
}

// joined merges neighbouring literals and stars.
func (t Text) joined() Text {
	var out Text
	for _, p := range t {
		if n := len(out); n > 0 && out[n-1].Kind == p.Kind {
			switch p.Kind {
			case Literal:
				out[n-1].Lit += p.Lit
				continue
			case Star:
				continue
			case One, Placeholder:
			}
		}
		out = append(out, p)
	}
	return out
}

func (t Text) starred(start, end bool) Text {
	out := slices.Clone(t)
	if start {
		out = append(Text{{Kind: Star}}, out...)
	}
	if end {
		out = append(out, Part{Kind: Star})
	}
	return out.joined()
}

// placeholders turns %name% into placeholders.
func (t Text) placeholders() Text {
	var out Text
	for _, p := range t {
		rest := p.Lit
		if p.Kind != Literal {
			out = append(out, p)
			continue
		}
		for {
			before, after, ok := strings.Cut(rest, "%")
			name, tail, closed := strings.Cut(after, "%")
			if !ok || !closed || name == "" || strings.ContainsAny(name, " \t") {
				break
			}
			if before != "" {
				out = append(out, Part{Literal, before})
			}
			out = append(out, Part{Placeholder, name})
			rest = tail
		}
		if rest != "" {
			out = append(out, Part{Literal, rest})
		}
	}
	return out
}

// dashes are what Windows programs take for the mark of an option, and what
// looks like it.
var dashes = []string{"-", "/", "–", "—", "―"}

// maxDashes bounds the permutations of one value (5 to the power of it).
const maxDashes = 4

// windash gives the text with each option mark written in every way.
func (t Text) windash() ([]Text, bool) {
	out := []Text{nil}
	marks := 0
	for _, p := range t {
		pieces := []string{p.Lit}
		if p.Kind == Literal {
			pieces = splitMarks(p.Lit)
		}
		for n, piece := range pieces {
			if n > 0 {
				if marks++; marks > maxDashes {
					return nil, false
				}
				out = eachDash(out)
			}
			for i := range out {
				out[i] = append(slices.Clip(out[i]), Part{p.Kind, piece})
			}
		}
	}
	for i := range out {
		out[i] = slices.DeleteFunc(out[i].joined(), func(p Part) bool { return p.Kind == Literal && p.Lit == "" })
	}
	return out, true
}

func eachDash(in []Text) []Text {
	var out []Text
	for _, t := range in {
		for _, d := range dashes {
			out = append(out, append(slices.Clone(t), Part{Literal, d}))
		}
	}
	return out
}

// splitMarks cuts at each - or / that begins a word: no word character stands
// before it and one behind it.
func splitMarks(s string) []string {
	var out []string
	from := 0
	for i := range len(s) {
		if s[i] != '-' && s[i] != '/' {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[i+1:])
		if (i == 0 || !isWord(before)) && i+1 < len(s) && isWord(after) {
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}

func isWord(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0x80 && r != utf8.RuneError
}
