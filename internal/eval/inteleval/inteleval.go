// Package inteleval measures indicators and MUD on known input: what a set
// of millions takes, how fast it answers, how long a look-up waits at worst while another
// set takes its place, beside a plain map of the same in the same run; and what
// the public MUD profiles say of made-up flows.
//
// It must not special-case a data set, and nothing of it runs in normal use.
package inteleval

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"vedette/internal/intel"
)

// Config says how much to measure.
type Config struct {
	Indicators int           // of the large set
	Compare    int           // of the set beside a map
	Swapped    int           // of the set that is swapped in
	Queries    int           // look-ups of each measurement
	Idle       time.Duration // how long to watch while nothing is swapped in
	Seed       uint64
}

// Default returns the sizes of the goals.
func Default() Config {
	return Config{Indicators: 10_000_000, Compare: 1_000_000, Swapped: 1_000_000, Queries: 2_000_000, Idle: 3 * time.Second, Seed: 1}
}

// Report is what was measured. Times are of one core on a machine that others
// use too: compare within a run.
type Report struct {
	Indicators  int            `json:"indicators"`
	Types       map[string]int `json:"types"`
	BuildSecs   float64        `json:"build_seconds"`
	HeapMiB     float64        `json:"heap_mib"`      // live heap that the set added
	PeakMiB     float64        `json:"peak_heap_mib"` // live heap while it was built, at its end
	BytesEach   float64        `json:"bytes_each"`
	WorstMiB    float64        `json:"worst_heap_mib"` // the same where each has dates of its own
	Rates       []Rate         `json:"rates"`
	CompareWith Comparison     `json:"compare"`
	Swap        SwapReport     `json:"swap"`
}

// Rate is how many look-ups a second one core does, by the clock and by the
// processor time of the thread, which does not count what others on the machine
// take away.
type Rate struct {
	What      string  `json:"what"`
	PerSecond float64 `json:"per_second"`
	PerCPU    float64 `json:"per_cpu_second"`
	Allocs    float64 `json:"allocs_each"`
	Hits      float64 `json:"hit_share"`
}

// Comparison sets ours beside map[string]struct{} of the same domains.
type Comparison struct {
	Entries       int     `json:"entries"`
	OursBytes     float64 `json:"ours_bytes_each"`
	MapBytes      float64 `json:"map_bytes_each"` // with its strings
	MemoryRatio   float64 `json:"memory_ratio"`
	OursPerSecond float64 `json:"ours_misses_per_cpu_second"` // each with its suffixes
	MapPerSecond  float64 `json:"map_misses_per_cpu_second"`  // each alone
	MapWalk       float64 `json:"map_walk_per_cpu_second"`    // each with its suffixes
}

// SwapReport tells how long look-ups take while sets are built and swapped in.
type SwapReport struct {
	Entries   int     `json:"entries"`
	Swaps     int     `json:"swaps"`
	BuildSecs float64 `json:"build_seconds_each"`
	During    Waits   `json:"during"` // while sets are built and swapped in
	Idle      Waits   `json:"idle"`   // the same loop while nothing is built
}

// Waits are how long look-ups took, in microseconds: by the clock, in which
// others on the machine and the scheduler show, and by the thread's processor
// time, in which only what the look-up itself does shows.
type Waits struct {
	Lookups    int     `json:"lookups"`
	Longest    float64 `json:"longest_us"`
	P9999      float64 `json:"p9999_us"`
	LongestCPU float64 `json:"longest_cpu_us"`
}

var (
	at     = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	before = at.AddDate(-1, 0, 0) // any end
)

// Run measures all of it.
func Run(ctx context.Context, cfg Config) (Report, error) {
	rep := Report{}
	start := heap()
	b, began := intel.NewBuilder(), time.Now()
	if err := fill(ctx, b, cfg.Indicators, cfg.Seed, false); err != nil {
		return rep, err
	}
	rep.PeakMiB = mib(int64(live()) - int64(start)) //nolint:gosec // G115: memory of this machine
	set := b.Build()
	rep.BuildSecs = time.Since(began).Seconds()
	rep.HeapMiB = mib(int64(heap()) - int64(start)) //nolint:gosec // G115: memory of this machine
	stats := set.Stats()
	rep.Indicators, rep.Types = stats.Indicators, stats.Types
	rep.BytesEach = rep.HeapMiB * (1 << 20) / float64(max(stats.Indicators, 1))
	rep.Rates = rates(set, cfg)
	runtime.KeepAlive(set)
	set = nil
	var err error
	if rep.WorstMiB, err = worst(ctx, cfg); err != nil {
		return rep, err
	}
	if rep.CompareWith, err = compare(ctx, cfg); err != nil {
		return rep, err
	}
	rep.Swap, err = swap(ctx, cfg)
	return rep, err
}

func worst(ctx context.Context, cfg Config) (float64, error) {
	start := heap()
	b := intel.NewBuilder()
	if err := fill(ctx, b, cfg.Indicators, cfg.Seed, true); err != nil {
		return 0, err
	}
	set := b.Build()
	got := mib(int64(heap()) - int64(start)) //nolint:gosec // G115: memory of this machine
	runtime.KeepAlive(set)
	return got, ctx.Err()
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// heap is the live heap after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	return live()
}

func live() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// fill adds the mix: 40 % IPv4, 20 % domains, 15 % URLs, 10 % address with
// port, 10 % SHA-256, 4 % subnets, 1 % IPv6. The dates are those of a feed
// that lists for 30 days, an hour apart; with ownDates each has its own within a year.
func fill(ctx context.Context, b *intel.Builder, n int, seed uint64, ownDates bool) error {
	rng := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // G404: made-up data
	families := make([]string, 200)
	for i := range families {
		families[i] = fmt.Sprint("family-", i)
	}
	for i := range n {
		if i%65536 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		hours := rng.IntN(30 * 24)
		in := intel.Indicator{Source: fmt.Sprint("feed-", i%5), Family: families[rng.IntN(len(families))], Confidence: 50 + 10*(i%5), Until: at.Add(time.Duration(hours) * time.Hour)}
		if ownDates {
			in.First = at.AddDate(0, 0, -rng.IntN(365))
			in.Until = at.Add(time.Duration(rng.IntN(365*24)) * time.Hour)
		}
		in.Type, in.Value = made(rng)
		if err := b.Add(in); err != nil {
			return fmt.Errorf("adding %s: %w", in.Value, err)
		}
	}
	return nil
}

func made(rng *rand.Rand) (intel.Type, string) {
	switch k := rng.IntN(100); {
	case k < 40:
		return intel.IP, public(rng).String()
	case k < 60:
		return intel.Domain, domain(rng)
	case k < 75:
		return intel.URL, domain(rng) + "/" + word(rng) + "/" + word(rng) + ".php?id=" + word(rng)
	case k < 85:
		return intel.Endpoint, netip.AddrPortFrom(public(rng), uint16(1+rng.IntN(65535))).String() //nolint:gosec // G115: a port
	case k < 95:
		return intel.SHA256, fmt.Sprintf("%016x%016x%016x%016x", rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64())
	case k < 99:
		return intel.Subnet, netip.PrefixFrom(public(rng), 20+rng.IntN(12)).Masked().String()
	}
	var b [16]byte
	b[0], b[1] = 0x2a, byte(rng.IntN(256)) //nolint:gosec // G115: a byte
	for i := 2; i < 16; i++ {
		b[i] = byte(rng.IntN(256)) //nolint:gosec // G115: a byte
	}
	return intel.IP, netip.AddrFrom16(b).String()
}

func public(rng *rand.Rand) netip.Addr {
	for {
		v := rng.Uint32()
		a := netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}) //nolint:gosec // G115: bytes
		if !intel.IsLocal(a) {
			return a
		}
	}
}

func word(rng *rand.Rand) string {
	var b [10]byte
	n := 5 + rng.IntN(6)
	for i := range n {
		b[i] = 'a' + byte(rng.IntN(26)) //nolint:gosec // G115: a letter
	}
	return string(b[:n])
}

func domain(rng *rand.Rand) string {
	tlds := [...]string{".com", ".net", ".org", ".ru", ".top", ".xyz", ".info"}
	name := word(rng) + word(rng) + tlds[rng.IntN(len(tlds))]
	if rng.IntN(3) == 0 {
		name = word(rng) + "." + name
	}
	return name
}

// timed runs f over n queries and tells rate, allocations and hits.
func timed(what string, n int, f func(i int) bool) Rate {
	var before, after runtime.MemStats
	hits := 0
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.ReadMemStats(&before)
	began, cpu := time.Now(), threadTime()
	for i := range n {
		if f(i) {
			hits++
		}
	}
	secs, used := time.Since(began).Seconds(), (threadTime() - cpu).Seconds()
	runtime.ReadMemStats(&after)
	r := Rate{What: what, PerSecond: float64(n) / secs, Allocs: float64(after.Mallocs-before.Mallocs) / float64(n), Hits: float64(hits) / float64(n)}
	if used > 0 {
		r.PerCPU = float64(n) / used
	}
	return r
}

// best is the fastest of three runs: what others on the machine take away is
// not ours.
func best(what string, n int, f func(i int) bool) Rate {
	all := []Rate{timed(what, n, f), timed(what, n, f), timed(what, n, f)}
	return slices.MaxFunc(all, func(a, b Rate) int {
		return cmp.Or(cmp.Compare(a.PerCPU, b.PerCPU), cmp.Compare(a.PerSecond, b.PerSecond))
	})
}

// rate is by processor time where that is known.
func (r Rate) rate() float64 {
	if r.PerCPU > 0 {
		return r.PerCPU
	}
	return r.PerSecond
}

func swap(ctx context.Context, cfg Config) (SwapReport, error) {
	rep := SwapReport{Entries: cfg.Swapped}
	var current atomic.Pointer[intel.Set]
	b := intel.NewBuilder()
	if err := fill(ctx, b, cfg.Swapped, cfg.Seed, false); err != nil {
		return rep, err
	}
	current.Store(b.Build())
	runtime.GC()
	rep.Idle = watch(&current, cfg.Seed, func() { time.Sleep(cfg.Idle) })
	var err error
	began := time.Now()
	rep.During = watch(&current, cfg.Seed, func() {
		for i := range 3 {
			b := intel.NewBuilder()
			if err = fill(ctx, b, cfg.Swapped, cfg.Seed+uint64(i)+1, false); err != nil {
				return
			}
			current.Store(b.Build())
			rep.Swaps++
		}
	})
	rep.BuildSecs = time.Since(began).Seconds() / float64(max(rep.Swaps, 1))
	return rep, err
}

// watch looks things up until during has ended.
func watch(set *atomic.Pointer[intel.Set], seed uint64, during func()) Waits {
	done := make(chan struct{})
	go func() { during(); close(done) }()
	rng := rand.New(rand.NewPCG(seed, 99)) //nolint:gosec // G404: made-up data
	names := make([]string, 4096)
	addrs := make([]netip.Addr, 4096)
	for i := range names {
		names[i], addrs[i] = "www."+domain(rng), public(rng)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	counts := make([]int, 100_000) // of each 0.1 microseconds; the last of all above
	var w Waits
	for i := 0; ; i++ {
		if i%1024 == 0 {
			select {
			case <-done:
				w.P9999 = percentile(counts, w.Lookups)
				return w
			default:
			}
		}
		began, cpu := time.Now(), threadTime()
		s := set.Load()
		s.IP(addrs[i%4096], at)
		s.Domain(names[i%4096], at)
		used := threadTime() - cpu
		us := float64(time.Since(began).Nanoseconds()) / 1000
		w.Longest = max(w.Longest, us)
		w.LongestCPU = max(w.LongestCPU, float64(used.Nanoseconds())/1000)
		counts[min(int(us*10), len(counts)-1)]++
		w.Lookups++
	}
}

func percentile(counts []int, total int) float64 {
	left := total / 10_000
	for i, n := range slices.Backward(counts) {
		if left -= n; left < 0 {
			return float64(i) / 10
		}
	}
	return 0
}
