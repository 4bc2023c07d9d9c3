package cef

import (
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// readLEEF reads what follows "LEEF:". Version 2.0 names the delimiter of the
// pairs after the event id, as a character or its number in hexadecimal; it is
// a tab otherwise. Some writers leave the delimiter field out, which shows in
// pairs where it should be.
func readLEEF(e *event.Event, s string, frame moment.Frame) (time.Time, bool) {
	var head [5]string // version, vendor, product, version of it, event id
	for i := range head {
		var ok bool
		if head[i], s, ok = strings.Cut(s, "|"); !ok {
			return time.Time{}, false
		}
	}
	delimiter := "\t"
	if strings.HasPrefix(head[0], "2") {
		if d, rest, ok := strings.Cut(s, "|"); ok && !strings.Contains(d, "=") {
			delimiter, s = delimiterOf(d), rest
		}
	}
	if delimiter == "\t" && !strings.Contains(s, "\t") && strings.Contains(s, `\t`) {
		delimiter = `\t` // a tab that syslog made visible
	}
	header(e, "leef/", head[1], head[2], head[3], head[4])
	record.Keep(e, "leef.version", head[0])
	e.SetActivityName(head[4])
	r := reading{e: e, frame: frame, fields: leefFields, name: head[4]}
	for range maxPairs {
		pair, rest, more := strings.Cut(s, delimiter)
		key, v, ok := strings.Cut(pair, "=")
		switch key = strings.TrimSpace(key); {
		case ok && isKey(key):
			r.put(key, strings.TrimSpace(v))
		default:
			record.Keep(e, "attributes", strings.TrimSpace(pair))
		}
		if !more {
			break
		}
		s = rest
	}
	return r.done(), true
}

// delimiterOf reads the delimiter field of LEEF 2.0.
func delimiterOf(d string) string {
	hex := strings.TrimPrefix(strings.TrimPrefix(d, "0"), "x")
	if n, err := strconv.ParseUint(hex, 16, 8); err == nil && len(hex) < len(d) && n > 0 && n < 0x80 {
		return string(rune(n))
	}
	if len(d) == 1 {
		return d
	}
	return "\t"
}

// leefFields are the predefined attributes of the LEEF specification.
var leefFields = map[string]event.Slot{
	"src": event.SlotSrcEndpointIP, "dst": event.SlotDstEndpointIP, "srcPort": event.SlotSrcEndpointPort, "dstPort": event.SlotDstEndpointPort,
	"srcMAC": event.SlotSrcEndpointMAC, "dstMAC": event.SlotDstEndpointMAC, "proto": event.SlotConnectionInfoProtocolName,
	"usrName": event.SlotUserName, "identHostName": event.SlotSrcEndpointHostname, "srcBytes": event.SlotTrafficBytesOut, "dstBytes": event.SlotTrafficBytesIn,
	"srcPackets": event.SlotTrafficPacketsOut, "dstPackets": event.SlotTrafficPacketsIn, "cat": event.SlotFindingInfoCategory,
	"policy": event.SlotFindingInfoTitle, "url": event.SlotHTTPRequestURLPath, "resource": event.SlotDstEndpointHostname,
	"accountName": event.SlotUserName, "action": event.SlotDisposition, "msg": event.SlotMessage, "reason": event.SlotStatusDetail, "vlan": event.SlotConnectionInfoVLAN,
}
