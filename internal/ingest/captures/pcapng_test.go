package captures

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"vedette/internal/ingest"
)

// ngBlock is a block of pcapng, little-endian.
func ngBlock(kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	size := uint32(len(body) + 12)
	b := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, kind), size)
	return binary.LittleEndian.AppendUint32(append(b, body...), size)
}

// ng is a pcapng of packets from..to-1, one a second, with the names and the
// statistics that dumpcap writes between.
func ng(from, to int) []byte {
	b := ngBlock(0x0a0d0d0a, []byte("\x4d\x3c\x2b\x1a\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"))
	b = append(b, ngBlock(1, []byte("\x01\x00\x00\x00\x00\x00\x04\x00\x09\x00\x01\x00\x09\x00\x00\x00\x00\x00\x00\x00"))...) // nanoseconds
	for i := from; i < to; i++ {
		units := uint64(1_700_000_000+i) * 1e9
		var body []byte
		for _, v := range []uint32{0, uint32(units >> 32), uint32(units), 61, 61} {
			body = binary.LittleEndian.AppendUint32(body, v)
		}
		b = append(b, ngBlock(6, append(body, strings.Repeat(string(rune(i)), 61)...))...)
		b = append(b, ngBlock(5, make([]byte, 12))...)
	}
	return b
}

// Files of pcapng that rotate, some in gzip, are one stream as those of pcap are.
func TestPcapngRing(t *testing.T) {
	r := newRing(t)
	write(t, r.path("x_00001.pcapng"), ng(0, 3), r.now.Add(-3*time.Second))
	write(t, r.path("x_00002.pcapng.gz"), ng(3, 5), r.now.Add(-2*time.Second))
	rotate(t, r.path("x_00003.pcap"), 5, 7, r.now.Add(-time.Second))
	write(t, r.path("x_00004.pcapng"), ng(7, 9), r.now)
	r.round()
	r.want("abcdefg")
	r.start()
	r.now = r.now.Add(2 * time.Minute)
	r.round()
	r.want("abcdefghi")
	write(t, r.path("x_00004.pcapng"), ng(7, 12), r.now) // it grows after all
	write(t, r.path("x_00005.pcapng"), ng(12, 13), r.now.Add(time.Second))
	r.round()
	r.want("abcdefghijkl")
	if st := r.src.Status(); st.State != ingest.Running || st.Refused+st.Lost != 0 {
		t.Errorf("%+v", st)
	}
}

// A file that ends within a packet while it may be written to is no fault: the packet
// comes once it is whole. When another has begun and it is not, it is told, once.
func TestHalfWritten(t *testing.T) {
	for name, c := range map[string]struct {
		made func(from, to int) []byte
		tail int // bytes after the last packet
	}{
		"pcap":   {func(from, to int) []byte { return rotate(t, t.TempDir()+"/x", from, to, time.Now()) }, 0},
		"pcapng": {ng, 24},
	} {
		r := newRing(t)
		whole := c.made(0, 5)
		// it is cut within packet after packet, in its head and in its bytes
		for _, left := range []int{len(whole) - len(c.made(0, 1)) + 3 - c.tail, 250, 130, 100, 75, 11, 1} {
			write(t, r.path("x2"), whole[:len(whole)-left-c.tail], r.now)
			r.now = r.now.Add(2 * time.Minute)
			r.round()
			r.round()
			if st := r.src.Status(); st.State != ingest.Running || st.Refused != 0 {
				t.Errorf("%s without %d: %+v", name, left, st)
			}
			if left == 100 {
				r.start()
			}
		}
		r.want("abcd")
		write(t, r.path("x3"), c.made(7, 9), r.now) // the next has begun
		r.round()
		r.round()
		if st := r.src.Status(); st.State != ingest.Failing || st.Refused != 1 || !strings.Contains(st.Text, "x2 cannot be read to its end") || !strings.Contains(st.Text, "cut off") {
			t.Errorf("%s: %+v", name, st)
		}
		write(t, r.path("x2"), whole, r.now.Add(-time.Second)) // somebody brought the rest
		r.round()
		r.want("abcde")
		r.now = r.now.Add(2 * time.Minute)
		r.round()
		r.want("abcdehi")
		if st := r.src.Status(); st.State != ingest.Running || st.Refused != 1 {
			t.Errorf("%s at the end: %+v", name, st)
		}
	}
}
