package it

import (
	"encoding/hex"
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
)

// snmp decodes SNMPv1, v2c (RFC 1157, 3416) and the head of v3 (RFC 3412,
// 3414), one event a message. A community is a password: only its kind is
// told.
type snmp struct{ f *proto.Flow }

func newSNMP(f *proto.Flow) proto.Decoder { return &snmp{f} }

// ber reads the next element of the basic encoding rules (X.690): its tag, and
// a cursor over what is in it.
func (c *cursor) ber() (tag int, in cursor) {
	tag = c.u8()
	n := c.u8()
	if n > 0x84 || n == 0x80 {
		c.b, c.short = nil, true
		return 0, cursor{short: true}
	}
	if n > 0x80 {
		n = int(c.num(n & 0x7f)) //nolint:gosec // G115: four bytes at most
	}
	b := c.take(n)
	return tag, cursor{b: b, short: c.short}
}

// int is what is in an INTEGER.
func (c *cursor) int() int64 {
	if len(c.b) == 0 || len(c.b) > 8 {
		return 0
	}
	v := int64(int8(c.b[0])) //nolint:gosec // G115: the sign of the number
	for _, x := range c.b[1:] {
		v = v<<8 | int64(x)
	}
	return v
}

// oid is an OBJECT IDENTIFIER in dotted form.
func (c *cursor) oid() string {
	var out strings.Builder
	v, n := uint64(0), 0
	for _, x := range c.b {
		v = v<<7 | uint64(x&0x7f)
		if x&0x80 != 0 {
			continue
		}
		if n == 0 {
			first := min(v/40, 2)
			out.WriteString(strconv.FormatUint(first, 10))
			v -= first * 40
		}
		out.WriteByte('.')
		out.WriteString(strconv.FormatUint(v, 10))
		v, n = 0, n+1
		if n > 64 {
			break
		}
	}
	return out.String()
}

// snmpHead reads what all versions begin with.
func snmpHead(b []byte) (version int64, rest cursor, ok bool) {
	c := cursor{b: b}
	tag, in := c.ber()
	if tag != 0x30 || in.short {
		return 0, in, false
	}
	tag, v := in.ber()
	version = v.int()
	return version, in, tag == 2 && len(v.b) == 1 && (version == 0 || version == 1 || version == 3) && !in.short
}

func probeSNMP(data []byte, _ proto.Side, onPort bool) int {
	version, c, ok := snmpHead(data)
	if !ok {
		return 0
	}
	tag, _ := c.ber()
	if version == 3 && tag != 0x30 || version != 3 && tag != 4 {
		return 0
	}
	if onPort {
		return 95
	}
	if tag, in := c.ber(); version != 3 && tag >= 0xa0 && tag <= 0xa8 && !in.short {
		return 60
	}
	return 0
}

var snmpPDUs = map[int]string{
	0xa0: "get_request", 0xa1: "get_next_request", 0xa2: "response", 0xa3: "set_request", 0xa4: "trap_v1", 0xa5: "get_bulk_request", 0xa6: "inform_request",
	0xa7: "trap_v2", 0xa8: "report",
}

var snmpErrors = map[int]string{
	0: "noError", 1: "tooBig", 2: "noSuchName", 3: "badValue", 4: "readOnly", 5: "genErr", 6: "noAccess", 7: "wrongType", 8: "wrongLength", 9: "wrongEncoding",
	10: "wrongValue", 11: "noCreation", 12: "inconsistentValue", 13: "resourceUnavailable", 14: "commitFailed", 15: "undoFailed", 16: "authorizationError",
	17: "notWritable", 18: "inconsistentName",
}

// Decode implements [proto.Decoder].
func (d *snmp) Decode(p proto.Payload, out proto.Out) (int, error) {
	if len(p.Data) == 0 {
		return 0, nil
	}
	version, c, ok := snmpHead(p.Data)
	if !ok {
		return 0, notThis("not an SNMP message")
	}
	e := out.New(event.NetworkActivity)
	e.SetExtra("snmp.version", map[int64]string{0: "1", 1: "2", 3: "3"}[version])
	if version == 3 {
		d.v3(e, c, p.Data, out)
		return len(p.Data), nil
	}
	_, community := c.ber()
	kind := "other"
	if v := string(community.b); v == "public" || v == "private" {
		kind = v
	} else if v == "" {
		kind = "empty"
	}
	e.SetExtra("snmp.community_kind", kind)
	tag, pdu := c.ber()
	// The community ends where the PDU begins: all before it is masked but for its beginning.
	begin := len(p.Data) - len(c.b) - len(pdu.b)
	raw := mask(p.Data, min(begin-len(community.b), 7), begin)
	d.pdu(e, tag, pdu, p, raw, out)
	return len(p.Data), nil
}

// binding is one variable of a message.
type binding struct {
	oid   string
	tag   int
	value cursor
}

func (d *snmp) pdu(e *event.Event, tag int, c cursor, p proto.Payload, raw []byte, out proto.Out) {
	e.SetActivityName(named(snmpPDUs, tag, "pdu "))
	if tag == 0xa4 { // a trap of version 1 has a head of its own
		_, enterprise := c.ber()
		e.SetExtra("snmp.enterprise", enterprise.oid())
		c.ber()
		_, generic := c.ber()
		_, specific := c.ber()
		e.SetExtra("snmp.trap", strconv.FormatInt(generic.int(), 10)+"/"+strconv.FormatInt(specific.int(), 10))
		c.ber()
	} else {
		c.ber() // request id
		_, status := c.ber()
		c.ber()
		if tag == 0xa2 {
			e.SetStatusDetail(named(snmpErrors, int(status.int()), "error "))
			e.SetStatus(event.Success)
			if status.int() != 0 {
				e.SetStatus(event.Failure)
			}
		}
	}
	all := bindings(c)
	var oids []string
	for _, b := range all[:min(len(all), 16)] {
		oids = append(oids, b.oid)
	}
	e.SetExtra("snmp.oids", strings.Join(oids, ","))
	out.Emit(e, raw)
	if tag == 0xa2 {
		d.identify(p, all, raw, out)
	}
}

func bindings(c cursor) (all []binding) {
	_, list := c.ber()
	for len(list.b) > 0 && len(all) < 128 {
		_, one := list.ber()
		_, name := one.ber()
		tag, value := one.ber()
		if one.short {
			break
		}
		all = append(all, binding{name.oid(), tag, value})
	}
	return all
}

// system is the group of RFC 3418 in which a device tells what it is.
const system = "1.3.6.1.2.1.1."

// identify reads answers about the system group.
func (d *snmp) identify(p proto.Payload, all []binding, raw []byte, out proto.Out) {
	who := addr(d.f, p.Side)
	name, location := "", ""
	for _, b := range all {
		switch {
		case b.oid == system+"1.0" && b.tag == 4:
			banner(out, who, "snmp.sys_description", b.value.b, raw)
		case b.oid == system+"2.0" && b.tag == 6:
			banner(out, who, "snmp.sys_object_id", []byte(b.value.oid()), raw)
		case b.oid == system+"5.0" && b.tag == 4:
			name = text(b.value.b)
		case b.oid == system+"6.0" && b.tag == 4:
			location = text(b.value.b)
		}
	}
	if name == "" && location == "" {
		return
	}
	if e := claim(out, who, "snmp.system"); e != nil {
		e.SetIdentityName(name)
		e.SetIdentityLocation(location)
		out.Emit(e, raw)
	}
}

// v3 reads the head of a message, and what it carries if that is not
// encrypted.
func (d *snmp) v3(e *event.Event, c cursor, raw []byte, out proto.Out) {
	_, global := c.ber()
	global.ber() // message id
	global.ber()
	_, flags := global.ber()
	level := flags.u8()
	e.SetExtra("snmp.security", [4]string{"noAuthNoPriv", "authNoPriv", "privNoAuth", "authPriv"}[level&3])
	_, security := c.ber()
	_, usm := security.ber()
	_, engine := usm.ber()
	e.SetExtra("snmp.engine_id", hex.EncodeToString(engine.b[:min(len(engine.b), 32)]))
	usm.ber()
	usm.ber()
	_, user := usm.ber()
	e.SetUserName(text(user.b))
	e.SetActivityName("encrypted")
	if level&2 == 0 {
		_, scoped := c.ber()
		scoped.ber()
		scoped.ber()
		tag, _ := scoped.ber()
		e.SetActivityName(named(snmpPDUs, tag, "pdu "))
	}
	out.Emit(e, raw)
}
