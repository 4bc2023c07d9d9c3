package reading

import (
	"slices"
	"strings"

	"vedette/internal/query"
)

// takeMeasure decides what is computed: a count, a sum of a quantity, an
// average, the number of different values.
func (r *reader) takeMeasure() {
	r.f.Measure = query.Measure{Fn: query.Count}
	fn, distinct := r.takeFunction()
	if r.f.Days {
		r.f.Measure.Fn = query.Days
		return
	}
	quantity := r.takeQuantity(fn)
	if quantity == "" && r.f.Ordered {
		quantity = r.superlative()
	}
	if quantity == "" && fn != nil && computes(fn.key) && r.timesOf() {
		quantity = "duration" // "the average time to build"
	}
	if quantity == "duration" && r.f.On["took"] {
		quantity = "param.took" // "took - 224": without a unit
	}
	if field := r.mostDifferent(); distinct && quantity == "" && field != "" {
		r.f.Measure = query.Measure{Fn: query.Distinct, Field: field}
		return
	}
	r.f.On["distinct"] = distinct
	if strings.HasPrefix(quantity, "traffic.bytes") && r.f.Subject != nil && r.f.Subject.key == "file" {
		quantity = "file.size"
	}
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

// timesOf tells that how long something took is computed.
func (r *reader) timesOf() bool {
	if !r.f.On["texts"] && (r.f.Subject == nil || r.f.Subject.key != "http") {
		return false
	}
	return slices.ContainsFunc(r.toks, func(t token) bool { return t.lower == "time" || t.lower == "long" || t.lower == "seconds" })
}

// takeFunction finds the word for what is computed, and whether different
// values are counted.
func (r *reader) takeFunction() (*entry, bool) {
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
	return fn, distinct
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
		for k, d := range r.f.Conds {
			if d.Expr.Field == "dst_endpoint.ip" && d.Expr.Op == query.Eq && !d.Not {
				r.f.Conds[k].Expr.Field = "src_endpoint.ip" // sent to whoever opened the connection
			}
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
	if field := r.byNumberOf(); field != "" {
		return field
	}
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
		case "longest", "shortest", "slowest", "fastest", "quickest":
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

// byNumberOf is the X of "top 3 sources by number of different X": it is
// counted, not grouped by.
func (r *reader) byNumberOf() string {
	for i, s := range r.spans {
		if e := s.entry(kFn); e == nil || e.key != "distinct" || i < 2 || i+1 >= len(r.spans) {
			continue
		}
		before := r.spans[i-1]
		if f := before.entry(kFn); f == nil || f.key != "count" || !r.spans[i-2].is(kGroup) {
			continue
		}
		e := r.spans[i+1].entry(kEntity)
		if e == nil || e.attrs["field"] == "" {
			continue
		}
		field := r.fieldOf(e)
		if strings.HasPrefix(field, "[") {
			field = "dst_endpoint.ip"
		}
		same := func(t string) bool { return strings.TrimPrefix(t, groupMark) == field }
		if len(r.f.Targets) > 1 || len(r.f.Targets) == 1 && !same(r.f.Targets[0]) {
			r.f.Targets = slices.DeleteFunc(r.f.Targets, same)
			return field
		}
	}
	return ""
}
