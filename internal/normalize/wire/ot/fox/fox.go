// Package fox decodes Niagara Fox, the protocol of Tridium's building
// controllers, as far as it is plain text: what is said first names the host.
// It must not do I/O.
package fox

import (
	"bytes"
	"strings"

	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/proto"
)

const name = "fox"

// Protocol returns Niagara Fox.
func Protocol() proto.Protocol {
	return proto.Protocol{
		Name: name, TCP: []uint16{1911, 4911}, Probe: probe,
		New: func(f *proto.Flow) proto.Decoder { return &decoder{flow: f} },
	}
}

var (
	begin = []byte("fox ")
	end   = []byte(";;\n")
)

// maxMessage is how long a message may be to be read.
const maxMessage = 16 << 10

func size(b []byte) int {
	if !bytes.HasPrefix(b, begin[:min(len(begin), len(b))]) {
		return -1
	}
	i := bytes.Index(b[:min(len(b), maxMessage)], end)
	switch {
	case i >= 0:
		return i + len(end)
	case len(b) >= maxMessage:
		return -1
	}
	return 0
}

func probe(data []byte, _ proto.Side, _ bool) int {
	if bytes.HasPrefix(data, []byte("fox a ")) {
		return 95
	}
	return 0
}

type decoder struct {
	flow  *proto.Flow
	frame [2]ics.Framer
}

// Decode implements [proto.Decoder].
func (d *decoder) Decode(p proto.Payload, out proto.Out) (int, error) {
	return d.frame[p.Side].Cut(p, size, func(b []byte) { d.message(p.Side, b, out) })
}

// kept are the fields that are told.
var kept = map[string]bool{
	"fox.version": true, "hostName": true, "hostAddress": true, "app.name": true, "app.version": true, "vm.name": true, "vm.version": true,
	"os.name": true, "os.version": true, "station.name": true, "lang": true, "timeZone": true, "hostId": true, "brandId": true, "sysInfo": true,
	"authAgentTypeSpecs": true,
}

// message reads one message: a line of words, and fields as name=type:value.
func (d *decoder) message(side proto.Side, b []byte, out proto.Out) {
	first, rest, _ := strings.Cut(string(b), "\n")
	words := strings.Fields(first)
	function := "unknown"
	if len(words) >= 6 {
		function = ics.Text([]byte(words[5]))
	}
	half := ics.Request
	if side == proto.Server {
		half = ics.Response
	}
	e := ics.New(out, name, half, function)
	e.SetICSWrite(false)
	got := map[string]string{}
	for line := range strings.Lines(rest) {
		field, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if _, text, typed := strings.Cut(value, ":"); ok && typed && kept[field] && got[field] == "" {
			got[field] = ics.Text([]byte(text))
			e.SetExtra(field, got[field])
		}
	}
	out.Emit(e, b)
	if function == "hello" && side == proto.Server {
		ics.Tell(out, d.flow, side, ics.Claim{
			Source: "fox hello", Name: got["hostName"], Vendor: got["brandId"], Model: got["app.name"], Firmware: got["app.version"],
			OS: strings.TrimSpace(got["os.name"] + " " + got["os.version"]),
		}, b)
	}
}
