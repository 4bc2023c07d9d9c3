package appliance

import (
	"regexp"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

// lease is an address that is given to a device or taken back.
func lease(e *event.Event, what, ip, mac, name string) {
	class(e, event.DHCPActivity, what)
	e.SetAppName("dhcp")
	e.SetDHCPMessageType([]string{what})
	mac = record.MAC(mac)
	switch strings.ToUpper(what) {
	case "DHCPACK", "DHCPOFFER", "ASSIGNED":
		e.SetIP(event.SlotDHCPAssignedIP, ip)
		e.SetDstEndpointMAC(mac)
		e.SetIP(event.SlotDstEndpointIP, ip)
		e.SetDstEndpointHostname(name)
		e.SetStatus(event.Success)
	case "DHCPNAK":
		e.SetDstEndpointMAC(mac)
		e.SetStatus(event.Failure)
	default:
		e.SetIP(event.SlotDHCPRequestedIP, ip)
		e.SetSrcEndpointMAC(mac)
		e.SetSrcEndpointHostname(name)
	}
}

var leases = []pattern{
	// dnsmasq: DHCPACK(br-lan) 192.168.1.5 aa:bb:cc:dd:ee:ff host
	{"DHCP", regexp.MustCompile(`^(DHCP[A-Z]+)\(([^)]*)\)(?: ([0-9a-fA-F.:]+))?(?: ([0-9A-Fa-f:]{17}))(?: (.*))?$`), func(e *event.Event, m []string) {
		name := m[5]
		if m[1] == "DHCPNAK" || strings.Contains(name, " ") {
			e.SetStatusDetail(name)
			name = ""
		}
		lease(e, m[1], m[3], m[4], name)
		record.Keep(e, "interface", m[2])
	}},
	// ISC dhcpd: DHCPACK on 192.168.1.5 to aa:bb:cc:dd:ee:ff (host) via eth0
	{"DHCP", regexp.MustCompile(`^(DHCP[A-Z]+) (?:(?:on|for|of) ([0-9a-fA-F.:]+)(?: \([^)]*\))? )?(?:to|from) ([0-9A-Fa-f:]{17})(?: \(([^)]*)\))? via (\S+)(?:: (.*))?`), func(e *event.Event, m []string) {
		lease(e, m[1], m[2], m[3], m[4])
		record.Keep(e, "interface", strings.TrimSuffix(m[5], ":"))
		e.SetStatusDetail(m[6])
	}},
	{"query[", regexp.MustCompile(`^query\[([^\]]+)\] (\S+) from ([0-9a-fA-F.:]+)`), func(e *event.Event, m []string) {
		class(e, event.DNSActivity, "Query")
		e.SetAppName("dns")
		e.SetQueryType(m[1])
		e.SetQueryHostname(m[2])
		source(e, m[3], "")
	}},
	{"", regexp.MustCompile(`^(?:reply|cached|config|/etc/\S+|DHCP|\S+hosts) (\S+) is (\S+)$`), func(e *event.Event, m []string) {
		class(e, event.DNSActivity, "Response")
		e.SetAppName("dns")
		e.SetQueryHostname(m[1])
		if strings.HasPrefix(m[2], "NXDOMAIN") || strings.HasPrefix(m[2], "NODATA") {
			e.SetRcode(strings.TrimSuffix(strings.TrimSuffix(m[2], "-IPv4"), "-IPv6"))
			return
		}
		e.SetAnswers([]string{m[2]})
	}},
	{"forwarded ", regexp.MustCompile(`^forwarded (\S+) to (\S+)$`), func(e *event.Event, m []string) {
		class(e, event.DNSActivity, "Forward")
		e.SetAppName("dns")
		e.SetQueryHostname(m[1])
		target(e, m[2], "")
	}},
}

var wireless = []pattern{
	{"", regexp.MustCompile(`^(\S+): STA ([0-9A-Fa-f:]{17}) (IEEE 802\.11|IEEE 802\.1X|WPA|RADIUS|MLME|DRIVER): (.*)$`), func(e *event.Event, m []string) {
		class(e, event.Authentication, "Preauth")
		e.SetSrcEndpointMAC(record.MAC(m[2]))
		record.Keep(e, "interface", m[1])
		e.SetAuthProtocol(m[3])
		e.SetStatusDetail(m[4])
		switch text := m[4]; {
		case strings.HasPrefix(text, "associated"), strings.HasPrefix(text, "pairwise key handshake completed"):
			e.SetActivityName("Associate")
			e.SetStatus(event.Success)
		case containsAny(text, "deauthenticated", "disassociated"):
			e.SetActivityName("Logoff")
		case strings.HasPrefix(text, "authenticated"):
			e.SetActivityName("Logon")
			e.SetStatus(event.Success)
		case containsAny(text, "fail", "invalid", "did not", "mismatch"):
			e.SetStatus(event.Failure)
			if containsAny(text, "authentication failed", "PSK") {
				e.SetActivityName("Logon")
			}
		}
	}},
	{"", regexp.MustCompile(`^(\S+): AP-STA-(CONNECTED|DISCONNECTED|POSSIBLE-PSK-MISMATCH) ([0-9A-Fa-f:]{17})`), func(e *event.Event, m []string) {
		class(e, event.Authentication, map[string]string{"CONNECTED": "Associate", "DISCONNECTED": "Logoff"}[m[2]])
		if strings.HasPrefix(m[2], "POSSIBLE") {
			logon(e, "", "", event.Failure)
			e.SetStatusDetail("possible PSK mismatch")
		} else if m[2] == "CONNECTED" {
			e.SetStatus(event.Success)
		}
		e.SetSrcEndpointMAC(record.MAC(m[3]))
		record.Keep(e, "interface", m[1])
	}},
}

var dropbear = []pattern{
	{"Exit ", regexp.MustCompile(`^Exit (?:\(([^)]*)\)|before auth)(?: from <([0-9a-fA-F.:]+):(\d+)>)?(?: \(user '(.*?)', (\d+) fails\))?: (.*)$`), func(e *event.Event, m []string) {
		class(e, event.SSHActivity, "Disconnect")
		if m[1] != "" {
			class(e, event.Authentication, "Logoff")
		}
		e.SetAppName("ssh")
		e.SetUserName(m[1] + m[4])
		source(e, m[2], m[3])
		record.Keep(e, "fails", m[5])
		e.SetStatusDetail(m[6])
	}},
	{"Child connection ", regexp.MustCompile(`^Child connection from ([0-9a-fA-F.:]+):(\d+)$`), func(e *event.Event, m []string) {
		class(e, event.SSHActivity, "Open")
		e.SetAppName("ssh")
		source(e, m[1], m[2])
	}},
	{"Login attempt ", regexp.MustCompile(`^Login attempt for nonexistent user(?: '(.*)')? from ([0-9a-fA-F.:]+):(\d+)$`), func(e *event.Event, m []string) {
		logon(e, m[1], m[2], event.Failure)
		source(e, "", m[3])
		e.SetAppName("ssh")
		e.SetStatusDetail("invalid user")
	}},
}
