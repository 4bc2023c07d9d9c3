package capfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// all are the packets of a file, and the error that ended it if it was not its end.
func all(data []byte) (out []Packet, offsets []int64, err error) {
	next := Cut(bufio.NewReaderSize(bytes.NewReader(data), 4096))
	for {
		raw, at, err := next()
		if errors.Is(err, io.EOF) {
			return out, offsets, nil
		}
		if err != nil {
			return out, offsets, err
		}
		p, err := Parse(raw)
		if err != nil {
			return out, offsets, err
		}
		p.Data = bytes.Clone(p.Data)
		out, offsets = append(out, p), append(offsets, at)
	}
}

type writer struct {
	bytes.Buffer
	order binary.AppendByteOrder
}

func (w *writer) u32(vs ...uint32) *writer {
	for _, v := range vs {
		w.Write(w.order.AppendUint32(nil, v))
	}
	return w
}

func (w *writer) u16(vs ...uint16) *writer {
	for _, v := range vs {
		w.Write(w.order.AppendUint16(nil, v))
	}
	return w
}

// block writes a block of pcapng around a body.
func (w *writer) block(kind uint32, body func(*writer)) {
	in := &writer{order: w.order}
	body(in)
	for in.Len()%4 != 0 {
		in.WriteByte(0)
	}
	size := uint32(in.Len() + 12)
	w.u32(kind, size)
	w.Write(in.Bytes())
	w.u32(size)
}

var at = time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)

func TestPcap(t *testing.T) {
	for name, c := range map[string]struct {
		magic uint32
		order binary.AppendByteOrder
		frac  uint32
		want  time.Time
		extra int
	}{
		"micro, little":  {magicMicro, binary.LittleEndian, 678901, at.Truncate(time.Microsecond), 0},
		"micro, big":     {magicMicro, binary.BigEndian, 678901, at.Truncate(time.Microsecond), 0},
		"nano, little":   {magicNano, binary.LittleEndian, 678901234, at, 0},
		"nano, big":      {magicNano, binary.BigEndian, 678901234, at, 0},
		"longer headers": {magicModified, binary.LittleEndian, 678901, at.Truncate(time.Microsecond), 8},
	} {
		w := &writer{order: c.order}
		w.u32(c.magic).u16(2, 4).u32(0, 0, 65535, 1)
		for _, text := range []string{"one", "four"} {
			w.u32(uint32(at.Unix()), c.frac, uint32(len(text)), 60)
			w.Write(make([]byte, c.extra))
			w.WriteString(text)
		}
		if !Detect(w.Bytes()) {
			t.Errorf("%s: not detected", name)
		}
		got, offsets, err := all(w.Bytes())
		want := []Packet{{Time: c.want, Link: 1, Orig: 60, Data: []byte("one")}, {Time: c.want, Link: 1, Orig: 60, Data: []byte("four")}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
		if diff := cmp.Diff([]int64{24, int64(24 + 16 + c.extra + 3)}, offsets); diff != "" {
			t.Errorf("%s: offsets %s", name, diff)
		}
		got, _, err = all(w.Bytes()[:w.Len()-1])
		if len(got) != 1 || err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("%s, cut off: %d packets, %v", name, len(got), err)
		}
	}
}

func TestAbsurdLengths(t *testing.T) {
	w := &writer{order: binary.LittleEndian}
	w.u32(magicMicro).u16(2, 4).u32(0, 0, 65535, 1).u32(1, 2, 0xfffffff0, 60)
	if _, _, err := all(w.Bytes()); err == nil || !strings.Contains(err.Error(), "4294967280 bytes") {
		t.Errorf("pcap: %v", err)
	}
	for _, size := range []uint32{0, 8, 13, 1 << 30} {
		w = section(binary.LittleEndian)
		w.u32(blockEnhanced, size, 0, 0, 0, 0)
		if _, _, err := all(w.Bytes()); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("pcapng with a block of %d: %v", size, err)
		}
	}
}

func section(order binary.AppendByteOrder) *writer {
	w := &writer{order: order}
	w.block(blockSection, func(b *writer) { b.u32(orderMagic).u16(1, 0).u32(0xffffffff, 0xffffffff) })
	return w
}

func TestPcapng(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		w := section(order)
		w.block(blockInterface, func(b *writer) { b.u16(1, 0).u32(0) })
		w.block(blockInterface, func(b *writer) { // nanoseconds, one hour off
			b.u16(101, 0).u32(0).u16(9, 1)
			b.Write([]byte{9, 0, 0, 0})
			b.u16(14, 8)
			if order == binary.AppendByteOrder(binary.BigEndian) {
				b.u32(0, 3600)
			} else {
				b.u32(3600, 0)
			}
			b.u16(0, 0)
		})
		w.block(4, func(b *writer) { b.WriteString("names, passed over") })
		packet := func(id uint32, units uint64, text string) {
			w.block(blockEnhanced, func(b *writer) {
				b.u32(id, uint32(units>>32), uint32(units), uint32(len(text)), 99)
				b.WriteString(text)
			})
		}
		packet(0, uint64(at.UnixMicro()), "first")
		packet(1, uint64(at.UnixNano()), "second")
		w.block(blockPacket, func(b *writer) {
			b.u16(0, 7).u32(uint32(uint64(at.UnixMicro())>>32), uint32(at.UnixMicro()), 3, 98)
			b.WriteString("old")
		})
		w.block(blockSimple, func(b *writer) { b.u32(6); b.WriteString("simple") })
		w.block(blockSection, func(b *writer) { b.u32(orderMagic).u16(1, 0).u32(0xffffffff, 0xffffffff) })
		w.block(blockInterface, func(b *writer) { // 2^-10 seconds
			b.u16(113, 0).u32(0).u16(9, 1)
			b.Write([]byte{0x8a, 0, 0, 0})
		})
		packet(0, 512+1024*uint64(at.Unix()), "third")

		micro := at.Truncate(time.Microsecond)
		want := []Packet{
			{Time: micro, Link: 1, Orig: 99, Data: []byte("first")},
			{Time: at.Add(time.Hour), Link: 101, Orig: 99, Data: []byte("second")},
			{Time: micro, Link: 1, Orig: 98, Data: []byte("old")},
			{Time: time.Time{}, Link: 1, Orig: 6, Data: []byte("simple")},
			{Time: time.Unix(at.Unix(), 500_000_000).UTC(), Link: 113, Orig: 99, Data: []byte("third")},
		}
		got, _, err := all(w.Bytes())
		if diff := cmp.Diff(want, got); diff != "" || err != nil || !Detect(w.Bytes()) {
			t.Errorf("%v: %v %s", order, err, diff)
		}
	}
}

func TestUndeclaredInterface(t *testing.T) {
	w := section(binary.LittleEndian)
	w.block(blockEnhanced, func(b *writer) { b.u32(0, 0, 0, 0, 0) })
	if _, _, err := all(w.Bytes()); err == nil || !strings.Contains(err.Error(), "not declared") {
		t.Error(err)
	}
}

func TestAppendParse(t *testing.T) {
	want := Packet{Time: at, Link: 276, Orig: 1500, Data: []byte("data")}
	got, err := Parse(Append(nil, want))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if _, err := Parse([]byte("short")); err == nil {
		t.Error("a short record was taken")
	}
}

// FuzzCut holds that packets are never longer than the file, that offsets
// grow, and that reading ends.
func FuzzCut(f *testing.F) {
	w := &writer{order: binary.LittleEndian}
	w.u32(magicMicro).u16(2, 4).u32(0, 0, 65535, 1).u32(1, 2, 3, 60)
	w.WriteString("abc")
	f.Add(w.Bytes())
	n := section(binary.BigEndian)
	n.block(blockInterface, func(b *writer) { b.u16(1, 0).u32(0) })
	n.block(blockEnhanced, func(b *writer) { b.u32(0, 1, 2, 3, 60); b.WriteString("abc") })
	n.block(blockSimple, func(b *writer) { b.u32(3); b.WriteString("abc") })
	f.Add(n.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		got, offsets, _ := all(data)
		last := int64(-1)
		for i, p := range got {
			if len(p.Data) > len(data) || offsets[i] <= last {
				t.Fatalf("packet %d of %d bytes at %d after %d in a file of %d", i, len(p.Data), offsets[i], last, len(data))
			}
			last = offsets[i]
		}
	})
}
