package inteleval

import (
	"fmt"
	"net/netip"
	"slices"

	"vedette/internal/asset/mud"
)

// MUDReport is what a MUD file says of flows made up from its own entries: one
// that each entry describes, and three that differ from it in one thing.
type MUDReport struct {
	File    string         `json:"file"`
	Count   mud.Count      `json:"count"`
	Errors  int            `json:"errors"` // notes that are errors
	Made    int            `json:"made"`   // flows as an entry describes
	Allowed int            `json:"allowed"`
	Missed  []string       `json:"missed,omitempty"` // entries whose flow was not allowed
	Changed map[string]int `json:"changed"`          // flows that differ, by verdict
	Others  int            `json:"others"`           // of the changed and allowed, those that another entry describes
	Answers int            `json:"answers"`          // entries for the answers to what the other side's entries begin; nothing is made of them
	Blind   map[string]int `json:"blind"`            // the made flows again, when nothing is known of names and controllers
}

// MUD scores one file.
func MUD(name string, data []byte) (MUDReport, error) {
	f, notes, err := mud.Parse(data)
	if err != nil {
		return MUDReport{}, fmt.Errorf("%s: %w", name, err)
	}
	rep := MUDReport{File: name, Count: f.Count(), Changed: map[string]int{}, Blind: map[string]int{}}
	for _, n := range notes {
		if n.Error {
			rep.Errors++
		}
	}
	site := siteOf(f)
	for _, p := range []struct {
		lists []int
		from  bool
	}{{f.From, true}, {f.To, false}} {
		for _, i := range p.lists {
			for j := range f.Lists[i].Entries {
				rep.entry(f, &f.Lists[i].Entries[j], p.from, &site)
			}
		}
	}
	return rep, nil
}

// siteOf gives each class of controllers an address of its own.
func siteOf(f *mud.File) mud.Site {
	s := mud.Site{MyControllers: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/32")}, Controllers: map[string][]netip.Prefix{}}
	for _, l := range f.Lists {
		for i := range l.Entries {
			if c := l.Entries[i].Match.Controller; c != "" && s.Controllers[c] == nil {
				a := netip.AddrFrom4([4]byte{10, 0, 1, byte(len(s.Controllers) + 1)}) //nolint:gosec // G115: few classes
				s.Controllers[c] = []netip.Prefix{netip.PrefixFrom(a, 32)}
			}
		}
	}
	return s
}

func (r *MUDReport) entry(f *mud.File, e *mud.Entry, from bool, site *mud.Site) {
	if !e.Accept || e.Match.Initiated == "from-device" && !from || e.Match.Initiated == "to-device" && from {
		r.Answers++
		return
	}
	flow := flowOf(e, from, f, site)
	r.Made++
	if d := f.Decide(&flow, site); d.Verdict == mud.Allowed {
		r.Allowed++
	} else {
		r.Missed = append(r.Missed, e.Name+": "+d.Verdict.String()+" "+d.Lacks)
	}
	blind := flow
	blind.Peer.Names, blind.Peer.NamesKnown, blind.Peer.Manufacturer, blind.Peer.MUDURL = nil, false, "", ""
	r.Blind[f.Decide(&blind, &mud.Site{}).Verdict.String()]++
	for _, change := range []func(*mud.Flow){
		func(x *mud.Flow) { // another port at both ends, or another protocol where there are none
			x.PeerPort, x.DevicePort = 61111, 61112
			if x.Protocol != mud.TCP && x.Protocol != mud.UDP {
				x.Protocol = 132
			}
		},
		func(x *mud.Flow) { // a stranger
			x.Peer = mud.Peer{Addr: netip.MustParseAddr("192.0.2.99"), Names: []string{"stranger.invalid"}, NamesKnown: true, Manufacturer: "stranger.invalid"}
			x.EtherType = 0
		},
		func(x *mud.Flow) { // the other transport
			x.Protocol = map[int]int{mud.TCP: mud.UDP, mud.UDP: mud.TCP}[x.Protocol]
		},
	} {
		x := flow
		x.Peer.Names = slices.Clone(flow.Peer.Names)
		change(&x)
		d := f.Decide(&x, site)
		r.Changed[d.Verdict.String()]++
		if d.Verdict == mud.Allowed {
			r.Others++
		}
	}
}

// flowOf is a flow as the entry describes it.
func flowOf(e *mud.Entry, from bool, f *mud.File, site *mud.Site) mud.Flow {
	m := &e.Match
	flow := mud.Flow{FromDevice: from, Protocol: m.Protocol, ICMPType: m.ICMPType, ICMPCode: m.ICMPCode, DevicePort: 40000, PeerPort: 40001}
	peer, device := m.DstPort, m.SrcPort
	prefix, name, hw := m.DstPrefix, m.DstName, m.DstMAC
	if !from {
		peer, device, prefix, name, hw = device, peer, m.SrcPrefix, m.SrcName, m.SrcMAC
	}
	if peer.Op != "" {
		flow.PeerPort = peer.Lo
	}
	if device.Op != "" {
		flow.DevicePort = device.Lo
	}
	p := &flow.Peer
	p.Addr, p.NamesKnown, p.MAC = netip.MustParseAddr("203.0.113.9"), true, hw
	if m.IP == 6 {
		p.Addr = netip.MustParseAddr("2001:db8::9")
	}
	if name != "" {
		p.Names = []string{name}
	}
	switch {
	case prefix.IsValid():
		p.Addr = prefix.Addr()
	case m.MyController:
		p.Addr = site.MyControllers[0].Addr()
	case m.Controller != "":
		p.Addr = site.Controllers[m.Controller][0].Addr()
	case m.LocalNetworks, m.SameManufacturer, m.Manufacturer != "", m.Model != "":
		p.Addr = netip.MustParseAddr("10.0.2.3")
	}
	p.Manufacturer, p.MUDURL = m.Manufacturer, m.Model
	if m.SameManufacturer {
		p.Manufacturer = mud.Authority(f.URL)
	}
	if m.EtherType != 0 && m.EtherType != 0x0800 && m.EtherType != 0x86dd {
		flow.EtherType = m.EtherType
	}
	return flow
}
