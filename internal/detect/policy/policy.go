// Package policy raises a finding for traffic that a site's own rules do not
// allow: which zone may talk to which, over what conduit (IEC 62443), and what
// the MUD file of a device allows (RFC 8520).
//
// It judges what it knows: where an event does not tell the protocol, the
// function or the name that a rule asks for, nothing is raised. It starts in
// monitor mode, in which violations are findings of low severity, until the
// rules are known to fit.
//
// It must not read files, change rules or enforce anything.
package policy

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"vedette/internal/asset/mud"
	"vedette/internal/detect"
	"vedette/internal/event"
)

// The pseudo-zones of what is in no zone.
const (
	Internet = "internet" // an address that is not private
	Unzoned  = "unzoned"  // a private address that no zone covers
	AnyZone  = "*"
)

// Detector holds events against the rules. It is used by one goroutine.
type Detector struct {
	cfg   Config
	pairs map[pair][]*Conduit
	mud   *binder
	names *mud.Names

	next atomic.Pointer[Config] // what is to be in force from the next event on

	unclear int64 // events whose ends tell too little
	unsure  int64
	lacks   string // what the first unsure verdict hung on
}

var (
	_ detect.Detector    = (*Detector)(nil)
	_ detect.Conditioner = (*Detector)(nil)
)

type pair struct{ from, to string }

// maxPairs bounds the pairs of zones whose conduits are remembered.
const maxPairs = 10_000

// New makes a detector of the rules.
func New(cfg Config) *Detector {
	return &Detector{cfg: cfg, pairs: map[pair][]*Conduit{}, mud: newBinder(&cfg), names: mud.NewNames()}
}

// Swap puts other zones and conduits in force, from the next event on; MUD files stay. It
// may be called while events are inspected.
func (d *Detector) Swap(cfg Config) { d.next.Store(&cfg) }

// Name implements [detect.Detector].
func (d *Detector) Name() string { return "policy" }

// Inspect implements [detect.Detector].
func (d *Detector) Inspect(e *event.Event, raise detect.Raise) {
	if !d.mud.empty() {
		d.names.Learn(e)
		d.mud.learn(e)
		d.profiles(e, raise)
	}
	if d.next.Load() != nil {
		cfg := d.next.Swap(nil)
		d.cfg.Conduits, d.cfg.Isolated, d.pairs = cfg.Conduits, cfg.Isolated, map[pair][]*Conduit{}
	}
	if d.cfg.Zoned() {
		d.zones(e, raise)
	}
}

// Conditions implements [detect.Conditioner].
func (d *Detector) Conditions() []detect.Condition {
	var out []detect.Condition
	if d.unsure > 0 {
		out = append(out, detect.Condition{
			Detector: d.Name(), Code: "mud-unsure", Count: d.unsure,
			Text: "flows could not be judged by a MUD file, since it is not known " + d.lacks,
		})
	}
	if d.mud.full > 0 {
		out = append(out, detect.Condition{Detector: d.Name(), Code: "devices-full", Text: "devices beyond the limit are not held against MUD files by vendor, model or URL", Count: d.mud.full})
	}
	return out
}

// zones holds an event against zones and conduits.
func (d *Detector) zones(e *event.Event, raise detect.Raise) {
	src, dst := e.SrcEndpointIP(), e.DstEndpointIP()
	if src == "" || dst == "" {
		return
	}
	from, to := zoneOf(e.Str(event.SlotSrcEndpointZone), src), zoneOf(e.Str(event.SlotDstEndpointZone), dst)
	if from == "" || to == "" {
		return
	}
	conduits := d.between(from, to)
	if !d.cfg.standing(from, to, conduits).judged() {
		return
	}
	t := trafficOf(e)
	for _, c := range conduits {
		if c.allows(&t) {
			return
		}
	}
	raise(d.crossing(e, from, to, conduits, &t))
}

// zoneOf names where an address is; "" for one that is nowhere, such as a
// multicast group.
func zoneOf(zone, ip string) string {
	if zone != "" {
		return zone
	}
	a, err := netip.ParseAddr(ip)
	switch {
	case err != nil, a.IsMulticast(), a.IsUnspecified(), a.IsLoopback(), a.IsLinkLocalUnicast(), ip == "255.255.255.255":
		return ""
	case a.IsPrivate():
		return Unzoned
	}
	return Internet
}

// between returns the conduits from one zone to another, and remembers them.
func (d *Detector) between(from, to string) []*Conduit {
	if found, ok := d.pairs[pair{from, to}]; ok {
		return found
	}
	found := d.cfg.Covering(from, to)
	if len(d.pairs) < maxPairs {
		d.pairs[pair{strings.Clone(from), strings.Clone(to)}] = found
	}
	return found
}

// profiles holds the flows of devices with MUD files against them.
func (d *Detector) profiles(e *event.Event, raise detect.Raise) {
	for _, uid := range [...]string{e.SrcEndpointUID(), e.DstEndpointUID()} {
		b := d.mud.of(uid)
		if b == nil {
			continue
		}
		subject := mud.Subject{UID: uid}
		f, ok := subject.Flow(e, d.names)
		if !ok {
			d.unclear++
			continue
		}
		f.Peer.NamesKnown = d.mud.seesNames(uid, e.TimeField())
		d.mud.peer(e, &f)
		site := d.cfg.Site
		site.MyControllers = b.MyControllers
		switch got := b.File.Decide(&f, &site); got.Verdict {
		case mud.Denied:
			raise(d.beyond(e, b, &f, got))
		case mud.Unsure:
			if d.unsure++; d.lacks == "" {
				d.lacks = got.Lacks
			}
		case mud.Allowed:
		}
	}
}

// settled is how long a device's DNS must have been seen before an address
// without a name is taken to have none: before that it may have been asked for.
const settled = time.Hour
