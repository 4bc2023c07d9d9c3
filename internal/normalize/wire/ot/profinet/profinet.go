// Package profinet decodes the discovery and configuration protocol of PROFINET
// (DCP, IEC 61158-6-10), and recognises its cyclic data and alarms. It must not
// do I/O.
package profinet

import (
	"net/netip"
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

const name = "profinet"

// Protocol returns PROFINET over Ethernet.
func Protocol() proto.Protocol {
	return proto.Protocol{
		Name: name, EtherTypes: []uint16{0x8892}, Probe: probe,
		New: func(f *proto.Flow) proto.Decoder { return &decoder{flow: f} },
	}
}

func probe(data []byte, _ proto.Side, onPort bool) int {
	if onPort && len(data) >= 4 && frameName(ics.NewReader(data).BE16()) != "" {
		return 90
	}
	return 0
}

// The frames of DCP.
const (
	helloFrame       = 0xfefc
	getSetFrame      = 0xfefd
	identifyRequest  = 0xfefe
	identifyResponse = 0xfeff
)

func frameName(id int) string {
	switch {
	case id >= helloFrame:
		return "DCP"
	case id >= 0x0100 && id < 0xfc00:
		return "Cyclic Data"
	case id == 0xfc01 || id == 0xfe01:
		return "Alarm"
	case id < 0x0100 || id >= 0xff00 && id <= 0xff43:
		return "Clock"
	}
	return ""
}

type decoder struct {
	flow *proto.Flow
	seen map[int]bool // frames of cyclic data that were told
}

const maxFrames = 256

// Decode implements [proto.Decoder].
func (d *decoder) Decode(p proto.Payload, out proto.Out) (int, error) {
	r := ics.NewReader(p.Data)
	id := r.BE16()
	if id >= helloFrame && id <= identifyResponse {
		d.dcp(p.Side, id, r, p.Data, out)
	} else if kind := frameName(id); kind != "" && !d.seen[id] && len(d.seen) < maxFrames && r.OK() {
		// thousands a second: told is only that there are some
		if d.seen == nil {
			d.seen = make(map[int]bool)
		}
		d.seen[id] = true
		e := ics.New(out, name, ics.Other, kind)
		e.AddExtra("frame_id", ics.Code(id, 4))
		e.SetICSWrite(false)
		out.Emit(e, p.Data)
	}
	return len(p.Data), nil
}

var serviceNames = map[int]string{3: "Get", 4: "Set", 5: "Identify", 6: "Hello"}

const (
	serviceSet = 4
	typeMask   = 3 // the rest is reserved
)

// dcp reads a message: a service and blocks.
func (d *decoder) dcp(side proto.Side, frame int, r *ics.Reader, raw []byte, out proto.Out) {
	service, kind := r.U8(), r.U8()
	xid := r.BE32()
	r.Skip(2)
	blocks := r.Sub(min(r.BE16(), r.Len()))
	half, response := ics.Request, kind&typeMask != 0 || frame == helloFrame
	if response {
		half = ics.Response
	}
	fn, known := serviceNames[service]
	if !known {
		fn = "unknown-" + strconv.Itoa(service)
	}
	e := ics.New(out, name, half, "DCP "+fn)
	e.SetICSFunctionCode(int64(service))
	e.SetICSWrite(service == serviceSet)
	e.AddExtra("frame_id", ics.Code(frame, 4))
	e.AddExtra("xid", ics.Code(xid, 8))
	const unsupported = 4
	if kind&unsupported != 0 {
		ics.Bad(e, "not supported")
	} else if response {
		ics.Good(e)
	}
	claim := ics.Claim{Source: "profinet dcp"}
	b := &block{e: e, claim: &claim, qualified: response || service == serviceSet, response: response}
	for n := 0; blocks.Len() >= 4 && n < ics.MaxValues; n++ {
		b.read(blocks)
	}
	if !r.OK() || !blocks.OK() {
		ics.Odd(e)
	}
	e.SetICSObject(b.names.String())
	out.Emit(e, raw)
	if response && service != serviceSet {
		ics.Tell(out, d.flow, side, claim, raw)
	}
}

// block reads the blocks of one message.
type block struct {
	e                   *event.Event
	claim               *ics.Claim
	qualified, response bool // each has two bytes before its content
	names               ics.List
}

func (b *block) read(r *ics.Reader) {
	option, sub := r.U8(), r.U8()
	n := r.BE16()
	body := r.Sub(min(n, r.Len()))
	if n%2 == 1 && r.Len() > 0 {
		r.Skip(1)
	}
	what, known := options[option<<8|sub]
	if !known {
		what = "option " + strconv.Itoa(option) + "." + strconv.Itoa(sub)
	}
	b.names.Add(what)
	const answer = 0x0504 // to a set: which option, and how it went
	if option<<8|sub == answer && b.response {
		body.Skip(2)
		if code := body.U8(); code != 0 && body.OK() {
			ics.Bad(b.e, "error "+strconv.Itoa(code))
		}
		return
	}
	if b.qualified && body.Len() >= 2 {
		body.Skip(2)
	}
	b.content(option<<8|sub, body)
}

func (b *block) content(what int, body *ics.Reader) {
	switch what {
	case 0x0102:
		ip, okIP := netip.AddrFromSlice(body.Bytes(4))
		mask, _ := netip.AddrFromSlice(body.Bytes(4))
		gateway, _ := netip.AddrFromSlice(body.Bytes(4))
		if okIP && gateway.IsValid() {
			b.e.SetICSValue(ip.String() + " " + mask.String() + " " + gateway.String())
			b.e.AddExtra("ip_address", ip.String())
			if !ip.IsUnspecified() {
				b.claim.IP = ip.String()
			}
		}
	case 0x0201:
		b.claim.Model = ics.Text(body.Rest())
		b.e.AddExtra("type_of_station", b.claim.Model)
	case 0x0202:
		b.claim.Name = ics.Text(body.Rest())
		b.e.AddExtra("name_of_station", b.claim.Name)
	case 0x0203:
		vendor, device := body.BE16(), body.BE16()
		if !body.OK() {
			return
		}
		b.e.AddExtra("vendor_id", ics.Code(vendor, 4))
		b.e.AddExtra("device_id", ics.Code(device, 4))
		b.claim.Vendor = "vendor " + ics.Code(vendor, 4)
		if s, ok := vendors[vendor]; ok {
			b.claim.Vendor = s
		}
	case 0x0204:
		role := body.U8()
		b.e.AddExtra("device_role", ics.Code(role, 2))
		switch {
		case role&2 != 0:
			b.claim.Type = "PROFINET IO controller"
		case role&1 != 0:
			b.claim.Type = "PROFINET IO device"
		}
	}
}

// options are what DCP can ask for or set.
var options = map[int]string{
	0x0101: "MAC address", 0x0102: "IP parameter", 0x0103: "full IP suite", 0x0201: "type of station", 0x0202: "name of station",
	0x0203: "device id", 0x0204: "device role", 0x0205: "device options", 0x0206: "alias name", 0x0207: "device instance",
	0x0208: "OEM device id", 0x0501: "start", 0x0502: "end", 0x0503: "signal", 0x0504: "response", 0x0505: "factory reset", 0x0506: "reset to factory",
	0xffff: "all",
}

// vendors are well-known numbers of makers, which PROFIBUS & PROFINET
// International gives out.
var vendors = map[int]string{0x002a: "Siemens", 0x00b0: "Phoenix Contact", 0x011d: "WAGO", 0x011e: "Hilscher", 0x0120: "Beckhoff"}
