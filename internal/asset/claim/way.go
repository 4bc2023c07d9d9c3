package claim

import "strings"

// The confidences. What a protocol says when it is asked for an identity is the
// best there is on the wire; what was typed in by whoever set the device up
// (names, places) is worth less, and a greeting least, because it is of a
// program, may be altered, and is matched by its words.
const (
	exactly   = 0.9
	announced = 0.85
	aside     = 0.75
	loosely   = 0.6
	greeted   = 0.62
)

// byWay is the confidence of what identity.source names.
var byWay = map[string]float64{
	"enip identity": exactly, "modbus device identification": exactly, "s7 szl": exactly, "bacnet device": exactly,
	"mms identify": exactly, "dnp3 device attributes": exactly, "omron fins": exactly, "melsec type name": exactly,
	"ads device info": exactly, "onvif device information": exactly, "iec104 identity": exactly,
	"bacnet i-am": announced, "opcua application": announced, "profinet dcp": announced, "ads discovery": announced,
	"fox hello": announced, "synchrophasor configuration": announced, "lldp": announced, "cdp": announced,
	"knx description": announced, "ssdp description": aside, "modbus slave id": aside, "hart tag": aside,
	"dicom association": aside, "hl7 header": aside, "mdns": aside, "dhcp": loosely,
}

// way is how something was told.
type way struct {
	what       string // for the evidence
	print      string // for evidence from a fingerprint
	confidence float64
	banner     bool
}

// wayOf judges a way. The names of greetings are those of fingerprint
// databases, which have dots or underscores in them.
func wayOf(source string) *way {
	w := &way{confidence: loosely, print: "the words of its " + source + " fit a known fingerprint"}
	switch c, known := byWay[source]; {
	case known:
		w.confidence, w.what = c, "says so by "+source
	case strings.ContainsAny(source, "._"):
		w.confidence, w.what, w.banner = greeted-0.05, "its "+source+" says so", true
	default:
		w.what = "says so by " + source
	}
	return w
}

func (r *Reader) way(source string) *way {
	if w := r.ways[source]; w != nil {
		return w
	}
	if len(source) > 64 || len(r.ways) >= maxSeen {
		return wayOf("unknown means")
	}
	source = strings.Clone(source)
	w := wayOf(source)
	r.ways[source] = w
	return w
}
