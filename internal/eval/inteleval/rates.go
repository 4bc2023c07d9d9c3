package inteleval

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"

	"vedette/internal/intel"
)

// kept are indicators of a set again, and strangers.
type kept struct {
	addrs, strangers       []netip.Addr
	names, strangeNames    []string
	urls, strangeURLs      [][2]string // host and path
	hashes, strangerHashes []string
}

// again makes up to n of what fill made, by the same seed, and as many that
// it did not and no subnet of the set is around.
func again(s *intel.Set, cfg Config, n int) kept {
	var k kept
	rng := rand.New(rand.NewPCG(cfg.Seed, cfg.Seed)) //nolint:gosec // G404: made-up data
	for i := 0; i < cfg.Indicators && (len(k.addrs) < n || len(k.names) < n); i++ {
		rng.IntN(30 * 24)
		rng.IntN(200)
		switch t, value := made(rng); {
		case t == intel.IP && len(k.addrs) < n:
			k.addrs = append(k.addrs, netip.MustParseAddr(value))
		case t == intel.Domain && len(k.names) < n:
			k.names = append(k.names, value)
		case t == intel.URL && len(k.urls) < n:
			host, path, _ := strings.Cut(value, "/")
			k.urls = append(k.urls, [2]string{host, "/" + path})
		case t == intel.SHA256 && len(k.hashes) < n:
			k.hashes = append(k.hashes, value)
		}
	}
	other := rand.New(rand.NewPCG(cfg.Seed+1000, 7)) //nolint:gosec // G404: made-up data
	for range n {
		a := public(other)
		for _, hit := s.IP(a, at); hit; _, hit = s.IP(a, at) {
			a = public(other)
		}
		k.strangers = append(k.strangers, a)
		k.strangeNames = append(k.strangeNames, "www."+domain(other))
		k.strangeURLs = append(k.strangeURLs, [2]string{domain(other), "/" + word(other) + "/" + word(other)})
		k.strangerHashes = append(k.strangerHashes, fmt.Sprintf("%016x%016x%016x%016x", other.Uint64(), other.Uint64(), other.Uint64(), other.Uint64()))
	}
	sideBySide(k.strangeNames)
	sideBySide(k.strangerHashes)
	return k
}

// sideBySide puts texts into memory in the order in which they are asked for,
// so that reaching the question costs as little as in a stream of events.
func sideBySide(texts []string) {
	all := strings.Join(texts, "")
	for i, t := range texts {
		texts[i], all = all[:len(t)], all[len(t):]
	}
}

// ring is how many different questions are asked; more than caches hold.
const ring = 1 << 18

func rates(s *intel.Set, cfg Config) []Rate {
	k := again(s, cfg, min(ring, cfg.Queries))
	n := cfg.Queries
	out := []Rate{
		best("IPv4, misses (and the subnets around)", n, func(i int) bool { _, ok := s.IP(k.strangers[i%len(k.strangers)], before); return ok }),
		best("domains, misses, 3 or 4 labels with their suffixes", n, func(i int) bool {
			_, ok := s.Domain(k.strangeNames[i%len(k.strangeNames)], before)
			return ok
		}),
		best("URLs, misses", n, func(i int) bool {
			u := k.strangeURLs[i%len(k.strangeURLs)]
			_, ok := s.URL(u[0], 0, u[1], before)
			return ok
		}),
		best("SHA-256, misses", n, func(i int) bool { _, ok := s.Hash(k.strangerHashes[i%len(k.strangerHashes)], before); return ok }),
	}
	out = append(out,
		best("mixed, misses: address, name and hash in turn", n, func(i int) bool { return mixed(s, &k, i, false) }),
		best("mixed, one in ten a hit", n, func(i int) bool { return mixed(s, &k, i, i%10 == 0) }),
	)
	return out
}

func mixed(s *intel.Set, k *kept, i int, hit bool) bool {
	addrs, names, hashes := k.strangers, k.strangeNames, k.strangerHashes
	if hit {
		addrs, names, hashes = k.addrs, k.names, k.hashes
	}
	var ok bool
	switch i % 3 {
	case 0:
		_, ok = s.IP(addrs[i%len(addrs)], before)
	case 1:
		_, ok = s.Domain(names[i%len(names)], before)
	default:
		_, ok = s.Hash(hashes[i%len(hashes)], before)
	}
	return ok
}

// compare builds a set and a map of the same domains and asks both the same.
func compare(ctx context.Context, cfg Config) (Comparison, error) {
	rng := rand.New(rand.NewPCG(cfg.Seed, 3)) //nolint:gosec // G404: made-up data
	start := heap()
	m := make(map[string]struct{}, cfg.Compare)
	for len(m) < cfg.Compare {
		m[domain(rng)] = struct{}{}
	}
	after := heap()
	b := intel.NewBuilder()
	for name := range m {
		if err := b.Add(intel.Indicator{Type: intel.Domain, Value: name, Source: "s", Confidence: 50}); err != nil {
			return Comparison{}, err
		}
	}
	between := int64(after) //nolint:gosec // G115: memory of this machine
	s := b.Build()
	ours := float64(int64(heap())-between) / float64(cfg.Compare) //nolint:gosec // G115: memory of this machine
	names := again(s, cfg, min(ring, cfg.Queries)).strangeNames
	n := cfg.Queries
	c := Comparison{Entries: cfg.Compare, OursBytes: ours, MapBytes: float64(after-start) / float64(cfg.Compare)}
	c.MemoryRatio = c.MapBytes / c.OursBytes
	c.OursPerSecond = best("", n, func(i int) bool { _, ok := s.Domain(names[i%len(names)], at); return ok }).rate()
	c.MapPerSecond = best("", n, func(i int) bool { _, ok := m[names[i%len(names)]]; return ok }).rate()
	c.MapWalk = best("", n, func(i int) bool {
		for rest, more := names[i%len(names)], true; more; _, rest, more = strings.Cut(rest, ".") {
			if _, ok := m[rest]; ok {
				return true
			}
		}
		return false
	}).rate()
	runtime.KeepAlive(m)
	runtime.KeepAlive(s)
	return c, ctx.Err()
}
