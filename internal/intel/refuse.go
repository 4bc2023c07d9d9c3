package intel

import (
	"net/netip"

	"golang.org/x/net/publicsuffix"
)

// leave is what a set may hold that others must not.
type leave uint8

const (
	strict     leave = iota
	privateToo       // ranges that are not on the internet
	everything       // an allow-list
)

// refuse tells what must not be in a set: what would match everyone.
func refuse(t Type, value string, may leave) error {
	switch t {
	case IP, Endpoint:
		addr, err := netip.ParseAddr(value)
		if t == Endpoint {
			var ap netip.AddrPort
			ap, err = netip.ParseAddrPort(value)
			addr = ap.Addr()
		}
		if err != nil {
			return ErrType
		}
		if may == strict && IsLocal(addr) {
			return ErrPrivate
		}
	case Subnet:
		p, err := netip.ParsePrefix(value)
		switch {
		case err != nil:
			return ErrType
		case may != everything && (p.Addr().Is4() && p.Bits() < 8 || p.Addr().Is6() && p.Bits() < 16):
			return ErrWide
		case may == strict && IsLocal(p.Addr()):
			return ErrPrivate
		}
	case Domain:
		if may != everything && isPublicSuffix(value) {
			return ErrSuffix
		}
	default:
	}
	return nil
}

// Refuse returns the [Problem] of an indicator in normal form that would match
// what everyone has: a public suffix, half of the internet, and unless private
// is said a range that is not on it.
func Refuse(t Type, value string, private bool) error {
	if private {
		return refuse(t, value, privateToo)
	}
	return refuse(t, value, strict)
}

var localRanges = func() []netip.Prefix {
	var out []netip.Prefix
	for _, text := range []string{"0.0.0.0/8", "100.64.0.0/10", "240.0.0.0/4"} {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}()

// IsLocal reports whether an address is private, local, shared, multicast or
// reserved, so that no indicator can mean it. The ranges for documentation are
// not among them.
func IsLocal(a netip.Addr) bool {
	a = a.Unmap()
	if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return true
	}
	if !a.Is4() {
		return false
	}
	for _, p := range localRanges {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// isPublicSuffix reports whether everyone may register names below it.
func isPublicSuffix(domain string) bool {
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix == domain
}
