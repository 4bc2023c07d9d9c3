// Package reading turns a question in plain words into a typed plan, by rules
// and without a model: it cuts the question into the longest phrases it knows
// (the lexicon), the values and names that are stored, addresses, numbers and
// times, decides what part each piece plays, and builds queries from that.
//
// It says how it read the question and what it did not understand. It sees
// names and values but never the content of an event, and it must not run a
// query: the plan is complete before any evidence is read.
//
// Words of the grammar and names given by people beat names that devices
// wrote: see reader.mayBeValue.
package reading

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
)

// Reading is a question as it was understood.
type Reading struct {
	Question string
	Shape    Shape
	Subject  string            // plural noun of what is asked about, such as "logins"
	Steps    []Step            // the plan, most important first
	ReadAs   string            // the reading in words
	Unknown  []string          // words that were not understood
	Notes    []string          // corrections and names that a device wrote
	Status   Status            // how much of the question the plan covers
	Frame    Frame             // for follow-up questions
	Missing  []FieldWant       // values named in the question that are not stored
	Nouns    map[string]string // plural nouns of fields
}

// Shape is the form of the answer.
type Shape string

// The shapes.
const (
	CountShape    Shape = "count"    // one number
	TableShape    Shape = "table"    // groups with a measure
	RowsShape     Shape = "rows"     // single events
	ExistsShape   Shape = "exists"   // yes or no, with how many
	WhenShape     Shape = "when"     // first and last time
	TrendShape    Shape = "trend"    // a measure over time
	UnusualShape  Shape = "unusual"  // ranked unusual behaviour
	OverviewShape Shape = "overview" // several facts about one thing
	DevicesShape  Shape = "devices"  // rows of the inventory
	ShareShape    Shape = "share"    // a part of a whole
	SequenceShape Shape = "sequence" // events that follow each other
)

// Status says how much of a question was understood.
type Status string

// The statuses.
const (
	Understood    Status = "understood"
	Partly        Status = "partly"
	NotUnderstood Status = "not_understood"
)

// Step is one tool call of the plan: a query, or the ranking of unusual
// behaviour among the events that a query selects.
type Step struct {
	Tool  string      `json:"tool"` // "query" or "unusual"
	Query query.Query `json:"query"`
	Why   string      `json:"why,omitempty"`

	Earlier time.Duration `json:"-"` // the same as the step before, so long before it
	Theirs  bool          `json:"-"` // of the sources alone that the step before lists, if it lists any
}

// FieldWant is a value that was asked for and that no stored event has.
type FieldWant struct{ Field, Value string }

// Frame is what the parts of a question add up to.
type Frame struct {
	Subject  *entry
	Conds    []Cond
	Times    []when
	Targets  []string
	Measure  query.Measure
	Measures []query.Measure // compared side by side, instead of Measure
	Bucket   string
	Having   []query.Having
	Ordered  bool
	Asc      bool
	Limit    int
	Plural   bool // "which hosts", not "which host"
	Shape    Shape
	Pick     Shape // "first" or "last" for when and rows
	On       map[string]bool
	Earlier  *earlier // the period put beside the asked one

	Once       bool // only what happened once is asked for
	Difference bool // how many more of one than of the other
	Ratio      bool // how many times as many of one as of the other
	Sorted     bool // largest first
	Days       bool // on how many days is asked for
	More       bool // only groups with more of one than of the other
}

// Cond is one condition with the words it was read from.
type Cond struct {
	Expr query.Expr
	Text string
	Not  bool
	Head bool // it describes what is asked for, not what happened
}

// Reader reads questions. It is safe for concurrent use.
type Reader struct {
	lex    *Lexicon
	schema *event.Schema
	nouns  map[string]string
}

// NewReader makes a reader with a lexicon.
func NewReader(lex *Lexicon) *Reader {
	return &Reader{lex: lex, schema: event.NewSchema(), nouns: lex.nouns()}
}

// Read turns a question into a plan. Now is what "past 24 hours" refers to;
// prev, if not nil, is the frame of the question that this one follows.
func (rd *Reader) Read(ctx context.Context, question string, now time.Time, w World, prev *Frame) (*Reading, error) {
	question = strings.TrimSpace(strings.ToValidUTF8(question, "\uFFFD"))
	switch {
	case question == "":
		return nil, fault.New(fault.Invalid, "the question is empty").WithHint(`try: vedette ask "which sources have the most failed logins?"`)
	case len(question) > maxQuestion:
		return nil, fault.New(fault.Invalid, "the question has %d bytes, at most %d are read", len(question), maxQuestion)
	}
	asked := question
	question = reworded(question)
	if prev == nil {
		if out, ok, err := rd.sequence(ctx, question, now, w); ok || err != nil {
			return askedAs(out, asked), err
		}
		for _, form := range []func(context.Context, string, time.Time, World) (*Reading, bool, error){rd.sets, rd.exclusively, rd.forEach} {
			if out, ok, err := form(ctx, question, now, w); ok || err != nil {
				return askedAs(out, asked), err
			}
		}
	}
	r, err := rd.prepare(ctx, question, now, w)
	if err != nil {
		return nil, err
	}
	r.interpret()
	if prev != nil {
		r.follow(prev)
	}
	out := r.finish()
	out.Nouns = rd.nouns
	return askedAs(out, asked), nil
}

func askedAs(out *Reading, question string) *Reading {
	if out != nil {
		out.Question = question
	}
	return out
}

// prepare cuts a question into pieces and loads what is stored of them.
func (rd *Reader) prepare(ctx context.Context, question string, now time.Time, w World) (*reader, error) {
	vals, err := loadValues(ctx, w)
	if err != nil {
		return nil, fmt.Errorf("reading the stored values: %w", err)
	}
	r := &reader{lex: rd.lex, schema: rd.schema, question: question, now: now.UTC(), vals: vals}
	if r.data[0], r.data[1], err = w.Span(ctx); err != nil {
		return nil, fmt.Errorf("reading the span of stored time: %w", err)
	}
	if r.extras, err = w.Extras(ctx); err != nil {
		return nil, fmt.Errorf("reading the stored field names: %w", err)
	}
	r.question, r.f.Earlier = takeEarlier(question)
	r.takePhrases()
	r.toks = tokenise(r.question)
	r.cut()
	if err := r.loadNamedExtras(ctx, w); err != nil {
		return nil, err
	}
	if err := r.loadTexts(ctx, w); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(r.spans, func(s *span) bool { return s.unknown }) {
		if err := r.loadExtras(ctx, w); err != nil {
			return nil, err
		}
	}
	return r, r.loadSources(ctx, w)
}

// loadSources reads which addresses open connections, for questions about how
// much an address sent.
func (r *reader) loadSources(ctx context.Context, w World) error {
	volume, addr := false, false
	for _, s := range r.spans {
		q := s.entry(kQuantity)
		volume = volume || q != nil && strings.HasPrefix(q.key, "traffic.")
		addr = addr || s.addr != ""
	}
	if !volume || !addr {
		return nil
	}
	for _, field := range []string{"src_endpoint.ip", "dst_endpoint.ip"} {
		list, complete, err := w.Values(ctx, "", field)
		if err != nil {
			return fmt.Errorf("reading the stored addresses: %w", err)
		}
		if !complete {
			return nil
		}
		m := make(map[string]int64, len(list))
		for _, v := range list {
			m[v.Value] = v.Count
		}
		r.vals.fields[field] = m
	}
	return nil
}

// maxExtras is how many fields outside the schema are searched for a word that
// means nothing else; maxVocabulary how many values a field may have to be
// searched.
// maxEvents is how many events may be stored for that, as each field costs a
// look at all of them; with more, such a word is not understood.
const (
	maxEvents     = 200_000
	maxExtras     = 60
	maxVocabulary = 100
)

// loadExtras reads the values of the fields outside the schema that have few,
// for words that mean nothing else.
func (r *reader) loadExtras(ctx context.Context, w World) error {
	if n, err := w.Events(ctx); err != nil || n > maxEvents {
		return err
	}
	names := slices.DeleteFunc(slices.Clone(r.extras), func(name string) bool { return strings.HasPrefix(name, "param.") }) // found by the patterns of their texts
	for _, name := range names[:min(maxExtras, len(names))] {
		list, complete, err := w.Values(ctx, "", name)
		if err != nil {
			return fmt.Errorf("reading the stored values of %s: %w", name, err)
		}
		if !complete || len(list) > maxVocabulary {
			continue
		}
		for _, v := range list {
			if key := plain(v.Value); len(key) > 2 {
				r.loose = append(r.loose, value{fieldValue: fieldValue{name, v.Value}, count: v.Count})
			}
		}
	}
	return nil
}

// loadNamedExtras reads the stored values of the fields outside the schema
// that the question names.
func (r *reader) loadNamedExtras(ctx context.Context, w World) error {
	for _, s := range r.spans {
		name := s.text
		if e := s.entry(kEntity); e != nil {
			name = e.attrs["field"]
		}
		if !slices.Contains(r.extras, name) || r.vals.fields[name] != nil {
			continue
		}
		list, _, err := w.Values(ctx, "", name)
		if err != nil {
			return fmt.Errorf("reading the stored values of %s: %w", name, err)
		}
		m := make(map[string]int64, len(list))
		for _, v := range list {
			m[v.Value] = v.Count
		}
		r.vals.fields[name] = m
	}
	return nil
}

// reader holds the state of one reading.
type reader struct {
	lex      *Lexicon
	schema   *event.Schema
	question string
	now      time.Time
	data     [2]time.Time
	vals     *values
	extras   []string
	toks     []token
	spans    []*span
	notes    []string
	missing  []FieldWant
	loose    []value // values of fields outside the schema
	texts    texts   // patterns of what logs say that no dialect knows
	heads    []int   // spans of device types that are asked for
	f        Frame
}

func (r *reader) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(r.notes, n) {
		r.notes = append(r.notes, n)
	}
}

// interpret gives each span its part. The order matters: what is most certain
// (times, numbers with their comparison, named values) is taken first, and
// what remains decides the subject and the form of the answer.
func (r *reader) interpret() {
	r.f.On = map[string]bool{}
	r.setTheScene()
	r.takeTexts()
	r.takeLevels()
	r.takeTimes()
	r.dropOuterDay()
	r.takeFieldNames()
	r.takeRanking()
	r.takeBucket()
	r.takeNamedValues()
	r.takeSubject()
	r.takeContains()
	r.takeComparisons()
	r.takeAddresses()
	r.takeLacking()
	r.takeValues()
	r.takeTypeHeads()
	r.takeLiveWords()
	r.takeConditions()
	r.takeHalf()
	r.takeTargets()
	r.takeSides()
	r.takeMeasure()
	r.completeSubject()
	r.decideShape()
}

func (r *reader) takeTimes() {
	for _, s := range r.spans {
		if s.time != nil {
			r.f.Times = append(r.f.Times, *s.time)
			s.used = true
		}
	}
}

// where joins the conditions: those on the same field with = become one "in".
func (f *Frame) where() *query.Expr {
	var all []query.Expr
	done := make([]bool, len(f.Conds))
	for i, c := range f.Conds {
		if done[i] {
			continue
		}
		alts := []query.Expr{c.Expr}
		for j := i + 1; j < len(f.Conds); j++ {
			if d := f.Conds[j]; !done[j] && d.Not == c.Not && joinable(c.Expr, d.Expr) {
				done[j] = true
				alts = append(alts, d.Expr)
			}
		}
		e := anyOf(alts)
		if c.Not {
			inner := e
			e = query.Expr{Not: &inner}
		}
		all = append(all, e)
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return &all[0]
	}
	return &query.Expr{And: all}
}

// joinable tells conditions that can only be meant as alternatives: two
// values of one field, or of one pair of fields.
func joinable(a, b query.Expr) bool {
	fa, fb := equalFields(a), equalFields(b)
	return fa != "" && fa == fb
}

func equalFields(e query.Expr) string {
	if e.Op == query.Eq || e.Op == query.CIDR || e.Op == query.Contains {
		return e.Field
	}
	names := make([]string, 0, len(e.Or))
	for _, x := range e.Or {
		if x.Op != query.Eq && x.Op != query.CIDR {
			return ""
		}
		names = append(names, x.Field)
	}
	return strings.Join(names, "|")
}

func anyOf(alts []query.Expr) query.Expr {
	if len(alts) == 1 {
		return alts[0]
	}
	vals := make([]any, 0, len(alts))
	for _, a := range alts {
		if a.Op != query.Eq {
			return query.Expr{Or: alts}
		}
		if !slices.Contains(vals, a.Value) {
			vals = append(vals, a.Value)
		}
	}
	if len(vals) == 1 {
		return alts[0]
	}
	return query.Expr{Field: alts[0].Field, Op: query.In, Value: vals}
}

func (r *reader) addCond(e query.Expr, not bool, text string) {
	r.f.Conds = append(r.f.Conds, Cond{Expr: e, Text: text, Not: not})
	if e.Field != "" {
		r.f.On[e.Field] = true
	}
	for _, x := range e.Or {
		r.f.On[x.Field] = true
	}
}

// parseCond reads a condition of the lexicon, which ParseLexicon has checked.
func parseCond(text string) (query.Query, bool) {
	q, err := query.ParseText(text)
	return q, err == nil && q.Where != nil
}
