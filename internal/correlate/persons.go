package correlate

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// Verdict is what a person says of an incident.
type Verdict string

// The verdicts.
const (
	True   Verdict = "true"   // it was an attack
	False  Verdict = "false"  // it did not happen as told
	Benign Verdict = "benign" // it happened and is allowed
)

// opinion is feedback as it is kept: weights are computed from opinions, so
// that one that is undone leaves no trace in them.
type opinion struct {
	Version  int       `json:"v"`
	ID       string    `json:"id"`
	Number   int       `json:"number"` // in the order in which they were given
	Incident string    `json:"incident"`
	Verdict  Verdict   `json:"verdict"`
	By       string    `json:"by"`
	Why      string    `json:"why,omitempty"`
	At       time.Time `json:"at"`
	Scopes   []scope   `json:"scopes"`
	Deeds    []Deed    `json:"deeds,omitempty"` // of behaviour, when it was given; of benign alone
	Undone   time.Time `json:"undone,omitzero"`
	UndoneBy string    `json:"undone_by,omitempty"`
	dirty    bool
}

// scope is what an opinion is about: a rule on an entity.
type scope struct {
	Template uint64 `json:"template"`
	Entity   string `json:"entity"` // node id
}

const (
	maxScopes   = 64     // of one opinion: the most telling ones
	maxOpinions = 50_000 // that are kept
)

// Feedback notes a verdict and returns its id for [Desk.Undo]. It changes scores, never
// the severity, and hides nothing. That of a person who sees some devices alone changes
// scores of findings on devices, not of those that are told of by another's address,
// which incidents of others may have.
func (d Desk) Feedback(uid string, v Verdict, by, why string) (id string, err error) {
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := d.find(uid)
	switch {
	case err != nil:
		return "", err
	case v != True && v != False && v != Benign:
		return "", fault.New(fault.Invalid, "feedback on incident %s: %q is no verdict", uid, string(v)).WithHint("say true, false or benign")
	case by == "":
		return "", fault.New(fault.Invalid, "feedback on incident %s: a person must give it", uid)
	case len(c.opinions) >= maxOpinions:
		return "", fault.New(fault.Limited, "feedback on incident %s: there are %d verdicts already", uid, maxOpinions)
	}
	o := &opinion{Version: recordVersion, Incident: s.UID, Verdict: v, By: clip(by, maxValue), Why: clip(why, maxWhy), At: c.now().UTC(), dirty: true}
	for _, k := range c.telling(s.whole()) {
		if sc := (scope{k.Template, k.scope()}); len(o.Scopes) < maxScopes && d.counts(sc) && !slices.Contains(o.Scopes, sc) {
			o.Scopes = append(o.Scopes, sc)
		}
	}
	if v == Benign {
		o.Deeds = behaviour(s.whole())
	}
	if n := len(c.opinions); n > 0 {
		o.Number = c.opinions[n-1].Number + 1
	}
	o.ID = event.FindingUID("feedback", strconv.Itoa(o.Number), s.UID+o.By+o.At.String())
	c.hold(o)
	c.note(s, Change{ID: o.ID, By: by, What: "called " + string(v), Why: why})
	return o.ID, nil
}

// hold puts an opinion to what scores are computed from.
func (c *Correlator) hold(o *opinion) {
	c.opinions = append(c.opinions, o)
	if o.Undone.IsZero() {
		for _, sc := range o.Scopes {
			c.weights[sc] = append(c.weights[sc], o)
		}
	}
}

// Undo takes feedback back, and scores are what they were before; or a note.
func (d Desk) Undo(id, by, why string) error {
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := d.mayUndo(id); err != nil {
		return err
	}
	if c.takeBack(id, by, why) {
		return nil
	}
	i := slices.IndexFunc(c.opinions, func(o *opinion) bool { return o.ID == id })
	if i < 0 {
		return NothingToUndo(id)
	}
	o := c.opinions[i]
	if !o.Undone.IsZero() {
		return fault.New(fault.Conflict, "undoing feedback %s: it was undone already", id)
	}
	o.Undone, o.UndoneBy, o.dirty = c.now().UTC(), clip(by, maxValue), true
	for _, sc := range o.Scopes {
		rest := slices.DeleteFunc(c.weights[sc], func(p *opinion) bool { return p == o })
		if len(rest) == 0 {
			delete(c.weights, sc)
		} else {
			c.weights[sc] = rest
		}
	}
	if s := c.find(o.Incident); s != nil {
		c.note(s, Change{ID: id, By: by, What: "took back " + string(o.Verdict), Why: why})
	}
	return nil
}

// verdicts are the last ones on incidents that hold.
func (c *Correlator) verdicts() map[*strand]Verdict {
	last := make(map[*strand]Verdict)
	for _, o := range c.opinions { // in the order in which they were given
		if o.Undone.IsZero() {
			if s := c.find(o.Incident); s != nil {
				last[s] = o.Verdict
			}
		}
	}
	return last
}

// What one person's verdict does to a rule on an entity, in halvings.
var halvings = map[Verdict]float64{Benign: 0.5, False: 0.75, True: -0.25}

// No number of verdicts goes beyond these.
const (
	leastWeight = 0.25
	mostWeight  = 1.5
)

// weight is what the persons' verdicts make of a kind of finding, with the
// trace. Of each person the last verdict counts.
func (c *Correlator) weight(k *kindRow) (float64, string) {
	if len(c.weights) == 0 {
		return 1, ""
	}
	held := c.weights[scope{k.Template, k.scope()}]
	if len(held) == 0 {
		return 1, ""
	}
	last := map[string]*opinion{}
	for _, o := range held {
		if p := last[o.By]; p == nil || o.Number > p.Number {
			last[o.By] = o
		}
	}
	count := map[Verdict]int{}
	exponent := 0.0
	for _, o := range last {
		count[o.Verdict]++
	}
	var said []string
	for _, v := range []Verdict{True, False, Benign} {
		if n := count[v]; n > 0 {
			exponent += float64(n) * halvings[v]
			who := "1 analyst"
			if n > 1 {
				who = strconv.Itoa(n) + " analysts"
			}
			said = append(said, who+" called it "+string(v))
		}
	}
	f := min(max(math.Exp2(-exponent), leastWeight), mostWeight)
	return f, fmt.Sprintf("%s on %s; score × %.2f", strings.Join(said, ", "), c.callID(k.scope()), f)
}

// Close closes an incident: later findings start a new one that says what it
// follows.
func (d Desk) Close(uid, by, why string) error { return d.setClosed(uid, by, why, true) }

// Reopen opens a closed incident again.
func (d Desk) Reopen(uid, by, why string) error { return d.setClosed(uid, by, why, false) }

func (d Desk) setClosed(uid, by, why string, closed bool) error {
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	what, state := "reopened", "open"
	if closed {
		what, state = "closed", "closed"
	}
	s, err := d.find(uid)
	switch {
	case err != nil:
		return err
	case by == "":
		return fault.New(fault.Invalid, "incident %s cannot be %s by nobody", uid, what).WithHint("say who does it")
	case s.Closed == closed:
		return fault.New(fault.Conflict, "incident %s is %s already", uid, state)
	}
	s.Closed = closed
	c.note(s, Change{By: by, What: what, Why: why})
	return nil
}

func noIncident(uid string) error {
	return fault.New(fault.NotFound, "there is no incident %q", uid).WithHint("list the incidents")
}

// Suppression is a rule of a person: findings that match every matcher it has
// (at least one) go into no incident, and are counted, until it expires.
type Suppression struct {
	ID      string    `json:"id"`               // made from its content when empty
	Rule    string    `json:"rule,omitempty"`   // id of the rule that raises the findings
	Device  string    `json:"device,omitempty"` // uid
	Peer    string    `json:"peer,omitempty"`   // address, subnet or uid of either end
	Reason  string    `json:"reason"`
	By      string    `json:"by"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	Count   int64     `json:"count"` // findings it suppressed
	Last    time.Time `json:"last,omitzero"`
	Expired bool      `json:"expired,omitempty"`
}

const (
	maxSuppressions = 1000 // that hold
	maxListed       = 10 * maxSuppressions
	maxSuppress     = 366 * 24 * time.Hour
)

type suppression struct {
	Suppression
	Version int `json:"v"`
	subnet  netip.Prefix
	dirty   bool
}

// Suppress adds a rule and returns its id.
func (c *Correlator) Suppress(s Suppression) (id string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now().UTC()
	s.Rule, s.Device, s.Peer = clip(s.Rule, maxValue), clip(s.Device, maxValue), clip(s.Peer, maxValue)
	s.Reason, s.By = clip(strings.TrimSpace(s.Reason), maxWhy), clip(strings.TrimSpace(s.By), maxValue)
	switch {
	case s.Rule == "" && s.Device == "" && s.Peer == "":
		return "", fault.New(fault.Invalid, "suppressing findings: no rule, device or peer is named").WithHint("name at least one of them")
	case s.Reason == "" || s.By == "":
		return "", fault.New(fault.Invalid, "suppressing findings: the reason or the person is missing").WithHint("say why, and who says so")
	case !s.Expires.After(now):
		return "", fault.New(fault.Invalid, "suppressing findings: the rule has no end, or one in the past").WithHint("say until when, at most a year from now")
	case s.Expires.After(now.Add(maxSuppress)):
		return "", fault.New(fault.Invalid, "suppressing findings: the rule ends later than a year from now").WithHint("say an earlier time and renew it then")
	case c.holding(now) >= maxSuppressions || len(c.suppressions) >= maxListed:
		return "", fault.New(fault.Limited, "suppressing findings: there are %d rules already", maxSuppressions)
	}
	s.Created, s.Expires, s.Count, s.Last, s.Expired = now, s.Expires.UTC(), 0, time.Time{}, false
	if s.ID == "" {
		s.ID = event.FindingUID("suppression", s.Rule+"\x00"+s.Device+"\x00"+s.Peer, s.By+now.String())
	}
	if slices.ContainsFunc(c.suppressions, func(p *suppression) bool { return p.ID == s.ID }) {
		return "", fault.New(fault.Conflict, "suppressing findings: there is a rule %q already", s.ID)
	}
	c.suppressions = append(c.suppressions, newSuppression(s))
	slices.SortFunc(c.suppressions, byAge)
	return s.ID, nil
}

func byAge(a, b *suppression) int {
	return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
}

// holding is how many rules have not ended.
func (c *Correlator) holding(now time.Time) (n int) {
	for _, s := range c.suppressions {
		if s.Expires.After(now) {
			n++
		}
	}
	return n
}

func newSuppression(s Suppression) *suppression {
	p := &suppression{Suppression: s, Version: recordVersion, dirty: true}
	if subnet, err := netip.ParsePrefix(s.Peer); err == nil {
		p.subnet = subnet.Masked()
	}
	return p
}

// Unsuppress ends a rule now. It stays listed with its count.
func (c *Correlator) Unsuppress(id, by, why string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.suppressions, func(p *suppression) bool { return p.ID == id })
	if i < 0 {
		return fault.New(fault.NotFound, "there is no suppression %q", id)
	}
	s, now := c.suppressions[i], c.now().UTC()
	if !s.Expires.After(now) {
		return fault.New(fault.Conflict, "suppression %s has ended already", id)
	}
	s.Expires, s.dirty = now, true
	s.Reason = clip(s.Reason+" (ended by "+by+": "+why+")", maxWhy)
	return nil
}

// Suppressions returns all rules, newest first, expired ones too.
func (c *Correlator) Suppressions() []Suppression {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	all := make([]Suppression, len(c.suppressions))
	for i, s := range c.suppressions {
		all[i] = s.Suppression
		all[i].Expired = !s.Expires.After(now)
	}
	slices.Reverse(all)
	return all
}

// suppressed counts a finding that a rule suppresses. The first that matches
// counts it.
func (c *Correlator) suppressed(g *glance) bool {
	if len(c.suppressions) == 0 {
		return false
	}
	now := c.now()
	for _, s := range c.suppressions {
		if s.Expires.After(now) && s.matches(g.f) {
			s.Count++
			s.dirty = true
			if g.f.Time.After(s.Last) {
				s.Last = g.f.Time
			}
			return true
		}
	}
	return false
}

func (s *suppression) matches(f *event.Finding) bool {
	return (s.Rule == "" || s.Rule == f.Rule) &&
		(s.Device == "" || s.Device == f.Device || s.Device == f.Src.UID || s.Device == f.Dst.UID) &&
		(s.Peer == "" || s.meets(f.Src) || s.meets(f.Dst))
}

func (s *suppression) meets(side event.Side) bool {
	if s.Peer == side.IP || s.Peer == side.UID {
		return true
	}
	if !s.subnet.IsValid() {
		return false
	}
	a, err := netip.ParseAddr(side.IP)
	return err == nil && s.subnet.Contains(a.Unmap())
}
