package reading

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/query"
)

// maxClauses is how many happenings a question for a set may put together.
const maxClauses = 4

// The words that put a set together of others: what did one thing and also
// another, or one thing and not another.
var (
	butNotForm  = regexp.MustCompile(`(?i),?\s*\b(?:(?:but|yet)\s+(?:(?:have|has|had|did|do|does|were|was|are|is)\s+)?(?:not|never|no|none|didn't|don't|doesn't|weren't|wasn't|haven't|hasn't)|and\s+(?:never|none))(?:\s+(?:an?|any|one|a single|once|ever))*\b`)
	andAlsoForm = regexp.MustCompile(`(?i),?\s*\b(?:and also|and additionally|and in addition|as well as)(?:\s+(?:an?|any))*\b`)
	bothForm    = regexp.MustCompile(`(?i)\bboth\s+(.+?)\s+and\s+(?:also\s+)?`)
	onlyForm    = regexp.MustCompile(`(?i)\b(\w+(?:ed|es|ent|een|oke|oes|ade|ks|alk|ame|ent|end|s)\s+)(?:exclusively|only)\s+(?:ever\s+)?((?:to|from|on|over|via|with|by|through)\b)`)
	anyOnlyForm = regexp.MustCompile(`(?i)(\s)(?:exclusively|only)\s+(?:ever\s+)?((?:for|as|under|in|at|to|from|on|over|via|with|by|through)\b)`)
	noOtherForm = regexp.MustCompile(`(?i),?\s*\b(?:(?:and|but|yet)\s+)?(?:never|not|without|(?:(?:to|for|on|under|with|from|at|as|in|over|via|by|through|of)\s+)?no)\b(?:\s+(?:to|for|on|under|with|from|at|as|in|over|via|by|through|of|any|some|a|an)\b)*\s+(?:other|another)\b([^,?.]*)`)
	setWords    = regexp.MustCompile(`(?i)\b(?:both (?:in|as|with|to|from|over|via)\b|and also|as well as|but (?:not|never|no|none)|(?:but|and) (?:have|has|had|did) (?:not|no|never))\b`)
	whichForm   = regexp.MustCompile(`(?i)^\W*(?:please |hi,? |so,? )*(?:which|what|who|how many|number of|count|list|show|give|name|find|are there|were there|was there|is there|did any|have any|has any|\w+(?:es|s)?\s+(?:that|which|who)\b)`)
)

// clause is one happening of a question for a set.
type clause struct {
	text string
	not  bool // the set is of those without it
}

// splitSets cuts a question into what those asked for did and did not. The
// first clause stands by itself, the others lean on it.
func splitSets(question string) []clause {
	head := question
	if i := strings.IndexByte(head, '?'); i > 0 {
		head = head[:i]
	}
	if strings.Contains(head, ". ") || !whichForm.MatchString(head) {
		return nil // a story comes first, or no set is asked for
	}
	var out []clause
	parts := cutAt(head, butNotForm)
	for i, p := range parts {
		if i == 0 {
			out = append(out, togetherWith(p)...)
			continue
		}
		out = append(out, clause{text: p, not: true})
	}
	if len(out) < 2 || len(out) > maxClauses {
		return nil
	}
	for _, c := range out {
		if len(c.text) < 2 {
			return nil
		}
	}
	return out
}

// togetherWith cuts "both A and B" and "A and also B".
func togetherWith(text string) []clause {
	if m := bothForm.FindStringSubmatchIndex(text); m != nil {
		return []clause{{text: strings.TrimSpace(text[:m[0]] + text[m[2]:m[3]])}, {text: strings.TrimSpace(text[m[1]:])}}
	}
	parts := cutAt(text, andAlsoForm)
	out := make([]clause, len(parts))
	for i, p := range parts {
		out[i].text = p
	}
	return out
}

func cutAt(text string, form *regexp.Regexp) []string {
	parts := form.Split(text, -1)
	for i := range parts {
		parts[i] = strings.Trim(parts[i], " ,.")
	}
	return parts
}

// sets reads a question for those that did one thing and also, or but never,
// another. It reports false if the question is none, or if a clause cannot be
// told from the others: then it is read as a whole, which says so.
func (rd *Reader) sets(ctx context.Context, question string, now time.Time, w World) (*Reading, bool, error) {
	cs := splitSets(question)
	if cs == nil {
		return nil, false, nil
	}
	parts := make([]*reader, len(cs))
	for i, c := range cs {
		text := c.text
		if i > 0 {
			text = "and " + text
		}
		r, err := rd.part(ctx, text, now, w)
		if err != nil {
			return nil, false, err
		}
		parts[i] = r
		if i > 0 {
			r.leanOn(&parts[0].f)
		}
	}
	key := parts[0].setKey()
	if key == "" || !distinctClauses(parts, key) {
		return nil, false, nil
	}
	out := parts[0].setReading(question, cs, parts, key)
	out.Nouns = rd.nouns
	return out, true, nil
}

// leanOn completes a clause by what the first one says, as a follow-up
// question is by the one before it. A clause about another kind of records
// keeps only who did it and when.
func (r *reader) leanOn(head *Frame) {
	old := *head
	if r.f.Subject != nil && old.Subject != nil && r.f.Subject.key != old.Subject.key {
		old.Conds = slices.DeleteFunc(slices.Clone(old.Conds), func(c Cond) bool { return !addressCond(c) })
	}
	r.follow(&old)
	r.notes = slices.DeleteFunc(r.notes, func(n string) bool { return strings.HasPrefix(n, "took the rest") })
}

// addressCond tells a condition on who took part.
func addressCond(c Cond) bool {
	return !slices.ContainsFunc(topics(c), func(f string) bool { return !strings.HasSuffix(f, "_endpoint.ip") && f != "user.name" })
}

// setKey is the one field whose values are asked for.
func (r *reader) setKey() string {
	switch {
	case r.f.Measure.Fn == query.Distinct && len(r.f.Targets) == 0:
		return r.f.Measure.Field
	case len(r.f.Targets) == 1 && (r.f.Shape == TableShape || r.f.Shape == ExistsShape) && len(r.f.Having) == 0 && !r.f.Ordered && r.f.Bucket == "":
		return strings.TrimPrefix(r.f.Targets[0], groupMark)
	}
	return ""
}

// distinctClauses tells that each clause was understood and says something else
// than the first, about the same field.
func distinctClauses(parts []*reader, key string) bool {
	first := parts[0].happening(key)
	for i, r := range parts {
		if slices.ContainsFunc(r.spans, func(s *span) bool { return !s.used && s.unknown }) {
			return false
		}
		if i == 0 {
			continue
		}
		if len(r.f.Having) > 0 || r.namesAnother(key) || r.happening(key).String() == first.String() {
			return false
		}
	}
	return true
}

// namesAnother tells a clause that is about the values of another field: a name
// in one kind of records and in another is not compared yet.
func (r *reader) namesAnother(key string) bool {
	return slices.ContainsFunc(r.spans, func(s *span) bool {
		e := s.entry(kEntity)
		if e == nil || e.attrs["field"] == "" || s.is(kSubject) || s.is(kVerb) || s.is(kStop) {
			return false
		}
		field := r.fieldOf(e)
		return !strings.HasPrefix(field, "[") && field != key && !r.f.On[field]
	})
}

// happening is all that a clause says of events, as one condition.
func (r *reader) happening(key string) query.Expr {
	q := r.base()
	conds := []query.Expr{{Field: key, Op: query.Exists}}
	for _, name := range q.Classes {
		if c, ok := event.ClassByName(name); ok {
			conds = append(conds, query.Expr{Field: "class_uid", Op: query.Eq, Value: float64(c)})
		}
	}
	if rng, err := q.Time.Resolve(r.now); err == nil {
		conds = append(conds, timeConds(rng)...)
	}
	if q.Where != nil {
		conds = append(conds, *q.Where)
	}
	return query.Expr{And: flatten(conds)}
}

// setReading counts, for each value of the key, the events of each clause, and
// keeps those that have all and none as asked.
func (r *reader) setReading(question string, cs []clause, parts []*reader, key string) *Reading {
	out := &Reading{Question: question, Shape: TableShape, Subject: "events", Status: Understood, Frame: r.f}
	q := query.Query{Limit: MaxGroups, Group: r.namesBeside([]string{key})}
	all, own := sharedConds(parts, key)
	all = slices.DeleteFunc(all, func(e query.Expr) bool {
		if e.Field == "class_uid" {
			q.Classes = r.base().Classes
		}
		return e.Field == "class_uid"
	})
	var anyOne []query.Expr
	var words []string
	for i, c := range cs {
		m := query.Measure{Fn: query.Count, Where: joined(own[i]), As: clauseName(c, i, cs)}
		if m.Where != nil {
			anyOne = append(anyOne, *m.Where)
		}
		h := query.Having{By: m.As, Op: query.Gt, Value: 0.0}
		word := "with "
		if c.not {
			h.Op, word = query.Eq, "without "
		}
		q.Measures, q.Having = append(q.Measures, m), append(q.Having, h)
		words = append(words, word+parts[i].clauseWords())
		out.Missing = append(out.Missing, parts[i].missing...)
		for _, n := range parts[i].notes {
			if !slices.Contains(out.Notes, n) {
				out.Notes = append(out.Notes, n)
			}
		}
	}
	if len(anyOne) == len(cs) {
		all = append(all, query.Expr{Or: anyOne})
	}
	q.Where = joined(all)
	q.Sort = []query.Sort{{By: q.Measures[0].As, Desc: true}}
	out.Steps = []Step{{Tool: "query", Query: q}}
	r.leaveOwnOut(out)
	out.ReadAs = "each " + key + " " + strings.Join(words, ", ")
	for _, n := range out.Notes {
		out.ReadAs += "; " + n
	}
	return out
}

// sharedConds parts the conditions of all clauses from those of each.
func sharedConds(parts []*reader, key string) (all []query.Expr, own [][]query.Expr) {
	lists := make([][]query.Expr, len(parts))
	for i, p := range parts {
		lists[i] = p.happening(key).And
	}
	has := func(list []query.Expr, e query.Expr) bool {
		return slices.ContainsFunc(list, func(x query.Expr) bool { return x.String() == e.String() })
	}
	everywhere := func(e query.Expr) bool {
		return !slices.ContainsFunc(lists, func(list []query.Expr) bool { return !has(list, e) })
	}
	for i, list := range lists {
		var rest []query.Expr
		for _, e := range list {
			switch {
			case !everywhere(e):
				rest = append(rest, e)
			case i == 0 && !has(all, e):
				all = append(all, e)
			}
		}
		own = append(own, rest)
	}
	return all, own
}

// joined are conditions that all hold; nil if there are none.
func joined(conds []query.Expr) *query.Expr {
	switch len(conds) {
	case 0:
		return nil
	case 1:
		return &conds[0]
	}
	return &query.Expr{And: conds}
}

// clauseWords say how a clause was read.
func (r *reader) clauseWords() string {
	var b strings.Builder
	b.WriteString("events")
	if r.f.Subject != nil {
		b.Reset()
		b.WriteString(r.f.Subject.attrs["words"])
	}
	r.condWords(&b)
	if len(r.f.Times) > 0 {
		r.timeWords(&b)
	}
	return strings.Replace(b.String(), ", where ", " where ", 1)
}

// clauseName is the column of a clause: its number and its sign.
func clauseName(c clause, i int, cs []clause) string {
	name := "events of the " + []string{"first", "second", "third", "fourth"}[i]
	if c.not && i == len(cs)-1 && i == 1 {
		return "events of the other"
	}
	return name
}

// exclusive is a question without its words for "and nothing else": what it says
// before what is exclusive, that and what follows, and the words that name what
// else there could be.
type exclusive struct{ before, after, other string }

// exclusion finds such words: "only to port 5353", "to port 5353 and to no other
// port", "only as guest and under no other user".
func exclusion(question string) (exclusive, bool) {
	var x exclusive
	rest := question
	if m := noOtherForm.FindStringSubmatchIndex(rest); m != nil {
		x.other = group(rest, m, 1)
		rest = rest[:m[0]] + rest[m[1]:]
	}
	m := onlyForm.FindStringSubmatchIndex(rest)
	if m == nil && x.other != "" {
		m = anyOnlyForm.FindStringSubmatchIndex(rest)
	}
	switch {
	case m != nil:
		x.before, x.after = rest[:m[3]], rest[m[4]:]
	case x.other != "":
		x.before = rest
	default:
		return x, false
	}
	return x, true
}

// excluded parts the conditions that are exclusive from those that all events
// meet that are asked about: "udp connections to port 5353 and to no other udp
// port" says nothing of tcp.
func (r *reader) excluded(x exclusive) (only, rest []Cond) {
	before, after := strings.ToLower(x.before), strings.ToLower(x.after)
	said := func(c Cond) bool {
		text := strings.ToLower(c.Text)
		return text != "" && !c.Not && strings.Contains(after, text) && !strings.Contains(before, text)
	}
	if x.after == "" {
		last := -1
		for i, c := range r.f.Conds {
			if at := strings.LastIndex(before, strings.ToLower(c.Text)); c.Text == "" || c.Not || strings.Contains(strings.ToLower(x.other), strings.ToLower(c.Text)) {
				continue
			} else if last < 0 || at > strings.LastIndex(before, strings.ToLower(r.f.Conds[last].Text)) {
				last = i
			}
		}
		said = func(c Cond) bool { return last >= 0 && c.Text == r.f.Conds[last].Text }
	}
	for _, c := range r.f.Conds {
		if said(c) {
			only = append(only, c)
		} else {
			rest = append(rest, c)
		}
	}
	return only, rest
}

// exclusively reads "which sources connected only to port 5353": those with
// such events and without any other.
func (rd *Reader) exclusively(ctx context.Context, question string, now time.Time, w World) (*Reading, bool, error) {
	x, ok := exclusion(question)
	if !ok || !whichForm.MatchString(question) {
		return nil, false, nil
	}
	r, err := rd.part(ctx, x.before+x.after, now, w)
	if err != nil {
		return nil, false, err
	}
	key := r.setKey()
	only, rest := r.excluded(x)
	if key == "" || len(only) == 0 {
		return nil, false, nil
	}
	r.f.Conds = only
	such := r.f.where()
	r.f.Conds = rest
	other := query.Expr{Not: such}
	q := r.base()
	q.Where = and(q.Where, query.Expr{Field: key, Op: query.Exists})
	q.Group, q.Limit = r.namesBeside([]string{key}), MaxGroups
	q.Measures = []query.Measure{{Fn: query.Count, Where: such, As: "matching"}, {Fn: query.Count, Where: &other, As: "others"}}
	q.Having = []query.Having{{By: "matching", Op: query.Gt, Value: 0.0}, {By: "others", Op: query.Eq, Value: 0.0}}
	q.Sort = []query.Sort{{By: "matching", Desc: true}}
	part := r.finish()
	out := &Reading{Question: question, Shape: TableShape, Subject: part.Subject, Status: part.Status, Unknown: part.Unknown, Notes: r.notes, Missing: r.missing, Frame: r.f, Nouns: rd.nouns}
	if out.Status == NotUnderstood {
		return nil, false, nil
	}
	out.Steps = []Step{{Tool: "query", Query: q}}
	r.leaveOwnOut(out)
	out.ReadAs = "each " + key + " with " + part.Subject + " where " + such.String() + ", and without any other"
	return out, true, nil
}

// unusedSetWords are the words for a set that the reading as a whole has no
// place for.
func unusedSetWords(question string) []string {
	if m := setWords.FindString(question); m != "" && whichForm.MatchString(question) {
		return []string{m}
	}
	return nil
}
