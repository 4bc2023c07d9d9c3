package reading

import (
	"slices"
	"strings"
)

// span is a run of tokens with the parts it may play.
type span struct {
	from, to int // tokens
	text     string
	entries  []*entry // lexicon meanings
	values   []value  // stored values it may name
	num      *number
	addr     string // address or CIDR
	mac      string
	name     string // quoted text, or a word shaped like a name (a.b, /x)
	time     *when
	unknown  bool
	used     bool
}

// number is a quantity that was written, in base units (bytes, seconds).
type number struct {
	n    float64
	unit string // "bytes", "s", "%" or ""
	raw  string
}

func (s *span) is(k kind) bool { return s.entry(k) != nil }

func (s *span) entry(k kind) *entry {
	for _, e := range s.entries {
		if e.kind == k {
			return e
		}
	}
	return nil
}

// only tells that a span can be nothing but the given kinds.
func (s *span) only(kinds ...kind) bool {
	return len(s.entries) > 0 && !slices.ContainsFunc(s.entries, func(e *entry) bool { return !slices.Contains(kinds, e.kind) })
}

// spans cuts the tokens into the longest known pieces.
func (r *reader) cut() {
	c := &clock{now: r.now, toks: r.toks, data: r.data}
	for i := 0; i < len(r.toks); {
		s := r.capitalRun(i)
		if s == nil {
			s = r.spanAt(c, i)
		}
		s.from = i
		s.text = r.question[r.toks[i].from:r.toks[s.to-1].to]
		r.spans = append(r.spans, s)
		i = s.to
	}
	r.joinNames()
}

// capitalRun reads three or more words in capital letters, not all of them
// known, as a text that is cited from a log.
func (r *reader) capitalRun(i int) *span {
	to, unknown := i, false
	for ; to < len(r.toks) && r.toks[to].kind == tokWord && capitals(r.toks[to].text) && len(r.toks[to].text) > 1; to++ {
		_, size := r.lex.at(r.toks[to:to+1], 0)
		_, stored := r.vals.at(r.toks[to:to+1], 0)
		unknown = unknown || size == 0 && stored == 0
	}
	if to-i < 3 || !unknown {
		return nil
	}
	if _, n := r.vals.at(r.toks, i); n >= to-i {
		return nil // a stored value as a whole
	}
	return &span{to: to, name: r.question[r.toks[i].from:r.toks[to-1].to]}
}

// joinNames makes one name of unknown words and numbers that are written
// without a space between, such as "eng-ws-01", when the whole has a digit or
// no part of it means anything.
func (r *reader) joinNames() {
	var out []*span
	for i := 0; i < len(r.spans); {
		to, unknown, digits := i+1, r.spans[i].unknown, r.spans[i].num != nil
		for to < len(r.spans) && r.glued(to) && (r.spans[to].unknown || r.spans[to].num != nil || r.spans[to].only(kStop, kVerb, kRole)) {
			unknown = unknown || r.spans[to].unknown
			digits = digits || r.spans[to].num != nil
			to++
		}
		if to == i+1 || !unknown || !digits {
			out = append(out, r.spans[i])
			i++
			continue
		}
		text := r.question[r.toks[r.spans[i].from].from:r.toks[r.spans[to-1].to-1].to]
		out = append(out, &span{from: r.spans[i].from, to: r.spans[to-1].to, text: text, name: text})
		i = to
	}
	r.spans = out
}

// glued tells that only a hyphen or slash stands between span i and the one
// before it.
func (r *reader) glued(i int) bool {
	gap := r.question[r.toks[r.spans[i-1].to-1].to:r.toks[r.spans[i].from].from]
	return gap == "-" || gap == "_" || gap == "/"
}

func (r *reader) spanAt(c *clock, i int) *span {
	if w, n := c.at(i); n > 0 && !r.phraseBeatsTime(i, n) {
		return &span{to: i + n, time: &w}
	}
	switch t := r.toks[i]; t.kind {
	case tokQuoted:
		vals, n := r.vals.at(r.toks[:i+1], i)
		if n == 0 {
			vals = nil
		}
		if entries, all := r.quotedPhrase(i); all {
			return &span{to: i + 1, entries: entries}
		}
		return &span{to: i + 1, name: t.text, values: vals}
	case tokAddr, tokCIDR:
		return &span{to: i + 1, addr: t.text}
	case tokMAC:
		return &span{to: i + 1, mac: t.lower}
	case tokNumber:
		return r.numberAt(i)
	case tokWord, tokDate, tokClock, tokSymbol:
	}
	return r.wordAt(i)
}

// quotedPhrase finds the known name of a value in quotes: "no such domain".
func (r *reader) quotedPhrase(i int) ([]*entry, bool) {
	inner := tokenise(r.toks[i].text)
	entries, n := r.lex.at(inner, 0)
	if n < 2 || n != len(inner) {
		return nil, false
	}
	values := slices.DeleteFunc(slices.Clone(entries), func(e *entry) bool { return e.kind != kValue })
	return values, len(values) > 0
}

// phraseBeatsTime keeps "last seen" and "from" phrases from being eaten as times.
func (r *reader) phraseBeatsTime(i, n int) bool {
	_, size := r.lex.at(r.toks, i)
	return size > n
}

func (r *reader) numberAt(i int) *span {
	n, _ := numberOf(r.toks[i])
	out := &span{to: i + 1, num: &number{n: n, raw: r.toks[i].text}}
	if i+1 >= len(r.toks) {
		return out
	}
	next := r.toks[i+1]
	glued := next.from == r.toks[i].to
	if f, ok := byteUnit(next.lower); ok && (len(next.lower) > 1 || glued) {
		out.num.n, out.num.unit, out.to = n*f, "bytes", i+2
		if next.lower == "k" {
			out.num.unit = ""
		}
		return out
	}
	if d, ok := durationUnit(next.lower); ok && (len(next.lower) > 1 || glued) {
		out.num.n, out.num.unit, out.to = n*d.Seconds(), "s", i+2
	}
	if next.text == "%" || next.lower == "percent" {
		out.num.unit, out.to = "%", i+2
	}
	return out
}

func (r *reader) wordAt(i int) *span {
	entries, size := r.lex.at(r.toks, i)
	vals, vsize := r.vals.at(r.toks, i)
	if size == 0 && vsize == 1 && !r.standsAsNoun(i) {
		vals = slices.DeleteFunc(slices.Clone(vals), func(v value) bool { return v.field == "device.type" && v.count == 0 })
		if len(vals) == 0 {
			vsize = 0
		}
	}
	if name, n := r.extraAt(i); n > size && n >= vsize {
		return &span{to: i + n, entries: []*entry{{kind: kEntity, key: name, attrs: map[string]string{"field": name, "words": name}}}}
	}
	if vsize > 0 && (vsize > size || size == 0) && r.mayBeValue(i, vsize, vals, size > 0) {
		return &span{to: i + vsize, values: vals}
	}
	if size == 1 && vsize == 1 && i > 0 && capitals(r.toks[i].text) && slices.ContainsFunc(vals, func(v value) bool { return !v.written && v.value == r.toks[i].text }) {
		return &span{to: i + 1, values: slices.DeleteFunc(slices.Clone(vals), func(v value) bool { return v.written })} // "GET", not "get"
	}
	if size > 0 {
		s := &span{to: i + size, entries: entries}
		if vsize == size {
			s.values = vals // kept for "user failed" and the like
		}
		if n, ok := smallNumbers[r.toks[i].lower]; ok && size == 1 {
			s.num = &number{n: n, raw: r.toks[i].lower}
		}
		return s
	}
	return r.strangeWord(i)
}

// strangeWord reads a word that is neither grammar nor a stored value.
func (r *reader) strangeWord(i int) *span {
	t := r.toks[i]
	if n, ok := smallNumbers[t.lower]; ok {
		return &span{to: i + 1, num: &number{n: n, raw: t.lower}}
	}
	if nameShaped(t.text) {
		return &span{to: i + 1, name: t.text}
	}
	switch t.lower {
	case "after", "before", "while", "during", "until", "because":
		return &span{to: i + 1, unknown: true} // no misspelling: what they mean is not understood here
	}
	if _, ok := r.extraNoun(&span{from: i, to: i + 1}); ok {
		return &span{to: i + 1, unknown: true} // the name of a field is no misspelling
	}
	if hostWord(t.lower) {
		return &span{to: i + 1, entries: slices.DeleteFunc(slices.Clone(r.lex.find("host")), func(e *entry) bool { return e.kind != kEntity })}
	}
	if fixed, ok := r.lex.correct(t.stem); ok && !r.afterContains() {
		if found := r.lex.phrases[fixed]; found != nil {
			r.note("read %q as %q", t.text, fixed)
			return &span{to: i + 1, entries: found}
		}
		return r.corrected(i, fixed)
	}
	return &span{to: i + 1, unknown: true}
}

// hostWord tells what programs call the hosts of their kind: datanode, fileserver.
func hostWord(w string) bool {
	w = strings.TrimSuffix(w, "s")
	return len(w) > 6 && (strings.HasSuffix(w, "node") || strings.HasSuffix(w, "server") || strings.HasSuffix(w, "host"))
}

// afterContains tells that the next span follows "mentioning" or the like, so
// that it is taken as it is written.
func (r *reader) afterContains() bool {
	n := len(r.spans)
	return n > 0 && r.spans[n-1].is(kContains) && !r.spans[n-1].is(kSubject)
}

// corrected retries a phrase with one misspelt word mended.
func (r *reader) corrected(i int, fixed string) *span {
	saved := r.toks[i].stem
	r.toks[i].stem = fixed
	if entries, size := r.lex.at(r.toks, i); size > 0 {
		r.note("read %q as %q", r.toks[i].text, fixed)
		return &span{to: i + size, entries: entries}
	}
	r.toks[i].stem = saved
	return &span{to: i + 1, unknown: true}
}

// mayBeValue decides whether stored text may take the place of words. What a
// device wrote must not swallow words of the grammar: at least one of the
// words must mean nothing else.
func (r *reader) mayBeValue(i, n int, vals []value, grammar bool) bool {
	if slices.ContainsFunc(vals, func(v value) bool { return !v.written }) && (n > 1 || !grammar) && !r.opening(i, n) {
		return true
	}
	for k := i; k < i+n; k++ {
		if _, size := r.lex.at(r.toks[k:k+1], 0); size == 0 && r.toks[k].kind == tokWord {
			return true
		}
	}
	return false
}

// opening tells words that only open a question, such as "who is", whatever
// stored value they spell.
func (r *reader) opening(i, n int) bool {
	for k := i; k < i+n; k++ {
		entries, size := r.lex.at(r.toks[k:k+1], 0)
		if size == 0 || !slices.ContainsFunc(entries, func(e *entry) bool { return e.kind == kStop || e.kind == kIs || e.kind == kWh }) {
			return false
		}
	}
	return i == 0
}

// standsAsNoun tells a word that is a noun where it stands: "the switch" and
// "switches", not "somebody switched".
func (r *reader) standsAsNoun(i int) bool {
	if i == 0 || strings.HasSuffix(r.toks[i].lower, "s") {
		return true
	}
	switch r.toks[i-1].lower {
	case "the", "a", "an", "our", "any", "every", "each", "which", "what", "all", "to", "from", "by", "of", "for", "this", "that", "my", "is", "and", "or", "type", "with", "between", "at", "on", "new", "some":
		return true
	}
	return r.toks[i-1].text != r.toks[i-1].lower || r.toks[i-1].kind != tokWord
}

// capitals tells a word in capital letters.
func capitals(w string) bool {
	return len(w) > 1 && strings.ToUpper(w) == w && strings.ToLower(w) != w
}

// nameShaped tells words that can only be names: they have a dot, slash, at
// sign, underscore or digit inside.
func nameShaped(s string) bool {
	return strings.ContainsAny(s, "./@_\\=&?:") || strings.ContainsAny(s, "0123456789")
}
