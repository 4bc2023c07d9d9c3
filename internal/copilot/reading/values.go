package reading

import (
	"slices"
	"strings"

	"vedette/internal/query"
)

// takeValues turns stored values and well-known names ("tcp", "root",
// "NXDOMAIN") that stand alone into conditions.
func (r *reader) takeValues() {
	for i, s := range r.spans {
		if s.used || r.isNoun(s) {
			continue
		}
		if r.exactFunction(i, s) {
			continue
		}
		if e := s.entry(kValue); e != nil {
			s.used = true
			r.knownValue(i, s, e)
			continue
		}
		if len(s.values) > 0 && (len(s.entries) == 0) {
			s.used = true
			r.addStored(i, s)
			continue
		}
		if s.name != "" || r.namesAccount(i, s) {
			r.addName(i, s)
		}
	}
}

// knownValue adds the condition of a well-known name.
func (r *reader) knownValue(i int, s *span, e *entry) {
	switch {
	case r.impliedBySubject(e), r.withPort(i, e):
	case r.inTitles(s):
		r.addCond(query.Expr{Field: "finding_info.title", Op: query.Contains, Value: s.text}, r.negated(i), s.text)
	case r.ownValue(s):
		r.addStored(i, s)
	default:
		r.addCond(r.valueExpr(e), r.negated(i), s.text)
	}
}

// withPort reads "https/443": the port says exactly what is meant.
func (r *reader) withPort(i int, e *entry) bool {
	if i+1 >= len(r.spans) || !r.glued(i+1) || r.spans[i+1].num == nil {
		return false
	}
	n := r.spans[i+1]
	if !slices.ContainsFunc(e.alts, func(a fieldValue) bool { return a.field == "port" && a.value == n.num.raw }) {
		return false
	}
	n.used = true
	r.addCond(query.Expr{Field: "dst_endpoint.port", Op: query.Eq, Value: n.num.n}, r.negated(i), n.text)
	return true
}

// inTitles tells a protocol that alerts name in their titles, where the
// sensors' alerts carry no protocol field: Zeek's notices.
func (r *reader) inTitles(s *span) bool {
	if r.f.Subject == nil || r.f.Subject.key != "alert" || len(r.vals.logs([]string{"alert"})) > 0 {
		return false
	}
	for v := range r.vals.fields["finding_info.title"] {
		if strings.Contains(strings.ToLower(v), strings.ToLower(s.text)) {
			return true
		}
	}
	return false
}

// ownValue tells a known name that is a stored value of what the question is
// about: OpenSSH as a product, not as a service.
func (r *reader) ownValue(s *span) bool {
	if r.f.Subject == nil || r.f.Subject.key == "connection" {
		return false
	}
	own := ownFields[r.f.Subject.key]
	return slices.ContainsFunc(s.values, func(v value) bool { return slices.Contains(own, v.field) })
}

// namesAccount: in "logins for operator" the word that means nothing else is
// an account.
func (r *reader) namesAccount(i int, s *span) bool {
	if !s.unknown || i == 0 || r.f.Subject == nil || r.f.Subject.key != "login" {
		return false
	}
	switch strings.ToLower(r.spans[i-1].text) {
	case "for", "of", "by", "as", "to", "named", "called":
	default:
		return false
	}
	if i+1 < len(r.spans) && !r.spans[i+1].only(kStop, kRole, kLink) && r.spans[i+1].time == nil {
		return false
	}
	s.name, s.unknown = s.text, false
	return true
}

// exactFunction takes a word that is both grammar and the exact name of a
// stored OT function ("read", "operate") for the function, where OT is asked
// about.
func (r *reader) exactFunction(i int, s *span) bool {
	if len(s.entries) == 0 || s.is(kSubject) && s.entry(kSubject) == r.f.Subject && r.f.Subject.key != "ot" {
		return false
	}
	if r.f.Subject != nil && r.f.Subject.key != "ot" && r.f.Subject.key != "event" {
		return false
	}
	if i > 0 && slices.Contains([]string{"was", "were", "been", "being", "be", "is", "are"}, strings.ToLower(r.spans[i-1].text)) {
		return false // "objects that were read": what was done, not the name of a function
	}
	var alts []query.Expr
	for _, v := range s.values {
		if v.field == "ics.function" && strings.EqualFold(plain(v.value), plain(s.text)) {
			alts = append(alts, query.Expr{Field: v.field, Op: query.Eq, Value: v.value})
		}
	}
	if len(alts) == 0 {
		return false
	}
	s.used = true
	if w := spaced(s.text); i > 0 && slices.Contains([]string{"for", "to", "of"}, strings.ToLower(r.spans[i-1].text)) && len(r.vals.texts("ics.function")) > 1 {
		if more := slices.DeleteFunc(slices.Clone(r.vals.texts("ics.function")), func(t string) bool { return !strings.Contains(t, w) }); len(more) > len(alts) {
			r.addCond(query.Expr{Field: "ics.function", Op: query.Contains, Value: s.text}, r.negated(i), s.text)
			return true // "requested for upload": its start and end too
		}
	}
	r.addCond(anyOf(alts), r.negated(i), s.text)
	return true
}

// isNoun keeps a phrase that serves as subject from becoming a value too.
func (r *reader) isNoun(s *span) bool {
	e := s.entry(kSubject)
	return e != nil && (e == r.f.Subject || r.f.Subject == nil)
}

// impliedBySubject: "ssh logins" asks for logins; every one of them is ssh
// when only sshd writes logins here.
func (r *reader) impliedBySubject(e *entry) bool {
	if r.f.Subject == nil {
		return false
	}
	for _, a := range e.alts {
		if a.field == "app_name" && (r.f.Subject.key == a.value || r.f.Subject.key == "tls" && a.value == "ssl") {
			return true
		}
	}
	return false
}

// valueExpr picks the field of a well-known name: the first that has it
// stored, OT fields first when the subject is OT, else the well-known port.
func (r *reader) valueExpr(e *entry) query.Expr {
	alts := slices.Clone(e.alts)
	if r.f.Subject != nil && r.f.Subject.key == "connection" {
		slices.SortStableFunc(alts, func(a, b fieldValue) int { return rank(a) - rank(b) })
	}
	for _, a := range alts {
		if a.field == "severity_id" {
			n, _ := numberOf(token{kind: tokNumber, text: a.value})
			return query.Expr{Field: a.field, Op: query.Eq, Value: n}
		}
		if v, ok := r.vals.has(a.field, a.value); ok {
			return query.Expr{Field: a.field, Op: query.Eq, Value: v}
		}
	}
	last := alts[len(alts)-1]
	if last.field == "port" {
		n, _ := numberOf(token{kind: tokNumber, text: last.value})
		return query.Expr{Field: "dst_endpoint.port", Op: query.Eq, Value: n}
	}
	r.want(last.field, last.value, query.Eq)
	return query.Expr{Field: alts[0].field, Op: query.Eq, Value: alts[0].value}
}

func rank(a fieldValue) int {
	switch a.field {
	case "app_name":
		return 0
	case "ics.protocol":
		return 1
	}
	return 2
}
