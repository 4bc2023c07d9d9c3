package correlate

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

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
	maxSuppressions = 1000
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
	case len(c.suppressions) >= maxSuppressions:
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
