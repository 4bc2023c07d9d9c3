package dnp3

import "vedette/internal/normalize/wire/ot/ics"

const (
	linkHead  = 10 // of a frame's header, with its checksum
	blockSize = 16 // user data under one checksum
)

// checksum is the CRC of IEEE 1815-2012, section 9.2.4.3: the polynomial
// 0x3d65, bits reversed, complemented, the low byte first.
func checksum(b []byte) int {
	crc := uint16(0)
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			low := crc & 1
			crc >>= 1
			if low != 0 {
				crc ^= 0xa6bc
			}
		}
	}
	return int(^crc)
}

// size tells the length of a link frame whose header is sound.
func size(b []byte) int {
	if len(b) > 0 && b[0] != 0x05 || len(b) > 1 && b[1] != 0x64 {
		return -1
	}
	if len(b) < linkHead {
		return 0
	}
	n := int(b[2]) - 5
	if n < 0 || ics.NewReader(b[8:]).LE16() != checksum(b[:8]) {
		return -1
	}
	return linkHead + n + 2*((n+blockSize-1)/blockSize)
}

// frame is a link frame (IEEE 1815-2012, clause 9).
type frame struct {
	toOutstation bool // DIR: the master sent it
	primary      bool // PRM: it begins an exchange
	function     int
	dst, src     int
	data         []byte // user data without checksums
	sound        bool   // all checksums fit
}

func readFrame(b []byte) frame {
	control := b[3]
	r := ics.NewReader(b[4:])
	f := frame{toOutstation: control&0x80 != 0, primary: control&0x40 != 0, function: int(control & 0x0f), dst: r.LE16(), src: r.LE16(), sound: true}
	r.Skip(2)
	for r.Len() > 2 {
		block := r.Bytes(min(blockSize, r.Len()-2))
		f.sound = f.sound && r.LE16() == checksum(block)
		f.data = append(f.data, block...)
	}
	return f
}

// outstation is the address of the side that is controlled.
func (f *frame) outstation() int {
	if f.toOutstation {
		return f.dst
	}
	return f.src
}

// The functions of the link layer that carry no user data (table 9-1), and
// those that do.
var (
	primaryNames   = map[int]string{0: "RESET_LINK_STATES", 1: "RESET_USER_PROCESS", 2: "TEST_LINK_STATES", 3: "CONFIRMED_USER_DATA", 4: "UNCONFIRMED_USER_DATA", 9: "REQUEST_LINK_STATUS"}
	secondaryNames = map[int]string{0: "ACK", 1: "NACK", 11: "LINK_STATUS", 15: "NOT_SUPPORTED"}
)

const (
	confirmedData   = 3
	unconfirmedData = 4
)

// hasData tells whether a frame carries a transport segment.
func (f *frame) hasData() bool {
	return f.primary && (f.function == confirmedData || f.function == unconfirmedData)
}

// maxFragment bounds a reassembled application fragment; devices announce
// 2048 bytes at most by default (clause 8.2).
const (
	maxFragment = 8192
	maxPartners = 32
)

type partners struct{ src, dst int }

// segments puts transport segments together (clause 8), for each pair of
// addresses that speaks.
type segments struct{ of map[partners]*assembly }

type assembly struct {
	data []byte
	next byte
}

// add returns a complete application fragment, or nil.
func (s *segments) add(f *frame) []byte {
	if len(f.data) == 0 {
		return nil
	}
	head, body := f.data[0], f.data[1:]
	const fin, fir, seqMask = 0x80, 0x40, 0x3f
	who := partners{f.src, f.dst}
	if head&(fin|fir) == fin|fir {
		delete(s.of, who)
		return body
	}
	a := s.of[who]
	switch {
	case head&fir != 0:
		if s.of == nil || len(s.of) >= maxPartners {
			s.of = make(map[partners]*assembly)
		}
		a = &assembly{}
		s.of[who] = a
	case a == nil || a.next != head&seqMask || len(a.data)+len(body) > maxFragment:
		delete(s.of, who)
		return nil
	}
	a.data, a.next = append(a.data, body...), (head+1)&seqMask
	if head&fin == 0 {
		return nil
	}
	delete(s.of, who)
	return a.data
}
