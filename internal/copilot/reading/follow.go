package reading

import (
	"slices"
	"strings"
)

// follow completes a question that leans on the one before it: "and
// yesterday?", "only udp", "by port instead", "what about 10.0.0.7?". What the
// new question says replaces the same part of the old one; the rest stays.
func (r *reader) follow(prev *Frame) {
	if !r.leans() {
		return
	}
	old := *prev
	if r.f.Subject == nil {
		r.f.Subject = old.Subject
	}
	if len(r.f.Times) == 0 {
		r.f.Times = old.Times
	}
	for _, c := range old.Conds {
		if !slices.ContainsFunc(r.f.Conds, func(d Cond) bool { return sameTopic(c, d) }) {
			r.f.Conds = append(r.f.Conds, c)
		}
	}
	if len(r.f.Targets) == 0 && r.f.Bucket == "" {
		r.f.Targets, r.f.Bucket = old.Targets, old.Bucket
		r.f.Plural = r.f.Plural || old.Plural
	}
	if r.f.Measure.Field == "" && r.f.Measure.Fn == "count" && !r.f.On["fn:count"] {
		r.f.Measure = old.Measure
	}
	if len(r.f.Having) == 0 && len(old.Having) > 0 {
		r.f.Having, r.f.Measures = old.Having, old.Measures
	}
	if r.f.Limit == 0 {
		r.f.Limit = old.Limit
	}
	if !r.f.Ordered {
		r.f.Ordered, r.f.Asc = old.Ordered, old.Asc
	}
	if r.plainForm() {
		r.f.Shape, r.f.Pick = old.Shape, old.Pick
		if len(r.f.Targets) > 0 && r.f.Shape == CountShape {
			r.f.Shape = TableShape
		}
	}
	r.note("took the rest from the question before")
}

// leans tells a question that cannot stand alone: it opens with a linking
// word or names neither a subject nor a form.
func (r *reader) leans() bool {
	if len(r.toks) == 0 {
		return false
	}
	first := r.toks[0].lower
	two := first
	if len(r.toks) > 1 {
		two += " " + r.toks[1].lower
	}
	switch {
	case first == "and", first == "only", first == "but", first == "also", first == "same", first == "instead", first == "now",
		two == "what about", two == "how about", two == "of those", two == "of these", two == "just the", two == "for those":
		return true
	}
	if strings.Contains(" "+strings.ToLower(r.question)+" ", " instead") {
		return true
	}
	for _, t := range r.toks {
		switch t.lower {
		case "those", "them", "these", "it", "its", "they":
			return true
		}
	}
	return r.f.Subject == nil && !slices.ContainsFunc(r.spans, func(s *span) bool { return s.is(kFn) || s.is(kWh) || s.is(kVerb) })
}

// plainForm tells that the follow-up asks for no form of its own.
func (r *reader) plainForm() bool {
	return !slices.ContainsFunc(r.spans, func(s *span) bool {
		return s.is(kFn) || s.is(kShape) && !s.is(kStop) || s.is(kWh) && !strings.HasPrefix(strings.ToLower(s.text), "what")
	})
}

// sameTopic tells conditions that speak about the same thing, so that the
// newer one replaces the older.
func sameTopic(a, b Cond) bool {
	fa, fb := topics(a), topics(b)
	return slices.ContainsFunc(fa, func(f string) bool { return slices.Contains(fb, f) })
}

func topics(c Cond) []string {
	out := []string{}
	if c.Expr.Field != "" {
		out = append(out, c.Expr.Field)
	}
	for _, x := range c.Expr.Or {
		if x.Field != "" {
			out = append(out, x.Field)
		}
	}
	return out
}
