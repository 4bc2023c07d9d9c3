// Package appliance understands what firewalls, routers, switches, access points
// and their daemons say in a line of syslog.
//
// It must not look at the head of a line: package syslog has cut it off. What
// no pattern fits is left as its words.
package appliance

import (
	"regexp"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

// Read understands the text of a program. It sets the class and what the text
// says beyond it, and tells whether it knew the text.
func Read(e *event.Event, program, text string) bool {
	switch program {
	case "kernel":
		return packetFilter(e, text)
	case "filterlog":
		return filterLog(e, text)
	case "hostapd":
		return first(e, text, wireless)
	case "dnsmasq", "dnsmasq-dhcp", "dhcpd", "udhcpd", "odhcpd":
		return first(e, text, leases)
	case "dropbear":
		return first(e, text, dropbear)
	case "RT_FLOW":
		return juniper(e, text)
	case "ulogd", "ufw":
		return packetFilter(e, text)
	}
	switch {
	case text == "":
		return false
	case text[0] == '%':
		return cisco(e, text)
	case strings.HasPrefix(text, "date="):
		return fortiGate(e, text)
	case text[0] >= 'a' && text[0] <= 'z' && program == "":
		return mikroTik(e, text)
	}
	return false
}

// pattern is one form of text.
type pattern struct {
	begins string // what it begins with, to save most texts the expression; "" for any
	shape  *regexp.Regexp
	apply  func(e *event.Event, m []string)
}

// first applies the first pattern that fits.
func first(e *event.Event, text string, all []pattern) bool {
	for i := range all {
		p := &all[i]
		if !strings.HasPrefix(text, p.begins) {
			continue
		}
		if m := p.shape.FindStringSubmatch(text); m != nil {
			p.apply(e, m)
			return true
		}
	}
	return false
}

// source and target set an end of a connection, an address or a name.
func source(e *event.Event, host, port string) {
	if host != "" && !e.SetIP(event.SlotSrcEndpointIP, host) {
		e.SetSrcEndpointHostname(host)
	}
	record.Set(e, event.SlotSrcEndpointPort, "src_port", port)
}

func target(e *event.Event, host, port string) {
	if host != "" && !e.SetIP(event.SlotDstEndpointIP, host) {
		e.SetDstEndpointHostname(host)
	}
	record.Set(e, event.SlotDstEndpointPort, "dst_port", port)
}

// traffic makes the event one of the network with a verdict: "" where the text
// gives none.
func traffic(e *event.Event, activity, verdict string) {
	e.SetClassUID(int64(event.NetworkActivity))
	e.SetActivityName(activity)
	switch verdict = strings.ToLower(verdict); {
	case verdict == "":
	case containsAny(verdict, "den", "block", "drop", "reject", "discard", "dos", "ip-conn", "violation"):
		e.SetDisposition("Blocked")
		e.SetStatus(event.Failure)
	case containsAny(verdict, "permit", "accept", "allow", "pass", "close", "built", "create"):
		e.SetDisposition("Allowed")
		e.SetStatus(event.Success)
	}
}

func containsAny(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// logon makes the event an attempt to log on to the device.
func logon(e *event.Event, user, host, status string) {
	e.SetClassUID(int64(event.Authentication))
	e.SetActivityName("Logon")
	e.SetUserName(user)
	e.SetStatus(status)
	source(e, host, "")
}

func outcome(ok bool) string {
	if ok {
		return event.Success
	}
	return event.Failure
}

func class(e *event.Event, c event.Class, activity string) {
	e.SetClassUID(int64(c))
	e.SetActivityName(activity)
}
