package radius

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/record"
)

// Detail is a detail file: a line with the time, then an attribute a line, each
// behind a tab.
func Detail() record.Dialect {
	return record.Dialect{
		Name: "radius-detail",
		Detect: func(head []byte, _ string) int {
			first, rest, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte("\n"))
			second, _, _ := bytes.Cut(rest, []byte("\n"))
			if detailHead.Match(bytes.TrimRight(first, "\r")) && attribute.Match(bytes.TrimRight(second, "\r")) {
				return 95
			}
			return 0
		},
		New: func(src record.Source) record.Parser { return &detail{src: src} },
	}
}

var (
	detailHead = regexp.MustCompile(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} (?:[A-Z]{2,5} )?\d{4}$`)
	attribute  = regexp.MustCompile(`^\s+([A-Za-z][\w.-]*(?::\d+)?) \+?=[~*]? (.*)$`)
)

// The bounds of one request; what goes beyond is refused line by line.
const (
	maxAttributes = 300
	maxBytes      = 256 << 10
)

// detail puts the lines of a request together.
type detail struct {
	src    record.Source
	e      event.Event
	raw    []byte
	offset int64
	n      int
}

// Parse implements [record.Parser].
func (p *detail) Parse(rec record.Record, emit func(*event.Event)) error {
	switch {
	case detailHead.Match(bytes.TrimSpace(rec.Raw)) && len(rec.Raw) > 0 && rec.Raw[0] != '\t':
		p.End(emit)
		p.raw, p.offset = append([]byte(nil), rec.Raw...), rec.Offset
		return nil
	case p.raw == nil:
		return fault.New(fault.Invalid, "an attribute without a request")
	case !attribute.Match(rec.Raw):
		return fault.New(fault.Invalid, "not an attribute of a request")
	case p.n >= maxAttributes || len(p.raw)+len(rec.Raw) > maxBytes:
		return fault.New(fault.Limited, "more than %d attributes or %d bytes in a request", maxAttributes, maxBytes)
	}
	p.n++
	p.raw = append(append(p.raw, '\n'), withoutSecret(rec.Raw)...)
	return nil
}

// secrets are attributes that hold a password or what one can be found from.
var secrets = regexp.MustCompile(`(?i)password|^(?:ms-)?chap|secret|^eap-message$`)

// withoutSecret is a line whose value is left out if it is a secret: neither
// the fields nor the raw text of an event hold one.
func withoutSecret(line []byte) []byte {
	m := attribute.FindSubmatchIndex(line)
	if m == nil || !secrets.Match(line[m[2]:m[3]]) {
		return line
	}
	return append(append([]byte(nil), line[:m[4]]...), `"***"`...)
}

// attributes are those that have a field of ours (RFC 2865 and 2866).
var attributes = map[string]event.Slot{
	"User-Name": event.SlotUserName, "Framed-IP-Address": event.SlotSrcEndpointIP, "NAS-IP-Address": event.SlotDeviceIP, "NAS-Identifier": event.SlotDeviceHostname,
	"Acct-Session-Id": event.SlotSessionUID, "Acct-Session-Time": event.SlotDuration, "Acct-Input-Octets": event.SlotTrafficBytesOut, "Acct-Output-Octets": event.SlotTrafficBytesIn,
	"Acct-Input-Packets": event.SlotTrafficPacketsOut, "Acct-Output-Packets": event.SlotTrafficPacketsIn, "Acct-Terminate-Cause": event.SlotStatusDetail, "Acct-Authentic": event.SlotAuthProtocol,
}

// End implements [record.Ender]: it tells of the request that is complete.
func (p *detail) End(emit func(*event.Event)) {
	if p.raw == nil {
		return
	}
	e := &p.e
	e.Reset()
	raw := record.Text(p.raw)
	head, rest, _ := strings.Cut(raw, "\n")
	kind := "request"
	for line := range strings.SplitSeq(rest, "\n") {
		m := attribute.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		v := m[2]
		if s, err := strconv.Unquote(v); err == nil {
			v = record.Text(s)
		}
		switch m[1] {
		case "Calling-Station-Id":
			station(e, v)
			continue
		case "Acct-Status-Type", "Packet-Type":
			kind = v
		}
		record.Put(e, attributes, m[1], v)
	}
	e.SetMetadataProduct("FreeRADIUS")
	e.SetMetadataLogName("radius/detail")
	e.SetAppName("radius")
	e.SetClassUID(int64(event.Authentication))
	e.SetActivityName(activities[kind])
	if e.ActivityName() == "" {
		e.SetActivityName(kind)
	}
	switch kind {
	case "Access-Accept":
		e.SetStatus(event.Success)
	case "Access-Reject":
		e.SetStatus(event.Failure)
	}
	record.AddTraffic(e)
	frame := p.src.Frame()
	record.Finish(e, &p.src, record.Record{Raw: p.raw, Offset: p.offset}, raw, 0, frame.Any(head))
	p.raw, p.n = nil, 0
	emit(e)
}

var activities = map[string]string{"Start": "Session opened", "Stop": "Logoff", "Interim-Update": "Session goes on", "Alive": "Session goes on", "Access-Accept": "Logon", "Access-Reject": "Logon", "Access-Request": "Preauth"}
