package reading

import (
	"slices"
	"strings"

	"vedette/internal/query"
)

// addStored adds a condition for a stored value; when several fields have it,
// the ones that fit the subject are taken, as alternatives.
func (r *reader) addStored(i int, s *span) {
	vals := r.fitting(r.computerNames(i, s.values))
	if i+1 < len(r.spans) && r.spans[i+1].is(kEntity) && r.spans[i+1].entry(kEntity).attrs["field"] == vals[0].field {
		r.spans[i+1].used = true // "the medical zone"
	}
	if r.isHead(i, vals[0]) {
		r.heads = append(r.heads, i)
		return
	}
	alts := make([]query.Expr, 0, len(vals))
	side := ""
	if strings.HasPrefix(vals[0].field, "device.") {
		side = r.sideOf(i)
		r.f.On["side:"+side] = true
		r.f.On["kind:"+side] = vals[0].field != "device.name"
	}
	if r.theOtherEnd(i) && (r.eitherSide(vals[0], side) || r.eitherSide(vals[0], "") && vals[0].count == 0) {
		r.note("took %q for the other end of the traffic, not for a filter by device type", s.text)
		return
	}
	if r.eitherSide(vals[0], side) {
		v := vals[0]
		r.wantType(v)
		attr := strings.TrimPrefix(v.field, "device.")
		r.addCond(query.Expr{Or: []query.Expr{
			{Field: "src_endpoint." + attr, Op: v.op(), Value: v.value}, {Field: "dst_endpoint." + attr, Op: v.op(), Value: v.value},
		}}, r.negated(i), s.text)
		return
	}
	field := func(name string) string {
		attr, ok := strings.CutPrefix(name, "device.")
		if ok && side != "" && attr != "hostname" && attr != "model" {
			return side + "_endpoint." + attr
		}
		return name
	}
	for _, v := range vals {
		r.wantType(v)
		if v.written && v.count > 0 {
			r.note("took %q for a stored %s, a text that a device or peer wrote", v.value, plainField(v.field))
		}
		e := query.Expr{Field: field(v.field), Op: v.op(), Value: v.value}
		if !slices.ContainsFunc(alts, func(x query.Expr) bool { return x.Field == e.Field && x.Value == e.Value }) {
			alts = append(alts, e)
		}
	}
	not := r.negated(i)
	if len(alts) == 1 {
		r.addCond(alts[0], not, s.text)
		return
	}
	r.addCond(query.Expr{Or: alts}, not, s.text)
}

// eitherSide: OT traffic goes both ways between two ends, so "uploaded from
// the PLC" and "the PLC answered" mean traffic that a PLC takes part in.
func (r *reader) eitherSide(v value, side string) bool {
	ot := r.f.Subject == nil && r.speaksOT() || r.f.Subject != nil && r.f.Subject.key == "ot"
	return ot && (v.field == "device.type" || v.field == "device.vendor") && side != "dst"
}

// theOtherEnd: "the PLC" or "a Siemens controller" in a question about OT
// traffic speaks of whoever is at the other end; "PLCs" is a kind of device.
func (r *reader) theOtherEnd(i int) bool {
	if r.plural(r.spans[i]) {
		return false
	}
	if i+1 < len(r.spans) && r.spans[i+1].is(kEntity) && r.spans[i+1].entry(kEntity).key == "object" {
		return true // "PLC block"
	}
	for k := i - 1; k >= 0 && k >= i-3; k-- {
		s := r.spans[k]
		switch strings.ToLower(s.text) {
		case "the", "a", "an", "our":
			return true
		}
		if !s.is(kValue) && !s.unknown && len(s.values) == 0 {
			return false
		}
	}
	return false
}

// speaksOT tells a question without a subject that has words or values of OT
// traffic in it.
func (r *reader) speaksOT() bool {
	if !r.vals.any("ics.function") {
		return false
	}
	return slices.ContainsFunc(r.spans, func(s *span) bool {
		if e := s.entry(kCond); e != nil && strings.HasPrefix(e.key, "expr ics.") {
			return true
		}
		if e := s.entry(kVerb); e != nil && e.key == "ot" {
			return true
		}
		if e := s.entry(kValue); e != nil && strings.HasPrefix(e.alts[0].field, "ics.") {
			return true
		}
		return slices.ContainsFunc(s.values, func(v value) bool { return strings.HasPrefix(v.field, "ics.") })
	})
}

// op compares with the whole value, or with a part of it.
func (v value) op() query.Op {
	if v.part {
		return query.Contains
	}
	return query.Eq
}

// wantType remembers a known type of device that no device is of.
func (r *reader) wantType(v value) {
	if _, ok := r.vals.has(v.field, v.value); !ok && v.field == "device.type" {
		r.want(v.field, v.value, query.Eq)
	}
}

// fitting picks the one field that is meant when several have the value. What
// sensors, people and the vocabulary say comes first; then what the subject is
// about; among texts that devices wrote the order of fields decides, never how
// often they wrote it.
func (r *reader) fitting(vals []value) []value {
	best := keepIf(vals, func(v value) bool { return !v.written })
	var own []string
	if r.f.Subject != nil {
		own = ownFields[r.f.Subject.key]
	}
	best = keepIf(best, func(v value) bool { return slices.Contains(own, v.field) })
	top := best[0]
	if top.written {
		order := slices.Concat(own, writtenFields)
		top = slices.MinFunc(best, func(a, b value) int { return position(order, a.field) - position(order, b.field) })
	} else {
		top = slices.MaxFunc(best, func(a, b value) int { return int(a.count - b.count) })
	}
	return slices.DeleteFunc(slices.Clone(best), func(v value) bool { return v.field != top.field })
}

// computerNames prefers names of hosts after "the computer X".
func (r *reader) computerNames(i int, vals []value) []value {
	if i == 0 {
		return vals
	}
	e := r.spans[i-1].entry(kEntity)
	if e == nil || e.key != "host" && e.key != "device" {
		return vals
	}
	return keepIf(vals, func(v value) bool {
		return v.field == "device.name" || v.field == "device.hostname" || strings.HasSuffix(v.field, "_endpoint.hostname")
	})
}

// keepIf narrows a list to what meets a wish, if anything does.
func keepIf(vals []value, wish func(value) bool) []value {
	var out []value
	for _, v := range vals {
		if wish(v) {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		return vals
	}
	return out
}

func position(list []string, s string) int {
	if i := slices.Index(list, s); i >= 0 {
		return i
	}
	return len(list)
}

// ownFields are the fields whose values a subject's questions name.
var ownFields = map[string][]string{
	"login":      {"user.name", "auth_protocol", "process.name", "device.hostname", "device.name"},
	"dns":        {"query.hostname", "query.type", "rcode"},
	"http":       {"http_request.url.hostname", "http_request.http_method", "http_request.url.path", "http_request.user_agent", "file.mime_type"},
	"tls":        {"tls.sni", "tls.version"},
	"alert":      {"finding_info.title", "finding_info.category", "disposition"},
	"ot":         {"ics.function", "ics.object", "ics.response", "ics.protocol"},
	"file":       {"file.mime_type", "file.name"},
	"connection": {"connection_info.protocol_name", "app_name", "connection_info.state"},
	"dhcp":       {"src_endpoint.hostname", "src_endpoint.mac"},
	"software":   {"product.name"},
	"mail":       {"email.from", "email.subject"},
}

func plainField(f string) string { return strings.ReplaceAll(f, "_", " ") }
