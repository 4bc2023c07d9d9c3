package reading

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"vedette/internal/query"
)

// takeTexts reads the words that the texts of a log have, where nothing more
// certain is known of what the question is about.
func (r *reader) takeTexts() {
	if len(r.texts.patterns) == 0 {
		return
	}
	r.preferParameters()
	if m := exceptForm.FindStringSubmatchIndex(r.question); m != nil {
		r.textsWithin(m[2], m[3], true)
		r.textsWithin(m[3], len(r.question), false)
		return
	}
	r.textsWithin(0, len(r.question), false)
}

// exceptForm sets what is left out before what is asked.
var exceptForm = regexp.MustCompile(`(?i)^\W*(?:apart from|aside from|besides|except for|leaving aside|setting aside|not counting|other than|excluding|without) ([^,]{3,120}), `)

// textsWithin reads a part of the question by the texts that have its words.
func (r *reader) textsWithin(from, to int, except bool) {
	strange, all := r.textSpans()
	outside := func(s *span) bool { return s.used || r.toks[s.from].from < from || r.toks[s.from].from >= to }
	strange, all = slices.DeleteFunc(strange, outside), slices.DeleteFunc(all, outside)
	if len(all) == 0 || len(strange) == 0 && (r.asksStored() || len(all) < 2) {
		return
	}
	words, without := make([]string, 0, len(all)), []string{}
	for _, s := range all {
		if i := slices.Index(r.spans, s); !except && i > 0 && r.spans[i-1].is(kNeg) && !negations[r.toks[r.spans[i-1].from].lower] {
			without = append(without, r.textWord(s)) // "other than the scheduler"
			continue
		}
		words = append(words, r.textWord(s))
	}
	not := slices.ContainsFunc(r.toks, func(t token) bool {
		return negations[strings.TrimSuffix(t.lower, "n't")] || strings.HasSuffix(t.lower, "n't")
	})
	patterns, have := r.texts.best(words, not, without)
	for _, w := range without {
		have[w] = have[w] || len(patterns) > 0 && r.texts.knows(w)
	}
	found := 0
	for _, s := range strange {
		if have[r.textWord(s)] {
			found++
		}
	}
	switch {
	case len(patterns) == 0 || !r.texts.telling(have):
	case len(strange) > 0 && found == 0, len(strange) == 0 && len(have) < 2:
	case r.asksStored() && found < len(strange):
	default:
		r.f.On["guessed"] = r.asksStored() // whoever writes texts must not turn a question about other logs to them unseen
		r.askTexts(patterns, have, all, except)
	}
}

// textWord is the word of a span as texts may have it: as written, mended by the
// lexicon, or the word of a text that it is a misspelling of.
func (r *reader) textWord(s *span) string {
	t := r.toks[s.from]
	if r.texts.knows(t.lower) || len(t.lower) < 5 {
		return t.lower
	}
	if r.texts.knows(t.stem) {
		return t.stem
	}
	if len(s.entries) > 0 {
		return t.lower
	}
	best, cost := "", 3
	for w := range r.texts.words {
		if d, ok := misspelt(t.lower, w, 1); ok && (d < cost || d == cost && w < best) {
			best, cost = w, d
		}
	}
	if best == "" {
		return t.lower
	}
	return best
}

// askTexts makes patterns a condition and takes the words that they have out of
// the question.
func (r *reader) askTexts(patterns []string, have map[string]bool, spans []*span, except bool) {
	said := make([]string, 0, len(have))
	for _, s := range spans {
		if !have[r.textWord(s)] {
			continue
		}
		said = append(said, s.text)
		s.used, s.unknown, s.entries, s.values, s.name = true, false, nil, nil, ""
	}
	r.withoutOutcome(patterns)
	r.withoutScenery()
	patterns = r.texts.kin(patterns)
	vals := make([]any, len(patterns))
	for i, p := range patterns {
		vals[i] = p
	}
	e := query.Expr{Field: patternField, Op: query.In, Value: vals}
	if len(vals) == 1 {
		e = query.Expr{Field: patternField, Op: query.Eq, Value: vals[0]}
	}
	r.addCond(e, except, said[0])
	if except {
		for _, s := range spans {
			s.used, s.entries = s.used || len(s.entries) > 0, nil // "being in an error state": what it is that is left out
		}
	}
	r.f.Subject = r.lex.entry(kSubject, "event")
	r.f.On["texts"] = true
	r.f.On["took"] = slices.Contains(r.extras, "param.took") && tookForm.MatchString(patterns[0])
	r.note("took %q for the texts that a program wrote as %s", strings.Join(said, " "), quotedList(patterns))
}

// withoutOutcome takes "in error" for a part of the texts if they have it; else it
// is not understood, as texts have no outcome beside their words.
func (r *reader) withoutOutcome(patterns []string) {
	for _, s := range r.spans {
		if e := s.entry(kCond); s.used || e == nil || e.key != "failure" && e.key != "success" {
			continue
		}
		said := slices.ContainsFunc(r.toks[s.from:s.to], func(t token) bool {
			p := newPattern(patterns[0])
			return !functionWords[t.lower] && p.has(t.lower) > 0
		})
		s.entries, s.used, s.unknown = nil, said, !said
	}
}

// tookForm is a pattern that ends in how long something took, without a unit.
var tookForm = regexp.MustCompile(`(?i)\btook(?: [-:=])? <\*>$`)

// inTheLog is where somebody says that the texts stand.
var inTheLog = regexp.MustCompile(`(?i)\b(?:in|from|of) (?:the|our|this|that) (?:[\w-]+ ){1,3}(?:logs?|files?)\b`)

// withoutScenery leaves out who did what the texts tell, and where they stand: "the
// daemon" of "how often was the daemon restarted" is not asked for.
func (r *reader) withoutScenery() {
	at := inTheLog.FindStringIndex(r.question)
	for i, s := range r.spans {
		from := r.toks[s.from].from
		switch {
		case s.used:
		case at != nil && from >= at[0] && from < at[1]:
			s.used, s.unknown, s.entries, s.values = true, false, nil, nil
		case s.entry(kEntity) != nil && len(s.entries) == 1 && s.entry(kEntity).attrs["bucket"] == "" && i > 0 && !r.asksFor(i) && !r.namesValue(i):
			r.f.On["guessed"] = r.f.On["guessed"] || r.plural(s) || !theBefore(r, i)
			s.used, s.entries = true, nil
			r.note("left out %q, which the texts have no part of", s.text)
		}
	}
}

// theBefore tells one certain thing: "the daemon", "a node", "our server".
func theBefore(r *reader, i int) bool {
	for k := i - 1; k >= 0 && k >= i-2; k-- {
		switch strings.ToLower(r.spans[k].text) {
		case "the", "a", "an", "our", "this", "any":
			return true
		}
	}
	return false
}

// namesValue tells a noun whose value stands beside it: "client 10.0.0.1".
func (r *reader) namesValue(i int) bool {
	if i+1 >= len(r.spans) {
		return false
	}
	n := r.spans[i+1]
	return n.addr != "" || n.num != nil || n.name != "" || len(n.values) > 0
}

// quotedList shows the first of some texts.
func quotedList(list []string) string {
	const most = 3
	out := make([]string, 0, most)
	for _, x := range list[:min(most, len(list))] {
		out = append(out, fmt.Sprintf("%q", x))
	}
	if len(list) > most {
		out = append(out, fmt.Sprintf("%d more", len(list)-most))
	}
	return strings.Join(out, ", ")
}

// takeLevels reads "errors" and "warnings" of logs whose lines have a level, where
// no alerts are stored that they may be.
func (r *reader) takeLevels() {
	if r.asksStored() || !slices.Contains(r.extras, "level") {
		return
	}
	for i, s := range r.spans {
		op, level := query.Eq, 0.0
		switch r.toks[s.from].stem {
		case "error":
			op, level = query.Ge, 4
		case "warn":
			level = 3
		default:
			continue
		}
		if s.used || s.to-s.from > 1 || s.name != "" {
			continue
		}
		s.used, s.unknown, s.entries, s.values = true, false, nil, nil
		r.addCond(query.Expr{Field: "severity_id", Op: op, Value: level}, r.negated(i), s.text)
		if r.f.Subject == nil {
			r.f.Subject = r.lex.entry(kSubject, "event")
		}
		r.f.On["texts"] = true
	}
}
