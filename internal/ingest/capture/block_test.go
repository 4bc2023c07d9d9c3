package capture

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

	"vedette/internal/normalize/wire/capfile"
)

// wired is a packet to be written as the kernel does.
type wired struct {
	at       int64
	hardware uint16
	kind     uint8
	data     string
	orig     int
	tpid     uint16 // 0: no tag was taken off
	tci      uint16
}

// blockOf writes a block of a ring of version 3.
func blockOf(packets ...wired) []byte {
	order := binary.NativeEndian
	b := make([]byte, blockHead)
	order.PutUint32(b, 2)
	order.PutUint32(b[blockStatus:], 1)
	order.PutUint32(b[blockCount:], uint32(len(packets)))
	order.PutUint32(b[blockFirst:], blockHead)
	for i, p := range packets {
		const mac = 82
		head := make([]byte, (mac+len(p.data)+15)/16*16)
		if i < len(packets)-1 {
			order.PutUint32(head, uint32(len(head)))
		}
		order.PutUint32(head[packetSeconds:], uint32(p.at/1e9))
		order.PutUint32(head[packetNanos:], uint32(p.at%1e9))
		order.PutUint32(head[packetCaptured:], uint32(len(p.data)))
		order.PutUint32(head[packetLength:], uint32(max(p.orig, len(p.data))))
		order.PutUint16(head[packetMAC:], mac)
		if p.tpid != 0 {
			order.PutUint32(head[packetStatus:], 1|statusVLAN|statusTPID)
			order.PutUint32(head[packetTCI:], uint32(p.tci))
			order.PutUint16(head[packetTPID:], p.tpid)
		}
		order.PutUint16(head[packetHardware:], p.hardware)
		head[packetKind] = p.kind
		copy(head[mac:], p.data)
		b = append(b, head...)
	}
	order.PutUint32(b[blockLength:], uint32(len(b)))
	return b
}

// packetsOf reads what a source hands on, as the parser does.
func packetsOf(t *testing.T, b []byte) (out []capfile.Packet) {
	t.Helper()
	next := capfile.CutParts(bufio.NewReader(bytes.NewReader(b)))
	for {
		raw, _, err := next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		p, err := capfile.Parse(bytes.Clone(raw))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
}

func TestBlock(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	got, n, err := appendBlock(nil, blockOf(
		wired{at: at.UnixNano(), hardware: hardwareEther, data: "aaaaaabbbbbbTTx", orig: 1500},
		wired{at: at.UnixNano(), hardware: hardwareLoopback, data: "twice", kind: packetOutgoing},
		wired{at: at.UnixNano() + 1, hardware: hardwareEther, data: "aaaaaabbbbbbTTy", tpid: 0x88a8, tci: 0x2005},
		wired{at: at.UnixNano(), hardware: hardwareRadiotap, data: "radio"},
		wired{at: at.UnixNano(), hardware: 65534, data: "tunnel and what is beyond the snap"},
	), 20)
	want := []capfile.Packet{
		{Time: at, Link: 1, Orig: 1500, Data: []byte("aaaaaabbbbbbTTx")},
		{Time: at.Add(1), Link: 1, Orig: 19, Data: []byte("aaaaaabbbbbb\x88\xa8\x20\x05TTy")},
		{Time: at, Link: 127, Orig: 5, Data: []byte("radio")},
		{Time: at, Link: 101, Orig: 34, Data: []byte("tunnel and what is b")},
	}
	if diff := cmp.Diff(want, packetsOf(t, got)); diff != "" || n != 4 || err != nil {
		t.Errorf("%d, %v\n%s", n, err, diff)
	}
}

// What a block says of itself is not believed.
func TestHostileBlocks(t *testing.T) {
	order := binary.NativeEndian
	at := func(n int) int { return blockHead + n }
	whole := func() []byte {
		return blockOf(wired{hardware: 1, data: "first packet"}, wired{hardware: 1, data: "second packet"})
	}
	for name, c := range map[string]struct {
		spoil func(b []byte) []byte
		want  int // packets before it
		bad   bool
	}{
		"no room for a head":        {func(b []byte) []byte { return b[:blockHead-1] }, 0, true},
		"more packets than there":   {func(b []byte) []byte { order.PutUint32(b[blockCount:], 1<<31); return b }, 2, true},
		"none":                      {func(b []byte) []byte { order.PutUint32(b[blockCount:], 0); return b }, 0, false},
		"the first in the head":     {func(b []byte) []byte { order.PutUint32(b[blockFirst:], 8); return b }, 0, true},
		"the first far away":        {func(b []byte) []byte { order.PutUint32(b[blockFirst:], 1<<32-1); return b }, 0, true},
		"a length that cuts":        {func(b []byte) []byte { order.PutUint32(b[blockLength:], 200); return b }, 1, true},
		"a length that is too much": {func(b []byte) []byte { order.PutUint32(b[blockLength:], 1<<32-1); return b }, 2, false},
		"a step of nothing":         {func(b []byte) []byte { order.PutUint32(b[at(0):], 0); return b }, 1, true},
		"a step within the head":    {func(b []byte) []byte { order.PutUint32(b[at(0):], 16); return b }, 1, true},
		"a step beyond":             {func(b []byte) []byte { order.PutUint32(b[at(0):], 1<<32-16); return b }, 1, true},
		"bytes in the head":         {func(b []byte) []byte { order.PutUint16(b[at(packetMAC):], 0); return b }, 0, true},
		"bytes beyond":              {func(b []byte) []byte { order.PutUint16(b[at(packetMAC):], 0xffff); return b }, 0, true},
		"more bytes than there":     {func(b []byte) []byte { order.PutUint32(b[at(packetCaptured):], 1<<32-1); return b }, 0, true},
	} {
		got, n, err := appendBlock(nil, c.spoil(whole()), MaxSnap)
		if len(packetsOf(t, got)) != n || n != c.want || (err != nil) != c.bad {
			t.Errorf("%s: %d packets, %v", name, n, err)
		}
	}
}

// FuzzBlock: whatever is in a block, what comes out is what the parser reads, no more
// than the block has, and its own bytes.
func FuzzBlock(f *testing.F) {
	f.Add(blockOf(wired{hardware: 1, data: "first packet"}, wired{hardware: 1, data: "second packet", tpid: 0x8100, tci: 5}), 65535)
	f.Add(blockOf(wired{hardware: hardwareLoopback, data: "x", kind: packetOutgoing}), 0)
	f.Add([]byte(strings.Repeat("\x44", 400)), 9)
	f.Fuzz(func(t *testing.T, block []byte, snap int) {
		snap = min(max(snap, 0), MaxSnap)
		before := bytes.Clone(block)
		out, n, err := appendBlock([]byte("kept"), block, snap)
		if !bytes.Equal(before, block) {
			t.Fatal("the block was changed")
		}
		out, ok := bytes.CutPrefix(out, []byte("kept"))
		if !ok || len(out) > len(block) {
			t.Fatalf("%d bytes of %d", len(out), len(block))
		}
		list := packetsOf(t, out)
		if len(list) != n {
			t.Fatalf("%d packets of %d, %v", len(list), n, err)
		}
		for _, p := range list {
			if len(p.Data) > snap+4 {
				t.Fatalf("%d bytes of at most %d", len(p.Data), snap)
			}
		}
	})
}

func TestToll(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for name, c := range map[string]struct {
		toll toll
		look look
		want []string
	}{
		"a small ring": {toll{ring: 64 << 20}, look{packets: 1000, drops: 31, span: lossEvery}, []string{"lost 3.1 % of 1000 packets within 10s", "ring: 128MB", "snap: 256"}},
		"half a ring":  {toll{ring: MaxRing / 2}, look{packets: 1000, drops: 31, span: lossEvery}, []string{"ring: 1GB"}},
		"the largest":  {toll{ring: MaxRing}, look{packets: 1000, drops: 1, span: lossEvery}, []string{"as large as it may be"}},
		"a slow spool": {toll{ring: 64 << 20}, look{packets: 1000, drops: 1, span: lossEvery, stalled: 2 * time.Second}, []string{"slower than they come"}},
		"no ring":      {toll{}, look{packets: 1000, drops: 1, span: lossEvery}, []string{"no ring"}},
		"odd counts":   {toll{}, look{drops: 5, span: lossEvery}, []string{"lost 100 % of 5"}},
		"none":         {toll{}, look{packets: 1000}, nil},
	} {
		got := c.toll.told(c.look, now)
		for _, w := range c.want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: %q has no %q", name, got, w)
			}
		}
		if c.want == nil && got != "" {
			t.Errorf("%s: %q", name, got)
		}
		if later := c.toll.told(look{packets: 9}, now.Add(lossShown/2)); later != got {
			t.Errorf("%s: a little later %q", name, later)
		}
		if later := c.toll.told(look{packets: 9}, now.Add(lossShown)); later != "" {
			t.Errorf("%s: long after %q", name, later)
		}
	}
}
