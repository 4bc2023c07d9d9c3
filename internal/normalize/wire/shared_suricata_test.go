package wire

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"vedette/internal/event"
)

// eveCheck is what one of Suricata's own tests looks for in EVE records.
type eveCheck struct {
	Filter struct {
		Count int            `yaml:"count"`
		Match map[string]any `yaml:"match"`
	} `yaml:"filter"`
}

// eveLogs are our logs by Suricata's event type.
var eveLogs = map[string]string{
	"mqtt": "wire/mqtt", "ssh": "wire/ssh", "tls": "wire/tls", "snmp": "wire/snmp", "dhcp": "wire/dhcp", "smb": "wire/smb", "ftp": "wire/ftp",
	"sip": "wire/sip", "dns": "wire/dns", "http": "wire/http", "flow": "wire/conn",
}

// eveSlots are the keys whose values we have in a field.
var eveSlots = map[string]event.Slot{
	"src_ip": event.SlotSrcEndpointIP, "dest_ip": event.SlotDstEndpointIP, "tls.ja4": event.SlotTLSJa4,
	"tls.sni": event.SlotTLSSNI, "ssh.client.hassh.hash": event.SlotSSHHassh, "snmp.pdu_type": event.SlotActivityName, "smb.status": event.SlotStatusDetail,
	"smb.filename": event.SlotFileName, "smb.ntlmssp.user": event.SlotUserName, "smb.ntlmssp.host": event.SlotSrcEndpointHostname, "ftp.command": event.SlotActivityName,
	"dns.rrname": event.SlotQueryHostname, "dns.rrtype": event.SlotQueryType, "dhcp.dhcp_type": event.SlotActivityName, "dhcp.client_mac": event.SlotSrcEndpointMAC,
	"ether.src_macs[0]": event.SlotSrcEndpointMAC, "ether.dest_macs[0]": event.SlotDstEndpointMAC,
}

// eveExtras are the keys whose values we keep under a name of our own.
var eveExtras = map[string]string{
	"ssh.server.hassh.hash": "ssh.hassh_server", "snmp.version": "snmp.version", "smb.dialect": "smb.dialect", "smb.ntlmssp.domain": "ntlmssp.domain",
	"dhcp.id": "dhcp.id", "dhcp.routers[0]": "dhcp.routers", "dhcp.dns_servers[0]": "dhcp.dns_servers",
}

// valueOf is what our event has for a key of EVE. known tells whether the key
// is one that we also have.
func valueOf(e *event.Event, key string) (v string, known bool) {
	if slot, ok := eveSlots[key]; ok {
		return e.Str(slot), true
	}
	if name, ok := eveExtras[key]; ok {
		return e.Extra(name), true
	}
	switch key {
	case "ftp.command_data":
		return e.Extra("ftp.command_data") + e.FileName(), true
	case "src_port":
		return fmt.Sprint(e.SrcEndpointPort()), true
	case "dest_port":
		return fmt.Sprint(e.DstEndpointPort()), true
	case "proto":
		return e.ConnectionInfoProtocolName(), true
	case "flow.pkts_toserver":
		return fmt.Sprint(e.TrafficPacketsOut()), true
	case "flow.pkts_toclient":
		return fmt.Sprint(e.TrafficPacketsIn()), true
	case "tls.version":
		return strings.TrimPrefix(e.TLSVersion(), "TLS "), true
	case "ssh.client.software_version":
		return afterDash(e.SSHClient()), true
	case "ssh.server.software_version":
		return afterDash(e.SSHServer()), true
	case "tls.client_alpns[0]":
		first, _, _ := strings.Cut(e.Extra("tls.client_alpns"), ",")
		return first, true
	case "smb.command":
		return "SMB2_COMMAND_" + strings.ToUpper(e.ActivityName()), true
	}
	rest, ok := strings.CutPrefix(key, "mqtt.")
	if !ok {
		return "", false
	}
	_, field, _ := strings.Cut(rest, ".")
	switch {
	case field == "client_id":
		return e.MQTTClientId(), true
	case field == "username":
		return e.UserName(), true
	case field == "topic" || field == "topics":
		return e.MQTTTopic(), true
	case field == "password" || field == "message" || strings.Contains(field, "properties") || strings.HasPrefix(field, "will."):
		return "", false // not kept
	}
	return e.Extra("mqtt." + field), true
}

func afterDash(banner string) string {
	parts := strings.SplitN(banner, "-", 3)
	return parts[len(parts)-1]
}

// plainValue is a value of a check as our events have it.
func plainValue(key string, v any) string {
	if list, ok := v.([]any); ok {
		var all []string
		for _, x := range list {
			if m, ok := x.(map[string]any); ok {
				x = m["topic"]
			}
			all = append(all, fmt.Sprint(x))
		}
		sep := ","
		if strings.HasSuffix(key, "topics") {
			sep = ", "
		}
		return strings.Join(all, sep)
	}
	s := fmt.Sprint(v)
	switch key {
	case "proto":
		return strings.ToLower(s)
	case "smb.command":
		return strings.TrimSuffix(s, "_PROTOCOL")
	case "tls.version":
		return strings.TrimPrefix(s, "TLS ")
	}
	return s
}

// TestSharedSuricata decodes the captures of Suricata's own tests, and looks
// for the records that those expect, as far as we have the same facts.
func TestSharedSuricata(t *testing.T) {
	captures, checks := map[string][][]byte{}, map[string][]eveCheck{}
	zipped(t, "suricata-verify.zip", func(name string, data []byte) {
		dir := path.Dir(name)
		if !strings.HasSuffix(name, "test.yaml") {
			captures[dir] = append(captures[dir], data)
			return
		}
		var doc struct {
			Checks []eveCheck `yaml:"checks"`
		}
		if err := yaml.Unmarshal(data, &doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		checks[dir] = doc.Checks
	}, append(captureNames, "test.yaml")...)
	comparable, agreed := map[string]int{}, map[string]int{}
	for dir, all := range checks {
		if len(captures[dir]) != 1 {
			continue
		}
		var events []*event.Event
		_, _, _ = decode(captures[dir][0], func(h Happening) { events = append(events, h.Event.Clone()) })
		for _, c := range all {
			kind, _ := c.Filter.Match["event_type"].(string)
			if eveLogs[kind] == "" || c.Filter.Count == 0 {
				continue
			}
			n, keys := count(events, kind, c.Filter.Match)
			if keys == 0 {
				continue
			}
			comparable[kind]++
			if n >= c.Filter.Count {
				agreed[kind]++
			} else {
				t.Logf("%s: %d of %d: %v", dir, n, c.Filter.Count, c.Filter.Match)
			}
		}
	}
	total, same := 0, 0
	for kind, n := range comparable {
		t.Logf("%s: %d of %d checks agree", kind, agreed[kind], n)
		total, same = total+n, same+agreed[kind]
	}
	t.Logf("%d of %d checks agree", same, total)
	if total < 100 || same*100 < total*90 {
		t.Errorf("%d of %d checks agree", same, total)
	}
}

// count is how many events have all of the values of a check that we also
// have, and how many those are.
func count(events []*event.Event, kind string, match map[string]any) (n, keys int) {
	for _, e := range append([]*event.Event{{}}, events...) {
		same := e.MetadataLogName() == eveLogs[kind] && e.ClassUID() != int64(event.DeviceInventoryInfo)
		seen := 0
		for key, want := range match {
			got, known := valueOf(e, key)
			if !known {
				continue
			}
			seen++
			if strings.HasPrefix(key, "mqtt.") {
				same = same && e.ActivityName() == strings.Split(key, ".")[1]
			}
			same = same && slices.Contains(append(strings.Split(got, ","), got), plainValue(key, want))
		}
		keys = max(keys, seen)
		if same {
			n++
		}
	}
	return n, keys
}
