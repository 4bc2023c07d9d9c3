package sigmaeval

import (
	"context"
	"hash/fnv"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"vedette/internal/detect/sigma"
	"vedette/internal/detect/sigma/rulefile"
	"vedette/internal/event"
)

// SpeedReport is how fast rules are matched, on one core. Figures of one run
// compare with one another; a busy machine makes all of them smaller.
type SpeedReport struct {
	Corpus  string `json:"corpus"`
	Events  int    `json:"events"`
	Bytes   int64  `json:"bytes"` // of their raw records
	Rules   int    `json:"rules"`
	Matches int    `json:"matches"`

	PerSecond float64 `json:"events_per_second"`
	Nanos     float64 `json:"ns_per_event"`
	// Tenth is the same with a tenth of the rules; Cost is how many times longer
	// all rules take (median of several tenths).
	TenthRules int     `json:"tenth_rules"`
	Tenth      float64 `json:"tenth_events_per_second"`
	Cost       float64 `json:"cost_of_ten_times_the_rules"`
	// RuleByRule asks every rule of the event's log one after another, the same
	// compiled tests without an index; EveryRule asks every rule of all.
	RuleByRule float64 `json:"rule_by_rule_events_per_second"`
	EveryRule  float64 `json:"every_rule_events_per_second"`
	// Agree is true if the index finds rule id for rule id what RuleByRule does,
	// with all rules and with those of the last point of Slope.
	Agree    bool `json:"agree"`
	Compared int  `json:"compared_events"`

	// Slope is what an event costs with how many rules, and Steps how many times
	// longer the last of them, ten times the rules, takes than the one before
	// (median of the runs).
	Slope []SlopePoint `json:"slope"`
	Steps float64      `json:"cost_of_ten_times_the_rules_made_alike"`

	Allocs  float64 `json:"allocs_per_event_without_match"`
	Matcher int     `json:"matcher_bytes"`
	Heap    int64   `json:"heap_bytes"` // of the compiled set, measured
}

// SpeedOptions bound a run.
type SpeedOptions struct {
	Time time.Duration // of each measurement; 0 means one second
	Runs int           // of each, the median counts; 0 means three
}

// Speed measures on recorded Windows events and on Zeek and Suricata logs.
func Speed(ctx context.Context, dir string, opts SpeedOptions) ([]SpeedReport, error) {
	if opts.Time <= 0 {
		opts.Time = time.Second
	}
	opts.Runs = max(opts.Runs, 1)
	loaded, err := rulefile.Load(filepath.Join(dir, filepath.FromSlash(rulesFile)))
	if err != nil {
		return nil, err
	}
	windows, err := corpus(ctx, dir, []string{windowsFile})
	if err != nil {
		return nil, err
	}
	network, err := corpus(ctx, dir, networkFiles)
	if err != nil {
		return nil, err
	}
	before := heap()
	set, _, err := compile(loaded, mainRules)
	if err != nil {
		return nil, err
	}
	size := heap() - before
	var tenths []*sigma.Set
	for part := range opts.Runs {
		tenth, _, err := compile(loaded, func(d *sigma.Document) bool { return mainRules(d) && tenthOf(d.ID) == part%10 })
		if err != nil {
			return nil, err
		}
		tenths = append(tenths, tenth)
	}
	grown, made, err := sets(loaded)
	if err != nil {
		return nil, err
	}
	var out []SpeedReport
	for _, c := range []struct {
		name   string
		events []*event.Event
	}{{"otrf", windows}, {"zeek-eve", network}} {
		rep := SpeedReport{Corpus: c.name, Events: len(c.events), Rules: set.Len(), Heap: size, Matcher: set.Size()}
		for _, e := range c.events {
			rep.Bytes += int64(len(e.RawField()))
		}
		rep.measure(set, tenths, c.events, opts)
		rep.slope(grown, made, c.events, opts)
		rep.compare(grown[len(grown)-1], c.events)
		out = append(out, rep)
	}
	return out, nil
}

// tenthOf puts rules into ten parts that do not depend on their order.
func tenthOf(id string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return int(h.Sum32() % 10)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // G115: bytes of memory
}

// corpus reads all events of some files. Those that a network corpus has no use
// for, such as captures, are left out by name.
func corpus(ctx context.Context, dir string, files []string) ([]*event.Event, error) {
	var out []*event.Event
	logs := func(name string) bool {
		return slices.Contains([]string{".log", ".json", ".jsonl", ".labeled"}, path.Ext(name))
	}
	for _, f := range files {
		err := events(ctx, filepath.Join(dir, filepath.FromSlash(f)), logs, func(_ string, e *event.Event) {
			log := e.MetadataLogName()
			if strings.HasPrefix(log, "windows/") || strings.HasPrefix(log, "zeek/") || strings.HasPrefix(log, "suricata/") {
				out = append(out, e.Clone())
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// measure runs everything in turns, so that a busy moment hits all alike.
func (rep *SpeedReport) measure(set *sigma.Set, tenths []*sigma.Set, events []*event.Event, opts SpeedOptions) {
	var all, tenth, cost, single, every []float64
	w := &walk{events: events}
	for run := range opts.Runs {
		var sc, scTenth, scEach sigma.Scratch
		a := w.rate(opts.Time, func(e *event.Event) { set.Match(e, &sc, ignore) })
		t := w.rate(opts.Time, func(e *event.Event) { tenths[run].Match(e, &scTenth, ignore) })
		all, tenth, cost = append(all, a), append(tenth, t), append(cost, t/a)
		single = append(single, w.rate(opts.Time, func(e *event.Event) { set.MatchEach(e, &scEach, false, ignore) }))
		every = append(every, w.rate(opts.Time, func(e *event.Event) { set.MatchEach(e, &scEach, true, ignore) }))
		rep.TenthRules += tenths[run].Len() / opts.Runs
	}
	rep.PerSecond, rep.Tenth, rep.Cost = median(all), median(tenth), median(cost)
	rep.RuleByRule, rep.EveryRule = median(single), median(every)
	if rep.PerSecond > 0 {
		rep.Nanos = 1e9 / rep.PerSecond
	}
	rep.Agree = true
	rep.compare(set, events)
	rep.allocs(set, events)
}

func ignore(*sigma.Rule) {}

// walk goes through events without end. What is measured one after another goes
// on where the last one stopped, so that no one finds the events of the one
// before it in the processor's caches.
type walk struct {
	events []*event.Event
	at     int
}

// next is an event: a large prime step takes them in another order than that
// of the files, so that a short run does not see one log only.
func (w *walk) next() *event.Event {
	w.at++
	return w.events[w.at*7919%len(w.events)]
}

// rate is how many events a second of processor time a function takes.
func (w *walk) rate(long time.Duration, f func(*event.Event)) float64 {
	if len(w.events) == 0 {
		return 0
	}
	for range 500 {
		f(w.next()) // routes and buffers are there now
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for started, n := clock(), 1; ; n++ {
		f(w.next())
		if n%64 == 0 {
			if took := clock() - started; took >= long {
				return float64(n) / took.Seconds()
			}
		}
	}
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// compare holds the index against the rules asked one by one.
func (rep *SpeedReport) compare(set *sigma.Set, events []*event.Event) {
	var sc sigma.Scratch
	step := max(1, len(events)/3000)
	for i := 0; i < len(events); i += step {
		var a, b []string
		set.Match(events[i], &sc, func(r *sigma.Rule) { a = append(a, r.ID) })
		set.MatchEach(events[i], &sc, false, func(r *sigma.Rule) { b = append(b, r.ID) })
		slices.Sort(a)
		slices.Sort(b)
		rep.Agree = rep.Agree && slices.Equal(a, b)
		rep.Compared++
	}
}

// allocs counts matches, and what events without any take from memory.
func (rep *SpeedReport) allocs(set *sigma.Set, events []*event.Event) {
	var sc sigma.Scratch
	var quiet []*event.Event
	for _, e := range events {
		n := 0
		set.Match(e, &sc, func(*sigma.Rule) { n++ })
		if rep.Matches += n; n == 0 {
			quiet = append(quiet, e)
		}
	}
	if len(quiet) == 0 {
		return
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, e := range quiet {
		set.Match(e, &sc, ignore)
	}
	runtime.ReadMemStats(&after)
	rep.Allocs = float64(after.Mallocs-before.Mallocs) / float64(len(quiet))
}
