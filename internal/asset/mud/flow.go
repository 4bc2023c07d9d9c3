package mud

import (
	"net/netip"
	"slices"
	"strings"

	"vedette/internal/event"
)

// Subject is the device whose flows are wanted, by whatever is known of it.
type Subject struct {
	UID   string
	Addrs []netip.Addr
	MACs  []string
}

func (s *Subject) is(uid string, addr netip.Addr, mac string) bool {
	if s.UID != "" && uid != "" {
		return uid == s.UID
	}
	return addr.IsValid() && slices.Contains(s.Addrs, addr) || mac != "" && slices.Contains(s.MACs, mac)
}

// Flow returns the flow that an event tells of, from the device's view; false
// when it is not one of the device, or does not tell protocol and other side.
// names may be nil.
func (s *Subject) Flow(e *event.Event, names *Names) (Flow, bool) {
	src, _ := netip.ParseAddr(e.SrcEndpointIP()) // not there: not valid
	dst, _ := netip.ParseAddr(e.DstEndpointIP())
	protocol := protocolOf(e)
	if !dst.IsValid() && !src.IsValid() || protocol == 0 {
		return Flow{}, false
	}
	f := Flow{Protocol: protocol}
	switch {
	case s.is(e.SrcEndpointUID(), src, e.SrcEndpointMAC()):
		f.FromDevice = true
		f.DevicePort, f.PeerPort = port(e.SrcEndpointPort()), port(e.DstEndpointPort())
		f.Peer = Peer{Addr: dst, MAC: e.DstEndpointMAC()}
		f.Peer.addNames(e.DstEndpointHostname(), e.TLSSNI(), e.HTTPRequestURLHostname())
	case s.is(e.DstEndpointUID(), dst, e.DstEndpointMAC()):
		f.DevicePort, f.PeerPort = port(e.DstEndpointPort()), port(e.SrcEndpointPort())
		f.Peer = Peer{Addr: src, MAC: e.SrcEndpointMAC()}
		f.Peer.addNames(e.SrcEndpointHostname())
	default:
		return Flow{}, false
	}
	if !f.Peer.Addr.IsValid() {
		return Flow{}, false
	}
	if protocol == ICMP || protocol == ICMPv6 { // Zeek writes type and code as ports
		f.ICMPType, f.ICMPCode = int(e.SrcEndpointPort())+1, int(e.DstEndpointPort())+1
		if !e.Has(event.SlotSrcEndpointPort) {
			f.ICMPType, f.ICMPCode = 0, 0
		}
		f.DevicePort, f.PeerPort = 0, 0
	}
	if names != nil {
		f.Peer.addNames(names.Of(f.Peer.Addr)...)
	}
	return f, true
}

func (p *Peer) addNames(names ...string) {
	for _, n := range names {
		n = strings.ToLower(strings.TrimSuffix(n, "."))
		if host, _, ok := strings.Cut(n, ":"); ok {
			n = host
		}
		if n == "" || strings.IndexByte(n, '.') < 0 || slices.Contains(p.Names, n) {
			continue
		}
		if _, err := netip.ParseAddr(n); err != nil {
			p.Names = append(p.Names, strings.Clone(n))
		}
	}
}

func port(n int64) uint16 {
	if n < 0 || n > 65535 {
		return 0
	}
	return uint16(n)
}

// protocolOf reads the transport; applications that have one alone tell it too.
func protocolOf(e *event.Event) int {
	if n, ok := protocolNames[strings.ToLower(e.ConnectionInfoProtocolName())]; ok {
		return n
	}
	switch event.Class(e.ClassUID()) {
	case event.HTTPActivity, event.SSHActivity, event.FTPActivity, event.SMBActivity:
		return TCP
	case event.DHCPActivity:
		return UDP
	default:
		return 0
	}
}

// Names remembers which names addresses have, from the DNS answers that pass.
// It is bounded: when it is full the oldest half goes. It is not safe for
// concurrent use.
type Names struct {
	young, old map[netip.Addr][]string
}

const (
	maxAddresses = 1 << 15 // of each half
	maxNamesEach = 8
)

// NewNames makes an empty memory.
func NewNames() *Names { return &Names{young: map[netip.Addr][]string{}} }

// Learn takes in what an event tells of names.
func (n *Names) Learn(e *event.Event) {
	name := e.QueryHostname()
	if name == "" {
		return
	}
	for _, answer := range e.Answers() {
		if answer == "" || answer[0] != ':' && (answer[0] < '0' || answer[0] > '9') && (answer[0] < 'a' || answer[0] > 'f') {
			continue
		}
		if a, err := netip.ParseAddr(answer); err == nil {
			n.add(a.Unmap(), strings.ToLower(strings.TrimSuffix(name, ".")))
		}
	}
}

func (n *Names) add(a netip.Addr, name string) {
	have := n.Of(a)
	if slices.Contains(have, name) {
		return
	}
	if len(n.young) >= maxAddresses {
		n.young, n.old = map[netip.Addr][]string{}, n.young
	}
	if len(have) >= maxNamesEach {
		have = have[1:]
	}
	n.young[a] = append(slices.Clone(have), strings.Clone(name))
}

// Of returns the names of an address.
func (n *Names) Of(a netip.Addr) []string {
	if names, ok := n.young[a]; ok {
		return names
	}
	return n.old[a]
}
