package dnp3

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"vedette/internal/normalize/wire/ot/ics"
	"vedette/internal/normalize/wire/ot/ics/icstest"
	"vedette/internal/normalize/wire/proto"
	"vedette/internal/normalize/wire/proto/prototest"
)

// framed puts an application fragment into link frames of one segment each.
func framed(tb testing.TB, toOutstation bool, digits string) []byte {
	tb.Helper()
	b := icstest.Bytes(tb, digits)
	control, dst, src := byte(0x44), uint16(1), uint16(10)
	if toOutstation {
		control, dst, src = 0xc4, 10, 1
	}
	var all []byte
	for seq := byte(0); ; seq++ {
		n := min(len(b), 40) // small, so that fragments need several
		head := seq
		if seq == 0 {
			head |= 0x40
		}
		if n == len(b) {
			head |= 0x80
		}
		all = append(all, frameOf(control, dst, src, append([]byte{head}, b[:n]...))...)
		if b = b[n:]; len(b) == 0 {
			return all
		}
	}
}

func frameOf(control byte, dst, src uint16, data []byte) []byte {
	f := []byte{0x05, 0x64, byte(5 + len(data)), control}
	f = binary.LittleEndian.AppendUint16(f, dst)
	f = binary.LittleEndian.AppendUint16(f, src)
	f = binary.LittleEndian.AppendUint16(f, uint16(checksum(f)))
	for len(data) > 0 {
		n := min(16, len(data))
		f = append(f, data[:n]...)
		f = binary.LittleEndian.AppendUint16(f, uint16(checksum(data[:n])))
		data = data[n:]
	}
	return f
}

func TestChecksum(t *testing.T) { // the frame is a request to reset the link that many guides print
	b := icstest.Bytes(t, "0564 05c0 0100 0004 e921")
	if n := size(b); n != 10 {
		t.Errorf("size %d, want 10", n)
	}
	b[5]++
	if n := size(b); n >= 0 {
		t.Errorf("a wrong checksum is taken: %d", n)
	}
}

func TestMessages(t *testing.T) {
	for _, tc := range []struct {
		name      string
		ask, tell string
		want      [][]string
	}{
		{"class poll", "c0 01 3c0206 3c0306 3c0106", "c0 81 8200 1e02 00 0203 01 1000 01 f0ff 0102 00 0001 81 01", [][]string{
			{`"ics.function":"READ"`, `"ics.object":"Class 1 Data"`, `"ics.unit":10`, `"ics.write":false`},
			{`"ics.object":"Class 2 Data"`, `"part":"2"`},
			{`"ics.object":"Class 0 Data"`},
			{
				`"ics.function":"RESPONSE"`, `"ics.object":"16-Bit Analog Input"`, `"ics.address":2`, `"ics.quantity":2`, `"ics.value":"16,-16"`,
				`"iin":"33280"`, `"iin_flags":"class 1 events,device restart"`, `"ics.response":"ok"`,
			},
			{`"ics.object":"Binary Input With Status"`, `"ics.value":"1,0"`},
		}},
		{"direct operate", "c3 05 0c01 17 01 03 41 01 64000000 c8000000 00", "c3 81 0000 0c01 17 01 03 41 01 64000000 c8000000 04", [][]string{
			{`"ics.function":"DIRECT_OPERATE"`, `"ics.write":true`, `"ics.address":3`, `"ics.value":"Close Pulse On"`, `"on_time":"100"`, `"off_time":"200"`},
			{`"ics.response":"Not Supported"`, `"status":"Failure"`, `"ics.address":3`},
		}},
		{"two controls", "c3 03 0c01 28 0200 0300 81 01 00000000 00000000 00 0400 03 01 00000000 00000000 00", "c3 81 0004", [][]string{
			{`"ics.value":"Trip Pulse On"`, `"ics.address":3`},
			{`"ics.value":"Nul Latch On"`, `"ics.address":4`, `"part":"2"`},
			{`"ics.response":"parameter error"`},
		}},
		{"analog output", "c4 05 2902 17 01 07 3930 00", "c4 81 0000", [][]string{
			{`"ics.object":"16-Bit Analog Output Block"`, `"ics.value":"12345"`, `"ics.address":7`}, {`"ics.response":"ok"`},
		}},
		{"write time", "c5 02 3201 07 01 00f0d7b18901", "c5 81 0000", [][]string{
			{`"ics.function":"WRITE"`, `"ics.object":"Time and Date"`, `"ics.value":"1690905866240"`}, nil,
		}},
		{"restart", "c6 0d", "c6 81 0000 3402 07 01 e803", [][]string{
			{`"ics.function":"COLD_RESTART"`, `"ics.write":true`}, {`"ics.object":"Time Delay Fine"`, `"ics.value":"1000"`},
		}},
		{"packed bits", "c7 01 0101 00 0009", "c7 81 0000 0101 00 0009 0502", [][]string{
			{`"ics.address":0`, `"range_high":"9"`}, {`"ics.value":"1,0,1,0,0,0,0,0,0,1"`, `"ics.quantity":10`},
		}},
		{"device attribute", "c8 01 00fc 00 0000", "c8 81 0000 00fc 00 0000 01 04 41636d65", [][]string{
			{`"ics.object":"Device Attribute"`}, {`"ics.value":"Acme"`}, {`"identity.vendor":"Acme"`, `"device.ip":"192.0.2.20"`},
		}},
		{"range that runs backwards", "c8 01 1e02 00 0500", "c8 81 0001", [][]string{{`"status_detail":"malformed message"`}, {`"ics.response":"function code not supported"`}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			lines := icstest.Lines(t, Protocol(), "tcp",
				prototest.Say{Side: proto.Client, Data: framed(t, true, tc.ask)}, prototest.Say{Side: proto.Server, Data: framed(t, false, tc.tell)})
			icstest.Want(t, lines, tc.want...)
		})
	}
}

func TestLink(t *testing.T) {
	good := frameOf(0xc9, 10, 1, nil)
	bad := framed(t, true, "c0 01 3c0206")
	bad[len(bad)-3]++
	lines := icstest.Lines(t, Protocol(), "udp", prototest.Say{Data: append(good, bad...)})
	icstest.Want(t, lines, []string{`"ics.function":"REQUEST_LINK_STATUS"`}, []string{`"status_detail":"bad checksum"`})
}

// A fragment that misses a segment gives no event, and the next one does.
func TestLostSegment(t *testing.T) {
	long := framed(t, false, "c0 81 0000 1e02 00 0013 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000 01 0000")
	first := size(long)
	lines := icstest.Lines(t, Protocol(), "tcp", prototest.Say{Data: long[first:]}, prototest.Say{Data: long})
	icstest.Want(t, lines, []string{`"ics.quantity":20`})
}

func FuzzDecode(f *testing.F) {
	f.Add(icstest.Bytes(f, "c0 01 3c0206 3c0306 3c0106"), icstest.Bytes(f, "c0 81 8200 1e02 00 0203 01 1000 01 f0ff 0102 00 0001 81 01"), 7, true)
	f.Add(icstest.Bytes(f, "c3 05 0c01 17 01 03 41 01 64000000 c8000000 00"), icstest.Bytes(f, "c3 81 0000 0c01 17 01 03 41 01 64000000 c8000000 04"), 12, true)
	f.Add(icstest.Bytes(f, "c3 19 4603 5b 01 1f00 1a00 0400 000000000000 0000 00000000 00000000 0100 0004 0100 2f612f62"), icstest.Bytes(f, "c8 81 0000 00fc 00 0000 01 04 41636d65"), 12, true)
	f.Fuzz(func(t *testing.T, client, server []byte, cut int, wrap bool) {
		if wrap { // checksums keep a fuzzer from the objects
			client = frameOf(0xc4, 10, 1, append([]byte{0xc0}, client[:min(len(client), 240)]...))
			server = frameOf(0x44, 1, 10, append([]byte{0xc0}, server[:min(len(server), 240)]...))
		}
		icstest.Hold(t, Protocol(), "tcp", client, server, cut)
		icstest.Hold(t, Protocol(), "udp", client, server, cut)
	})
}

// A header may claim four thousand million objects of no bytes: none of them is
// looked at by itself. Objects that are not kept are counted as they were.
func TestManyOctetStrings(t *testing.T) {
	begun := time.Now()
	for name, c := range map[string]struct {
		digits string
		want   string
	}{
		"of no bytes":             {"c0 81 0000 6e00 09 ffffffff" + strings.Repeat("6e00 09 ffffffff", 100), strings.Repeat(",", ics.MaxValues-1) + ",..."},
		"more than are kept":      {"c0 81 0000 6e01 07 46" + strings.Repeat("61", 70), strings.Repeat("a,", ics.MaxValues) + "..."},
		"more than are there":     {"c0 81 0000 6e02 07 50" + strings.Repeat("6162", 70), strings.Repeat("ab,", ics.MaxValues) + "..."},
		"the last is not whole":   {"c0 81 0000 6e02 07 50" + strings.Repeat("6162", 70) + "61", strings.Repeat("ab,", ics.MaxValues) + "..."},
		"as many as are kept":     {"c0 81 0000 6e01 07 02 6162", "a,b"},
		"with numbers before all": {"c0 81 0000 6e01 17 46" + strings.Repeat("0961", 70), strings.Repeat("a,", ics.MaxValues) + "..."},
	} {
		lines := icstest.Lines(t, Protocol(), "tcp", prototest.Say{Side: proto.Server, Data: framed(t, false, c.digits)})
		if len(lines) == 0 || !strings.Contains(lines[0], `"ics.value":"`+c.want+`"`) {
			t.Errorf("%s: %.300q", name, lines)
			continue
		}
		if bad := strings.Contains(lines[0], "malformed message"); bad != (name == "the last is not whole") {
			t.Errorf("%s: malformed %v", name, bad)
		}
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}
