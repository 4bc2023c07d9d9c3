// Package radius reads what FreeRADIUS writes: its log of messages, and the
// detail files with the attributes of each request.
//
// It must not check a login: it says what the server said. A password that a
// server was told to log is kept as any other value is.
package radius

import (
	"bytes"
	"regexp"
	"strings"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/record"
)

// Log is radius.log.
func Log() record.Dialect {
	return record.Dialect{
		Name: "radius",
		Detect: func(head []byte, _ string) int {
			for _, line := range bytes.SplitN(head, []byte("\n"), 10) {
				if len(bytes.TrimSpace(line)) > 0 {
					if logShape.Match(line) {
						return 95
					}
					return 0
				}
			}
			return 0
		},
		New: func(src record.Source) record.Parser { return &logParser{src: src} },
	}
}

var (
	logShape = regexp.MustCompile(`^((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}) ?: (Auth|Info|Error|Warn|Warning|Proxy|Acct|Debug|Notice|ERROR|WARNING)\s*: (.*)$`)

	// (12) Login incorrect (mschap: wrong password): [bob/<via Auth-Type = eap>] (from client ap1 port 0 cli 00-11-22-33-44-55 via TLS tunnel)
	authShape = regexp.MustCompile(`^(?:\((\d+)\) +)?(Login OK|Login incorrect|Invalid user|Multiple logins[^:]*|Rejected in [\w-]+)(?: \((.*)\))?: \[(.*)\] \(from client (\S+) port (\S+?)(?: cli (\S+?))?(?: via ([^)]*))?\)(.*)$`)
)

type logParser struct {
	src record.Source
	e   event.Event
}

// Parse implements [record.Parser].
func (p *logParser) Parse(rec record.Record, emit func(*event.Event)) error {
	raw := record.Text(p.src.Keep(rec.Raw))
	m := logShape.FindStringSubmatch(raw)
	if m == nil {
		return fault.New(fault.Invalid, "not a line of radius.log")
	}
	e := &p.e
	e.Reset()
	e.SetClassUID(int64(event.BaseEvent))
	e.SetMessage(m[3])
	record.Keep(e, "type", m[2])
	if s := record.Level(m[2]); s != 0 {
		e.SetSeverityId(int64(s))
	}
	e.SetMetadataLogName("radius/" + record.LogWord(m[2]))
	e.SetMetadataProduct("FreeRADIUS")
	Read(e, m[3])
	frame := p.src.Frame()
	record.Finish(e, &p.src, rec, raw, 0, frame.Any(m[1]))
	emit(e)
	return nil
}

// Read reads the text of one message; ok is false if it is none about a login.
func Read(e *event.Event, text string) (ok bool) {
	m := authShape.FindStringSubmatch(strings.TrimPrefix(text, "Auth: "))
	if m == nil {
		return false
	}
	e.SetMetadataProduct("FreeRADIUS")
	e.SetClassUID(int64(event.Authentication))
	e.SetActivityName("Logon")
	e.SetAppName("radius")
	e.SetStatus(event.Failure)
	if m[2] == "Login OK" {
		e.SetStatus(event.Success)
	}
	e.SetStatusDetail(m[3])
	if m[3] == "" && m[2] != "Login OK" {
		e.SetStatusDetail(m[2])
	}
	// A user may have a slash in it; what follows the last is the password or
	// how it was proved.
	user, proof := m[4], ""
	if at := strings.LastIndexByte(user, '/'); at >= 0 {
		user, proof = user[:at], user[at+1:]
		if method, found := strings.CutPrefix(proof, "<via Auth-Type = "); found {
			e.SetAuthProtocol(strings.TrimSuffix(method, ">"))
			proof = ""
		}
	}
	e.SetUserName(user)
	record.Keep(e, "proof", proof)
	record.Keep(e, "request", m[1])
	record.Keep(e, "nas", m[5])
	record.Keep(e, "nas_port", m[6])
	station(e, m[7])
	record.Keep(e, "via", m[8])
	record.Keep(e, "more", strings.TrimSpace(m[9]))
	return true
}

// station sets what knocked: a MAC, perhaps with the name of the network behind
// it, or an address, or a phone number.
func station(e *event.Event, v string) {
	if v == "" {
		return
	}
	mac := v
	if len(v) > 17 && (v[17] == ':' || v[17] == '-') {
		mac = v[:17]
	}
	if got := record.MAC(mac); len(got) == 17 && strings.Count(got, ":") == 5 {
		e.SetSrcEndpointMAC(got)
		if mac != v {
			record.Keep(e, "Calling-Station-Id", v)
		}
		return
	}
	if !e.SetIP(event.SlotSrcEndpointIP, v) {
		record.Keep(e, "Calling-Station-Id", v)
	}
}
