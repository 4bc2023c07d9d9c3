package asset

import (
	"net/netip"
	"strings"
)

// scope says what an address can tell about identity.
type scope uint8

const (
	scopeNone      scope = iota // multicast, broadcast, unspecified or no address: never a device
	scopeLoopback               // the reporting host itself, whichever that is
	scopeLinkLocal              // unique on one cable only: identifies nothing without a MAC
	scopeLocal                  // ours: private, shared (RFC 6598), benchmark, unique local, or configured
	scopeExternal               // somebody else's
)

var (
	sharedSpace    = netip.MustParsePrefix("100.64.0.0/10")
	benchmarkSpace = netip.MustParsePrefix("198.18.0.0/15")
	thisNetwork    = netip.MustParsePrefix("0.0.0.0/8")
	reservedSpace  = netip.MustParsePrefix("240.0.0.0/4") // holds the limited broadcast address
)

// scopeOf classifies an address without looking at the configuration.
func scopeOf(a netip.Addr) scope {
	switch {
	case !a.IsValid(), a.IsUnspecified(), a.IsMulticast(), thisNetwork.Contains(a), reservedSpace.Contains(a):
		return scopeNone
	case a.IsLoopback():
		return scopeLoopback
	case a.IsLinkLocalUnicast():
		return scopeLinkLocal
	case a.IsPrivate(), sharedSpace.Contains(a), benchmarkSpace.Contains(a):
		return scopeLocal
	}
	return scopeExternal
}

// mayBeBroadcast reports whether the address looks like the network or the
// broadcast address of a subnet whose size is not known. Such an address is a
// device only when it sends.
func mayBeBroadcast(a netip.Addr) bool {
	if !a.Is4() {
		return false
	}
	last := a.As4()[3]
	return last == 0 || last == 255
}

// isEdgeOf reports whether the address is the network or broadcast address of
// the IPv4 subnet.
func isEdgeOf(p netip.Prefix, a netip.Addr) bool {
	if !a.Is4() || !p.Addr().Is4() || p.Bits() > 30 {
		return false
	}
	b := a.As4()
	host := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	mask := uint32(1)<<(32-p.Bits()) - 1
	return host&mask == 0 || host&mask == mask
}

// neighbours reports whether two addresses look like one subnet: the same /24,
// or the same /64.
func neighbours(a, b netip.Addr) bool {
	bits := 24
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	return err == nil && p.Contains(b)
}

// macFromEUI64 returns the MAC that is built into an IPv6 address by the
// modified EUI-64 rule, or "".
func macFromEUI64(a netip.Addr) string {
	if !a.Is6() || a.Is4In6() {
		return ""
	}
	b := a.As16()
	if b[11] != 0xff || b[12] != 0xfe || b[8]&2 == 0 { // without the bit the MAC would be locally administered
		return ""
	}
	return formatMAC([6]byte{b[8] ^ 2, b[9], b[10], b[13], b[14], b[15]})
}

// CanonicalMAC returns a MAC as lower-case hex pairs with colons; it reads
// colons, hyphens, dots and bare digits. Group, broadcast and zero addresses
// identify no device and are refused.
func CanonicalMAC(s string) (string, bool) {
	if isCanonicalMAC(s) {
		return s, isStationMAC(s)
	}
	var mac [6]byte
	digits := 0
	for i := range len(s) {
		switch c := s[i]; c {
		case ':', '-', '.', ' ':
		default:
			d, ok := hexDigit(c)
			if !ok || digits == 12 {
				return "", false
			}
			mac[digits/2] = mac[digits/2]<<4 | d
			digits++
		}
	}
	if digits != 12 {
		return "", false
	}
	out := formatMAC(mac)
	return out, isStationMAC(out)
}

func isCanonicalMAC(s string) bool {
	if len(s) != 17 {
		return false
	}
	for i := range 17 {
		if c := s[i]; i%3 == 2 {
			if c != ':' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// isStationMAC reports whether a canonical MAC can belong to one interface.
func isStationMAC(s string) bool {
	d, _ := hexDigit(s[1])
	return d&1 == 0 && s != "00:00:00:00:00:00"
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func formatMAC(b [6]byte) string {
	const hex = "0123456789abcdef"
	var out strings.Builder
	for i, v := range b {
		if i > 0 {
			out.WriteByte(':')
		}
		out.WriteByte(hex[v>>4])
		out.WriteByte(hex[v&15])
	}
	return out.String()
}
