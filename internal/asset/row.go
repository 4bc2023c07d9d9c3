package asset

import (
	"maps"
	"net/netip"
	"slices"

	"vedette/internal/store"
)

// rowsAtOnce is how many rows are made while others wait for the registry.
const rowsAtOnce = 2000

// Rows returns all devices as lists have them, in no order. It costs far less
// than [Registry.List], which gives the reasons too, and lets events be observed
// meanwhile: a device that merges with another while it runs may be in it as it
// was before.
func (r *Registry) Rows() []store.Device {
	r.mu.Lock()
	nodes := slices.Collect(maps.Values(r.nodes))
	r.mu.Unlock()
	rows := make([]store.Device, 0, len(nodes))
	for part := range slices.Chunk(nodes, rowsAtOnce) {
		r.mu.Lock()
		for _, n := range part {
			if r.nodes[n.uid] == n { // it was not merged meanwhile
				rows = r.appendRows(rows, n)
			}
		}
		r.mu.Unlock()
	}
	return slices.DeleteFunc(rows, func(d store.Device) bool { return d.AliasOf != "" })
}

// appendRows appends what [Device.Rows] gives of the device: all of a large
// fleet are written now and then, so it copies nothing that no row has.
func (r *Registry) appendRows(rows []store.Device, n *node) []store.Device {
	row := store.Device{
		UID: n.uid, Name: n.value(KeyName), Type: n.value(KeyType), Vendor: n.value(KeyVendor), Model: n.value(KeyModel),
		Firmware: n.value(KeyFirmware), Zone: n.value(KeyZone), Level: n.value(KeyLevel), Criticality: n.value(KeyCriticality),
		Owner: n.value(KeyOwner), Serial: n.value(KeySerial), OS: n.value(KeyOS), State: n.value(KeyState), Location: n.value(KeyLocation),
		Evidence: int64(len(n.evidence)), FirstSeen: instant(n.first), LastSeen: instant(n.last),
	}
	if s, why := r.stateOf(n); why != "" {
		row.State = s.String()
		row.Evidence++
	}
	if row.Name == "" {
		row.Name = n.byDefault()
	}
	row.IPs, row.MACs = n.addresses()
	rows = append(rows, row)
	for _, uid := range n.merged {
		row.UID, row.AliasOf = uid, n.uid
		rows = append(rows, row)
	}
	return rows
}

func (n *node) value(k Key) string {
	if i := n.chosen[keyIndex(k)]; i > 0 {
		return n.evidence[i-1].Value
	}
	return ""
}

// addresses returns those that the device has now, in the order of [compareIPs]
// and of the alphabet.
func (n *node) addresses() (ips, macs []string) {
	have := make([]*address, 0, len(n.ips))
	for _, a := range n.ips {
		if a.ended == 0 {
			have = append(have, a)
		}
	}
	slices.SortFunc(have, func(a, b *address) int { return compareAddrs(a.addr, b.addr) })
	for _, a := range have {
		ips = append(ips, a.text)
	}
	for _, h := range n.macs {
		macs = append(macs, h.mac)
	}
	slices.Sort(macs)
	return ips, macs
}

// compareAddrs orders IPv4 before IPv6, and link-local addresses last.
func compareAddrs(a, b netip.Addr) int {
	if a.IsLinkLocalUnicast() != b.IsLinkLocalUnicast() {
		if b.IsLinkLocalUnicast() {
			return -1
		}
		return 1
	}
	return a.Compare(b)
}
