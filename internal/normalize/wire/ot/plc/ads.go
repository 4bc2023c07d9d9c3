package plc

import (
	"bytes"
	"fmt"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

// AMS over TCP (Beckhoff, TwinCAT ADS/AMS specification): two reserved bytes,
// a length, and the AMS header.
const (
	amsTCP  = 6
	amsHead = 32
	adsMax  = 4 << 20
)

// adsDiscovery is how datagrams of the discovery service begin.
var adsDiscovery = []byte{0x03, 0x66, 0x14, 0x71}

func sizeADS(b []byte) int {
	if b[0] != 0 || len(b) > 1 && b[1] != 0 {
		return -1
	}
	if len(b) < amsTCP+amsHead {
		return 0
	}
	r := ics.NewReader(b[2:])
	n := r.LE32()
	r.Skip(16)
	code, flags, length := r.LE16(), r.LE16(), r.LE32()
	if _, known := adsCommands[code]; !known || flags > 0xff || n != amsHead+length || n > adsMax {
		return -1
	}
	return amsTCP + n
}

func probeADS(data []byte, _ proto.Side, onPort bool) int {
	if bytes.HasPrefix(data, adsDiscovery) && len(data) >= 24 {
		return 95
	}
	if len(data) == 0 || sizeADS(data) <= 0 {
		return 0
	}
	if onPort {
		return 90
	}
	return 60
}

func adsMessage(f *proto.Flow, side proto.Side, b []byte, out proto.Out) {
	if bytes.HasPrefix(b, adsDiscovery) {
		adsDiscover(f, side, b, out)
		return
	}
	if len(b) < amsTCP+amsHead || sizeADS(b) <= 0 {
		return
	}
	r := ics.NewReader(b[amsTCP:])
	target, source := amsAddress(r), amsAddress(r)
	code, flags := r.LE16(), r.LE16()
	r.Skip(4)
	failed, invoke := r.LE32(), r.LE32()
	c, _ := named(adsCommands, code)
	half := ics.Request
	if flags&1 != 0 {
		half = ics.Response
	}
	e := ics.New(out, "ads", half, c.name)
	e.SetICSFunctionCode(int64(code))
	e.SetICSWrite(c.write)
	e.AddExtra("target", target)
	e.AddExtra("source", source)
	e.AddExtra("invoke_id", itoa(invoke))
	var claim ics.Claim
	if half == ics.Request {
		adsRequest(e, code, r)
	} else {
		result := failed
		if result == 0 && r.Len() >= 4 {
			result = r.LE32()
		}
		if result != 0 {
			ics.Bad(e, "error "+ics.Code(result, 4))
		} else {
			ics.Good(e)
		}
		const deviceInfo = 1
		if code == deviceInfo && r.Len() >= 20 {
			version := fmt.Sprintf("%d.%d.%d", r.U8(), r.U8(), r.LE16())
			claim = ics.Claim{Source: "ads device info", Firmware: version, Model: ics.Text(r.Bytes(16))}
		}
	}
	out.Emit(e, b)
	ics.Tell(out, f, side, claim, b)
}

func amsAddress(r *ics.Reader) string {
	id := r.Bytes(6)
	port := r.LE16()
	if id == nil {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d.%d.%d.%d:%d", id[0], id[1], id[2], id[3], id[4], id[5], port)
}

func adsRequest(e *event.Event, code int, r *ics.Reader) {
	switch code {
	case 2, 3, 9: // read, write, both
		e.SetICSObject("group " + ics.Code(r.LE32(), 4))
		e.SetICSAddress(int64(r.LE32()))
		e.SetICSQuantity(int64(r.LE32()))
		if code == 9 {
			r.Skip(4)
		}
		e.SetICSValue(ics.Hex(r.Rest()))
	case 5: // the state to take
		e.SetICSValue(itoa(r.LE16()))
	}
	if !r.OK() {
		ics.Odd(e)
	}
}

// adsDiscoveryHead is the mark and what stands before the service.
const adsDiscoveryHead = 8

// adsDiscover reads the service that finds devices and adds routes to them. It
// is not published; its tags are known from captures.
func adsDiscover(f *proto.Flow, side proto.Side, b []byte, out proto.Out) {
	if len(b) < adsDiscoveryHead {
		return
	}
	r := ics.NewReader(b[adsDiscoveryHead:])
	service := r.LE32()
	half := ics.Request
	if uint32(service)&0x80000000 != 0 { //nolint:gosec // G115: only the bits matter
		half = ics.Response
	}
	names := map[int]command{1: {"Server Info", false}, 6: {"Add Route", true}}
	c, known := named(names, service&0xffff)
	e := ics.New(out, "ads", half, c.name)
	if known {
		e.SetICSWrite(c.write)
	}
	e.AddExtra("source", amsAddress(r))
	claim := ics.Claim{Source: "ads discovery"}
	n := r.LE32()
	for i := 0; i < n && i < ics.MaxValues && r.OK(); i++ {
		tag := r.LE16()
		v := r.Bytes(r.LE16())
		switch {
		case !r.OK():
		case tag == 1 && len(v) == 4 && half == ics.Response:
			if code := ics.NewReader(v).LE32(); code != 0 {
				ics.Bad(e, "error "+ics.Code(code, 4))
			} else {
				ics.Good(e)
			}
		case tag == 2:
			e.AddExtra("password", "given")
		case tag == 3 && len(v) >= 4:
			claim.Firmware = fmt.Sprintf("%d.%d.%d", v[0], v[1], int(v[2])|int(v[3])<<8)
		case tag == 5:
			claim.Name = ics.Text(v)
			e.AddExtra("host", claim.Name)
		case tag == 12:
			e.SetICSObject(ics.Text(v))
		case tag == 13:
			e.SetUserName(ics.Text(v))
		}
	}
	out.Emit(e, ics.Safe(e, b))
	if half == ics.Response {
		ics.Tell(out, f, side, claim, b)
	}
}

var adsCommands = map[int]command{
	1: {"Read Device Info", false}, 2: {"Read", false}, 3: {"Write", true}, 4: {"Read State", false}, 5: {"Write Control", true},
	6: {"Add Device Notification", false}, 7: {"Delete Device Notification", false}, 8: {"Device Notification", false}, 9: {"Read Write", true},
}
