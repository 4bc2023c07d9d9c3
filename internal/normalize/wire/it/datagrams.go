package it

import (
	"bytes"
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
)

// headed decodes protocols whose messages look like those of HTTP: SSDP (UPnP
// Device Architecture 2.0) and SIP (RFC 3261). One event a message.
type headed struct {
	f    *proto.Flow
	name string
	skip [2]int // bytes of a body to come, over TCP
}

func newHeaders(name string) func(*proto.Flow) proto.Decoder {
	return func(f *proto.Flow) proto.Decoder { return &headed{f: f, name: name} }
}

func probeSSDP(data []byte, _ proto.Side, onPort bool) int {
	switch {
	case bytes.HasPrefix(data, []byte("M-SEARCH * HTTP/1.1")), bytes.HasPrefix(data, []byte("NOTIFY * HTTP/1.1")):
		return 95
	case onPort && bytes.HasPrefix(data, []byte("HTTP/1.1 ")):
		return 90
	}
	return 0
}

func probeSIP(data []byte, _ proto.Side, _ bool) int {
	line, n := cutLine(data)
	if n == 0 {
		return 0
	}
	if bytes.HasPrefix(line, []byte("SIP/2.0 ")) || bytes.HasSuffix(line, []byte(" SIP/2.0")) {
		return 95
	}
	return 0
}

// Decode implements [proto.Decoder].
func (d *headed) Decode(p proto.Payload, out proto.Out) (int, error) {
	s := p.Side & 1
	if d.f.Transport != "tcp" {
		if len(p.Data) > 0 {
			d.message(p, p.Data, out)
		}
		return len(p.Data), nil
	}
	taken := 0
	for taken < len(p.Data) {
		b := p.Data[taken:]
		if n := min(d.skip[s], len(b)); n > 0 {
			d.skip[s] -= n
			taken += n
			continue
		}
		if b[0] == '\r' || b[0] == '\n' { // keeps the connection open
			taken++
			continue
		}
		n := headEnd(b)
		if n == 0 {
			if len(b) > maxHead {
				return taken, notThis("a head without an end")
			}
			break
		}
		d.skip[s] = d.message(p, b[:n], out)
		taken += n
	}
	return taken, nil
}

// message tells one message, and returns how long its body is.
func (d *headed) message(p proto.Payload, b []byte, out proto.Out) (body int) {
	line, _ := cutLine(b)
	words := strings.SplitN(text(line), " ", 3)
	if len(words) < 2 {
		return 0
	}
	h := map[string]string{}
	headers(b, func(name string, value []byte) {
		if _, ok := h[name]; !ok && len(h) < 64 {
			h[name] = text(value)
		}
	})
	e := out.New(event.NetworkActivity)
	if code, ok := digits([]byte(words[1]), 999); ok && strings.Contains(words[0], "/") {
		e.SetActivityName("response")
		e.SetHTTPResponseCode(int64(code))
		e.SetStatus(event.Success)
		if code >= 400 {
			e.SetStatus(event.Failure)
		}
		if len(words) == 3 {
			e.SetStatusDetail(words[2])
		}
	} else {
		e.SetActivityName(words[0])
	}
	e.SetHTTPRequestUserAgent(h["user-agent"])
	for _, name := range headedExtras[d.name] {
		e.SetExtra(d.name+"."+name, h[name])
	}
	if d.name == "sip" && e.ActivityName() != "response" {
		e.SetHTTPRequestURLPath(words[1])
	}
	head := redactHead(b[:min(len(b), 512)])
	out.Emit(e, head)
	who := addr(d.f, p.Side)
	banner(out, who, d.name+"_header.server", []byte(h["server"]), head)
	if d.name == "sip" {
		banner(out, who, "sip_header.user_agent", []byte(h["user-agent"]), head)
	}
	body, _ = digits([]byte(h["content-length"]), 1<<20)
	return body
}

// headedExtras are the headers that are told.
var headedExtras = map[string][]string{
	"ssdp": {"location", "nt", "nts", "st", "usn"}, "sip": {"from", "to", "call-id", "cseq", "contact", "via", "content-type"},
}

// ntp decodes the head of RFC 5905, one event for each kind of message that
// a side of a flow sends.
type ntp struct {
	f    *proto.Flow
	told [2][8]bool
}

func newNTP(f *proto.Flow) proto.Decoder { return &ntp{f: f} }

func probeNTP(data []byte, _ proto.Side, onPort bool) int {
	if !onPort || len(data) < 8 || data[0]>>3&7 == 0 || data[0]>>3&7 > 4 {
		return 0
	}
	return 70
}

var ntpModes = [8]string{"reserved", "symmetric active", "symmetric passive", "client", "server", "broadcast", "control", "private"}

// Decode implements [proto.Decoder].
func (d *ntp) Decode(p proto.Payload, out proto.Out) (int, error) {
	if len(p.Data) < 8 {
		return len(p.Data), nil
	}
	mode := p.Data[0] & 7
	if d.told[p.Side&1][mode] {
		return len(p.Data), nil
	}
	d.told[p.Side&1][mode] = true
	e := out.New(event.NetworkActivity)
	e.SetActivityName(ntpModes[mode])
	e.SetExtra("ntp.version", strconv.Itoa(int(p.Data[0]>>3&7)))
	if mode < 6 {
		e.SetExtra("ntp.stratum", strconv.Itoa(int(p.Data[1])))
		if len(p.Data) >= 16 && p.Data[1] == 1 {
			e.SetExtra("ntp.reference_id", text(p.Data[12:16]))
		}
	}
	out.Emit(e, p.Data)
	return len(p.Data), nil
}

// syslog keeps the messages of RFC 3164 and RFC 5424. What they mean is for a
// parser of logs.
type syslog struct{ f *proto.Flow }

func newSyslog(f *proto.Flow) proto.Decoder { return &syslog{f} }

func probeSyslog(data []byte, _ proto.Side, onPort bool) int {
	if _, _, ok := priority(data); !ok {
		return 0
	}
	if onPort {
		return 90
	}
	return 0 // a number in brackets is no proof
}

// priority reads "<134>" at the beginning of a message.
func priority(b []byte) (pri int, rest []byte, ok bool) {
	i := bytes.IndexByte(b[:min(len(b), 5)], '>')
	if i < 2 || b[0] != '<' {
		return 0, nil, false
	}
	pri, ok = digits(b[1:i], 191)
	return pri, b[i+1:], ok
}

// severities are OCSF's for those of syslog, from emergency to debug.
var severities = [8]event.Severity{event.Fatal, event.Critical, event.Critical, event.High, event.Medium, event.Low, event.Informational, event.Informational}

// Decode implements [proto.Decoder].
func (d *syslog) Decode(p proto.Payload, out proto.Out) (int, error) {
	pri, rest, ok := priority(p.Data)
	if !ok {
		return len(p.Data), nil
	}
	e := out.New(event.BaseEvent)
	e.SetActivityName("Log")
	e.SetMessage(text(rest))
	e.SetSeverityId(int64(severities[pri&7]))
	e.SetExtra("syslog.facility", strconv.Itoa(pri>>3))
	e.SetDeviceIP(addr(d.f, p.Side).Unmap().String())
	out.Emit(e, p.Data)
	return len(p.Data), nil
}
