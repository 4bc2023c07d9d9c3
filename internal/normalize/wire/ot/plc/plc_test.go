package plc

import (
	"testing"

	"vedette/internal/normalize/wire/ot/ics/icstest"
)

const (
	finsAsk  = "80 00 02 00 01 00 00 02 00 05 01 02 82 0064 00 0002 000a 000b"
	finsTell = "c0 00 02 00 02 00 00 01 00 05 01 02 00 00"
	dataAsk  = "80 00 02 00 01 00 00 02 00 06 05 01"
	dataTell = "c0 00 02 00 02 00 00 01 00 06 05 01 00 00 434a324d2d4350553331202020202020202020 20 30322e3031202020202020202020202020202020"
	slmpAsk  = "5000 00 ff ff03 00 0e00 1000 0114 0000 640000 a8 0100 2a00"
	slmpTell = "d000 00 ff ff03 00 0200 59c0"
	adsAsk   = "0000 30000000 0a0000010101 5303 0a0000020101 0080 0300 0400 10000000 00000000 07000000 20400000 04000000 04000000 01020304"
	adsTell  = "0000 24000000 0a0000020101 0080 0a0000010101 5303 0300 0500 04000000 00000000 07000000 00000000"
	addRoute = "03661471 00000000 06000000 0a0000020101 1027 03000000 0c00 0300 413100 0d00 0300 423100 0200 0200 7800"
)

func TestMessages(t *testing.T) {
	all := Protocols()
	fins, slmp, ads := all[0], all[1], all[2]
	icstest.Want(t, icstest.Lines(t, fins, "udp", icstest.C(t, finsAsk), icstest.S(t, finsTell), icstest.C(t, dataAsk), icstest.S(t, dataTell)),
		[]string{`"ics.function":"Memory Area Write"`, `"ics.write":true`, `"ics.address":100`, `"ics.quantity":2`, `"ics.value":"000a000b"`},
		[]string{`"ics.response":"ok"`}, []string{`"ics.function":"Controller Data Read"`}, nil,
		[]string{`"identity.model":"CJ2M-CPU31"`, `"identity.firmware":"02.01"`})
	icstest.Want(t, icstest.Lines(t, slmp, "tcp", icstest.C(t, slmpAsk), icstest.S(t, slmpTell)),
		[]string{`"ics.function":"Device Write"`, `"ics.object":"D"`, `"ics.address":100`, `"ics.value":"2a00"`},
		[]string{`"ics.function":"Device Write"`, `"ics.response":"end code 0xc059"`})
	icstest.Want(t, icstest.Lines(t, ads, "tcp", icstest.C(t, adsAsk), icstest.S(t, adsTell)),
		[]string{`"ics.function":"Write"`, `"ics.value":"01020304"`, `"target":"10.0.0.1.1.1:851"`}, []string{`"ics.response":"ok"`})
	icstest.Want(t, icstest.Lines(t, ads, "udp", icstest.C(t, addRoute)),
		[]string{`"ics.function":"Add Route"`, `"user.name":"B1"`, `"ics.object":"A1"`, `"password":"given"`, `"ics.write":true`})
}

func FuzzDecode(f *testing.F) {
	for _, pair := range [][2]string{{finsAsk, finsTell}, {dataAsk, dataTell}, {slmpAsk, slmpTell}, {adsAsk, adsTell}, {addRoute, "46494e53 0000000c 00000000 00000000 00000000"}} {
		f.Add(icstest.Bytes(f, pair[0]), icstest.Bytes(f, pair[1]), 7)
	}
	f.Fuzz(func(t *testing.T, client, server []byte, cut int) {
		for _, p := range Protocols() {
			icstest.Hold(t, p, "tcp", client, server, cut)
			icstest.Hold(t, p, "udp", client, server, cut)
		}
	})
}
