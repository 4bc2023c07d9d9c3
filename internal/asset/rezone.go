package asset

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
)

// Move is a device whose zone changes.
type Move struct {
	UID, Name string
	From, To  string // zones; "": none
}

// Rezone puts other zones in the place of those that there are, for all devices and
// for what is observed from then on.
func (r *Registry) Rezone(zones []Zone) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.cfg.Zones
	r.cfg.Zones = slices.Clone(zones)
	r.zoned = false
	r.version++
	for _, n := range r.nodes {
		if was, is := zoneIn(old, n), zoneIn(zones, n); !was.same(is) {
			r.rezone(n)
		}
	}
}

// RenameZones says by which names zones went before. What a person or an inventory said by a
// former name is said by the present one from then on; what the subnets say is
// [Registry.Rezone]'s. To say the same again changes nothing.
func (r *Registry) RenameZones(now map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg.Renamed = maps.Clone(now)
	r.version++
	for _, n := range r.nodes {
		changed := false
		for i := range n.evidence {
			ev := &n.evidence[i]
			if is, ok := now[ev.Value]; ok && ev.Key == KeyZone && ev.Source != SourceZone {
				ev.Value, changed = is, true
			}
		}
		if changed {
			r.zoned = false
			n.choose(KeyZone)
			r.touch(n)
		}
	}
}

// SaidOfZone counts the devices of which a person or an inventory says that they are in a zone.
func (r *Registry) SaidOfZone(zone string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	count := 0
	for _, n := range r.nodes {
		if slices.ContainsFunc(n.evidence, func(ev Evidence) bool { return ev.Key == KeyZone && ev.Source != SourceZone && ev.Value == zone }) {
			count++
		}
	}
	return count
}

// WouldRezone tells which devices [Registry.Rezone] would move, by name, and moves
// none. What a person or an inventory says of a device's zone stands as ever.
func (r *Registry) WouldRezone(zones []Zone) []Move {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Move
	for _, n := range r.nodes {
		is, will := n.attr(KeyZone).Value, n.zoneWith(zoneIn(zones, n))
		if is != will {
			out = append(out, Move{UID: n.uid, Name: cmp.Or(n.attr(KeyName).Value, n.byDefault()), From: is, To: will})
		}
	}
	slices.SortFunc(out, func(a, b Move) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID)) })
	return out
}

// rezone applies the zones to a device, and notes whether that changed it.
func (r *Registry) rezone(n *node) {
	zone, level, criticality := n.attr(KeyZone), n.attr(KeyLevel), n.attr(KeyCriticality)
	r.applyZone(n, n.last)
	if n.attr(KeyZone).Value != zone.Value || n.attr(KeyLevel).Value != level.Value || n.attr(KeyCriticality).Value != criticality.Value {
		r.touch(n)
	}
}

// zoneIn is the zone of some that the subnets give a device, as applyZone does; nil:
// none.
func zoneIn(zones []Zone, n *node) *Zone {
	for _, a := range n.ips {
		if z := zoneAt(zones, a.addr); z >= 0 {
			return &zones[z]
		}
	}
	return nil
}

// ZoneOf names the zone that an address lies in by the subnets; "" if it lies in none.
func ZoneOf(zones []Zone, a netip.Addr) string {
	if i := zoneAt(zones, a.Unmap()); i >= 0 {
		return zones[i].Name
	}
	return ""
}

// zoneAt returns the position of the zone with the most specific subnet that holds
// an address, or -1.
func zoneAt(zones []Zone, a netip.Addr) int {
	zone, bits := -1, -1
	for i := range zones {
		for _, p := range zones[i].Subnets {
			if p.Bits() > bits && p.Contains(a) {
				zone, bits = i, p.Bits()
			}
		}
	}
	return zone
}

// same reports whether two zones say the same of a device.
func (z *Zone) same(o *Zone) bool {
	if z == nil || o == nil {
		return z == o
	}
	return z.Name == o.Name && z.Level == o.Level && z.Criticality == o.Criticality && z.Confidentiality == o.Confidentiality
}

// zoneWith is the zone of a device if the subnets said that.
func (n *node) zoneWith(z *Zone) string {
	best := &Evidence{}
	if z != nil {
		best = &Evidence{Key: KeyZone, Value: clean(z.Name), Source: SourceZone, Confidence: zoneConfidence, Since: instant(n.last)}
	}
	for i := range n.evidence {
		if ev := &n.evidence[i]; ev.Key == KeyZone && ev.Source != SourceZone && better(ev, best) {
			best = ev
		}
	}
	return best.Value
}
