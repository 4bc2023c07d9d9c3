package reading

import (
	"slices"
	"strings"
	"unicode"

	"vedette/internal/query"
)

// extraAt finds a stored field outside the schema that the tokens from i on
// name by the last words of its name: "control code" is trip_control_code
// where no other field ends so. It gives the number of tokens, at least two.
func (r *reader) extraAt(i int) (string, int) {
	for n := min(4, len(r.toks)-i); n >= 2; n-- {
		words := make([]string, n)
		for k := range n {
			words[k] = r.toks[i+k].stem
		}
		if name, ok := r.extraEnding(words); ok {
			return name, n
		}
	}
	return "", 0
}

func (r *reader) extraEnding(words []string) (string, bool) {
	found := ""
	for _, name := range r.extras {
		parts := strings.FieldsFunc(strings.ToLower(name), func(c rune) bool { return c == '_' || c == '.' || c == '-' })
		if len(parts) < len(words) {
			continue
		}
		tail := parts[len(parts)-len(words):]
		if !slices.EqualFunc(tail, words, func(part, word string) bool { return stem(part) == word }) {
			continue
		}
		if found != "" {
			return "", false // more than one: it is not clear which is meant
		}
		found = name
	}
	return found, found != ""
}

// takeLiveWords reads words that are no grammar and no whole value through the
// stored values that have them as a part: "Mozi alerts", "unsolicited
// responses". The longest run of words that stands so in a value is taken.
func (r *reader) takeLiveWords() {
	for i, s := range r.spans {
		if s.used || !s.unknown || len(s.text) < 3 {
			continue
		}
		if r.takeLoose(i, s) {
			continue
		}
		field, n := r.liveField(s.text)
		if r.takeLoosePart(s, i, n) {
			continue
		}
		if field != "" {
			r.takeLiveRun(i, field, r.vals.texts(field))
		}
	}
}

// liveField is the first field whose stored values have a word, with how many
// records have it there.
func (r *reader) liveField(word string) (string, int64) {
	for _, field := range r.liveFields() {
		n := int64(0)
		for v, count := range r.vals.fields[field] {
			if strings.Contains(spaced(v), spaced(word)) {
				n += count
			}
		}
		if n > 0 {
			return field, n
		}
	}
	return "", 0
}

// takeLoosePart reads a word through a field of the log itself, where more
// records have it there than in the fields of the schema.
func (r *reader) takeLoosePart(s *span, i int, schema int64) bool {
	if r.f.Subject == nil && !r.speaksOT() || r.f.Subject != nil && r.f.Subject.key != "ot" {
		return false
	}
	counts, texts := map[string]int64{}, map[string][]string{}
	best := ""
	for _, v := range r.loose {
		if !strings.Contains(spaced(v.value), spaced(s.text)) {
			continue
		}
		counts[v.field] += v.count
		texts[v.field] = append(texts[v.field], spaced(v.value))
		if best == "" || counts[v.field] > counts[best] {
			best = v.field
		}
	}
	if best == "" || counts[best] <= schema {
		return false
	}
	s.used, s.unknown = true, false
	r.coverValueWords(i, i+1, texts[best], spaced(s.text))
	r.note("took %q for a part of %s, a field of the log itself", s.text, best)
	r.addCond(query.Expr{Field: best, Op: query.Contains, Value: s.text}, r.negated(i), s.text)
	return true
}

// takeLoose reads a word that is exactly a stored value of a field outside the
// schema.
func (r *reader) takeLoose(i int, s *span) bool {
	for _, v := range r.loose {
		if strings.EqualFold(v.value, s.text) {
			s.used, s.unknown = true, false
			r.note("took %q for %s, a field of the log itself", s.text, v.field)
			r.addCond(query.Expr{Field: v.field, Op: query.Eq, Value: v.value}, r.negated(i), s.text)
			return true
		}
	}
	return false
}

// liveFields are the fields whose values may hold a loose word: those of the
// subject, else the ones whose values come from a fixed set.
func (r *reader) liveFields() []string {
	if r.f.Subject != nil && len(ownFields[r.f.Subject.key]) > 0 {
		return ownFields[r.f.Subject.key]
	}
	return slices.DeleteFunc(slices.Clone(vocabularyFields), func(f string) bool { return f == "metadata.event_code" || f == "activity_name" })
}

// takeLiveRun widens the word at span i to the longest run of spans that some
// value holds, and adds the condition.
func (r *reader) takeLiveRun(i int, field string, texts []string) {
	from, to := i, i+1
	text := func(a, b int) string {
		return r.question[r.toks[r.spans[a].from].from:r.toks[r.spans[b-1].to-1].to]
	}
	for to < len(r.spans) && !r.spans[to].used && anyHas(texts, spaced(text(from, to+1))) {
		to++
	}
	for from > 0 && !r.spans[from-1].used && anyHas(texts, spaced(text(from-1, to))) {
		from--
	}
	for ; to > i+1 && r.spans[to-1].only(kStop, kRole, kLink); to-- {
	}
	phrase := text(from, to)
	not := r.negated(from)
	for k := from; k < to; k++ {
		r.spans[k].used, r.spans[k].unknown = true, false
	}
	r.coverValueWords(from, to, texts, spaced(phrase))
	if slices.Contains(writtenFields, field) {
		r.note("took %q for a part of a stored %s, a text that a device or peer wrote", phrase, plainField(field))
	}
	if r.f.Subject == nil && strings.HasPrefix(field, "ics.") {
		r.setSubject(r.lex.entry(kSubject, "ot"))
	}
	r.addCond(query.Expr{Field: field, Op: query.Contains, Value: r.asStored(field, phrase)}, not, phrase)
}

// coverValueWords marks nearby nouns that only repeat a word of the values
// found: the "responses" of "unsolicited DNP3 responses".
func (r *reader) coverValueWords(from, to int, texts []string, phrase string) {
	for k := max(0, from-2); k < len(r.spans) && k < to+2; k++ {
		s := r.spans[k]
		if s.used || !s.is(kEntity) || s.is(kSubject) && s.entry(kSubject) == r.f.Subject {
			continue
		}
		word := " " + r.toks[s.to-1].stem
		repeats := true
		for _, t := range texts {
			if strings.Contains(t, phrase) && !strings.Contains(t, word) {
				repeats = false
			}
		}
		s.used = s.used || repeats
	}
}

// asStored gives a phrase the spelling that the stored values have, so that
// "unsolicited response" finds UNSOLICITED_RESPONSE.
func (r *reader) asStored(field, phrase string) string {
	want := spaced(phrase)
	for v := range r.vals.fields[field] {
		if at := strings.Index(spaced(v), want); at >= 0 && len(spaced(v)) == len(v)+2 {
			return v[at : at+len(want)-2]
		}
	}
	return phrase
}

// texts gives the values of a field as spaced words.
func (v *values) texts(field string) []string {
	if v.spaced == nil {
		v.spaced = map[string][]string{}
	}
	if out, ok := v.spaced[field]; ok {
		return out
	}
	var out []string
	for value := range v.fields[field] {
		out = append(out, spaced(value))
	}
	v.spaced[field] = out
	return out
}

func anyHas(texts []string, phrase string) bool {
	return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(t, phrase) })
}

// spaced writes a text as lower-case words with a space on both sides, so that
// whole words can be looked for.
func spaced(s string) string {
	return " " + strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToLower(c)
		}
		return ' '
	}, s) + " "
}
