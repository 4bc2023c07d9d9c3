package reading

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"vedette/internal/query"
)

// defaultWithin is how soon a step must follow where the question does not say.
const defaultWithin = time.Hour

// The words that put one happening after another. Those of strong order two
// clauses by themselves; those of weak only beside "within 5 minutes".
var (
	spokenForm = `(?:\d+|an?|one|two|three|four|five|ten|fifteen|thirty|sixty|half an) ?(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?)`
	withinForm = regexp.MustCompile(`(?i)[,(]?\s*\b(?:all )?(?:within|in under|in less than|in at most|less than|no more than|no later than|not more than|at most|inside of|up to)\s+(?:the (?:next|following|space of) )?(` + spokenForm + `)(?: (?:of (?:it|that|each other|one another|this)|later|afterwards|after that|apart))?\s*[,)]?`)
	nextForm   = regexp.MustCompile(`(?i)[,(]?\s*\b(?:in|during|for|over) the (?:next|following|subsequent)\s+(` + spokenForm + `)\s*[,)]?`)
	strong     = regexp.MustCompile(`(?i),?\s*\b(?:(?:that|which|who|and|were|was|is|are|got) )*(?:(not|never) )?(?:(?:directly|immediately|shortly|soon|quickly|then|later) )?(?:(followed(?: \w+)? by|and (?:were |was )?then|then|and (?:shortly |soon |later )?(?:afterwards|after that|subsequently|thereafter)|subsequently|lead(?:s|ing)? to|led to|resulting in|resulted in|before (?:then|going on to))|(followed|preceded by|(?:shortly |right |soon )?after(?: having)?(?: seen)?))\b[,:]?`)
	unfollowed = regexp.MustCompile(`(?i),?\s*\b(?:without|with no|but no|and no|but not|and not)(?: (?:an?|any|a single))?\s+(?:subsequent|following|later)\s+|,?\s*\b(?:without|with no)(?: (?:an?|any))?\s+([\w -]+?)\s+(?:afterwards|following|to follow|after (?:it|that))\b`)
	weak       = regexp.MustCompile(`(?i),?\s*\b(?:(before|and|but)|(after))\b`)
	eachForm   = regexp.MustCompile(`(?i)[?.,;]\s*(?:(?:count|how many|number|give|list|show)[^?.]* )?(?:per|for each|by) (?:device|host|source|address|ip|user|machine)s?\b.*$`)
	earlyForm  = regexp.MustCompile(`(?i)^(?:for )?(.+?),? (?:did|had|has|have|was|were|where|when|with|that had|which had)\b(?: there)?(?: already)?(?: had| been| have)? (.+?),? (?:before(?:hand)?|earlier|previously|already)(?: it| that)?$`)
	spanBefore = regexp.MustCompile(`(?i)[,(]?\s*\b(?:in|within|during) the (?:last |previous )?(` + spokenForm + `) (before|earlier|beforehand)(?: (?:it|that))?\s*[,)]?`)
	sameForm   = regexp.MustCompile(`(?i)\s*,?\b(?:(?:coming |all )?(?:from|by|on|to|with|for|at|against|of|using|involving) )?the (?:very )?same ([\w-]+(?: (?:ip|address|host|name|port))?)(?: (?:ip|address|machine))?\b`)
	thatHost   = regexp.MustCompile(`(?i)\b(?:from|by|of) (?:that|the|this) (?:target|destination|server|(?:attacked|targeted|victim) (?:host|machine|device|system))\b`)
)

// clauses are the two happenings of a question for a sequence.
type clauses struct {
	first, second string
	within        time.Duration
	said          bool // the question says within
	certain       bool // the words can mean nothing else
	not           bool
	same          string // the word after "the same"
	each          bool   // counts per host are asked for
	fromTarget    bool   // the second is done by who was addressed in the first
}

// splitSequence finds the two clauses of a question that asks for one event
// after another.
func splitSequence(question string) (clauses, bool) {
	c := clauses{within: defaultWithin}
	rest := strings.TrimRight(question, "?!. ")
	for _, form := range []*regexp.Regexp{withinForm, nextForm} {
		if m := form.FindStringSubmatchIndex(rest); m != nil && !c.said {
			if d, ok := spokenSpan(rest[m[2]:m[3]]); ok {
				c.within, c.said = d, true
				rest = blank(rest, m[0], m[1])
			}
		}
	}
	if m := spanBefore.FindStringSubmatchIndex(rest); m != nil && !c.said {
		if d, ok := spokenSpan(rest[m[2]:m[3]]); ok {
			c.within, c.said = d, true
			before := " before"
			if strings.Contains(strings.ToLower(rest), "preceded") {
				before = "" // the word says it
			}
			rest = rest[:m[0]] + before + " " + strings.TrimLeft(rest[m[1]:], ", ")
		}
	}
	if m := sameForm.FindStringSubmatchIndex(rest); m != nil {
		c.same = strings.ToLower(rest[m[2]:m[3]])
		rest = blank(rest, m[0], m[1])
	}
	if m := thatHost.FindStringIndex(rest); m != nil {
		c.fromTarget = true
		rest = blank(rest, m[0], m[1])
	}
	if m := eachForm.FindStringIndex(rest); m != nil {
		c.each = true
		rest = rest[:m[0]]
	}
	rest = strings.Trim(strings.Join(strings.Fields(rest), " "), " ?.,")
	return c, c.split(rest)
}

func (c *clauses) split(rest string) bool {
	if m := unfollowed.FindStringSubmatchIndex(rest); m != nil {
		c.not, c.first, c.second = true, rest[:m[0]], rest[m[1]:]
		if m[2] >= 0 {
			c.second = rest[m[2]:m[3]] + c.second
		}
		return c.usable()
	}
	if m := strong.FindStringSubmatchIndex(rest); m != nil {
		word := strings.ToLower(rest[m[0]:m[1]])
		after := m[6] >= 0
		certain := strings.Contains(word, "followed") || strings.Contains(word, "preceded") || strings.Contains(word, "then") && !strings.Contains(word, "thenti") || strings.Contains(word, "subsequently") || strings.Contains(word, "thereafter") || strings.Contains(word, "after") || strings.Contains(word, "led to") || strings.Contains(word, "lead")
		c.certain = strings.Contains(word, "followed") || strings.Contains(word, "preceded")
		if certain && (!after || c.said || strings.Contains(word, "preceded")) {
			c.not = m[2] >= 0
			c.first, c.second = rest[:m[0]], rest[m[1]:]
			if after {
				c.first, c.second = c.second, c.first
			}
			return c.usable()
		}
	}
	if m := earlyForm.FindStringSubmatchIndex(rest); m != nil && c.said {
		c.first, c.second = rest[m[4]:m[5]], rest[m[2]:m[3]]
		return c.usable()
	}
	if m := weak.FindStringSubmatchIndex(rest); m != nil && c.said {
		c.first, c.second = rest[:m[0]], rest[m[1]:]
		if m[4] >= 0 {
			c.first, c.second = c.second, c.first
		}
		return c.usable()
	}
	return false
}

func (c *clauses) usable() bool {
	c.first, c.second = strings.Trim(c.first, " ,"), strings.Trim(c.second, " ,")
	return len(c.first) > 2 && len(c.second) > 2
}

func spokenSpan(s string) (time.Duration, bool) {
	toks := tokenise(strings.ToLower(s))
	n, at := 1.0, 0
	if len(toks) > 1 {
		at = len(toks) - 1
		if v, ok := numberOf(toks[0]); ok {
			n = v
		}
	}
	d, ok := durationUnit(toks[at].lower)
	if !ok && toks[at].lower == "m" {
		d, ok = time.Minute, true
	}
	return time.Duration(n * float64(d)), ok && d > 0
}

// sequence reads a question for one event after another. It reports false if
// the question is none, or one of its clauses says nothing by itself.
func (rd *Reader) sequence(ctx context.Context, question string, now time.Time, w World) (*Reading, bool, error) {
	c, ok := splitSequence(question)
	if !ok {
		return nil, false, nil
	}
	first, err := rd.part(ctx, c.first, now, w)
	if err != nil {
		return nil, false, err
	}
	second, err := rd.part(ctx, c.second, now, w)
	if err != nil {
		return nil, false, err
	}
	if first.empty() || second.empty() {
		if !c.certain {
			return nil, false, nil
		}
		out := &Reading{Question: question, Shape: SequenceShape, Subject: "sequences", Status: NotUnderstood}
		for _, r := range []*reader{first, second} {
			if r.empty() {
				out.Unknown = append(out.Unknown, r.question)
			}
		}
		return out, true, nil
	}
	return sequenceReading(question, c, first, second), true, nil
}

// part reads one clause by itself.
func (rd *Reader) part(ctx context.Context, text string, now time.Time, w World) (*reader, error) {
	r, err := rd.prepare(ctx, text, now, w)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", text, err)
	}
	r.interpret()
	return r, nil
}

// empty tells a clause that says of no event what it is.
func (r *reader) empty() bool {
	return (r.f.Subject == nil || r.f.Subject.key == "event") && len(r.f.Conds) == 0
}

// otherThanBefore says that a step differs from the one before it.
var otherThanBefore = regexp.MustCompile(`(?i)\b(?:under|with|as|for|to|from|by|on) an?(?:other| different)\b(?: \w+){0,2}`)

func sequenceReading(question string, c clauses, first, second *reader) *Reading {
	a, b := first.base(), second.base()
	by := first.sequenceField(c)
	if first.f.On["texts"] && second.f.On["texts"] && by == "src_endpoint.ip" {
		by = "metadata.log_name" // texts of one log: not all of them have an address
		if first.vals.any("device.hostname") {
			by = "device.hostname"
		}
	}
	seq := &query.Sequence{By: []string{by}, Within: query.FormatDuration(c.within), Steps: []query.Step{
		{Classes: a.Classes, Where: a.Where}, {Classes: b.Classes, Where: b.Where, Not: c.not},
	}}
	if c.fromTarget {
		seq.Steps[0].By = []string{"dst_endpoint.ip"}
	}
	q := query.Query{Sequence: seq, Time: a.Time, Limit: 100}
	if q.Time.IsZero() {
		q.Time = b.Time
	}
	out := &Reading{Question: question, Shape: SequenceShape, Subject: "sequences", Status: Understood}
	counted := q
	counted.Measures = []query.Measure{{Fn: query.Count}}
	switch {
	case c.each || first.asksEach(by) || second.asksEach(by):
		counted.Group = []string{by}
		counted.Limit = MaxGroups
		out.Steps = append(out.Steps, Step{Tool: "query", Query: counted, Why: "how many for each"})
	case first.f.On["fn:count"] || second.f.On["fn:count"] || first.f.On["times"]:
		out.Steps = append(out.Steps, Step{Tool: "query", Query: counted, Why: "how many"})
	}
	out.Steps = append(out.Steps, Step{Tool: "query", Query: q, Why: "the newest of them"})
	out.Steps = append(out.Steps, stepCount(a, q.Time, "how many of the first there are"), stepCount(b, q.Time, "how many of the second there are"))
	out.Missing = slices.Concat(first.missing, second.missing)
	for _, r := range []*reader{first, second} {
		part := r.finish()
		out.Unknown = append(out.Unknown, part.Unknown...)
		if m := otherThanBefore.FindString(r.question); m != "" {
			out.Unknown, part.Status = append(out.Unknown, m), Partly // steps have something in common, never a difference
		}
		if part.Status != Understood {
			out.Status = Partly
		}
	}
	out.ReadAs = sequenceWords(c, first, second, by, out.Unknown)
	return out
}

// asksEach tells that the hosts or users are asked for, not the events.
func (r *reader) asksEach(by string) bool {
	if r.f.On["fn:count"] && !slices.ContainsFunc(r.f.Targets, func(t string) bool { return strings.HasPrefix(t, groupMark) }) {
		return false
	}
	return slices.ContainsFunc(r.f.Targets, func(t string) bool { return strings.TrimPrefix(t, groupMark) == by })
}

// stepCount counts the events of one step, and apart those whose clock is in
// doubt: they follow nothing.
func stepCount(q query.Query, t query.TimeRange, why string) Step {
	suspect := query.Expr{Field: "metadata.clock_suspect", Op: query.Eq, Value: true}
	q.Time = t
	q.Measures = []query.Measure{
		{Fn: query.Count, As: "events", Where: &query.Expr{Not: &suspect}},
		{Fn: query.Count, As: "with a doubtful clock", Where: &suspect},
	}
	return Step{Tool: "query", Query: q, Why: why}
}

// sequenceField is what the events must have in common: what the question
// names as the same, what it asks for, or who did it.
func (r *reader) sequenceField(c clauses) string {
	for _, said := range []string{c.same} {
		switch {
		case said == "":
		case strings.Contains(said, "user"), strings.Contains(said, "account"):
			return "user.name"
		case strings.Contains(said, "dest"), strings.Contains(said, "target"), strings.Contains(said, "server"), strings.Contains(said, "plc"), strings.Contains(said, "controller"), strings.Contains(said, "victim"):
			return "dst_endpoint.ip"
		case strings.Contains(said, "connection"), strings.Contains(said, "session"):
			return "connection_info.uid"
		default:
			return "src_endpoint.ip"
		}
	}
	for _, t := range r.f.Targets {
		switch t = strings.TrimPrefix(t, groupMark); t {
		case "user.name", "dst_endpoint.ip", "src_endpoint.mac", "device.hostname":
			return t
		}
	}
	return "src_endpoint.ip"
}

// oneSpan is a span of time with its number, where humanSpan leaves a one out.
func oneSpan(d time.Duration) string {
	if s := humanSpan(d); !strings.Contains(s, " ") {
		return "1 " + s
	}
	return humanSpan(d)
}

func sequenceWords(c clauses, first, second *reader, by string, unknown []string) string {
	words := func(r *reader) string {
		var b strings.Builder
		b.WriteString("events")
		if r.f.Subject != nil {
			b.Reset()
			b.WriteString(r.f.Subject.attrs["words"])
		}
		r.condWords(&b)
		return b.String()
	}
	then := "followed by"
	if c.not {
		then = "not followed by"
	}
	s := fmt.Sprintf("%s, %s %s, within %s, with the same %s", words(first), then, words(second), oneSpan(c.within), by)
	if !c.said {
		s += " (no span was said)"
	}
	var b strings.Builder
	times := first
	if len(times.f.Times) == 0 {
		times = second
	}
	times.timeWords(&b)
	s += b.String()
	if len(unknown) > 0 {
		s += "; not understood: " + strings.Join(unknown, ", ")
	}
	return s
}
