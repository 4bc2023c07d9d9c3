package intel_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"vedette/internal/intel"
)

// large is a set of n domains, n addresses and n hashes.
func large(b *testing.B, n int) *intel.Set {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	build := intel.NewBuilder()
	for range n {
		v := rng.Uint32()
		_ = build.Add(intel.Indicator{Type: intel.IP, Value: netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}).String()}) // private ones are refused
		_ = build.Add(intel.Indicator{Type: intel.Domain, Value: fmt.Sprintf("%x.example", rng.Uint64())})
		_ = build.Add(intel.Indicator{Type: intel.SHA256, Value: fmt.Sprintf("%016x%016x%016x%016x", rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64())})
	}
	return build.Build()
}

func BenchmarkLookUp(b *testing.B) {
	s := large(b, 1_000_000)
	rng := rand.New(rand.NewPCG(2, 2))
	const ring = 1 << 16
	names, hashes, addrs := make([]string, ring), make([]string, ring), make([]netip.Addr, ring)
	for i := range ring {
		v := rng.Uint32()
		addrs[i] = netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
		names[i] = fmt.Sprintf("www.%x.example", rng.Uint64())
		hashes[i] = fmt.Sprintf("%016x%016x%016x%016x", rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64())
	}
	run := func(name string, f func(i int)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				f(i % ring)
			}
		})
	}
	run("ip", func(i int) { s.IP(addrs[i], now) })
	run("domain", func(i int) { s.Domain(names[i], now) })
	run("url", func(i int) { s.URL(names[i], 0, "/some/path?with=query", now) })
	run("sha256", func(i int) { s.Hash(hashes[i], now) })
}
