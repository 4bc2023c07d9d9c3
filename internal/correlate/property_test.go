package correlate_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"vedette/internal/correlate"
	"vedette/internal/event"
)

// someFindings draws findings that have much in common.
func someFindings(t *rapid.T) []event.Finding {
	ends := []string{"plc-1", "plc-2", "hmi-1", "10.0.0.5", "10.0.0.6", "8.8.8.8", "203.0.113.7", "gateway", ""}
	techs := []string{"T0846", "T0858", "T0836", "T1110", "T1021.001", "AML.T0051", "nonsense", ""}
	n := rapid.IntRange(1, 120).Draw(t, "findings")
	out := make([]event.Finding, n)
	for i := range out {
		f := event.Finding{
			UID: fmt.Sprintf("f%d", i), Rule: rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "rule"), Count: rapid.IntRange(-1, 5).Draw(t, "count"),
			Title: "title", Family: rapid.SampledFrom([]string{event.FamilySigma, event.FamilySource}).Draw(t, "family"),
			Severity: event.Severity(rapid.IntRange(-1, 8).Draw(t, "severity")), Confidence: rapid.Float64Range(0, 1).Draw(t, "confidence"),
			Time: start.Add(time.Duration(rapid.IntRange(-100, 3000).Draw(t, "minute")) * time.Minute),
			Src:  side(rapid.SampledFrom(ends).Draw(t, "src")), Dst: side(rapid.SampledFrom(ends).Draw(t, "dst")),
		}
		f.First = f.Time.Add(-time.Duration(rapid.IntRange(-10, 30).Draw(t, "before")) * time.Minute)
		f.Device = deviceOf(rapid.SampledFrom(ends).Draw(t, "device"))
		if q := rapid.SampledFrom(techs).Draw(t, "technique"); q != "" {
			f.Techniques = []string{q}
		}
		if rapid.Bool().Draw(t, "user") {
			f.Entities = []event.Observable{{Type: "user", Value: rapid.SampledFrom([]string{"root", "eve", "\xff\x00"}).Draw(t, "name")}}
		}
		out[i] = f
	}
	return out
}

// all is every incident in full.
func all(c *correlate.Correlator) []correlate.Incident {
	out := c.Incidents()
	for i := range out {
		out[i], _ = c.Get(out[i].UID)
	}
	return out
}

// TestNothingIsLost: whatever comes, in whatever order and however little room
// there is, every finding is in exactly one incident, once.
func TestNothingIsLost(t *testing.T) {
	q := techniques(t)
	rapid.Check(t, func(t *rapid.T) {
		found := someFindings(t)
		c := correlate.New(correlate.Config{Techniques: q, MaxOpen: rapid.SampledFrom([]int{0, 4, 12}).Draw(t, "room"), MaxTracked: rapid.SampledFrom([]int{0, 3}).Draw(t, "tracked")}, clock)
		for _, f := range found {
			if c.Add(f) == "" {
				t.Fatal("a finding has no incident")
			}
			if rapid.IntRange(0, 9).Draw(t, "again") == 0 {
				c.Add(f)
			}
		}
		checkSums(t, c, int64(len(found)))
	})
}

func checkSums(t interface{ Fatalf(string, ...any) }, c *correlate.Correlator, want int64) {
	var in, bySeverity, kinds int64
	for _, x := range all(c) {
		in += x.Findings.Count
		for _, n := range x.Findings.BySeverity {
			bySeverity += n
		}
		if x.Title == "" || x.Last.Before(x.First) || x.Score < 0 || x.Score > 100 {
			t.Fatalf("title %q, %v to %v, score %v", x.Title, x.First, x.Last, x.Score)
		}
		for _, m := range x.Timeline {
			kinds += m.Count
		}
	}
	totals := c.Totals()
	if in != want || bySeverity != want || totals.Added != want || totals.InIncidents+totals.Suppressed != want {
		t.Fatalf("%d findings in incidents, %d by severity, totals %+v; want %d", in, bySeverity, totals, want)
	}
}

// TestOrderOfArrival: findings that come shuffled land in as few incidents, or
// nearly, and are all there.
func TestOrderOfArrival(t *testing.T) {
	q := techniques(t)
	var n serial
	var found []event.Finding
	for i := range 12 {
		found = append(found, n.finding(float64(i), "scan", event.Medium, "10.1.2.3", fmt.Sprintf("dev-%d", i), "T0846"))
	}
	found = append(found, n.finding(13, "login", event.Medium, "10.1.2.3", "dev-4", "T0812"), n.finding(20, "stop", event.High, "dev-4", "plc-9", "T0858"))
	for seed := range uint64(50) {
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
		c := correlate.New(correlate.Config{Techniques: q}, clock)
		for _, f := range found {
			c.Add(f)
		}
		checkSums(t, c, int64(len(found)))
		if got := len(c.Incidents()); got != 1 {
			t.Errorf("seed %d: %d incidents, want 1", seed, got)
		}
	}
}

// persons lets people do things to incidents.
func persons(t *rapid.T, c *correlate.Correlator) {
	var given []string
	for range rapid.IntRange(0, 8).Draw(t, "acts") {
		list := c.Incidents()
		in := list[rapid.IntRange(0, len(list)-1).Draw(t, "which")]
		by := rapid.SampledFrom([]string{"ann", "bob"}).Draw(t, "by")
		switch rapid.IntRange(0, 7).Draw(t, "act") {
		case 0:
			_ = c.Desk(nil).Close(in.UID, by, "done")
		case 1:
			_ = c.Desk(nil).Reopen(in.UID, by, "not done")
		case 2:
			id, err := c.Desk(nil).Feedback(in.UID, rapid.SampledFrom([]correlate.Verdict{correlate.True, correlate.False, correlate.Benign}).Draw(t, "verdict"), by, "because")
			if err != nil {
				t.Fatal(err)
			}
			given = append(given, id)
		case 3:
			if len(given) > 0 {
				_ = c.Desk(nil).Undo(given[0], by, "wrong")
			}
		case 5:
			_ = c.Desk(nil).Assign(in.UID, rapid.SampledFrom([]string{"ann", "bob", ""}).Draw(t, "to"), by, "")
		case 6, 7:
			id, err := c.Desk(nil).AddNote(in.UID, by, rapid.SampledFrom([]string{"seen", "two\nlines", "<b>\x00"}).Draw(t, "text"))
			if err != nil {
				t.Fatal(err)
			}
			given = append(given, id)
		case 4:
			if len(in.Merges) > 0 && in.Merges[0].Part != "" {
				if err := c.Desk(nil).Split(in.Merges[0].Part, by, "not the same"); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestRestoreIsIdentity: what comes back from the records is what was there,
// however often they were handed out on the way, and it goes on alike.
func TestRestoreIsIdentity(t *testing.T) {
	q := techniques(t)
	rapid.Check(t, func(t *rapid.T) {
		found := someFindings(t)
		cfg := correlate.Config{Techniques: q, MaxOpen: rapid.SampledFrom([]int{0, 6}).Draw(t, "room")}
		c := correlate.New(cfg, clock)
		if _, err := c.Suppress(correlate.Suppression{Rule: "d", Reason: "known", By: "ann", Expires: clock().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		kept := map[string]correlate.Record{}
		keep := func() {
			records, err := c.Dirty()
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				if r.JSON == nil {
					delete(kept, r.Kind+r.ID)
				} else {
					kept[r.Kind+r.ID] = r
				}
			}
		}
		for i, f := range found {
			c.Add(f)
			if i%17 == 0 {
				keep()
			}
		}
		if len(c.Incidents()) > 0 {
			persons(t, c)
		}
		keep()
		if more, _ := c.Dirty(); len(more) != 0 {
			t.Fatalf("%d records changed without a cause", len(more))
		}
		var records []correlate.Record
		for _, r := range kept {
			records = append(records, r)
		}
		again := correlate.New(cfg, clock)
		if problems := again.Restore(slices.Values(records)); len(problems) > 0 {
			t.Fatal(problems)
		}
		same(t, c, again)
		for _, f := range found { // all were added before
			again.Add(f)
		}
		same(t, c, again)
		if more, _ := again.Dirty(); len(more) > 1 { // the count of repeats
			t.Fatalf("%d records changed by what was there", len(more))
		}
	})
}

func same(t *rapid.T, a, b *correlate.Correlator) {
	if diff := cmp.Diff(all(a), all(b), cmpopts.EquateEmpty()); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff(a.Suppressions(), b.Suppressions()); diff != "" {
		t.Fatal(diff)
	}
	ta, tb := a.Totals(), b.Totals()
	ta.Repeated, tb.Repeated = 0, 0
	if ta != tb {
		t.Fatalf("%+v became %+v", ta, tb)
	}
}

// TestUndoIsExact: feedback changes scores, and undoing it restores them.
func TestUndoIsExact(t *testing.T) {
	q := techniques(t)
	rapid.Check(t, func(t *rapid.T) {
		c := correlate.New(correlate.Config{Techniques: q}, clock)
		for _, f := range someFindings(t) {
			c.Add(f)
		}
		scores := func() map[string]float64 {
			out := map[string]float64{}
			for _, in := range c.Incidents() {
				out[in.UID] = in.Score
			}
			return out
		}
		before := scores()
		var ids []string
		for i, in := range c.Incidents() {
			id, err := c.Desk(nil).Feedback(in.UID, []correlate.Verdict{correlate.True, correlate.False, correlate.Benign}[i%3], fmt.Sprint("p", i%4), "")
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		order := rapid.Permutation(ids).Draw(t, "order")
		for _, id := range order {
			if err := c.Desk(nil).Undo(id, "ann", ""); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(before, scores()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestSplitUndoesMerge: what was merged comes apart again with all findings,
// whichever order it is taken apart in.
func TestSplitUndoesMerge(t *testing.T) {
	q := techniques(t)
	rapid.Check(t, func(t *rapid.T) {
		found := someFindings(t)
		c := correlate.New(correlate.Config{Techniques: q}, clock)
		for _, f := range found {
			c.Add(f)
		}
		for range 200 {
			var parts []string
			for _, in := range c.Incidents() {
				for _, m := range in.Merges {
					if m.Part != "" {
						parts = append(parts, m.Part)
					}
				}
			}
			if len(parts) == 0 {
				break
			}
			if err := c.Desk(nil).Split(rapid.SampledFrom(parts).Draw(t, "part"), "ann", "not the same"); err != nil {
				t.Fatal(err)
			}
			checkSums(t, c, int64(len(found)))
		}
		for _, in := range c.Incidents() {
			if len(in.Merges) > 0 {
				t.Fatalf("incident %s still has parts: %+v", in.UID, in.Merges)
			}
		}
	})
}

// FuzzRestore: no record, however broken, panics, makes room without bound or
// keeps a correlator from working; what is accepted adds up and comes out again.
func FuzzRestore(f *testing.F) {
	c := correlate.New(correlate.Config{}, clock)
	var n serial
	for i := range 5 {
		c.Add(n.finding(float64(i), "r", event.Low, "10.0.0.1", "plc-1", "T0846"))
	}
	uid := c.Incidents()[0].UID
	_, _ = c.Desk(nil).Feedback(uid, correlate.Benign, "ann", "")
	_, _ = c.Desk(nil).AddNote(uid, "ann", "seen")
	_ = c.Desk(nil).Assign(uid, "bob", "ann", "")
	_, _ = c.Suppress(correlate.Suppression{Rule: "x", Reason: "y", By: "z", Expires: clock().Add(time.Hour)})
	records, _ := c.Dirty()
	for _, r := range records {
		f.Add(r.Kind, r.ID, []byte(r.JSON))
	}
	f.Add("incident", "x", []byte(`{"v":1,"uid":"x","num":1,"into":"x","findings":1,"events":1,"by_severity":[0,1]}`))
	f.Fuzz(func(t *testing.T, kind, id string, doc []byte) {
		c := correlate.New(correlate.Config{}, clock)
		c.Restore(slices.Values([]correlate.Record{{Kind: kind, ID: id, JSON: doc}, {Kind: kind, ID: id, JSON: doc}}))
		before := c.Totals().InIncidents
		var n serial
		f := n.finding(1, "r", event.Low, "10.0.0.1", "plc-1", "T0846")
		f.UID = "another" // the sums and the findings that were added may be the document
		if c.Add(f) == "" && len(c.Suppressions()) == 0 {
			t.Error("a finding is lost")
		}
		if after := c.Totals(); after.InIncidents+after.Suppressed < before || after.InIncidents > before+1 {
			t.Errorf("%d findings in incidents became %d", before, after.InIncidents)
		}
		for _, in := range all(c) {
			c.Similar(in.UID)
			if len(in.Timeline) > 64*32 || len(in.Graph.Nodes) > 400 {
				t.Errorf("%d lines, %d nodes", len(in.Timeline), len(in.Graph.Nodes))
			}
			if _, err := json.Marshal(in); err != nil {
				t.Error(err)
			}
		}
		if records, err := c.Dirty(); err != nil || !slices.ContainsFunc(records, func(r correlate.Record) bool { return r.Kind == correlate.RecordKind }) && len(c.Suppressions()) == 0 {
			t.Errorf("%d records, %v", len(records), err)
		}
	})
}
