package reading

import (
	"slices"
	"strings"

	"vedette/internal/query"
)

// takeSubject decides what events the question is about: the first subject
// noun that is specific, else what a verb, a field or the stored logs suggest.
func (r *reader) takeSubject() {
	if r.f.On["texts"] {
		return
	}
	nouns := r.subjectNouns()
	for _, try := range []func([]*entry) bool{
		r.subjectOfValue, r.userSession, r.tlsSession, r.protocolTraffic, r.protocolConnections, r.subjectOfNoun,
		r.subjectOfField, r.subjectOfStored, r.subjectOfVerb,
	} {
		if try(nouns) {
			return
		}
	}
}

// subjectNouns collects the subject nouns that are free; of two that stand
// together the second is the head: "traffic alerts" are alerts.
func (r *reader) subjectNouns() []*entry {
	var nouns []*entry
	for i, s := range r.spans {
		e := s.entry(kSubject)
		if e == nil || s.used || s.is(kVerb) && s.from > 0 && pronouns[r.toks[s.from-1].lower] {
			continue
		}
		if n := len(nouns); n > 0 && r.spans[i-1].entry(kSubject) == nouns[n-1] && !generic(e) && nouns[n-1].key == "connection" {
			nouns[n-1] = e
			continue
		}
		nouns = append(nouns, e)
	}
	return nouns
}

// pronouns stand before verbs: "did it hit" speaks of no hits.
var pronouns = map[string]bool{"it": true, "they": true, "he": true, "she": true, "we": true, "you": true}

// generic tells nouns that any log may be meant by.
func generic(e *entry) bool { return e.key == "event" || e.key == "ot" }

func (r *reader) subjectOfValue(nouns []*entry) bool {
	e := r.fromValue()
	if e == nil || len(nouns) > 0 && nouns[0].key != "connection" && !generic(nouns[0]) && (nouns[0].key != "http" || e.key != "file") {
		return false
	}
	r.setSubject(e)
	return true
}

// tlsSession: "TLS versions ... sessions" asks for TLS sessions.
func (r *reader) tlsSession(nouns []*entry) bool {
	e := r.fromField()
	if e == nil || e.key != "tls" || len(nouns) == 0 || nouns[0].key != "connection" {
		return false
	}
	r.setSubject(e)
	return true
}

func (r *reader) subjectOfNoun(nouns []*entry) bool {
	for _, e := range nouns {
		if http := r.lex.entry(kSubject, "http"); e.key == "file" && r.fromStored() == http && http != nil {
			e = http // "the file /x over http" is what was requested
		}
		if !generic(e) {
			r.setSubject(e)
			r.storedInstead()
			return true
		}
	}
	if len(nouns) > 0 {
		r.genericSubject(nouns[0])
		return true
	}
	return false
}

func (r *reader) subjectOfField([]*entry) bool {
	e := r.fromField()
	r.setSubject(e)
	return e != nil
}

func (r *reader) subjectOfStored([]*entry) bool {
	e := r.fromStored()
	r.setSubject(e)
	return e != nil
}

func (r *reader) subjectOfVerb([]*entry) bool {
	for _, s := range r.spans {
		e := r.verbIn(s)
		if e == nil || s.used && !s.is(kOrder) || e.key == "query" {
			continue
		}
		r.setSubject(r.fromVerb(e.key))
		r.f.On["verb subject"] = true
		r.connectionsInstead()
		return true
	}
	return false
}

// verbIn is the verb of a span, or the one inside "most contacted".
func (r *reader) verbIn(s *span) *entry {
	if e := s.entry(kVerb); e != nil || !s.is(kOrder) || s.to-s.from < 2 {
		return e
	}
	for _, e := range slices.Concat(r.lex.phrases[r.toks[s.to-1].stem], r.lex.word(r.toks[s.to-1].lower)) {
		if e.kind == kVerb {
			return e
		}
	}
	return nil
}

// fieldSubjects are the subjects that a field belongs to.
var fieldSubjects = []struct{ prefix, subject string }{
	{"product.", "software"},
	{"http_", "http"},
	{"query.", "dns"},
	{"rcode", "dns"},
	{"answers", "dns"},
	{"tls.", "tls"},
	{"file.", "file"},
	{"dhcp.", "dhcp"},
	{"email.", "mail"},
	{"finding_info.", "alert"},
}

// fromStored is the subject that a stored value named alone belongs to.
func (r *reader) fromStored() *entry {
	for _, s := range r.spans {
		if s.used || len(s.entries) > 0 || len(s.values) == 0 {
			continue
		}
		for _, f := range fieldSubjects {
			x := r.lex.entry(kSubject, f.subject)
			all := !slices.ContainsFunc(s.values, func(v value) bool { return !strings.HasPrefix(v.field, f.prefix) })
			if all && r.stored(x) {
				return x
			}
		}
	}
	return nil
}

// fromField is the subject that a field asked for belongs to, where events of
// it are stored: "which versions", "which user agents".
func (r *reader) fromField() *entry {
	for _, s := range r.spans {
		e := s.entry(kEntity)
		if e == nil || s.used {
			continue
		}
		for _, f := range fieldSubjects {
			if x := r.lex.entry(kSubject, f.subject); strings.HasPrefix(e.attrs["field"], f.prefix) && r.stored(x) {
				return x
			}
		}
	}
	return nil
}

// fromValue is the subject that a well-known value belongs to: TLS sessions
// for "TLS 1.2", file transfers for "pdf".
func (r *reader) fromValue() *entry {
	for _, s := range r.spans {
		e := s.entry(kValue)
		if e == nil || s.used || s.is(kSubject) {
			continue
		}
		for _, f := range fieldSubjects {
			if x := r.lex.entry(kSubject, f.subject); strings.HasPrefix(e.alts[0].field, f.prefix) && r.stored(x) {
				return x
			}
		}
	}
	return nil
}

// serviceSubjects are the subjects whose events some sensors only show as
// connections of a service, with the word that names the service.
var serviceSubjects = map[string]string{"dns": "dns", "http": "http", "tls": "ssl", "dhcp": "dhcp", "mail": "smtp"}

// protocolConnections: "dns connections", or "dns queries" where no DNS log is
// stored but connections are, asks for the connections of that service.
func (r *reader) protocolConnections(nouns []*entry) bool {
	conn := r.lex.entry(kSubject, "connection")
	if len(nouns) == 0 || serviceSubjects[nouns[0].key] == "" || !r.stored(conn) {
		return false
	}
	both := len(nouns) > 1 && nouns[1] == conn
	if !both && r.stored(nouns[0]) {
		return false
	}
	r.setSubject(conn)
	word := serviceSubjects[nouns[0].key]
	for _, s := range r.spans {
		if e := s.entry(kSubject); e == nouns[0] {
			s.used = true
		}
	}
	for _, e := range r.lex.find(word) {
		if e.kind == kValue {
			r.addCond(r.valueExpr(e), false, word)
		}
	}
	return true
}

// protocolTraffic: "responses in the DNP3 traffic" asks for operations where
// DNP3 is decoded and no volume is asked for.
func (r *reader) protocolTraffic(nouns []*entry) bool {
	if len(nouns) == 0 || nouns[0].key != "connection" || !r.vals.any("ics.function") {
		return false
	}
	for i, s := range r.spans {
		if s.is(kQuantity) && !s.is(kVerb) || s.is(kEntity) && strings.HasPrefix(s.entry(kEntity).attrs["field"], "connection_info.") {
			return false
		}
		if s.entry(kSubject) != nouns[0] {
			continue
		}
		if w := strings.ToLower(s.text); i == 0 || w != "traffic" && w != "communication" {
			return false
		}
		if e := r.spans[i-1].entry(kValue); e == nil || e.alts[0].field != "ics.protocol" {
			return false
		}
	}
	r.setSubject(r.lex.entry(kSubject, "ot"))
	return true
}

// storedInstead replaces a subject of which nothing is stored by what people
// may also mean: "warnings" of a system log, the certificates of TLS sessions.
func (r *reader) storedInstead() {
	if r.f.Subject == nil || r.stored(r.f.Subject) {
		return
	}
	switch tls := r.lex.entry(kSubject, "tls"); {
	case r.f.Subject.key == "certificate" && r.stored(tls):
		r.setSubject(tls)
	case r.f.Subject.key == "alert" && slices.ContainsFunc(r.spans, func(s *span) bool { return strings.Contains(s.name, " ") }):
		r.setSubject(r.lex.entry(kSubject, "event"))
	}
}

// connectionsInstead: a verb that suggests a log which is not stored means
// the connections of that service.
func (r *reader) connectionsInstead() {
	conn := r.lex.entry(kSubject, "connection")
	if r.f.Subject == nil || r.stored(r.f.Subject) || !r.stored(conn) {
		return
	}
	word := serviceSubjects[r.f.Subject.key]
	for _, e := range r.lex.find(word) {
		if e.kind == kValue {
			r.setSubject(conn)
			r.addCond(r.valueExpr(e), false, word)
		}
	}
}

// fromVerb is the subject that a verb suggests, if events of it are stored;
// "attempt" and "target" fall back from logins to connections and the other
// way round.
func (r *reader) fromVerb(key string) *entry {
	e := r.lex.entry(kSubject, key)
	other := map[string]string{"login": "connection", "connection": "login"}[key]
	if key == "login" && !r.stored(e) && r.speaksOT() {
		return r.lex.entry(kSubject, "ot")
	}
	if other != "" && !r.stored(e) {
		if o := r.lex.entry(kSubject, other); r.stored(o) {
			return o
		}
		if key == "connection" {
			return nil
		}
	}
	return e
}

func (r *reader) setSubject(e *entry) {
	if e != nil {
		r.f.Subject = e
	}
}

// genericSubject gives "requests", "calls" and "events" a meaning from what
// else is said, else from what is stored.
func (r *reader) genericSubject(e *entry) {
	if e.key == "event" {
		r.setSubject(e)
		return
	}
	switch {
	case r.mentions("ics.") && r.vals.any("ics.function"):
		r.setSubject(r.lex.entry(kSubject, "ot"))
	case r.mentions("http", "url") && r.stored(r.lex.entry(kSubject, "http")):
		r.setSubject(r.lex.entry(kSubject, "http"))
	case r.mentions("query.", "rcode", "dns") && r.stored(r.lex.entry(kSubject, "dns")):
		r.setSubject(r.lex.entry(kSubject, "dns"))
	case r.vals.any("ics.function"):
		r.setSubject(r.lex.entry(kSubject, "ot"))
	case r.stored(r.lex.entry(kSubject, "http")):
		r.setSubject(r.lex.entry(kSubject, "http"))
	case r.stored(r.lex.entry(kSubject, "dns")):
		r.setSubject(r.lex.entry(kSubject, "dns"))
	}
}

// mentions tells whether a noun, value or condition of the question is about a
// field whose name has one of the parts.
func (r *reader) mentions(parts ...string) bool {
	has := func(field string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(field, p) })
	}
	for _, s := range r.spans {
		if slices.ContainsFunc(s.entries, func(e *entry) bool { return e.about(has) }) {
			return true
		}
		if slices.ContainsFunc(s.values, func(v value) bool { return has(v.field) }) {
			return true
		}
	}
	return false
}

// about tells whether an entry's field passes has.
func (e *entry) about(has func(field string) bool) bool {
	switch e.kind { //nolint:exhaustive // the others name no field
	case kEntity:
		return has(e.attrs["field"])
	case kCond:
		return has(e.key)
	case kValue:
		return slices.ContainsFunc(e.alts, func(a fieldValue) bool { return has(a.field + "=" + a.value) })
	}
	return false
}

// stored tells whether any event of a subject is stored, as far as the log
// names show.
func (r *reader) stored(e *entry) bool {
	if e.key == "http" && r.vals.any("http_request.http_method") {
		return true
	}
	if logs := e.attrs["logs"]; logs != "" {
		return len(r.vals.logs(strings.Fields(logs))) > 0
	}
	return len(r.vals.logs(subjectLogs[e.key])) > 0
}

// subjectLogs are the logs that commonly hold a subject whose class other
// logs have too; used only to see what is there, never to filter.
var subjectLogs = map[string][]string{
	"login": {"sshd", "ssh", "auth", "sudo", "su", "login", "pam", "ftpd", "logon"},
	"http":  {"http", "access"}, "dns": {"dns"}, "alert": {"alert", "notice"}, "dhcp": {"dhcp", "dhcpd"},
	"mail": {"smtp", "mail"}, "software": {"software"}, "session_ssh": {"sshd", "ssh"},
	"connection": {"conn", "flow", "netflow", "binetflow"}, "tls": {"ssl", "tls"}, "file": {"files", "fileinfo"},
}

// subjectExpr is the condition that selects a subject's events, and its
// classes.
func (r *reader) subjectExpr(e *entry) (classes []string, where *query.Expr) {
	if e == nil {
		return nil, nil
	}
	var conds []query.Expr
	logs := r.vals.logs(strings.Fields(e.attrs["logs"]))
	if len(logs) > 0 {
		conds = append(conds, logsExpr(logs))
	}
	if class := e.attrs["class"]; class != "" {
		classes = []string{class}
	}
	if len(logs) == 0 && e.attrs["logs"] != "" && e.attrs["class"] == "" {
		conds = append(conds, query.Expr{Field: "metadata.log_name", Op: query.EndsWith, Value: "/" + strings.Fields(e.attrs["logs"])[0]})
	}
	if q, ok := parseCond(e.attrs["where"]); ok {
		conds = append(conds, *q.Where)
	}
	switch len(conds) {
	case 0:
		return classes, nil
	case 1:
		return classes, &conds[0]
	}
	return classes, &query.Expr{And: conds}
}

func logsExpr(logs []string) query.Expr {
	if len(logs) == 1 {
		return query.Expr{Field: "metadata.log_name", Op: query.Eq, Value: logs[0]}
	}
	vals := make([]any, len(logs))
	for i, l := range logs {
		vals[i] = l
	}
	return query.Expr{Field: "metadata.log_name", Op: query.In, Value: vals}
}

// mainLogs narrows OT operations to the one log of each tool that holds each
// operation once, when several logs of a protocol describe the same traffic:
// the detailed log if the tool has one, else the log named as the protocol.
func (r *reader) mainLogs(protocol string) []string {
	all := r.vals.logs([]string{protocol, protocol + "_detailed"})
	tool := func(log string) string { return log[:strings.IndexByte(log, '/')+1] }
	return slices.DeleteFunc(slices.Clone(all), func(log string) bool {
		return !strings.HasSuffix(log, "_detailed") && slices.Contains(all, tool(log)+protocol+"_detailed")
	})
}

// completeSubject settles the subject once targets and measure are known:
// volumes and durations are those of connections where connections are stored
// (other logs repeat them), OT fields are those of OT operations, and
// "protocols" of data without connections are OT protocols.
func (r *reader) completeSubject() {
	field := r.f.Measure.Field
	conn, ot := r.lex.entry(kSubject, "connection"), r.lex.entry(kSubject, "ot")
	volume := strings.HasPrefix(field, "traffic.") || field == "duration"
	for i, t := range r.f.Targets {
		if strings.TrimPrefix(t, groupMark) == "connection_info.protocol_name" && !r.stored(conn) && r.vals.any("ics.protocol") {
			r.f.Targets[i] = strings.Replace(t, "connection_info.protocol_name", "ics.protocol", 1)
		}
	}
	generic := r.f.Subject == nil || r.f.Subject.key == "event" || r.f.Subject == conn && r.f.On["verb subject"]
	switch {
	case r.f.Subject == nil && volume && r.stored(conn):
		r.setSubject(conn)
	case generic && r.asksOT():
		r.setSubject(ot)
	}
	r.onlySSH()
}

// onlySSH keeps "ssh logins" to those of sshd where other programs log logins too.
func (r *reader) onlySSH() {
	if r.f.Subject == nil || r.f.Subject.key != "login" || !strings.Contains(strings.ToLower(r.question), "ssh") || r.f.On["app_name"] {
		return
	}
	_, ssh := r.vals.has("app_name", "ssh")
	_, sshd := r.vals.has("process.name", "sshd")
	others := slices.ContainsFunc([]string{"login", "su", "sudo", "klogind", "rlogind", "telnetd", "ftpd", "vsftpd", "gdm", "dropbear", "winlogon.exe"}, func(p string) bool { _, ok := r.vals.has("process.name", p); return ok })
	if ssh && sshd && others {
		r.addCond(query.Expr{Or: []query.Expr{{Field: "app_name", Op: query.Eq, Value: "ssh"}, {Field: "process.name", Op: query.Eq, Value: "sshd"}}}, false, "ssh")
	}
}

func (r *reader) asksOT() bool {
	for _, t := range r.f.Targets {
		if t = strings.TrimPrefix(t, groupMark); strings.HasPrefix(t, "ics.") && t != "ics.protocol" {
			return true
		}
	}
	for _, c := range r.f.Conds {
		if strings.HasPrefix(c.Expr.Field, "ics.") && !slices.ContainsFunc(r.f.Conds, func(d Cond) bool { return d.Expr.Field == "metadata.log_name" }) {
			return true
		}
	}
	return false
}
