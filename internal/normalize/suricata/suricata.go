// Package suricata reads EVE, the JSON that Suricata writes.
//
// It must not judge alerts; it says what Suricata said.
package suricata

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/ics"
	"vedette/internal/normalize/jsonleaf"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// EVE is Suricata's EVE JSON: one object a line, "event_type" says what it
// holds. Every type is taken in; those in eveTypes have a class of their own.
func EVE() record.Dialect {
	return record.Dialect{Name: "eve", Detect: detectEVE, New: func(src record.Source) record.Parser { return &eve{src: src} }}
}

func detectEVE(head []byte, _ string) int {
	for n, line := range bytes.Split(head, []byte("\n")) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
			continue
		case n > 20 || line[0] != '{':
			return 0
		case bytes.Contains(line, []byte(`"event_type"`)) && bytes.Contains(line, []byte(`"timestamp"`)):
			return 100
		}
	}
	return 0
}

type eve struct {
	src   record.Source
	e     event.Event
	scan  jsonleaf.Scanner
	kinds record.Memo[eveKind]
	apart bool // no two leaves of the record are kept under the same name
}

// Parse implements [Parser].
func (p *eve) Parse(rec record.Record, emit func(*event.Event)) error {
	raw := p.src.Keep(rec.Raw)
	leaves, err := p.scan.Read(raw)
	if err != nil {
		return err
	}
	p.e.Reset()
	p.apart = !p.scan.Twice()
	kind := unknownKind
	var when time.Time
	for i := range leaves {
		kv := &leaves[i]
		k, known := kv.Key.Means.(*eveKey)
		if !known {
			k = newEVEKey(kv.Key.Name)
			kv.Key.Means = k
		}
		switch {
		case k.role == roleType && kind == unknownKind && kv.Value != "":
			kind = record.Lower(kv.Value)
		case k.role == roleTime && when.IsZero():
			if when = eveTime(kv.Value); when.IsZero() {
				record.Keep(&p.e, "timestamp", kv.Value)
			}
		default:
			p.leaf(kv, k)
		}
	}
	p.meaning(kind)
	record.Finish(&p.e, &p.src, rec, record.Text(raw), 0, when)
	emit(&p.e)
	return nil
}

// leaf puts one value in; those that decide nothing stay under their own name.
func (p *eve) leaf(kv *jsonleaf.Leaf, k *eveKey) {
	if k.mqtt != "" && !p.e.Has(event.SlotActivityName) {
		p.e.SetActivityName(k.mqtt)
	}
	if kv.Value == "" || p.decides(kv, k) {
		return
	}
	v, slot := kv.Value, k.slot
	if k.role == roleAppProto && (v == "failed" || v == "unknown") {
		slot = record.NoSlot // not a protocol: Suricata could not tell
	}
	if slot == record.NoSlot || p.e.Has(slot) {
		p.keep(kv.Key.Name, v)
		return
	}
	switch slot {
	case event.SlotConnectionInfoProtocolName, event.SlotAppName, event.SlotSrcEndpointMAC, event.SlotDstEndpointMAC:
		v = record.Lower(v)
	default:
	}
	if kv.List != nil {
		record.SetList(&p.e, slot, kv.Key.Name, kv.List)
		return
	}
	record.Set(&p.e, slot, kv.Key.Name, v)
}

// keep keeps a leaf under its own name.
func (p *eve) keep(name, v string) {
	if p.apart = p.apart && name != ""; p.apart { // another may be called as the nameless is kept
		p.e.AddExtra(name, v)
	} else {
		record.Keep(&p.e, name, v)
	}
}

// decides puts in a value that means more than one field, and tells whether
// that is all of its meaning.
func (p *eve) decides(kv *jsonleaf.Leaf, k *eveKey) bool {
	v := kv.Value
	switch k.role {
	case roleSeverity:
		p.severity(v)
	case roleAction:
		switch v {
		case "allowed":
			p.e.SetDisposition("Allowed")
			return true
		case "blocked":
			p.e.SetDisposition("Blocked")
			return true
		}
	case roleAnswer:
		p.answer(kv)
		return true
	case roleService: // what is asked for; the command only carries it
		p.apart = false
		if c := p.e.ICSFunction(); c != "" {
			record.Keep(&p.e, "enip.request.command", c)
		}
		p.e.SetICSFunction(v)
		p.e.SetICSProtocol("cip")
		return true
	case roleTechnique:
		p.e.SetFindingInfoTechniques(append(p.e.FindingInfoTechniques(), kv.Members()...))
		return true
	default:
	}
	return false
}

// answer adds to the answers what they do not have yet.
func (p *eve) answer(kv *jsonleaf.Leaf) {
	all := p.e.Answers()
	for _, v := range kv.Members() {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	p.e.SetAnswers(all)
}

// client gives what DHCP says of the client to the side that is the client.
func (p *eve) client() {
	mac, name := event.SlotSrcEndpointMAC, event.SlotSrcEndpointHostname
	if p.e.Extra("dhcp.type") == "reply" {
		mac, name = event.SlotDstEndpointMAC, event.SlotDstEndpointHostname
	}
	if !p.e.Has(mac) {
		p.e.SetStr(mac, strings.ToLower(p.e.Extra("dhcp.client_mac")))
	}
	p.e.SetStr(name, p.e.Extra("dhcp.hostname"))
}

// severity maps Suricata's 1 (most severe) to 4 onto OCSF; the source's own
// number stays under alert.severity.
func (p *eve) severity(v string) {
	n, err := strconv.Atoi(v)
	if err != nil {
		return
	}
	severities := [...]event.Severity{event.High, event.Medium, event.Low, event.Informational}
	if n >= 1 && n <= len(severities) {
		p.e.SetSeverityId(int64(severities[n-1]))
	}
}

func (p *eve) meaning(kind string) {
	e := &p.e
	t := p.kinds.Of(kind, newEVEKind)
	e.SetClassUID(int64(t.class))
	e.SetMetadataProduct("Suricata")
	record.SetLogName(e, t.logName, "event_type", kind)
	if t.app != "" && !e.Has(event.SlotAppName) {
		e.SetAppName(t.app)
	}
	record.AddTraffic(e)
	switch kind {
	case "flow":
		p.flow()
	case "dhcp":
		p.client()
	case "drop":
		e.SetDisposition("Blocked")
		e.SetStatus(event.Failure)
	case "dns":
		if e.Extra("dns.type") != "" && !e.Has(event.SlotActivityName) {
			e.SetActivityName(e.Extra("dns.type"))
		}
	case "krb5":
		e.SetStatus(event.Success)
		if e.Extra("krb5.failed_request") != "" || e.Has(event.SlotStatusDetail) {
			e.SetStatus(event.Failure)
		}
	}
	p.ot(kind)
}

// flow reads the outcome: answered both ways is a success, a request that got
// no packet back a failure.
func (p *eve) flow() {
	out, in := p.e.TrafficPacketsOut(), p.e.TrafficPacketsIn()
	switch {
	case in > 0 && out > 0:
		p.e.SetStatus(event.Success)
	case in == 0 && p.e.ConnectionInfoState() == "new":
		p.e.SetStatus(event.Failure)
	}
	p.e.SetActivityName("Traffic")
}

func (p *eve) ot(kind string) {
	if kind != "modbus" && kind != "dnp3" && kind != "enip" {
		return
	}
	if kind == "dnp3" && p.e.Has(event.SlotICSFunctionCode) && !p.e.Has(event.SlotICSFunction) {
		p.e.SetICSFunction(dnp3Functions[p.e.ICSFunctionCode()])
	}
	if kind == "modbus" && !p.e.Has(event.SlotICSResponse) && p.e.Extra("modbus.response.function_code") != "" {
		p.e.SetICSResponse("ok")
	}
	if kind == "modbus" && p.e.Has(event.SlotICSFunction) {
		p.e.SetICSFunction(modbusName(p.e.ICSFunction()))
	}
	protocol := kind
	if kind == "enip" && p.e.ICSProtocol() == "cip" {
		protocol = "cip"
	}
	ics.Finish(&p.e, kind, protocol)
}

// eveTime reads "2021-06-06T15:57:37.272281+0200" and RFC 3339.
func eveTime(s string) time.Time {
	if t, ok := moment.ISO(s, nil); ok {
		return t
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999-0700", time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
