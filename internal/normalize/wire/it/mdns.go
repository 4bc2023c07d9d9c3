package it

import (
	"strings"

	"vedette/internal/normalize/wire/proto"
)

// identify reads what a device announces of itself by multicast DNS: its name,
// and in the TXT records of its services (RFC 6763) its model and maker.
func (d *dns) identify(p proto.Payload, m dnsMessage, raw []byte, out proto.Out) {
	who := addr(d.f, p.Side)
	var name, model, vendor, firmware, service string
	for _, r := range m.answers {
		switch r.kind {
		case 1, 28:
			if name == "" {
				name, _ = strings.CutSuffix(r.name, ".local")
			}
		case 33:
			if host, ok := strings.CutSuffix(r.value, ".local"); ok {
				name = host
			}
			service = serviceOf(r.name)
		case 16:
			c := cursor{b: r.data}
			for range 64 {
				key, value, ok := strings.Cut(text(c.counted(1)), "=")
				if ok && !c.short && value != "" {
					txtFact(strings.ToLower(key), value, &model, &vendor, &firmware)
				}
				if len(c.b) == 0 {
					break
				}
			}
		}
	}
	if name == "" && model == "" && vendor == "" {
		return
	}
	if e := claim(out, who, "mdns"); e != nil {
		e.SetIdentityName(name)
		e.SetIdentityModel(model)
		e.SetIdentityVendor(vendor)
		e.SetIdentityFirmware(firmware)
		e.SetExtra("mdns.service", service)
		out.Emit(e, raw)
	}
}

// txtFact takes what a key of a TXT record says. The keys are those of Apple's
// Bonjour printing, AirPlay and device-info, of HomeKit and of Google Cast.
func txtFact(key, value string, model, vendor, firmware *string) {
	set := func(to *string) {
		if *to == "" {
			*to = value
		}
	}
	switch key {
	case "model", "md", "ty", "am", "usb_mdl":
		set(model)
	case "manufacturer", "usb_mfg", "vendor", "mf":
		set(vendor)
	case "fv", "srcvers", "fw", "firmware", "fw_version":
		set(firmware)
	}
}

// serviceOf is the service in the name of one: "_ipp._tcp" of
// "Printer._ipp._tcp.local".
func serviceOf(name string) string {
	name, _ = strings.CutSuffix(name, ".local")
	if i := strings.Index(name, "._"); i >= 0 {
		return name[i+1:]
	}
	return ""
}
