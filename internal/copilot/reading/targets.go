package reading

import (
	"slices"
	"strings"

	"vedette/internal/query"
)

// takeTargets finds what is asked for: "which X", "how many X", "X per Y",
// "list X", "by X", "source and destination pairs".
func (r *reader) takeTargets() {
	for i, s := range r.spans {
		e := s.entry(kEntity)
		if e == nil || s.used || e.attrs["field"] == "" || s.is(kSubject) && s.entry(kSubject) == r.f.Subject && e.key != "signature" {
			continue
		}
		if r.modifies(i) || r.describes(i, e) {
			s.used = true
			continue
		}
		grouped := r.marked(i, kGroup)
		if n := len(r.f.Targets); n > 0 && i > 0 && r.opensBracket(i) && r.spans[i-1].is(kEntity) && !strings.HasPrefix(r.fieldOf(e), "[") {
			s.used = true
			r.f.Targets[n-1] = r.fieldOf(e) // "hosts (Host header)"
			continue
		}
		if !grouped && len(r.f.Targets) > 0 && !r.alongside(i) {
			s.used = true // a second noun that only repeats the first
			continue
		}
		field := r.targetField(i, e, grouped)
		s.used = true
		if q, ok := parseCond(e.attrs["implies"]); ok {
			r.addCond(*q.Where, false, e.attrs["words"])
		}
		r.f.Plural = r.f.Plural || r.plural(s)
		if !slices.Contains(r.f.Targets, field) && !slices.Contains(r.f.Targets, groupMark+field) {
			if grouped {
				field = groupMark + field
			}
			r.f.Targets = append(r.f.Targets, field)
		}
	}
}

// targetField is the field of the noun at span i; for a host it is the address
// on the side that the question gives it.
func (r *reader) targetField(i int, e *entry, grouped bool) string {
	field := r.fieldOf(e)
	if !strings.HasPrefix(field, "[") {
		if field == "dst_endpoint.ip" && r.f.Subject != nil && r.f.Subject.key == "file" {
			return "src_endpoint.ip" // a file comes from the server
		}
		return field
	}
	if r.f.Subject != nil && r.f.Subject.key == "login" && strings.EqualFold(r.spans[i].text, "who") {
		if r.f.On["user.name"] {
			return "src_endpoint.ip" // who tried that account
		}
		return "user.name"
	}
	if grouped && r.f.On["kind:src"] {
		return "src_endpoint.ip" // "sensors ... per device": each of the sensors
	}
	return r.targetSide(i) + "_endpoint.ip"
}

// describes tells a noun that only says where something was: "on our server",
// "through the gateway".
func (r *reader) describes(i int, e *entry) bool {
	if i < 2 || !strings.HasPrefix(e.attrs["field"], "[") && e.key != "source" && e.key != "destination" {
		return false
	}
	ours := false
	switch strings.ToLower(r.spans[i-1].text) {
	case "our", "my", "their":
		ours = true
	case "the", "this":
	default:
		return false
	}
	if r.plural(r.spans[i]) && !ours {
		return false
	}
	before := r.spans[i-2]
	switch strings.ToLower(before.text) {
	case "on", "at", "in", "through", "via", "into", "onto", "against", "to", "from", "of", "for", "with":
		return true
	}
	return before.is(kRole) && !before.is(kGroup)
}

// modifies tells a noun that only describes the noun right after it: the
// "client" of "client versions".
func (r *reader) modifies(i int) bool {
	if i+1 >= len(r.spans) || strings.ContainsAny(r.question[r.toks[r.spans[i].to-1].to:r.toks[r.spans[i+1].from].from], ",;(") || r.plural(r.spans[i]) {
		return false
	}
	n := r.spans[i+1]
	e := n.entry(kEntity)
	return e != nil && !n.used && e.attrs["field"] != "" && !n.is(kGroup) && !n.is(kRole)
}

// quantityOf is the number that a noun stands for, by subject.
func (r *reader) quantityOf(q *entry) string {
	if r.f.Subject != nil {
		if f := q.attrs["in."+r.f.Subject.key]; f != "" {
			return f
		}
	}
	return q.key
}

// fieldOf is the field that a noun stands for: "version" is another field of
// TLS sessions than of software.
func (r *reader) fieldOf(e *entry) string {
	subject := r.f.Subject
	if subject == nil {
		for _, s := range r.spans {
			if x := s.entry(kSubject); x != nil && !s.is(kEntity) {
				subject = x
				break
			}
		}
	}
	if subject != nil {
		if f := e.attrs["in."+subject.key]; f != "" {
			return f
		}
	}
	return e.attrs["field"]
}

// groupMark marks targets that were named with per or by: they group, while
// an unmarked one after "how many" is counted.
const groupMark = "per "

// marked tells whether a span of the kind stands before i with only fillers
// between.
func (r *reader) marked(i int, k kind) bool {
	for j := i - 1; j >= 0 && j >= i-4; j-- {
		if s := r.spans[j]; s.is(k) {
			s.used = true
			return true
		}
		s := r.spans[j]
		listed := s.is(kEntity) && j+1 < i && r.spans[j+1].is(kLink) // "by source and port"
		if !listed && !s.only(kStop, kEach, kFn, kLink, kRole, kOrder) {
			return false
		}
	}
	return false
}

// alongside tells nouns that are asked for together: "source and destination".
func (r *reader) alongside(i int) bool {
	for j := i - 1; j >= 0 && j >= i-2; j-- {
		if r.spans[j].is(kLink) {
			return true
		}
		if r.spans[j].is(kEntity) && slices.ContainsFunc(r.spans, func(s *span) bool { return s.is(kPair) }) {
			return true
		}
	}
	return slices.ContainsFunc(r.spans, func(s *span) bool { return s.is(kPair) })
}

func (r *reader) plural(s *span) bool {
	w := r.toks[s.to-1].lower
	return strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && w != "dns"
}

// targetSide decides whether the hosts asked for are those that started
// something or those that were addressed.
func (r *reader) targetSide(i int) string {
	if r.f.On["side:src"] != r.f.On["side:dst"] {
		if r.f.On["side:src"] {
			return "dst" // "which hosts did A contact"
		}
		return "src"
	}
	for k := r.spans[max(0, i-3)].from; k < r.spans[i].from; k++ {
		if addressedWords[r.toks[k].lower] {
			return "dst" // "the most contacted addresses"
		}
	}
	if side := r.sideByVerb(i); side != "" {
		return side
	}
	for k := i - 1; k >= 0 && k >= i-2; k-- {
		if e := r.spans[k].entry(kRole); e != nil && e.key == "dst" && !r.spans[k].is(kGroup) {
			return "dst"
		}
	}
	return "src"
}

// addressedWords describe hosts by what was done to them.
var addressedWords = map[string]bool{
	"contacted": true, "targeted": true, "attacked": true, "scanned": true, "probed": true, "visited": true, "reached": true, "addressed": true,
}

// sideByVerb reads the side of the hosts at span i off the verb after them.
func (r *reader) sideByVerb(i int) string {
	for k := i + 1; k < len(r.spans) && k <= i+5; k++ {
		s := r.spans[k]
		if e := s.entry(kVerb); e != nil || s.is(kCond) && strings.HasPrefix(s.entry(kCond).key, "expr ics.write") {
			if r.passive(k) {
				return "dst"
			}
			return "src"
		}
		if q := s.entry(kQuantity); q != nil && q.key == "traffic.bytes_in" && r.f.Subject == nil {
			return "dst"
		}
		if s.is(kWh) {
			return ""
		}
		switch w := r.toks[s.from].lower; {
		case strings.HasPrefix(w, "receive"), w == "hit", addressedWords[w]:
			return "dst"
		}
	}
	return ""
}

// takeMeasure decides what is computed: a count, a sum of a quantity, an
// average, the number of different values.
func (r *reader) takeMeasure() {
	r.f.Measure = query.Measure{Fn: query.Count}
	var fn *entry
	distinct := false
	for _, s := range r.spans {
		e := s.entry(kFn)
		if e == nil || s.used && !s.is(kOrder) {
			continue
		}
		if e.key == "distinct" {
			distinct, s.used = true, true
			continue
		}
		if fn == nil || fn.key == "count" && e.key != "sum" || fn.key == "sum" && e.key != "count" {
			if fn == nil || e.key != "sum" {
				fn = e
			}
		}
		s.used = true
	}
	quantity := r.takeQuantity(fn)
	if quantity == "" && r.f.Ordered {
		quantity = r.superlative()
	}
	if field := r.mostDifferent(); distinct && quantity == "" && field != "" {
		r.f.Measure = query.Measure{Fn: query.Distinct, Field: field}
		return
	}
	r.f.On["distinct"] = distinct
	quantity = r.bothWays(quantity)
	quantity = r.seenFromSender(quantity)
	switch {
	case quantity != "":
		r.f.Measure = query.Measure{Fn: r.quantityFn(fn), Field: quantity}
	case fn != nil && fn.key == "sum" && r.f.Subject != nil && r.f.Subject.key == "connection" && r.saidHowMuch():
		r.f.Measure = query.Measure{Fn: query.Sum, Field: "traffic.bytes"}
	case fn != nil && fn.key != "count" && fn.key != "sum":
		r.numericTarget(query.Fn(fn.key))
	}
	if fn != nil {
		r.f.On["fn:"+fn.key] = true
	}
}

// bothWays: bytes "sent plus received" or "in both directions" are the sum.
func (r *reader) bothWays(quantity string) string {
	base, _, found := strings.Cut(strings.TrimSuffix(strings.TrimSuffix(quantity, "_out"), "_in"), " ")
	if found || !strings.HasPrefix(base, "traffic.") || base == quantity {
		return quantity
	}
	out, in := false, false
	for _, t := range r.toks {
		switch t.lower {
		case "sent", "send", "sends", "uploaded", "transmitted", "outgoing", "out":
			out = true
		case "received", "receive", "receives", "downloaded", "incoming":
			in = true
		case "both", "either":
			out, in = true, true
		}
	}
	if out && in {
		return base
	}
	return quantity
}

// seenFromSender: bytes are counted from the side of who opened the
// connection, so what a server sent is what came in.
func (r *reader) seenFromSender(quantity string) string {
	if r.f.On["receives"] && quantity == "traffic.bytes" {
		return "traffic.bytes_in"
	}
	if quantity == "traffic.bytes_out" && r.onlyAddressed() {
		return "traffic.bytes_in"
	}
	server := r.f.On["server"] || slices.Contains(r.f.Targets, "dst_endpoint.ip") && !r.f.On["side:src"]
	if !server {
		return quantity
	}
	switch quantity {
	case "traffic.bytes_out":
		if r.saidSend() {
			return "traffic.bytes_in"
		}
	case "traffic.packets_out":
		return "traffic.packets_in"
	}
	return quantity
}

// onlyAddressed tells that the sender never opened a connection itself: what it
// sent came back over connections that others opened. It turns the condition
// round and says so.
func (r *reader) onlyAddressed() bool {
	for i, c := range r.f.Conds {
		if c.Expr.Field != "src_endpoint.ip" || c.Expr.Op != query.Eq || c.Not {
			continue
		}
		addr, _ := c.Expr.Value.(string)
		_, opens := r.vals.has("src_endpoint.ip", addr)
		if _, addressed := r.vals.has("dst_endpoint.ip", addr); opens || !addressed {
			continue
		}
		r.f.Conds[i].Expr.Field = "dst_endpoint.ip"
		r.note("%s opened no connection itself, so what it sent is what came back over those of others", addr)
		return true
	}
	return false
}

// saidSend tells that the sending is done by the hosts asked for ("sent"),
// not to them ("sent to").
func (r *reader) saidSend() bool {
	for i, s := range r.spans {
		switch r.toks[s.from].lower {
		case "sent", "send", "sends", "sending", "transmitted", "uploaded", "returned":
			return i+1 >= len(r.spans) || !strings.HasPrefix(strings.ToLower(r.spans[i+1].text), "to") || r.f.On["server"]
		}
	}
	return false
}

// mostDifferent is what is counted in "which source tried the most different
// users": a noun after "different" that is not the one asked for.
func (r *reader) mostDifferent() string {
	if !r.f.Ordered || len(r.f.Targets) == 0 {
		return ""
	}
	for i, s := range r.spans {
		if e := s.entry(kFn); e == nil || e.key != "distinct" || i+1 >= len(r.spans) {
			continue
		}
		e := r.spans[i+1].entry(kEntity)
		if e == nil || e.attrs["field"] == "" {
			continue
		}
		field := r.fieldOf(e)
		if strings.HasPrefix(field, "[") {
			field = map[bool]string{true: "dst_endpoint.ip", false: "src_endpoint.ip"}[r.f.Targets[0] == "src_endpoint.ip"]
		}
		if strings.TrimPrefix(r.f.Targets[0], groupMark) != field {
			return field
		}
	}
	return ""
}

func (r *reader) saidHowMuch() bool { return strings.Contains(strings.ToLower(r.question), "how much") }

// numericTarget: "highest port", "average quantity": the target is measured
// instead of listed, if it is a number.
func (r *reader) numericTarget(fn query.Fn) {
	if len(r.f.Targets) == 0 {
		return
	}
	f, ok := r.schema.Lookup(strings.TrimPrefix(r.f.Targets[0], groupMark))
	if ok && (f.Kind.String() == "number" || f.Kind.String() == "whole number") && !strings.HasPrefix(r.f.Targets[0], groupMark) {
		r.f.Measure = query.Measure{Fn: fn, Field: f.Name}
		r.f.Targets = r.f.Targets[1:]
	}
}

// takeQuantity finds the number that is added up or averaged.
func (r *reader) takeQuantity(fn *entry) string {
	field := ""
	for i, s := range r.spans {
		q := s.entry(kQuantity)
		if q == nil || s.used && !s.is(kVerb) {
			continue
		}
		s.used = true
		if r.onlyVerb(s, fn) || r.justMany(s) {
			continue
		}
		if q.key == "traffic.bytes" || field == "" {
			q2 := r.directed(i, r.quantityOf(q))
			if field == "" || q2 != "traffic.bytes" {
				field = q2
			}
			continue
		}
		if field == "traffic.bytes" && (q.key == "traffic.bytes_out" || q.key == "traffic.bytes_in") {
			field = q.key
		}
		if field == "traffic.packets" && q.key == "traffic.bytes_out" {
			field = "traffic.packets_out"
		}
		if field == "traffic.packets" && q.key == "traffic.bytes_in" {
			field = "traffic.packets_in"
		}
	}
	return field
}

// onlyVerb tells "sent", "received" and the like where they are just what was
// done ("which hosts sent commands") and no volume is asked for.
func (r *reader) onlyVerb(s *span, fn *entry) bool {
	switch stem(strings.ToLower(s.text)) {
	case "send", "sent", "transmit", "upload", "receiv", "exfiltrat", "download":
	default:
		return false
	}
	if s := r.f.Subject; s != nil && s.key != "connection" {
		return true
	}
	return !r.f.Ordered && (fn == nil || fn.key == "count") && len(r.f.Having) == 0
}

// justMany: the "volume" of alerts or logins is how many there are.
func (r *reader) justMany(s *span) bool {
	if !strings.EqualFold(s.text, "volume") || r.f.Subject == nil {
		return false
	}
	switch r.f.Subject.key {
	case "connection", "http", "file":
		return false
	}
	return true
}

// directed turns "bytes ... sent" into the bytes of one direction.
func (r *reader) directed(i int, field string) string {
	if field != "traffic.bytes" && field != "traffic.packets" {
		return field
	}
	out, in := false, false
	for k := max(0, i-5); k < len(r.spans) && k <= i+5; k++ {
		switch r.toks[r.spans[k].from].lower {
		case "sent", "send", "sends", "uploaded", "transmitted", "outgoing", "outbound", "upload", "transmit", "sending":
			out = true
		case "received", "receive", "receives", "downloaded", "incoming", "inbound", "download", "receiving", "returned":
			in = true
		}
	}
	if out != in {
		if out {
			return field + "_out"
		}
		return field + "_in"
	}
	return field
}

func (r *reader) quantityFn(fn *entry) query.Fn {
	if fn == nil || fn.key == "count" || fn.key == "sum" {
		return query.Sum
	}
	return query.Fn(fn.key)
}

// superlative is the quantity that "longest" or "largest" speaks of when none
// is named.
func (r *reader) superlative() string {
	key := "connection"
	if r.f.Subject != nil {
		key = r.f.Subject.key
	}
	for _, t := range r.toks {
		switch t.lower {
		case "longest", "shortest":
			if key == "dhcp" {
				return "dhcp.lease_time"
			}
			return "duration"
		case "largest", "biggest", "smallest", "heaviest":
			if f := map[string]string{"connection": "traffic.bytes", "file": "file.size", "http": "http_response.length"}[key]; f != "" && len(r.f.Targets) == 0 {
				return f
			}
		}
	}
	return ""
}
