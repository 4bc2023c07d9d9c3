package reading

import (
	"context"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"vedette/internal/query"
)

// texts are the patterns of the stored texts: what logs that no dialect knows say
// ("Received block <*> of size <*>"), by the words in them. A question over such
// logs is read as one over the patterns that have most of its words, the rare
// words counting most (inverse document frequency; Spärck Jones, "A statistical
// interpretation of term specificity", 1972).
type texts struct {
	patterns []textPattern
	in       map[string]int // stem or meaning → how many patterns have it
	words    map[string]bool
	usual    float64 // different words of a pattern, on average
}

type textPattern struct {
	text  string
	not   bool            // it says that something is not so
	words map[string]bool // as written
	stems map[string]bool
	means map[string]bool
}

// patternField is the field that holds the pattern of a text.
const patternField = "template.text"

// maxTextEvents is how many events may be stored for their patterns to be read: they
// are in the document of each, and the first question has to look at all of them.
const maxTextEvents = 2_000_000

// loadTexts reads the patterns, where logs are stored that may have some, and few
// enough events.
func (r *reader) loadTexts(ctx context.Context, w World) error {
	if !r.vals.mayHaveTexts() {
		return nil
	}
	n, err := w.Events(ctx)
	if err != nil || n > maxTextEvents {
		return err
	}
	list, _, err := w.Values(ctx, "", patternField)
	if err != nil {
		return fmt.Errorf("reading the patterns of texts: %w", err)
	}
	r.texts.in, r.texts.words = map[string]int{}, map[string]bool{}
	for _, v := range list {
		p := newPattern(v.Value)
		if len(p.stems) == 0 {
			continue
		}
		r.texts.patterns = append(r.texts.patterns, p)
		for s := range p.stems {
			r.texts.in[s]++
		}
		for m := range p.means {
			r.texts.in[m]++
		}
		maps.Copy(r.texts.words, p.words)
		r.texts.usual += (float64(len(p.words)) - r.texts.usual) / float64(len(r.texts.patterns))
	}
	return nil
}

// mayHaveTexts tells whether a log is stored whose lines may be texts with a pattern.
func (v *values) mayHaveTexts() bool {
	for name := range v.fields["metadata.log_name"] {
		if tool, _, _ := strings.Cut(name, "/"); tool == "text" || tool == "syslog" || name == "web/error" {
			return true
		}
	}
	return false
}

func newPattern(text string) textPattern {
	p := textPattern{text: text, words: map[string]bool{}, stems: map[string]bool{}, means: map[string]bool{}}
	for _, w := range textWords(text) {
		s := textStem(w)
		p.words[w], p.stems[s] = true, true
		p.not = p.not || negations[w]
		if m := meanings[s]; m != "" {
			p.means[m] = true
		}
	}
	return p
}

// textWords are the words of a text in lower case: runs of letters, and the parts
// of what programs write as one ("PacketResponder", "addStoredBlock").
func textWords(text string) []string {
	var out []string
	for _, run := range strings.FieldsFunc(text, func(c rune) bool { return !unicode.IsLetter(c) }) {
		start := 0
		for i := 1; i < len(run); i++ {
			if lower(run[i-1]) && !lower(run[i]) {
				out = append(out, strings.ToLower(run[start:i]))
				start = i
			}
		}
		out = append(out, strings.ToLower(run[start:]))
		if start > 0 {
			out = append(out, strings.ToLower(run))
		}
	}
	for w := range strings.FieldsSeq(text) {
		if w = strings.Trim(w, `"'()[]{}<>,;:.!?`); strings.ContainsAny(w, "_.-") && !strings.Contains(w, "<") {
			out = append(out, strings.ToLower(w)) // a name as a whole
		}
	}
	return out
}

// negations are words that turn a text around.
var negations = setOf("no not without never cannot couldn unable")

func lower(b byte) bool { return b >= 'a' && b <= 'z' }

// textStem brings more forms together than [stem] does, as nothing else hangs on
// the words of a text: took and take, connection and connect, deletion and delete.
func textStem(w string) string {
	if base := irregular[w]; base != "" {
		w = base
	}
	w = stem(w)
	for _, end := range []string{"fully", "ful", "ly", "ation", "ion", "ure", "ur"} {
		if base, ok := strings.CutSuffix(w, end); ok && len(base) >= 4 {
			return strings.TrimSuffix(stem(base), "e")
		}
	}
	return w
}

// irregular are verbs whose past has another stem.
var irregular = map[string]string{
	"took": "take", "taken": "take", "began": "begin", "begun": "begin", "lost": "lose", "sent": "send", "broke": "break", "broken": "break",
	"found": "find", "got": "get", "gotten": "get", "went": "go", "gone": "go", "wrote": "write", "written": "write", "read": "read", "ran": "run",
	"built": "build", "kept": "keep", "left": "leave", "made": "make", "met": "meet", "chosen": "choose", "chose": "choose", "held": "hold",
	"led": "lead", "won": "win", "woke": "wake", "shut": "shut", "forbade": "forbid", "forbidden": "forbid", "bound": "bind", "hung": "hang",
	"threw": "throw", "thrown": "throw", "stuck": "stick", "unsuccessful": "fail", "elected": "elect", "dropped": "drop", "dying": "die",
	"succeeded": "success", "succeeds": "success", "succeed": "success", "failure": "fail",
}

// meanings bring words together that logs and people use for the same.
var meanings = meaningsOf(
	"refuse deny forbid reject disallow permission", "start launch begin boot spawn initialize initialise create init",
	"stop terminat end finish shut halt kill quit exit shutdown goodbye", "remov delet erase destroy purge drop unlink clean",
	"fail error exception unsuccess fault problem", "lose break disconnect drop disappear", "send transmit forward ship serve",
	"receive get arrive", "expire timeout lapse", "folder directory dir", "restart reboot", "copy replicate duplicate transfer",
	"machine instance vm", "address ip", "warn warning", "join connect attach", "close disconnect", "open establish", "elect elec vot",
	"config configuration setting", "request ask", "save store persist", "load read", "allow permit grant", "change update modify",
)

func meaningsOf(groups ...string) map[string]string {
	out := map[string]string{}
	for _, g := range groups {
		first, _, _ := strings.Cut(g, " ")
		for w := range strings.FieldsSeq(g) {
			if s := textStem(w); out[s] == "" {
				out[s] = "~" + first
			}
		}
	}
	return out
}

// How much a word of a pattern counts that is written as in the question, that is
// a form of it, and that means the same.
const (
	sameWord    = 1
	sameStem    = 0.95
	sameMeaning = 0.6
	turnedRound = 0.97 // a text that says no where the question does not, or the other way
	longText    = 0.15 // for each time the usual length that a text is longer: one that has all words tells nothing (as in BM25; Robertson, Zaragoza 2009)
)

// has tells how well a pattern has a word.
func (p *textPattern) has(word string) float64 {
	s := textStem(word)
	switch {
	case p.words[word]:
		return sameWord
	case p.stems[s]:
		return sameStem
	case meanings[s] != "" && p.means[meanings[s]]:
		return sameMeaning
	}
	return 0
}

// weight is how much a word tells: the fewer patterns have it, the more.
func (t *texts) weight(word string) float64 {
	s := textStem(word)
	n := max(t.in[s], t.in[meanings[s]])
	if n == 0 {
		return 0
	}
	return math.Log(1 + float64(len(t.patterns))/float64(n))
}

// best gives the patterns that have the most of some words and none of others, and
// the words that they have.
func (t *texts) best(words []string, not bool, without []string) (patterns []string, have map[string]bool) {
	most, have := 0.0, map[string]bool{}
	for i := range t.patterns {
		p, score, its := &t.patterns[i], 0.0, map[string]bool{}
		if slices.ContainsFunc(without, func(w string) bool { return p.has(w) >= sameStem }) {
			continue
		}
		for _, w := range words {
			if h := p.has(w); h > 0 {
				score += h * t.weight(w)
				its[w] = true
			}
		}
		if p.not != not {
			score *= turnedRound
		}
		score /= 1 + longText*max(0, float64(len(p.words))/t.usual-1)
		switch {
		case score > most+1e-9:
			most, patterns, have = score, []string{p.text}, its
		case score > 0 && score > most-1e-9:
			patterns = append(patterns, p.text)
			for w := range its {
				have[w] = true
			}
		}
	}
	return patterns, have
}

// kin adds the patterns that are the same with more or fewer words opened: a
// pattern grows more general with the texts that join it.
func (t *texts) kin(patterns []string) []string {
	out := slices.Clone(patterns)
	for _, p := range patterns {
		words := strings.Fields(p)
		for i := range t.patterns {
			if q := t.patterns[i].text; !slices.Contains(out, q) && sameOpened(words, strings.Fields(q)) {
				out = append(out, q)
			}
		}
	}
	slices.Sort(out)
	return out
}

// sameOpened tells that two patterns differ only where one of them is open.
func sameOpened(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && a[i] != "<*>" && b[i] != "<*>" {
			return false
		}
	}
	return true
}

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

// knows tells whether a pattern has a word or one that means the same.
func (t *texts) knows(word string) bool {
	s := textStem(word)
	return t.in[s] > 0 || meanings[s] != "" && t.in[meanings[s]] > 0
}

// telling tells that one of some words is in few patterns, so that it is more than
// what all lines of a log speak of.
func (t *texts) telling(have map[string]bool) bool {
	for w := range have {
		s := textStem(w)
		if n := max(t.in[s], t.in[meanings[s]]); n <= max(3, len(t.patterns)/3) {
			return true
		}
	}
	return false
}

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

// functionWords are words that no text is found by.
var functionWords = setOf(`a an the of to in on at by for from with and or not no is are was were be been being it its this that these those there here as so
	than then do does did done has have had having i me my we us our you your he she they them his her their who whom whose how why when where which what if but can
	could would should will shall may might must any all each every some such only just also too very more most less least much many few ever never once please show
	list give tell find count number times time often total average mean median maximum minimum max min sum per between during before after since until over under
	about into out up down off again still yet already first last latest earliest happen happened occur occurred see seen say said log logs logged line lines entry
	entries record records message messages event events data day days hour hours minute minutes second seconds today yesterday week month year different distinct
	unique single one two three hi hello hey thanks quick need want know like look think remain remaining left others rest other else`)

func setOf(list string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		out[w] = true
	}
	return out
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
