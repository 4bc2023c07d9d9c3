package reading

import (
	"slices"
	"strings"

	"vedette/internal/query"
)

// takeOutcomes: "failed" alone is a condition; "failed and successful" or
// "failed versus successful" compares the two.
func (r *reader) takeOutcomes(outcomes []string) {
	if len(outcomes) == 0 && r.gotIn() {
		outcomes = []string{"success"}
	}
	if r.f.Subject == nil && len(outcomes) > 0 && len(r.texts.patterns) > 0 && !r.asksStored() && !r.stored(r.lex.entry(kSubject, "login")) {
		r.outcomeUnknown()
		return
	}
	both := len(outcomes) > 1 && slices.Contains(outcomes, "failure") && slices.Contains(outcomes, "success")
	if r.f.Subject == nil && len(outcomes) > 0 && r.stored(r.lex.entry(kSubject, "login")) {
		r.setSubject(r.lex.entry(kSubject, "login"))
	}
	if r.f.On["status_detail"] && !both {
		return // the reason that was named says it already
	}
	for _, o := range outcomes {
		e, text := r.outcomeExpr(o), map[string]string{"failure": "failed", "success": "successful"}[o]
		if both {
			r.f.Measures = append(r.f.Measures, query.Measure{Fn: query.Count, Where: &e, As: text})
			continue
		}
		r.addCond(e, false, text)
		return
	}
}

// outcomeUnknown says that "failed" was not understood: texts of which nothing but
// the words is known have no outcome.
func (r *reader) outcomeUnknown() {
	for _, s := range r.spans {
		if e := s.entry(kCond); e != nil && (e.key == "failure" || e.key == "success") {
			s.used, s.unknown = false, true
		}
	}
}

// gotIn tells that logging in is said as something done ("who logged in"),
// which means that it succeeded, and not as something tried.
func (r *reader) gotIn() bool {
	if r.f.Subject == nil || r.f.Subject.key != "login" {
		return false
	}
	said := " " + strings.ToLower(r.question) + " "
	for _, w := range []string{" try", " tried", " attempt", "fail", " guess", " brute"} {
		if strings.Contains(said, w) {
			return false
		}
	}
	for _, w := range []string{" logged in", " logged on", " logged into", " log into", " signed in", " did log in", " get in ", " got in"} {
		if strings.Contains(said, w) {
			return true
		}
	}
	opened := r.toks[0].lower == "did" || r.toks[0].lower == "has" || r.toks[0].lower == "have"
	return opened && (strings.Contains(said, " log in ") || strings.Contains(said, " sign in ") || strings.Contains(said, " log on "))
}

// outcomeExpr is the condition that an outcome is for the subject.
func (r *reader) outcomeExpr(outcome string) query.Expr {
	if s := r.f.Subject; s != nil {
		if q, ok := parseCond(s.attrs[outcome]); ok {
			return *q.Where
		}
	}
	return query.Expr{Field: "status", Op: query.Eq, Value: map[string]string{"failure": "Failure", "success": "Success"}[outcome]}
}
