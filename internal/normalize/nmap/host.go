package nmap

import (
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

// sure is how sure, in percent, Nmap must be of a system for it to be told as
// what the device is; below, it stays a guess beside it.
const sure = 90

// specialized is what Nmap calls whatever is none of its kinds of device.
const specialized = "specialized"

// begin empties the event and says which host it is about.
func (p *parser) begin(h *host, class event.Class, log string) {
	e := &p.e
	e.Reset()
	e.SetClassUID(int64(class))
	e.SetMetadataLogName("nmap/" + log)
	for _, a := range h.Addresses {
		switch {
		case a.Type == "mac" && !e.Has(event.SlotDeviceMAC):
			e.SetDeviceMAC(record.MAC(a.Addr))
		case a.Type != "mac" && !e.Has(event.SlotDeviceIP) && e.SetIP(event.SlotDeviceIP, a.Addr):
		default:
			record.Keep(e, "nmap.address", a.Addr)
		}
	}
	for _, n := range h.Names {
		if !e.Has(event.SlotDeviceHostname) {
			e.SetDeviceHostname(n.Name)
		} else if e.DeviceHostname() != n.Name {
			record.Keep(e, "nmap.hostname", n.Name)
		}
	}
}

// down is a host that did not answer: no device is made of it.
func (p *parser) down(h *host) {
	e := &p.e
	e.Reset()
	e.SetClassUID(int64(event.BaseEvent))
	e.SetMetadataLogName("nmap/host")
	e.SetStatus(event.Failure)
	e.SetStatusDetail(h.Status.Reason)
	for _, a := range h.Addresses {
		record.Keep(e, "nmap.address", a.Addr)
	}
	e.SetActivityName("Scan")
}

// device says what a host is.
func (p *parser) device(h *host) {
	p.begin(h, event.DeviceInventoryInfo, "host")
	e := &p.e
	e.SetActivityName("Scan")
	e.SetIdentitySource("nmap")
	record.Keep(e, "nmap.status", h.Status.State)
	record.Keep(e, "nmap.status_reason", h.Status.Reason)
	for _, a := range h.Addresses {
		if e.IdentityVendor() == "" {
			e.SetIdentityVendor(a.Vendor)
		}
	}
	p.system(h)
	var open []string
	for i := range h.Ports {
		if x := &h.Ports[i]; x.State.State == "open" && len(open) < maxPorts {
			open = append(open, strconv.FormatInt(x.ID, 10)+"/"+x.Protocol)
			if e.IdentityType() == "" && x.Service.Device != specialized {
				e.SetIdentityType(x.Service.Device)
			}
		}
	}
	record.Keep(e, "nmap.open", strings.Join(open, ", "))
	record.Keep(e, "nmap.lastboot", h.Uptime.LastBoot)
	p.scripts(h.Scripts)
}

// system takes the likeliest system.
func (p *parser) system(h *host) {
	if len(h.Matches) == 0 {
		return
	}
	best := &h.Matches[0]
	for i := range h.Matches {
		if h.Matches[i].Accuracy > best.Accuracy {
			best = &h.Matches[i]
		}
	}
	e := &p.e
	record.Keep(e, "nmap.os_accuracy", strconv.Itoa(best.Accuracy))
	record.Keep(e, "nmap.os", best.Name)
	if best.Accuracy >= sure {
		e.SetIdentityOs(best.Name)
	}
	for _, c := range best.Classes {
		record.Keep(e, "nmap.os_type", c.Type)
		record.Keep(e, "nmap.os_vendor", c.Vendor)
		for _, cpe := range c.CPE {
			record.Keep(e, "nmap.os_cpe", cpe)
		}
		if best.Accuracy >= sure && e.IdentityType() == "" && c.Type != "general purpose" && c.Type != specialized {
			e.SetIdentityType(c.Type)
		}
	}
}

// service says what serves at an open port.
func (p *parser) service(h *host, x *port) {
	p.begin(h, event.SoftwareInventory, "service")
	e, s := &p.e, &x.Service
	e.SetActivityName("Scan")
	e.SetConnectionInfoProtocolName(strings.ToLower(x.Protocol))
	e.SetAppName(strings.ToLower(s.Name))
	record.Keep(e, "port", strconv.FormatInt(x.ID, 10))
	e.SetProductName(s.Product)
	if s.Product == "" {
		e.SetProductName(s.Name)
	}
	e.SetProductVersion(s.Version)
	for _, cpe := range s.CPE {
		record.Keep(e, "cpe", cpe)
		if e.ProductVendorName() == "" {
			e.SetProductVendorName(vendorOf(cpe))
		}
	}
	for _, kv := range [...][2]string{
		{"nmap.extrainfo", s.Extra},
		{"nmap.devicetype", s.Device},
		{"nmap.ostype", s.OS},
		{"nmap.method", s.Method},
		{"nmap.confidence", s.Conf},
		{"nmap.tunnel", s.Tunnel},
		{"nmap.state_reason", x.State.Reason},
	} {
		record.Keep(e, kv[0], kv[1])
	}
	p.scripts(x.Scripts)
}

func (p *parser) scripts(all []script) {
	for _, s := range all[:min(len(all), 64)] {
		text := strings.TrimSpace(s.Output)
		record.Keep(&p.e, "script."+record.LogWord(s.ID), strings.ToValidUTF8(text[:min(len(text), maxText)], ""))
	}
}

// vendorOf is the vendor in "cpe:/a:VENDOR:product:version".
func vendorOf(cpe string) string {
	parts := strings.SplitN(cpe, ":", 5)
	if len(parts) < 4 || parts[0] != "cpe" {
		return ""
	}
	return strings.ReplaceAll(parts[2], "_", " ")
}
