package sigma_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/detect"
	"vedette/internal/detect/sigma"
	"vedette/internal/event"
)

// compile makes a set of documents that must all be good.
func compile(t testing.TB, text string) *sigma.Set {
	t.Helper()
	docs, refused := sigma.Parse("test.yml", []byte(text))
	set, more := sigma.Compile(docs, sigma.Options{Mapping: mapping(t), Expand: map[string][]string{"stations": {"ews-*", "hmi-1"}}})
	for _, r := range append(refused, more...) {
		t.Fatalf("refused: %s: %s", r.Rule, r.Reason)
	}
	return set
}

// anyLog writes a rule about any log with this detection.
func anyLog(detection string) string {
	return "title: a rule\nid: r1\nlogsource: {}\ndetection: " + detection + "\n"
}

// ids are the rules that match, sorted.
func ids(s *sigma.Set, e *event.Event) []string {
	var sc sigma.Scratch
	out := []string{}
	s.Match(e, &sc, func(r *sigma.Rule) { out = append(out, r.ID) })
	slices.Sort(out)
	return out
}

func modbusWrite() *event.Event {
	e := new(event.Event)
	e.SetTimeField(time.Date(2026, 3, 4, 22, 41, 0, 0, time.UTC))
	e.SetMetadataUID("u1")
	e.SetMetadataLogName("wire/modbus")
	e.SetClassUID(int64(event.NetworkActivity))
	e.SetSrcEndpointIP("10.0.0.5")
	e.SetDstEndpointIP("10.0.0.9")
	e.SetDstEndpointPort(502)
	e.SetICSProtocol("modbus")
	e.SetICSFunction("WRITE_SINGLE_REGISTER")
	e.SetICSFunctionCode(6)
	e.SetICSWrite(true)
	e.SetStr(event.SlotDeviceType, "plc")
	e.SetStr(event.SlotSrcEndpointName, "EWS-01")
	e.SetStr(event.SlotSrcEndpointZone, "office")
	e.SetAnomalyNovel([]string{"function", "write"})
	e.SetAnomalyScore(0.93)
	e.SetExtra("CommandLine", `C:\Tools\flash.exe -Force /Quiet "A*B"`)
	e.SetExtra("Image", `C:\Tools\flash.exe`)
	e.SetExtra("Data", "first")
	e.SetExtra("Data#2", "second")
	return e
}

// TestDetections: what modifiers and conditions mean.
func TestDetections(t *testing.T) {
	f := func(want bool, detection string) {
		t.Helper()
		got := len(ids(compile(t, anyLog(detection)), modbusWrite())) > 0
		if got != want {
			t.Errorf("%s: %v, want %v", detection, got, want)
		}
	}
	f(true, `{a: {ics.function: write_single_register}, condition: a}`)
	f(false, `{a: {ics.function|cased: write_single_register}, condition: a}`)
	f(true, `{a: {ics.function|cased: WRITE_*}, condition: a}`)
	f(true, `{a: {ics.function_code: 6, ics.write: true, dst_port: '502'}, condition: a}`)
	f(true, `{a: {func: [5, WRITE_*_REGISTER]}, condition: a}`)
	f(true, `{a: {ics.function|startswith: write, ics.function|endswith: ister, ics.function|contains: [x, gle_r]}, condition: a}`)
	f(true, `{a: {CommandLine|contains|all: [' -force', flash]}, condition: a}`)
	f(false, `{a: {CommandLine|contains|all: [' -force', absent]}, condition: a}`)
	f(true, `{a: {CommandLine|contains|windash: [' /force', ' -x']}, condition: a}`)
	f(true, `{a: {CommandLine|windash|contains|all: [' /force', ' -quiet']}, condition: a}`)
	f(true, `{a: {CommandLine|endswith: 'A\*B"'}, condition: a}`)
	f(false, `{a: {CommandLine|endswith: 'A\?B"'}, condition: a}`)
	f(true, `{a: {CommandLine|endswith: 'A?B"'}, condition: a}`)
	f(true, `{a: {Image: 'C:\\Tools\\*.exe'}, condition: a}`)
	f(true, `{a: {Image: 'c:\tools\flash.exe'}, condition: a}`)
	f(true, `{a: {Image|re: 'flash\.(exe|dll)$'}, condition: a}`)
	f(false, `{a: {Image|re: 'FLASH\.(exe|dll)$'}, condition: a}`)
	f(true, `{a: {Image|re|i: 'FLASH\.(exe|dll)$'}, condition: a}`)
	f(true, `{a: {CommandLine|fieldref|startswith: Image}, condition: a}`)
	f(false, `{a: {CommandLine|fieldref: Image}, condition: a}`)
	f(true, `{a: {CommandLine|fieldref|neq: Image}, condition: a}`)
	f(true, `{a: {src_ip|cidr: [10.1.0.0/16, 10.0.0.0/24]}, condition: a}`)
	f(false, `{a: {src_ip|cidr: 10.0.1.0/24}, condition: a}`)
	f(true, `{a: {anomaly.score|gte: 0.9, anomaly.novel: write, dst_port|lt: 503}, condition: a}`)
	f(false, `{a: {anomaly.score|gt: 0.95}, condition: a}`)
	f(true, `{a: {anomaly.novel|contains: [func]}, b: {device.type: plc, src_endpoint.zone|neq: control}, condition: a and b}`)
	f(true, `{a: {time|hour|gte: 22, time|minute: 41, time|month: 3, time|year: 2026, time|day: 4, time|week: 10}, condition: a}`)
	f(true, `{a: {user.name: null, user.name|exists: false, ics.function|exists: true}, condition: a}`)
	f(true, `{a: {src_endpoint.name|expand: '%stations%'}, condition: a}`)
	f(true, `{a: {Data: second}, b: {Data: first}, condition: a and b}`)
	f(true, `{keywords: [single_reg, nothing], condition: keywords}`)
	f(true, `{keywords: {'|all': [single_reg, flash.exe]}, condition: keywords}`)
	f(false, `{keywords: {'|all': [single_reg, nothing]}, condition: keywords}`)
	f(true, `{a: [{ics.write: false}, {ics.write: true}], condition: a}`)
	f(true, `{s_1: {ics.write: true}, s_2: {ics.write: false}, condition: 1 of s_*}`)
	f(false, `{s_1: {ics.write: true}, s_2: {ics.write: false}, condition: all of s_*}`)
	f(false, `{s_1: {ics.write: true}, _x: {ics.write: false}, condition: not all of them}`)
	f(true, `{a: {ics.write: true}, b: {ics.write: false}, c: {ics.write: true}, condition: 2 of them}`)
	f(true, `{a: {ics.write: true}, b: {ics.write: false}, condition: not b and (a or b)}`)
	f(true, `{a: {ics.write: false}, b: {ics.write: true}, condition: [a, b]}`)
}

// TestEncodings: values are looked for as programs encode them.
func TestEncodings(t *testing.T) {
	f := func(detection, value string) {
		t.Helper()
		e := new(event.Event)
		e.SetExtra("CommandLine", value)
		if len(ids(compile(t, anyLog(detection)), e)) == 0 {
			t.Errorf("%s does not match %q", detection, value)
		}
	}
	f(`{a: {CommandLine|base64|contains: 'ping 10.0.0.1'}, condition: a}`, "x cGluZyAxMC4wLjAuMQ== y")
	f(`{a: {CommandLine|base64offset|contains: 'http://'}, condition: a}`, "aHR0cDovL2V4YW1wbGU=")
	f(`{a: {CommandLine|base64offset|contains: 'http://'}, condition: a}`, "eGh0dHA6Ly9leGFtcGxl")
	f(`{a: {CommandLine|base64offset|contains: 'http://'}, condition: a}`, "eHhodHRwOi8vZXhhbXBsZQ==")
	f(`{a: {CommandLine|wide|base64offset|contains: 'cmd'}, condition: a}`, "AGMAbQBkACAA")
	f(`{a: {CommandLine|utf16le|contains: 'cmd'}, condition: a}`, "xc\x00m\x00d\x00")
	f(`{a: {CommandLine|utf16be|contains: 'cmd'}, condition: a}`, "\x00c\x00m\x00d")
	f(`{a: {CommandLine|utf16|contains: 'cmd'}, condition: a}`, "\xff\xfec\x00m\x00d\x00")
}

// TestRefused: a broken document is named with its reason, the others load.
func TestRefused(t *testing.T) {
	f := func(want, text string) {
		t.Helper()
		docs, refused := sigma.Parse("test.yml", []byte(text+"\n---\ntitle: good\nid: good\nlogsource: {}\ndetection: {a: {x: y}, condition: a}\n"))
		set, more := sigma.Compile(docs, sigma.Options{})
		refused = append(refused, more...)
		if len(refused) != 1 || set.Len() != 1 {
			t.Errorf("%s: refused %+v, %d rules; want one and one", text, refused, set.Len())
			return
		}
		if got := refused[0].Reason; got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
	f(`selection a: x|near: unknown modifier "near"`, anyLog(`{a: {x|near: y}, condition: a}`))
	f(`condition "a | count() > 5": aggregations after | are no part of Sigma 2: write a correlation (event_count, value_count, ...)`, anyLog(`{a: {x: y}, condition: a | count() > 5}`))
	f(`condition "b": there is no selection "b"`, anyLog(`{a: {x: y}, condition: b}`))
	f(`condition "1 of b*": no selection is named like "b*"`, anyLog(`{a: {x: y}, condition: 1 of b*}`))
	f(`condition "(a": a parenthesis is not closed`, anyLog(`{a: {x: y}, condition: (a}`))
	f(`selection a: x|re: regular expression "a(?=b)" looks ahead or behind, which Sigma does not have`, anyLog(`{a: {x|re: 'a(?=b)'}, condition: a}`))
	f(`selection a: x|cidr: "10.0.0.0/99" is no network such as 10.0.0.0/8`, anyLog(`{a: {x|cidr: 10.0.0.0/99}, condition: a}`))
	f(`line 4: x stands twice`, anyLog(`{a: {x: y, x: z}, condition: a}`))
	f(`logsource is missing`, "title: t\ndetection: {a: {x: y}, condition: a}")
	f(`it has neither detection nor correlation nor filter`, "title: t")
}

// TestDetector: a match is a finding with its reasons, and a swap takes effect.
func TestDetector(t *testing.T) {
	text := `
title: PLC write from the office
id: 11111111-2222-3333-4444-555555555555
level: high
tags: [attack.impair-process-control, attack.t0855, atlas.aml.t0051]
logsource: {category: ot, service: modbus}
detection:
  sel: {ics.write: true, src_endpoint.zone: office}
  condition: sel
`
	d := sigma.NewDetector(nil, sigma.DetectorOptions{})
	c := detect.NewChain(d)
	c.Inspect(modbusWrite())
	if got := c.Take(); len(got) != 0 {
		t.Fatalf("findings without rules: %+v", got)
	}
	d.Swap(compile(t, text))
	c.Inspect(modbusWrite())
	got := c.Take()
	if len(got) != 1 {
		t.Fatalf("%d findings, want one", len(got))
	}
	want := event.NewFinding("11111111-2222-3333-4444-555555555555", modbusWrite())
	want.Title, want.Family, want.Severity = "PLC write from the office", event.FamilySigma, event.High
	want.Techniques = []string{"T0855", "AML.T0051"}
	want.Reasons = []event.Reason{{Feature: "ics.write", Observed: "true"}, {Feature: "src_endpoint.zone", Observed: "office"}}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestNoMemory: an event without a match takes none.
func TestNoMemory(t *testing.T) {
	set := compile(t, anyLog(`{a: {CommandLine|contains: absent, dst_port|gt: 9000, src_ip|cidr: 192.0.2.0/24, time|hour: 3, Image|re: 'a[0-9]+\.exe', ics.function: X*Y}, k: [nowhere, 'a*b*c'], condition: 1 of them}`))
	var sc sigma.Scratch
	e := modbusWrite()
	e.SetRawField(`{"CommandLine":"C:\\Tools\\flash.exe","x":"y"}`)
	hits := 0
	hit := func(*sigma.Rule) { hits++ }
	set.Match(e, &sc, hit)
	if n := testing.AllocsPerRun(100, func() { set.Match(e, &sc, hit) }); n != 0 || hits != 0 {
		t.Errorf("%g allocations an event, %d matches", n, hits)
	}
}

// TestConditions: what a bound cuts off is told.
func TestConditions(t *testing.T) {
	set := compile(t, logins+"title: b\nid: b\ncorrelation: {type: event_count, rules: [fail], group-by: [src_ip, user.name], timespan: 1d, condition: {gte: 9}}")
	d := sigma.NewDetector(set, sigma.DetectorOptions{})
	for i := range 60_000 {
		d.Inspect(login(i, time.Duration(i), "10.0.0.1", fmt.Sprint("made-up-", i), event.Failure), func(event.Finding) {})
	}
	got := d.Conditions()
	if len(got) != 1 || got[0].Code != "windows-full" || got[0].Count == 0 {
		t.Errorf("%+v", got)
	}
}
