package iso

import (
	"testing"

	"vedette/internal/normalize/wire/ot/ics/icstest"
	"vedette/internal/normalize/wire/proto"
)

// The messages of S7comm begin with the packet header and one unit of data.
const (
	setup     = "0300 0019 02f080 32010000000000080000f0000001000101e0"
	readJob   = "0300 002b 02f080 320100000005001a00000402120a10020004000184000050120a1001000100008300002b"
	readAck   = "0300 0022 02f080 3203000000050002000d00000402ff04002001020304ff03000101"
	writeJob  = "0300 0025 02f080 320100000006000e00060501120a1002000200008300001000040010beef"
	writeAck  = "0300 0016 02f080 320300000006000200010000050105"
	stop      = "0300 0021 02f080 3201000000070010000029000000000009505f50524f4752414d"
	start     = "0300 0025 02f080 3201000000080014000028000000000000fd000009505f50524f4752414d"
	upload    = "0300 0023 02f080 320100000009001200001d00000000000000095f3041303030303150"
	szlAsk    = "0300 0021 02f080 32070000000a000800080001120411440100ff090004001c0000"
	szlTell   = "0300 006d 02f080 32070000000a000c0050000112081284010100000000ff09004c001c0000002200020001504c433100000000000000000000000000000000000000000000000000000000000553432d4131323300000000000000000000000000000000000000000000000000"
	connect   = "0300 0016 11e000 00000100c0010ac1020100c2020102"
	plus      = "0300 0012 02f080 72010006310000054c0000"
	identAsk  = "0300 001b 02f080 01000100610e300c020103a007a0050201018200"
	identTell = "0300 0028 02f080 01000100611b3019020103a014a112020101a20d80034142438102583182025631"
	readMMS   = "0300 0031 02f080 0100010061243022020103a01da01b020102a416a114a0123010a00ea10c1a034c44311a054d54312e41"
)

func TestMessages(t *testing.T) {
	for _, tc := range []struct {
		name, ask, tell string
		want            [][]string
	}{
		{"connection", connect, "", [][]string{{`"ics.protocol":"cotp"`, `"ics.function":"CR Connection Request"`, `"src_tsap":"0100"`, `"dst_tsap":"0102"`}}},
		{"setup", setup, "", [][]string{{`"ics.protocol":"s7comm"`, `"app_name":"s7comm"`, `"ics.function":"Setup Communication"`, `"pdu_length":"480"`}}},
		{"read", readJob, readAck, [][]string{
			{`"ics.function":"Read Variable"`, `"ics.object":"DB1"`, `"ics.address":10`, `"ics.quantity":4`, `"ics.write":false`},
			{`"ics.object":"M"`, `"ics.address":5`, `"bit":"3"`, `"part":"2"`},
			{`"ics.object":"DB1"`, `"ics.value":"01020304"`, `"ics.response":"ok"`, `"error_class":"No error"`},
			{`"ics.object":"M"`, `"ics.value":"01"`},
		}},
		{"write", writeJob, writeAck, [][]string{
			{`"ics.function":"Write Variable"`, `"ics.object":"M"`, `"ics.address":2`, `"ics.value":"beef"`, `"ics.write":true`},
			{`"ics.response":"Invalid address"`, `"status":"Failure"`, `"ics.address":2`},
		}},
		{"stop", stop, "", [][]string{{`"ics.function":"PLC Stop"`, `"subfunction_code":"P_PROGRAM"`, `"ics.write":true`}}},
		{"start", start, "", [][]string{{`"ics.function":"PLC Control"`, `"subfunction_name":"PLC Start / Stop"`}}},
		{"upload", upload, "", [][]string{{`"ics.function":"Start Upload"`, `"filename":"_0A00001P"`, `"ics.object":"Data Block"`, `"ics.address":1`, `"destination_filesystem":"Passive"`}}},
		{"identification", szlAsk, szlTell, [][]string{
			{`"ics.function":"Request: CPU Functions"`, `"subfunction_name":"Read SZL"`, `"szl_id":"0x001c"`, `"ics.object":"Component Identification"`},
			{`"ics.function":"Response: CPU Functions"`, `"module_serial":"SC-A123"`},
			{`"class_uid":5001`, `"identity.name":"PLC1"`, `"identity.serial":"SC-A123"`, `"identity.source":"s7 szl"`},
		}},
		{"plus", plus, "", [][]string{{`"ics.protocol":"s7comm_plus"`, `"ics.function":"Get Multi Variables"`}}},
		{"mms identify", identAsk, identTell, [][]string{
			{`"ics.protocol":"mms"`, `"ics.function":"identify"`, `"invoke_id":"1"`},
			{`"ics.function":"identify"`, `"ics.response":"ok"`},
			{`"identity.vendor":"ABC"`, `"identity.model":"X1"`, `"identity.firmware":"V1"`},
		}},
		{"mms read", readMMS, "", [][]string{{`"ics.function":"read"`, `"ics.object":"LD1/MT1.A"`}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			icstest.Want(t, icstest.Lines(t, Protocol(), "tcp", icstest.C(t, tc.ask), icstest.S(t, tc.tell)), tc.want...)
		})
	}
}

func TestProbe(t *testing.T) {
	p := Protocol()
	for _, yes := range []string{connect, setup, identAsk} {
		if p.Probe(icstest.Bytes(t, yes), proto.Client, false) == 0 {
			t.Errorf("%s is not recognised", yes)
		}
	}
	desktop := "0300 0013 0e e0 0000 0000 00 01 00 0800 03000000" // RDP: no selectors
	for _, no := range []string{desktop, "", "0300 0004", "1603 0100 0500 0000"} {
		if n := p.Probe(icstest.Bytes(t, no), proto.Client, false); n != 0 {
			t.Errorf("%s: %d", no, n)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{setup, readJob, writeJob, stop, start, upload, szlAsk, connect, plus, identAsk, readMMS} {
		f.Add(icstest.Bytes(f, s), icstest.Bytes(f, readAck), 9)
	}
	f.Add(icstest.Bytes(f, szlAsk), icstest.Bytes(f, szlTell), 20)
	f.Add(icstest.Bytes(f, identAsk), icstest.Bytes(f, identTell), 20)
	f.Fuzz(func(t *testing.T, client, server []byte, cut int) {
		icstest.Hold(t, Protocol(), "tcp", client, server, cut)
	})
}
