// Package it decodes the protocols of offices and of the internet, as far as
// they tell who speaks to whom, about what, and what a device is.
//
// Passwords and what works like one (SNMP communities, credentials in headers)
// must not get into an event, nor into the bytes that are kept with it.
package it

import (
	"vedette/internal/normalize/wire/proto"
)

// Protocols are the protocols of this package.
func Protocols() []proto.Protocol {
	return []proto.Protocol{
		{Name: "dns", TCP: []uint16{53}, UDP: []uint16{53}, Probe: probeDNS, New: newDNS},
		{Name: "mdns", UDP: []uint16{5353}, Probe: probeOnPort(probeDNS), New: newDNS},
		{Name: "llmnr", UDP: []uint16{5355}, Probe: probeOnPort(probeDNS), New: newDNS},
		{Name: "dhcp", UDP: []uint16{67, 68}, Probe: probeDHCP, New: newDHCP},
		{Name: "http", TCP: []uint16{80, 81, 3128, 5985, 8000, 8008, 8080, 8081, 8088, 8888}, Probe: probeHTTP, New: newHTTP},
		{Name: "tls", TCP: []uint16{443, 465, 636, 853, 989, 990, 993, 995, 5061, 8443, 8883}, Probe: probeTLS, New: newTLS},
		{Name: "ssh", TCP: []uint16{22}, Probe: probeSSH, New: newSSH},
		{Name: "mqtt", TCP: []uint16{1883}, Probe: probeMQTT, New: newMQTT},
		{Name: "snmp", UDP: []uint16{161, 162}, Probe: probeSNMP, New: newSNMP},
		{Name: "ssdp", UDP: []uint16{1900}, Probe: probeSSDP, New: newHeaders("ssdp")},
		{Name: "sip", TCP: []uint16{5060}, UDP: []uint16{5060}, Probe: probeSIP, New: newHeaders("sip")},
		{Name: "ntp", UDP: []uint16{123}, Probe: probeNTP, New: newNTP},
		{Name: "netflow", UDP: []uint16{2055, 4739, 9995, 9996}, Probe: probeNetFlow, New: newNetFlow},
		{Name: "syslog", UDP: []uint16{514}, Probe: probeSyslog, New: newSyslog},
		{Name: "ftp", TCP: []uint16{21}, Probe: probeFTP, New: newFTP},
		{Name: "smtp", TCP: []uint16{25, 587, 2525}, Probe: probeSMTP, New: newSMTP},
		{Name: "telnet", TCP: []uint16{23, 2323}, Probe: probeTelnet, New: newTelnet},
		{Name: "smb", TCP: []uint16{139, 445}, Probe: probeSMB, New: newSMB},
	}
}

// probeOnPort is a probe that counts only on a well-known port.
func probeOnPort(probe func([]byte, proto.Side, bool) int) func([]byte, proto.Side, bool) int {
	return func(data []byte, s proto.Side, onPort bool) int {
		if !onPort {
			return 0
		}
		return probe(data, s, true)
	}
}
