package opcua

import (
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
)

// requestHeader reads what every request begins with (part 4, section 7.33).
func requestHeader(e *event.Event, r *ics.Reader) {
	if token := readNode(r); token.number != 0 || token.text != "" {
		e.SetSessionUID(token.String())
	}
	r.Skip(8)
	e.AddExtra("req_hdr_request_handle", strconv.Itoa(r.LE32()))
	r.Skip(4)
	e.AddExtra("req_hdr_audit_entry_id", str(r))
	r.Skip(4)
	extension(r)
}

// responseHeader reads what every answer begins with (section 7.34), and
// reports whether the service was done.
func responseHeader(e *event.Event, r *ics.Reader) bool {
	r.Skip(8)
	e.AddExtra("res_hdr_request_handle", strconv.Itoa(r.LE32()))
	code := r.LE32()
	e.AddExtra("status_code", ics.Code(code, 8))
	outcome(e, code)
	diagnostics(r, 0)
	skipStrings(r)
	extension(r)
	return r.OK()
}

// severityBad is the bit that makes a status an error (section 7.39).
const severityBad uint32 = 0x80000000

func outcome(e *event.Event, code int) {
	if uint32(code)&severityBad != 0 { //nolint:gosec // G115: only the bits matter
		ics.Bad(e, statusName(code))
		return
	}
	ics.Good(e)
}

// diagnostics passes over a DiagnosticInfo (part 6, section 5.2.2.12).
func diagnostics(r *ics.Reader, depth int) {
	mask := r.U8()
	for _, bit := range []int{1, 2, 8, 4} {
		if mask&bit != 0 {
			r.Skip(4)
		}
	}
	if mask&0x10 != 0 {
		blob(r)
	}
	if mask&0x20 != 0 {
		r.Skip(4)
	}
	if mask&0x40 != 0 && depth < maxVariantDepth {
		diagnostics(r, depth+1)
	}
}

// detail reads what a request asks for.
func detail(e *event.Event, id int, r *ics.Reader) {
	switch id {
	case idOpenChannel:
		r.Skip(4)
		kind := r.LE32()
		mode := r.LE32()
		e.AddExtra("sec_token_request_type", strconv.Itoa(kind))
		e.AddExtra("message_security_mode", nameOf(securityModes, mode))
	case idGetEndpoints, idFindServers:
		e.AddExtra("endpoint_url", str(r))
	case idCreateSession:
		a := application(r)
		e.AddExtra("application_uri", a.uri)
		e.AddExtra("application_name", a.name)
		e.AddExtra("product_uri", a.product)
		blob(r)
		e.AddExtra("endpoint_url", str(r))
		e.AddExtra("session_name", str(r))
	case idActivateSession:
		activate(e, r)
	case idRead:
		r.Skip(8 + 4)
		nodes(e, r, func() string {
			n := readNode(r).String()
			attribute := r.LE32()
			blob(r)
			r.Skip(2)
			blob(r)
			return n + attributeName(attribute)
		})
	case idWrite:
		writes(e, r)
	case idCall:
		nodes(e, r, func() string {
			object, method := readNode(r), readNode(r)
			var l ics.List
			for range count(r) {
				l.Add(variant(r, 0))
				if !r.OK() {
					break
				}
			}
			e.SetICSValue(l.String())
			return object.String() + " " + method.String()
		})
	default:
		detailNodes(e, id, r)
	}
}

// detailNodes reads the requests that are about nodes or subscriptions.
func detailNodes(e *event.Event, id int, r *ics.Reader) {
	switch id {
	case idBrowse:
		readNode(r)
		r.Skip(8 + 4 + 4)
		nodes(e, r, func() string {
			n := readNode(r).String()
			r.Skip(4)
			readNode(r)
			r.Skip(1 + 4 + 4)
			return n
		})
	case idAddNodes:
		nodes(e, r, func() string {
			parent := readNode(r).String()
			readNode(r)
			n := readNode(r).String()
			r.Skip(2)
			browse := str(r)
			r.Skip(4)
			extension(r)
			readNode(r)
			return parent + "/" + browse + " (" + n + ")"
		})
	case idDeleteNodes:
		nodes(e, r, func() string {
			n := readNode(r).String()
			r.Skip(1)
			return n
		})
	case idMonitor:
		e.AddExtra("subscription_id", strconv.Itoa(r.LE32()))
		r.Skip(4)
		nodes(e, r, func() string {
			n := readNode(r).String()
			attribute := r.LE32()
			blob(r)
			r.Skip(2)
			blob(r)
			r.Skip(4 + 4 + 8)
			extension(r)
			r.Skip(4 + 1)
			return n + attributeName(attribute)
		})
	case idSubscribe:
		r.Skip(8)
		e.AddExtra("requested_lifetime_count", strconv.Itoa(r.LE32()))
		e.AddExtra("requested_max_keep_alive_count", strconv.Itoa(r.LE32()))
	}
}

// nodes reads a list of operands: their names, and how many.
func nodes(e *event.Event, r *ics.Reader, one func() string) {
	n := count(r)
	e.SetICSQuantity(int64(n))
	var l ics.List
	for i := 0; i < n && !l.Full(); i++ {
		s := one()
		if !r.OK() {
			break
		}
		l.Add(s)
	}
	e.SetICSObject(l.String())
}

func writes(e *event.Event, r *ics.Reader) {
	var values ics.List
	nodes(e, r, func() string {
		n := readNode(r).String()
		attribute := r.LE32()
		blob(r)
		v, _ := dataValue(r, 0)
		if r.OK() {
			values.Add(v)
		}
		return n + attributeName(attribute)
	})
	e.SetICSValue(values.String())
}
