package remedy_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"vedette/content"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/exposure"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
	"vedette/internal/vuln/remedy"
)

func treeOf(t testing.TB) *priority.Tree {
	t.Helper()
	tree, err := priority.ParseTree(content.SSVC())
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// fleet is an index and the advisories under it.
type fleet struct {
	*exposure.Index
	advisories *match.Index
}

// billed is a fleet with bills of 200 components out of 50 000, a third of which are
// affected, and of which each bill has some in common.
func billed(b *testing.B, devices, common int) fleet {
	const bills, each, distinct = 1000, 200, 50_000
	m := match.New(nil)
	for i := 0; i < distinct; i += 3 {
		for k := range 1 + i%4 {
			m.Add(affected(fmt.Sprintf("CVE-2023-%d", i*4+k), "Acme", fmt.Sprintf("part number%d", i), fmt.Sprintf("< 2.%d", i%9)))
		}
	}
	x := exposure.New(m, treeOf(b))
	r := rand.New(rand.NewPCG(3, 4))
	for i := range bills {
		items := make([]exposure.Item, each)
		for k := range items {
			n := r.IntN(distinct)
			if k < common {
				n = k * 3
			}
			items[k] = exposure.Item{Label: fmt.Sprintf("part number%d 1.%d", n, n%5), Query: match.Query{Vendor: "Acme", Product: fmt.Sprintf("part number%d", n), Version: fmt.Sprintf("1.%d", n%5)}}
		}
		x.PutList(fmt.Sprint("bill ", i), items)
	}
	for i := range devices {
		x.PutSubject(fmt.Sprintf("device:%07d", i), exposure.Subject{Lists: []string{fmt.Sprint("bill ", i%bills)}, Context: priority.Context{Mission: missions[i%4]}, Zone: zoneOf(i)})
	}
	return fleet{x, m}
}

// zoneOf spreads devices over ten zones, whatever they are.
func zoneOf(i int) string { return fmt.Sprint("zone ", i*7919/1009%10) }

var missions = []string{"", "low", "medium", "high"}

// millionOwn is a million devices of so many models, each affected by one thing or two.
func millionOwn(b *testing.B, models int) fleet {
	m := match.New(nil)
	for i := range models {
		m.Add(affected(fmt.Sprintf("CVE-2024-%d", i), "Acme", fmt.Sprintf("Gadget %d Pro", i), "vers:all/*"))
		if i%3 == 0 {
			m.Add(affected(fmt.Sprintf("CVE-2025-%d", i), "Acme", fmt.Sprintf("Gadget %d Pro", i), fmt.Sprintf("< 1.%d", i%10)))
		}
	}
	x := exposure.New(m, treeOf(b))
	for i := range 1_000_000 {
		own := match.Query{Vendor: "Acme", Product: fmt.Sprintf("Gadget %d Pro", i%models), Version: fmt.Sprintf("1.%d", i/models%10)}
		x.PutSubject(fmt.Sprintf("device:%07d", i), exposure.Subject{Own: own, Context: priority.Context{Mission: missions[i%4]}, Zone: zoneOf(i)})
	}
	return fleet{x, m}
}

// BenchmarkPlanWhole builds the whole plan from what each runs, as pages did before
// there was a planner: what [BenchmarkPage] is to be held against.
func BenchmarkPlanWhole(b *testing.B) {
	if os.Getenv("VEDETTE_BENCH_SLOW") == "" {
		b.Skip("it takes half a minute and 4 GB a round: make bench-plan")
	}
	for name, make := range fleets() {
		if name == "bills=1000000" {
			continue
		}
		b.Run(name, func(b *testing.B) {
			x := make(b)
			remedy.Plan(x.All(), nil)
			b.ReportAllocs()
			for b.Loop() {
				remedy.Plan(x.All(), nil)
			}
		})
	}
}

func fleets() map[string]func(*testing.B) fleet {
	return map[string]func(*testing.B) fleet{
		"bills=100000":  func(b *testing.B) fleet { return billed(b, 100_000, 10) },
		"bills=1000000": func(b *testing.B) fleet { return billed(b, 1_000_000, 10) },
		"own=1000000":   func(b *testing.B) fleet { return millionOwn(b, 2000) },
	}
}

// BenchmarkPageSlowest gives the median, the 99th percentile and the slowest of many
// pages of a million devices, each right after other changes. What a change
// itself costs is not counted, but what it leaves to the page is.
func BenchmarkPageSlowest(b *testing.B) {
	if os.Getenv("VEDETTE_BENCH_SLOW") == "" {
		b.Skip("it takes minutes: make bench-plan")
	}
	for name, make := range map[string]func(*testing.B) fleet{
		"bills":       func(b *testing.B) fleet { return billed(b, 1_000_000, 10) },
		"bills_alike": func(b *testing.B) fleet { return billed(b, 1_000_000, 190) },
		"models=2000": func(b *testing.B) fleet { return millionOwn(b, 2000) },
		"models=20":   func(b *testing.B) fleet { return millionOwn(b, 20) },
	} {
		b.Run(name, func(b *testing.B) { slowest(b, make(b)) })
	}
}

func slowest(b *testing.B, x fleet) {
	p := remedy.NewPlanner()
	views := map[string]exposure.View{"all": x.All(), "zone": x.Within([]string{"zone 3"})}
	page := func(v exposure.View, offset int) time.Duration {
		start := time.Now()
		p.Page(v, &remedy.Ask{Offset: offset, Limit: 100, Names: 100})
		return time.Since(start)
	}
	first := page(views["all"], 0)
	page(views["zone"], 0)
	took := map[string][]time.Duration{}
	const rounds = 150
	for b.Loop() {
		for n := range rounds {
			changes(x, n)
			for name, v := range views {
				took[name] = append(took[name], page(v, n%3*100))
			}
		}
	}
	b.ReportMetric(first.Seconds()*1000, "first-ms")
	for name, list := range took {
		slices.Sort(list)
		for what, at := range map[string]int{"median": len(list) / 2, "p99": len(list) * 99 / 100, "most": len(list) - 1} {
			b.ReportMetric(list[at].Seconds()*1000, what+"-"+name+"-ms")
		}
	}
}

// changes changes something: another kind each time, of a random device.
func changes(x fleet, n int) {
	r := rand.New(rand.NewPCG(uint64(n), 9))
	device, zone := fmt.Sprintf("device:%07d", r.IntN(1_000_000)), fmt.Sprint("zone ", r.IntN(10))
	switch n % 4 {
	case 0: // it gets a bill
		x.PutSubject(device, exposure.Subject{Lists: []string{fmt.Sprint("bill ", r.IntN(1000))}, Context: priority.Context{Mission: missions[r.IntN(4)]}, Zone: zone})
	case 1: // it gets another firmware
		x.PutSubject(device, exposure.Subject{Own: match.Query{Vendor: "Acme", Product: fmt.Sprintf("Gadget %d Pro", r.IntN(20)), Version: fmt.Sprintf("1.%d", r.IntN(10))}, Context: priority.Context{Mission: missions[r.IntN(4)]}, Zone: zone})
	case 2:
		x.DropSubject(device)
	case 3: // it has two bills
		x.PutSubject(device, exposure.Subject{Lists: []string{"bill 1", "bill 2"}, Zone: zone})
	}
	switch n % 10 {
	case 5: // an advisory of a few parts
		a := affected(fmt.Sprint("CVE-2026-", n), "Acme", fmt.Sprintf("part number%d", r.IntN(50)), "< 3.0")
		x.advisories.Add(a)
		x.Changed(exposure.Change{New: a})
	case 9: // all chances, few of them above one half, as they are
		a := &advisory.Advisory{Kind: advisory.EPSS, ID: "epss", EPSS: map[string]advisory.Chance{}}
		for i := range 66_700 {
			a.EPSS[fmt.Sprint("CVE-2023-", i)] = advisory.Chance{Score: math.Pow(r.Float64(), 60)}
		}
		x.advisories.Add(a)
		x.Changed(exposure.Change{New: a})
	}
}
