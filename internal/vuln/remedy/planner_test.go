package remedy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/exposure"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
	"vedette/internal/vuln/reach"
	"vedette/internal/vuln/remedy"
)

// world is what changes under a planner.
type world struct {
	match    *match.Index
	index    *exposure.Index
	planner  *remedy.Planner
	kev      *advisory.Advisory
	subjects []string
}

func newWorld(t testing.TB) *world {
	m := match.New(nil)
	return &world{match: m, index: exposure.New(m, treeOf(t)), planner: remedy.NewPlanner(), kev: &advisory.Advisory{Kind: advisory.KEV, ID: "kev"}}
}

var (
	thingNames = []string{"Gate", "gate", "Pump", "busybox", "openssl"}
	fixRanges  = []string{"< 2.0", "< 3.0", "vers:all/*", "< 1.9 SP1", "1.5"}
	advice     = [][]advisory.Remedy{nil, {{Kind: "mitigation", Text: "Turn it off."}}, {{Kind: "vendor_fix", Text: "Update.", Fix: "3.1", URL: "https://acme.example"}}}
)

func (w *world) step(t *rapid.T) {
	name := func() string { return rapid.SampledFrom(thingNames).Draw(t, "name") }
	version := func() string { return rapid.SampledFrom([]string{"", "1.0", "1.5", "2.5"}).Draw(t, "version") }
	bill := func() string { return fmt.Sprint("bill", rapid.IntRange(0, 2).Draw(t, "bill")) }
	id := func() string { return fmt.Sprint("CVE-2024-000", rapid.IntRange(0, 5).Draw(t, "id")) }
	switch rapid.IntRange(0, 6).Draw(t, "what") {
	case 0, 1:
		a := affected(id(), rapid.SampledFrom([]string{"Acme", ""}).Draw(t, "vendor"), name(), rapid.SampledFrom(fixRanges).Draw(t, "range"), rapid.SampledFrom(advice).Draw(t, "advice")...)
		a.ID = fmt.Sprint("A", rapid.IntRange(0, 6).Draw(t, "advisory"))
		w.match.Add(a) // of a key that may be there: what it was is told as well, as the library does
		w.index.Changed(exposure.Change{Old: w.was(a), New: a})
	case 2:
		var items []exposure.Item
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			n, v := name(), version()
			items = append(items, exposure.Item{Label: rapid.SampledFrom([]string{n + " " + v, "the " + n + " " + v}).Draw(t, "label"), Query: match.Query{Vendor: "Acme", Product: n, Version: v}})
		}
		w.index.PutList(bill(), items)
	case 3, 4:
		s := exposure.Subject{Context: priority.Context{Mission: rapid.SampledFrom([]string{"low", "high"}).Draw(t, "mission")}, Zone: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "zone")}
		if rapid.Bool().Draw(t, "own") {
			s.Own = match.Query{Vendor: "Acme", Product: name(), Version: version()}
		}
		for range rapid.IntRange(0, 2).Draw(t, "bills") {
			s.Lists = append(s.Lists, bill())
		}
		slices.Sort(s.Lists)
		s.Lists = slices.Compact(s.Lists)
		w.index.PutSubject(rapid.SampledFrom(w.subjects).Draw(t, "subject"), s)
	case 5:
		w.index.DropSubject(rapid.SampledFrom(w.subjects).Draw(t, "subject"))
	case 6:
		old := w.kev
		w.kev = &advisory.Advisory{Kind: advisory.KEV, ID: "kev", Vulnerabilities: []advisory.Vulnerability{{ID: id(), KEV: "2024-01-01"}}}
		w.match.Add(w.kev)
		w.index.Changed(exposure.Change{Old: old, New: w.kev})
	}
}

var before = map[string]*advisory.Advisory{} // replaced by each test

func (w *world) was(a *advisory.Advisory) *advisory.Advisory {
	old := before[a.Key()]
	before[a.Key()] = a
	return old
}

// TestPlannerIsThePlan: after any changes a page is what the whole plan has there,
// for who sees everything, some zones or one subject; and the kept plan is made anew
// when, and only when, something changed.
func TestPlannerIsThePlan(t *testing.T) {
	actions := 0
	rapid.Check(t, func(t *rapid.T) {
		before = map[string]*advisory.Advisory{}
		w := newWorld(&testing.T{})
		for i := range 8 {
			w.subjects = append(w.subjects, fmt.Sprint("device:", i))
		}
		flows := map[string][]reach.Flow{}
		var reached []remedy.Reached
		for i, s := range w.subjects {
			flows[s] = []reach.Flow{{Zone: fmt.Sprint("z", i%3), Count: int64(i + 1), Peers: 1, Last: time.Unix(int64(i), 0)}}
			reached = append(reached, remedy.Reached{Subject: s, Flows: flows[s]})
		}
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			w.step(t)
			if rapid.Bool().Draw(t, "look") {
				w.planner.Page(w.index.All(), &remedy.Ask{})
			}
		}
		for name, v := range map[string]exposure.View{"a again": w.index.Within([]string{"a"}), "b": w.index.Within([]string{"b"}), "all": w.index.All(), "a": w.index.Within([]string{"a"}), "both": w.index.Within([]string{"a", "b"}), "none": w.index.Within([]string{""}), "one": w.index.All().Of("device:1"), "one in a": w.index.Within([]string{"a"}).Of("device:2")} {
			want := remedy.Plan(v, func(s string) []reach.Flow { return flows[s] })
			got := w.planner.Page(v, &remedy.Ask{Flows: reached})
			if diff := cmp.Diff(want, got.Actions); diff != "" && len(want)+len(got.Actions) > 0 || got.Total != len(want) {
				t.Fatalf("%s: %d actions, the plan (-), the page (+): %s", name, got.Total, diff)
			}
			actions += len(want)
			w.pages(t, v, want)
		}
		n := w.planner.Builds()
		w.planner.Page(w.index.All(), &remedy.Ask{Limit: 1})
		w.planner.Page(w.index.All(), &remedy.Ask{Decision: "act"})
		if w.planner.Builds() != n {
			t.Fatal("made anew though nothing changed")
		}
	})
	if actions == 0 {
		t.Fatal("there was never anything to do: this looks at nothing")
	}
}

// pages holds pages, filters and single actions against the whole plan.
func (w *world) pages(t *rapid.T, v exposure.View, all []remedy.Action) {
	id, decision := rapid.SampledFrom([]string{"", "cve-2024-0001"}).Draw(t, "of"), rapid.SampledFrom([]string{"", "track", "act"}).Draw(t, "decision")
	offset, limit := rapid.IntRange(0, 3).Draw(t, "offset"), rapid.IntRange(1, 3).Draw(t, "limit")
	text := rapid.SampledFrom([]string{"", "pump", "0003", "turn it"}).Draw(t, "text")
	counts := map[string]int{}
	var want []string
	for _, a := range all {
		has := strings.Contains(strings.ToLower(strings.Join(append([]string{a.Text, a.Product}, a.Vulnerabilities...), "\n")), text)
		if (id == "" || slices.Contains(a.Vulnerabilities, strings.ToUpper(id))) && has {
			counts[a.Decision]++
			if decision == "" || a.Decision == decision {
				want = append(want, a.ID)
			}
		}
	}
	got := w.planner.Page(v, &remedy.Ask{ID: id, Decision: decision, Text: text, Offset: offset, Limit: limit, Names: 2})
	if got.Total != len(want) || cmp.Diff(counts, got.Counts) != "" {
		t.Fatalf("%d of %v, want %d of %v", got.Total, got.Counts, len(want), counts)
	}
	want = want[min(offset, len(want)):]
	want = want[:min(limit, len(want))]
	for i, a := range got.Actions {
		if i >= len(want) || a.ID != want[i] || len(a.Subjects) > 2 {
			t.Fatalf("%d: %+v, want %v", i, a, want)
		}
	}
	for i := range all {
		one, ok := w.planner.Action(v, all[i].ID, func(string) bool { return true }, nil)
		one.Breaks = all[i].Breaks
		if diff := cmp.Diff(all[i], one); !ok || diff != "" {
			t.Fatalf("by its id: %v %s", ok, diff)
		}
		if _, ok := w.planner.Action(v, all[i].ID, func(string) bool { return false }, nil); ok {
			t.Fatal("an action that concerns nobody")
		}
	}
}

// TestPlanIsMadeAnew: each kind of change makes it anew, and what changes nothing
// does not.
func TestPlanIsMadeAnew(t *testing.T) {
	w := newWorld(t)
	at := func(low string, zone string, lists ...string) exposure.Subject {
		return exposure.Subject{Own: match.Query{Vendor: "Acme", Product: "Gate", Version: "1.0"}, Lists: lists, Zone: zone, Context: priority.Context{Mission: low}}
	}
	first, second := affected("CVE-2024-0001", "Acme", "Gate", "< 2.0"), affected("CVE-2024-0001", "Acme", "Gate", "< 3.0")
	other := affected("CVE-2024-0009", "Acme", "Nowhere", "< 2.0")
	mine := affected("CVE-2024-0001", "Acme", "Gate", "1.0")
	mine.ID, mine.Rank = "own", advisory.BySelf
	mine.Vulnerabilities[0].Statements[0].Status = advisory.NotAffected
	kev := func(id string) func() {
		return func() {
			old := w.kev
			w.kev = &advisory.Advisory{Kind: advisory.KEV, ID: "kev", Vulnerabilities: []advisory.Vulnerability{{ID: id, KEV: "2024-01-01"}}}
			w.match.Add(w.kev)
			w.index.Changed(exposure.Change{Old: old, New: w.kev})
		}
	}
	epss := func(score float64) func() {
		return func() {
			a := &advisory.Advisory{Kind: advisory.EPSS, ID: "epss", EPSS: map[string]advisory.Chance{"CVE-2024-0001": {Score: score}}}
			w.match.Add(a)
			w.index.Changed(exposure.Change{New: a})
		}
	}
	add := func(old, a *advisory.Advisory) func() {
		return func() { w.match.Add(a); w.index.Changed(exposure.Change{Old: old, New: a}) }
	}
	put := func(id string, s exposure.Subject) func() { return func() { w.index.PutSubject(id, s) } }
	list := func(versions ...string) func() {
		return func() {
			var items []exposure.Item
			for _, v := range versions {
				items = append(items, exposure.Item{Label: "Gate " + v, Query: match.Query{Vendor: "Acme", Product: "Gate", Version: v}})
			}
			w.index.PutList("bill", items)
		}
	}
	for _, step := range []struct {
		what  string
		do    func()
		again bool
	}{
		{"a device", put("device:1", at("low", "a")), true},
		{"the same device", put("device:1", at("low", "a")), false},
		{"an advisory", add(nil, first), true},
		{"an advisory of something else", add(nil, other), false},
		{"another version of the advisory", add(first, second), true},
		{"a zone", put("device:1", at("low", "b")), true},
		{"how much hangs on it", put("device:1", at("high", "b")), true},
		{"a list of exploited ones", kev("CVE-2024-0001"), true},
		{"the same list", kev("CVE-2024-0001"), false},
		{"a chance of what is exploited", epss(0.7), false},
		{"a list without it", kev("CVE-2024-0009"), true},
		{"a chance from which less follows, then", epss(0.1), true},
		{"a chance", epss(0.9), true},
		{"the same chance", epss(0.9), false},
		{"a chance from which the same follows", epss(0.8), false},
		{"a chance from which less follows", epss(0.1), true},
		{"a sighting", func() { w.match.Sight(map[string]string{"CVE-2024-0001": "seen here"}); w.index.Reweigh() }, true},
		{"the same sighting", func() { w.match.Sight(map[string]string{"CVE-2024-0001": "seen here"}); w.index.Reweigh() }, false},
		{"a bill", list("1.1"), true},
		{"the bill is the device's", put("device:1", at("high", "b", "bill")), true},
		{"more in the bill", list("1.1", "1.2"), true},
		{"a word of the site", add(nil, mine), true},
		{"no bill", func() { w.index.DropList("bill") }, true},
		{"no device", func() { w.index.DropSubject("device:1") }, true},
		{"a device that is not known", func() { w.index.DropSubject("device:7") }, false},
	} {
		w.planner.Page(w.index.All(), &remedy.Ask{})
		n := w.planner.Builds()
		step.do()
		got := w.planner.Page(w.index.All(), &remedy.Ask{})
		if again := w.planner.Builds() > n; again != step.again {
			t.Errorf("%s: made anew %v, want %v", step.what, again, step.again)
		}
		if diff := cmp.Diff(remedy.Plan(w.index.All(), nil), got.Actions); diff != "" && got.Total > 0 {
			t.Errorf("%s: %s", step.what, diff)
		}
	}
}

// BenchmarkPage gives a page of the plan: made anew after a change, or kept; and of
// who sees one zone.
func BenchmarkPage(b *testing.B) {
	for name, make := range fleets() {
		b.Run(name, func(b *testing.B) {
			x, p := make(b), remedy.NewPlanner()
			page := func(b *testing.B, v exposure.View, n int) {
				got := p.Page(v, &remedy.Ask{Offset: n, Limit: 100, Names: 100})
				if len(got.Actions) != 100 {
					b.Fatalf("%d of %d actions", len(got.Actions), got.Total)
				}
			}
			page(b, x.All(), 0)
			b.Run("changed", func(b *testing.B) {
				for n := 0; b.Loop(); n++ {
					x.PutSubject("device:0000001", exposure.Subject{Context: priority.Context{Mission: missions[n%4]}, Zone: "zone 1"})
					page(b, x.All(), 0)
				}
			})
			b.Run("zone", func(b *testing.B) {
				for b.Loop() {
					page(b, x.Within([]string{"zone 3"}), 0)
				}
			})
			b.Run("text", func(b *testing.B) { // in the names of each tenth device
				ask := &remedy.Ask{Text: "in a name alone", Limit: 100, Names: 100}
				for i := 0; i < 1_000_000; i += 10 {
					ask.Named = append(ask.Named, fmt.Sprintf("device:%07d", i))
				}
				for b.Loop() {
					if got := p.Page(x.All(), ask); len(got.Actions) != 100 {
						b.Fatalf("%d of %d actions", len(got.Actions), got.Total)
					}
				}
			})
			b.Run("kept", func(b *testing.B) {
				for n := 0; b.Loop(); n++ {
					page(b, x.All(), n*37%500)
				}
			})
		})
	}
}

// TestRatedAfterMatchedAgain: what was matched again with the same outcome, and then
// is rated otherwise, is rated otherwise in the plan.
func TestRatedAfterMatchedAgain(t *testing.T) {
	w := newWorld(t)
	a, other := affected("CVE-2024-0001", "Acme", "Gate", "< 2.0"), affected("CVE-2024-0002", "Acme", "Gate", "< 0.5")
	w.match.Add(a)
	w.index.Changed(exposure.Change{New: a})
	w.index.PutSubject("device:1", exposure.Subject{Own: match.Query{Vendor: "Acme", Product: "Gate", Version: "1.0"}, Context: priority.Context{Mission: "high"}})
	first := w.planner.Page(w.index.All(), &remedy.Ask{}).Actions[0]
	other.ID = "other"
	w.match.Add(other)
	w.index.Changed(exposure.Change{New: other})
	kev := &advisory.Advisory{Kind: advisory.KEV, ID: "kev", Vulnerabilities: []advisory.Vulnerability{{ID: "CVE-2024-0001", KEV: "2024-01-01"}}}
	w.match.Add(kev)
	w.index.Changed(exposure.Change{New: kev})
	if then := w.planner.Page(w.index.All(), &remedy.Ask{}).Actions[0]; then.Decision == first.Decision {
		t.Errorf("%s, and %s once it is exploited", first.Decision, then.Decision)
	}
}
