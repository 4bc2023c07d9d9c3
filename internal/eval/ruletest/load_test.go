package ruletest_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"vedette/content"
	"vedette/internal/edge"
	"vedette/internal/eval/ruletest"
)

const stopRule = `title: controller stopped
id: 2f9c7a52-6a0e-4a53-8a55-0d4f4d2f5b11
status: test
description: A controller was told to stop its program, and the process it runs stands still.
author: somebody
date: 2026-01-02
logsource: {service: s7comm}
detection: {selection: {ics.function: PLC Stop}, condition: selection}
falsepositives: [maintenance]
level: medium
tags: [attack.execution, attack.t0858]
`

const (
	stopLine = `{"_path":"s7comm","ts":1763632801,"uid":"CTo78A11g7CYbb0010","id.orig_h":"10.20.1.15","id.orig_p":49152,"id.resp_h":"10.20.1.40","id.resp_p":102,"is_orig":true,"rosctr_name":"Job-Request","function_name":"PLC Stop"}` + "\n"
	readLine = `{"_path":"s7comm","ts":1763632801,"uid":"CTo78A11g7CYbb0010","id.orig_h":"10.20.1.15","id.orig_p":49152,"id.resp_h":"10.20.1.40","id.resp_p":102,"is_orig":true,"rosctr_name":"Job-Request","function_name":"Read Variable"}` + "\n"
)

func load(t *testing.T, files map[string]string) *ruletest.Pack {
	t.Helper()
	dir := fstest.MapFS{}
	for name, text := range files {
		dir[name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, err := ruletest.Load(dir, ruletest.Options{Formats: edge.Formats(), Mapping: content.SigmaMapping()})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestRun: what a test of a rule can say, and that what is wrong with one is
// told.
func TestRun(t *testing.T) {
	for _, tc := range []struct{ name, test, want string }{
		{"good", "-- fire/a.log --\n" + stopLine + "-- silent/a.log --\n" + readLine, ""},
		{"never raised", "-- fire/a.log --\n" + readLine + "-- silent/a.log --\n" + readLine, "not raised"},
		{"raised by the twin", "-- fire/a.log --\n" + stopLine + "-- silent/a.log --\n" + stopLine, "should be silent"},
		{"no twin", "-- fire/a.log --\n" + stopLine, "lacks lines"},
		{"unknown section", "-- fires/a.log --\n" + stopLine, `section "fires/a.log"`},
		{"empty section", "-- fire/a.log --\n-- silent/a.log --\n" + readLine, "is empty"},
		{"broken record", "-- fire/a.log --\n" + stopLine + "{\"_path\":\"s7comm\"\n" + "-- silent/a.log --\n" + readLine, "rejected"},
		{"broken base64", "-- fire/a.pcap.b64 --\n%%%\n-- silent/a.log --\n" + readLine, "base64"},
		{"broken inventory", "-- devices.csv --\ncolour\nred\n-- fire/a.log --\n" + stopLine + "-- silent/a.log --\n" + readLine, "inventory"},
		{"broken zones", "-- config --\nzone: x\n-- fire/a.log --\n" + stopLine + "-- silent/a.log --\n" + readLine, "config"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := load(t, map[string]string{"s7/stop.yml": stopRule, "s7/stop.txtar": tc.test})
			var reasons []string
			for _, r := range p.Run(t.Context(), &p.Entries[0]) {
				if !r.OK {
					reasons = append(reasons, r.Reason)
				}
			}
			got := strings.Join(reasons, "; ")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("reasons %q, want one with %q", got, tc.want)
			}
		})
	}
}

// TestOthersMustBeNamed: a fire section that raises another rule says so.
func TestOthersMustBeNamed(t *testing.T) {
	other := strings.Replace(strings.Replace(stopRule, "2f9c7a52", "3f9c7a52", 1), "ics.function: PLC Stop", "ics.protocol: s7comm", 1)
	test := "-- fire/a.log --\n" + stopLine + "-- silent/a.log --\n" + readLine
	p := load(t, map[string]string{"s7/stop.yml": stopRule, "s7/stop.txtar": test, "s7/any.yml": other})
	if r := p.Run(t.Context(), &p.Entries[1])[0]; r.OK || !strings.Contains(r.Reason, "s7/any") {
		t.Errorf("%+v", r)
	}
	p = load(t, map[string]string{"s7/stop.yml": stopRule, "s7/stop.txtar": "-- also --\ns7/any\n" + test, "s7/any.yml": other})
	if r := p.Run(t.Context(), &p.Entries[1])[0]; !r.OK {
		t.Errorf("%+v", r)
	}
}

// TestCheck: what a rule that ships lacks is told by the name of its file.
func TestCheck(t *testing.T) {
	test := "-- fire/a.log --\n" + stopLine + "-- silent/a.log --\n" + readLine
	for _, tc := range []struct{ name, from, to, want string }{
		{"technique", "attack.execution, attack.t0858", "attack.execution", "no technique"},
		{"id", "2f9c7a52-6a0e-4a53-8a55-0d4f4d2f5b11", "stop-1", "no UUID"},
		{"description", "A controller was told to stop its program, and the process it runs stands still.", "stop", "no description"},
		{"benign causes", "falsepositives: [maintenance]\n", "", "no falsepositives"},
		{"broken", "condition: selection", "condition: selektion", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := load(t, map[string]string{"stop.yml": strings.Replace(stopRule, tc.from, tc.to, 1), "stop.txtar": test})
			if got := p.Check(); len(got) == 0 || got[0].Path != "stop.yml" || !strings.Contains(got[0].Reason, tc.want) {
				t.Errorf("problems %+v", got)
			}
		})
	}
	p := load(t, map[string]string{"a.yml": stopRule, "b.yml": stopRule})
	if got := p.Check(); len(got) == 0 || !strings.Contains(got[0].Reason, "is also in a.yml") {
		t.Errorf("a double id: %+v", got)
	}
}

// FuzzRun: a test of a rule may say anything; the outcome names its sections or
// a reason, and an answer that is good has its rule raised.
func FuzzRun(f *testing.F) {
	f.Add("-- fire/a.log --\n" + stopLine + "-- silent/a.log --\n" + readLine)
	f.Add("-- devices.csv --\nname,ip\nx,10.0.0.1\n-- config --\nzones: []\n-- fire/a.b64 --\nAAAA\n-- silent/a --\nx\n")
	f.Fuzz(func(t *testing.T, test string) {
		dir := fstest.MapFS{"a.yml": {Data: []byte(stopRule)}, "a.txtar": {Data: []byte(test)}}
		p, err := ruletest.Load(dir, ruletest.Options{Formats: edge.Formats(), Mapping: content.SigmaMapping()})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Run(t.Context(), &p.Entries[0]) {
			raised := len(r.Raised) > 0
			switch {
			case r.OK == (r.Reason != ""):
				t.Errorf("good and a reason, or neither: %+v", r)
			case r.OK && strings.HasPrefix(r.Section, "fire/") != raised:
				t.Errorf("good against what was raised: %+v", r)
			}
		}
	})
}
