package normalize

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
)

// EVE is Suricata's EVE JSON: one object a line, "event_type" says what it
// holds. Every type is taken in; those in eveTypes have a class of their own.
func EVE() Dialect {
	return Dialect{Name: "eve", Detect: detectEVE, New: func(src Source) Parser { return &eve{src: src} }}
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
	src Source
	e   event.Event
}

// Parse implements [Parser].
func (p *eve) Parse(rec Record, emit func(*event.Event)) error {
	leaves, err := flatJSON(rec.Raw)
	if err != nil {
		return err
	}
	p.e.Reset()
	kind := "unknown"
	var when time.Time
	for _, kv := range leaves {
		switch {
		case kv.key == "event_type" && kind == "unknown" && kv.value != "":
			kind = strings.ToLower(kv.value)
		case kv.key == "timestamp" && when.IsZero():
			if when = eveTime(kv.value); when.IsZero() {
				keep(&p.e, "timestamp", kv.value)
			}
		default:
			p.leaf(kv)
		}
	}
	p.meaning(kind)
	finish(&p.e, &p.src, rec, 0, when)
	emit(&p.e)
	return nil
}

// leaf puts one value in; those that decide nothing stay under their own name.
func (p *eve) leaf(kv pair) {
	v := kv.value
	if kind, ok := strings.CutPrefix(kv.key, "mqtt."); ok && !p.e.Has(event.SlotActivityName) {
		kind, _, _ = strings.Cut(kind, ".") // the type of the message is the key of its object
		p.e.SetActivityName(kind)
	}
	slot, ok := eveKeys[kv.key]
	switch {
	case v == "":
		return
	case kv.key == "app_proto" && (v == "failed" || v == "unknown"):
		ok = false // not a protocol: Suricata could not tell
	case kv.key == "alert.severity":
		p.severity(v)
	case kv.key == "alert.action":
		switch v {
		case "allowed":
			p.e.SetDisposition("Allowed")
			return
		case "blocked":
			p.e.SetDisposition("Blocked")
			return
		}
	case isAnswer(kv.key):
		p.answer(kv)
		return
	case kv.key == "enip.request.cip.service": // what is asked for; the command only carries it
		if c := p.e.ICSFunction(); c != "" {
			keep(&p.e, "enip.request.command", c)
		}
		p.e.SetICSFunction(v)
		p.e.SetICSProtocol("cip")
		return
	case strings.HasPrefix(kv.key, "alert.metadata.mitre_technique_id"):
		if kv.list == nil {
			kv.list = []string{v}
		}
		p.e.SetFindingInfoTechniques(append(p.e.FindingInfoTechniques(), kv.list...))
		return
	}
	if !ok || p.e.Has(slot) {
		keep(&p.e, kv.key, v)
		return
	}
	switch slot {
	case event.SlotConnectionInfoProtocolName, event.SlotAppName, event.SlotSrcEndpointMAC, event.SlotDstEndpointMAC:
		v = strings.ToLower(v)
	default:
	}
	if kv.list != nil {
		setList(&p.e, slot, kv.key, kv.list)
		return
	}
	set(&p.e, slot, kv.key, v)
}

// isAnswer finds the answers of DNS: "dns.answers.0.rdata", "dns.grouped.A".
func isAnswer(key string) bool {
	rest, ok := strings.CutPrefix(key, "dns.answers.")
	if ok {
		n, ok := strings.CutSuffix(rest, ".rdata")
		return ok && !strings.Contains(n, ".")
	}
	return strings.HasPrefix(key, "dns.grouped.") && strings.Count(key, ".") == 2
}

// answer adds to the answers what they do not have yet.
func (p *eve) answer(kv pair) {
	all := p.e.Answers()
	if kv.list == nil {
		kv.list = []string{kv.value}
	}
	for _, v := range kv.list {
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
	severities := map[int]event.Severity{1: event.High, 2: event.Medium, 3: event.Low, 4: event.Informational}
	if s, ok := severities[n]; ok {
		p.e.SetSeverityId(int64(s))
	}
}

func (p *eve) meaning(kind string) {
	e := &p.e
	t := eveTypes[kind]
	e.SetClassUID(int64(t.class))
	e.SetMetadataProduct("Suricata")
	setLogName(e, "suricata", "event_type", kind)
	if t.app != "" && !e.Has(event.SlotAppName) {
		e.SetAppName(t.app)
	}
	addTraffic(e)
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
	finishOT(&p.e, kind, protocol)
}

// eveTime reads "2021-06-06T15:57:37.272281+0200" and RFC 3339.
func eveTime(s string) time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05.999999999-0700", time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
