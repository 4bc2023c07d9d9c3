package mud

import (
	"net/netip"
	"slices"
	"strings"
)

// Flow is one exchange between the device and another side, as it was begun.
type Flow struct {
	FromDevice bool // the device began it
	Protocol   int
	DevicePort uint16
	PeerPort   uint16
	ICMPType   int // plus one; 0: not known
	ICMPCode   int // plus one; 0: not known
	EtherType  int // of what is no IP; 0: IP
	Peer       Peer
}

// Peer is the other side of a flow, as far as it is known.
type Peer struct {
	Addr         netip.Addr
	MAC          string
	Names        []string // DNS names of the address, in lower case
	NamesKnown   bool     // all names are there: none of them means that it has none
	MUDURL       string   // of the peer's own file
	Manufacturer string   // authority of its MUD URL
}

// Site is what a network must say before a file means something on it.
type Site struct {
	Local         []netip.Prefix            // local-networks; none: the private and link-local ranges
	MyControllers []netip.Prefix            // of the device in hand
	Controllers   map[string][]netip.Prefix // by class
}

// Verdict is what a file says of a flow.
type Verdict uint8

// The verdicts. Unsure hangs on something that is not known here.
const (
	Denied Verdict = iota
	Allowed
	Unsure
)

// String returns the verdict as a word.
func (v Verdict) String() string { return [...]string{"denied", "allowed", "unsure"}[v] }

// MarshalText writes the word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Decision is a verdict with its reason.
type Decision struct {
	Verdict Verdict `json:"verdict"`
	List    string  `json:"list,omitempty"`  // of the entry that decided, or that would
	Entry   string  `json:"entry,omitempty"` // "": no entry matches
	Lacks   string  `json:"lacks,omitempty"` // what is not known, when unsure
}

// Decide says what the file allows: the first entry of the policy for the side
// that began decides, and what no entry matches is denied (RFC 8520, 3.2).
func (f *File) Decide(flow *Flow, site *Site) Decision {
	lists := f.To
	if flow.FromDevice {
		lists = f.From
	}
	var unsure Decision
	for _, i := range lists {
		l := &f.Lists[i]
		for j := range l.Entries {
			e := &l.Entries[j]
			ok, lacks := f.matches(&e.Match, flow, site)
			switch {
			case !ok:
			case lacks != "":
				if unsure.Verdict != Unsure && e.Accept {
					unsure = Decision{Unsure, l.Name, e.Name, lacks}
				}
			case e.Accept:
				return Decision{Verdict: Allowed, List: l.Name, Entry: e.Name}
			case unsure.Verdict != Unsure:
				return Decision{Verdict: Denied, List: l.Name, Entry: e.Name}
			}
		}
	}
	return unsure
}

// matches reports whether an entry matches, and what it would hang on.
func (f *File) matches(m *Match, flow *Flow, site *Site) (ok bool, lacks string) {
	if !m.packet(flow) {
		return false, ""
	}
	src, dst := &Peer{}, &flow.Peer
	if !flow.FromDevice {
		src, dst = &flow.Peer, &Peer{}
	}
	for _, c := range [...]func() (bool, string){
		func() (bool, string) { return within(m.SrcPrefix, src) },
		func() (bool, string) { return within(m.DstPrefix, dst) },
		func() (bool, string) { return named(m.SrcName, src) },
		func() (bool, string) { return named(m.DstName, dst) },
		func() (bool, string) { return f.who(m, &flow.Peer, site) },
	} {
		holds, why := c()
		if !holds {
			return false, ""
		}
		if lacks == "" {
			lacks = why
		}
	}
	if len(m.Unknown) > 0 {
		lacks = "what the match " + m.Unknown[0] + " means"
	}
	return true, lacks
}

// packet compares what the flow itself shows.
func (m *Match) packet(flow *Flow) bool {
	srcPort, dstPort := flow.DevicePort, flow.PeerPort
	if !flow.FromDevice {
		srcPort, dstPort = dstPort, srcPort
	}
	six := flow.Peer.Addr.Is6()
	switch {
	case m.EtherType != 0 && m.EtherType != etherOf(flow, six),
		flow.EtherType != 0 && m.EtherType == 0,
		m.IP == 4 && six, m.IP == 6 && !six && flow.Peer.Addr.IsValid(),
		m.Protocol != 0 && m.Protocol != flow.Protocol && (m.Protocol != ICMP || flow.Protocol != ICMPv6),
		m.Initiated == "from-device" && !flow.FromDevice,
		m.Initiated == "to-device" && flow.FromDevice,
		!m.SrcPort.Has(srcPort), !m.DstPort.Has(dstPort),
		m.ICMPType != 0 && flow.ICMPType != 0 && m.ICMPType != flow.ICMPType,
		m.ICMPCode != 0 && flow.ICMPCode != 0 && m.ICMPCode != flow.ICMPCode:
		return false
	}
	mac := m.DstMAC
	if !flow.FromDevice {
		mac = m.SrcMAC
	}
	return mac == "" || mac == flow.Peer.MAC
}

func etherOf(flow *Flow, six bool) int {
	switch {
	case flow.EtherType != 0:
		return flow.EtherType
	case six:
		return 0x86dd
	}
	return 0x0800
}

// within compares an address; the device's own side always matches.
func within(p netip.Prefix, side *Peer) (bool, string) {
	if !p.IsValid() || !side.Addr.IsValid() {
		return true, ""
	}
	return p.Contains(side.Addr.Unmap()), ""
}

func named(name string, side *Peer) (bool, string) {
	switch {
	case name == "" || !side.Addr.IsValid():
		return true, ""
	case slices.Contains(side.Names, name):
		return true, ""
	case side.NamesKnown || len(side.Names) > 0:
		return false, ""
	}
	return true, "whether " + side.Addr.String() + " is " + name
}

// who compares what RFC 8520 says of the other side.
func (f *File) who(m *Match, peer *Peer, site *Site) (bool, string) {
	lacks := ""
	if m.LocalNetworks && !site.local(peer.Addr) {
		return false, ""
	}
	if m.MyController {
		switch {
		case len(site.MyControllers) == 0:
			lacks = "who is the controller of the device"
		case !contains(site.MyControllers, peer.Addr):
			return false, ""
		}
	}
	if m.Controller != "" {
		ranges, known := site.Controllers[m.Controller]
		switch {
		case !known:
			lacks = "who is a controller " + clean(m.Controller)
		case !contains(ranges, peer.Addr):
			return false, ""
		}
	}
	for _, want := range [...]string{m.Manufacturer, f.own(m)} {
		if want == "" {
			continue
		}
		if peer.Manufacturer == "" {
			if !site.local(peer.Addr) {
				return false, "" // devices with MUD files are on the local network
			}
			lacks = "whether " + peer.Addr.String() + " is made by " + clean(want)
		} else if !strings.EqualFold(peer.Manufacturer, want) {
			return false, ""
		}
	}
	if m.Model != "" {
		if peer.MUDURL == "" {
			lacks = "whether " + peer.Addr.String() + " is a " + clean(m.Model)
		} else if peer.MUDURL != m.Model {
			return false, ""
		}
	}
	return true, lacks
}

// own is the authority of the file's own URL where an entry asks for the same
// manufacturer.
func (f *File) own(m *Match) string {
	if !m.SameManufacturer {
		return ""
	}
	return Authority(f.URL)
}

// Authority is the host of a MUD URL, which names its manufacturer.
func Authority(mudURL string) string {
	_, rest, ok := strings.Cut(mudURL, "://")
	if !ok {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	return strings.ToLower(host)
}

func contains(ranges []netip.Prefix, a netip.Addr) bool {
	for _, p := range ranges {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

func (s *Site) local(a netip.Addr) bool {
	if len(s.Local) > 0 {
		return contains(s.Local, a) || a.IsLinkLocalUnicast() || a.IsMulticast()
	}
	return a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() || a == broadcast
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
