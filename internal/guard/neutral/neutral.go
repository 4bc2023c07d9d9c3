// Package neutral takes from text what a language model would read as more
// than text: the control tokens of its family, the marks of chat layouts, and
// characters that a person does not see.
//
// What it returns is for a model and for the ledger. The value as it was
// written stays where it is stored, and that is what a person is shown, with a
// mark that it was changed for the model ([Neutraliser.Changed]); nothing here
// is undone. It must not judge: whether a text is an attack is for package
// signal to say.
package neutral

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// mark breaks a control token in two, visibly.
const mark = "·"

// rounds is how often breaking is tried; what is then left is deleted, which
// always ends.
const rounds = 8

// most bounds a text that was given no bound, and the work on one with.
const most = 1 << 20

// builtIn are tokens of many families, so that a text is clean for a model
// that is configured later, or behind a cloud's name.
var builtIn = strings.Fields(`<s> </s> <bos> <eos> <pad> <unk> <mask> [INST] [/INST] <<SYS>> <</SYS>> <start_of_turn> <end_of_turn> <start_of_image>
	<think> </think> <tool_call> </tool_call> <tool_response> </tool_response> <tools> </tools> <function_call> </function_call> <function_calls> <function_results> <invoke
	[AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_CALLS] [TOOL_RESULTS] [/TOOL_RESULTS] [SYSTEM_PROMPT] [/SYSTEM_PROMPT] [IMG] [PREFIX] [MIDDLE] [SUFFIX]
	[gMASK] <sop> <eop> <eod> <extra_id_ <0x [PAD] [UNK] [CLS] [SEP] [MASK] [BOS] [EOS] <system> </system> <assistant> </assistant> <user> </user> <human> </human>`)

// Patterns are marks that stand for a whole kind of tokens, or that count only
// at the start of a line.
var (
	barred   = regexp.MustCompile(`<\|`)
	barEnd   = regexp.MustCompile(`\|>`)
	headings = regexp.MustCompile(`(?im)^[ \t>]*#{2,6}(?:[ \t]*)(?:system|user|human|assistant|instruction|instructions|response|input|output|tool|prompt)\b`)
	turns    = regexp.MustCompile(`(?im)^([ \t>*"'_-]*(?:system|user|human|assistant|ai|tool|developer|function|model)[*_"']*[ \t]*):`)
)

// Neutraliser cleans text for one model family. It is safe for concurrent use.
type Neutraliser struct {
	tokens []string // lower case
	find   *regexp.Regexp
}

// New returns a neutraliser. The control tokens of the family are added to
// those that are built in; a token that is no more than letters or a single
// character would take words apart and is left out.
func New(control []string) *Neutraliser {
	n := &Neutraliser{}
	var parts []string
	seen := map[string]bool{}
	for _, t := range append(append([]string(nil), builtIn...), control...) {
		t = strings.ToLower(strip(norm.NFKC.String(strings.ToValidUTF8(strings.TrimSpace(t), ""))))
		if seen[t] || !worth(t) || len(t) > 200 || len(parts) > 4096 {
			continue
		}
		seen[t] = true
		n.tokens = append(n.tokens, t)
		parts = append(parts, regexp.QuoteMeta(t))
	}
	n.find = regexp.MustCompile(`(?i)` + strings.Join(parts, "|"))
	return n
}

// worth reports whether a token has a character that words have not.
func worth(t string) bool {
	return utf8.RuneCountInString(t) > 1 && strings.ContainsAny(t, "<>[]|{}") && !strings.Contains(t, mark)
}

// Clean returns text without anything that is more than text, of at most limit
// bytes (0: a bound of its own). Cleaning twice changes nothing.
func (n *Neutraliser) Clean(text string, limit int) string {
	if limit <= 0 || limit > most {
		limit = most
	}
	if len(text) > 4*limit {
		text = text[:4*limit]
	}
	for i := 0; ; i++ {
		next := cut(n.once(text, i >= rounds), limit)
		if next == text {
			return text
		}
		text = next
	}
}

// Changed reports whether a model sees another text than what was written.
func (n *Neutraliser) Changed(text string, limit int) bool { return n.Clean(text, limit) != text }

// Holds reports whether a text has a control token or a mark of a chat.
func (n *Neutraliser) Holds(text string) bool {
	text = strip(norm.NFKC.String(text))
	return n.find.MatchString(text) || barred.MatchString(text) || barEnd.MatchString(text) || headings.MatchString(text) || turns.MatchString(text)
}

// once is one pass: resolve, strip, break. A late pass deletes instead of
// breaking; it makes the text shorter each time, so there is a last one.
func (n *Neutraliser) once(text string, late bool) string {
	text = strip(norm.NFKC.String(strings.ToValidUTF8(text, "\uFFFD")))
	if late {
		for _, re := range []*regexp.Regexp{n.find, barred, barEnd, headings, turns} {
			text = re.ReplaceAllString(text, "")
		}
		return text
	}
	text = n.find.ReplaceAllStringFunc(text, broken)
	text = barred.ReplaceAllString(text, "<"+mark+"|")
	text = barEnd.ReplaceAllString(text, "|"+mark+">")
	text = headings.ReplaceAllStringFunc(text, func(s string) string {
		at := strings.LastIndexByte(s, '#') + 1
		return s[:at] + mark + s[at:]
	})
	return turns.ReplaceAllString(text, "${1}"+mark+":")
}

// broken puts the mark behind the first character of a token.
func broken(token string) string {
	_, size := utf8.DecodeRuneInString(token)
	return token[:size] + mark + token[size:]
}

// cut shortens a text to limit bytes, whole characters.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
