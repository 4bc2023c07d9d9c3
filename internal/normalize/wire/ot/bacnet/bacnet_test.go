package bacnet

import (
	"testing"

	"vedette/internal/normalize/wire/ot/ics/icstest"
	"vedette/internal/normalize/wire/proto"
)

// link puts an application message into network and link layer.
func link(tb testing.TB, digits string) string {
	tb.Helper()
	n := len(icstest.Bytes(tb, digits)) + 6
	const hex = "0123456789abcdef"
	return "810a 00" + string([]byte{hex[n>>4], hex[n&15]}) + " 0104 " + digits
}

func TestMessages(t *testing.T) {
	for _, tc := range []struct {
		name, ask, tell string
		want            [][]string
	}{
		{"read", "00 04 01 0c 0c 00000005 19 55", "30 01 0c 0c 00000005 19 55 3e 44 42f00000 3f", [][]string{
			{`"ics.function":"read_property"`, `"ics.object":"analog-input"`, `"ics.address":5`, `"property":"present-value"`, `"pdu_type":"CONFIRMED_REQUEST"`, `"ics.write":false`},
			{`"ics.value":"120"`, `"ics.response":"ok"`, `"activity_name":"Response"`},
		}},
		{"write", "00 04 02 0f 0c 00400001 19 55 3e 44 43340000 3f 49 08", "20 02 0f", [][]string{
			{`"ics.function":"write_property"`, `"ics.value":"180"`, `"ics.write":true`}, {`"pdu_type":"SIMPLE_ACK"`, `"ics.response":"ok"`},
		}},
		{"error", "00 04 03 0c 0c 00000005 19 55", "50 03 0c 91 02 91 20", [][]string{
			{`"invoke_id":"3"`}, {`"ics.response":"unknown-property"`, `"status":"Failure"`},
		}},
		{"device property", "00 04 04 0c 0c 020001f5 19 46", "30 04 0c 0c 020001f5 19 46 3e 75 05 00 41424344 3f", [][]string{
			{`"ics.unit":501`},
			{`"ics.value":"ABCD"`},
			{`"identity.model":"ABCD"`, `"device.ip":"192.0.2.20"`, `"identity.source":"bacnet device"`},
		}},
		{"read multiple", "00 04 05 0e 0c 02000065 1e 09 79 09 46 1f 0c 00000001 1e 09 55 1f", "30 05 0e 0c 02000065 1e 29 79 4e 75 03 00 4142 4f 29 46 5e 91 02 91 20 5f 1f", [][]string{
			{`"property":"vendor-name"`, `"ics.address":101`},
			{`"property":"model-name"`, `"part":"2"`},
			{`"property":"present-value"`, `"ics.object":"analog-input"`},
			{`"ics.value":"AB"`},
			{`"identity.vendor":"AB"`},
			{`"property":"model-name"`, `"ics.response":"unknown-property"`},
		}},
		{"discovery", "10 08 09 01 19 64", "10 00 c4 02000065 22 05c4 91 03 21 24", [][]string{
			{`"ics.function":"who_is"`, `"range":"1-100"`},
			{`"ics.function":"i_am"`, `"ics.unit":101`, `"vendor":"Tridium Inc."`},
			{`"identity.vendor":"Tridium Inc."`, `"identity.source":"bacnet i-am"`},
		}},
		{"restart", "00 04 06 14 09 00 1d 04 00 313233", "50 06 14 91 04 91 1a", [][]string{
			{`"ics.function":"reinitialize_device"`, `"ics.value":"coldstart"`, `"password":"given"`, `"ics.write":true`}, {`"ics.response":"password-failure"`},
		}},
		{"refused", "60 07 09", "71 08 04", [][]string{{`"ics.function":"reject"`, `"ics.response":"unrecognized-service"`}, {`"ics.function":"abort"`, `"ics.response":"segmentation-not-supported"`}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			icstest.Want(t, icstest.Lines(t, Protocol(), "udp", icstest.C(t, link(t, tc.ask)), icstest.S(t, link(t, tc.tell))), tc.want...)
		})
	}
}

func TestSegments(t *testing.T) {
	lines := icstest.Lines(t, Protocol(), "udp",
		icstest.S(t, link(t, "3c 01 00 04 0c 0c 02000001 19 4c 3e c4 00000001")), icstest.S(t, link(t, "38 01 01 04 0c c4 00000002 3f")))
	icstest.Want(t, lines, []string{`"ics.value":"analog-input: 1,analog-input: 2"`, `"property":"object-list"`})
}

// Who is behind a router is not the device of the packet's address.
func TestRoutedClaim(t *testing.T) {
	iAm := "810b 001c 0108 0005 01 0a 10 00 c4 02000065 22 05c4 91 03 21 24"
	forwarded := "8104 001e c0000207 bac0 0100 10 00 c4 02000065 22 05c4 91 03 21 24"
	b := icstest.Bytes(t, iAm)
	b[3] = byte(len(b))
	f := icstest.Bytes(t, forwarded)
	f[3] = byte(len(f))
	say := icstest.S(t, "")
	say.Data = b
	icstest.Want(t, icstest.Lines(t, Protocol(), "udp", say), []string{`"source_network":"5"`, `"source_address":"0a"`})
	say.Data = f
	icstest.Want(t, icstest.Lines(t, Protocol(), "udp", say), []string{`"forwarded_for":"192.0.2.7"`}, []string{`"device.ip":"192.0.2.7"`})
}

func TestProbe(t *testing.T) {
	p := Protocol()
	b := icstest.Bytes(t, link(t, "10 08"))
	if p.Probe(b, proto.Client, false) == 0 {
		t.Error("who-is is not recognised")
	}
	if n := p.Probe(append(b, 0), proto.Client, false); n != 0 {
		t.Errorf("a wrong length: %d", n)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"00 04 01 0c 0c 00000005 19 55", "30 01 0c 0c 00000005 19 55 3e 44 42f00000 3f", "50 03 0c 91 02 91 20", "10 00 c4 02000065 22 05c4 91 03 21 24",
		"30 05 0e 0c 02000065 1e 29 79 4e 75 03 00 4142 4f 29 46 5e 91 02 91 20 5f 1f", "3c 01 00 04 0c 0c 02000001 19 4c 3e c4 00000001",
	} {
		f.Add(icstest.Bytes(f, link(f, s)), icstest.Bytes(f, link(f, "38 01 01 04 0c c4 00000002 3f")))
	}
	f.Fuzz(func(t *testing.T, client, server []byte) {
		icstest.Hold(t, Protocol(), "udp", client, server, 0)
	})
}
