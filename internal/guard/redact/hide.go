package redact

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// tokenRE is the form of a token, issued or not.
var tokenRE = regexp.MustCompile(`\b[A-Z]{2,6}(?:_[0-9a-f]{2,64}){1,3}(?:_v[0-9]{1,6})?\b`)

// The marks around a token that touches a letter, so that it is found again.
const open, closing = "«", "»"

// text hides what is found in free text: what the catalogue has, then what
// [Find] finds. Tokens of this vault are left alone; what only looks like one
// is never issued. With formsOnly, what is known by the words around it is left.
func (v *Vault) text(value string, formsOnly bool) string {
	var spans []Span
	fixed := v.fixed(value)
	free := func(start, end int) bool {
		for _, f := range fixed {
			if start < f.End && f.Start < end {
				return false
			}
		}
		return true
	}
	for _, s := range v.inCatalogue(value) {
		if free(s.Start, s.End) {
			spans, fixed = append(spans, s), append(fixed, s)
		}
	}
	for _, s := range Find(value) {
		if formsOnly && byContext[s.Type] {
			continue
		}
		if (s.Type == Secret || kindOf[s.Type] != "") && free(s.Start, s.End) {
			if s.Type != Secret {
				s.Type = kindOf[s.Type]
			}
			spans = append(spans, s)
		}
	}
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	return v.replace(value, spans)
}

// byContext are the types that are known by words rather than by form.
var byContext = map[string]bool{PersonName: true, Address: true, Place: true, Organization: true, Group: true, Postcode: true, Age: true}

// fixed returns the tokens of this vault in a text, and marks what only looks
// like one as taken.
func (v *Vault) fixed(value string) []Span {
	var out []Span
	for _, m := range tokenRE.FindAllStringIndex(value, -1) {
		word := value[m[0]:m[1]]
		if _, issued := v.value[word]; issued {
			out = append(out, Span{m[0], m[1], ""})
		} else if _, taken := v.stems[word]; !taken {
			v.stems[word] = foreign
		}
	}
	for _, mark := range []string{HiddenSecret, Withheld} {
		for at := 0; ; {
			i := strings.Index(value[at:], mark)
			if i < 0 {
				break
			}
			out = append(out, Span{at + i, at + i + len(mark), ""})
			at += i + len(mark)
		}
	}
	return out
}

// inCatalogue returns where values of the catalogue stand in a text, the
// longest where they overlap.
func (v *Vault) inCatalogue(value string) []Span {
	low, at := foldMap(value)
	var all []Span
	v.known.scan.find(low, func(start, end int, p pattern) bool {
		all = append(all, Span{at[start], at[end], v.known.entries[p.entry].kind})
		return true
	})
	slices.SortFunc(all, func(a, b Span) int {
		return cmp.Or(cmp.Compare(b.End-b.Start, a.End-a.Start), cmp.Compare(a.Start, b.Start))
	})
	var out []Span
	for _, s := range all {
		if !slices.ContainsFunc(out, func(o Span) bool { return s.Start < o.End && o.Start < s.End }) {
			out = append(out, s)
		}
	}
	return out
}

// foldMap folds a text and says for each byte of it, and its end, where in the
// text it comes from.
func foldMap(text string) (string, []int) {
	var b strings.Builder
	var at []int
	for i := 0; i < len(text); {
		_, n := utf8.DecodeRuneInString(text[i:])
		part := fold(text[i : i+n])
		b.WriteString(part)
		for range len(part) {
			at = append(at, i)
		}
		i += n
	}
	return b.String(), append(at, len(text))
}

func (v *Vault) replace(value string, spans []Span) string {
	var b strings.Builder
	at := 0
	for _, s := range spans {
		if s.Start < at {
			continue
		}
		b.WriteString(value[at:s.Start])
		if s.Type == Secret {
			b.WriteString(HiddenSecret)
		} else {
			b.WriteString(fenced(v.issue(s.Type, value[s.Start:s.End]), value[:s.Start], value[s.End:]))
		}
		at = s.End
	}
	b.WriteString(value[at:])
	return b.String()
}

// fenced puts marks around a token that would otherwise run into its
// neighbours.
func fenced(token, before, after string) string {
	left, _ := utf8.DecodeLastRuneInString(before)
	right, _ := utf8.DecodeRuneInString(after)
	glued := func(r rune) bool { return wordRune(r) || r == '_' }
	if before != "" && glued(left) || after != "" && glued(right) || strings.HasSuffix(before, open) && strings.HasPrefix(after, closing) {
		return open + token + closing
	}
	return token
}

// Restore puts back the values whose tokens this vault issued. What only looks
// like a token stays as it is, and so do secrets.
func (v *Vault) Restore(text string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var b strings.Builder
	at := 0
	for _, m := range tokenRE.FindAllStringIndex(text, -1) {
		value, issued := v.value[text[m[0]:m[1]]]
		if !issued {
			continue
		}
		start, end := m[0], m[1]
		if strings.HasSuffix(text[at:start], open) && strings.HasPrefix(text[end:], closing) {
			start, end = start-len(open), end+len(closing)
		}
		b.WriteString(text[at:start])
		b.WriteString(value)
		at = end
	}
	b.WriteString(text[at:])
	return b.String()
}

// Own tells the vault text of ours that goes out with every request:
// instructions, names of fields. A word of the language that is also the name
// of a host ("sensor") is then no leak; anything else still is.
func (v *Vault) Own(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known.scan.find(fold(text), func(_, _ int, p pattern) bool {
		if v.known.entries[p.entry].ordinary {
			v.own[p.entry] = true
		}
		return true
	})
}

// Leaks returns the types of the catalogue's values that stand in outgoing
// bytes: plain, with characters of no width between their letters, or percent-,
// escape-, entity-, hex- or base64-encoded, three deep. Nothing may be sent
// when it returns any. It names no value.
func (v *Vault) Leaks(out []byte) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.leaks(string(out), v.own)
}

func (v *Vault) leaks(out string, own map[int]bool) []string {
	var kinds []string
	if len(v.known.entries) == 0 {
		return nil
	}
	clean := tokenRE.ReplaceAllStringFunc(out, func(s string) string {
		if _, issued := v.value[s]; issued {
			return "¤"
		}
		return s
	})
	clean = strings.NewReplacer(HiddenSecret, "¤", Withheld, "¤").Replace(clean)
	for _, reading := range readings(clean) {
		v.known.scan.find(fold(reading), func(_, _ int, p pattern) bool {
			e := v.known.entries[p.entry]
			if !own[p.entry] && !plainAddress(e.kind, e.value) && !slices.Contains(kinds, e.kind) {
				kinds = append(kinds, e.kind)
			}
			return true
		})
	}
	slices.Sort(kinds)
	return kinds
}
