package demo_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"vedette/internal/asset"
	"vedette/internal/demo"
	"vedette/internal/edge"
	"vedette/internal/event"
	"vedette/internal/ingest"
)

var start = time.Date(2026, 3, 12, 10, 30, 0, 0, time.UTC)

// parse reads the plant's logs as the product does.
func parse(t *testing.T, p *demo.Plant, from, to time.Time, each func(*event.Event)) {
	t.Helper()
	reader := ingest.NewReader(edge.Formats(), func() time.Time { return start })
	for _, s := range p.Logs(from, to) {
		rep, err := reader.Stream(context.Background(), bytes.NewReader(s.Text), s.Name, "", to, func(e *event.Event) error {
			each(e)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := "zeek-json"
		if strings.HasPrefix(s.Name, "suricata") {
			want = "eve"
		} else if strings.HasPrefix(s.Name, "syslog") {
			want = "syslog"
		}
		if rep.Format != want || rep.Rejected != 0 || rep.Events != s.Lines {
			t.Errorf("%s: read as %s (want %s), %d events of %d lines, %d rejected: %v", s.Name, rep.Format, want, rep.Events, s.Lines, rep.Rejected, rep.Reasons)
		}
	}
}

func TestSameSeedGivesSameBytes(t *testing.T) {
	from, to := start.Add(-6*time.Hour), start.Add(10*time.Minute)
	all := func(p *demo.Plant, from, to time.Time) map[string]string {
		out := map[string]string{}
		for _, s := range p.Logs(from, to) {
			out[s.Name] = string(s.Text)
		}
		return out
	}
	a, b := all(demo.New(1, start), from, to), all(demo.New(1, start), from, to)
	other := all(demo.New(2, start), from, to)
	parts := map[string]string{}
	p := demo.New(1, start)
	for at := from; at.Before(to); at = at.Add(97 * time.Second) {
		end := at.Add(97 * time.Second)
		if end.After(to) {
			end = to
		}
		for name, text := range all(p, at, end) {
			parts[name] += text
		}
	}
	for name, text := range a {
		if b[name] != text {
			t.Errorf("%s differs between two plants of one seed", name)
		}
		if other[name] == text {
			t.Errorf("%s is the same for two seeds", name)
		}
		if parts[name] != text {
			t.Errorf("%s: the parts are not the whole", name)
		}
	}
}

func TestHistoryParsesWhole(t *testing.T) {
	p, n, uids := demo.New(7, start), 0, map[string]bool{}
	unknown := 0
	parse(t, p, start.Add(-demo.History), start, func(e *event.Event) {
		n++
		uids[e.MetadataUID()] = true
		if e.ClassUID() == int64(event.BaseEvent) {
			unknown++
		}
		if e.MetadataClockSuspect() {
			t.Fatalf("suspect time in %s", e.RawField())
		}
	})
	if n < 20_000 || n > 40_000 {
		t.Errorf("%d events of history, want 20 to 40 thousand", n)
	}
	if len(uids) != n {
		t.Errorf("%d events have only %d identities", n, len(uids))
	}
	if unknown > 0 {
		t.Errorf("%d lines were not understood", unknown)
	}
}

func TestPlantHasFourZonesAndItsDevices(t *testing.T) {
	p := demo.New(1, start)
	zones := p.Zones()
	reg := asset.New(asset.Config{Zones: zones}, nil, func() time.Time { return start })
	rep, err := reg.Import(bytes.NewReader(p.Inventory()))
	if err != nil || rep.Rejected+len(rep.Problems)+len(rep.Ignored) > 0 {
		t.Fatalf("import: %v %+v", err, rep)
	}
	if len(zones) != 4 || rep.Created < 30 {
		t.Fatalf("%d zones, %d devices", len(zones), rep.Created)
	}
	parse(t, p, start.Add(-24*time.Hour), start.Add(15*time.Minute), reg.Observe)
	perZone := map[string]int{}
	for _, d := range reg.List() {
		perZone[d.Value(asset.KeyZone)]++
		if d.Value(asset.KeyLevel) == "" || d.Value(asset.KeyType) == "" {
			t.Errorf("%s has level %q, type %q", d.Name(), d.Value(asset.KeyLevel), d.Value(asset.KeyType))
		}
	}
	if len(perZone) != 4 || len(reg.List()) != rep.Created {
		t.Errorf("after a day: %d devices of %d, zones %v", len(reg.List()), rep.Created, perZone)
	}
}

func TestIncidentsAreInTheLogs(t *testing.T) {
	p := demo.New(3, start)
	tell := func(from, to time.Time) map[string]int {
		seen := map[string]int{}
		parse(t, p, from, to, func(e *event.Event) {
			src, dst := e.SrcEndpointIP(), e.DstEndpointIP()
			switch {
			case src == "10.30.0.12" && (e.DstEndpointPort() == 23 || e.DstEndpointPort() == 2323):
				seen["telnet scan"]++
			case src == "10.30.0.12" && dst == "203.0.113.66":
				seen["botnet"]++
			case src == "10.20.0.53" && dst == "198.51.100.77":
				seen["leak"]++
			case src == "203.0.113.45" && e.ActivityName() == "Logon":
				seen["guess "+e.Status()]++
			case src == "10.10.0.20" && dst == "10.20.0.11" && e.ICSWrite():
				seen["plc write"]++
			case src == "10.10.0.103" && e.ActivityName() == "Logon" && e.UserName() == "operator" && e.Status() == event.Failure:
				seen["locked out"]++
			case src == "10.40.0.30" && dst == "10.30.0.31" && e.ICSWrite():
				seen["bacnet write"]++
			}
		})
		return seen
	}
	for name, c := range map[string]struct {
		from, to time.Time
		want     map[string]int
	}{
		"history": {start.Add(-36 * time.Hour), start, map[string]int{"telnet scan": 100, "botnet": 50, "leak": 50, "guess Failure": 100, "guess Success": 1, "plc write": 12, "locked out": 25, "bacnet write": 8}},
		"a round": {start, start.Add(12 * time.Minute), map[string]int{"telnet scan": 20, "leak": 2, "guess Failure": 14, "plc write": 3, "locked out": 14, "bacnet write": 3}},
	} {
		got := tell(c.from, c.to)
		for what, least := range c.want {
			if got[what] < least {
				t.Errorf("%s: %d lines of %q, want at least %d", name, got[what], what, least)
			}
		}
	}
	if before := tell(start.Add(-demo.History), start.Add(-36*time.Hour)); len(before) > 0 {
		t.Errorf("incidents before they began: %v", before)
	}
}

// What the plant is held against is there, and the demo's own says that it is
// invented.
func TestDisclosed(t *testing.T) {
	p := demo.New(1, start)
	if a, b := p.Advisories(), p.Bills(); len(a) < 5 || len(b) < 2 {
		t.Fatalf("%d advisories, %d bills", len(a), len(b))
	}
	for _, d := range p.Advisories() {
		if strings.HasPrefix(d.Name, "demo-") && !strings.Contains(string(d.Text), "INVENTED FOR THE DEMO") {
			t.Errorf("%s does not say that it is invented", d.Name)
		}
	}
	for _, b := range p.Bills() {
		if !strings.Contains(string(b.Text), "invented camera") {
			t.Errorf("%s does not say that it is invented", b.Name)
		}
	}
}
