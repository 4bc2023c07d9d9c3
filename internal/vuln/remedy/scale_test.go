package remedy_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"vedette/content"
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

// billed is a fleet with bills of 200 components out of 50 000, a third of which are
// affected, and of one twentieth of which each bill has the same.
func billed(b *testing.B, devices int) *exposure.Index {
	const bills, each, distinct, common = 1000, 200, 50_000, 10
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
	return x
}

// zoneOf spreads devices over ten zones, whatever they are.
func zoneOf(i int) string { return fmt.Sprint("zone ", i*7919/1009%10) }

var missions = []string{"", "low", "medium", "high"}

// millionOwn is a million devices of 2 000 models, each affected by one thing or two.
func millionOwn(b *testing.B) *exposure.Index {
	m := match.New(nil)
	for i := range 2000 {
		m.Add(affected(fmt.Sprintf("CVE-2024-%d", i), "Acme", fmt.Sprintf("Gadget %d Pro", i), "vers:all/*"))
		if i%3 == 0 {
			m.Add(affected(fmt.Sprintf("CVE-2025-%d", i), "Acme", fmt.Sprintf("Gadget %d Pro", i), fmt.Sprintf("< 1.%d", i%10)))
		}
	}
	x := exposure.New(m, treeOf(b))
	for i := range 1_000_000 {
		own := match.Query{Vendor: "Acme", Product: fmt.Sprintf("Gadget %d Pro", i%2000), Version: fmt.Sprintf("1.%d", i/2000%10)}
		x.PutSubject(fmt.Sprintf("device:%07d", i), exposure.Subject{Own: own, Context: priority.Context{Mission: missions[i%4]}, Zone: zoneOf(i)})
	}
	return x
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

func fleets() map[string]func(*testing.B) *exposure.Index {
	return map[string]func(*testing.B) *exposure.Index{
		"bills=100000":  func(b *testing.B) *exposure.Index { return billed(b, 100_000) },
		"bills=1000000": func(b *testing.B) *exposure.Index { return billed(b, 1_000_000) },
		"own=1000000":   millionOwn,
	}
}
