package match_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/detect/match"
	"vedette/internal/event"
	"vedette/internal/intel"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// set compiles lines "value confidence [family]".
func set(t testing.TB, allow []string, lines ...string) *intel.Set {
	t.Helper()
	b, a := intel.NewBuilder(), intel.NewAllowBuilder()
	for _, line := range lines {
		in := intel.Indicator{Source: "feed", First: now.AddDate(0, 0, -9), Until: now.AddDate(0, 0, 9)}
		var text string
		_, _ = fmt.Sscan(line, &text, &in.Confidence, &in.Family)
		var err error
		if in.Type, in.Value, err = intel.Parse(text); err != nil {
			t.Fatal(text, err)
		}
		if strings.HasPrefix(text, "ja3:") {
			in.Type = intel.JA3
		}
		if err := b.Add(in); err != nil {
			t.Fatal(text, err)
		}
	}
	for _, text := range allow {
		kind, value, _ := intel.Parse(text)
		if err := a.Add(intel.Indicator{Type: kind, Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	return b.Build().WithAllow(a.Build())
}

func ev(change func(e *event.Event)) *event.Event {
	e := new(event.Event)
	e.SetTimeField(now)
	e.SetMetadataUID("u1")
	change(e)
	return e
}

func inspect(d *match.Detector, e *event.Event) []string {
	var got []string
	d.Inspect(e, func(f event.Finding) {
		got = append(got, fmt.Sprintf("%d %s: %s", f.Severity, strings.TrimPrefix(f.Rule, "indicator/"), f.Title))
	})
	return got
}

func TestWhatIsLookedUp(t *testing.T) {
	s := set(t, []string{"allowed.example"}, "203.0.113.9 90 mirai", "198.51.100.0/24 50", "203.0.113.10:23 80 mozi", "evil.example 60", "allowed.example 90",
		"http://host.example/x.sh 80", "/bins/x.arm 80", "d41d8cd98f00b204e9800998ecf8427e 99", "t13d1516h2_8daaf6152771_e5627efa2ab1 45", "bad@evil.example 30")
	flow := func(src, dst string, port int64) func(*event.Event) {
		return func(e *event.Event) {
			e.SetSrcEndpointIP(src)
			e.SetDstEndpointIP(dst)
			e.SetDstEndpointPort(port)
		}
	}
	tests := map[string]struct {
		e    *event.Event
		want []string
	}{
		"a device calls out": {ev(flow("10.0.0.5", "203.0.113.9", 23)), []string{"4 ip/203.0.113.9: outbound contact with an address that is an indicator of mirai"}},
		"someone calls in":   {ev(flow("203.0.113.9", "10.0.0.5", 23)), []string{"3 ip/203.0.113.9: contact from an address that is an indicator of mirai"}},
		"someone knocks in vain": {ev(func(e *event.Event) {
			flow("203.0.113.9", "10.0.0.5", 23)(e)
			e.SetConnectionInfoState("REJ")
		}), []string{"2 ip/203.0.113.9: contact from an address that is an indicator of mirai"}},
		"between strangers":    {ev(flow("192.0.2.1", "203.0.113.9", 23)), []string{"4 ip/203.0.113.9: contact with an address that is an indicator of mirai"}},
		"a subnet":             {ev(flow("10.0.0.5", "198.51.100.77", 23)), []string{"3 subnet/198.51.100.0/24: outbound contact with an address that is an indicator"}},
		"an address with port": {ev(flow("10.0.0.5", "203.0.113.10", 23)), []string{"4 ip:port/203.0.113.10:23: outbound contact with an address that is an indicator of mozi"}},
		"another port":         {ev(flow("10.0.0.5", "203.0.113.10", 80)), nil},
		"a name": {ev(func(e *event.Event) {
			e.SetSrcEndpointIP("10.0.0.5")
			e.SetQueryHostname("WWW.evil.example.")
			e.SetTLSSNI("x.evil.example") // the same again
		}), []string{"3 domain/evil.example: outbound contact with a name that is an indicator"}},
		"an allowed name": {ev(func(e *event.Event) { e.SetQueryHostname("allowed.example") }), nil},
		"an answer": {ev(func(e *event.Event) {
			e.SetQueryHostname("good.example")
			e.SetAnswers([]string{"good2.example", "203.0.113.9"})
		}), []string{"3 ip/203.0.113.9: a DNS answer that is an indicator of mirai"}},
		"a URL": {ev(func(e *event.Event) {
			e.SetSrcEndpointIP("10.0.0.5")
			e.SetHTTPRequestURLHostname("host.example")
			e.SetHTTPRequestURLPath("/x.sh?1")
		}), []string{"4 url/host.example/x.sh: a request for a URL that is an indicator"}},
		"a URL through a proxy": {ev(func(e *event.Event) {
			e.SetHTTPRequestURLHostname("proxy")
			e.SetHTTPRequestURLPath("http://host.example/x.sh")
		}), []string{"4 url/host.example/x.sh: a request for a URL that is an indicator"}},
		"a path": {ev(func(e *event.Event) {
			e.SetDstEndpointIP("192.0.2.7")
			e.SetHTTPRequestURLPath("/bins/x.arm")
		}), []string{"3 path//bins/x.arm: a request for a URL that is an indicator"}},
		"a file": {ev(func(e *event.Event) { e.SetFileMd5("D41D8CD98F00B204E9800998ECF8427E") }), []string{"4 md5/d41d8cd98f00b204e9800998ecf8427e: a file that is an indicator"}},
		"a program of Sysmon": {ev(func(e *event.Event) {
			e.SetExtra("Hashes", "SHA1=da39a3ee5e6b4b0d3255bfef95601890afd80709,MD5=D41D8CD98F00B204E9800998ECF8427E")
		}), []string{"4 md5/d41d8cd98f00b204e9800998ecf8427e: a program that is an indicator"}},
		"a fingerprint": {ev(func(e *event.Event) { e.SetTLSJa4("t13d1516h2_8daaf6152771_e5627efa2ab1") }), []string{"3 ja4/t13d1516h2_8daaf6152771_e5627efa2ab1: a TLS fingerprint that is an indicator"}},
		"a mailbox":     {ev(func(e *event.Event) { e.SetEmailFrom("Someone <BAD@evil.example>") }), []string{"2 email/bad@evil.example: a mailbox that is an indicator"}},
		"before the end, by a clock that lies": {ev(func(e *event.Event) {
			flow("10.0.0.5", "203.0.113.9", 23)(e)
			e.SetTimeField(now.AddDate(50, 0, 0))
			e.SetMetadataClockSuspect(true)
		}), []string{"4 ip/203.0.113.9: outbound contact with an address that is an indicator of mirai"}},
		"after the end": {ev(func(e *event.Event) {
			flow("10.0.0.5", "203.0.113.9", 23)(e)
			e.SetTimeField(now.AddDate(0, 0, 10))
		}), nil},
	}
	for name, tt := range tests {
		d := match.New(s, match.Config{})
		if diff := cmp.Diff(tt.want, inspect(d, tt.e)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestReasons(t *testing.T) {
	d := match.New(set(t, nil, "203.0.113.9 90 mirai"), match.Config{})
	var got []event.Finding
	e := ev(func(e *event.Event) {
		e.SetSrcEndpointIP("10.0.0.5")
		e.SetDstEndpointIP("203.0.113.9")
	})
	d.Inspect(e, func(f event.Finding) { got = append(got, f) })
	if len(got) != 1 {
		t.Fatal(got)
	}
	want := []event.Reason{
		{Feature: "dst_endpoint.ip", Observed: "203.0.113.9", Weight: 1},
		{Feature: "indicator", Observed: "ip 203.0.113.9"},
		{Feature: "source", Observed: "feed"},
		{Feature: "family", Observed: "mirai"},
		{Feature: "confidence", Observed: "90 of 100"},
		{Feature: "listed since", Observed: "2026-02-20"},
		{Feature: "valid until", Observed: "2026-03-10 12:00 UTC"},
	}
	f := got[0]
	if diff := cmp.Diff(want, f.Reasons); diff != "" || f.Family != event.FamilyIndicator || f.Confidence != 0.9 || f.UID == "" {
		t.Errorf("%s %+v", diff, f)
	}
	if diff := cmp.Diff([]event.Observable{{Type: "ip", Value: "203.0.113.9"}}, f.Entities); diff != "" {
		t.Error(diff)
	}
}

// TestCounted: what is not told is counted.
func TestCounted(t *testing.T) {
	lines := []string{"allowed.example 90", "unsure.example 10"}
	var answers []string
	for i := range 100 {
		lines = append(lines, fmt.Sprintf("203.0.113.%d 90", i))
		answers = append(answers, fmt.Sprintf("203.0.113.%d", i))
	}
	d := match.New(set(t, []string{"allowed.example"}, lines...), match.Config{MinConfidence: 20})
	for _, name := range []string{"allowed.example", "unsure.example", "x.allowed.example"} {
		if got := inspect(d, ev(func(e *event.Event) { e.SetQueryHostname(name) })); len(got) != 0 {
			t.Error(got)
		}
	}
	if got := inspect(d, ev(func(e *event.Event) { e.SetAnswers(answers) })); len(got) != 8 {
		t.Errorf("%d findings of one event", len(got))
	}
	counts := map[string]int64{}
	for _, c := range d.Conditions() {
		counts[c.Code] = c.Count
	}
	if diff := cmp.Diff(map[string]int64{"allowed": 2, "unsure": 1, "hits-full": 57}, counts); diff != "" {
		t.Error(diff)
	}
}

func TestSwap(t *testing.T) {
	d := match.New(nil, match.Config{})
	e := ev(func(e *event.Event) { e.SetQueryHostname("evil.example") })
	if got := inspect(d, e); len(got) != 0 {
		t.Error(got)
	}
	d.Swap(set(t, nil, "evil.example 90"))
	if got := inspect(d, e); len(got) != 1 {
		t.Error(got)
	}
}

func missing() *event.Event {
	return ev(func(e *event.Event) {
		e.SetSrcEndpointIP("10.0.0.5")
		e.SetDstEndpointIP("192.0.2.99")
		e.SetDstEndpointPort(8080)
		e.SetQueryHostname("A.name.that.is.good.example.org")
		e.SetAnswers([]string{"192.0.2.77", "cname.example.org"})
		e.SetHTTPRequestURLHostname("Host.example.org")
		e.SetHTTPRequestURLPath("/some/path?with=query")
		e.SetFileSha256("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
		e.SetTLSJa3Hash("b386946a5a44d1ddcc843bc75336dfce")
		e.SetEmailFrom("Someone <someone@example.org>")
		e.SetExtra("Hashes", "SHA1=da39a3ee5e6b4b0d3255bfef95601890afd80709,MD5=D41D8CD98F00B204E9800998ECF8427F")
	})
}

func TestMissAllocatesNothing(t *testing.T) {
	d := match.New(set(t, nil, "203.0.113.9 90", "198.51.100.0/24 50", "203.0.113.10:23 80", "evil.example 60", "http://host.example/x 8", "/bins/x.arm 80", "d41d8cd98f00b204e9800998ecf8427e 9", "bad@evil.example 30"), match.Config{})
	e := missing()
	raise := func(f event.Finding) { t.Error(f) }
	if got := testing.AllocsPerRun(100, func() { d.Inspect(e, raise) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkMiss(b *testing.B) {
	d := match.New(set(b, nil, "203.0.113.9 90", "198.51.100.0/24 50", "203.0.113.10:23 80", "evil.example 60", "http://host.example/x 8", "/bins/x.arm 80", "d41d8cd98f00b204e9800998ecf8427e 9", "bad@evil.example 30"), match.Config{})
	e := missing()
	b.ReportAllocs()
	for b.Loop() {
		d.Inspect(e, func(event.Finding) {})
	}
}
