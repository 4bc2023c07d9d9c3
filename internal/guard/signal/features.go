package signal

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Dims is the size of the vector of features: the first slots are those of the
// rules, the others are shared by stretches of words by their hash.
const Dims = 1 << 16

// maxRead bounds what of a text is read for its words: its start and its end.
const maxRead = 4096

// Feature is one place of the vector with its value.
type Feature struct {
	Slot  uint32
	Value float32
}

// Features returns what the model sees of a text: which rules hold, and its
// words and pairs of words, each once. The vector has length one.
func Features(text string) []Feature { return features(prepare(text, 0)) }

// prepared is a text in the forms that rules and features look at.
type prepared struct {
	raw    string // bounded
	plain  string // compatibility forms resolved, unseen characters out, lower case
	unseen int    // characters that a person does not see
	rules  []*rule
}

func prepare(text string, least float64) *prepared {
	p := &prepared{raw: bounded(text)}
	text = p.raw
	if strings.Contains(text, "%") {
		if v, err := url.PathUnescape(text); err == nil {
			text = v
		}
	}
	var b strings.Builder
	for _, r := range norm.NFKC.String(strings.ToValidUTF8(text, " ")) {
		if hidden(r) {
			p.unseen++
			continue
		}
		b.WriteRune(plainRune(unicode.ToLower(r)))
	}
	p.plain = b.String()
	p.rules = matching(p, least)
	return p
}

// bounded keeps the start and the end of a long text, whole runes.
func bounded(text string) string {
	if len(text) <= 2*maxRead {
		return text
	}
	return strings.ToValidUTF8(text[:maxRead], "") + "\n" + strings.ToValidUTF8(text[len(text)-maxRead:], "")
}

// hidden reports whether a character has no width of its own.
func hidden(r rune) bool {
	return unicode.Is(unicode.Cf, r) && r != 0x200D || r >= 0xE0000 && r <= 0xE007F || r < 0x20 && r != '\n' && r != '\t' && r != '\r' || r >= 0x7F && r < 0xA0
}

// plainRune makes typographic marks plain.
func plainRune(r rune) rune {
	switch r {
	case '’', '‘', '`', '´':
		return '\''
	case '“', '”', '„', '«', '»':
		return '"'
	case '–', '—':
		return '-'
	}
	return r
}

func features(p *prepared) []Feature {
	seen := map[uint32]float32{}
	for _, r := range p.rules {
		seen[r.slot] = 3
	}
	for _, s := range shape(p) {
		seen[s] = 2
	}
	about := conceptsIn(p.plain)
	for i, a := range about {
		put(seen, "c", a, "", 2)
		for _, b := range about[i+1:] {
			put(seen, "cc", a, b, 1.5)
		}
	}
	words := wordsOf(p.plain)
	for i, w := range words {
		put(seen, "w", w, "", 1)
		if i > 0 {
			put(seen, "b", words[i-1], w, 1)
		}
		if i < 3 {
			put(seen, "s"+string(rune('0'+i)), w, "", 1)
		}
	}
	out := make([]Feature, 0, len(seen))
	sum := float32(0)
	for slot, v := range seen {
		out = append(out, Feature{slot, v})
		sum += v * v
	}
	slices.SortFunc(out, func(a, b Feature) int { return cmp.Compare(a.Slot, b.Slot) })
	scale := 1 / sqrt(max(sum, 36)) // a text of few words does not shout
	for i := range out {
		out[i].Value *= scale
	}
	return out
}

// shape returns slots that say what the text looks like as a whole.
func shape(p *prepared) []uint32 {
	var out []uint32
	add := func(name string) { out = append(out, slotOf("f", name, "")) }
	n := utf8.RuneCountInString(p.plain)
	for _, step := range []int{20, 60, 150, 400, 1000, 2500} {
		if n < step {
			break
		}
		add("longer than " + strconv.Itoa(step))
	}
	if strings.Contains(p.plain, "?") {
		add("question")
	}
	if strings.Count(p.plain, "|") > 8 {
		add("table")
	}
	if strings.Contains(p.raw, "\n") {
		add("lines")
	}
	latin, other := 0, 0
	for _, r := range p.plain {
		switch {
		case unicode.Is(unicode.Latin, r):
			latin++
		case unicode.IsLetter(r):
			other++
		}
	}
	if other > 0 {
		add("script")
		if latin > 10 && other > 10 {
			add("scripts")
		}
	}
	return out
}

// wordsOf cuts a text into words; of scripts without spaces, into pairs of
// characters.
func wordsOf(text string) []string {
	var out []string
	start := -1
	flush := func(end int) {
		if start >= 0 && len(out) < 4000 {
			out = append(out, text[start:end])
		}
		start = -1
	}
	prev, prevAt := rune(0), 0
	for i, r := range text {
		switch {
		case unspaced(r):
			flush(i)
			if unspaced(prev) && len(out) < 4000 {
				out = append(out, text[prevAt:i+utf8.RuneLen(r)])
			}
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r):
			if start < 0 {
				start = i
			}
		case r == '\'' && start >= 0:
		default:
			flush(i)
			if strings.ContainsRune("<>{}[]|#$=;", r) && len(out) < 4000 {
				out = append(out, text[i:i+utf8.RuneLen(r)])
			}
		}
		prev, prevAt = r, i
	}
	flush(len(text))
	return out
}

func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

func put(seen map[uint32]float32, kind, a, b string, v float32) {
	seen[slotOf(kind, a, b)] = v
}

// slotOf hashes a name into the shared part of the vector (FNV-1a).
func slotOf(kind, a, b string) uint32 {
	h := uint64(14695981039346656037)
	for _, s := range [...]string{kind, "\x00", a, "\x00", b} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
	}
	return ruleSlots + uint32((h^h>>32)%(Dims-ruleSlots))
}

func sqrt(v float32) float32 {
	x := v
	for range 12 {
		x = (x + v/x) / 2
	}
	return x
}
