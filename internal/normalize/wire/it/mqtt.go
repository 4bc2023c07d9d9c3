package it

import (
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/telemetry"
	"vedette/internal/normalize/wire/proto"
)

// mqtt decodes MQTT 3.1, 3.1.1 and 5 (OASIS), one event a packet. The password
// of CONNECT is passed over, and so is the payload of messages but for their
// length.
type mqtt struct {
	f       *proto.Flow
	version int
	client  string
	reader  telemetry.Reader
	skip    [2]int // bytes to come of a packet that is too long to be kept
	lost    [2]bool
}

func newMQTT(f *proto.Flow) proto.Decoder { return &mqtt{f: f, version: 4} }

var mqttTypes = [16]string{
	"reserved", "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp", "subscribe", "suback", "unsubscribe", "unsuback", "pingreq",
	"pingresp", "disconnect", "auth",
}

func probeMQTT(data []byte, s proto.Side, onPort bool) int {
	kind, _, size, head, ok := mqttHead(data)
	if !ok {
		return 0
	}
	if kind == 1 && len(data) >= head+8 {
		c := cursor{b: data[head:]}
		if name := string(c.counted(2)); name == "MQTT" || name == "MQIsdp" {
			return 95
		}
		return 0
	}
	if onPort && (kind == 2 && size < 1024 || kind == 3 || kind >= 12 && size <= 2 || s == proto.Client && kind > 3) {
		return 50
	}
	return 0
}

// mqttHead reads the fixed header: type, flags, remaining length (section 2.1).
func mqttHead(b []byte) (kind int, flags byte, size, head int, ok bool) {
	if len(b) < 2 {
		return 0, 0, 0, 0, false
	}
	size, n, ok := mqttVar(b[1:])
	kind, flags = int(b[0]>>4), b[0]&15
	if kind == 0 || kind != 3 && flags != mqttFlags(kind) {
		return 0, 0, 0, 0, false
	}
	return kind, flags, size, 1 + n, ok
}

// mqttFlags are those that a type of packet must have.
func mqttFlags(kind int) byte {
	if kind == 6 || kind == 8 || kind == 10 {
		return 2
	}
	return 0
}

// mqttVar reads a number of one to four bytes of seven bits.
func mqttVar(b []byte) (v, n int, ok bool) {
	for n < 4 && n < len(b) {
		v |= int(b[n]&0x7f) << (7 * n)
		n++
		if b[n-1]&0x80 == 0 {
			return v, n, true
		}
	}
	return 0, n, false
}

// Decode implements [proto.Decoder].
func (d *mqtt) Decode(p proto.Payload, out proto.Out) (int, error) {
	s := p.Side & 1
	if p.Lost > 0 {
		if d.skip[s] < p.Lost {
			d.lost[s] = true
		}
		d.skip[s] = max(d.skip[s]-p.Lost, 0)
	}
	taken := 0
	for taken < len(p.Data) {
		b := p.Data[taken:]
		if n := min(d.skip[s], len(b)); n > 0 {
			d.skip[s] -= n
			taken += n
			continue
		}
		kind, flags, size, head, ok := mqttHead(b)
		if !ok {
			if len(b) < 5 && mqttUnfinished(b) {
				break
			}
			if d.lost[s] {
				return len(p.Data), nil // until a segment begins with a packet again
			}
			return taken, notThis("no MQTT packet")
		}
		whole := head + size
		if whole > proto.MaxHeld/2 { // only its beginning is read
			if len(b) < head+1024 {
				break
			}
			d.skip[s] = whole
			d.packet(kind, flags, size, b[:head+1024], head, out)
			continue
		}
		if len(b) < whole {
			break
		}
		d.lost[s] = false
		d.packet(kind, flags, size, b[:whole], head, out)
		taken += whole
	}
	return taken, nil
}

// mqttUnfinished reports whether bytes may be the beginning of a header.
func mqttUnfinished(b []byte) bool {
	if len(b) < 2 {
		return true
	}
	for _, c := range b[1:] {
		if c&0x80 == 0 {
			return false
		}
	}
	kind := int(b[0] >> 4)
	return kind != 0 && (kind == 3 || b[0]&15 == mqttFlags(kind))
}

func (d *mqtt) packet(kind int, flags byte, size int, raw []byte, head int, out proto.Out) {
	e := out.New(event.NetworkActivity)
	e.SetActivityName(mqttTypes[kind])
	e.SetExtra("mqtt.qos", strconv.Itoa(int(flags>>1&3)))
	e.SetExtra("mqtt.retain", strconv.FormatBool(flags&1 != 0))
	e.SetExtra("mqtt.dup", strconv.FormatBool(flags&8 != 0))
	e.SetMQTTClientId(d.client)
	c := cursor{b: raw[head:]}
	var payload []byte
	switch kind {
	case 1:
		raw = d.connect(e, &c, raw)
	case 2:
		d.connack(e, &c)
	case 3:
		e.SetMQTTTopic(text(c.counted(2)))
		if flags>>1&3 != 0 {
			e.SetExtra("mqtt.message_id", strconv.Itoa(c.u16()))
		}
		d.properties(&c)
		e.SetTrafficBytes(int64(max(size-(len(raw)-head)+len(c.b), 0)))
		if payload = c.b; len(raw)-head < size { // only its beginning is here
			payload = nil
		}
		raw = raw[:len(raw)-len(c.b)]
	case 8, 10:
		e.SetExtra("mqtt.message_id", strconv.Itoa(c.u16()))
		d.properties(&c)
		topics := d.topics(&c, kind == 8)
		e.SetMQTTTopic(strings.Join(topics, ", "))
	case 4, 5, 6, 7, 9, 11:
		e.SetExtra("mqtt.message_id", strconv.Itoa(c.u16()))
		if kind == 9 || kind == 11 {
			d.properties(&c)
			d.codes(e, &c, kind == 9)
		} else if d.version == 5 && len(c.b) > 0 {
			d.reason(e, c.u8())
		}
	case 14, 15:
		if d.version == 5 && len(c.b) > 0 {
			d.reason(e, c.u8())
		} else if d.version == 5 { // left out, it is 0 (section 3.14.2.1)
			d.reason(e, 0)
		}
	}
	if c.short {
		e.SetStatus(event.Failure)
		e.SetStatusDetail("malformed packet")
	}
	topic, whole := e.MQTTTopic(), !c.short
	out.Emit(e, raw)
	if whole && len(payload) > 0 {
		d.measured(topic, payload, raw, out)
	}
}

// connect reads CONNECT (section 3.1) and returns its bytes up to where
// secrets may begin: the will message and the password.
func (d *mqtt) connect(e *event.Event, c *cursor, raw []byte) []byte {
	name := text(c.counted(2))
	d.version = c.u8()
	flags := c.u8()
	e.SetExtra("mqtt.protocol_string", name)
	e.SetExtra("mqtt.protocol_version", strconv.Itoa(d.version))
	e.SetExtra("mqtt.keep_alive", strconv.Itoa(c.u16()))
	for _, f := range []struct {
		name string
		bit  int
	}{{"username", 0x80}, {"password", 0x40}, {"will_retain", 0x20}, {"will", 4}, {"clean_session", 2}} {
		e.SetExtra("mqtt.flags."+f.name, strconv.FormatBool(flags&f.bit != 0))
	}
	d.properties(c)
	d.client = text(c.counted(2))
	e.SetMQTTClientId(d.client)
	open := raw[:len(raw)-len(c.b)]
	if flags&4 != 0 {
		if d.version == 5 {
			c.take(mqttPropertiesLen(c))
		}
		e.SetExtra("mqtt.will_topic", text(c.counted(2)))
		c.counted(2)
	}
	e.SetAuthProtocol("anonymous")
	if flags&0x80 != 0 {
		e.SetUserName(text(c.counted(2)))
		e.SetAuthProtocol("username")
	}
	if flags&0x40 != 0 {
		c.counted(2)
		e.SetAuthProtocol("password")
	}
	return open
}

func (d *mqtt) connack(e *event.Event, c *cursor) {
	e.SetExtra("mqtt.session_present", strconv.FormatBool(c.u8()&1 != 0))
	code := c.u8()
	e.SetExtra("mqtt.return_code", strconv.Itoa(code))
	if d.version == 5 {
		d.reason(e, code)
		d.properties(c)
		return
	}
	e.SetStatusDetail(named(mqttReturns, code, "return code "))
	e.SetStatus(event.Success)
	if code != 0 {
		e.SetStatus(event.Failure)
	}
}

// reason is how MQTT 5 says an outcome (section 2.4).
func (d *mqtt) reason(e *event.Event, code int) {
	e.SetExtra("mqtt.reason_code", strconv.Itoa(code))
	e.SetStatusDetail(named(mqttReasons, code, "reason "))
	e.SetStatus(event.Success)
	if code >= 0x80 {
		e.SetStatus(event.Failure)
	}
}

// codes are the outcomes of SUBACK and UNSUBACK, one a topic.
func (d *mqtt) codes(e *event.Event, c *cursor, granted bool) {
	var all []string
	failed := false
	for len(c.b) > 0 && len(all) < 64 {
		code := c.u8()
		failed = failed || code >= 0x80
		all = append(all, strconv.Itoa(code))
	}
	name := "mqtt.reason_codes"
	if granted {
		name = "mqtt.qos_granted"
	}
	e.SetExtra(name, strings.Join(all, ","))
	e.SetStatus(event.Success)
	if failed {
		e.SetStatus(event.Failure)
	}
}

func (d *mqtt) topics(c *cursor, qos bool) (all []string) {
	for len(c.b) > 0 && len(all) < 32 {
		all = append(all, text(c.counted(2)))
		if qos {
			c.u8()
		}
	}
	return all
}

// properties passes over those of MQTT 5.
func (d *mqtt) properties(c *cursor) {
	if d.version == 5 {
		c.take(mqttPropertiesLen(c))
	}
}

func mqttPropertiesLen(c *cursor) int {
	n, width, ok := mqttVar(c.b)
	if !ok {
		c.short = true
		return 0
	}
	c.take(width)
	return n
}

var (
	mqttReturns = map[int]string{
		0: "Connection Accepted", 1: "Refused: unacceptable protocol version", 2: "Refused: identifier rejected", 3: "Refused: server unavailable",
		4: "Refused: bad user name or password", 5: "Refused: not authorized",
	}
	mqttReasons = map[int]string{
		0: "Success", 4: "Disconnect with will message", 16: "No matching subscribers", 17: "No subscription existed", 24: "Continue authentication",
		128: "Unspecified error", 129: "Malformed packet", 130: "Protocol error", 132: "Unsupported protocol version", 133: "Client identifier not valid",
		134: "Bad user name or password", 135: "Not authorized", 136: "Server unavailable", 137: "Server busy", 138: "Banned", 140: "Bad authentication method",
		141: "Keep alive timeout", 142: "Session taken over", 143: "Topic filter invalid", 144: "Topic name invalid", 149: "Packet too large",
		151: "Quota exceeded", 153: "Payload format invalid", 156: "Use another server", 159: "Connection rate exceeded",
	}
)
