package appliance

import (
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/pairs"
	"vedette/internal/normalize/record"
)

// filterKeys are the keys of the LOG target of netfilter.
var filterKeys = map[string]event.Slot{
	"SRC": event.SlotSrcEndpointIP, "DST": event.SlotDstEndpointIP, "SPT": event.SlotSrcEndpointPort, "DPT": event.SlotDstEndpointPort,
	"PROTO": event.SlotConnectionInfoProtocolName, "MACSRC": event.SlotSrcEndpointMAC, "MACDST": event.SlotDstEndpointMAC,
}

// packetFilter reads a line of iptables, nftables or ufw: a prefix that the rule
// gives it, and KEY=value pairs. Only the prefix tells what was done.
func packetFilter(e *event.Event, text string) bool {
	in := strings.Index(text, "IN=")
	if in < 0 || in > 0 && text[in-1] != ' ' && text[in-1] != ':' && text[in-1] != ']' || !strings.Contains(text[in:], " SRC=") {
		return false
	}
	prefix := text[:in]
	if _, rest, ok := strings.Cut(prefix, "] "); ok && strings.HasPrefix(prefix, "[") && strings.Trim(prefix[:strings.Index(prefix, "]")], "[ .0123456789") == "" {
		prefix = rest // the kernel's clock
	}
	prefix = strings.Trim(prefix, " :")
	record.Keep(e, "rule", strings.Trim(prefix, "[]"))
	flags := pairs.Each(text[in:], func(key, v string) {
		if key == "MAC" && len(v) >= 35 { // of the frame: to, from and type
			e.SetDstEndpointMAC(record.MAC(v[:17]))
			e.SetSrcEndpointMAC(record.MAC(v[18:35]))
		}
		if key == "LEN" && e.Extra("LEN") != "" {
			key = "UDP_LEN"
		}
		record.Put(e, filterKeys, key, v)
	})
	record.Keep(e, "flags", flags)
	traffic(e, "Traffic", prefix)
	return true
}

// filterLog reads a line of pfSense and OPNsense: columns with commas, whose
// meaning the version and the protocol settle (pfSense, "Raw filter log format").
func filterLog(e *event.Event, text string) bool {
	c := strings.SplitN(text, ",", maxFilterColumns)
	if len(c) < 17 || c[8] == "4" && len(c) < 20 {
		return false
	}
	for i, name := range []string{"rule_number", "sub_rule", "anchor", "tracker", "interface", "reason", "action", "direction"} {
		record.Keep(e, name, c[i])
	}
	switch c[7] {
	case "in":
		e.SetConnectionInfoDirection("Inbound")
	case "out":
		e.SetConnectionInfoDirection("Outbound")
	}
	ports := 0
	switch c[8] {
	case "4":
		e.SetConnectionInfoProtocolName(strings.ToLower(c[16]))
		ports = 20
	case "6":
		e.SetConnectionInfoProtocolName(strings.ToLower(c[12]))
		ports = 17
	default:
		return false
	}
	source(e, c[ports-2], "")
	target(e, c[ports-1], "")
	if p := e.ConnectionInfoProtocolName(); (p == "tcp" || p == "udp") && len(c) > ports+1 {
		source(e, "", c[ports])
		target(e, "", c[ports+1])
		if p == "tcp" && len(c) > ports+3 {
			record.Keep(e, "tcp_flags", c[ports+3])
		}
	}
	e.SetFindingInfoUID(c[3])
	traffic(e, "Traffic", c[6])
	return true
}

const maxFilterColumns = 64
