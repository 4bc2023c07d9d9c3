package reading

import (
	"net/netip"
	"slices"
	"strings"

	"vedette/internal/query"
)

// takeAddresses gives each address its side: the word before it, else the
// verb and its voice, else either.
func (r *reader) takeAddresses() {
	r.twoEnds()
	first := true
	for i, s := range r.spans {
		if s.used || s.addr == "" && s.mac == "" {
			continue
		}
		s.used = true
		not := r.negated(i)
		side := r.sideOf(i)
		if r.f.Subject != nil && r.f.Subject.key == "software" {
			side = "" // a sighting has one host
		}
		if r.f.On["receives"] {
			side = map[bool]string{true: "src", false: "dst"}[first]
			first = false
		}
		r.f.On["side:"+side] = true
		if s.mac != "" {
			r.addCond(sided(side, "mac", query.Eq, s.mac), not, s.text)
			continue
		}
		op, val := query.Eq, s.addr
		if strings.Contains(s.addr, "/") {
			op = query.CIDR
		} else if a, err := netip.ParseAddr(s.addr); err == nil {
			val = a.Unmap().WithZone("").String()
		}
		r.addCond(sided(side, "ip", op, val), not, s.text)
	}
}

// twoEnds settles the sides of two addresses: who "got" something "from"
// another opened the connection, and the bytes are those that came in.
func (r *reader) twoEnds() {
	var at []int
	for i, s := range r.spans {
		if s.addr != "" && !strings.Contains(s.addr, "/") {
			at = append(at, i)
		}
	}
	if len(at) != 2 || at[1] < 2 || !strings.EqualFold(r.spans[at[1]-1].text, "from") {
		return
	}
	for k := r.spans[at[0]].to; k < r.spans[at[1]].from; k++ {
		switch r.toks[k].lower {
		case "got", "get", "gets", "received", "receive", "receives", "downloaded", "download", "pulled", "fetched":
			r.f.On["receives"] = true
		}
	}
}

func sided(side, attr string, op query.Op, v any) query.Expr {
	src := query.Expr{Field: "src_endpoint." + attr, Op: op, Value: v}
	dst := query.Expr{Field: "dst_endpoint." + attr, Op: op, Value: v}
	switch side {
	case "src":
		return src
	case "dst":
		return dst
	}
	return query.Expr{Or: []query.Expr{src, dst}}
}

// sideOf decides whether span i names who started something ("src"), who was
// addressed ("dst") or either ("").
func (r *reader) sideOf(i int) string {
	k, at := i-1, i // at: the leftmost word of the address's own phrase ("host 10.0.0.5")
	for ; k >= 0; k-- {
		s := r.spans[k]
		if s.addr != "" || s.is(kLink) || s.is(kNeg) || s.is(kEach) {
			continue // "from A or B": B has the side of A
		}
		if e := s.entry(kEntity); e != nil && k == at-1 && (e.key == "host" || e.key == "device" || e.key == "source" || e.key == "destination") {
			at = k
			if e.key == "source" {
				s.used = true
				return "src"
			}
			if e.key == "destination" {
				s.used = true
				r.f.On["server"] = true
				return "dst"
			}
			s.used = true
			continue // "from host A"
		}
		if s.only(kStop, kIs) && !s.is(kRole) {
			continue
		}
		break
	}
	between := slices.ContainsFunc(r.spans[:i], func(s *span) bool { return strings.EqualFold(s.text, "between") })
	if between {
		return ""
	}
	if k >= 0 && (k == i-1 || !r.spans[k].is(kEntity)) { // "which hosts did X contact": hosts are asked for
		if side, ok := r.roleSide(r.spans[k], i); ok {
			return side
		}
	}
	return r.voice(i)
}

func (r *reader) roleSide(s *span, i int) (string, bool) {
	e := s.entry(kRole)
	if e == nil {
		return "", false
	}
	s.used = true
	switch e.key {
	case "src", "dst":
		if e.key == "src" && strings.EqualFold(s.text, "by") && r.f.Subject != nil && r.f.Subject.key == "file" {
			return "dst", true // who downloads a file receives it
		}
		if e.key == "src" && r.answersOf() {
			return "dst", true // an exception "from X" answers what was sent to X
		}
		return e.key, true
	}
	if strings.EqualFold(s.text, "with") {
		return "", true
	}
	if v := r.voice(i); v != "" && (strings.EqualFold(s.text, "for") || strings.EqualFold(s.text, "of")) && r.verbBefore(i) < 0 {
		return v, true
	}
	return "", true
}

// answersOf tells a question about what OT devices answered.
func (r *reader) answersOf() bool {
	if r.f.Subject == nil && !r.speaksOT() || r.f.Subject != nil && r.f.Subject.key != "ot" {
		return false
	}
	return slices.ContainsFunc(r.toks, func(t token) bool {
		return t.stem == "exception" || t.stem == "respons" || t.stem == "reply" || t.stem == "answer"
	})
}

// voice reads the side off the verb: who stands before an active verb started
// it, who stands after it was addressed.
func (r *reader) voice(i int) string {
	for k := i + 1; k < len(r.spans) && k <= i+4; k++ {
		s := r.spans[k]
		if active(s) {
			if r.passive(k) {
				return "dst" // "was X contacted by anyone"
			}
			return "src"
		}
		if q := s.entry(kQuantity); q != nil && (q.key == "traffic.bytes_out" || q.key == "traffic.packets_out") {
			return "src"
		}
		if q := s.entry(kQuantity); q != nil && q.key == "traffic.bytes_in" {
			return r.receiver()
		}
		switch r.toks[s.from].lower {
		case "sent", "open", "opens", "opened", "initiate", "initiated", "make", "made", "establish", "established", "start", "started":
			return "src" // "bytes that X sent to ...", "connections X opened"
		}
		if s.addr != "" || s.is(kWh) {
			break
		}
	}
	if v := r.verbBefore(i); v >= 0 && !r.passive(v) {
		return "dst"
	}
	return ""
}

// receiver: a host that "received" bytes is the side that was addressed.
func (r *reader) receiver() string { return "dst" }

func active(s *span) bool {
	e := s.entry(kVerb)
	if e == nil {
		e = s.entry(kCond)
		return e != nil && strings.HasPrefix(e.key, "expr ics.write") && !s.only(kSubject)
	}
	return !s.is(kRole)
}

// passive: "was scanned", "were contacted by".
func (r *reader) passive(v int) bool {
	for k := v - 1; k >= 0 && k >= v-2; k-- {
		switch strings.ToLower(r.spans[k].text) {
		case "was", "were", "is", "are", "been", "being", "got", "be", "gets", "get":
			return strings.HasSuffix(strings.ToLower(r.toks[r.spans[v].from].text), "ed") || isIrregularPassive(r.toks[r.spans[v].from].lower)
		}
	}
	if v+1 < len(r.spans) && strings.EqualFold(r.spans[v+1].text, "by") && strings.HasSuffix(r.toks[r.spans[v].to-1].lower, "ed") {
		return true
	}
	return false
}

func isIrregularPassive(w string) bool {
	return w == "hit" || w == "sent" || w == "read" || w == "written"
}

// verbBefore finds an active verb before span i with no other address between.
func (r *reader) verbBefore(i int) int {
	for k := i - 1; k >= 0 && k >= i-5; k-- {
		if r.spans[k].addr != "" {
			return -1
		}
		if active(r.spans[k]) {
			return k
		}
	}
	return -1
}
