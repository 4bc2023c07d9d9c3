package opcua

import (
	"encoding/binary"
	"testing"

	"vedette/internal/normalize/wire/ot/ics/icstest"
	"vedette/internal/normalize/wire/proto"
	"vedette/internal/normalize/wire/proto/prototest"
)

// chunk puts digits behind the head of a message of a secure channel.
func chunk(tb testing.TB, kind string, digits string) []byte {
	tb.Helper()
	body := icstest.Bytes(tb, digits)
	b := binary.LittleEndian.AppendUint32([]byte(kind), uint32(8+len(body)))
	return append(b, body...)
}

const (
	// channel 3, token 1, sequence 2, request 2
	channel   = "03000000 01000000 02000000 02000000 "
	reqHead   = "0000 0000000000000000 05000000 00000000 ffffffff 00000000 000000 "
	respHead  = "0000000000000000 05000000 00000000 00 ffffffff 000000 "
	endpoint  = "04000000 6f70632e 05000000 75726e3a61 04000000 75726e70 02 04000000 506c616e 00000000 ffffffff ffffffff ffffffff ffffffff 01000000 ffffffff 00000000 ffffffff 00 "
	writeBody = "0100a102 " + reqHead + "01000000 03 0100 06000000 616e73776572 0d000000 ffffffff 01 06 2b000000"
	writeTell = "0100a402 " + respHead + "01000000 00003480 ffffffff"
	ends      = "0100af01 " + respHead + "01000000 " + endpoint
	hello     = "00000000 ffff0000 ffff0000 00000000 00000000 0d000000 6f70632e7463703a2f2f613a31"
	activated = "0100d301 " + reqHead + "ffffffff ffffffff 00000000 00000000 01004401 01 15000000 02000000 7031 04000000 616e6e61 02000000 7077 ffffffff ffffffff"
	readTell  = "01007a02 " + respHead + "01000000 01 0b 0000000000004540 ffffffff"
)

func TestMessages(t *testing.T) {
	for _, tc := range []struct {
		name      string
		ask, tell []byte
		want      [][]string
	}{
		{"hello", chunk(t, "HELF", hello), nil, [][]string{{`"ics.function":"Hello"`, `"endpoint_url":"opc.tcp://a:1"`, `"rcv_buf_size":"65535"`}}},
		{"write", chunk(t, "MSGF", channel+writeBody), chunk(t, "MSGF", channel+writeTell), [][]string{
			{`"ics.function":"WriteRequest"`, `"ics.object":"ns=1;s=answer"`, `"ics.value":"43"`, `"ics.write":true`, `"ics.function_code":673`},
			{`"ics.function":"WriteResponse"`, `"ics.object":"ns=1;s=answer"`, `"ics.response":"BadNodeIdUnknown"`, `"status":"Failure"`},
		}},
		{"endpoints", nil, chunk(t, "MSGF", channel+ends), [][]string{
			{`"ics.function":"GetEndpointsResponse"`, `"ics.response":"ok"`},
			{`"identity.name":"Plan"`, `"identity.model":"urnp"`, `"identity.source":"opcua application"`},
		}},
		{"activate", chunk(t, "MSGF", channel+activated), nil, [][]string{{`"auth_protocol":"UserNameIdentityToken"`, `"user.name":"anna"`, `"policy_id":"p1"`}}},
		{"read", nil, chunk(t, "MSGF", channel+readTell), [][]string{{`"ics.value":"42"`}}},
		{"encrypted", chunk(t, "MSGF", channel+"9f8e7d6c5b4a3928"), nil, [][]string{{`"ics.function":"encrypted"`, `"sec_channel_id":"3"`}}},
		{"chunks", append(chunk(t, "MSGC", channel+writeBody[:30]), chunk(t, "MSGF", channel+writeBody[30:])...), nil, [][]string{{`"ics.object":"ns=1;s=answer"`}}},
		{"error", nil, chunk(t, "ERRF", "00007f80 03000000 626164"), [][]string{{`"ics.response":"BadTcpSecureChannelUnknown"`, `"reason":"bad"`}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			lines := icstest.Lines(t, Protocol(), "tcp", prototest.Say{Data: tc.ask}, prototest.Say{Side: proto.Server, Data: tc.tell})
			icstest.Want(t, lines, tc.want...)
		})
	}
}

func TestProbe(t *testing.T) {
	p := Protocol()
	if p.Probe(chunk(t, "HELF", hello), proto.Client, false) == 0 {
		t.Error("hello is not recognised")
	}
	if n := p.Probe([]byte("HELO mail.example.com\r\n"), proto.Client, false); n != 0 {
		t.Errorf("SMTP: %d", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(chunk(f, "MSGF", channel+writeBody), chunk(f, "MSGF", channel+writeTell), 30)
	f.Add(chunk(f, "HELF", hello), chunk(f, "MSGF", channel+ends), 30)
	f.Add(chunk(f, "MSGF", channel+activated), chunk(f, "MSGF", channel+readTell), 12)
	f.Fuzz(func(t *testing.T, client, server []byte, cut int) {
		icstest.Hold(t, Protocol(), "tcp", client, server, cut)
	})
}
