package report

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// link finds words that some reader of Markdown makes a link or a mention of
// without any markup: those of GitHub, and those that guess at names.
var link = regexp.MustCompile(`(?i)www\.|://|@|#|(mailto|xmpp|tel|data|javascript):|[\pL\d]\.\pL{2}`)

// prose writes a text so that it reads as it is and is nothing else: no markup,
// no link, on one line. Words that could become a link stand as code.
func prose(text string) string {
	words := strings.Fields(oneLine(text))
	for i, w := range words {
		if link.MatchString(w) {
			words[i] = code(w)
			continue
		}
		words[i] = escape(w, i == 0)
	}
	return strings.Join(words, " ")
}

const marks = "\\`*_[]<>!|~&${}=^"

// escape puts a backslash before what could be markup.
func escape(word string, first bool) string {
	var b strings.Builder
	digits := first
	for i, r := range word {
		item := first && i == 0 && strings.ContainsRune("-+:", r) || digits && i > 0 && (r == '.' || r == ')')
		if strings.ContainsRune(marks, r) || item {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		digits = digits && r >= '0' && r <= '9'
	}
	return b.String()
}

// code writes a value as code, whatever is in it.
func code(value string) string {
	value = oneLine(value)
	run, longest := 0, 0
	for _, r := range value {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	if strings.TrimSpace(value) == "" {
		return fence + "(empty)" + fence
	}
	if strings.HasPrefix(value, "`") || strings.HasSuffix(value, "`") || strings.HasPrefix(value, " ") && strings.HasSuffix(value, " ") {
		value = " " + value + " "
	}
	return fence + value + fence
}

// oneLine makes what is hidden in a text seen, and breaks of lines blanks.
func oneLine(text string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "\ufffd") {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteByte(' ')
		case hidden(r):
			fmt.Fprintf(&b, "\u2039U+%04X\u203a", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden reports whether a character is not seen but changes what is read.
func hidden(r rune) bool {
	switch {
	case !unicode.IsGraphic(r), unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
		return true
	}
	return r != ' ' && unicode.Is(unicode.Zs, r) && r != '\u00a0'
}
