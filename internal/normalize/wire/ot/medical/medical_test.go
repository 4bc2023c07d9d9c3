package medical

import (
	"encoding/hex"
	"strings"
	"testing"

	"vedette/internal/normalize/wire/ot/ics/icstest"
	"vedette/internal/normalize/wire/proto"
	"vedette/internal/normalize/wire/proto/prototest"
)

const (
	admit = "\x0bMSH|^~\\&|HIS|WARD3|LAB|MAIN|202601021200||ADT^A01|77|P|2.5\rPID|1||SECRET^NAME\r\x1c\x0d"
	acked = "\x0bMSH|^~\\&|LAB|MAIN|HIS|WARD3|202601021200||ACK^A01|78|P|2.5\rMSA|AE|77\r\x1c\x0d"
	echo  = "04 00 00000030 0000002c 01 03 0000 0001 02000000 3000 0000 0002 12000000 312e322e3834302e31303030382e312e3100 "
)

// associate is a request for an association of SCANNER with ARCHIVE.
func associate(tb testing.TB) []byte {
	tb.Helper()
	title := func(s string) string { return hex.EncodeToString([]byte(s + strings.Repeat(" ", titleLength-len(s)))) }
	body := "0001 0000" + title("ARCHIVE") + title("SCANNER") + strings.Repeat("00", 32) + "1000 0003 312e32" + "5000 000f 5200 0003 312e33 5500 0004 41424331"
	b := icstest.Bytes(tb, "01 00 00000000"+body)
	b[5] = byte(len(b) - unitHead)
	return b
}

func TestHL7(t *testing.T) {
	p := Protocols()[1]
	lines := icstest.Lines(t, p, "tcp", prototest.Say{Data: []byte(admit)}, prototest.Say{Side: proto.Server, Data: []byte(acked)})
	icstest.Want(t, lines,
		[]string{`"ics.function":"ADT^A01"`, `"sending_facility":"WARD3"`}, []string{`"identity.name":"HIS"`, `"device.ip":"192.0.2.10"`},
		[]string{`"ics.response":"AE"`, `"status":"Failure"`}, []string{`"identity.name":"LAB"`})
	out, _ := prototest.Run(p.New(prototest.Flow("tcp", 2575)), true, prototest.Say{Data: []byte(admit)})
	for _, kept := range append(lines, out.Raw...) {
		if strings.Contains(kept, "SECRET") {
			t.Errorf("a patient is told of: %s", kept)
		}
	}
}

func TestDICOM(t *testing.T) {
	p := Protocols()[0]
	b := associate(t)
	if p.Probe(b, proto.Client, false) == 0 {
		t.Error("not recognised")
	}
	find := icstest.Bytes(t, "04 00 00000000 00000000 01 03 0000 0001 02000000 2000 0000 0009 02000000 00ff")
	find[5], find[9] = byte(len(find)-unitHead), byte(len(find)-unitHead-4)
	lines := icstest.Lines(t, p, "tcp", prototest.Say{Data: b}, prototest.Say{Data: find})
	icstest.Want(t, lines,
		[]string{`"ics.function":"A-ASSOCIATE-RQ"`, `"called_ae_title":"ARCHIVE"`, `"implementation_version":"ABC1"`},
		[]string{`"identity.name":"SCANNER"`, `"identity.firmware":"ABC1"`}, []string{`"ics.function":"C-FIND"`})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(admit), []byte(acked), 30)
	f.Add(associate(f), icstest.Bytes(f, echo), 30)
	f.Fuzz(func(t *testing.T, client, server []byte, cut int) {
		for _, p := range Protocols() {
			icstest.Hold(t, p, "tcp", client, server, cut)
		}
	})
}
