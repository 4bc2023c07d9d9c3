package reading

import (
	"slices"
	"strings"

	"vedette/internal/query"
)

// preferParameters takes a word for the parameter of texts that it names where
// nothing stored has the field that it means otherwise: the block of a file system
// and not of a controller.
func (r *reader) preferParameters() {
	for i, s := range r.spans {
		if s.is(kQuantity) && i+1 < len(r.spans) && r.spans[i+1].is(kEntity) && r.meansNothingStored(s) && !r.texts.knows(r.toks[s.from].lower) {
			s.used, s.entries = true, nil // "data nodes" are nodes
			continue
		}
		name, ok := r.extraNoun(s)
		if !ok || len(s.entries) == 0 || !r.meansNothingStored(s) {
			continue
		}
		e := extraEntry(name)
		if s.is(kQuantity) {
			e.kind = kQuantity
		}
		s.entries = []*entry{e}
	}
}

// meansNothingStored tells a word all whose meanings are of what is not stored.
func (r *reader) meansNothingStored(s *span) bool {
	return len(s.entries) > 0 && !slices.ContainsFunc(s.entries, func(e *entry) bool { return !r.notStored(e) })
}

func (r *reader) notStored(e *entry) bool {
	switch e.kind { //nolint:exhaustive // the others name no field
	case kSubject:
		return e.key != "event" && !r.stored(e) && (e.key != "ot" || !r.vals.any("ics.function"))
	case kCond:
		text, isExpr := strings.CutPrefix(e.key, "expr ")
		return isExpr && r.emptyField(text[:max(strings.IndexAny(text, " =<>!~"), 0)])
	case kEntity, kQuantity:
		field := e.attrs["field"]
		if e.kind == kQuantity && field == "" {
			field = e.key
		}
		return field != "" && r.emptyField(field)
	}
	return false
}

// emptyField tells a field that nothing stored has, as far as that is known.
func (r *reader) emptyField(field string) bool {
	switch head, _, _ := strings.Cut(field, "."); head {
	case "ics":
		return !r.vals.any("ics.function")
	case "file":
		return !r.stored(r.lex.entry(kSubject, "file"))
	case "traffic":
		return !r.stored(r.lex.entry(kSubject, "connection"))
	case "http_request", "http_response":
		return !r.stored(r.lex.entry(kSubject, "http"))
	}
	return (slices.Contains(vocabularyFields, field) || slices.Contains(writtenFields, field)) && !r.vals.any(field)
}

// textSpans are the words that may stand in a text: those that mean nothing else,
// and all that carry some meaning.
func (r *reader) textSpans() (strange, all []*span) {
	for i, s := range r.spans {
		if r.inPatterns(s) {
			strange, all = append(strange, s), append(all, s)
			continue
		}
		if s.to-s.from > 1 && !s.is(kSubject) && !s.is(kCond) || s.time != nil || s.num != nil || s.addr != "" || s.mac != "" || s.name != "" || r.toks[s.from].kind != tokWord {
			continue
		}
		if functionWords[r.toks[s.from].lower] || s.is(kWh) || s.is(kNeg) || s.is(kFn) || s.is(kOp) || s.is(kGroup) || s.is(kOrder) && !s.is(kVerb) || r.asksFor(i) {
			continue
		}
		if e := s.entry(kEntity); e != nil && e.attrs["bucket"] != "" || s.is(kQuantity) && len(s.entries) == 1 && !r.meansNothingStored(s) {
			continue
		}
		if e := s.entry(kSubject); e != nil && e.key == "event" {
			continue
		}
		if len(s.entries) == 0 && len(s.values) == 0 || !s.is(kSubject) && len(s.values) == 0 && r.meansNothingStored(s) {
			strange = append(strange, s)
		}
		all = append(all, s)
	}
	return strange, all
}

// inPatterns tells a name that patterns have as it is written: "mod_jk".
func (r *reader) inPatterns(s *span) bool {
	if s.name == "" || s.to-s.from != 1 || len(s.values) > 0 || r.toks[s.from].kind != tokWord || strings.ContainsAny(s.name, "0123456789") {
		return false
	}
	return slices.ContainsFunc(r.texts.patterns, func(p textPattern) bool { return p.words[r.toks[s.from].lower] })
}

// asksFor tells a noun that stands where what is asked for stands: "which block",
// "how many different sessions", "per component", "the average size".
func (r *reader) asksFor(i int) bool {
	name, extra := r.extraNoun(r.spans[i])
	if i > 0 && !extra {
		if w := strings.ToLower(r.spans[i-1].text); w == "which" || w == "what" {
			return true
		}
	}
	if !extra && r.spans[i].entry(kEntity) == nil {
		return false
	}
	if extra && i+1 < len(r.spans) && r.spans[i+1].num != nil && r.spans[i+1].num.unit == "" && r.toks[r.spans[i+1].from].from-r.toks[r.spans[i].to-1].to == 1 {
		return true // "State 112"
	}
	ranked, passed := false, 0
	for k := i - 1; k >= 0; k-- {
		s := r.spans[k]
		switch w := strings.ToLower(s.text); {
		case extra && s.is(kFn) && computesOf(s):
			r.spans[i].unknown = false
			r.spans[i].entries = []*entry{{kind: kQuantity, key: name, attrs: map[string]string{"field": name, "words": strings.TrimPrefix(name, "param.")}}}
			return true
		case s.is(kGroup), s.is(kEach), w == "which", w == "what", w == "different", w == "distinct", w == "unique":
			return true
		case s.is(kOrder):
			ranked = true
		case s.only(kStop) || s.num != nil:
		case passed == 0 && (s.unknown || s.is(kCond) || s.used && len(s.entries) == 0):
			passed++ // "which error states"
		case s.is(kShape) && s.entry(kShape).key == "list":
			return true
		default:
			return false
		}
	}
	return ranked || passed == 0 && !r.spans[0].is(kFn) && i > 0 // "top 3 clients", "give me the two hosts"
}

// computesOf tells a function that makes one number of many.
func computesOf(s *span) bool {
	return slices.ContainsFunc(s.entries, func(e *entry) bool {
		return e.kind == kFn && (computes(e.key) || e.key == string(query.Max) || e.key == string(query.Min))
	})
}

// moduleWords are what people call the part of a program that wrote a line.
var moduleWords = setOf("component class modul logger subsystem packag facility unit")

// extraNoun is the field outside the schema that a word names: a parameter of a
// text, or a field of one word.
func (r *reader) extraNoun(s *span) (string, bool) {
	if s.to-s.from != 1 {
		return "", false
	}
	for _, name := range r.extras {
		if stem(strings.TrimPrefix(strings.ToLower(name), "param.")) == r.toks[s.from].stem {
			return name, true
		}
	}
	if moduleWords[r.toks[s.from].stem] && slices.Contains(r.extras, "component") && !r.vals.any("process.name") {
		return "component", true
	}
	return "", false
}

// asksStored tells that the question names a kind of event that is stored.
func (r *reader) asksStored() bool {
	for _, s := range r.spans {
		if e := s.entry(kSubject); e != nil && e.key != "event" && e.key != "ot" && r.stored(e) {
			return true
		}
	}
	return r.vals.any("ics.function") && r.speaksOT()
}
