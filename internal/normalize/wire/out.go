package wire

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/wire/proto"
)

// product is what the events say they were made by.
const product = "Vedette"

// maxClaims bounds how many identity claims are remembered.
const maxClaims = 16384

// out implements proto.Out for the flow at hand.
type out struct {
	engine *Engine
	emit   func(Happening)
	flow   *flow
	time   time.Time
	giving bool // the event is being taken by others
	e      event.Event
	claims map[uint64]struct{} // digests of claims that were given
}

// New implements proto.Out.
func (o *out) New(class event.Class) *event.Event {
	a := &o.flow.app
	e := o.blank(class, a.log)
	e.SetAppName(a.proto.Name)
	return e
}

// Emit implements proto.Out. Of identity claims it gives on only the first.
func (o *out) Emit(e *event.Event, raw []byte) {
	o.flow.app.emitted = true
	if e.ClassUID() == int64(event.DeviceInventoryInfo) && o.claimed(e) {
		return
	}
	if raw == nil {
		raw = []byte{}
	}
	o.give(raw)
}

func (o *out) give(raw []byte) {
	o.giving = true
	h := Happening{Event: &o.e, Raw: raw, Time: o.time}
	if raw == nil {
		h.Before, h.Open = o.flow.before, o.flow.open
	}
	o.emit(h)
	o.giving = false
}

// blank is the event, with what is known of the flow.
func (o *out) blank(class event.Class, log string) *event.Event {
	e, f, n := &o.e, o.flow, &o.engine.names
	e.Reset()
	e.SetClassUID(int64(class))
	e.SetMetadataProduct(product)
	e.SetMetadataLogName(log)
	e.SetConnectionInfoUID(f.told.UID)
	e.SetConnectionInfoProtocolName(f.told.Transport)
	if f.told.Client.IsValid() {
		if f.ends[proto.Client] == "" {
			f.ends = [2]string{proto.Client: n.ip(f.told.Client.Addr()), proto.Server: n.ip(f.told.Server.Addr())}
		}
		e.SetStr(event.SlotSrcEndpointIP, f.ends[proto.Client])
		e.SetStr(event.SlotDstEndpointIP, f.ends[proto.Server])
		if p := f.key.proto; p == protoTCP || p == protoUDP || p == protoICMP || p == protoICMPv6 {
			e.SetSrcEndpointPort(int64(f.told.Client.Port()))
			e.SetDstEndpointPort(int64(f.told.Server.Port()))
		}
	}
	e.SetSrcEndpointMAC(f.told.ClientMAC)
	e.SetDstEndpointMAC(f.told.ServerMAC)
	if f.told.VLAN != 0 {
		e.SetConnectionInfoVLAN(int64(f.told.VLAN))
	}
	return e
}

// claimSlots are the fields that make two identity claims equal.
var claimSlots = []event.Slot{
	event.SlotDeviceIP, event.SlotDeviceMAC, event.SlotIdentitySource, event.SlotIdentityVendor, event.SlotIdentityModel,
	event.SlotIdentityFirmware, event.SlotIdentitySerial, event.SlotIdentityName, event.SlotIdentityType, event.SlotIdentityOs,
	event.SlotIdentityLocation, event.SlotIdentityBanner,
}

// claimed reports whether a device said the same of itself before. When too
// many claims are known all are forgotten, and may come again.
func (o *out) claimed(e *event.Event) bool {
	h := fnv.New64a()
	var size [4]byte
	for _, s := range claimSlots {
		v := e.Str(s)
		binary.BigEndian.PutUint32(size[:], uint32(len(v))) //nolint:gosec // G115: texts of packets
		h.Write(size[:])
		h.Write([]byte(v))
	}
	sum := h.Sum64()
	if _, ok := o.claims[sum]; ok {
		return true
	}
	if o.claims == nil || len(o.claims) >= maxClaims {
		o.claims = make(map[uint64]struct{})
	}
	o.claims[sum] = struct{}{}
	return false
}

// timeOf is the time of the packet at hand, or of the last one of a flow that
// ends without one.
func (e *Engine) timeOf(f *flow) time.Time {
	if f.last == e.pk.at {
		return e.pk.time
	}
	return unixNano(f.last)
}

// unixNano is a time as packets have it; 0 is none.
func unixNano(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// plain is the text of an error that may be shown.
func plain(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Text
	}
	return err.Error()
}
