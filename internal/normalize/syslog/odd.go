package syslog

import (
	"regexp"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/appliance"
	"vedette/internal/normalize/auditd"
	"vedette/internal/normalize/cef"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/mqttlog"
	"vedette/internal/normalize/radius"
	"vedette/internal/normalize/record"
	"vedette/internal/normalize/web"
)

// guest lets another package understand a line whose program or beginning says
// that it is of its kind. when is set if the text itself has a time.
func guest(e *event.Event, l *line, frame moment.Frame) (when time.Time) {
	switch l.program {
	case "":
		if cef.Is(l.text) {
			when, _ = cef.Read(e, l.text, frame)
			return when
		}
	case "sshd", "sudo", "su", "CRON", "systemd", "login": // most lines, and known here
		return time.Time{}
	case "audispd", "audit", "auditd", "audisp-syslog":
		when, _ = auditd.Read(e, l.text, frame)
		return when
	case "kernel":
		if strings.Contains(l.text, " audit(") {
			when, _ = auditd.Read(e, l.text, frame)
			return when
		}
	case "radiusd", "freeradius":
		radius.Read(e, l.text)
		return time.Time{}
	case "mosquitto":
		mqttlog.Read(e, l.text)
		return time.Time{}
	case "nginx", "httpd", "apache2", "haproxy", "lighttpd":
		when, _ = web.ReadAccess(e, l.text, frame)
		return when
	}
	appliance.Read(e, l.program, l.text)
	return time.Time{}
}

// The heads that are none of RFC 3164 or RFC 5424: Cisco's own (a sequence
// number, a time with a star or a year, perhaps a host, all before the tag),
// FortiGate's (none: the pairs have the time), and logread's of OpenWrt.
var (
	ciscoHead = regexp.MustCompile(`^(?:<(\d{1,3})>)?(?:(\d+): )?(?:([\w.-]+): )?(?:(\d+): )?[*.]?([A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d{2}:\d{2}:\d{2}(?:\.\d+)?)(?: [A-Z]{2,5})?:?(?: ([\w.-]+))?(?: [\w.-]+\[\d+\])? ?:? $`)
	fortiHead = regexp.MustCompile(`^(?:<(\d{1,3})>)?(date=(\d{4}-\d{2}-\d{2}),? time=(\d{2}:\d{2}:\d{2}).*)$`)
	openHead  = regexp.MustCompile(`^((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}) (\w+)\.(emerg|alert|crit|err|warn|notice|info|debug) (.*)$`)
	fortiZone = regexp.MustCompile(` tz="?([+-]\d{4})"?`)
)

func isOdd(line string) bool {
	if fortiHead.MatchString(line) || openHead.MatchString(line) {
		return true
	}
	at := appliance.CiscoAt(line)
	return at > 0 && ciscoHead.MatchString(line[:at])
}

// cutOdd cuts a line with such a head.
func (p *syslog) cutOdd(text string) (line, bool) {
	if m := fortiHead.FindStringSubmatch(text); m != nil {
		zone := ""
		if z := fortiZone.FindStringSubmatch(m[2]); z != nil {
			zone = z[1]
		}
		return line{pri: m[1], text: m[2], when: p.frame.Syslog(m[3] + "T" + m[4] + zone)}, true
	}
	if m := openHead.FindStringSubmatch(text); m != nil {
		l := line{text: m[4], when: p.frame.Any(m[1])}
		p.e.SetExtra("facility", m[2])
		p.e.SetExtra("level", m[3])
		for i, word := range []string{"emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"} {
			if word == m[3] {
				p.e.SetSeverityId(int64(severities[i]))
			}
		}
		p.cutProgram(&l)
		return l, true
	}
	at := appliance.CiscoAt(text)
	if at <= 0 {
		return line{}, false
	}
	m := ciscoHead.FindStringSubmatch(text[:at])
	if m == nil {
		return line{}, false
	}
	record.Keep(&p.e, "device_head", strings.TrimSpace(m[2]+" "+m[4]))
	return line{pri: m[1], host: m[3] + m[6], text: text[at:], when: p.frame.Any(m[5])}, true
}
