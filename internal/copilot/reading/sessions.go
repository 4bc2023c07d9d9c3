package reading

import (
	"slices"

	"vedette/internal/query"
)

// userSession: "how long was root's session" asks for the end of a login,
// which has the duration.
func (r *reader) userSession(nouns []*entry) bool {
	if len(nouns) == 0 || nouns[0].key != "connection" || !r.stored(r.lex.entry(kSubject, "login")) {
		return false
	}
	session := slices.ContainsFunc(r.toks, func(t token) bool { return t.stem == "session" })
	long := slices.ContainsFunc(r.spans, func(s *span) bool { e := s.entry(kQuantity); return e != nil && e.key == "duration" })
	user := slices.ContainsFunc(r.spans, func(s *span) bool {
		return slices.ContainsFunc(s.values, func(v value) bool { return v.field == "user.name" })
	}) || r.f.On["user.name"]
	if session && !long && r.f.On["user.name"] {
		return r.sessionOf()
	}
	if !session || !user && r.stored(nouns[0]) || !long {
		return false
	}
	r.setSubject(r.lex.entry(kSubject, "logoff"))
	return true
}

// sessionOf: "a session was opened for the user test" is a login, "was closed" its
// end.
func (r *reader) sessionOf() bool {
	for _, t := range r.toks {
		switch t.lower {
		case "opened", "open", "started", "opens":
			r.setSubject(r.lex.entry(kSubject, "login"))
			r.addCond(query.Expr{Field: "status", Op: query.Eq, Value: "Success"}, false, t.text)
			return true
		case "closed", "ended", "closes":
			r.setSubject(r.lex.entry(kSubject, "logoff"))
			return true
		}
	}
	return false
}
