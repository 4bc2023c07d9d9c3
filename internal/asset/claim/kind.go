package claim

import "strings"

// kinds translates what protocols and fingerprints call a kind of device. Words
// that say nothing about what a thing is for ("device", "server", "appliance",
// "adapter") are left out on purpose, and so is all else: a device cannot make
// up a type.
var kinds = map[string]string{
	// fingerprints
	"printer": "printer", "multifunction device": "printer", "print server": "printer", "copier": "printer",
	"router": "router", "broadband router": "router", "adsl router": "router", "cable modem": "router", "dsl modem": "router",
	"adsl modem": "router", "docsis cable modem": "router", "switch": "switch", "wap": "access point", "wireless controller": "access point",
	"wlan repeater": "access point", "voip": "phone", "sip device": "phone", "mobile phone": "phone", "mobile": "phone", "tablet": "phone",
	"firewall": "firewall", "security appliance": "firewall", "vpn": "firewall", "ips": "firewall", "laptop": "workstation", "desktop": "workstation",
	"workstation": "workstation", "thin client": "workstation", "ip camera": "camera", "web cam": "camera", "video encoder": "camera",
	"dvr": "video recorder", "cloud network video recorder": "video recorder", "nas": "storage", "storage": "storage", "storage appliance": "storage",
	"tape library": "storage", "power device": "ups", "ups": "ups", "pdu": "ups", "device server": "gateway", "plc": "plc",
	"industrial control": "plc", "hmi controller": "hmi", "building automation": "building controller", "environment control": "building controller",
	"access control": "access controller", "sensor": "industrial sensor", "power meter": "industrial sensor", "light bulb": "smart light",
	"smart tv": "media player", "media player": "media player", "media receiver": "media player", "av receiver": "media player",
	"media server": "media player", "medical": "medical device", "hypervisor": "server", "lights out management": "server", "relay controller": "remote i/o",
	// PROFINET DCP roles, LLDP and CDP capabilities, others
	"io-controller": "plc", "io controller": "plc", "io-device": "remote i/o", "io device": "remote i/o", "io-supervisor": "engineering workstation",
	"wlan access point": "access point", "wlan": "access point", "telephone": "phone", "bridge": "switch",
	"phasor measurement unit": "protection relay", "operator station": "hmi", "hmi": "hmi", "rtu": "rtu", "camera": "camera",
	"network video transmitter": "camera", "networkvideotransmitter": "camera", "network video storage": "video recorder",
	"programmable logic controller": "plc", "imaging modality": "medical device", "modality": "medical device", "infusion pump": "medical device",
	"patient monitor": "medical device", "gateway": "gateway", "robot": "robot", "drive": "actuator", "thermostat": "building controller",
	"building controller": "building controller", "historian": "historian", "scada server": "scada server", "protection relay": "protection relay",
	"engineering workstation": "engineering workstation", "industrial sensor": "industrial sensor", "actuator": "actuator", "phone": "phone",
	"access point": "access point", "medical device": "medical device", "remote i/o": "remote i/o", "video recorder": "video recorder",
}

// KindOf returns the vocabulary's word for what a device calls its kind, or ""
// when it says nothing that may be believed.
func KindOf(word string) string {
	if word == "" || len(word) > 64 {
		return ""
	}
	if k, ok := kinds[word]; ok {
		return k
	}
	lower := strings.ToLower(strings.TrimSpace(word))
	if k, ok := kinds[lower]; ok {
		return k
	}
	return ""
}

// CIPProfile translates the device profiles of the ODVA (CIP volume 1, chapter
// 6), which are phrases.
func CIPProfile(profile string) string {
	for _, m := range [...]struct{ part, typ string }{
		{"programmable logic controller", "plc"},
		{"softstart", "actuator"},
		{"human-machine interface", "hmi"},
		{"ethernet switch", "switch"},
		{"managed switch", "switch"},
		{"ac drive", "actuator"},
		{"dc drive", "actuator"},
		{"motor ", "actuator"},
		{"valve", "actuator"},
		{"i/o", "remote i/o"},
		{"communications adapter", "plc"},
		{"sensor", "industrial sensor"},
		{"encoder", "industrial sensor"},
		{"process control value", "actuator"},
		{"robot", "robot"},
	} {
		if containsFold(profile, m.part) {
			return m.typ
		}
	}
	return ""
}

// containsFold is strings.Contains for a part in lower case, whatever the case
// of the text, without making another text.
func containsFold(s, part string) bool {
	for i := 0; i+len(part) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(part)], part) {
			return true
		}
	}
	return false
}
