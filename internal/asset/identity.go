package asset

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// create makes a device whose first identity is id, or returns nil when the
// registry is full.
func (r *Registry) create(o *observation, id, why string) *node {
	if len(r.nodes) >= r.cfg.MaxDevices {
		r.refused++
		return nil
	}
	uid := r.freshUID(id)
	n := &node{uid: uid, first: o.at, last: o.at}
	r.nodes[uid] = n
	r.version++
	n.believe(Evidence{Key: keyIdentity, Value: "first seen", What: "first identity: " + why, Source: SourceTraffic, Confidence: 1, Since: instant(o.at), Event: o.uid()})
	r.touch(n)
	return n
}

// freshUID hashes the first identity of a device; should that be taken (the
// address had another device before) a counter makes it differ.
func (r *Registry) freshUID(id string) string {
	for try := 1; ; try++ {
		text := r.cfg.Site + "\x00" + id
		if try > 1 {
			text += "\x00" + strconv.Itoa(try)
		}
		sum := sha256.Sum256([]byte(text))
		uid := "dev-" + hex.EncodeToString(sum[:6])
		if _, merged := r.alias[uid]; r.nodes[uid] == nil && !merged {
			return uid
		}
	}
}

func (o *observation) uid() string {
	if o.e == nil {
		return ""
	}
	return o.e.MetadataUID()
}

func (r *Registry) touch(n *node) {
	if !n.dirty {
		n.dirty = true
		r.dirty = append(r.dirty, n)
		if !n.kept {
			r.fresh = append(r.fresh, n)
		}
	}
}

func (r *Registry) newAddress(addr netip.Addr) *address {
	return &address{text: addr.String(), addr: addr}
}

// hardwareOf returns the entry of a MAC, or nil if the text is no station's
// MAC. MACs are as bounded as devices are.
func (r *Registry) hardwareOf(mac string) *hardware {
	if mac == "" {
		return nil
	}
	if h := r.macs.get(mac); h != nil {
		return h
	}
	canonical, ok := CanonicalMAC(mac)
	if !ok {
		return nil
	}
	h := r.macs.get(canonical)
	if h == nil {
		if r.macs.len() >= 2*r.cfg.MaxDevices {
			r.refused++
			return nil
		}
		h = &hardware{mac: strings.Clone(canonical)}
		h.number, _ = number(h.mac)
		r.macs.put(h.mac, h)
	}
	return h
}

// attach gives a MAC to a device and learns the vendor from it.
func (r *Registry) attach(o *observation, n *node, hw *hardware) {
	if n == nil || len(n.macs) >= maxMACs {
		return
	}
	hw.node = n
	n.macs = append(n.macs, hw)
	r.version++
	r.touch(n)
	if full, short, ok := r.oui.Vendor(hw.mac); ok {
		r.learn(o, n, Evidence{Key: KeyVendor, Value: short, What: "MAC " + hw.mac + " is of " + full, Source: SourceOUI, Confidence: 0.6})
	}
}

// bind gives an address to a device that has none of it yet and sets the zone.
// When a device has too many, the one unused for longest goes.
func (r *Registry) bind(n *node, a *address, at int64) {
	if n == nil {
		return
	}
	if len(n.ips) >= maxIPs {
		oldest := slices.MinFunc(n.ips, func(a, b *address) int { return int(min(max(a.last-b.last, -1), 1)) })
		n.ips = slices.DeleteFunc(n.ips, func(x *address) bool { return x == oldest })
		n.ended(oldest, oldest.last)
		r.ips.remove(oldest.text)
	}
	a.node, a.bound = n, at
	n.ips = append(n.ips, a)
	r.ips.put(a.text, a)
	r.version++
	r.applyZone(n, at)
	r.touch(n)
}

func (r *Registry) unbind(a *address, until int64) {
	if n := a.node; n != nil {
		n.ended(a, until)
		r.version++
		n.ips = slices.DeleteFunc(n.ips, func(x *address) bool { return x == a })
		a.node, a.leased, a.ended = nil, false, 0
		r.applyZone(n, n.last)
		r.touch(n)
	}
}

// move rebinds an address to another device. An event older than the binding
// does not undo it, so that reading old logs late changes nothing.
func (r *Registry) move(o *observation, a *address, to *node) {
	if a.node == to || to == nil || o.at < a.bound {
		return
	}
	from := a.node
	r.learn(o, from, Evidence{Key: keyIdentity, Value: a.text, What: "address " + a.text + " went to " + to.uid, Source: SourceTraffic, Confidence: 0.5})
	r.learn(o, to, Evidence{Key: keyIdentity, Value: a.text, What: "address " + a.text + " came from " + from.uid, Source: SourceTraffic, Confidence: 0.5})
	r.unbind(a, o.at)
	r.bind(to, a, o.at)
}

// merge makes two nodes one, unless a person keeps them apart. The uid of the
// one seen first stays.
func (r *Registry) merge(o *observation, a, b *node, why string) *node {
	if a == b || a == nil || b == nil || slices.Contains(a.apart, b.uid) {
		return a
	}
	if b.first < a.first {
		a, b = b, a
	}
	return r.unite(o, a, b, why, SourceTraffic)
}

// unite makes gone a part of keep.
func (r *Registry) unite(o *observation, keep, gone *node, why string, by Source) *node {
	c := Change{What: changeMerged, Other: gone.uid, Why: why, Confidence: 0.9, Source: by, At: instant(o.at)}
	if by == SourceOperator {
		c.Confidence = 1
	}
	c.IPs, c.MACs = gone.holdings()
	for _, ip := range slices.Clone(gone.ips) {
		pinned, leased, bound := ip.pinned, ip.leased, ip.bound
		ip.node = nil // it moves with its device: no binding ends
		r.bind(keep, ip, bound)
		ip.pinned, ip.leased = pinned, leased
	}
	for _, hw := range gone.macs {
		hw.node = keep
		keep.macs = append(keep.macs, hw)
	}
	for _, name := range gone.reported {
		r.names[name] = keep
		keep.reported = append(keep.reported, name)
		r.index(keep, name)
	}
	for _, ev := range gone.evidence {
		if ev.Key != keyIdentity || ev.Value != "first seen" {
			keep.believe(ev)
		}
	}
	keep.absorb(gone)
	for _, name := range keep.hostnames {
		r.index(keep, name)
	}
	r.index(keep, keep.attr(KeyName).Value)
	r.zoned = false
	r.learn(o, keep, Evidence{Key: keyIdentity, Value: gone.uid, What: "merged with " + gone.uid + ": " + why, Source: by, Confidence: c.Confidence})
	keep.changed(c)
	r.retire(keep, gone)
	r.infer(o, keep)
	r.touch(keep)
	return keep
}

// absorb takes over what a merged node has beyond identities and evidence.
func (n *node) absorb(gone *node) {
	n.hostnames = union(n.hostnames, gone.hostnames, maxHostnames)
	n.software = union(n.software, gone.software, maxSoftware)
	n.merged = union(n.merged, append([]string{gone.uid}, gone.merged...), maxMerged)
	for _, p := range gone.polled {
		n.poll(p)
	}
	n.serves, n.guessed, n.speaks = n.serves|gone.serves, n.guessed|gone.guessed, n.speaks|gone.speaks
	n.first, n.last = min(n.first, gone.first), max(n.last, gone.last)
	n.inventory = n.inventory || gone.inventory
	n.gateway = n.gateway || gone.gateway
	n.apart = union(n.apart, gone.apart, maxMerged)
	n.absorbRuns(gone.runs)
	for _, b := range gone.bindings {
		if len(n.bindings) < maxBindings {
			n.bindings = append(n.bindings, b)
		}
	}
	n.publishes = n.publishes || gone.publishes
	n.programmed = n.programmed || gone.programmed
}

// retire removes a merged node and leaves its uid as an alias.
func (r *Registry) retire(keep, gone *node) {
	gone.gone = true
	gone.ips, gone.macs = nil, nil
	delete(r.nodes, gone.uid)
	for from, to := range r.alias {
		if to == gone.uid {
			r.alias[from] = keep.uid
			r.dropped = append(r.dropped, from)
		}
	}
	r.alias[gone.uid] = keep.uid
	r.dropped = append(r.dropped, gone.uid)
}

func union(a, b []string, limit int) []string {
	for _, s := range b {
		if len(a) < limit && !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// lease ties MAC, address and name of a DHCP client together.
func (r *Registry) lease(o *observation) {
	ip := o.e.DHCPAssignedIP()
	if ip == "" {
		return
	}
	mac := o.e.SrcEndpointMAC()
	if mac == "" {
		mac = o.e.DeviceMAC()
	}
	if mac == "" {
		mac = o.e.Extra("mac")
	}
	hw := r.hardwareOf(mac)
	addr, err := netip.ParseAddr(ip)
	if hw == nil || hw.shared || err != nil || r.scope(addr) != scopeLocal {
		return
	}
	n := r.byHardware(o, hw, true)
	if n == nil {
		return
	}
	n = r.holdLease(o, n, hw, addr)
	for _, host := range [...]string{o.e.SrcEndpointHostname(), o.e.Extra("host_name"), o.e.Extra("client_fqdn"), o.e.Extra("hostname")} {
		if plausibleHost(host) {
			r.call(o, n, host, SourceLease, 0.7, "told the DHCP server this name")
			break
		}
	}
}

func (r *Registry) holdLease(o *observation, n *node, hw *hardware, addr netip.Addr) *node {
	a := r.ips.get(addr.String())
	switch {
	case a == nil:
		a = r.newAddress(addr)
		r.bind(n, a, o.at)
	case a.node == n:
	case a.pinned:
		return n
	case len(a.node.macs) == 0 && !n.hasIP(addr.Is4()):
		n = r.merge(o, a.node, n, "DHCP gave address "+a.text+" to MAC "+hw.mac)
	default:
		r.move(o, a, n)
	}
	if a.node != n {
		return n
	}
	if !a.leased {
		a.leased = true
		r.learn(o, n, Evidence{Key: keyIdentity, Value: a.text, What: "DHCP gave address " + a.text + " to MAC " + hw.mac, Source: SourceLease, Confidence: 0.9})
	}
	a.hw = hw
	a.ended = 0
	for _, b := range n.ips { // a new lease ends the older ones
		if b != a && b.leased && b.ended == 0 && b.addr.Is4() && a.addr.Is4() && b.bound < o.at && a.bound <= o.at {
			b.ended = o.at
		}
	}
	return n
}

// lapsed takes away an address whose lease had ended before the event: who has
// it now is not known. Events from before the end still find the device, in
// whichever order logs are read.
func (r *Registry) lapsed(a *address, at int64) bool {
	if a.ended == 0 || at <= a.ended {
		return false
	}
	r.unbind(a, a.ended)
	r.ips.remove(a.text)
	return true
}

// call notes a name that a device gave itself.
func (r *Registry) call(o *observation, n *node, name string, src Source, confidence float64, what string) {
	if a := n.attr(KeyName); a.Value == name && a.Source == src {
		return
	}
	name = clean(name)
	if name == "" {
		return
	}
	r.learn(o, n, Evidence{Key: KeyName, Value: name, What: what, Source: src, Confidence: confidence})
	if !slices.Contains(n.hostnames, name) {
		if len(n.hostnames) >= maxHostnames {
			n.hostnames = slices.Delete(n.hostnames, 0, 1)
		}
		n.hostnames = append(n.hostnames, strings.Clone(name))
		r.index(n, name)
		r.touch(n)
	}
}

// learn completes evidence with the time and event of the observation.
func (r *Registry) learn(o *observation, n *node, ev Evidence) {
	if n == nil {
		return
	}
	ev.Since, ev.Event = instant(o.at), o.uid()
	news := n.believe(ev)
	if ev.Key == KeyFirmware && n.toldFirmware(&ev) {
		r.updates(n)
		news = true
	}
	if news {
		r.touch(n)
	}
}

// zoneOf returns the position of the zone with the most specific subnet that
// holds the address, or -1.
func (r *Registry) zoneOf(a netip.Addr) int { return zoneAt(r.cfg.Zones, a) }

// zoneConfidence is that of what the subnets say.
const zoneConfidence = 0.9

// applyZone sets zone, level, criticality and confidentiality from the
// configured subnets. The first address in a zone decides.
func (r *Registry) applyZone(n *node, at int64) {
	ofZone := func(ev Evidence) bool { return ev.Source == SourceZone }
	if len(r.cfg.Zones) == 0 && !slices.ContainsFunc(n.evidence, ofZone) {
		return
	}
	n.conf = ""
	r.zoned = false
	n.forget(ofZone)
	for _, a := range n.ips {
		i := r.zoneOf(a.addr)
		if i < 0 {
			continue
		}
		z := &r.cfg.Zones[i]
		n.conf = z.Confidentiality
		what := "address " + a.text + " lies in zone " + z.Name
		for _, kv := range [...]struct {
			k Key
			v string
		}{{KeyZone, z.Name}, {KeyLevel, z.Level}, {KeyCriticality, z.Criticality}} {
			n.believe(Evidence{Key: kv.k, Value: kv.v, What: what, Source: SourceZone, Confidence: zoneConfidence, Since: instant(at)})
		}
		return
	}
}
