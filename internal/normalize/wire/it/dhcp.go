package it

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
)

// dhcp decodes RFC 2131 with the options of RFC 2132, one event a message. As
// in Zeek's log src is always the client, by the MAC in the message.
type dhcp struct{ f *proto.Flow }

func newDHCP(f *proto.Flow) proto.Decoder { return &dhcp{f} }

const dhcpMagic = "\x63\x82\x53\x63"

func probeDHCP(data []byte, _ proto.Side, onPort bool) int {
	if len(data) < 240 || data[0] != 1 && data[0] != 2 || data[2] > 16 || string(data[236:240]) != dhcpMagic {
		return 0
	}
	if onPort {
		return 95
	}
	return 60
}

var dhcpTypes = map[int]string{
	1: "DISCOVER", 2: "OFFER", 3: "REQUEST", 4: "DECLINE", 5: "ACK", 6: "NAK", 7: "RELEASE", 8: "INFORM", 9: "FORCERENEW", 10: "LEASEQUERY",
}

// Decode implements [proto.Decoder].
func (d *dhcp) Decode(p proto.Payload, out proto.Out) (int, error) {
	b := p.Data
	if len(b) == 0 {
		return 0, nil
	}
	if probeDHCP(b, p.Side, true) == 0 {
		return 0, notThis("not a DHCP message")
	}
	opts := dhcpOptions(b)
	kind := 0
	if v := opts[53]; len(v) == 1 {
		kind = int(v[0])
	}
	mac := macText(b[28 : 28+min(int(b[2]), 6)])
	yours, own := ip4(b[16:20]), ip4(b[12:16])
	e := out.New(event.DHCPActivity)
	e.Unset(event.SlotDstEndpointMAC)
	e.SetSrcEndpointMAC(mac)
	e.Unset(event.SlotSrcEndpointIP)
	e.Unset(event.SlotDstEndpointIP)
	switch {
	case own != "":
		e.SetSrcEndpointIP(own)
	case kind == 5:
		e.SetSrcEndpointIP(yours)
	}
	e.SetSrcEndpointPort(68)
	e.SetDstEndpointPort(67)
	if b[0] == 2 && !addr(d.f, p.Side).IsUnspecified() {
		e.SetDstEndpointIP(addr(d.f, p.Side).String())
	}
	if server := ip4(opts[54]); server != "" {
		e.SetDstEndpointIP(server)
	}
	name := named(dhcpTypes, kind, "TYPE")
	if kind == 0 {
		name = "BOOTP"
	}
	e.SetActivityName(strings.ToLower(name))
	e.SetDHCPMessageType([]string{name})
	switch kind {
	case 4, 6:
		e.SetStatus(event.Failure)
	case 2: // offered, and perhaps not taken
		e.SetExtra("dhcp.offered_ip", yours)
	case 5:
		e.SetStatus(event.Success)
		e.SetDHCPAssignedIP(yours)
	}
	e.SetDHCPRequestedIP(ip4(opts[50]))
	if v := opts[51]; len(v) == 4 {
		e.SetDHCPLeaseTime(float64((&cursor{b: v}).u32()))
	}
	host, class := text(opts[12]), text(opts[60])
	e.SetSrcEndpointHostname(host)
	dhcpExtras(e, b, opts)
	out.Emit(e, b)
	d.identify(out, b, mac, host, class)
	return len(b), nil
}

func dhcpExtras(e *event.Event, b []byte, opts map[int][]byte) {
	e.SetExtra("dhcp.id", strconv.Itoa((&cursor{b: b[4:8]}).u32()))
	e.SetExtra("dhcp.vendor_class", text(opts[60]))
	e.SetExtra("dhcp.domain", text(opts[15]))
	e.SetExtra("dhcp.message", text(opts[56]))
	e.SetExtra("dhcp.routers", ips(opts[3]))
	e.SetExtra("dhcp.dns_servers", ips(opts[6]))
	var asked []string
	for _, o := range opts[55] {
		asked = append(asked, strconv.Itoa(int(o)))
	}
	e.SetExtra("dhcp.parameter_list", strings.Join(asked, ","))
	if v := opts[82]; len(v) > 0 {
		e.SetExtra("dhcp.relay_information", hex.EncodeToString(v[:min(len(v), 64)]))
	}
}

// identify tells the name and the vendor class that a client gives itself.
func (d *dhcp) identify(out proto.Out, b []byte, mac, host, class string) {
	if b[0] != 1 || mac == "" || host == "" && class == "" {
		return
	}
	e := out.New(event.DeviceInventoryInfo)
	e.SetActivityName("Collect")
	e.SetDeviceMAC(mac)
	if own := ip4(b[12:16]); own != "" {
		e.SetDeviceIP(own)
	}
	e.SetSrcEndpointMAC(mac)
	e.Unset(event.SlotSrcEndpointIP)
	e.SetIdentitySource("dhcp_vendor_class")
	if class == "" {
		e.SetIdentitySource("dhcp")
	}
	e.SetIdentityName(host)
	e.SetIdentityBanner(class)
	out.Emit(e, b)
}

// dhcpOptions reads the options, also those in the fields of file and server
// name if option 52 says so. Parts of one option are joined (RFC 3396).
func dhcpOptions(b []byte) map[int][]byte {
	opts := map[int][]byte{}
	read := func(b []byte) {
		for c := (cursor{b: b}); len(c.b) > 0; {
			code := c.u8()
			if code == 255 {
				return
			}
			if code == 0 {
				continue
			}
			v := c.counted(1)
			if c.short {
				return
			}
			opts[code] = append(slices.Clip(opts[code]), v...)
		}
	}
	read(b[240:])
	if v := opts[52]; len(v) == 1 {
		if v[0]&1 != 0 {
			read(b[108:236])
		}
		if v[0]&2 != 0 {
			read(b[44:108])
		}
	}
	return opts
}

// ip4 is an address as text, or "" if there is none.
func ip4(b []byte) string {
	if len(b) != 4 || b[0]|b[1]|b[2]|b[3] == 0 {
		return ""
	}
	return netip.AddrFrom4([4]byte(b)).String()
}

func ips(b []byte) string {
	var all []string
	for ; len(b) >= 4 && len(all) < 16; b = b[4:] {
		all = append(all, netip.AddrFrom4([4]byte(b[:4])).String())
	}
	return strings.Join(all, ",")
}

// macText is a MAC as text, or "" if there is none.
func macText(b []byte) string {
	if len(b) != 6 || b[0]|b[1]|b[2]|b[3]|b[4]|b[5] == 0 {
		return ""
	}
	s := hex.EncodeToString(b)
	return s[:2] + ":" + s[2:4] + ":" + s[4:6] + ":" + s[6:8] + ":" + s[8:10] + ":" + s[10:]
}
