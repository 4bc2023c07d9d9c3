package mud

import "strconv"

// ProtocolWord is what an IP protocol is called in texts for people.
func ProtocolWord(n int) string {
	switch n {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ICMP, ICMPv6:
		return "icmp"
	}
	return "IP protocol " + strconv.Itoa(n)
}
