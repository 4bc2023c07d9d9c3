package reading

import (
	"slices"
	"strings"

	"vedette/internal/event"
	"vedette/internal/query"
)

// next returns the nearest span after i that is not a mere filler, at most two
// fillers away.
func (r *reader) next(i int) (int, *span) { return r.beside(i, +1) }

func (r *reader) beside(i, step int) (int, *span) {
	for k, n := i+step, 0; k >= 0 && k < len(r.spans) && n < 3; k, n = k+step, n+1 {
		if s := r.spans[k]; !s.only(kStop) && !s.only(kStop, kRole) || s.num != nil {
			return k, s
		}
	}
	return -1, nil
}

// negated tells whether a "not", "except" or "without" belongs to span i, and
// marks it used.
func (r *reader) negated(i int) bool {
	for k, n := i-1, 0; k >= 0 && n < 4; k, n = k-1, n+1 {
		s := r.spans[k]
		if s.entry(kNeg) != nil {
			s.used = true
			return true
		}
		if s.is(kLink) {
			n-- // "not 22 or 23"
			continue
		}
		plainWord := s.only(kStop, kRole, kIs, kEach, kVerb, kEntity, kSubject, kContains, kShape, kGroup, kLink) || s.addr != "" && k+1 < i || s.num != nil && k+1 < i
		if !plainWord {
			return false
		}
	}
	return false
}

// takeFieldNames handles fields that are named in full ("id.resp_p",
// "src_endpoint.ip", an extra of the data) as if the lexicon knew them.
func (r *reader) takeFieldNames() {
	for _, s := range r.spans {
		if s.name == "" && !s.unknown || s.text == "" {
			continue
		}
		f, ok := r.schema.Lookup(s.text)
		switch {
		case ok && (strings.ContainsAny(s.text, "._") || s.unknown):
			k := kEntity
			if f.Kind == event.Int && strings.HasPrefix(f.Name, "traffic.") || f.Name == "duration" {
				k = kQuantity
			}
			s.entries = []*entry{{kind: k, key: f.Name, attrs: map[string]string{"field": f.Name, "words": f.Name}}}
		case !ok && slices.Contains(r.extras, s.text):
			s.entries = []*entry{extraEntry(s.text)}
		default:
			name, found := r.extraNoun(s)
			if !found || !s.unknown {
				continue
			}
			s.entries = []*entry{extraEntry(name)}
		}
		s.name, s.unknown = "", false
	}
}

// extraEntry is the meaning of a field outside the schema that is named.
func extraEntry(name string) *entry {
	return &entry{kind: kEntity, key: name, attrs: map[string]string{"field": name, "words": strings.TrimPrefix(name, "param.")}}
}

// takeRanking finds "top 5", "5 most", "the ten busiest", "most ... ".
func (r *reader) takeRanking() {
	for i, s := range r.spans {
		e := s.entry(kOrder)
		if e == nil || s.used || r.isComparison(i) {
			continue
		}
		s.used = true
		r.f.Asc = r.f.Asc || e.key == "asc"
		if i+1 < len(r.spans) && strings.EqualFold(r.spans[i+1].text, "first") {
			r.spans[i+1].used = true // "most frequent first" orders, it does not cut off
			continue
		}
		r.f.Ordered = true
		if r.f.Limit == 0 {
			r.f.Limit = r.whichNumber(i)
		}
		r.takeLimit(i)
	}
}

// takeLimit finds the number beside the ranking word at span i.
func (r *reader) takeLimit(i int) {
	for _, k := range []int{i + 1, i - 1, i + 2} {
		if k < 0 || k >= len(r.spans) || k == i+2 && !r.spans[i+1].only(kStop, kOrder) {
			continue
		}
		s := r.spans[k]
		if s.num == nil || s.num.unit != "" || s.used || s.is(kFn) || s.num.n < 1 || s.num.n > query.MaxLimit || s.num.n != float64(int(s.num.n)) {
			continue
		}
		if k < i && k > 0 && r.spans[k-1].is(kOp) {
			continue
		}
		r.f.Limit = int(s.num.n)
		s.used = true
		return
	}
}

// whichNumber is the 3 of "which 3 servers sent the most".
func (r *reader) whichNumber(before int) int {
	for k := 1; k < before; k++ {
		s := r.spans[k]
		if n := s.num; n != nil && !s.used && n.unit == "" && n.n >= 1 && n.n <= query.MaxLimit && r.spans[k-1].only(kWh, kStop, kShape) && r.spans[k+1].is(kEntity) && n.n == float64(int(n.n)) {
			s.used = true
			return int(n.n)
		}
	}
	return 0
}

// isComparison tells "at most 5" and "most" apart; the lexicon has both.
func (r *reader) isComparison(i int) bool {
	s := r.spans[i]
	if s.entry(kOp) == nil && s.entry(kFn) == nil {
		return false
	}
	_, n := r.next(i)
	return s.entry(kOp) != nil && n != nil && n.num != nil
}

// takeBucket finds "per hour", "hourly", "which minute".
func (r *reader) takeBucket() {
	for i, s := range r.spans {
		e := s.entry(kEntity)
		if e == nil || e.attrs["bucket"] == "" || s.used {
			continue
		}
		adverb := strings.HasSuffix(r.toks[s.to-1].lower, "ly")
		marked := adverb
		for k := i - 1; k >= 0 && k >= i-3; k-- {
			p := r.spans[k]
			each := p.is(kEach) && (strings.EqualFold(p.text, "each") || strings.EqualFold(p.text, "every"))
			if p.is(kGroup) || p.is(kWh) || each || p.is(kOrder) {
				marked = true
				if p.is(kGroup) || p.is(kEach) {
					p.used = true
				}
			}
			if !p.only(kStop, kGroup, kWh, kEach, kOrder, kRole, kFn) {
				break
			}
		}
		if marked && r.f.Bucket == "" {
			r.f.Bucket = e.attrs["bucket"]
			r.f.Plural = r.f.Plural || strings.HasSuffix(r.toks[s.to-1].lower, "s")
			s.used = true
		}
	}
}

// takeNamedValues reads a field followed by its value: "port 22", "user
// root", "status code 404", "unit id is 4", "user agent contains curl".
func (r *reader) takeNamedValues() {
	for i, s := range r.spans {
		e := r.fieldEntry(s)
		if e == nil || s.used {
			continue
		}
		op := query.Eq
		k := i + 1
		for k < len(r.spans) {
			n := r.spans[k]
			if c := n.entry(kContains); c != nil && !n.is(kSubject) {
				op = query.Op(c.key)
				k++
				continue
			}
			if n.only(kIs, kStop) && !n.used && n.num == nil || n.is(kIs) && n.num == nil && !n.is(kNeg) || n.is(kNeg) {
				if o := n.entry(kOp); o != nil && o.key != "=" {
					break
				}
				k++
				continue
			}
			break
		}
		r.valuesOf(i, k, e, op)
	}
}

// fieldEntry is the entity or quantity a span names, if it can take a value.
func (r *reader) fieldEntry(s *span) *entry {
	if e := s.entry(kEntity); e != nil && e.attrs["field"] != "" && !strings.HasSuffix(r.toks[s.to-1].lower, "ered") {
		return e
	}
	return nil
}

// valuesOf takes the values from span k on for the field named at span i.
func (r *reader) valuesOf(i, k int, e *entry, op query.Op) {
	field := r.fieldOf(e)
	if e.key == "host" && r.vals.any("ics.function") && k < len(r.spans) && r.spans[k].num != nil {
		field = "ics.address" // "address 600" of a controller
	}
	took := false
	for ; k < len(r.spans); k++ {
		s := r.spans[k]
		if !took && r.opensBracket(k) {
			break // "the user agent (log4shell)" explains, it gives no value
		}
		if took && (s.is(kLink) || s.only(kStop) && s.text == ",") {
			continue
		}
		if _, other := r.extraNoun(s); other && took {
			break // "state 1 and mode 2"
		}
		v, ok := r.valueFor(field, s, op, k == i+1 || took)
		if !ok || s.used {
			break
		}
		not := r.negated(k) || r.negated(i)
		r.addCond(r.fieldCond(field, r.wholeOrPart(field, op, v), v, i), not, s.text)
		s.used, r.spans[i].used, took = true, true, true
		if k+1 < len(r.spans) && !r.spans[k+1].is(kLink) && r.spans[k+1].num == nil {
			break
		}
	}
	if took {
		r.useBetween(i+1, min(k, len(r.spans)))
	}
}

// wholeOrPart compares with a part where no stored value is the whole text but
// some contain it: the vendor "Siemens" of "Siemens AG".
func (r *reader) wholeOrPart(field string, op query.Op, v any) query.Op {
	text, ok := v.(string)
	if op != query.Eq || !ok || len(text) < 4 {
		return op
	}
	if _, exact := r.vals.has(field, text); exact || !r.anyHolds([]string{field}, text) {
		return op
	}
	r.missing = slices.DeleteFunc(r.missing, func(w FieldWant) bool { return w.Field == field && w.Value == text })
	return query.Contains
}

// opensBracket tells that a bracket stands before span k.
func (r *reader) opensBracket(k int) bool {
	return strings.Contains(r.question[r.toks[r.spans[k-1].to-1].to:r.toks[r.spans[k].from].from], "(")
}

// useBetween marks the words between a field and its value.
func (r *reader) useBetween(from, to int) {
	for _, s := range r.spans[from:to] {
		if !s.is(kSubject) {
			s.used = true
		}
	}
}

// valueFor reads a span as a value of a field. adjacent says that it directly
// follows the field's name, where even an unknown word is taken.
func (r *reader) valueFor(field string, s *span, op query.Op, adjacent bool) (any, bool) {
	if strings.HasPrefix(field, "[") {
		return nil, false // hosts are read by takeAddresses
	}
	f, known := r.schema.Lookup(field)
	if !known {
		f.Kind = event.String
	}
	switch f.Kind {
	case event.Int, event.Float:
		return r.numberFor(field, s)
	case event.IP, event.Bool, event.Time:
		return nil, false
	case event.String, event.List:
	}
	if v, ok := r.storedFor(field, s, adjacent); ok {
		return v, true
	}
	switch {
	case s.name != "":
		if op != query.Eq || known {
			r.want(field, s.name, op)
		}
		return s.name, true
	case s.mac != "":
		return s.mac, field == "src_endpoint.mac"
	case s.num != nil && adjacent && field != "ics.function" && !s.is(kFn):
		return s.num.raw, true
	case s.num != nil && field == "ics.function":
		return nil, false
	case s.unknown && adjacent && !r.pluralBefore(s), op != query.Eq && !s.only(kStop, kRole, kGroup, kNeg, kLink):
		if v, ok := r.vals.has(field, s.text); ok {
			return v, true
		}
		r.want(field, s.text, op)
		return s.text, true
	}
	if adjacent && r.properName(s) {
		r.want(field, s.text, op)
		return s.text, true // "zone Boiler": a name, though the word means something else too
	}
	return nil, false
}

// properName tells a word that is written with a capital inside the sentence.
func (r *reader) properName(s *span) bool {
	i := slices.Index(r.spans, s)
	c := s.text[0]
	return i > 0 && !r.pluralBefore(s) && c >= 'A' && c <= 'Z' && strings.ToUpper(s.text) != s.text && !s.only(kStop, kRole, kLink)
}

func (r *reader) numberFor(field string, s *span) (any, bool) {
	if field == "severity_id" {
		return r.severityValue(s)
	}
	if s.num != nil && s.num.unit == "" && !s.is(kOp) {
		return s.num.n, true
	}
	return nil, false
}

// storedFor finds a stored value of the field that a span spells: any for a
// name; directly after the field's name also one that is a word of the
// grammar, such as an account called "admin" or "read".
func (r *reader) storedFor(field string, s *span, adjacent bool) (string, bool) {
	for _, v := range s.values {
		if v.field == field {
			return v.value, true
		}
	}
	if s.name != "" {
		return r.vals.has(field, s.name)
	}
	never := []kind{kStop, kRole, kGroup, kIs, kLink, kNeg}
	if !slices.Contains(r.extras, field) {
		never = append(never, kVerb, kOrder, kFn, kShape, kWh, kSubject)
	}
	if !adjacent || s.unknown || s.only(never...) {
		return "", false
	}
	return r.vals.has(field, s.text)
}

// pluralBefore: after "accounts" an unknown word goes on with the sentence,
// after "account" it is the account.
func (r *reader) pluralBefore(s *span) bool {
	i := slices.Index(r.spans, s)
	return i > 0 && r.spans[i-1].is(kEntity) && r.plural(r.spans[i-1])
}

func (r *reader) severityValue(s *span) (any, bool) {
	if e := s.entry(kValue); e != nil && e.alts[0].field == "severity_id" {
		n, _ := numberOf(token{kind: tokNumber, text: e.alts[0].value})
		return n, true
	}
	if s.num != nil && s.num.unit == "" {
		if slices.Contains(r.extras, "alert.severity") {
			return s.num.n, true
		}
		return s.num.n, true
	}
	return nil, false
}

// want remembers a value that nothing stored has, so that the answer can say
// so and name the nearest.
func (r *reader) want(field, value string, op query.Op) {
	if op == query.Eq {
		r.missing = append(r.missing, FieldWant{field, value})
	}
}

// fieldCond builds the condition; a severity number is the source's own
// ("severity 1" of Suricata is its highest) when the data has one.
func (r *reader) fieldCond(field string, op query.Op, v any, at int) query.Expr {
	if n, ok := v.(float64); ok && field == "severity_id" && r.spans[at].to < len(r.toks) {
		if slices.Contains(r.extras, "alert.severity") && r.numberFollows(at) {
			return query.Expr{Field: "alert.severity", Op: op, Value: query.NumberText(n)}
		}
	}
	return query.Expr{Field: field, Op: op, Value: v}
}

func (r *reader) numberFollows(i int) bool {
	for k := i + 1; k < len(r.spans) && k < i+4; k++ {
		if r.spans[k].num != nil {
			return true
		}
	}
	return false
}
