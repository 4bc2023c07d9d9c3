package mud

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"vedette/internal/event"
)

// Learner makes a MUD file of what one device is seen to do. Peers on the local
// network become local-networks, others their DNS name, or their address where
// no name was seen. Attempts that nobody answered are left out, and so is what
// happened less often than asked for. It is not safe for concurrent use.
type Learner struct {
	subject Subject
	site    Site
	names   *Names
	seen    map[habit]*tally
	report  LearnReport
	newest  time.Time
}

// LearnReport tells what a file was learnt from.
type LearnReport struct {
	Events   int `json:"events"`
	Flows    int `json:"flows"`
	Failed   int `json:"failed"`     // attempts without an answer, left out
	Rare     int `json:"rare"`       // habits seen less often than asked for, left out
	Unnamed  int `json:"unnamed"`    // entries that name an address, since no name was seen
	AnyPort  int `json:"any_port"`   // entries for a peer with too many ports to name
	Full     int `json:"over_limit"` // flows beyond the habits that are remembered
	Entries  int `json:"entries"`
	FromOnly int `json:"from_device"`
}

// habit is one thing that the device does.
type habit struct {
	fromDevice bool
	protocol   int
	port       uint16 // of the service
	local      bool
	name       string
	addr       netip.Addr
}

type tally struct{ count int }

const (
	maxHabits    = 4096
	maxPortsEach = 16 // of one peer; beyond it the port is not part of the habit
)

// NewLearner makes a learner for a device.
func NewLearner(subject Subject, site Site) *Learner {
	return &Learner{subject: subject, site: site, names: NewNames(), seen: map[habit]*tally{}}
}

// Observe takes in an event.
func (l *Learner) Observe(e *event.Event) {
	l.report.Events++
	l.names.Learn(e)
	f, ok := l.subject.Flow(e, l.names)
	if !ok {
		return
	}
	if !e.MetadataClockSuspect() && e.TimeField().After(l.newest) {
		l.newest = e.TimeField()
	}
	l.add(&f, e.ConnectionInfoState(), weight(e))
}

// weight is how many flows an event stands for.
func weight(e *event.Event) int { return int(min(max(e.CountField(), 1), 1<<31)) }

// add takes in flows with the state of their connections, in Zeek's words; ""
// when it is not known.
func (l *Learner) add(f *Flow, state string, n int) {
	l.report.Flows += n
	if state == "S0" && f.Protocol == TCP || state == "REJ" || state == "RSTOS0" || state == "RSTRH" {
		l.report.Failed += n
		return
	}
	h := habit{fromDevice: f.FromDevice, protocol: f.Protocol, port: f.PeerPort}
	if !f.FromDevice {
		h.port = f.DevicePort
	}
	switch a := f.Peer.Addr; {
	case a.IsMulticast() || a == broadcast:
		h.addr = a
	case l.site.local(a):
		h.local = true
	case len(f.Peer.Names) > 0 && f.FromDevice:
		h.name = f.Peer.Names[0]
	default:
		h.addr = a
	}
	if t, ok := l.seen[h]; ok {
		t.count += n
		return
	}
	if len(l.seen) >= maxHabits {
		l.report.Full += n
		return
	}
	l.seen[h] = &tally{n}
}

// About is what a learnt file says of itself.
type About struct {
	URL, SystemInfo, Manufacturer, Model, Firmware string
	Now                                            time.Time
	MinFlows                                       int // flows from which a habit counts; 0: 1
}

// File returns what was learnt.
func (l *Learner) File(about About) (*File, LearnReport) {
	rep := l.report
	f := &File{
		URL: about.URL, Version: 1, LastUpdate: about.Now.UTC().Truncate(time.Second), CacheValidity: 48, Supported: true,
		SystemInfo: short(about.SystemInfo, 60), Manufacturer: about.Manufacturer, Model: about.Model, Firmware: about.Firmware,
	}
	lists := map[string]*List{}
	for _, name := range []string{"from-ipv4", "to-ipv4", "from-ipv6", "to-ipv6"} {
		kind := "ipv4-acl-type"
		if strings.HasSuffix(name, "6") {
			kind = "ipv6-acl-type"
		}
		lists[name] = &List{Name: name, Type: kind}
	}
	for _, h := range l.habits(max(about.MinFlows, 1), &rep) {
		family := "ipv4"
		if h.addr.Is6() {
			family = "ipv6"
		}
		out, back := h.entries(len(lists["from-"+family].Entries) + len(lists["to-"+family].Entries))
		if !h.fromDevice {
			out, back = back, out
		}
		lists["from-"+family].Entries = append(lists["from-"+family].Entries, out)
		lists["to-"+family].Entries = append(lists["to-"+family].Entries, back)
		if h.addr.IsValid() && !h.addr.IsMulticast() && h.addr != broadcast {
			rep.Unnamed++
		}
	}
	for _, name := range []string{"from-ipv4", "to-ipv4", "from-ipv6", "to-ipv6"} {
		if len(lists[name].Entries) == 0 {
			continue
		}
		f.Lists = append(f.Lists, *lists[name])
		if strings.HasPrefix(name, "from") {
			f.From = append(f.From, len(f.Lists)-1)
		} else {
			f.To = append(f.To, len(f.Lists)-1)
		}
	}
	c := f.Count()
	rep.Entries, rep.FromOnly = c.Entries, c.From
	return f, rep
}

// habits returns what counts, in a fixed order; the ports of a peer that has
// too many become any port.
func (l *Learner) habits(least int, rep *LearnReport) []habit {
	ports := map[habit]int{}
	for h := range l.seen {
		h.port = 0
		ports[h]++
	}
	sums := map[habit]int{}
	for h, t := range l.seen {
		peer := h
		peer.port = 0
		if ports[peer] > maxPortsEach {
			h = peer
		}
		sums[h] += t.count
	}
	var out []habit
	for h, n := range sums {
		if n < least {
			rep.Rare++
			continue
		}
		if h.port == 0 && (h.protocol == TCP || h.protocol == UDP) {
			rep.AnyPort++
		}
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b habit) int {
		return cmp.Or(boolCompare(b.fromDevice, a.fromDevice), boolCompare(b.local, a.local), cmp.Compare(a.name, b.name), a.addr.Compare(b.addr), cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.port, b.port))
	})
	return out
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// entries returns the entry for the side that begins and the one for the
// answers.
func (h habit) entries(n int) (begin, answer Entry) {
	m := Match{IP: 4, Protocol: h.protocol, LocalNetworks: h.local}
	if h.addr.Is6() {
		m.IP = 6
	}
	back := m
	if h.protocol == TCP {
		m.Initiated, back.Initiated = "to-device", "to-device"
		if h.fromDevice {
			m.Initiated, back.Initiated = "from-device", "from-device"
		}
	}
	if h.port != 0 {
		m.DstPort, back.SrcPort = Ports{Op: "eq", Lo: h.port}, Ports{Op: "eq", Lo: h.port}
	}
	if h.fromDevice {
		m.DstName, back.SrcName = h.name, h.name
	}
	if h.addr.IsValid() {
		p := prefixOf(h.addr)
		if h.fromDevice {
			m.DstPrefix, back.SrcPrefix = p, p
		} else {
			m.SrcPrefix, back.DstPrefix = p, p
		}
	}
	name := fmt.Sprintf("%d-%s-%s", n, protocolText(h.protocol), portText(h.port))
	return Entry{Name: name, Match: m, Accept: true}, Entry{Name: name + "-answers", Match: back, Accept: true}
}

func protocolText(n int) string {
	switch n {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ICMP, ICMPv6:
		return "icmp"
	}
	return fmt.Sprint("ip", n)
}

func short(text string, limit int) string {
	text = clean(text)
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "")
	}
	return text
}
