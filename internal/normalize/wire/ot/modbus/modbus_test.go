package modbus

import (
	"testing"

	"vedette/internal/normalize/wire/ot/ics/icstest"
	"vedette/internal/normalize/wire/proto"
	"vedette/internal/normalize/wire/proto/prototest"
)

func TestMessages(t *testing.T) {
	for _, tc := range []struct {
		name string
		ask  string
		tell string
		want [][]string
	}{
		{"read registers", "0001 0000 0006 11 03 006b 0003", "0001 0000 0009 11 03 06 022b 0000 0064", [][]string{
			{`"ics.function":"READ_HOLDING_REGISTERS"`, `"ics.address":107`, `"ics.quantity":3`, `"ics.unit":17`, `"ics.write":false`, `"activity_name":"Request"`},
			{`"ics.address":107`, `"ics.quantity":3`, `"ics.value":"555,0,100"`, `"ics.response":"ok"`, `"status":"Success"`},
		}},
		{"read coils", "0001 0000 0006 01 01 0013 0005", "0001 0000 0004 01 01 01 cd", [][]string{
			{`"ics.object":"coil"`}, {`"ics.value":"1,0,1,1,0"`, `"ics.address":19`},
		}},
		{"write coil", "0002 0000 0006 01 05 00ac ff00", "0002 0000 0006 01 05 00ac ff00", [][]string{
			{`"ics.function":"WRITE_SINGLE_COIL"`, `"ics.value":"1"`, `"ics.write":true`, `"ics.address":172`}, {`"ics.response":"ok"`},
		}},
		{"write registers", "0003 0000 000b 01 10 0001 0002 04 000a 0102", "0003 0000 0006 01 10 0001 0002", [][]string{
			{`"ics.value":"10,258"`, `"ics.quantity":2`}, {`"ics.address":1`},
		}},
		{"exception", "0004 0000 0006 01 04 0258 000a", "0004 0000 0003 01 84 02", [][]string{
			{`"ics.address":600`}, {`"ics.function":"READ_INPUT_REGISTERS"`, `"ics.response":"ILLEGAL_DATA_ADDRESS"`, `"status":"Failure"`, `"ics.address":600`},
		}},
		{"mask write", "0005 0000 0008 01 16 0004 00f2 0025", "0005 0000 0008 01 16 0004 00f2 0025", [][]string{
			{`"and_mask":"242"`, `"or_mask":"37"`, `"ics.address":4`}, {`"ics.write":true`},
		}},
		{"read write", "0006 0000 000d 01 17 0003 0006 000e 0001 02 00ff", "0006 0000 0005 01 17 02 00fe", [][]string{
			{`"read_start_address":"3"`, `"ics.address":14`, `"ics.value":"255"`}, {`"read_registers":"254"`, `"ics.address":14`},
		}},
		{"file record", "0007 0000 000a 01 14 07 06 0004 0001 0002", "0007 0000 0009 01 14 06 05 06 0dfe 0020", [][]string{
			{`"file_number":"4"`, `"ics.address":1`, `"ics.quantity":2`}, {`"ics.value":"3582,32"`},
		}},
		{"identification", "0008 0000 0005 01 2b 0e 01 00", "0008 0000 0017 01 2b 0e 01 01 00 00 03 00 03 414243 01 02 5031 02 04 56312e30", [][]string{
			{`"mei_type":"Read Device Identification"`},
			{`"vendor_name":"ABC"`},
			{`"class_uid":5001`, `"identity.vendor":"ABC"`, `"identity.model":"P1"`, `"identity.firmware":"V1.0"`, `"device.ip":"192.0.2.20"`, `"identity.source":"modbus device identification"`},
		}},
		{"cut short inside", "0009 0000 0004 01 03 00 6b", "0009 0000 0003 01 83 03", [][]string{
			{`"status_detail":"malformed message"`}, {`"ics.response":"ILLEGAL_DATA_VALUE"`},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			icstest.Want(t, icstest.Lines(t, Protocol(), "tcp", icstest.C(t, tc.ask), icstest.S(t, tc.tell)), tc.want...)
		})
	}
}

// A message may begin anywhere after bytes were lost.
func TestFindsTheNextMessage(t *testing.T) {
	lines := icstest.Lines(t, Protocol(), "tcp", icstest.C(t, "ffee 0001 0000 0006 11 03 006b 0003"))
	icstest.Want(t, lines, []string{`"ics.address":107`})
}

func TestGivesUp(t *testing.T) {
	_, err := prototest.Run(Protocol().New(prototest.Flow("tcp", 502)), true, prototest.Say{Data: make([]byte, 8192)})
	if err == nil {
		t.Fatal("8 KiB of zeros are taken for Modbus")
	}
}

func TestProbe(t *testing.T) {
	p := Protocol()
	ask := icstest.Bytes(t, "0001 0000 0006 11 03 006b 0003")
	if p.Probe(ask, proto.Client, false) == 0 || p.Probe(ask, proto.Client, true) <= p.Probe(ask, proto.Client, false) {
		t.Error("a well formed request is not recognised")
	}
	for _, no := range [][]byte{nil, make([]byte, 12), []byte("GET / HTTP/1.1\r\n"), icstest.Bytes(t, "0001 0000 0006 11 03 006b ff03"), icstest.Bytes(t, "0001 0000 0006 11 03 006b 0003 00")} {
		if n := p.Probe(no, proto.Client, false); n != 0 {
			t.Errorf("%x: %d", no, n)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(icstest.Bytes(f, "0001 0000 0006 11 03 006b 0003"), icstest.Bytes(f, "0001 0000 0009 11 03 06 022b 0000 0064"), 5)
	f.Add(icstest.Bytes(f, "0008 0000 0005 01 2b 0e 01 00"), icstest.Bytes(f, "0008 0000 0017 01 2b 0e 01 01 00 00 03 00 03 414243 01 02 5031 02 04 56312e30"), 9)
	f.Add(icstest.Bytes(f, "0007 0000 000a 01 15 07 06 0004 0001 0002"), icstest.Bytes(f, "0007 0000 0009 01 14 06 05 06 0dfe 0020"), 3)
	f.Fuzz(func(t *testing.T, client, server []byte, cut int) {
		icstest.Hold(t, Protocol(), "tcp", client, server, cut)
		icstest.Hold(t, Protocol(), "udp", client, server, cut)
	})
}
