package reading

import (
	"slices"
	"strings"
)

// takeTargets finds what is asked for: "which X", "how many X", "X per Y",
// "list X", "by X", "source and destination pairs".
func (r *reader) takeTargets() {
	for i, s := range r.spans {
		e := s.entry(kEntity)
		if e == nil || s.used || e.attrs["field"] == "" || s.is(kSubject) && s.entry(kSubject) == r.f.Subject && e.key != "signature" {
			continue
		}
		if r.tellsAnswered(s, e) || r.didInBucket(i) || r.modifies(i) || r.describes(i, e) {
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
	r.takeNames()
}

// tellsAnswered: "answered with NXDOMAIN" tells what was done and names no answers.
func (r *reader) tellsAnswered(s *span, e *entry) bool {
	next := (&clock{toks: r.toks}).word(s.to)
	return e.key == "answer" && strings.HasSuffix(r.toks[s.to-1].lower, "ed") && (next == "with" || next == "by")
}

// didInBucket tells who did what is counted where a time is asked for: "in which
// hour did the servers log the most".
func (r *reader) didInBucket(i int) bool {
	if r.f.Bucket == "" || len(r.f.Targets) > 0 {
		return false
	}
	k := i - 1
	for k >= 0 && (strings.EqualFold(r.spans[k].text, "the") || strings.EqualFold(r.spans[k].text, "our") || len(r.spans[k].entries) == 0 && r.spans[k].used) {
		k--
	}
	if k < 2 || !strings.EqualFold(r.spans[k].text, "did") {
		return false
	}
	e := r.spans[k-1].entry(kEntity)
	return e != nil && e.attrs["bucket"] != "" && r.spans[k-2].is(kWh)
}

// takeNames: "the names" of lookups are those asked for.
func (r *reader) takeNames() {
	if len(r.f.Targets) > 0 || r.f.Subject == nil || r.f.Subject.key != "dns" {
		return
	}
	for i, t := range r.toks {
		if t.lower == "names" && i > 0 {
			r.f.Targets, r.f.Plural = []string{"query.hostname"}, true
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
