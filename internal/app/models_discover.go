package app

import (
	"context"
	"net/netip"

	"vedette/internal/model/discover"
)

// ModelServer is a model server that was found.
type ModelServer = discover.Server

// DiscoverModels looks for model servers on this machine and on the hosts that
// were named; networks are where the address of a host may be besides the
// private ones. It asks nobody else and changes nothing.
func DiscoverModels(ctx context.Context, hosts []string, networks []netip.Prefix) ([]ModelServer, error) {
	return discover.Look(ctx, discover.Options{Hosts: hosts, Networks: networks})
}
