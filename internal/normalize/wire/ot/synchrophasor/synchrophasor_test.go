package synchrophasor

import (
	"testing"

	"vedette/internal/normalize/wire/ot/ics/icstest"
	"vedette/internal/normalize/wire/proto"
	"vedette/internal/normalize/wire/proto/prototest"
)

// frame gives a frame its length and checksum.
func frame(tb testing.TB, kind byte, digits string) []byte {
	tb.Helper()
	b := append([]byte{sync, kind<<4 | 1, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0}, icstest.Bytes(tb, digits)...)
	b[2], b[3] = byte((len(b)+2)>>8), byte(len(b)+2)
	crc := checksum(b)
	return append(b, byte(crc>>8), byte(crc))
}

const station = "00000001 0001 53544154494f4e2041202020202020 20 0007 0000 0001 0000 0000 56312020202020202020202020202020 00000001 0000 0001 001e"

func TestMessages(t *testing.T) {
	if c := checksum([]byte("123456789")); c != 0x29b1 { // the check value of CRC-16/CCITT-FALSE
		t.Errorf("checksum %04x", c)
	}
	data := prototest.Say{Side: proto.Server, Data: frame(t, dataFrame, "0000 00000000")}
	icstest.Want(
		t, icstest.Lines(t, Protocol(), "tcp", prototest.Say{Data: frame(t, commandFrame, "0002")}, data, data,
			prototest.Say{Side: proto.Server, Data: frame(t, config2, station)}),
		[]string{`"ics.function":"Command"`, `"ics.object":"turn on transmission"`, `"ics.write":true`, `"ics.unit":7`},
		[]string{`"ics.function":"Data"`, `"stat":"0x0000"`},
		[]string{`"ics.function":"Configuration 2"`, `"ics.object":"STATION A"`},
		[]string{`"identity.name":"STATION A"`},
	)
}

func FuzzDecode(f *testing.F) {
	f.Add(frame(f, commandFrame, "0002"), frame(f, config2, station), 9)
	f.Add(frame(f, dataFrame, "0000 00000000"), frame(f, headerFrame, "4142"), 9)
	f.Fuzz(func(t *testing.T, client, server []byte, cut int) {
		icstest.Hold(t, Protocol(), "tcp", client, server, cut)
		icstest.Hold(t, Protocol(), "udp", client, server, cut)
	})
}
