package sigma_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/detect/sigma"
	"vedette/internal/event"
)

// counting are correlations of every type.
var counting = []string{
	"title: brute\nid: brute\ncorrelation: {type: event_count, rules: [failed], group-by: [src_ip], timespan: 1m, condition: {gte: 4}}",
	"title: many\nid: many\ncorrelation: {type: event_count, rules: [failed, success], timespan: 10m, condition: {gte: 30}}",
	"title: few\nid: few\ncorrelation: {type: event_count, rules: [failed, success], group-by: [src_ip], timespan: 20s, condition: {lte: 4}}",
	"title: users\nid: users\ncorrelation: {type: value_count, rules: [failed], group-by: [src_ip], timespan: 1m, condition: {gte: 3, field: user.name}}",
	"title: both\nid: both\ncorrelation: {type: temporal, rules: [failed, success], group-by: [src_ip], timespan: 15s}",
	"title: then\nid: then\ncorrelation: {type: temporal_ordered, rules: [failed, success], group-by: [src_ip], timespan: 15s}",
	"title: sum\nid: sum\ncorrelation: {type: value_sum, rules: [failed], group-by: [src_ip], timespan: 1m, condition: {gt: 300, field: traffic.bytes_out}}",
	"title: avg\nid: avg\ncorrelation: {type: value_avg, rules: [failed], group-by: [src_ip], timespan: 1m, condition: {gt: 90, field: traffic.bytes_out}}",
	"title: high\nid: high\ncorrelation: {type: value_percentile, percentile: 50, rules: [failed], group-by: [src_ip], timespan: 1m, condition: {gt: 95, field: traffic.bytes_out}}",
	"title: brute\nid: brute\nname: b\ncorrelation: {type: event_count, rules: [failed], group-by: [src_ip], timespan: 1m, condition: {gte: 3}}\n---\ntitle: again\nid: again\ncorrelation: {type: event_count, rules: [b], group-by: [src_ip], timespan: 5m, condition: {gte: 2}}",
}

// attempts are made-up logins of a few sources.
func attempts(n int) []*event.Event {
	r := rand.New(rand.NewPCG(3, 4))
	at := time.Duration(0)
	var out []*event.Event
	for i := range n {
		at += time.Duration(r.IntN(6000)) * time.Millisecond
		status := event.Failure
		if r.IntN(4) == 0 {
			status = event.Success
		}
		e := login(i, at, fmt.Sprintf("10.0.0.%d", r.IntN(3)), fmt.Sprint("user", r.IntN(4)), status)
		e.SetTrafficBytesOut(r.Int64N(120))
		out = append(out, e)
	}
	return out
}

// findings shows events and returns all that is said of them.
func findings(t *testing.T, d *sigma.Detector, events []*event.Event, final bool) []string {
	t.Helper()
	out := []string{}
	raise := func(f event.Finding) {
		e, err := f.Event()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.RawField())
	}
	for _, e := range events {
		d.Inspect(e, raise)
	}
	if final && len(events) > 0 {
		d.Tick(events[len(events)-1].TimeField(), true, raise)
	}
	return out
}

// restarted is a detector with what another has counted.
func restarted(t *testing.T, set *sigma.Set, d *sigma.Detector) *sigma.Detector {
	t.Helper()
	data, err := d.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	next := sigma.NewDetector(set, sigma.DetectorOptions{})
	if err := next.Restore(data); err != nil {
		t.Fatal(err)
	}
	again, err := next.Snapshot()
	if err != nil || string(again) != string(data) {
		t.Fatalf("a snapshot of what was restored differs, %v", err)
	}
	return next
}

// TestRestart: with a restart between any two events, correlations find what they
// find without.
func TestRestart(t *testing.T) {
	events := attempts(120)
	for _, c := range counting {
		text := logins + c
		want := findings(t, sigma.NewDetector(compile(t, text), sigma.DetectorOptions{}), events, true)
		if len(want) == 0 {
			t.Errorf("%s\nfinds nothing", c)
		}
		set := compile(t, text) // as another process compiles it
		for cut := 0; cut < len(events); cut += 13 {
			d := sigma.NewDetector(set, sigma.DetectorOptions{})
			got := findings(t, d, events[:cut], false)
			got = append(got, findings(t, restarted(t, set, d), events[cut:], true)...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s\nrestarted after %d: -without +with\n%s", c, cut, diff)
			}
		}
	}
}

// TestKill: what was told after the last snapshot is told again under the same
// uid, so that a store takes it once; also if more events are counted than a
// finding names.
func TestKill(t *testing.T) {
	for _, most := range []int{5, 50} {
		set := compile(t, logins+fmt.Sprintf("title: brute\nid: brute\ncorrelation: {type: event_count, rules: [failed], group-by: [src_ip], timespan: 1h, condition: {gte: %d}}", most))
		d := sigma.NewDetector(set, sigma.DetectorOptions{})
		var events []*event.Event
		for i := range 2 * most {
			events = append(events, login(i, time.Duration(i)*time.Second, "10.0.0.1", "root", event.Failure))
		}
		kept := most * 2 / 3
		uids := map[string]int{}
		show := func(d *sigma.Detector, events []*event.Event) {
			for _, e := range events {
				d.Inspect(e, func(f event.Finding) { uids[f.UID]++ })
			}
		}
		show(d, events[:kept])
		data, err := d.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		show(d, events[kept:most+1])
		if len(uids) != 1 {
			t.Fatalf("%d findings before the kill", len(uids))
		}
		d = sigma.NewDetector(set, sigma.DetectorOptions{})
		if err := d.Restore(data); err != nil {
			t.Fatal(err)
		}
		show(d, events[most+1:])
		if len(uids) != 1 {
			t.Errorf("%d of them: the finding has another uid after the kill: %v", most, uids)
		}
	}
}

// TestChangedRule: what a rule counted before it was changed counts no more, that
// of the others does; the same when rules are swapped.
func TestChangedRule(t *testing.T) {
	const brute = "title: brute\nid: brute\ncorrelation: {type: event_count, rules: [%s], group-by: [src_ip], timespan: 1m, condition: {gte: %d}}\n---\n"
	const users = "title: users\nid: users\ncorrelation: {type: value_count, rules: [failed], group-by: [src_ip], timespan: 1m, condition: {gte: 3, field: user.name}}\n"
	before := compile(t, logins+fmt.Sprintf(brute, "failed", 3)+users)
	changed := map[string]*sigma.Set{
		"users 3":          compile(t, logins+fmt.Sprintf(brute, "failed, success", 3)+users),
		"brute 3, users 3": compile(t, logins+users+"---\n"+fmt.Sprintf(brute, "failed", 3)),
		"":                 compile(t, strings.Replace(logins, "{status: Failure}", "{status: Failure, user.name: '*'}", 1)+fmt.Sprintf(brute, "failed", 3)+users),
	}
	first := []*event.Event{login(1, 0, "10.0.0.1", "a", event.Failure), login(2, time.Second, "10.0.0.1", "b", event.Failure)}
	last := login(3, 2*time.Second, "10.0.0.1", "c", event.Failure)
	for want, set := range changed {
		d := sigma.NewDetector(before, sigma.DetectorOptions{})
		told(d, first...)
		data, err := d.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		next := sigma.NewDetector(set, sigma.DetectorOptions{})
		if err := next.Restore(data); err != nil {
			t.Fatal(err)
		}
		d.Swap(set)
		for how, d := range map[string]*sigma.Detector{"restored": next, "swapped": d} {
			got := told(d, last)
			sorted := strings.Split(got, ", ")
			if len(sorted) == 2 && sorted[0] > sorted[1] {
				got = sorted[1] + ", " + sorted[0]
			}
			if got != want {
				t.Errorf("%s: %q, want %q", how, got, want)
			}
		}
	}
}

// everything compiles all of counting as one set.
func everything(t testing.TB) *sigma.Set {
	t.Helper()
	docs, refused := sigma.Parse("all.yml", []byte(logins+strings.Join(counting[:len(counting)-1], "\n---\n")))
	set, more := sigma.Compile(docs, sigma.Options{})
	if len(refused)+len(more) > 0 {
		t.Fatal(refused, more)
	}
	return set
}

// FuzzRestore: bytes that are no snapshot are an error and leave a detector
// that has counted nothing; what is taken can be used and kept again. The
// checksum is made right, so that what is behind it is reached.
func FuzzRestore(f *testing.F) {
	set := everything(f)
	d := sigma.NewDetector(set, sigma.DetectorOptions{})
	empty, err := d.Snapshot()
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range attempts(40) {
		d.Inspect(e, func(event.Finding) {})
	}
	data, _ := d.Snapshot()
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add(empty)
	late := attempts(60)[40:]
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, data := range [][]byte{data, sigma.Sealed(data)} {
			d := sigma.NewDetector(set, sigma.DetectorOptions{})
			err := d.Restore(data)
			kept, again := d.Snapshot()
			switch {
			case again != nil:
				t.Fatal(again)
			case err != nil && string(kept) != string(empty):
				t.Fatal("a broken snapshot left something counted")
			case err == nil && sigma.NewDetector(set, sigma.DetectorOptions{}).Restore(kept) != nil:
				t.Fatal("its own snapshot is not taken")
			}
			for _, e := range late {
				d.Inspect(e, func(event.Finding) {})
			}
			d.Tick(late[len(late)-1].TimeField(), true, func(event.Finding) {})
		}
	})
}

// TestMutatedSnapshots changes single bytes under a right checksum.
func TestMutatedSnapshots(t *testing.T) {
	set := everything(t)
	d := sigma.NewDetector(set, sigma.DetectorOptions{})
	for _, e := range attempts(60) {
		d.Inspect(e, func(event.Finding) {})
	}
	data, err := d.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Restore(data[:len(data)-1]); err == nil {
		t.Error("a snapshot that was cut off was taken")
	}
	refused := 0
	for i := 0; i < len(data); i += 3 {
		mutated := []byte(string(data))
		mutated[i] ^= byte(1 + i%255)
		if d.Restore(sigma.Sealed(mutated)) != nil {
			refused++
		}
		told(d, login(1, time.Hour, "10.0.0.1", "root", event.Failure))
		if _, err := d.Snapshot(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d changed bytes are noticed without the checksum", refused, len(data)/3)
}
