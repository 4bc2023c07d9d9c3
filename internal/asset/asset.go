// Package asset answers "which device is this": it resolves every passing event
// to devices, merges their identities, and learns what they are - vendor, type,
// model, firmware, zone, Purdue level, criticality, owner - each with evidence.
//
// Identity, strongest first: what an operator's inventory says, the MAC, the
// DHCP lease (which ties MAC, address and name together), the address within
// its site, the name that a host reports under. Only unicast addresses of our
// own become devices:
//
//   - multicast, broadcast and unspecified addresses never do; an address that
//     ends in .0 or .255 of a subnet of unknown size does only when it sends;
//   - public addresses are external endpoints, unless they lie in a configured
//     subnet or the inventory, report themselves, or the sensor marks them local;
//   - a loopback address is the reporting host itself, and nothing if no event
//     says which host that is;
//   - a link-local address names a cable, not a device: it resolves by the MAC
//     seen with it or built into it, and creates nothing without one;
//   - an address that was only called and never answered is no device, so that
//     a scan does not fill the inventory.
//
// An address that moves to another MAC starts a new binding; two devices with
// different MACs are never merged. A MAC that carries addresses of several
// subnets belongs to a gateway and identifies none of them. Names that devices
// give themselves are shown and never used to tell devices apart or to choose a
// type: a device that calls itself "failed" changes its own label only.
//
// Package asset must not judge (say what is bad) and must not open a store:
// [Registry.Dirty] hands out records, and package app keeps them.
package asset

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"vedette/internal/asset/claim"
	"vedette/internal/asset/kind"
	"vedette/internal/asset/oui"
	"vedette/internal/event"
)

// Config says what is ours.
type Config struct {
	Site       string            // addresses are unique within a site; part of the devices' uids
	Zones      []Zone            // the most specific subnet decides
	Own        []netip.Prefix    // further subnets of ours, outside any zone
	Renamed    map[string]string // former names of zones: what is said by them is said of those that have their place
	MaxDevices int               // 0: DefaultMaxDevices; devices beyond it are not kept, see Stats

	// When a device is new and when silent, by the time of the newest event.
	// 0: DefaultNewFor, DefaultSilentAfter.
	NewFor, SilentAfter time.Duration

	// AdoptNeighbours takes two public addresses of one /24 or /64 that talk to
	// each other for ours: only a sensor on their own cable sees that.
	AdoptNeighbours bool
}

// DefaultMaxDevices bounds the registry against forged addresses.
const DefaultMaxDevices = 250_000

// Zone is a part of the network with a Purdue level.
type Zone struct {
	Name            string
	Level           string // "0" to "5", "3.5"
	Subnets         []netip.Prefix
	Criticality     string // of devices that have none of their own
	Confidentiality string // label of events of its devices; "" leaves it
}

// Registry is the set of known devices. It is safe for concurrent use.
type Registry struct {
	cfg   Config
	oui   *oui.Table
	now   func() time.Time
	types kind.Vocabulary

	// claims reads into memory of its own and is used under mu.
	claims *claim.Reader

	mu       sync.Mutex
	nodes    map[string]*node
	ips      index[address]
	macs     index[hardware]
	names    map[string]*node   // names of reporting hosts and names given by operators, lower case
	called   map[string][]*node // by any name, lower case; what no longer holds stays until it is looked at
	alias    map[string]string  // uid that was merged away -> uid
	version  uint64             // moves on when a name of a device may have changed
	zones    int                // zones with devices, when zoned
	zoned    bool
	dirty    []*node
	fresh    []*node  // of dirty, those that were never handed out
	updated  []*node  // with changes of firmware that are not said
	dropped  []string // merged-away uids whose records are to be replaced
	refused  int64
	observed int64
	newest   int64 // the newest time of an event of a device
	swept    int64 // newest at the last sweep
}

// address is one of our addresses and the device that has it now. What an
// event needs comes first, here and in node: it is one fetch from memory.
type address struct {
	node   *node
	hw     *hardware // seen with it last
	last   int64
	ended  int64 // when the device got another lease; 0: still has it
	bound  int64 // when node got it
	pinned bool  // an operator gave it to the device
	leased bool  // a DHCP server gave it to the device
	text   string
	addr   netip.Addr
}

// hardware is one MAC.
type hardware struct {
	number  uint64 // of mac, see number
	mac     string
	node    *node
	foreign []string // addresses of other subnets seen with it
	shared  bool     // a gateway's: says nothing about the addresses seen with it
}

// New makes an empty registry. table may be nil (no vendors); now is the clock
// for events without a usable time.
func New(cfg Config, table *oui.Table, now func() time.Time) *Registry {
	if cfg.MaxDevices <= 0 {
		cfg.MaxDevices = DefaultMaxDevices
	}
	if cfg.NewFor <= 0 {
		cfg.NewFor = DefaultNewFor
	}
	if cfg.SilentAfter <= 0 {
		cfg.SilentAfter = DefaultSilentAfter
	}
	return &Registry{
		cfg: cfg, oui: table, now: now, types: kind.NewVocabulary(), claims: claim.New(nil),
		nodes: make(map[string]*node), ips: newIndex[address](), macs: newIndex[hardware](),
		names: make(map[string]*node), called: make(map[string][]*node), alias: make(map[string]string),
	}
}

// observation is one event on its way through the registry.
type observation struct {
	e        *event.Event
	at       int64 // nanoseconds
	answered bool
}

// Observe resolves the event to devices, sets device.uid, src_endpoint.uid and
// dst_endpoint.uid and, for judgement, what is known of these devices (name,
// type, zone, ...); raises its confidentiality to that of their zones; and
// learns from it. device.uid is the reporting host where the event names one,
// else the source, else the destination.
func (r *Registry) Observe(e *event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.observed++
	o := observation{e: e, at: r.timeOf(e), answered: answered(e)}
	r.lease(&o)
	src := r.endpoint(&o, e.SrcEndpointIP(), e.SrcEndpointMAC(), true)
	dst := r.endpoint(&o, e.DstEndpointIP(), e.DstEndpointMAC(), o.answered)
	if src == nil && dst == nil && r.cfg.AdoptNeighbours {
		src, dst = r.adoptNeighbours(&o)
	}
	dev := r.reporter(&o)
	if dev != nil {
		src, dst = ownLoopback(e.SrcEndpointIP(), src, dev), ownLoopback(e.DstEndpointIP(), dst, dev)
	}
	r.learnRoles(&o, src, dst)
	subject := r.learnIdentity(&o, dev, src, dst)
	r.learnClaims(&o, dev, src, dst)
	switch {
	case dev != nil:
	case subject != nil && src == nil:
		dev = subject
	case src != nil:
		dev = src
	default:
		dev = dst
	}
	label(e, dev, src, dst)
}

// label writes the uids, what is known of the devices, and the confidentiality
// of the zones into the event.
func label(e *event.Event, dev, src, dst *node) {
	rank := confidentialityRank(e.LabelConfidentiality())
	for i, n := range [...]*node{dev, src, dst} {
		if n == nil {
			continue
		}
		n.tell(e, i)
		switch i {
		case 0:
			e.SetDeviceUID(n.uid)
		case 1:
			e.SetSrcEndpointUID(n.uid)
		case 2:
			e.SetDstEndpointUID(n.uid)
		}
		if n.conf != "" && confidentialityRank(n.conf) > rank {
			rank = confidentialityRank(n.conf)
			e.SetLabelConfidentiality(n.conf)
		}
	}
}

func confidentialityRank(s string) int {
	switch s {
	case event.Public:
		return 1
	case event.Internal:
		return 2
	case event.Confidential:
		return 3
	case event.Restricted:
		return 4
	}
	return 0
}

func (r *Registry) timeOf(e *event.Event) int64 {
	if e.Has(event.SlotTime) && !e.MetadataClockSuspect() {
		return e.Int(event.SlotTime)
	}
	return r.now().UnixNano()
}

// Get returns a device by uid; the uid of a device that was merged into
// another finds that one.
func (r *Registry) Get(uid string) (Device, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.byUID(uid)
	if n == nil {
		return Device{}, false
	}
	return r.exportOf(n), true
}

func (r *Registry) byUID(uid string) *node {
	if to, ok := r.alias[uid]; ok {
		uid = to
	}
	return r.nodes[uid]
}

// Find returns the devices with this uid, address, MAC or name (in any case;
// the names that devices gave themselves too).
func (r *Registry) Find(text string) []Device {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []Device
	r.find(text, func(n *node) { found = append(found, r.exportOf(n)) })
	slices.SortFunc(found, compareDevices)
	return found
}

// find gives the nodes that [Registry.Find] finds; the caller holds the lock.
func (r *Registry) find(text string, found func(*node)) {
	text = strings.TrimSpace(text)
	if n := r.byUID(text); n != nil {
		found(n)
		return
	}
	if strings.ContainsAny(text, ".:") { // else it is no address, which many texts are not
		if addr, err := netip.ParseAddr(text); err == nil {
			if a := r.ips.get(addr.Unmap().WithZone("").String()); a != nil {
				found(a.node)
			}
			return
		}
	}
	if mac, ok := CanonicalMAC(text); ok {
		if h := r.macs.get(mac); h != nil && h.node != nil {
			found(h.node)
		}
		return
	}
	for _, n := range r.called[strings.ToLower(text)] {
		if !n.gone && n.calls(text) {
			found(n)
		}
	}
}

func (n *node) calls(name string) bool {
	same := func(s string) bool { return strings.EqualFold(s, name) }
	return name != "" && (same(n.attr(KeyName).Value) || slices.ContainsFunc(n.hostnames, same) || slices.ContainsFunc(n.reported, same))
}

// index lets Find know a device by a name. A list that forged names make long
// is looked through once it has doubled.
func (r *Registry) index(n *node, name string) {
	lower := strings.ToLower(name)
	list := r.called[lower]
	if slices.Contains(list, n) {
		return
	}
	if len(list) == cap(list) {
		list = slices.DeleteFunc(list, func(x *node) bool { return x.gone || !x.calls(name) })
	}
	r.called[strings.Clone(lower)] = append(list, n)
	r.version++
}

// Name is what a device is called, and whether a person said so.
type Name struct {
	Text     string
	UID      string
	Operator bool
}

// NamesVersion moves on when what Names returns may have changed.
func (r *Registry) NamesVersion() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.version
}

// Names returns the names of all devices.
func (r *Registry) Names() []Name {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Name, 0, len(r.nodes))
	for _, n := range r.nodes {
		ev := n.attr(KeyName)
		name := Name{Text: ev.Value, UID: n.uid, Operator: ev.Source == SourceOperator}
		if name.Text == "" {
			name.Text = n.byDefault()
		}
		out = append(out, name)
	}
	return out
}

// List returns all devices, by name.
func (r *Registry) List() []Device {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Device, 0, len(r.nodes))
	for _, n := range r.nodes {
		out = append(out, r.exportOf(n))
	}
	slices.SortFunc(out, compareDevices)
	return out
}

// Stats counts.
type Stats struct {
	Devices  int
	Observed int64 // events
	Refused  int64 // devices not kept because of Config.MaxDevices
	Zones    int   // that have devices
}

// SetMaxDevices changes how many devices are kept. Those that are there stay, also
// if they are more.
func (r *Registry) SetMaxDevices(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg.MaxDevices = n
}

// Stats returns the registry's counts.
func (r *Registry) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Stats{Devices: len(r.nodes), Observed: r.observed, Refused: r.refused, Zones: r.countZones()}
}

// countZones counts again only after a zone may have changed.
func (r *Registry) countZones() int {
	if r.zoned {
		return r.zones
	}
	seen := map[string]bool{}
	for _, n := range r.nodes {
		if z := n.attr(KeyZone).Value; z != "" {
			seen[z] = true
		}
	}
	r.zones, r.zoned = len(seen), true
	return r.zones
}

func compareDevices(a, b Device) int {
	if an, bn := a.Name(), b.Name(); an != bn {
		x, y := netip.Addr{}, netip.Addr{}
		if ax, err := netip.ParseAddr(an); err == nil {
			x = ax
		}
		if bx, err := netip.ParseAddr(bn); err == nil {
			y = bx
		}
		if x.IsValid() && y.IsValid() {
			return x.Compare(y)
		}
		return strings.Compare(strings.ToLower(an), strings.ToLower(bn))
	}
	return strings.Compare(a.UID, b.UID)
}
