package goose

import (
	"testing"

	"vedette/internal/normalize/wire/ot/ics/icstest"
)

const (
	message = "0001 0000 0000 0000 612d 8003 414c31 8102 07d0 8203 445331 8303 474f31 8501 05 8601 02 8701 ff 8801 01 8901 00 8a01 02 ab06 8301 01 8501 fe"
	samples = "4000 0000 0000 0000 6019 8001 01 a214 3012 8003 4d5531 8202 0007 8304 00000001 8501 02"
)

func TestMessages(t *testing.T) {
	goose, sv := Protocols()[0], Protocols()[1]
	icstest.Want(t, icstest.Lines(t, goose, "ethernet", icstest.C(t, message)), []string{
		`"ics.object":"AL1"`, `"dat_set":"DS1"`, `"st_num":"5"`, `"sq_num":"2"`, `"test":"T"`, `"nds_com":"F"`, `"ics.value":"true,-2"`, `"ics.quantity":2`, `"app_id":"0x0001"`,
	})
	same := icstest.C(t, samples)
	icstest.Want(t, icstest.Lines(t, sv, "ethernet", same, same), []string{`"ics.object":"MU1"`, `"smp_synch":"2"`, `"conf_rev":"1"`})
	if goose.Probe(icstest.Bytes(t, message), 0, true) == 0 || goose.Probe(icstest.Bytes(t, samples), 0, true) != 0 {
		t.Error("the probe takes one for the other")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(icstest.Bytes(f, message), icstest.Bytes(f, samples))
	f.Fuzz(func(t *testing.T, client, server []byte) {
		for _, p := range Protocols() {
			icstest.Hold(t, p, "ethernet", client, server, 0)
		}
	})
}
