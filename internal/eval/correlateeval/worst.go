package correlateeval

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"time"

	"vedette/internal/correlate"
	"vedette/internal/event"
)

// Worst is a made-up case that must neither stall, nor lose, nor glue.
type Worst struct {
	Case      string  `json:"case"`
	Findings  int64   `json:"findings"`
	Accounted int64   `json:"accounted"` // in incidents or suppressed: must equal Findings
	Incidents int     `json:"incidents"`
	Largest   int64   `json:"largest"` // findings of the largest one
	Want      string  `json:"want"`
	OK        bool    `json:"ok"`
	PerSecond float64 `json:"findings_per_second"`
	HeapMiB   float64 `json:"heap_mib"`   // grown, after a collection
	Slowest   float64 `json:"slowest_ms"` // of one finding
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// WorstCases runs all of them.
func WorstCases(t *correlate.Techniques, millions float64) []Worst {
	n := int(1_000_000 * millions)
	return []Worst{
		worst(t, "hub device", 5000, hub, "300 attacked devices that all talk to one server stay 300 incidents", func(w Worst) bool {
			return w.Incidents >= 290 && w.Incidents <= 310
		}),
		worst(t, "scanner of everything", 4000, scanner, "a scanner that touches 1000 devices, 200 of which have troubles of their own, is one incident beside theirs", func(w Worst) bool {
			return w.Incidents >= 150 && w.Incidents <= 210
		}),
		worst(t, "flood", n, flood, "a million findings of made-up devices: bounded memory, nothing lost", func(w Worst) bool {
			return w.HeapMiB < 600
		}),
		worst(t, "one incident of everything", n/5, storm, "as many findings of one device and one source are one incident", func(w Worst) bool {
			return w.Incidents == 1
		}),
		worst(t, "time backwards", 20000, backwards, "an attack whose findings come newest first is one incident", func(w Worst) bool {
			return w.Incidents == 1
		}),
		worst(t, "wrong clocks", 20000, clocks, "one device whose clock jumps over 50 years", func(w Worst) bool { return w.Incidents > 1 }),
		worst(t, "address every minute", 10000, roaming, "a device that changes its address every minute is one incident, by its uid", func(w Worst) bool {
			return w.Incidents <= 3
		}),
	}
}

func worst(t *correlate.Techniques, name string, n int, make func(int) event.Finding, want string, ok func(Worst) bool) Worst {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c := correlate.New(correlate.Config{Techniques: t}, time.Now)
	var spent, slowest time.Duration
	for i := range n {
		f := make(i)
		f.UID, f.Count, f.Family = name+strconv.Itoa(i), 1, event.FamilySigma
		if f.First.IsZero() {
			f.First = f.Time
		}
		begun := time.Now()
		c.Add(f)
		took := time.Since(begun)
		spent += took
		slowest = max(slowest, took)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	w := Worst{Case: name, Want: want, PerSecond: float64(n) / max(spent.Seconds(), 1e-9), Slowest: float64(slowest.Microseconds()) / 1000}
	w.HeapMiB = (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / (1 << 20)
	totals := c.Totals()
	w.Findings, w.Accounted = totals.Added, totals.InIncidents+totals.Suppressed
	all := c.Incidents()
	w.Incidents = len(all)
	for _, in := range all {
		w.Largest = max(w.Largest, in.Findings.Count)
	}
	w.OK = ok(w) && w.Findings == w.Accounted && w.Findings == int64(n)
	return w
}

func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

func device(i int) event.Side {
	return event.Side{UID: fmt.Sprintf("dev-%05d", i), IP: fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255)}
}

// hub: 300 devices, each attacked by a source of its own, and all with findings
// towards one server as well.
func hub(i int) event.Finding {
	d := i % 300
	f := event.Finding{Time: at(i * 5), Device: device(d).UID, Severity: event.Medium}
	if i/300%2 == 0 {
		f.Rule, f.Techniques = fmt.Sprintf("attack-%d", d%7), []string{"T0855"}
		f.Src, f.Dst = event.Side{IP: fmt.Sprintf("172.16.%d.%d", d/250, d%250)}, device(d)
		return f
	}
	f.Rule, f.Severity = fmt.Sprintf("odd-dns-%d", d%9), event.Low
	f.Src, f.Dst = device(d), event.Side{UID: "dns-server", IP: "10.255.0.1"}
	return f
}

// scanner: one source that scans everything, over and over; 200 devices have
// troubles of their own.
func scanner(i int) event.Finding {
	if i%4 != 0 {
		d := i % 1000
		return event.Finding{
			Time: at(i * 2), Rule: "scan", Severity: event.Low, Techniques: []string{"T0846"},
			Src: event.Side{UID: "scanner", IP: "10.255.0.2"}, Dst: device(d), Device: device(d).UID,
		}
	}
	d := i / 4 % 200 * 5
	return event.Finding{
		Time: at(i * 2), Rule: fmt.Sprintf("beacon-%d", d%5), Severity: event.Medium, Techniques: []string{"T0869"},
		Src: device(d), Dst: event.Side{IP: fmt.Sprintf("203.0.%d.%d", d/250, d%250)}, Device: device(d).UID,
	}
}

// flood: devices, rules and sources made up without end.
func flood(i int) event.Finding {
	r := rand.New(rand.NewPCG(7, uint64(i))) //nolint:gosec // G404, G115: repeatable on purpose
	d := device(r.IntN(1_000_000))
	return event.Finding{
		Time: at(i / 50), Rule: fmt.Sprintf("rule-%d", r.IntN(400)), Title: "made up", Severity: event.Severity(1 + r.IntN(4)),
		Techniques: []string{"T0846"}, Src: event.Side{IP: fmt.Sprintf("198.51.%d.%d", r.IntN(256), r.IntN(256))}, Dst: d, Device: d.UID,
		Entities: []event.Observable{{Type: "domain", Value: strconv.Itoa(r.IntN(1_000_000)) + ".example"}},
	}
}

// storm: one source, one device, many rules.
func storm(i int) event.Finding {
	return event.Finding{
		Time: at(i / 100), Rule: fmt.Sprintf("rule-%d", i%300), Severity: event.Low, Techniques: []string{"T0814"},
		Src: event.Side{IP: "10.0.0.66"}, Dst: device(1), Device: device(1).UID,
	}
}

// backwards: an attack on one plant, told from its end.
func backwards(i int) event.Finding {
	f := storm(i)
	f.Time = at(7200 - i/10)
	f.Rule, f.Dst = fmt.Sprintf("rule-%d", i%20), device(i%8)
	f.Device = f.Dst.UID
	return f
}

// clocks: times that jump over fifty years.
func clocks(i int) event.Finding {
	f := storm(i)
	f.Time = epoch.AddDate(i*7%50-25, 0, i%28)
	return f
}

// roaming: the device is known, its address is another one every minute.
func roaming(i int) event.Finding {
	return event.Finding{
		Time: at(i * 6), Rule: fmt.Sprintf("odd-%d", i%3), Severity: event.Low, Device: "roamer",
		Src: event.Side{UID: "roamer", IP: fmt.Sprintf("10.7.%d.%d", i/10/250%250, i/10%250)}, Dst: event.Side{IP: fmt.Sprintf("10.8.0.%d", i%4)},
	}
}
