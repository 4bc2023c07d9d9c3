package hart

import (
	"testing"

	"vedette/internal/normalize/wire/ot/ics/icstest"
)

const (
	open = "01 00 00 00 0001 000d 01 00007530"
	ask  = "01 00 03 00 0002 0011 82 2606000001 0d 00 a9"
	tell = "01 01 03 00 0002 0028 86 2606000001 0d 17 0000 5090edc70c60 000000000000000000000000010101 ff"
)

func TestMessages(t *testing.T) {
	b := icstest.S(t, tell)
	b.Data[7] = byte(len(b.Data))
	icstest.Want(t, icstest.Lines(t, Protocol(), "tcp", icstest.C(t, open), icstest.C(t, ask), b),
		[]string{`"ics.function":"Session Initiate"`},
		[]string{`"ics.function":"Read Tag, Descriptor, Date"`, `"ics.function_code":13`, `"address":"2606000001"`},
		[]string{`"ics.response":"ok"`}, []string{`"identity.name":"TIC-101"`, `"identity.source":"hart tag"`})
}

func FuzzDecode(f *testing.F) {
	f.Add(icstest.Bytes(f, open), icstest.Bytes(f, tell), 3)
	f.Add(icstest.Bytes(f, ask), icstest.Bytes(f, tell), 3)
	f.Fuzz(func(t *testing.T, client, server []byte, cut int) {
		icstest.Hold(t, Protocol(), "tcp", client, server, cut)
		icstest.Hold(t, Protocol(), "udp", client, server, cut)
	})
}
