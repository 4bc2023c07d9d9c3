package netflow

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

// element is one value of a flow record.
type element struct {
	id         uint16
	enterprise uint32
	bytes      []byte
}

// kind is how a value is written.
type kind uint8

const (
	kindNumber kind = iota
	kindIP
	kindMAC
	kindText
	kindTime // is part of the start or the end
)

// information is an information element (IANA, "IPFIX Information Elements",
// whose first 127 are also those of NetFlow v9).
type information struct {
	name string
	kind kind
	slot event.Slot
}

const none = record.NoSlot

// reversed is the enterprise of RFC 5103, whose elements are those of the way
// back.
const reversed = 29305

var elements = map[uint16]information{
	1: {"octetDeltaCount", kindNumber, event.SlotTrafficBytesOut}, 2: {"packetDeltaCount", kindNumber, event.SlotTrafficPacketsOut},
	85: {"octetTotalCount", kindNumber, event.SlotTrafficBytesOut}, 86: {"packetTotalCount", kindNumber, event.SlotTrafficPacketsOut},
	231: {"initiatorOctets", kindNumber, event.SlotTrafficBytesOut}, 232: {"responderOctets", kindNumber, event.SlotTrafficBytesIn},
	298: {"initiatorPackets", kindNumber, event.SlotTrafficPacketsOut}, 299: {"responderPackets", kindNumber, event.SlotTrafficPacketsIn},
	23: {"postOctetDeltaCount", kindNumber, none}, 24: {"postPacketDeltaCount", kindNumber, none},
	4: {"protocolIdentifier", kindNumber, none}, 5: {"ipClassOfService", kindNumber, none}, 6: {"tcpControlBits", kindNumber, none},
	7: {"sourceTransportPort", kindNumber, event.SlotSrcEndpointPort}, 11: {"destinationTransportPort", kindNumber, event.SlotDstEndpointPort},
	8: {"sourceIPv4Address", kindIP, event.SlotSrcEndpointIP}, 12: {"destinationIPv4Address", kindIP, event.SlotDstEndpointIP},
	27: {"sourceIPv6Address", kindIP, event.SlotSrcEndpointIP}, 28: {"destinationIPv6Address", kindIP, event.SlotDstEndpointIP},
	9: {"sourceIPv4PrefixLength", kindNumber, none}, 13: {"destinationIPv4PrefixLength", kindNumber, none}, 10: {"ingressInterface", kindNumber, none},
	14: {"egressInterface", kindNumber, none}, 15: {"ipNextHopIPv4Address", kindIP, none}, 16: {"bgpSourceAsNumber", kindNumber, none},
	17: {"bgpDestinationAsNumber", kindNumber, none}, 18: {"bgpNextHopIPv4Address", kindIP, none}, 21: {"flowEndSysUpTime", kindTime, none},
	22: {"flowStartSysUpTime", kindTime, none}, 32: {"icmpTypeCodeIPv4", kindNumber, none}, 56: {"sourceMacAddress", kindMAC, event.SlotSrcEndpointMAC},
	57: {"postDestinationMacAddress", kindMAC, none}, 58: {"vlanId", kindNumber, event.SlotConnectionInfoVLAN}, 61: {"flowDirection", kindNumber, none},
	62: {"ipNextHopIPv6Address", kindIP, none}, 80: {"destinationMacAddress", kindMAC, event.SlotDstEndpointMAC}, 81: {"postSourceMacAddress", kindMAC, none},
	82: {"interfaceName", kindText, none}, 95: {"applicationId", kindNumber, none}, 96: {"applicationName", kindText, event.SlotAppName},
	136: {"flowEndReason", kindNumber, none}, 139: {"icmpTypeCodeIPv6", kindNumber, none}, 148: {"flowId", kindNumber, event.SlotConnectionInfoUID},
	150: {"flowStartSeconds", kindTime, none}, 151: {"flowEndSeconds", kindTime, none}, 152: {"flowStartMilliseconds", kindTime, none},
	153: {"flowEndMilliseconds", kindTime, none}, 154: {"flowStartMicroseconds", kindTime, none}, 155: {"flowEndMicroseconds", kindTime, none},
	156: {"flowStartNanoseconds", kindTime, none}, 157: {"flowEndNanoseconds", kindTime, none}, 160: {"systemInitTimeMilliseconds", kindTime, none},
	161: {"flowDurationMilliseconds", kindTime, none}, 210: {"paddingOctets", kindTime, none}, 225: {"postNATSourceIPv4Address", kindIP, none},
	226: {"postNATDestinationIPv4Address", kindIP, none}, 227: {"postNAPTSourceTransportPort", kindNumber, none}, 228: {"postNAPTDestinationTransportPort", kindNumber, none},
	233: {"firewallEvent", kindNumber, none}, 371: {"userName", kindText, event.SlotUserName}, 460: {"httpRequestHost", kindText, event.SlotHTTPRequestURLHostname},
}

var (
	startFields = [...]uint16{22, 150, 152, 154, 156}
	endFields   = [...]uint16{21, 151, 153, 155, 157}
)

// reverseOf are the fields of the way back.
var reverseOf = map[uint16]event.Slot{
	1: event.SlotTrafficBytesIn, 85: event.SlotTrafficBytesIn, 2: event.SlotTrafficPacketsIn, 86: event.SlotTrafficPacketsIn,
}

// number is an unsigned integer of up to eight bytes.
func number(b []byte) (v uint64, ok bool) {
	if len(b) == 0 || len(b) > 8 {
		return 0, false
	}
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v, true
}

// time reads the first of the elements that is there.
func (f *Flow) time(ids []uint16) time.Time {
	for _, id := range ids {
		for _, x := range f.fields {
			if x.id == id && x.enterprise == 0 {
				if t := f.stamp(x); !t.IsZero() {
					return t
				}
			}
		}
	}
	return time.Time{}
}

// stamp reads a time by its element (RFC 7011, sections 6.1.7 to 6.1.10).
func (f *Flow) stamp(x element) time.Time {
	v, ok := number(x.bytes)
	if !ok || v == 0 && x.id != 22 && x.id != 21 {
		return time.Time{}
	}
	switch x.id {
	case 21, 22:
		if f.boot.IsZero() || v > 1<<32 {
			return f.sinceInit(v)
		}
		return f.boot.Add(time.Duration(v) * time.Millisecond)
	case 150, 151:
		return time.Unix(int64(v&0xffffffff), 0).UTC()
	case 152, 153, 160:
		if v > 1<<43 {
			return time.Time{}
		}
		return time.UnixMilli(int64(v)).UTC()
	}
	// seconds since 1900 and a fraction, as NTP has them
	sec, part := int64(v>>32)-2_208_988_800, int64(v&0xffffffff)
	return time.Unix(sec, part*1_000_000_000>>32).UTC()
}

// sinceInit is a time of IPFIX that counts from when the exporter started.
func (f *Flow) sinceInit(v uint64) time.Time {
	init := f.time([]uint16{160})
	if init.IsZero() || v > 1<<32 {
		return time.Time{}
	}
	return init.Add(time.Duration(v) * time.Millisecond)
}

// Fill puts the flow into an event: all but its time and origin.
func (f *Flow) Fill(e *event.Event) {
	e.SetClassUID(int64(event.NetworkActivity))
	e.SetActivityName("Traffic")
	for _, x := range f.fields {
		f.put(e, x)
	}
	start, end := f.time(startFields[:]), f.time(endFields[:])
	if !start.IsZero() && !end.Before(start) && !end.IsZero() {
		e.SetDuration(end.Sub(start).Seconds())
	}
	record.Keep(e, "netflow.domain", strconv.FormatUint(uint64(f.domain), 10))
	if !f.exported.IsZero() {
		record.Keep(e, "netflow.exported", f.exported.Format(time.RFC3339Nano))
	}
	meaning(e)
}

func (f *Flow) put(e *event.Event, x element) {
	known, ok := elements[x.id]
	if x.enterprise != 0 {
		known, ok = information{}, false
		if slot, back := reverseOf[x.id]; back && x.enterprise == reversed {
			known, ok = information{"reverse." + elements[x.id].name, kindNumber, slot}, true
		}
	}
	if !ok {
		name := "ipfix." + strconv.Itoa(int(x.id))
		if x.enterprise != 0 {
			name = "ipfix." + strconv.FormatUint(uint64(x.enterprise), 10) + "." + strconv.Itoa(int(x.id))
		}
		record.Keep(e, name, plainValue(x.bytes))
		return
	}
	v := value(known.kind, x)
	switch {
	case known.kind == kindTime || v == "":
	case x.id == 4 && x.enterprise == 0:
		e.SetConnectionInfoProtocolName(protocolName(v))
	case x.id == 6 && x.enterprise == 0:
		flags(e, v)
	case known.slot == none || e.Has(known.slot):
		record.Keep(e, known.name, v)
	default:
		record.Set(e, known.slot, known.name, v)
	}
}

// value is the text of a value by its kind.
func value(k kind, x element) string {
	switch k {
	case kindIP:
		if a, ok := netip.AddrFromSlice(x.bytes); ok {
			return a.String()
		}
		return hex.EncodeToString(x.bytes)
	case kindMAC:
		return record.MAC(hex.EncodeToString(x.bytes))
	case kindText:
		return record.Text(strings.TrimRight(string(x.bytes), "\x00"))
	case kindNumber, kindTime:
	}
	return plainValue(x.bytes)
}

// plainValue is a number, or the digits of what is too long for one.
func plainValue(b []byte) string {
	if v, ok := number(b); ok {
		return strconv.FormatUint(v, 10)
	}
	return hex.EncodeToString(b[:min(len(b), maxRaw)])
}

// flags spells those of TCP.
func flags(e *event.Event, v string) {
	n, err := strconv.ParseUint(v, 10, 16)
	if err != nil {
		return
	}
	var b strings.Builder
	for i, c := range "FSRPAUEC" {
		if n>>i&1 != 0 {
			b.WriteRune(c)
		}
	}
	record.Keep(e, "tcp_flags", b.String())
	record.Keep(e, "tcpControlBits", v)
}

// protocols are the numbers of the usual protocols.
var protocols = map[string]string{"1": "icmp", "2": "igmp", "6": "tcp", "17": "udp", "47": "gre", "50": "esp", "58": "icmp6", "89": "ospf", "132": "sctp"}

func protocolName(v string) string {
	if name := protocols[v]; name != "" {
		return name
	}
	return v
}

// meaning sets what follows from the rest: sums and the outcome.
func meaning(e *event.Event) {
	record.AddTraffic(e)
	if e.TrafficPacketsIn() > 0 && e.TrafficPacketsOut() > 0 {
		e.SetStatus(event.Success)
	}
}

// message5 reads NetFlow v5, whose records are all alike.
func (d *Decoder) message5(b []byte, give func(Flow)) {
	f := Flow{Format: "NetFlow v5", domain: uint32(binary.BigEndian.Uint16(b[20:]))}
	f.exported, f.boot = clocks(b)
	for b = b[head5:]; len(b) >= record5; b = b[record5:] {
		one := b[:record5]
		d.values = d.values[:0]
		for _, x := range fields5 {
			d.values = append(d.values, element{x.id, 0, one[x.at : x.at+x.size]})
		}
		f.Raw, f.fields = one, d.values
		give(f)
	}
}

// fields5 are the fields of a record of v5, as elements of IPFIX.
var fields5 = [...]struct {
	id       uint16
	at, size int
}{
	{8, 0, 4},
	{12, 4, 4},
	{15, 8, 4},
	{10, 12, 2},
	{14, 14, 2},
	{2, 16, 4},
	{1, 20, 4},
	{22, 24, 4},
	{21, 28, 4},
	{7, 32, 2},
	{11, 34, 2},
	{6, 37, 1},
	{4, 38, 1},
	{5, 39, 1},
	{16, 40, 2},
	{17, 42, 2},
	{9, 44, 1},
	{13, 45, 1},
}
