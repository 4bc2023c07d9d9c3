package appliance

import (
	"regexp"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/pairs"
	"vedette/internal/normalize/record"
)

// fortiKeys are the fields of FortiOS (Log Message Reference).
var fortiKeys = map[string]event.Slot{
	"srcip": event.SlotSrcEndpointIP, "dstip": event.SlotDstEndpointIP, "srcport": event.SlotSrcEndpointPort, "dstport": event.SlotDstEndpointPort, "srcmac": event.SlotSrcEndpointMAC, "dstmac": event.SlotDstEndpointMAC,
	"srcname": event.SlotSrcEndpointHostname, "dstname": event.SlotDstEndpointHostname, "user": event.SlotUserName, "service": event.SlotAppName, "sessionid": event.SlotConnectionInfoUID, "duration": event.SlotDuration,
	"sentbyte": event.SlotTrafficBytesOut, "rcvdbyte": event.SlotTrafficBytesIn, "sentpkt": event.SlotTrafficPacketsOut, "rcvdpkt": event.SlotTrafficPacketsIn,
	"logid": event.SlotMetadataEventCode, "devname": event.SlotDeviceHostname, "msg": event.SlotStatusDetail, "attack": event.SlotFindingInfoTitle, "attackid": event.SlotFindingInfoUID, "virus": event.SlotFindingInfoTitle,
	"url": event.SlotHTTPRequestURLPath, "hostname": event.SlotHTTPRequestURLHostname, "catdesc": event.SlotFindingInfoCategory, "qname": event.SlotQueryHostname, "qtype": event.SlotQueryType, "filename": event.SlotFileName, "ui": event.NumSlots,
}

var protocolNames = map[string]string{"1": "icmp", "6": "tcp", "17": "udp", "47": "gre", "50": "esp", "58": "icmpv6"}

// fortiGate reads the key=value pairs of a FortiGate.
func fortiGate(e *event.Event, text string) bool {
	kind, subtype, action, status := "", "", "", ""
	pairs.Each(text, func(key, v string) {
		switch key {
		case "type":
			kind = v
		case "subtype":
			subtype = v
		case "action":
			action = v
		case "status":
			status = v
		case "proto":
			if name, ok := protocolNames[v]; ok {
				v = name
			}
			e.SetConnectionInfoProtocolName(v)
			return
		case "level":
			if s := record.Level(v); s != 0 {
				e.SetSeverityId(int64(s))
			}
		case "date", "time", "tz", "eventtime":
		}
		record.Put(e, fortiKeys, key, v)
	})
	if kind == "" && e.Extra("devid") == "" {
		return false
	}
	e.SetMetadataProduct("FortiGate")
	e.SetMetadataLogName("fortigate/" + record.LogWord(kind))
	record.AddTraffic(e)
	switch {
	case kind == "traffic":
		traffic(e, "Traffic", action)
	case e.Has(event.SlotFindingInfoTitle) || subtype == "ips" || subtype == "virus":
		class(e, event.DetectionFinding, action)
		if containsAny(action, "block", "drop", "reset", "clear", "denied") {
			e.SetDisposition("Blocked")
		}
	case action == "login" || action == "logout":
		logon(e, e.UserName(), "", "")
		if action == "logout" {
			e.SetActivityName("Logoff")
		}
		e.SetStatus(outcome(status != "failed"))
	case subtype == "dns":
		class(e, event.DNSActivity, "Query")
	case e.Has(event.SlotHTTPRequestURLPath):
		class(e, event.HTTPActivity, action)
	case e.Extra("cfgpath") != "":
		class(e, event.DeviceConfigState, action)
	default:
		class(e, event.BaseEvent, action)
	}
	return true
}

// juniperShape is the text form: "RT_FLOW_SESSION_CREATE: session created a/p->b/p ...".
var (
	juniperShape = regexp.MustCompile(`^(RT_FLOW_SESSION_(?:CREATE|CLOSE|DENY))(?:_LS)?: session (created|closed|denied) ?(.*?):? ?([0-9a-fA-F.:]+)/(\d+)->([0-9a-fA-F.:]+)/(\d+)(?: 0x\S+)? (\S+)`)
	juniperKeys  = map[string]event.Slot{
		"source-address": event.SlotSrcEndpointIP, "source-port": event.SlotSrcEndpointPort, "destination-address": event.SlotDstEndpointIP, "destination-port": event.SlotDstEndpointPort,
		"bytes-from-client": event.SlotTrafficBytesOut, "bytes-from-server": event.SlotTrafficBytesIn, "packets-from-client": event.SlotTrafficPacketsOut, "packets-from-server": event.SlotTrafficPacketsIn,
		"elapsed-time": event.SlotDuration, "session-id-32": event.SlotConnectionInfoUID, "username": event.SlotUserName, "reason": event.SlotStatusDetail,
	}
)

// juniper reads the flows of an SRX: as structured data, which package syslog
// has kept as "junos@….name", or as words.
func juniper(e *event.Event, text string) bool {
	if m := juniperShape.FindStringSubmatch(text); m != nil {
		e.SetMetadataEventCode(m[1])
		source(e, m[4], m[5])
		target(e, m[6], m[7])
		e.SetAppName(strings.ToLower(strings.TrimPrefix(m[8], "junos-")))
		e.SetStatusDetail(m[3])
		traffic(e, "Open", strings.Replace(m[2], "created", "create", 1))
		if m[2] == "closed" {
			e.SetActivityName("Close")
		}
		return true
	}
	return structuredFlow(e)
}

func structuredFlow(e *event.Event) bool {
	code := e.Extra("msgid")
	if !strings.HasPrefix(code, "RT_FLOW_SESSION_") {
		return false
	}
	for _, x := range e.Extras() {
		element, name, ok := strings.Cut(x.Name, ".")
		if !ok || !strings.HasPrefix(element, "junos@") {
			continue
		}
		// 2636.1.1.1.2.40.source-address: the element's number has dots itself
		name = name[strings.LastIndexByte(name, '.')+1:]
		if slot, known := juniperKeys[name]; known && !e.Has(slot) {
			record.Set(e, slot, x.Name, x.Value)
		}
		switch name {
		case "protocol-id":
			e.SetConnectionInfoProtocolName(protocolNames[x.Value])
		case "service-name":
			if v := strings.ToLower(strings.TrimPrefix(x.Value, "junos-")); v != "none" {
				e.SetAppName(v)
			}
		}
	}
	e.SetMetadataEventCode(code)
	record.AddTraffic(e)
	switch verb := strings.TrimPrefix(code, "RT_FLOW_SESSION_"); {
	case strings.HasPrefix(verb, "CREATE"):
		traffic(e, "Open", "create")
	case strings.HasPrefix(verb, "CLOSE"):
		traffic(e, "Close", "")
		e.SetStatus(event.Success)
	default:
		traffic(e, "Open", "deny")
	}
	return true
}

// mikroTik reads "topic,topic text" of RouterOS.
func mikroTik(e *event.Event, text string) bool {
	if topics, _, _ := strings.Cut(text[:min(len(text), 80)], " "); !strings.Contains(topics, ",") {
		return false
	}
	m := topicShape.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	first(e, m[2], routerOS)
	topics := strings.Split(m[1], ",")
	e.SetMetadataProduct("RouterOS")
	e.SetMetadataLogName("mikrotik/" + record.LogWord(topics[0]))
	record.Keep(e, "topics", m[1])
	for _, t := range topics {
		if s := record.Level(t); s != 0 {
			e.SetSeverityId(int64(s))
		}
	}
	return true
}

var topicShape = regexp.MustCompile(`^((?:system|firewall|dhcp|wireless|interface|account|ppp|pptp|l2tp|sstp|ovpn|ipsec|route|script|dns|hotspot|wifi|caps|bridge|backup|web-proxy|radius|snmp|watchdog|ssh|error|critical|warning|info)(?:,[a-z0-9-]+)+) (.*)$`)

var routerOS = []pattern{
	{"user ", regexp.MustCompile(`^user (\S+) logged (in|out)(?: from (\S+))?(?: via (\S+))?`), func(e *event.Event, m []string) {
		logon(e, m[1], m[3], event.Success)
		if m[2] == "out" {
			e.SetActivityName("Logoff")
		}
		e.SetAppName(m[4])
	}},
	{"login failure ", regexp.MustCompile(`^login failure for user (.*?)(?: from (\S+))? via (\S+)$`), func(e *event.Event, m []string) {
		logon(e, m[1], m[2], event.Failure)
		e.SetAppName(m[3])
	}},
	{"", regexp.MustCompile(`^(?:(.*?) )?(\w+): in:(\S+)(?: out:(\(unknown \d+\)|[^\s,]+))?,? (?:connection-state:([^\s]+?),? )?(?:src-mac ([0-9A-Fa-f:]{17}), )?proto (\w+)(?: \(([^)]*)\))?, ([0-9a-fA-F.:]+?)(?::(\d+))?->([0-9a-fA-F.:]+?)(?::(\d+))?(?:, NAT .*?)?, len (\d+)`), func(e *event.Event, m []string) {
		traffic(e, "Traffic", m[1])
		record.Keep(e, "rule", strings.TrimSpace(m[1]+" "+m[2]))
		record.Keep(e, "src_interface", m[3])
		record.Keep(e, "dst_interface", m[4])
		e.SetConnectionInfoState(m[5])
		e.SetSrcEndpointMAC(record.MAC(m[6]))
		e.SetConnectionInfoProtocolName(strings.ToLower(m[7]))
		record.Keep(e, "flags", m[8])
		source(e, m[9], m[10])
		target(e, m[11], m[12])
		record.Set(e, event.SlotTrafficBytes, "len", m[13])
	}},
	{"", regexp.MustCompile(`^(\S+) (assigned|deassigned) ([0-9.]+) (?:to|from|for) ([0-9A-Fa-f:]{17})(?: (\S+))?`), func(e *event.Event, m []string) {
		lease(e, m[2], m[3], m[4], m[5])
		record.Keep(e, "interface", m[1])
	}},
	{"", regexp.MustCompile(`^(\S+) changed by (?:\S*:)?(\S+)`), func(e *event.Event, m []string) {
		class(e, event.DeviceConfigState, "Change configuration")
		e.SetUserName(m[2])
	}},
	{"", regexp.MustCompile(`^(\S+) link (up|down)`), func(e *event.Event, m []string) {
		class(e, event.DeviceConfigState, "Link "+m[2])
		record.Keep(e, "interface", m[1])
	}},
}
