package wire

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // G505: the community id is defined with SHA-1; nothing is secured by it
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
)

// key is what both directions of a flow have in common: its ends, the smaller
// first. Ends of Ethernet are MACs, and their ports the EtherType.
type key struct {
	addr   [2][16]byte
	port   [2]uint16
	family uint8
	proto  uint8
}

// keyOf is the key of a packet, and the place that its sender has in it.
func keyOf(p *packet) (k key, sender int) {
	c := bytes.Compare(p.addr[0][:], p.addr[1][:])
	if c > 0 || c == 0 && p.port[0] > p.port[1] {
		sender = 1
	}
	k.addr[sender], k.addr[1-sender] = p.addr[0], p.addr[1]
	k.port[sender], k.port[1-sender] = p.port[0], p.port[1]
	k.family, k.proto = p.family, p.proto
	if p.family == familyEther {
		k.proto = 0
	}
	return k, sender
}

// ip is one end of the key as an address.
func (k *key) ip(end int) netip.Addr {
	switch k.family {
	case familyIPv4:
		return netip.AddrFrom4([4]byte(k.addr[end][:4]))
	case familyIPv6:
		return netip.AddrFrom16(k.addr[end])
	}
	return netip.Addr{}
}

// uid names a flow: the same whenever the same capture is read again. The
// number tells apart flows of the same ends.
func (k *key) uid(at int64, number uint64) string {
	var b [64]byte
	n := copy(b[:], k.addr[0][:])
	n += copy(b[n:], k.addr[1][:])
	for _, v := range []uint64{uint64(k.port[0])<<32 | uint64(k.port[1])<<16 | uint64(k.proto), uint64(at), number} { //nolint:gosec // G115: only the bits matter
		binary.BigEndian.PutUint64(b[n:], v)
		n += 8
	}
	sum := sha256.Sum256(b[:n])
	var text [17]byte
	text[0] = 'C'
	hex.Encode(text[1:], sum[:8])
	return string(text[:])
}

// community is the Community ID of a flow, version 1 with seed 0
// (https://github.com/corelight/community-id-spec), or "" for what has none.
// Its ends are ordered by address and port, but for ICMP messages that have no
// answer, which go from the client to the server.
func (k *key) community(client int) string {
	size := 4
	switch k.family {
	case familyIPv6:
		size = 16
	case familyIPv4:
	default:
		return ""
	}
	first := 0
	if k.proto == protoICMP || k.proto == protoICMPv6 {
		if _, two := icmpAnswer(k.proto, uint8(k.port[client])); !two { //nolint:gosec // G115: a type of ICMP
			first = client
		}
	}
	b := make([]byte, 2, 48)
	b = append(b, k.addr[first][:size]...)
	b = append(b, k.addr[1-first][:size]...)
	b = append(b, k.proto, 0)
	if k.proto == protoTCP || k.proto == protoUDP || k.proto == protoICMP || k.proto == protoICMPv6 || k.proto == 132 {
		b = binary.BigEndian.AppendUint16(b, k.port[first])
		b = binary.BigEndian.AppendUint16(b, k.port[1-first])
	}
	sum := sha1.Sum(b) //nolint:gosec // G401: as above
	return "1:" + base64.StdEncoding.EncodeToString(sum[:])
}

// maxNames bounds how many addresses are kept as text.
const maxNames = 8192

// names keeps addresses as text, so that the flows of a host share it.
type names struct {
	ips  map[netip.Addr]string
	macs map[[6]byte]string
}

func (n *names) ip(a netip.Addr) string {
	if s, ok := n.ips[a]; ok {
		return s
	}
	if n.ips == nil || len(n.ips) >= maxNames {
		n.ips = make(map[netip.Addr]string)
	}
	s := a.Unmap().WithZone("").String()
	n.ips[a] = s
	return s
}

func (n *names) mac(m [6]byte) string {
	if s, ok := n.macs[m]; ok {
		return s
	}
	if n.macs == nil || len(n.macs) >= maxNames {
		n.macs = make(map[[6]byte]string)
	}
	var text [17]byte
	for i, v := range m {
		const digits = "0123456789abcdef"
		text[3*i], text[3*i+1] = digits[v>>4], digits[v&15]
		if i < 5 {
			text[3*i+2] = ':'
		}
	}
	s := string(text[:])
	n.macs[m] = s
	return s
}
