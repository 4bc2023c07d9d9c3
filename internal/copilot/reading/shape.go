package reading

import (
	"regexp"
	"slices"
	"strings"

	"vedette/internal/query"
)

// shapes collects the form words that are still free.
func (r *reader) shapes() map[string]bool {
	out := map[string]bool{}
	for _, s := range r.spans {
		if e := s.entry(kShape); e != nil && (!s.used || s.is(kOrder) || e.key == "share") && !r.isSubject(s) {
			out[e.key] = true
		}
	}
	return out
}

// isSubject tells a span that names the subject.
func (r *reader) isSubject(s *span) bool { return s.is(kSubject) && s.entry(kSubject) == r.f.Subject }

// decideShape chooses the form of the answer. A measure that was asked for
// beats a mere "show me"; a yes/no opening counts only when nothing else is
// asked.
func (r *reader) decideShape() {
	sh := r.shapes()
	count := r.f.On["fn:count"]
	if r.moreOfTwo() {
		r.f.Ordered, r.f.Limit, r.f.Plural = true, 0, true
	}
	if sh["compare"] || r.moreOfTwo() || len(r.f.Targets) == 0 && r.saidEach() {
		r.compareValues()
	}
	if r.moreOfOne() {
		r.f.Difference, r.f.More = true, true
	}
	switch {
	case sh["unusual"] && !count:
		r.f.Shape = UnusualShape
	case sh["share"] && r.ratioOfTwo():
		r.f.Shape, r.f.Ratio, r.f.Targets = CountShape, true, nil
	case sh["share"] && (len(r.f.Conds) > 0 || len(r.f.Targets) > 0 && len(r.f.Measures) == 0):
		r.f.Shape = ShareShape
	case r.isInventory(sh):
		r.f.Shape = DevicesShape
		if sh["new"] && len(r.f.Times) == 0 { // new without a time is a state of their life
			r.addCond(query.Expr{Field: "device.state", Op: query.Eq, Value: "new"}, false, "new")
		}
	case r.newDevices(sh):
		r.f.Shape, r.f.Pick = DevicesShape, "new"
	case sh["never"] && len(r.f.Targets) > 0 && r.neverOfTarget():
		r.f.Shape, r.f.Pick = TableShape, "never"
	case sh["new"] && len(r.f.Targets) == 0 && r.f.Subject != nil && r.f.Subject.key == "connection" && !count && r.f.Bucket == "":
		r.f.Targets = []string{"src_endpoint.ip", "dst_endpoint.ip"}
		r.f.Shape, r.f.Pick = TableShape, "new"
	case sh["new"] && len(r.f.Targets) > 0:
		r.f.Shape, r.f.Pick = TableShape, "new"
	case r.asksWhen(sh):
		r.whenShape(sh)
	case (r.f.Bucket != "" || sh["trend"]) && !r.f.Ordered:
		r.f.Shape = TrendShape
		if count && len(r.f.Targets) == 1 && !strings.HasPrefix(r.f.Targets[0], groupMark) && r.firstCounted() == "entity" {
			r.f.Measure, r.f.Targets = query.Measure{Fn: query.Distinct, Field: r.f.Targets[0]}, nil
		}
		if r.f.Bucket == "" {
			r.f.Bucket = "auto"
		}
	default:
		r.plainShape(sh, count)
	}
}

// ratioOfTwo tells "the ratio of tcp flows to udp flows": two values of one
// field, set against each other.
func (r *reader) ratioOfTwo() bool {
	low := strings.ToLower(r.question)
	if at := strings.Index(low, "ratio "); at < 0 || !strings.Contains(low[at:], " to ") && !strings.Contains(low[at:], " and ") || len(r.f.Measures) > 0 {
		return false
	}
	for i, a := range r.f.Conds {
		for _, b := range r.f.Conds[i+1:] {
			if !a.Not && !b.Not && a.Expr.Op == query.Eq && joinable(a.Expr, b.Expr) && a.Expr.Value != b.Expr.Value {
				return true
			}
		}
	}
	return false
}

// neverOfTarget tells "hosts that never sent queries" from "hosts with
// connections that never got an answer", where never belongs to the subject.
func (r *reader) neverOfTarget() bool {
	for i, s := range r.spans {
		if e := s.entry(kShape); e == nil || e.key != "never" {
			continue
		}
		for k := i - 1; k >= 0; k-- {
			p := r.spans[k]
			if r.isSubject(p) {
				return false
			}
			if !p.only(kStop, kWh, kIs, kRole, kEach) {
				break
			}
		}
	}
	return true
}

func (r *reader) plainShape(sh map[string]bool, count bool) {
	if len(r.f.Targets) == 0 && r.f.Subject != nil && r.f.Subject.attrs["kind"] != "" && !count && r.f.Bucket == "" && r.asksWhichKind() {
		r.f.Targets = append(r.f.Targets, r.f.Subject.attrs["kind"])
	}
	rowsPick := (sh["first"] || sh["last"]) && r.f.Subject != nil && !count && len(r.f.Targets) == 0
	switch {
	case r.f.Bucket != "":
		r.f.Shape = TableShape // "the busiest hour"
	case count && len(r.f.Targets) > 0 && !r.f.Ordered:
		r.countTargets()
	case len(r.f.Measures) > 0 && len(r.f.Having) == 0:
		r.f.Shape = TableShape
	case r.yesNo(sh) && !count && r.f.Earlier == nil:
		r.f.Shape = ExistsShape
		if len(r.f.Targets) > 0 && r.openedByWhich() {
			r.f.Shape = TableShape
		}
	case len(r.f.Targets) > 0:
		r.f.Shape = TableShape
		r.earliest()
	case r.f.Measure.Fn != query.Count:
		r.f.Shape = CountShape
		if r.f.Ordered && r.f.Measure.Fn == query.Sum {
			r.f.Shape = RowsShape // "the longest connection"
		}
	case rowsPick:
		r.f.Shape, r.f.Pick = RowsShape, "last"
		if sh["first"] {
			r.f.Pick = "first"
		}
	case count:
		r.f.Shape = CountShape
	case sh["overview"] && r.f.Subject == nil:
		r.f.Shape = OverviewShape
	case sh["list"], r.f.Subject != nil && r.startsWith(kWh):
		r.f.Shape = RowsShape
	case r.f.Subject == nil && len(r.f.Conds) > 0 && r.onlyAddresses():
		r.f.Shape = OverviewShape
	default:
		r.f.Shape = CountShape
	}
}

// saidTimes tells that what happened is counted, whatever noun follows: "how often
// was the daemon restarted".
func (r *reader) saidTimes() bool {
	return slices.ContainsFunc(r.spans, func(s *span) bool {
		w := strings.ToLower(s.text)
		return s.is(kFn) && (strings.Contains(w, "often") || strings.Contains(w, "times") || strings.Contains(w, "frequent"))
	})
}

// theFirst is said of one that did something before all others did.
var theFirst = regexp.MustCompile(`(?i)\bthe (first|last)(?: one)?(?: \w+)? (?:to|that|who|which)\b`)

// earliest puts groups in the order of their first time, or of their last, for
// "which client was the first to be refused".
func (r *reader) earliest() {
	m := theFirst.FindStringSubmatch(r.question)
	if m == nil || r.f.Ordered || r.f.Plural || r.f.Measure.Fn != query.Count || len(r.f.Measures) > 0 || r.f.Bucket != "" {
		return
	}
	r.f.Measure = query.Measure{Fn: query.First}
	r.f.Ordered, r.f.Asc = true, true
	if strings.EqualFold(m[1], "last") {
		r.f.Measure.Fn, r.f.Asc = query.Last, false
	}
}

// countTargets: "how many hosts" counts the hosts; "how many logins per host"
// counts logins. With a comparison ("how many hosts made more than 5
// connections") the groups that pass are counted by their total.
func (r *reader) countTargets() {
	r.f.Targets = slices.DeleteFunc(r.f.Targets, r.fixed)
	if r.f.On["texts"] && r.saidTimes() && !r.saidEach() {
		r.f.Targets = slices.DeleteFunc(r.f.Targets, func(t string) bool { return !strings.HasPrefix(t, groupMark) })
	}
	if len(r.f.Targets) == 0 {
		r.f.Shape = CountShape
		return
	}
	var counted, groups []string
	each := r.saidEach() && !slices.ContainsFunc(r.f.Targets, func(t string) bool { return strings.HasPrefix(t, groupMark) })
	for _, t := range r.f.Targets {
		if g, ok := strings.CutPrefix(t, groupMark); ok || each {
			groups = append(groups, g)
		} else {
			counted = append(counted, t)
		}
	}
	first := r.firstCounted()
	switch {
	case len(r.f.Having) > 0:
		r.f.Shape = TableShape
	case r.f.Once && len(counted) == 1:
		r.f.Shape, r.f.Targets = TableShape, counted // those that pass are counted
	case len(counted) == 0 || first == "subject" && len(groups) == 0:
		r.f.Shape = TableShape
		if first == "subject" && len(groups) == 0 && !r.openedByWhich() {
			r.f.Shape = CountShape
			r.f.Targets = nil
		}
	case len(counted) > 1:
		r.f.Shape = TableShape // pairs are counted by the number of their groups
		r.f.Targets = counted
	default:
		r.f.Measure = query.Measure{Fn: query.Distinct, Field: counted[0]}
		r.f.On["exists:"+counted[0]] = true
		r.f.Targets = groups
		r.f.Shape = CountShape
		if len(groups) > 0 {
			r.f.Shape = TableShape
		}
	}
}

// fixed tells a field that a condition gives one value: "NXDOMAIN answers" are
// counted, not the different answers.
func (r *reader) fixed(field string) bool {
	return slices.ContainsFunc(r.f.Conds, func(c Cond) bool { return c.Expr.Field == field && c.Expr.Op == query.Eq && !c.Not })
}

// firstCounted tells what follows "how many": the subject or an entity.
func (r *reader) firstCounted() string {
	for i, s := range r.spans {
		if e := s.entry(kFn); e == nil || e.key != "count" {
			continue
		}
		for k := i + 1; k < len(r.spans) && k <= i+6; k++ {
			if what, done := r.countedAt(k, k == i+1); done {
				return what
			}
		}
	}
	return ""
}

// countedAt tells whether the thing counted stands at span k, and which kind
// it is; next says that the span follows "how many" directly.
func (r *reader) countedAt(k int, next bool) (string, bool) {
	n := r.spans[k]
	switch {
	case next && n.only(kVerb, kStop, kIs) && n.is(kVerb):
		return "subject", true // "of all logins, how many used ..."
	case n.is(kEntity) && !r.isSubject(n):
		return "entity", true
	case n.is(kSubject) && r.describesNext(k):
		return "entity", true // "how many alert signatures"
	case n.is(kSubject):
		return "subject", true
	case n.is(kWh), n.is(kGroup) && !n.is(kStop):
		return "", true
	}
	return "", false
}

// describesNext tells that the noun after span k is the head: signatures in
// "alert signatures".
func (r *reader) describesNext(k int) bool {
	if k+1 >= len(r.spans) {
		return false
	}
	e := r.spans[k+1].entry(kEntity)
	return e != nil && !r.spans[k+1].is(kGroup) && e.attrs["bucket"] == "" && !r.spans[k+1].is(kWh)
}

func (r *reader) openedByWhich() bool {
	for _, s := range r.spans {
		if s.is(kWh) && !strings.EqualFold(s.text, "where") {
			return true
		}
	}
	return false
}

func (r *reader) startsWith(k kind) bool { return len(r.spans) > 0 && r.spans[0].is(k) }

// yesNo tells a question that is opened by an auxiliary verb or asks for any.
func (r *reader) yesNo(sh map[string]bool) bool {
	if len(r.spans) == 0 || r.openedByWhich() {
		return false
	}
	switch r.toks[0].lower {
	case "did", "does", "is", "was", "were", "are", "has", "have", "had", "do", "any", "didn't", "isn't", "wasn't", "anyone", "anybody", "anything":
		return !sh["list"] || r.toks[0].lower != "do"
	}
	return sh["exists"] && !r.f.Ordered && (len(r.f.Targets) == 0 || !sh["list"])
}

func (r *reader) asksWhen(sh map[string]bool) bool {
	if sh["when"] {
		return true
	}
	return (sh["first"] || sh["last"]) && slices.ContainsFunc(r.spans, func(s *span) bool {
		switch strings.ToLower(s.text) {
		case "first seen", "last seen", "first time", "last time", "first appear", "first occurrence", "last occurrence", "most recently", "first appearance":
			return !s.used
		}
		return false
	})
}

func (r *reader) whenShape(sh map[string]bool) {
	r.f.Shape = WhenShape
	r.f.Pick = ""
	if sh["first"] != sh["last"] {
		r.f.Pick = "last"
		if sh["first"] {
			r.f.Pick = "first"
		}
	}
	if r.f.Ordered && r.f.Pick == "" { // "when was the most ..."
		r.f.Shape = TableShape
		if r.f.Bucket == "" {
			r.f.Bucket = "auto"
		}
		r.f.Targets = nil
	}
	var groups []string
	for _, t := range r.f.Targets {
		if strings.HasPrefix(t, groupMark) {
			groups = append(groups, t)
		}
	}
	r.f.Targets = groups
}

// isInventory tells questions about the devices themselves.
func (r *reader) isInventory(sh map[string]bool) bool {
	if sh["devices"] {
		return true
	}
	about := false
	for _, s := range r.spans {
		if e := s.entry(kEntity); e != nil && (e.key == "device" || strings.HasPrefix(e.attrs["field"], "device.")) {
			about = about || e.key == "device"
		}
	}
	if r.asksInventory() {
		return true
	}
	about = about || r.f.On["typehead"]
	if !about || r.f.Subject != nil || r.f.Measure.Field != "" || len(r.f.Times) > 0 {
		return false
	}
	if !r.asksInventoryConds() {
		return false
	}
	return !slices.ContainsFunc(r.spans, func(s *span) bool { return s.is(kVerb) && !s.used && !s.is(kRole) && !s.is(kStop) })
}

// asksInventory: "what firmware runs on 10.0.0.5" asks for what is known of a
// device.
func (r *reader) asksInventory() bool {
	if len(r.f.Targets) == 0 || r.f.Subject != nil && r.f.Subject.key != "event" || r.f.Measure.Field != "" || len(r.f.Times) > 0 {
		return false
	}
	for _, t := range r.f.Targets {
		if attr, ok := strings.CutPrefix(strings.TrimPrefix(t, groupMark), "device."); !ok || attr == "hostname" || attr == "ip" {
			return false
		}
	}
	for _, c := range r.f.Conds {
		if _, ok := deviceCond(c.Expr); !ok {
			return false
		}
	}
	return true
}

// deviceCond turns a condition on a side of events into one on devices.
func deviceCond(e query.Expr) (query.Expr, bool) {
	if len(e.Or) > 0 {
		return deviceCond(e.Or[0]) // either side of the same
	}
	prefix, attr, ok := strings.Cut(e.Field, ".")
	if !ok || prefix != "device" && prefix != "src_endpoint" && prefix != "dst_endpoint" {
		return e, false
	}
	switch attr {
	case "ip":
		attr = "ips"
	case "mac":
		attr = "macs"
	case "uid", "name", "type", "vendor", "model", "firmware", "zone", "level", "criticality", "owner", "state", "os":
	default:
		return e, false
	}
	e.Field = attr
	return e, e.Op != query.CIDR
}

// onlyAddresses tells a question that names a host and nothing else.
func (r *reader) onlyAddresses() bool {
	for _, c := range r.f.Conds {
		if c.Expr.Field == "" && len(c.Expr.Or) == 0 {
			return false
		}
	}
	return true
}

// compareValues: "compare root and admin" counts each of the values that were
// named for one field.
func (r *reader) compareValues() {
	r.oneSide()
	for i, c := range r.f.Conds {
		for _, d := range r.f.Conds[i+1:] {
			if c.Not || d.Not || !joinable(c.Expr, d.Expr) || c.Expr.Field == "" || c.Expr.Value == d.Expr.Value {
				continue
			}
			if !slices.Contains(r.f.Targets, groupMark+c.Expr.Field) {
				r.f.Targets = append(slices.DeleteFunc(r.f.Targets, func(t string) bool { return t == c.Expr.Field }), groupMark+c.Expr.Field)
				r.f.Measures = nil
				if r.moreOfTwo() || r.saidMore() {
					r.f.Targets = []string{groupMark + c.Expr.Field}
				}
			}
			return
		}
	}
}

// moreOfTwo tells "who made more connections, A or B".
func (r *reader) moreOfTwo() bool {
	if len(r.toks) == 0 {
		return false
	}
	more, or := false, false
	for _, t := range r.toks {
		more = more || t.lower == "more" || t.lower == "fewer" || t.lower == "less"
		or = or || t.lower == "or"
	}
	opens := r.toks[0].lower == "more" || r.toks[0].lower == "fewer" || r.toks[0].lower == "less"
	return more && or && (opens || r.startsWith(kWh)) && len(r.f.Having) == 0
}

// saidMore tells that the compared counts are what is asked for.
func (r *reader) saidMore() bool {
	return slices.ContainsFunc(r.toks, func(t token) bool { return t.lower == "more" || t.lower == "fewer" || t.lower == "less" })
}

// oneSide gives two addresses that are compared the side of who started it,
// where the question leaves it open.
func (r *reader) oneSide() {
	open := 0
	for _, c := range r.f.Conds {
		if len(c.Expr.Or) == 2 && c.Expr.Or[0].Field == "src_endpoint.ip" && !c.Not {
			open++
		}
	}
	if open < 2 {
		return
	}
	for i, c := range r.f.Conds {
		if len(c.Expr.Or) == 2 && c.Expr.Or[0].Field == "src_endpoint.ip" {
			r.f.Conds[i].Expr = c.Expr.Or[0]
		}
	}
	r.f.Targets = slices.DeleteFunc(r.f.Targets, func(t string) bool { return strings.HasSuffix(t, "_endpoint.ip") })
}

// saidEach tells "how many tcp and udp connections each".
func (r *reader) saidEach() bool {
	counts := 0
	for _, s := range r.spans {
		if e := s.entry(kFn); e != nil && e.key == "count" {
			counts++
		}
	}
	return counts > 1 || r.saidApart()
}

// asksWhichKind: "which alerts were raised" asks for their kinds, while "show
// the alerts" asks for the records.
func (r *reader) asksWhichKind() bool {
	for i, s := range r.spans {
		if e := s.entry(kSubject); e != nil && e == r.f.Subject {
			for k := i - 1; k >= 0 && k >= i-2; k-- {
				if r.spans[k].is(kWh) || r.spans[k].is(kFn) && r.spans[k].entry(kFn).key == "distinct" {
					return true
				}
			}
		}
	}
	return r.f.Ordered && r.f.Measure.Field == ""
}
