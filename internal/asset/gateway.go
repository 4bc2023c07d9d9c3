package asset

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// maxTogether is how many IPv4 addresses of one subnet one MAC may have in use
// at a time and still be one device (proxy ARP and NAT hosts have more).
const maxTogether = 8

// carriesOthers reports whether an address seen with a device's MAC belongs to
// another subnet than the addresses the MAC has in use: then the MAC is
// probably a gateway's and the address somebody else's. The second foreign
// address, or too many addresses at once, settle that. An address that a DHCP
// server gave out, or that follows one out of use, is the device's own.
func (r *Registry) carriesOthers(o *observation, hw *hardware, a *address) bool {
	inUse, near := 0, false
	for _, b := range hw.node.ips {
		if b.addr.Is4() != a.addr.Is4() || b.addr.IsLinkLocalUnicast() || o.at-b.last > busy || b.last-o.at > busy {
			continue
		}
		inUse++
		near = near || neighbours(a.addr, b.addr) || r.sameZone(a.addr, b.addr)
	}
	if inUse == 0 || (near && inUse < maxTogether) {
		return false
	}
	if near || a.addr.Is6() && inUse < maxTogether/2 {
		if !near {
			return false // hosts have several IPv6 prefixes
		}
		r.share(o, hw, strconv.Itoa(inUse+1)+" addresses at once")
		return true
	}
	if !slices.Contains(hw.foreign, a.text) && len(hw.foreign) < maxTogether {
		hw.foreign = append(hw.foreign, a.text)
	}
	if len(hw.foreign) >= 2 {
		r.share(o, hw, "it carries "+strings.Join(hw.foreign, ", ")+" beside addresses of its own subnet")
	}
	return true
}

func (r *Registry) sameZone(a, b netip.Addr) bool {
	za, zb := r.zoneOf(a), r.zoneOf(b)
	return za >= 0 && za == zb
}

// share marks a MAC as a gateway's and takes apart what it had joined: the MAC
// gets a device of its own, and addresses that only it had tied to the old
// device become devices by address.
func (r *Registry) share(o *observation, hw *hardware, why string) {
	if hw.shared {
		return
	}
	hw.shared = true
	old := hw.node
	old.macs = slices.DeleteFunc(old.macs, func(x *hardware) bool { return x == hw })
	old.forget(func(ev Evidence) bool { return ev.Source == SourceOUI && strings.Contains(ev.What, hw.mac) })
	first := true
	for _, a := range slices.Clone(old.ips) {
		a.hw = nil
		if a.pinned || a.leased || first {
			first = false
			continue
		}
		r.unbind(a, o.at)
		r.byAddress(o, a, "address "+a.text+" behind gateway "+hw.mac)
	}
	r.learn(o, old, Evidence{Key: keyIdentity, Value: hw.mac, What: "MAC " + hw.mac + " is a gateway's and was taken off: " + why, Source: SourceTraffic, Confidence: 0.9})
	hw.node = nil
	if gw := r.create(o, "gateway:"+hw.mac, "MAC "+hw.mac+" of a gateway: "+why); gw != nil {
		r.attach(o, gw, hw)
		r.isGateway(o, gw, why)
	}
}

// forwards notes that an external address was seen with a MAC: it is a
// router's. Its device keeps the one address of ours that it may have.
func (r *Registry) forwards(o *observation, hw *hardware) {
	if hw == nil || (hw.node != nil && hw.node.gateway) {
		return
	}
	if n := r.byHardware(o, hw, true); n != nil {
		r.isGateway(o, n, "external addresses were seen with its MAC "+hw.mac)
	}
}

func (r *Registry) isGateway(o *observation, n *node, why string) {
	n.gateway = true
	r.learn(o, n, Evidence{Key: KeyType, Value: "router", What: why, Source: SourceTraffic, Confidence: 0.7})
	r.touch(n)
}
