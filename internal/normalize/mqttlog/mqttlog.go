// Package mqttlog reads the logs of MQTT brokers: Mosquitto's, and those of EMQX
// as text.
//
// It must not know the topics of a plant.
package mqttlog

import (
	"bytes"
	"regexp"
	"strings"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/record"
)

// Dialect is the log of a broker, one message a line.
func Dialect() record.Dialect {
	return record.Dialect{
		Name:   "mqttlog",
		Detect: detect,
		New:    func(src record.Source) record.Parser { return &parser{src: src} },
	}
}

// detect wants the head of a broker's line on most lines, and words of a broker
// on some.
func detect(head []byte, _ string) int {
	if end := bytes.LastIndexByte(head, '\n'); end > 0 {
		head = head[:end]
	}
	lines, fits, known := 0, 0, 0
	for _, line := range bytes.SplitN(head, []byte("\n"), 32) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || lines == 30 {
			continue
		}
		lines++
		text := string(line[:min(len(line), 1024)])
		m := mosquitto.FindStringSubmatch(text)
		switch {
		case m != nil:
			fits++
			if isBroker(m[2]) {
				known++
			}
		case emqx.MatchString(text):
			fits++
			if emqxPair.MatchString(text) {
				known++
			}
		}
	}
	if known == 0 || fits*10 < lines*8 {
		return 0
	}
	return 85
}

func isBroker(text string) bool {
	var e event.Event
	return strings.HasPrefix(text, "mosquitto ") || Read(&e, text)
}

var (
	mosquitto = regexp.MustCompile(`^(\d{10}|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?): (.*)$`)
	emqx      = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d+(?:Z|[+-]\d{2}:\d{2})) \[(\w+)\] (.*)$`)
	emqxPair  = regexp.MustCompile(`(?:^|, |\s)(clientid|username|peername|msg|tag|reason|topic|action|mfa|line|reason_code): ("[^"]*"|[^,]+)`)
)

type parser struct {
	src record.Source
	e   event.Event
}

// Parse implements [record.Parser].
func (p *parser) Parse(rec record.Record, emit func(*event.Event)) error {
	raw := record.Text(p.src.Keep(rec.Raw))
	e := &p.e
	e.Reset()
	stamp := ""
	if m := emqx.FindStringSubmatch(raw); m != nil {
		stamp = m[1]
		base(e, "EMQX", m[3])
		record.Keep(e, "level", m[2])
		if s := record.Level(m[2]); s != 0 {
			e.SetSeverityId(int64(s))
		}
		readEMQX(e, m[3])
	} else if m := mosquitto.FindStringSubmatch(raw); m != nil {
		stamp = m[1]
		base(e, "Mosquitto", m[2])
		Read(e, m[2])
	} else {
		return fault.New(fault.Invalid, "not a line of an MQTT broker")
	}
	frame := p.src.Frame()
	record.Finish(e, &p.src, rec, raw, 0, frame.Any(stamp))
	emit(e)
	return nil
}

func base(e *event.Event, product, text string) {
	e.SetMetadataProduct(product)
	e.SetMetadataLogName("mqtt/" + record.LogWord(product))
	e.SetClassUID(int64(event.BaseEvent))
	e.SetMessage(text)
}

// A client's id is chosen by the client: patterns take the last words of a line
// that the broker wrote.
var said = []struct {
	begins string
	shape  *regexp.Regexp
	apply  func(e *event.Event, m []string)
}{
	{"New connection from ", regexp.MustCompile(`^New connection from ([0-9a-fA-F.:]+):(\d+) on port (\d+)\.$`), func(e *event.Event, m []string) {
		network(e, "Open", "")
		peer(e, m[1], m[2])
		record.Set(e, event.SlotDstEndpointPort, "port", m[3])
	}},
	{"New client connected from ", regexp.MustCompile(`^New client connected from ([0-9a-fA-F.:]+):(\d+) as (.*) \(p(\d+), c(\d+), k(\d+)(?:, u'(.*)')?\)\.$`), func(e *event.Event, m []string) {
		e.SetClassUID(int64(event.Authentication))
		e.SetActivityName("Logon")
		e.SetAppName("mqtt")
		e.SetStatus(event.Success)
		e.SetMQTTClientId(m[3])
		e.SetUserName(m[7])
		peer(e, m[1], m[2])
		record.Keep(e, "protocol_version", m[4])
		record.Keep(e, "clean_session", m[5])
		record.Keep(e, "keepalive", m[6])
	}},
	{"New bridge connected from ", regexp.MustCompile(`^New bridge connected from ([0-9a-fA-F.:]+):(\d+) as (.*) \(.*\)\.$`), func(e *event.Event, m []string) {
		network(e, "Bridge", m[3])
		peer(e, m[1], m[2])
		e.SetStatus(event.Success)
	}},
	{"Client ", regexp.MustCompile(`^Client (.*?)(?: \[([0-9a-fA-F.:]+):(\d+)\])? (disconnected|closed its connection|has exceeded timeout, disconnecting|already connected, closing old connection)(?:, (not authorised|due to .*?))?\.?(?: \[.*\])?(?::? (.*))?$`), func(e *event.Event, m []string) {
		network(e, "Close", m[1])
		peer(e, m[2], m[3])
		e.SetStatusDetail(strings.TrimSpace(m[5] + " " + m[6]))
		if strings.HasPrefix(m[4], "has exceeded") || strings.HasPrefix(m[4], "already") {
			e.SetStatusDetail(m[4])
		}
		if m[5] == "not authorised" {
			e.SetClassUID(int64(event.Authentication))
			e.SetActivityName("Logon")
			e.SetStatus(event.Failure)
		}
	}},
	{"Socket error on client ", regexp.MustCompile(`^Socket error on client (.*), disconnecting\.$`), func(e *event.Event, m []string) {
		network(e, "Close", m[1])
		e.SetStatus(event.Failure)
	}},
	{"Denied ", regexp.MustCompile(`^Denied (PUBLISH|SUBSCRIBE) from (.*?) \((?:d(\d), q(\d), r(\d), m(\d+), )?'(.*)'.*\)$`), func(e *event.Event, m []string) {
		network(e, strings.ToLower(m[1]), m[2])
		e.SetMQTTTopic(m[7])
		e.SetDisposition("Blocked")
		e.SetStatus(event.Failure)
	}},
	{"Sending CONNACK to ", regexp.MustCompile(`^Sending CONNACK to (.*) \((\d+), (\d+)\)$`), func(e *event.Event, m []string) {
		network(e, "connack", m[1])
		e.SetStatus(event.Success)
		if m[3] != "0" {
			e.SetStatus(event.Failure)
			e.SetStatusDetail("reason code " + m[3])
		}
	}},
	{"", regexp.MustCompile(`^(?:Received|Sending) (PUBLISH) (?:from|to) (.*) \(d(\d), q(\d), r(\d), m(\d+), '(.*)', \.\.\. \((\d+) bytes\)\)$`), func(e *event.Event, m []string) {
		network(e, "publish", m[2])
		e.SetMQTTTopic(m[7])
		record.Set(e, event.SlotTrafficBytes, "bytes", m[8])
	}},
	{"", regexp.MustCompile(`^(?:Received|Sending) ([A-Z]+) (?:from|to) (.*?)(?: \(.*\))?$`), func(e *event.Event, m []string) {
		network(e, strings.ToLower(m[1]), m[2])
	}},
}

// Read reads the text of one of Mosquitto's messages; ok is false if it is none
// that is known.
func Read(e *event.Event, text string) (ok bool) {
	for i := range said {
		if !strings.HasPrefix(text, said[i].begins) {
			continue
		}
		if m := said[i].shape.FindStringSubmatch(text); m != nil {
			said[i].apply(e, m)
			return true
		}
	}
	return false
}

func network(e *event.Event, activity, client string) {
	e.SetClassUID(int64(event.NetworkActivity))
	e.SetActivityName(activity)
	e.SetAppName("mqtt")
	e.SetMQTTClientId(client)
}

func peer(e *event.Event, ip, port string) {
	if ip == "" {
		return
	}
	record.Set(e, event.SlotSrcEndpointIP, "peer", ip)
	record.Set(e, event.SlotSrcEndpointPort, "peer_port", port)
}

// readEMQX reads the pairs of a line of EMQX.
func readEMQX(e *event.Event, text string) {
	msg := ""
	for _, m := range emqxPair.FindAllStringSubmatch(text, 50) {
		v := strings.Trim(strings.TrimSpace(m[2]), `"`)
		switch m[1] {
		case "clientid":
			e.SetMQTTClientId(v)
		case "username":
			e.SetUserName(v)
		case "topic":
			e.SetMQTTTopic(v)
		case "peername":
			if at := strings.LastIndexByte(v, ':'); at > 0 {
				peer(e, v[:at], v[at+1:])
			}
		case "reason":
			e.SetStatusDetail(v)
		case "msg":
			msg = v
			e.SetMetadataEventCode(v)
			record.Keep(e, "msg", v)
		default:
			record.Keep(e, m[1], v)
		}
	}
	low := strings.ToLower(msg + " " + e.StatusDetail())
	switch {
	case msg == "" && e.MQTTClientId() == "":
	case strings.Contains(low, "auth") || strings.Contains(low, "password") || strings.Contains(low, "not_authorized"):
		e.SetClassUID(int64(event.Authentication))
		e.SetActivityName("Logon")
		e.SetAppName("mqtt")
		if strings.Contains(low, "fail") || strings.Contains(low, "bad_") || strings.Contains(low, "not_auth") || strings.Contains(low, "deny") {
			e.SetStatus(event.Failure)
		}
	case e.MQTTClientId() != "":
		network(e, msg, e.MQTTClientId())
	}
}
