package enip

import (
	"encoding/binary"
	"testing"

	"vedette/internal/normalize/wire/ot/ics/icstest"
	"vedette/internal/normalize/wire/proto"
	"vedette/internal/normalize/wire/proto/prototest"
)

// wrap puts data behind an encapsulation header.
func wrap(command uint16, data []byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, command)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(data)))
	b = append(b, 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0)
	return append(b, data...)
}

// unconnected and connected put a CIP message into items of a packet.
func unconnected(tb testing.TB, digits string) []byte {
	tb.Helper()
	cip := icstest.Bytes(tb, digits)
	b := append(icstest.Bytes(tb, "00000000 0000 0200 0000 0000 b200"), byte(len(cip)), 0)
	return wrap(sendRRData, append(b, cip...))
}

func connected(tb testing.TB, digits string) []byte {
	tb.Helper()
	cip := icstest.Bytes(tb, "0700"+digits)
	b := append(icstest.Bytes(tb, "00000000 0000 0200 a100 0400 01020304 b100"), byte(len(cip)), 0)
	return wrap(sendUnitData, append(b, cip...))
}

const listed = "0100 0c00 2b00 0100 0002 af12 c0000214 0000000000000000 0100 0e00 3700 1403 3000 44332211 09 313735362d454e4254 03"

func TestMessages(t *testing.T) {
	for _, tc := range []struct {
		name      string
		ask, tell []byte
		want      [][]string
	}{
		{"register", wrap(registerSession, []byte{1, 0, 0, 0}), nil, [][]string{{`"ics.function":"Register Session"`, `"session_handle":"0x12345678"`, `"ics.protocol":"enip"`}}},
		{"list identity", wrap(listIdentity, nil), wrap(listIdentity, icstest.Bytes(t, listed)), [][]string{
			{`"ics.function":"List Identity"`},
			{`"ics.response":"ok"`},
			{`"identity.vendor":"Rockwell Automation/Allen-Bradley"`, `"identity.type":"Programmable Logic Controller"`, `"identity.firmware":"20.3"`, `"identity.serial":"0x11223344"`, `"identity.model":"1756-ENBT"`},
		}},
		{"get attribute", unconnected(t, "0e 03 2001 2401 3007"), unconnected(t, "8e 00 00 00 03 414243"), [][]string{
			{`"ics.protocol":"cip"`, `"app_name":"cip"`, `"ics.function":"Get Attributes Single"`, `"ics.object":"Identity"`, `"ics.address":1`, `"attribute_id":"0x07"`, `"enip_command":"Send RR Data"`},
			{`"cip_status":"Success"`, `"ics.object":"Identity"`, `"ics.value":"03414243"`},
		}},
		{"set attribute refused", unconnected(t, "10 03 20f5 2401 3005 c0000201"), unconnected(t, "90 00 0f 00"), [][]string{
			{`"ics.write":true`, `"ics.object":"TCP/IP Interface"`, `"ics.value":"c0000201"`}, {`"ics.response":"Privilege Violation"`, `"status":"Failure"`},
		}},
		{"write tag", connected(t, "4d 05 91 07 4d6f746f723132 00 c400 0100 2a000000"), connected(t, "cd 00 00 00"), [][]string{
			{`"ics.function":"Write Data"`, `"ics.object":"Motor12"`, `"ics.quantity":1`, `"ics.value":"2a000000"`, `"cip_sequence_count":"7"`}, {`"ics.object":"Motor12"`, `"ics.response":"ok"`},
		}},
		{"several", connected(t, "0a 02 2002 2401 0200 0600 0c00 0303 2001 2401 0302 2069 2400"), connected(t, "8a 00 00 00 0200 0600 0a00 83000000 83000500"), [][]string{
			{`"ics.function":"Multiple Service Packet"`},
			{`"ics.function":"Get Attribute List"`, `"part":"2"`},
			nil,
			{`"ics.function":"Multiple Service Packet"`},
			{`"cip_status":"Success"`},
			{`"cip_status":"Path Destination Unknown"`},
		}},
		{"through a router", unconnected(t, "52 02 2006 2401 0a0e 0600 01 02 2001 2401 01 00 0100"), unconnected(t, "81 00 00 00 0100 0e00 3700 1403 3000 44332211 03 414243"), [][]string{
			{`"ics.function":"Unconnected Send"`},
			{`"ics.function":"Get Attributes All"`, `"ics.object":"Identity"`},
			{`"ics.function":"Get Attributes All"`, `"ics.response":"ok"`},
			{`"identity.model":"ABC"`},
		}},
		{"pccc", unconnected(t, "4b 02 2067 2401 07 0100 44332211 0f 00 0100 80 06"), nil, [][]string{{`"ics.function":"Execute PCCC Service"`, `"pccc_function":"Change mode"`, `"ics.write":true`}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			lines := icstest.Lines(t, Protocol(), "tcp", prototest.Say{Data: tc.ask}, prototest.Say{Side: proto.Server, Data: tc.tell})
			icstest.Want(t, lines, tc.want...)
		})
	}
}

func TestIO(t *testing.T) {
	lines := icstest.Lines(t, Protocol(), "udp", icstest.C(t, "0200 0280 0800 03064b00 5b943f00 b100 0600 a587e80f0300"))
	icstest.Want(t, lines, []string{`"connection_id":"0x004b0603"`, `"data_length":"6"`, `"ics.value":"a587e80f0300"`})
}

func TestProbe(t *testing.T) {
	p := Protocol()
	if p.Probe(wrap(registerSession, []byte{1, 0, 0, 0}), proto.Client, false) == 0 || p.Probe(connected(t, "0e 03 2001 2401 3007"), proto.Client, false) == 0 {
		t.Error("not recognised")
	}
	if n := p.Probe(make([]byte, 40), proto.Client, false); n != 0 {
		t.Errorf("zeros: %d", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(unconnected(f, "0e 03 2001 2401 3007"), unconnected(f, "8e 00 00 00 03 414243"), 30)
	f.Add(connected(f, "0a 02 2002 2401 0200 0600 0c00 0303 2001 2401 0302 2069 2400"), connected(f, "8a 00 00 00 0200 0600 0a00 83000000 83000500"), 30)
	f.Add(unconnected(f, "52 02 2006 2401 0a0e 0600 01 02 2001 2401 01 00 0100"), wrap(listIdentity, icstest.Bytes(f, listed)), 30)
	f.Add(icstest.Bytes(f, "0200 0280 0800 03064b00 5b943f00 b100 0600 a587e80f0300"), connected(f, "4d 05 91 07 4d6f746f723132 00 c400 0100 2a000000"), 3)
	f.Fuzz(func(t *testing.T, client, server []byte, cut int) {
		icstest.Hold(t, Protocol(), "tcp", client, server, cut)
		icstest.Hold(t, Protocol(), "udp", client, server, cut)
	})
}
