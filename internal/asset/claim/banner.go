package claim

import (
	"strings"

	"vedette/internal/asset/fingerprint"
	"vedette/internal/event"
)

// greetings looks at the words that ordinary events carry.
func (r *Reader) greetings(e *event.Event) {
	if r.prints == nil {
		return
	}
	if v := e.SSHServer(); v != "" {
		r.greeting(Destination, "ssh.banner", v)
	}
	if v := e.TLSCertificateSubject(); v != "" {
		r.greeting(Destination, "x509.subject", v)
	}
	switch event.Class(e.ClassUID()) {
	case event.HTTPActivity:
		if v := either(e, "server", "http.server"); v != "" {
			r.greeting(Destination, "http_header.server", v)
		}
		if v := either(e, "www_authenticate", "http.www_authenticate"); v != "" {
			r.greeting(Destination, "http_header.wwwauth", v)
		}
	case event.DHCPActivity:
		if v := either(e, "vendor_class", "dhcp.vendor_class_identifier"); v != "" {
			r.greeting(Source, "dhcp_vendor_class", v)
		}
	default:
		if e.AppName() == "sip" && e.HTTPRequestUserAgent() != "" {
			r.greeting(Source, "sip_header.user_agent", e.HTTPRequestUserAgent())
		}
	}
}

func either(e *event.Event, a, b string) string {
	if v := e.Extra(a); v != "" {
		return v
	}
	return e.Extra(b)
}

// greeting matches words against the fingerprints for their kind.
func (r *Reader) greeting(side Side, source, words string) {
	if source == "ssh.banner" {
		words = sshSoftware(words)
	}
	m := r.prints.Match(source, words)
	if m == nil {
		return
	}
	g := found{r, side, r.way(source).print, m}
	hw, os := m.Certainty("hw"), m.Certainty("os")
	if m.Get("hw.vendor") == "" && m.Get("os.device") != "" { // who makes an appliance's system makes the appliance
		g.add(Vendor, m.Get("os.vendor"), (greeted-0.05)*os)
		g.add(Model, m.Get("os.product"), (greeted-0.1)*os)
	}
	g.add(Vendor, m.Get("hw.vendor"), greeted*hw)
	g.add(Model, modelOf(m), greeted*hw)
	g.add(Serial, m.Get("hw.serial_number"), greeted*hw)
	g.add(Type, KindOf(m.Get("hw.device")), greeted*hw)
	g.add(Type, KindOf(m.Get("os.device")), (greeted-0.05)*os)
	if m.Get("hw.version") != "" {
		g.add(Firmware, m.Get("hw.version"), greeted*hw)
	} else if m.Get("os.device") != "" { // what runs in an appliance is its firmware
		g.add(Firmware, m.Get("os.version"), (greeted-0.05)*os)
	}
	g.add(OS, m.Joined("os.vendor", "os.product", "os.version"), greeted*os)
	if m.Get("service.product") != "" {
		g.add(Software, m.Joined("service.product", "service.version"), greeted*m.Certainty("service"))
	}
}

// found collects what one fingerprint says.
type found struct {
	r    *Reader
	side Side
	what string
	m    *fingerprint.Match
}

func (f found) add(key, value string, confidence float64) {
	if Meaningful(value) {
		f.r.out = append(f.r.out, Value{f.side, key, value, f.what, confidence, true})
	}
}

func modelOf(m *fingerprint.Match) string {
	for _, name := range [...]string{"hw.model", "hw.product", "hw.family"} {
		if v := m.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// sshSoftware cuts the protocol's versions off: "SSH-2.0-OpenSSH_9.6 Debian"
// (RFC 4253, section 4.2).
func sshSoftware(s string) string {
	rest, ok := strings.CutPrefix(s, "SSH-")
	if !ok {
		return s
	}
	if _, software, ok := strings.Cut(rest, "-"); ok {
		return software
	}
	return s
}
