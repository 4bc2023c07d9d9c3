package profinet

import (
	"testing"

	"vedette/internal/normalize/wire/ot/ics/icstest"
)

const (
	ask   = "fefe 05 00 01000001 0001 0004 ffff 0000"
	tell  = "feff 05 01 01000001 0000 0032 0201 0008 0000 53372d333030 0202 0006 0000 706c6331 0203 0006 0000 002a010d 0102 000e 0001 c0000214 ffffff00 00000000"
	order = "fefd 04 00 01000002 0000 0012 0102 000e 0001 c0000215 ffffff00 00000000"
	done  = "fefd 04 01 01000002 0000 0008 0504 0003 0102 00 00"
)

func TestMessages(t *testing.T) {
	icstest.Want(
		t, icstest.Lines(t, Protocol(), "ethernet", icstest.C(t, ask), icstest.S(t, tell), icstest.C(t, order), icstest.S(t, done)),
		[]string{`"ics.function":"DCP Identify"`, `"ics.object":"all"`, `"activity_name":"Request"`},
		[]string{`"name_of_station":"plc1"`, `"vendor_id":"0x002a"`, `"ip_address":"192.0.2.20"`},
		[]string{`"identity.vendor":"Siemens"`, `"identity.model":"S7-300"`, `"identity.name":"plc1"`, `"device.ip":"192.0.2.20"`},
		[]string{`"ics.function":"DCP Set"`, `"ics.write":true`, `"ics.value":"192.0.2.21 255.255.255.0 0.0.0.0"`},
		[]string{`"ics.response":"ok"`},
	)
	cyclic := icstest.C(t, "8000 00000000 0000 35 00")
	icstest.Want(t, icstest.Lines(t, Protocol(), "ethernet", cyclic, cyclic), []string{`"ics.function":"Cyclic Data"`})
}

func FuzzDecode(f *testing.F) {
	f.Add(icstest.Bytes(f, ask), icstest.Bytes(f, tell))
	f.Add(icstest.Bytes(f, order), icstest.Bytes(f, done))
	f.Fuzz(func(t *testing.T, client, server []byte) {
		icstest.Hold(t, Protocol(), "ethernet", client, server, 0)
	})
}
