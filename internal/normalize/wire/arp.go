package wire

import (
	"encoding/binary"
	"net/netip"

	"vedette/internal/event"
	"vedette/internal/fault"
)

var errShortARP = fault.New(fault.Invalid, "a cut-off ARP message")

// arp reads a message of RFC 826 for IPv4. Its event says which MAC has which
// address, as the sender claims.
func (e *Engine) arp(b []byte) error {
	if len(b) < 28 {
		return errShortARP
	}
	if binary.BigEndian.Uint16(b[2:]) != etherIPv4 || b[4] != 6 || b[5] != 4 {
		return nil // other addresses than those of Ethernet and IPv4
	}
	op := binary.BigEndian.Uint16(b[6:])
	from, to := netip.AddrFrom4([4]byte(b[14:18])), netip.AddrFrom4([4]byte(b[24:28]))
	activity := ""
	switch {
	case op == 1 && from.IsUnspecified():
		activity = "probe"
	case (op == 1 || op == 2) && from == to:
		activity = "gratuitous"
	case op == 1:
		activity = "request"
	case op == 2:
		activity = "reply"
	default:
		return nil // reverse and inverse ARP
	}
	o := &e.out
	o.time = e.pk.time
	ev := &o.e
	ev.Reset()
	ev.SetClassUID(int64(event.NetworkActivity))
	ev.SetMetadataProduct(product)
	ev.SetMetadataLogName("wire/arp")
	ev.SetAppName("arp")
	ev.SetConnectionInfoProtocolName("arp")
	ev.SetActivityName(activity)
	ev.SetSrcEndpointMAC(e.names.mac([6]byte(b[8:14])))
	if !from.IsUnspecified() {
		ev.SetStr(event.SlotSrcEndpointIP, e.names.ip(from))
	}
	ev.SetStr(event.SlotDstEndpointIP, e.names.ip(to))
	if target := [6]byte(b[18:24]); op == 2 && target != [6]byte{} && target != [6]byte{255, 255, 255, 255, 255, 255} {
		ev.SetDstEndpointMAC(e.names.mac(target))
	}
	if e.pk.vlan != 0 {
		ev.SetConnectionInfoVLAN(int64(e.pk.vlan))
	}
	o.give(b[:28])
	return nil
}
