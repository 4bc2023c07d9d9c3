package asset

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
)

// Binding is a time for which a device had an address. Until is zero for those
// it has now.
type Binding struct {
	IP    string    `json:"ip"`
	MAC   string    `json:"mac,omitempty"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until,omitzero"`
}

// Change is a merge or a split of devices, and why.
type Change struct {
	What       string    `json:"what"` // merged, split or undone
	Other      string    `json:"other"`
	Why        string    `json:"why"`
	Confidence float64   `json:"confidence"`
	Source     Source    `json:"source"`
	At         time.Time `json:"at"`
	IPs        []string  `json:"ips,omitempty"` // what came with the other device, or went to it
	MACs       []string  `json:"macs,omitempty"`
}

// The kinds of change.
const (
	changeMerged = "merged"
	changeSplit  = "split"
	changeUndone = "undone"
)

// What is remembered of one device's past; the oldest goes.
const (
	maxBindings = 24
	maxChanges  = 16
)

// ended remembers that the device had the address until now.
func (n *node) ended(a *address, until int64) {
	b := Binding{IP: a.text, From: instant(a.bound), Until: instant(max(until, a.bound))}
	if a.hw != nil {
		b.MAC = a.hw.mac
	}
	if len(n.bindings) >= maxBindings {
		n.bindings = slices.Delete(n.bindings, 0, 1)
	}
	n.bindings = append(n.bindings, b)
}

// bindingsNow returns the past and present bindings.
func (n *node) bindingsNow() []Binding {
	out := slices.Clone(n.bindings)
	for _, a := range n.ips {
		b := Binding{IP: a.text, From: instant(a.bound), Until: instant(a.ended)}
		if a.hw != nil {
			b.MAC = a.hw.mac
		}
		out = append(out, b)
	}
	slices.SortStableFunc(out, func(a, b Binding) int { return a.From.Compare(b.From) })
	return out
}

func (n *node) changed(c Change) {
	if len(n.changes) >= maxChanges {
		n.changes = slices.Delete(n.changes, 0, 1)
	}
	n.changes = append(n.changes, c)
}

// holdings lists what identifies a device.
func (n *node) holdings() (ips, macs []string) {
	for _, a := range n.ips {
		ips = append(ips, a.text)
	}
	for _, h := range n.macs {
		macs = append(macs, h.mac)
	}
	return ips, macs
}

// Merge makes two devices one on a person's word, under the uid of the first.
func (r *Registry) Merge(uid, other, why string) (Device, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, b := r.byUID(uid), r.byUID(other)
	switch {
	case a == nil || b == nil:
		return Device{}, fault.New(fault.NotFound, "merging devices %q and %q: there are not both", clean(uid), clean(other))
	case a == b:
		return Device{}, fault.New(fault.Conflict, "merging devices: %s and %s are one device already", clean(uid), clean(other))
	}
	a.apart = slices.DeleteFunc(a.apart, func(s string) bool { return s == b.uid })
	b.apart = slices.DeleteFunc(b.apart, func(s string) bool { return s == a.uid })
	o := observation{at: r.now().UnixNano()}
	r.unite(&o, a, b, why, SourceOperator)
	return r.exportOf(a), nil
}

// Split takes an address or a MAC off a device on a person's word and makes a
// device of it, which the engine does not merge back.
func (r *Registry) Split(uid, what, why string) (Device, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.byUID(uid)
	if n == nil {
		return Device{}, fault.New(fault.NotFound, "splitting device %q: there is no such device", clean(uid))
	}
	ips, macs := r.partOf(n, what)
	switch haveIPs, haveMACs := n.holdings(); {
	case len(ips)+len(macs) == 0:
		return Device{}, fault.New(fault.NotFound, "splitting device %s: it has no address or MAC %q", n.uid, clean(what)).WithHint("see: vedette devices show %s", n.uid)
	case len(ips) == len(haveIPs) && len(macs) == len(haveMACs):
		return Device{}, fault.New(fault.Conflict, "splitting device %s: nothing would be left of it", n.uid)
	}
	o := observation{at: r.now().UnixNano()}
	part := r.create(&o, "split:"+n.uid+":"+strings.ToLower(what), "taken off "+n.uid+" by a person")
	if part == nil {
		return Device{}, fault.New(fault.Limited, "splitting device %s: the registry is full", n.uid)
	}
	part.first = n.first
	r.hand(&o, n, part, ips, macs)
	n.apart, part.apart = append(n.apart, part.uid), append(part.apart, n.uid)
	c := Change{What: changeSplit, Why: why, Confidence: 1, Source: SourceOperator, At: instant(o.at), IPs: ips, MACs: macs}
	c.Other = part.uid
	n.changed(c)
	c.Other = n.uid
	part.changed(c)
	return r.exportOf(part), nil
}

// partOf finds what goes: an address alone, or a MAC with the addresses that
// were last seen with it.
func (r *Registry) partOf(n *node, what string) (ips, macs []string) {
	if addr, err := netip.ParseAddr(strings.TrimSpace(what)); err == nil {
		if a := r.ips.get(addr.Unmap().WithZone("").String()); a != nil && a.node == n {
			ips = []string{a.text}
		}
		return ips, nil
	}
	mac, _ := CanonicalMAC(what)
	h := r.macs.get(mac)
	if h == nil || h.node != n {
		return nil, nil
	}
	for _, a := range n.ips {
		if a.hw == h {
			ips = append(ips, a.text)
		}
	}
	return ips, []string{mac}
}

// hand gives addresses and MACs of one device to another on a person's word:
// the addresses are pinned when no MAC goes with them.
func (r *Registry) hand(o *observation, from, to *node, ips, macs []string) {
	for _, mac := range macs {
		if h := r.macs.get(mac); h != nil && h.node == from {
			from.macs = slices.DeleteFunc(from.macs, func(x *hardware) bool { return x == h })
			from.forget(func(ev Evidence) bool { return ev.Source == SourceOUI && strings.Contains(ev.What, mac) })
			r.attach(o, to, h)
		}
	}
	for _, ip := range ips {
		if a := r.ips.get(ip); a != nil && a.node == from {
			r.unbind(a, o.at)
			r.bind(to, a, o.at)
			a.pinned = len(macs) == 0
		}
	}
	r.touch(from)
	r.touch(to)
}

// Undo takes back the last merge or split of a device that a person made. It
// returns the device that the other one is afterwards. What was learnt since a
// merge stays with the device; the other starts with its addresses.
func (r *Registry) Undo(uid, why string) (Device, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.byUID(uid)
	if n == nil {
		return Device{}, fault.New(fault.NotFound, "undoing a change of device %q: there is no such device", clean(uid))
	}
	at := len(n.changes) - 1
	if at < 0 || n.changes[at].Source != SourceOperator || n.changes[at].What == changeUndone {
		return Device{}, fault.New(fault.NotFound, "undoing a change of device %s: its last change is not a person's merge or split", n.uid)
	}
	c := n.changes[at]
	o := observation{at: r.now().UnixNano()}
	if c.What == changeSplit {
		return r.undoSplit(&o, n, c, why)
	}
	return r.undoMerge(&o, n, c, why)
}

func (r *Registry) undoSplit(o *observation, n *node, c Change, why string) (Device, error) {
	other := r.byUID(c.Other)
	if other == nil || other == n {
		return Device{}, fault.New(fault.Conflict, "undoing the split of device %s: there is no device %s any more", n.uid, c.Other)
	}
	n.apart = slices.DeleteFunc(n.apart, func(s string) bool { return s == other.uid })
	other.apart = slices.DeleteFunc(other.apart, func(s string) bool { return s == n.uid })
	keep, gone := n, other
	if slices.ContainsFunc(n.macs, func(h *hardware) bool { return slices.Contains(c.MACs, h.mac) }) ||
		slices.ContainsFunc(n.ips, func(a *address) bool { return slices.Contains(c.IPs, a.text) }) {
		keep, gone = other, n // n is the part that was taken off
	}
	for _, a := range gone.ips {
		a.pinned = a.pinned && !slices.Contains(c.IPs, a.text)
	}
	r.unite(o, keep, gone, why, SourceOperator)
	keep.changes[len(keep.changes)-1].What = changeUndone
	return r.exportOf(keep), nil
}

func (r *Registry) undoMerge(o *observation, n *node, c Change, why string) (Device, error) {
	if r.alias[c.Other] != n.uid || len(r.nodes) >= r.cfg.MaxDevices {
		return Device{}, fault.New(fault.Conflict, "undoing the merge of device %s with %s: it is not known any more", n.uid, c.Other)
	}
	delete(r.alias, c.Other)
	n.merged = slices.DeleteFunc(n.merged, func(s string) bool { return s == c.Other })
	other := &node{uid: c.Other, first: n.first, last: n.last}
	r.nodes[other.uid] = other
	r.hand(o, n, other, c.IPs, c.MACs)
	for _, a := range other.ips {
		a.pinned = false
	}
	n.apart, other.apart = append(n.apart, other.uid), append(other.apart, n.uid)
	undone := Change{What: changeUndone, Other: other.uid, Why: why, Confidence: 1, Source: SourceOperator, At: instant(o.at)}
	n.changed(undone)
	undone.Other = n.uid
	other.changed(undone)
	return r.exportOf(other), nil
}
