package iec104

import (
	"testing"

	"vedette/internal/normalize/wire/ot/ics/icstest"
	"vedette/internal/normalize/wire/proto"
)

const (
	startdt  = "6804 07000000"
	command  = "680e 0000 0000 2d 01 06 00 0a00 0c0000 01"
	refused  = "680e 0000 0200 2d 01 47 00 0a00 0c0000 01"
	measured = "6817 0200 0000 0d 82 14 00 0a00 100000 0000a041 00 000080bf 00"
	points   = "6812 0400 0000 01 02 03 00 0a00 010000 01 050000 00"
)

func TestMessages(t *testing.T) {
	for _, tc := range []struct {
		name, ask, tell string
		want            [][]string
	}{
		{"start", startdt, "6804 0b000000", [][]string{{`"ics.function":"STARTDT act"`, `"activity_name":"Request"`}, {`"ics.response":"ok"`}}},
		{"command", command, refused, [][]string{
			{`"ics.function":"C_SC_NA_1"`, `"ics.write":true`, `"ics.address":12`, `"ics.value":"1"`, `"ics.unit":10`, `"cause":"activation"`, `"activity_name":"Request"`},
			{`"ics.response":"negative activation confirmation"`, `"status":"Failure"`},
		}},
		{"measured", "", "6817" + measured[4:], [][]string{{`"ics.function":"M_ME_NC_1"`, `"ics.quantity":2`, `"ics.value":"20,-1"`, `"ics.address":16`, `"activity_name":"Response"`}}},
		{"points", "", points, [][]string{{`"addresses":"1,5"`, `"ics.value":"1,0"`, `"cause":"spontaneous"`}}},
		{"acknowledge", "6804 01000400", "", [][]string{{`"receive_sequence":"2"`}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			icstest.Want(t, icstest.Lines(t, Protocol(), "tcp", icstest.C(t, tc.ask), icstest.S(t, tc.tell)), tc.want...)
		})
	}
}

func TestProbe(t *testing.T) {
	p := Protocol()
	if p.Probe(icstest.Bytes(t, startdt), proto.Client, false) == 0 || p.Probe(icstest.Bytes(t, command), proto.Client, false) == 0 {
		t.Error("not recognised")
	}
	if n := p.Probe([]byte("hello, world"), proto.Client, false); n != 0 {
		t.Errorf("text that begins with the start byte: %d", n)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{startdt, command, refused, points} {
		f.Add(icstest.Bytes(f, s), icstest.Bytes(f, "6817"+measured[4:]), 5)
	}
	f.Fuzz(func(t *testing.T, client, server []byte, cut int) {
		icstest.Hold(t, Protocol(), "tcp", client, server, cut)
	})
}
