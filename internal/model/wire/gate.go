package wire

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
)

// gate dials. When it is pinned, it dials only addresses of the house: it looks
// the name up itself and hands the transport a connection to an address that it
// has judged, so that a name that changes its address between two requests, or
// between looking and dialling, leads nowhere else.
type gate struct {
	pinned   bool
	networks []netip.Prefix
	lookup   func(context.Context, string) ([]netip.Addr, error)
}

// errElsewhere is a name whose addresses are all outside the house.
var errElsewhere = errors.New("its address is not on loopback, in a private network or in a network that is configured for it")

func (g *gate) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	if !g.pinned {
		return d.DialContext(ctx, network, address)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	all, err := g.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	inside := slices.DeleteFunc(all, func(a netip.Addr) bool { return !Inside(a, g.networks) })
	if len(inside) == 0 {
		return nil, errElsewhere
	}
	var last error
	for _, a := range inside {
		conn, err := d.DialContext(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return conn, nil
		}
		last = err
		if ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

func (g *gate) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	lookup := g.lookup
	if lookup == nil {
		lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	found, err := lookup(ctx, host)
	if len(found) > 16 {
		found = found[:16]
	}
	return slices.Clone(found), err
}

// Inside reports whether an address is loopback, private (RFC 1918, RFC 4193)
// or in one of the networks. Link-local addresses are not: in clouds they give
// out keys.
func Inside(a netip.Addr, networks []netip.Prefix) bool {
	a = a.Unmap().WithZone("")
	if a.IsLoopback() || a.IsPrivate() {
		return true
	}
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}
