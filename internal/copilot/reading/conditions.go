package reading

import (
	"slices"
	"strings"

	"vedette/internal/event"
	"vedette/internal/query"
)

// takeConditions reads adjectives and verbs that are conditions: failed,
// blocked, write, external, ipv6.
func (r *reader) takeConditions() {
	var outcomes []string
	for i, s := range r.spans {
		e := s.entry(kCond)
		if e == nil || s.used || s.entry(kSubject) != nil && s.entry(kSubject) == r.f.Subject {
			continue
		}
		not := r.negated(i)
		if e.key == "failure" || e.key == "success" {
			s.used = true
			outcome := e.key
			if not {
				outcome = map[string]string{"failure": "success", "success": "failure"}[outcome]
			}
			outcomes = append(outcomes, outcome)
			continue
		}
		if r.spelledFunction(s, e, not) || r.condition(i, s, e, not) {
			s.used = true
		}
	}
	r.takeOutcomes(outcomes)
}

// spelledFunction takes "READ requests" for the function that is stored as READ,
// and "read requests" for all that read.
func (r *reader) spelledFunction(s *span, e *entry, not bool) bool {
	word := r.toks[s.from].text
	if !strings.HasPrefix(e.key, "expr ics.") || len(word) < 3 || word != strings.ToUpper(word) || word == strings.ToLower(word) {
		return false
	}
	stored, ok := r.vals.has("ics.function", word)
	if !ok || stored != word {
		return false
	}
	r.addCond(query.Expr{Field: "ics.function", Op: query.Eq, Value: stored}, not, word)
	return true
}

// takeHalf: "requests" and "commands" leave out the answers, where the logs
// have a record for each half of an exchange; "replies" are just those.
func (r *reader) takeHalf() {
	if r.f.Subject == nil || r.f.Subject.key != "ot" {
		return
	}
	if _, ok := r.vals.has("activity_name", "Response"); !ok {
		return
	}
	answers := query.Expr{Field: "activity_name", Op: query.Eq, Value: "Response"}
	for _, s := range r.spans {
		switch w := r.toks[s.to-1].stem; {
		case !r.isSubject(s) && !s.is(kEntity):
		case w == "request" || w == "command" || w == "operation" || w == "query" || w == "call":
			r.addCond(answers, true, s.text)
			return
		}
	}
}

// privateRanges are the addresses that are not reachable over the internet
// (RFC 1918, RFC 6598, RFC 4193, loopback and link-local).
var privateRanges = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128"}

var groupRanges = []string{"224.0.0.0/4", "ff00::/8"}

func (r *reader) condition(i int, s *span, e *entry, not bool) bool {
	add := func(x query.Expr) bool {
		r.addCond(x, not, s.text)
		return true
	}
	if text, ok := strings.CutPrefix(e.key, "expr "); ok {
		return r.exprCondition(i, s, text, not)
	}
	side := r.hostSide(i)
	switch e.key {
	case "internal_dst":
		return add(inRanges(side, privateRanges))
	case "external_dst":
		inside := inRanges(side, append(append([]string{"255.255.255.255/32", "0.0.0.0/32", "::/128"}, privateRanges...), groupRanges...))
		known := query.Expr{Field: side + "_endpoint.ip", Op: query.Exists}
		return add(query.Expr{And: []query.Expr{known, {Not: &inside}}})
	case "multicast_dst":
		return add(inRanges("dst", groupRanges))
	case "broadcast_dst":
		return add(query.Expr{Or: []query.Expr{
			{Field: "dst_endpoint.ip", Op: query.Eq, Value: "255.255.255.255"},
			{Field: "dst_endpoint.ip", Op: query.EndsWith, Value: ".255"},
		}})
	case "ipv6":
		return add(query.Expr{Field: "src_endpoint.ip", Op: query.Contains, Value: ":"})
	case "ipv4":
		return add(query.Expr{Field: "src_endpoint.ip", Op: query.Contains, Value: "."})
	}
	return false
}

func inRanges(side string, ranges []string) query.Expr {
	alts := make([]query.Expr, len(ranges))
	for i, p := range ranges {
		alts[i] = query.Expr{Field: side + "_endpoint.ip", Op: query.CIDR, Value: p}
	}
	return query.Expr{Or: alts}
}

// hostSide is the side that "external" describes: the word before it or the
// noun after it; an outside that is not further described is a destination.
func (r *reader) hostSide(i int) string {
	for k := i - 1; k >= 0 && k >= i-2; k-- {
		if e := r.spans[k].entry(kRole); e != nil && (e.key == "src" || e.key == "dst") {
			r.spans[k].used = true
			return e.key
		}
	}
	if i+1 < len(r.spans) {
		if e := r.spans[i+1].entry(kEntity); e != nil {
			switch e.key {
			case "source":
				return "src"
			case "destination":
				return "dst"
			case "host", "device":
				return r.targetSide(i + 1)
			}
		}
	}
	if i > 0 && r.spans[i-1].is(kWh) || r.fHasWh(i) {
		return r.targetSide(i)
	}
	return "dst"
}

func (r *reader) fHasWh(i int) bool {
	for k := i - 1; k >= 0 && k >= i-3; k-- {
		if r.spans[k].is(kWh) || r.spans[k].is(kFn) {
			return true
		}
	}
	return false
}

// exprCondition adds a condition of the lexicon where it makes sense: OT
// words only where OT events are stored, "invalid user" only for logins.
func (r *reader) exprCondition(i int, s *span, text string, not bool) bool {
	switch {
	case strings.HasPrefix(text, "ics."):
		if !r.vals.any("ics.function") {
			return false
		}
		if r.f.Subject == nil || r.f.Subject.key == "connection" && s.is(kCond) && !r.saidNoun("connection") {
			r.setSubject(r.lex.entry(kSubject, "ot"))
		}
		if r.f.Subject.key != "ot" && r.f.Subject.key != "event" {
			return false
		}
	case text == "invalid_user":
		r.addCond(query.Expr{Field: "status_detail", Op: query.Contains, Value: "invalid user"}, not, s.text)
		if r.f.Subject == nil {
			r.setSubject(r.lex.entry(kSubject, "login"))
		}
		return true
	case strings.HasPrefix(text, "disposition") && !r.vals.any("disposition"):
		return false
	}
	q, ok := parseCond(text)
	if !ok {
		return false
	}
	if r.comparesWrites(text) {
		return true
	}
	r.addCond(*q.Where, not, s.text)
	if i > 0 && r.spans[i-1].is(kWh) && strings.HasPrefix(text, "ics.response") {
		r.f.Targets = append(r.f.Targets, "ics.response") // "which exception"
	}
	return true
}

// comparesWrites: "reads versus writes" puts the two side by side.
func (r *reader) comparesWrites(text string) bool {
	if !strings.HasPrefix(text, "ics.write=") {
		return false
	}
	reads, writes := false, false
	for _, s := range r.spans {
		if e := s.entry(kCond); e != nil {
			reads = reads || e.key == "expr ics.write=false"
			writes = writes || e.key == "expr ics.write=true"
		}
	}
	if !reads || !writes {
		return false
	}
	q, _ := parseCond(text)
	name := "reads"
	if text == "ics.write=true" {
		name = "writes"
	}
	for _, m := range r.f.Measures {
		if m.As == name {
			return true
		}
	}
	r.f.Measures = append(r.f.Measures, query.Measure{Fn: query.Count, Where: q.Where, As: name})
	return true
}

func (r *reader) saidNoun(key string) bool {
	for _, s := range r.spans {
		if e := s.entry(kSubject); e != nil && e.key == key {
			return true
		}
	}
	return false
}

// nameFields are the fields that a word shaped like a name may be meant for,
// by subject.
var nameFields = map[string][]string{
	"dns":   {"query.hostname", "answers"},
	"http":  {"http_request.url.hostname", "http_request.url.path", "http_request.user_agent"},
	"tls":   {"tls.sni", "tls.certificate.subject"},
	"login": {"user.name", "device.hostname"}, "alert": {"finding_info.title"},
	"mail": {"email.from", "email.to", "email.subject"}, "file": {"file.name", "file.mime_type"},
	"certificate": {"tls.certificate.subject", "tls.certificate.issuer"},
}

// besideItsField takes "a CHACHA20 cipher" for a part of that field: a name that
// stands right before the noun of a text field.
func (r *reader) besideItsField(i int, s *span) bool {
	if i+1 >= len(r.spans) || r.toks[r.spans[i+1].from].from-r.toks[s.to-1].to > 1 {
		return false
	}
	n := r.spans[i+1]
	e := n.entry(kEntity)
	if e == nil || n.used || r.isSubject(n) || e.attrs["field"] == "" || r.plural(n) {
		return false
	}
	name := r.fieldOf(e)
	if f, ok := r.schema.Lookup(name); !ok || f.Kind != event.String {
		return false
	}
	s.used, n.used = true, true
	r.addCond(query.Expr{Field: name, Op: query.Contains, Value: s.name}, r.negated(i), s.text)
	return true
}

// addName adds a condition for a word that can only be a name: the fields
// where such a name can stand contain it.
func (r *reader) addName(i int, s *span) {
	if len(s.values) > 0 {
		s.used = true
		r.addStored(i, s)
		return
	}
	if at := r.toks[s.from].from; at > 0 && r.question[at-1] == '(' {
		s.used = true
		r.note("left out %q, an explanation that nothing stored has", s.name)
		return
	}
	if strings.Contains(s.name, "-") && !strings.ContainsAny(s.name, "./@ ") && (r.f.Subject == nil || len(nameFields[r.f.Subject.key]) == 0) {
		side := r.sideOf(i)
		field := "device.name"
		if side != "" {
			field = side + "_endpoint.name"
		}
		s.used = true
		r.f.On["side:"+side] = true
		r.want("device.name", s.name, query.Eq)
		r.addCond(query.Expr{Field: field, Op: query.Eq, Value: s.name}, r.negated(i), s.text)
		return
	}
	if r.besideItsField(i, s) {
		return
	}
	fields := []string{"query.hostname", "http_request.url.hostname", "tls.sni"}
	switch {
	case r.f.Subject != nil && len(nameFields[r.f.Subject.key]) > 0:
		fields = nameFields[r.f.Subject.key]
	case strings.ContainsAny(s.name, "/"):
		fields = []string{"http_request.url.path", "file.mime_type"}
	case strings.Contains(s.name, " "):
		fields = []string{"message"}
	case !strings.Contains(s.name, "."):
		fields = []string{"message", "finding_info.title", "user.name", "ics.object"}
	}
	if r.besideAnother(i) && !r.anyHolds(fields, s.name) {
		s.used = true
		r.note("left out %q, which nothing stored has", s.name)
		return
	}
	if !r.anyHolds(fields, s.name) {
		fields = r.holding(fields, s.name)
	}
	if len(fields) > 2 && !r.anyHolds(fields, s.name) && !strings.ContainsAny(s.name, " .") {
		r.f.On["guessed"] = true // it may stand in a field that was not looked into
	}
	var alts []query.Expr
	for _, f := range fields {
		alts = append(alts, query.Expr{Field: f, Op: query.Contains, Value: s.name})
	}
	s.used = true
	r.want(fields[0], s.name, query.Eq)
	x := query.Expr{Or: alts}
	if len(alts) == 1 {
		x = alts[0]
	}
	r.addCond(x, r.negated(i), s.text)
}

// besideAnother tells a name that stands beside another word for the same, as
// in "log4shell / jndi" or "log4shell (jndi)".
func (r *reader) besideAnother(i int) bool {
	gap := func(k int) bool {
		if k < 1 || k >= len(r.spans) {
			return false
		}
		return strings.ContainsAny(r.question[r.toks[r.spans[k-1].to-1].to:r.toks[r.spans[k].from].from], "/(")
	}
	for k := i + 1; k < len(r.spans) && k <= i+3; k++ {
		if n := r.spans[k]; n.unknown || n.name != "" {
			return true
		} else if !n.only(kStop) {
			break
		}
	}
	return gap(i) || gap(i+1) || gap(i+2) || gap(i+3)
}

// holding gives the fields that hold a name where the usual ones do not.
func (r *reader) holding(usual []string, name string) []string {
	if r.f.Subject != nil && len(nameFields[r.f.Subject.key]) > 0 {
		return usual
	}
	for _, f := range []string{"http_request.url.path", "finding_info.title", "http_request.user_agent", "file.name", "query.hostname", "tls.sni", "http_request.url.hostname", "ics.object", "product.name"} {
		if r.anyHolds([]string{f}, name) {
			return []string{f}
		}
	}
	return usual
}

// anyHolds tells whether a stored value of one of the fields has the text.
func (r *reader) anyHolds(fields []string, text string) bool {
	text = strings.ToLower(text)
	for _, f := range fields {
		for v := range r.vals.fields[f] {
			if strings.Contains(strings.ToLower(v), text) {
				return true
			}
		}
	}
	return false
}

// textFields is the field that "alerts mentioning X" looks into, by subject.
var textFields = map[string]string{
	"alert": "finding_info.title", "dns": "query.hostname", "http": "http_request.url.path", "tls": "tls.sni",
	"login": "user.name", "mail": "email.subject", "file": "file.name", "software": "product.name",
}

// takeContains reads "containing X", "that mention X" without a named field:
// the subject's text contains it, or the whole record.
func (r *reader) takeContains() {
	for i, s := range r.spans {
		e := s.entry(kContains)
		if e == nil || s.used || i+1 >= len(r.spans) {
			continue
		}
		k := i + 1
		for k < len(r.spans)-1 && r.spans[k].only(kStop) && r.spans[k].text != "" {
			k++
		}
		if query.Op(e.key) != query.Contains && r.spans[k].is(kValue) {
			s.used = true // "lookups that ended in NXDOMAIN"
			continue
		}
		word, end := r.containedText(k)
		if word == "" {
			continue
		}
		field := "raw"
		if r.f.Subject != nil && textFields[r.f.Subject.key] != "" {
			field = textFields[r.f.Subject.key]
		}
		s.used = true
		for ; k < end; k++ {
			r.spans[k].used, r.spans[k].unknown = true, false
		}
		r.addCond(query.Expr{Field: field, Op: query.Op(e.key), Value: word}, r.negated(i), word)
	}
	r.takeStatusCode()
}

// containedText is the text that spans from k on spell after "mentioning": a
// quoted text, else a run of words that are no grammar ("SQL injection"). It
// also gives the span after the last.
func (r *reader) containedText(k int) (string, int) {
	named := r.f.Subject != nil && textFields[r.f.Subject.key] != ""
	first := k
	for ; k < len(r.spans); k++ {
		s := r.spans[k]
		if s.used || s.addr != "" || s.time != nil {
			break
		}
		if s.name != "" && k == first && r.toks[s.from].kind == tokQuoted {
			return s.name, k + 1
		}
		written := len(s.entries) == 0 && !slices.ContainsFunc(s.values, func(v value) bool { return !v.written })
		word := s.unknown || s.name != "" || len(s.values) > 0 && written || named && (s.only(kValue) || k > first && s.is(kVerb) && !s.is(kStop))
		if !word {
			break
		}
	}
	if k == first {
		return "", k
	}
	return r.question[r.toks[r.spans[first].from].from:r.toks[r.spans[k-1].to-1].to], k
}

// takeStatusCode reads the bare number of "requests that returned 404".
func (r *reader) takeStatusCode() {
	if r.f.Subject == nil || r.f.Subject.key != "http" {
		return
	}
	for i, s := range r.spans {
		if n := s.num; n != nil && !s.used && n.unit == "" && n.n >= 100 && n.n < 600 && len(n.raw) == 3 && (i == 0 || !r.spans[i-1].is(kOp) && !r.spans[i-1].is(kOrder)) {
			s.used = true
			r.addCond(query.Expr{Field: "http_response.code", Op: query.Eq, Value: n.n}, r.negated(i), s.text)
		}
	}
}
