package reading

import (
	"net/netip"
	"slices"
	"strings"

	"vedette/internal/event"
	"vedette/internal/query"
)

// takeComparisons reads "more than 5 ...", "over 1 MB", "at least ten", "5 or
// more" and decides what the number is compared with.
func (r *reader) takeComparisons() {
	for i, s := range r.spans {
		op := s.entry(kOp)
		if op == nil || s.used {
			continue
		}
		k := i + 1
		for k < len(r.spans) && r.spans[k].num == nil && r.spans[k].only(kStop, kIs, kFn, kEach) {
			k++
		}
		if k >= len(r.spans) || r.spans[k].num == nil || r.spans[k].used {
			continue
		}
		s.used = true
		not := r.negated(i)
		r.compare(i, k, query.Op(op.key), not)
	}
	for i, s := range r.spans {
		if post := s.entry(kPost); post != nil && !s.used && i > 0 && r.spans[i-1].num != nil && !r.spans[i-1].used {
			s.used = true
			r.compare(i-1, i-1, query.Op(post.key), false)
		}
	}
	r.takeRanges()
}

// takeRanges reads "between 1000 and 2000 bytes" for numbers.
func (r *reader) takeRanges() {
	for i := 0; i+3 < len(r.spans); i++ {
		s := r.spans
		if !strings.EqualFold(s[i].text, "between") || s[i+1].num == nil || !s[i+2].is(kLink) || s[i+3].num == nil || s[i+1].used {
			continue
		}
		if s[i+1].num.unit == "" && s[i+3].num.unit != "" {
			s[i+1].num.unit = s[i+3].num.unit
		}
		s[i].used, s[i+2].used = true, true
		r.compare(i, i+1, query.Ge, false)
		r.compare(i, i+3, query.Le, false)
	}
}

// compare attaches "op number" (comparison word at i, number at k) to a field
// before it, a unit, or the noun after it.
func (r *reader) compare(i, k int, op query.Op, not bool) {
	num := r.spans[k].num
	r.spans[k].used = true
	if field := r.numericField(i, k); field != "" {
		r.addCond(query.Expr{Field: field, Op: op, Value: num.n}, not, r.spans[k].text)
		return
	}
	switch num.unit {
	case "bytes":
		r.addCond(query.Expr{Field: r.byteField(), Op: op, Value: num.n}, not, r.spans[k].text)
		return
	case "s":
		r.addCond(query.Expr{Field: "duration", Op: op, Value: num.n}, not, r.spans[k].text)
		return
	}
	m := query.Measure{Fn: query.Count}
	for j := k + 1; j < len(r.spans) && j <= k+4; j++ {
		s := r.spans[j]
		if q := s.entry(kQuantity); q != nil && !s.is(kVerb) {
			m = query.Measure{Fn: query.Sum, Field: q.key}
			s.used = true
			break
		}
		if s.is(kSubject) {
			break
		}
		if e := s.entry(kEntity); e != nil && e.attrs["field"] != "" {
			m = query.Measure{Fn: query.Distinct, Field: r.fieldOf(e)}
			s.used = true
			break
		}
		if !s.only(kStop, kFn, kCond, kValue) && len(s.values) == 0 {
			break
		}
	}
	r.f.Having = append(r.f.Having, query.Having{By: "", Op: op, Value: num.n})
	r.f.Measures = append(r.f.Measures, m)
}

// numericField finds the number field that a comparison is about: named just
// before it ("port above 1024"), or a quantity just after ("more than 1000
// bytes") when nothing is grouped.
func (r *reader) numericField(i, k int) string {
	fieldOf := func(s *span) string {
		if s == nil || s.used {
			return ""
		}
		if q := s.entry(kQuantity); q != nil {
			s.used = true
			return q.key
		}
		if e := s.entry(kEntity); e != nil {
			if f, ok := r.schema.Lookup(r.fieldOf(e)); ok && (f.Kind == event.Int || f.Kind == event.Float) {
				s.used = true
				return f.Name
			}
		}
		return ""
	}
	for j, n := i-1, 0; j >= 0 && n < 3; j, n = j-1, n+1 {
		if f := fieldOf(r.spans[j]); f != "" {
			return f
		}
		if !r.spans[j].only(kStop, kIs, kNeg, kFn, kVerb, kRole, kGroup) {
			break
		}
	}
	if k+1 < len(r.spans) && !r.grouped() {
		if q := r.spans[k+1].entry(kQuantity); q != nil {
			r.spans[k+1].used = true
			return q.key
		}
	}
	return ""
}

// grouped tells whether the question asks about hosts or the like, so that
// "more than 1000 bytes" is a sum and not a property of one record.
func (r *reader) grouped() bool {
	for _, s := range r.spans {
		if s.is(kEntity) && !s.used {
			return true
		}
	}
	return false
}

// byteField is what a bare "1 MB" is compared with: the direction that a verb
// or noun of the question gives, else both ways.
func (r *reader) byteField() string {
	for _, s := range r.spans {
		if q := s.entry(kQuantity); q != nil && q.attrs["unit"] == "bytes" {
			s.used = true
			return q.key
		}
	}
	return "traffic.bytes"
}

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
