package asset

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"vedette/internal/event"
)

// busy is how long an address counts as in use by a MAC after it was seen.
const busy = int64(time.Hour)

// endpoint resolves one side of an event. Without create it finds known
// devices only. The fast path, a known address with its known MAC, does not
// allocate.
func (r *Registry) endpoint(o *observation, ip, mac string, create bool) *node {
	if ip == "" && mac == "" {
		return nil
	}
	a := r.ips.get(ip)
	hw := r.hardwareAt(a, mac)
	if a != nil && !r.lapsed(a, o.at) && (hw == nil || hw.shared || (hw.node == a.node && a.hw == hw)) {
		return r.seen(a.node, a, o.at)
	}
	if ip == "" {
		return r.byHardware(o, hw, create)
	}
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return nil
	}
	return r.byScope(o, addr.Unmap().WithZone(""), hw, create)
}

// hardwareAt is hardwareOf, by way of the address that was last seen with it:
// among a million MACs the index costs more than all else here.
func (r *Registry) hardwareAt(a *address, mac string) *hardware {
	if a != nil && a.hw != nil && a.hw.number != 0 {
		if n, ok := number(mac); ok && n == a.hw.number {
			return a.hw
		}
	}
	return r.hardwareOf(mac)
}

// byScope resolves an address that is new, or new with this MAC.
func (r *Registry) byScope(o *observation, addr netip.Addr, hw *hardware, create bool) *node {
	switch r.scope(addr) {
	case scopeLinkLocal:
		return r.linkLocal(o, addr, hw, create)
	case scopeExternal:
		if r.markedLocal(o, addr.String()) {
			return r.local(o, addr, nil, create)
		}
		if !isARP(o.e) {
			r.forwards(o, hw)
		}
		return nil
	case scopeLocal:
		if hw == nil {
			hw = r.hardwareOf(macFromEUI64(addr))
		}
		return r.local(o, addr, hw, create)
	case scopeNone:
		if create && addr.IsUnspecified() {
			return r.byHardware(o, hw, create) // a DHCP client without an address yet
		}
	case scopeLoopback:
	}
	return nil
}

// linkLocal resolves by the MAC alone: seen, or built into the address.
func (r *Registry) linkLocal(o *observation, addr netip.Addr, hw *hardware, create bool) *node {
	if hw == nil || hw.shared {
		hw = r.hardwareOf(macFromEUI64(addr))
	}
	n := r.byHardware(o, hw, create)
	if n == nil {
		return nil
	}
	if a := r.ips.get(addr.String()); a == nil {
		r.bind(n, r.newAddress(addr), o.at)
	}
	return n
}

// scope is scopeOf with the configuration applied.
func (r *Registry) scope(a netip.Addr) scope {
	for i := range r.cfg.Zones {
		for _, p := range r.cfg.Zones[i].Subnets {
			if p.Contains(a) {
				return ownScope(p, a)
			}
		}
	}
	for _, p := range r.cfg.Own {
		if p.Contains(a) {
			return ownScope(p, a)
		}
	}
	return scopeOf(a)
}

func ownScope(p netip.Prefix, a netip.Addr) scope {
	if s := scopeOf(a); s != scopeExternal && s != scopeLocal {
		return s
	}
	if isEdgeOf(p, a) {
		return scopeNone
	}
	return scopeLocal
}

// markedLocal reports whether the sensor itself says that this side of a
// connection is in its own networks (Zeek's local_orig and local_resp).
func (r *Registry) markedLocal(o *observation, ip string) bool {
	flag := "local_resp"
	if ip == o.e.SrcEndpointIP() {
		flag = "local_orig"
	}
	v := o.e.Extra(flag)
	return v == "T" || v == "true"
}

// local resolves an address of ours, seen with a MAC or with none (nil).
func (r *Registry) local(o *observation, addr netip.Addr, hw *hardware, create bool) *node {
	ip := addr.String()
	a := r.ips.get(ip)
	if a == nil {
		if !create || (mayBeBroadcast(addr) && ip != o.e.SrcEndpointIP() && r.zoneOf(addr) < 0) {
			return nil
		}
		a = r.newAddress(addr)
	}
	if hw == nil || hw.shared {
		return r.byAddress(o, a, "address "+ip)
	}
	switch {
	case a.node == nil && hw.node == nil:
		n := r.create(o, "mac:"+hw.mac, "MAC "+hw.mac+" with address "+ip)
		r.attach(o, n, hw)
		r.bind(n, a, o.at)
	case a.node == nil:
		if r.carriesOthers(o, hw, a) {
			return r.byAddress(o, a, "address "+ip+" behind gateway "+hw.mac)
		}
		r.bind(hw.node, a, o.at)
	case hw.node == nil:
		r.meetNewMAC(o, a, hw)
	case hw.node != a.node:
		r.meetOtherMAC(o, a, hw)
	}
	if hw.shared {
		return r.byAddress(o, a, "address "+ip)
	}
	if a.node == hw.node {
		a.hw = hw
	}
	if hw.node == nil || a.pinned {
		return r.seen(a.node, a, o.at)
	}
	if slices.Contains(hw.foreign, ip) {
		return r.seen(a.node, a, o.at)
	}
	return r.seen(hw.node, a, o.at) // the MAC wins over a binding that is newer than this event
}

// meetNewMAC handles a known address seen with a MAC that belongs to no device.
func (r *Registry) meetNewMAC(o *observation, a *address, hw *hardware) {
	if len(a.node.macs) == 0 || a.pinned {
		if len(a.node.macs) == 0 {
			r.attach(o, a.node, hw)
		}
		return
	}
	n := r.create(o, "mac:"+hw.mac, "MAC "+hw.mac+" took over address "+a.text)
	if n == nil {
		return
	}
	r.attach(o, n, hw)
	r.move(o, a, n)
}

// meetOtherMAC handles a known address seen with the MAC of another device.
func (r *Registry) meetOtherMAC(o *observation, a *address, hw *hardware) {
	switch {
	case a.pinned:
	case len(a.node.macs) == 0 && !hw.node.hasIP(a.addr.Is4()):
		r.merge(o, a.node, hw.node, "address "+a.text+" was seen with MAC "+hw.mac)
	case r.carriesOthers(o, hw, a):
	default:
		r.move(o, a, hw.node)
	}
}

func (n *node) hasIP(v4 bool) bool {
	return slices.ContainsFunc(n.ips, func(a *address) bool { return a.addr.Is4() == v4 && !a.addr.IsLinkLocalUnicast() })
}

// byAddress returns the device of an address alone, and makes it if needed.
func (r *Registry) byAddress(o *observation, a *address, why string) *node {
	if a.node == nil {
		n := r.create(o, "ip:"+a.text, why)
		if n == nil {
			return nil
		}
		r.bind(n, a, o.at)
	}
	return r.seen(a.node, a, o.at)
}

// byHardware returns the device of a MAC, and makes it if allowed.
func (r *Registry) byHardware(o *observation, hw *hardware, create bool) *node {
	if hw == nil {
		return nil
	}
	if hw.node == nil {
		if !create {
			return nil
		}
		if n := r.create(o, "mac:"+hw.mac, "MAC "+hw.mac); n != nil {
			r.attach(o, n, hw)
		}
	}
	return r.seen(hw.node, nil, o.at)
}

// seen moves the times of a device and its address on.
func (r *Registry) seen(n *node, a *address, at int64) *node {
	if a != nil && at > a.last {
		a.last = at
	}
	if n == nil {
		return nil
	}
	if n.first == 0 || at < n.first {
		n.first = at
		r.touch(n)
	}
	if at > n.last {
		n.last = at
		r.newest = max(r.newest, at)
		if at-n.savedLast >= int64(time.Minute) {
			r.touch(n)
		}
	}
	return n
}

// reporter returns the host that wrote the event, if the event names one.
func (r *Registry) reporter(o *observation) *node {
	host, ip, mac := o.e.DeviceHostname(), o.e.DeviceIP(), o.e.DeviceMAC()
	if host == "" && ip == "" && mac == "" {
		return nil
	}
	if ip == "" && host != "" && host[0] <= '9' || strings.Contains(host, ":") {
		if addr, err := netip.ParseAddr(host); err == nil {
			host, ip = "", addr.Unmap().WithZone("").String()
		}
	}
	var n *node
	if a := r.ips.get(ip); a != nil {
		n = r.endpoint(o, ip, mac, true)
	} else if addr, err := netip.ParseAddr(ip); err == nil && r.scope(addr) == scopeExternal {
		if o.e.Has(event.SlotIdentitySource) {
			return nil // a stranger whose answer was overheard
		}
		n = r.local(o, addr, r.hardwareOf(mac), true) // it reports to us: it is ours
	} else {
		n = r.endpoint(o, ip, mac, true)
	}
	if !plausibleHost(host) {
		return n
	}
	if n == nil {
		return r.byName(o, host)
	}
	r.call(o, n, host, SourceReport, 0.8, "reports under this name")
	return n
}

// byName resolves a reporting host that has no address but a name.
func (r *Registry) byName(o *observation, host string) *node {
	n := r.names[host]
	if n == nil {
		n = r.names[strings.ToLower(host)]
	}
	if n == nil {
		lower := strings.Clone(strings.ToLower(host))
		n = r.create(o, "name:"+lower, "log lines that name their host "+clean(host))
		if n == nil {
			return nil
		}
		n.reported = append(n.reported, lower)
		r.names[lower] = n
		r.index(n, lower)
		r.call(o, n, host, SourceReport, 0.8, "reports under this name")
	}
	return r.seen(n, nil, o.at)
}

// plausibleHost reports whether a host name can stand for a host.
func plausibleHost(s string) bool {
	if s == "" || len(s) > 253 || s == "-" || strings.EqualFold(s, "localhost") {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// ownLoopback replaces an unresolved loopback endpoint by the reporting host.
func ownLoopback(ip string, n, reporter *node) *node {
	if n != nil || (ip != "::1" && !strings.HasPrefix(ip, "127.")) {
		return n
	}
	return reporter
}

// adoptNeighbours makes both ends of a conversation inside one public subnet
// ours, see Config.AdoptNeighbours.
func (r *Registry) adoptNeighbours(o *observation) (src, dst *node) {
	a, errA := netip.ParseAddr(o.e.SrcEndpointIP())
	b, errB := netip.ParseAddr(o.e.DstEndpointIP())
	if errA != nil || errB != nil || a == b || !o.answered || !neighbours(a, b) || scopeOf(a) != scopeExternal {
		return nil, nil
	}
	return r.local(o, a, r.hardwareOf(o.e.SrcEndpointMAC()), true), r.local(o, b, r.hardwareOf(o.e.DstEndpointMAC()), true)
}

// answered reports whether the event shows that its destination exists. An
// address that was called and gave no answer is not a device.
func answered(e *event.Event) bool {
	switch {
	case isARP(e):
		return e.Extra("operation") == "reply" || e.ActivityName() == "reply"
	case e.TrafficPacketsIn() > 0 || e.TrafficBytesIn() > 0:
		return true
	case e.Has(event.SlotDisposition) && (e.Disposition() == "Blocked" || e.Disposition() == "Dropped"):
		return false
	case e.Has(event.SlotConnectionInfoState):
		return stateAnswers(e.ConnectionInfoState())
	case e.Has(event.SlotTrafficPacketsIn) || e.Has(event.SlotTrafficBytesIn) || e.Has(event.SlotTrafficPacketsOut) || e.Has(event.SlotTrafficBytesOut):
		return false // it counts packets and there were none back
	}
	switch event.Class(e.ClassUID()) {
	case event.DHCPActivity:
		return e.Has(event.SlotDHCPAssignedIP) || slices.ContainsFunc(e.DHCPMessageType(), func(m string) bool {
			return strings.EqualFold(m, "ack") || strings.EqualFold(m, "offer") || strings.EqualFold(m, "nak")
		})
	case event.DNSActivity:
		return e.Has(event.SlotRcode) || e.Has(event.SlotAnswers)
	case event.NetworkActivity:
		return networkAnswers(e)
	default:
		return true
	}
}

// isARP reports whether the record is of the address resolution protocol: who
// asks for an address does not route it, and asking does not make it exist.
func isARP(e *event.Event) bool {
	return strings.HasSuffix(e.MetadataLogName(), "/arp")
}

// stateAnswers reads Zeek's and Suricata's states of a connection.
func stateAnswers(state string) bool {
	switch state {
	case "S0", "SH", "OTH", "new":
		return false
	}
	return true
}

// networkAnswers judges a record of an OT or other protocol that does not
// count packets. Over TCP a message means that the connection stands; over UDP
// (BACnet) a request proves nothing.
func networkAnswers(e *event.Event) bool {
	if e.Has(event.SlotICSResponse) {
		return true
	}
	if p := e.ConnectionInfoProtocolName(); e.ICSProtocol() == "bacnet" || p == "udp" || p == "icmp" {
		isOrig := e.Extra("is_orig")
		return isOrig == "F" || isOrig == "false"
	}
	return e.Has(event.SlotICSProtocol) || e.Has(event.SlotAppName)
}
