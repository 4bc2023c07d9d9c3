package asset

import (
	"net/netip"
	"strings"

	"vedette/internal/asset/claim"
	"vedette/internal/event"
)

// The confidences of what a device answers when it is asked who it is. It may
// lie, but nothing else on the wire knows better.
const (
	toldExactly = 0.9
	toldAside   = 0.75
)

// learnIdentity reads the logs in which devices say what they are, and returns
// the device concerned, or nil if the event is none of these.
func (r *Registry) learnIdentity(o *observation, dev, src, dst *node) *node {
	log := o.e.MetadataLogName()
	if at := strings.LastIndexByte(log, '/'); at >= 0 {
		log = log[at+1:]
	}
	switch log {
	case "s7comm_known_devices":
		return r.learnS7(o, r.responder(o, dst))
	case "cip_identity":
		return r.learnCIP(o, r.sender(o, src, dst))
	case "bacnet_discovery":
		return r.learnBACnetDiscovery(o, r.sender(o, src, dst))
	case "bacnet_property":
		return r.learnBACnetProperty(o, r.sender(o, src, dst))
	case "modbus_read_device_identification":
		return r.learnModbus(o, r.responder(o, dst))
	case "known_services":
		return r.learnService(o, src)
	}
	if dev != nil && dev.serves&pSSH == 0 && o.e.ProcessName() == "sshd" {
		r.markServes(o, dev, pSSH)
	}
	if event.Class(o.e.ClassUID()) == event.SoftwareInventory {
		n := dev
		if n == nil {
			n = src
		}
		return r.learnSoftware(o, n)
	}
	return nil
}

// sender returns the node that sent the message: ICSNPP names it source_h,
// because a connection's responder sends half of its messages.
func (r *Registry) sender(o *observation, src, dst *node) *node {
	from := o.e.Extra("source_h")
	switch {
	case from == "" || from == o.e.SrcEndpointIP():
		return src
	case from == o.e.DstEndpointIP():
		if dst != nil {
			return dst
		}
	}
	return r.proven(o, from)
}

// responder returns the node that was asked; the answer proves that it exists.
func (r *Registry) responder(o *observation, dst *node) *node {
	if dst != nil {
		return dst
	}
	return r.proven(o, o.e.DstEndpointIP())
}

func (r *Registry) proven(o *observation, ip string) *node {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return nil
	}
	addr = addr.Unmap().WithZone("")
	if a := r.ips.get(addr.String()); a != nil {
		return r.seen(a.node, a, o.at)
	}
	if r.scope(addr) != scopeLocal {
		return nil
	}
	return r.local(o, addr, nil, true)
}

// told learns one value that a device gave about itself.
func (r *Registry) told(o *observation, n *node, k Key, value, what string, confidence float64) {
	if value = clean(value); !claim.Meaningful(value) {
		return
	}
	if k == KeyName {
		r.call(o, n, value, SourceIdentity, confidence, what)
		return
	}
	r.learn(o, n, Evidence{Key: k, Value: value, What: what, Source: SourceIdentity, Confidence: confidence})
}

func (r *Registry) learnS7(o *observation, n *node) *node {
	if n == nil {
		return nil
	}
	const what = "answered an S7 identification request"
	module := first(o.e, "module_name")
	r.told(o, n, KeyModel, module, what, toldExactly)
	r.told(o, n, KeySerial, o.e.Extra("module_serial"), what, toldExactly)
	r.told(o, n, KeyLocation, o.e.Extra("plant_name"), what, toldAside)
	r.told(o, n, KeyName, o.e.Extra("automation_system_name"), what, toldAside)
	r.learn(o, n, Evidence{Key: KeyVendor, Value: "Siemens", What: "speaks S7 identification", Source: SourceTraffic, Confidence: 0.55})
	if strings.Contains(module, "CPU") {
		r.learn(o, n, Evidence{Key: KeyType, Value: "plc", What: "S7 module is a CPU", Source: SourceIdentity, Confidence: toldExactly})
	}
	r.markServes(o, n, pS7)
	return n
}

func (r *Registry) learnCIP(o *observation, n *node) *node {
	if n == nil {
		return nil
	}
	const what = "answered a CIP identity request"
	vendor := first(o.e, "vendor_name", "vendor")
	if strings.Contains(vendor, "Rockwell") {
		vendor = "Rockwell Automation"
	}
	kind := first(o.e, "device_type_name", "device_type")
	r.told(o, n, KeyVendor, vendor, what, toldExactly)
	r.told(o, n, KeyModel, first(o.e, "product_name"), what, toldExactly)
	r.told(o, n, KeyFirmware, first(o.e, "revision"), what, toldExactly)
	r.told(o, n, KeySerial, first(o.e, "serial_number"), what, toldExactly)
	if typ := claim.CIPProfile(kind); typ != "" {
		r.learn(o, n, Evidence{Key: KeyType, Value: typ, What: "CIP device profile: " + clean(kind), Source: SourceIdentity, Confidence: 0.88})
	}
	r.markServes(o, n, pENIP)
	return n
}

func (r *Registry) learnBACnetDiscovery(o *observation, n *node) *node {
	service := o.e.Extra("pdu_service")
	if service == "" {
		service = o.e.ICSFunction()
	}
	service = strings.ReplaceAll(strings.ToLower(service), "_", "-")
	if n == nil || (service != "i-am" && service != "i-have") {
		return nil
	}
	r.told(o, n, KeyVendor, first(o.e, "vendor"), "announced itself on BACnet", toldExactly)
	if object := first(o.e, "object_type"); object == "device" || o.e.ICSObject() == "device" {
		r.told(o, n, KeyName, o.e.Extra("object_name"), "name of its BACnet device object", toldAside)
	}
	r.markServes(o, n, pBACnet)
	return n
}

func (r *Registry) learnBACnetProperty(o *observation, n *node) *node {
	service := strings.ReplaceAll(strings.ToLower(o.e.Extra("pdu_service")+o.e.ICSFunction()), "_", "-")
	if n == nil || !strings.Contains(service, "ack") {
		return nil
	}
	r.markServes(o, n, pBACnet)
	object := first(o.e, "object_type")
	if object == "" {
		object, _, _ = strings.Cut(o.e.ICSObject(), " ")
		object, _, _ = strings.Cut(object, ":")
	}
	if object != "device" {
		return n
	}
	value := o.e.ICSValue()
	if value == "" {
		value = o.e.Extra("value")
	}
	keys := map[string]Key{
		"object-name": KeyName, "vendor-name": KeyVendor, "model-name": KeyModel, "firmware-revision": KeyFirmware,
		"location": KeyLocation, "serial-number": KeySerial,
	}
	property := strings.ReplaceAll(strings.ToLower(o.e.Extra("property")), "_", "-")
	if k, ok := keys[property]; ok {
		r.told(o, n, k, value, "property "+property+" of its BACnet device object", toldExactly)
	}
	return n
}

// learnModbus reads answers to Read Device Identification (43/14): one object
// a record.
func (r *Registry) learnModbus(o *observation, n *node) *node {
	if n == nil {
		return nil
	}
	r.markServes(o, n, pModbus)
	keys := map[string]Key{
		"vendorname": KeyVendor, "productcode": KeyModel, "majorminorrevision": KeyFirmware, "modelname": KeyModel,
		"productname": KeyModel, "userapplicationname": KeyName,
	}
	id := strings.ToLower(strings.NewReplacer(" ", "", "_", "").Replace(o.e.Extra("object_id")))
	if k, ok := keys[id]; ok {
		confidence := toldExactly
		if id == "productcode" {
			confidence = toldAside // a name is better than an order number
		}
		r.told(o, n, k, o.e.Extra("object_value"), "answered Modbus Read Device Identification", confidence)
	}
	return n
}

// learnSoftware keeps the programs that were seen on a device.
func (r *Registry) learnSoftware(o *observation, n *node) *node {
	name, version := clean(o.e.ProductName()), clean(o.e.ProductVersion())
	if strings.HasPrefix(version, name) {
		name = version // Zeek repeats the name in it
	} else if version != "" {
		name += " " + version
	}
	if n == nil || name == "" {
		return n
	}
	r.runs(o, n, name, "seen on the wire", SourceIdentity)
	return n
}

// learnService reads a sensor's list of what answers where.
func (r *Registry) learnService(o *observation, n *node) *node {
	if n == nil {
		return nil
	}
	var told protocols
	for name := range strings.SplitSeq(strings.ToLower(o.e.AppName()), ",") {
		told |= protocolOf(strings.TrimSpace(name))
	}
	if told&^n.serves != 0 {
		r.serves(o, n, told&^n.serves, 0)
	}
	return n
}

// markServes notes a protocol that a device's own answer proves.
func (r *Registry) markServes(o *observation, n *node, p protocols) {
	if n.serves&p == 0 {
		r.serves(o, n, p, 0)
	}
}

// first returns the first of the source's own fields that is set, or the
// schema's field of that name.
func first(e *event.Event, names ...string) string {
	for _, name := range names {
		if v := e.Extra(name); v != "" {
			return v
		}
	}
	switch names[0] {
	case "vendor_name", "vendor":
		if v := e.Str(event.SlotDeviceVendor); v != "" {
			return v
		}
		return e.ProductVendorName()
	case "product_name", "module_name":
		if v := e.Str(event.SlotDeviceModel); v != "" {
			return v
		}
		return e.ProductName()
	case "revision":
		if v := e.Str(event.SlotDeviceFirmware); v != "" {
			return v
		}
		return e.ProductVersion()
	}
	return ""
}
