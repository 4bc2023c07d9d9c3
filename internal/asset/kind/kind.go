// Package kind is the vocabulary of device types: the words that are stored, and
// what people call them. It must not guess what a device is.
package kind

import "strings"

// Type is one word of the vocabulary of device types.
type Type struct {
	Name     string   // as shown and as stored in device.type
	Synonyms []string // what people also call it, lower case, singular
	OT       bool     // part of the process or building, not of the office
}

// Types returns the vocabulary, for planners and forms. An operator may give a
// device a type outside it; traffic never does.
func Types() []Type {
	return []Type{
		{"plc", []string{"programmable logic controller", "logic controller", "controller", "industrial controller", "pac", "automation controller", "dcs controller", "dcs", "safety plc", "safety controller", "sis", "soft plc", "cpu module"}, true},
		{"rtu", []string{"remote terminal unit", "remote telemetry unit", "outstation", "telecontrol unit"}, true},
		{"protection relay", []string{"ied", "relay", "intelligent electronic device", "bay controller"}, true},
		{"hmi", []string{"human machine interface", "human-machine interface", "operator panel", "operator station", "operator terminal", "touch panel", "panel pc"}, true},
		{"scada server", []string{"scada", "scada master", "supervisory server", "control server", "master station", "dcs server", "opc server", "data acquisition server"}, true},
		{"historian", []string{"data historian", "process historian", "historian server", "archive server"}, true},
		{"engineering workstation", []string{"ews", "engineering station", "programming station", "engineering pc", "engineering laptop"}, true},
		{"industrial sensor", []string{"sensor", "iot sensor", "transmitter", "field sensor", "process sensor", "temperature sensor", "pressure sensor", "flow sensor", "level sensor", "vibration sensor", "smart sensor", "instrument", "field device", "power meter", "energy meter"}, true},
		{"actuator", []string{"valve", "pump", "motor", "drive", "vfd", "frequency converter", "variable frequency drive", "motor starter", "positioner"}, true},
		{"robot", []string{"robot controller", "industrial robot", "cobot", "cnc", "machine tool"}, true},
		{"remote i/o", []string{"remote io", "io module", "i/o module", "distributed i/o", "io device"}, true},
		{"gateway", []string{"iot gateway", "industrial gateway", "protocol gateway", "edge gateway", "edge device", "protocol converter", "serial server", "data concentrator", "mqtt broker", "hub", "bridge"}, true},
		{"building controller", []string{"bms", "bas", "building automation controller", "building management controller", "building management system", "hvac controller", "hvac", "ahu controller", "thermostat", "lighting controller", "bacnet controller", "bacnet device", "elevator controller"}, true},
		{"access controller", []string{"door controller", "badge reader", "card reader", "access control", "access control panel"}, true},
		{"camera", []string{"ip camera", "cctv", "cctv camera", "surveillance camera", "security camera", "webcam", "video camera", "network camera"}, false},
		{"video recorder", []string{"nvr", "dvr", "network video recorder"}, false},
		{"medical device", []string{"medical", "infusion pump", "patient monitor", "imaging modality", "modality", "ct scanner", "mri", "ultrasound", "pacs", "ventilator", "medical equipment"}, false},
		{"router", []string{"wan router", "edge router", "default gateway", "network gateway", "internet gateway"}, false},
		{"switch", []string{"network switch", "ethernet switch", "managed switch", "industrial switch"}, false},
		{"firewall", []string{"utm", "security appliance", "ngfw"}, false},
		{"access point", []string{"ap", "wifi access point", "wireless access point", "wlan controller"}, false},
		{"server", []string{"file server", "web server", "database server", "application server", "domain controller", "virtual machine", "vm", "host"}, false},
		{"workstation", []string{"pc", "desktop", "laptop", "notebook", "computer", "client", "office pc"}, false},
		{"printer", []string{"mfp", "multifunction printer", "network printer", "label printer"}, false},
		{"phone", []string{"ip phone", "voip phone", "voip", "mobile", "smartphone", "mobile phone", "tablet", "handset"}, false},
		{"smart speaker", []string{"voice assistant", "speaker", "smart display"}, false},
		{"smart light", []string{"light", "light bulb", "lamp", "smart bulb", "smart lamp"}, false},
		{"smart home device", []string{"smart plug", "smart lock", "door lock", "smart appliance", "home appliance"}, false},
		{"media player", []string{"tv", "smart tv", "set-top box", "streaming device"}, false},
		{"storage", []string{"nas", "network storage", "storage array"}, false},
		{"ups", []string{"uninterruptible power supply", "pdu", "power supply"}, false},
		{"vehicle", []string{"agv", "amr", "drone", "forklift"}, true},
	}
}

// Vocabulary finds a type by any of its words.
type Vocabulary map[string]string

// NewVocabulary makes the vocabulary of [Types].
func NewVocabulary() Vocabulary {
	v := make(Vocabulary)
	for _, t := range Types() {
		v[t.Name] = t.Name
		for _, s := range t.Synonyms {
			if _, taken := v[s]; !taken {
				v[s] = t.Name
			}
		}
	}
	return v
}

// Canonical finds the vocabulary's word for what a person calls a type:
// synonyms, plurals, hyphens, underscores and any case.
func Canonical(s string) (string, bool) { return NewVocabulary().Canonical(s) }

// Canonical is the function of that name, without making the vocabulary anew.
func (v Vocabulary) Canonical(s string) (string, bool) {
	s = strings.ToLower(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '_' || r == '\t' }), " "))
	for _, form := range [...]string{s, strings.ReplaceAll(s, "-", " ")} {
		for _, singular := range singulars(form) {
			if name, ok := v[singular]; ok {
				return name, true
			}
		}
	}
	return "", false
}

// Near returns the vocabulary word within one or two letters of s, or "".
func (v Vocabulary) Near(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	best, at := "", 3
	if len(s) < 6 {
		at = 2 // short words are all near each other
	}
	for _, t := range Types() {
		for _, w := range append([]string{t.Name}, t.Synonyms...) {
			if len(w) < 3 {
				continue
			}
			if d := distance(s, w); d < at {
				best, at = t.Name, d
			}
		}
	}
	return best
}

func singulars(s string) []string {
	out := []string{s}
	if t, ok := strings.CutSuffix(s, "ies"); ok {
		out = append(out, t+"y")
	}
	if t, ok := strings.CutSuffix(s, "es"); ok {
		out = append(out, t)
	}
	if t, ok := strings.CutSuffix(s, "s"); ok {
		out = append(out, t)
	}
	return out
}

// distance is the number of single-letter edits between two short words, a
// swap of neighbours counting as one.
func distance(a, b string) int {
	ra, rb := []rune(a), []rune(b)
	if len(ra) > 64 || len(rb) > 64 {
		return 64
	}
	older, prev, cur := make([]int, len(rb)+1), make([]int, len(rb)+1), make([]int, len(rb)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(ra); i++ {
		cur[0] = i
		for j := 1; j <= len(rb); j++ {
			cost := 1
			if ra[i-1] == rb[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && ra[i-1] == rb[j-2] && ra[i-2] == rb[j-1] {
				cur[j] = min(cur[j], older[j-2]+1)
			}
		}
		older, prev, cur = prev, cur, older
	}
	return prev[len(rb)]
}
