package sigma_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vedette/internal/detect"
	"vedette/internal/detect/sigma"
	"vedette/internal/event"
)

const logins = `
title: failed login
id: fail
name: failed
level: low
tags: [attack.t0812]
logsource: {category: authentication}
detection: {a: {status: Failure}, condition: a}
---
title: login
id: good
name: success
level: informational
logsource: {category: authentication}
detection: {a: {status: Success}, condition: a}
---
`

func login(i int, at time.Duration, src, user, status string) *event.Event {
	e := new(event.Event)
	e.SetTimeField(time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC).Add(at))
	e.SetMetadataUID(fmt.Sprint("u", i))
	e.SetMetadataLogName("syslog/sshd")
	e.SetClassUID(int64(event.Authentication))
	e.SetSrcEndpointIP(src)
	e.SetUserName(user)
	e.SetStatus(status)
	return e
}

// told runs events through a detector and returns "rule count" of the findings.
func told(d *sigma.Detector, events ...*event.Event) string {
	var out []string
	raise := func(f event.Finding) { out = append(out, fmt.Sprint(f.Rule, " ", f.Count)) }
	var last time.Time
	for _, e := range events {
		d.Inspect(e, raise)
		last = e.TimeField()
	}
	d.Tick(last, true, raise)
	return strings.Join(out, ", ")
}

func TestCorrelations(t *testing.T) {
	const s = time.Second
	f := func(want, correlation string, events ...*event.Event) {
		t.Helper()
		d := sigma.NewDetector(compile(t, logins+correlation), sigma.DetectorOptions{})
		if got := told(d, events...); got != want {
			t.Errorf("%s\n got %s\nwant %s", correlation, got, want)
		}
	}
	burst := []*event.Event{
		login(1, 0, "10.0.0.1", "root", event.Failure), login(2, s, "10.0.0.1", "admin", event.Failure), login(3, 2*s, "10.0.0.2", "root", event.Failure),
		login(4, 3*s, "10.0.0.1", "pi", event.Failure), login(5, 4*s, "10.0.0.1", "pi", event.Success),
	}
	f("brute 3, good 1", "title: brute\nid: brute\nlevel: high\ncorrelation: {type: event_count, rules: [fail], group-by: [src_ip], timespan: 1m, condition: {gte: 3}}", burst...)
	f("fail 1, fail 1, fail 1, fail 1, brute 3, good 1", "title: brute\nid: brute\ncorrelation: {type: event_count, rules: [failed], group-by: [src_ip], timespan: 1m, condition: {gte: 3}, generate: true}", burst...)
	f("users 3, good 1", "title: users\nid: users\ncorrelation: {type: value_count, rules: [failed], group-by: [src_ip], timespan: 1m, condition: {gt: 2, field: user.name}}", burst...)
	f("few 1, few 3", "title: few\nid: few\ncorrelation: {type: event_count, rules: [failed, success], group-by: [src_ip], timespan: 1m, condition: {lte: 4}}",
		login(1, 0, "10.0.0.2", "root", event.Failure), login(2, s, "10.0.0.1", "a", event.Failure), login(3, 2*s, "10.0.0.1", "a", event.Failure), login(4, 3*s, "10.0.0.1", "a", event.Success))
	f("through 2", `
title: brute
id: brute
name: bruteforce
correlation: {type: event_count, rules: [fail], group-by: [src_ip], timespan: 1m, condition: {gte: 3}}
---
title: through
id: through
correlation:
  type: temporal_ordered
  rules: [bruteforce, success]
  group-by: [who]
  timespan: 5m
  aliases: {who: {bruteforce: src_endpoint.ip, success: src_ip}}
`, burst...)
	f("twice 2", "title: twice\nid: twice\ncorrelation: {type: temporal_ordered, rules: [fail, fail], group-by: [src_ip], timespan: 1m}",
		login(1, 0, "10.0.0.1", "a", event.Failure), login(2, s, "10.0.0.1", "a", event.Failure))
	suspect := login(9, 900*time.Hour, "10.0.0.1", "root", event.Failure)
	suspect.SetMetadataClockSuspect(true)
	f("brute 3, good 1", "title: brute\nid: brute\ncorrelation: {type: event_count, rules: [fail], group-by: [src_ip], timespan: 1m, condition: {gte: 3}}",
		burst[0], suspect, burst[3], burst[4])
}

// TestCorrelationFinding: severity, evidence and reasons of a correlation.
func TestCorrelationFinding(t *testing.T) {
	set := compile(t, logins+"title: brute\nid: brute\ncorrelation: {type: event_count, rules: [fail], group-by: [src_ip], timespan: 1m, condition: {gte: 2}}")
	c := detect.NewChain(sigma.NewDetector(set, sigma.DetectorOptions{}))
	c.Inspect(login(1, 0, "10.0.0.1", "root", event.Failure))
	c.Inspect(login(2, time.Second, "10.0.0.1", "root", event.Failure))
	got := c.Take()
	if len(got) != 1 {
		t.Fatalf("%d findings, want one", len(got))
	}
	f := got[0]
	reasons := fmt.Sprint(f.Reasons)
	if f.Severity != event.Low || f.Count != 2 || fmt.Sprint(f.Evidence, f.Techniques) != "[u1 u2] [T0812]" || reasons != "[event_count: 2 matches within 1m0s src_ip: 10.0.0.1]" {
		t.Errorf("%+v", f)
	}
}

// TestCorrelationsRefused: cycles and names that lead nowhere.
func TestCorrelationsRefused(t *testing.T) {
	docs, refused := sigma.Parse("x.yml", []byte(logins+`
title: a
id: a
correlation: {type: temporal, rules: [b, fail], timespan: 1m}
---
title: b
id: b
correlation: {type: temporal, rules: [a], timespan: 1m}
---
title: c
id: c
correlation: {type: event_count, rules: [nowhere], timespan: 1m, condition: {gte: 2}}
---
title: d
id: d
correlation: {type: event_count, rules: [fail], timespan: 2y, condition: {gte: 2}}
`))
	set, more := sigma.Compile(docs, sigma.Options{})
	var got []string
	for _, r := range append(refused, more...) {
		got = append(got, r.Rule+": "+r.Reason)
	}
	want := []string{
		`d: timespan "2y" is no length of time such as 5m, up to 744h0m0s`,
		`c: there is no rule "nowhere"`,
		"a: the correlations it is about lead back to it",
		"b: the correlations it is about lead back to it",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || set.Len() != 2 {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestFilter: a filter narrows the rules that it names.
func TestFilter(t *testing.T) {
	set := compile(t, logins+`
title: not the scanner
id: f1
logsource: {category: authentication}
filter:
  rules: [fail]
  scanner: {src_ip: 10.0.0.9}
  condition: not scanner
`)
	if got := ids(set, login(1, 0, "10.0.0.9", "root", event.Failure)); len(got) != 0 {
		t.Errorf("filtered, but %v", got)
	}
	if got := ids(set, login(1, 0, "10.0.0.8", "root", event.Failure)); len(got) != 1 {
		t.Errorf("not filtered, but %v", got)
	}
}
