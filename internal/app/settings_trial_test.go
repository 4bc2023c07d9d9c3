package app

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/config"
	"vedette/internal/fault"
)

const countRule = ownRule + `---
title: Guests from many places
id: 0c1e9c1e-5a43-4ba5-9d2e-5f4b4a3a0002
level: high
correlation:
  type: value_count
  rules: [0c1e9c1e-5a43-4ba5-9d2e-5f4b4a3a0001]
  group-by: [device.hostname]
  timespan: 10m
  condition: {field: src_endpoint.ip, gte: 3}
`

// guests are lines of logins, one a minute, every tenth of a guest.
func guests(from time.Time, n int) string {
	var b strings.Builder
	for i := range n {
		who := "root"
		if i%10 == 0 {
			who = "guest"
		}
		fmt.Fprintf(&b, "<38>1 %s gw1 sshd 1 - - Failed password for %s from 203.0.113.%d port 1024 ssh2\n", from.Add(time.Duration(i)*time.Minute).UTC().Format(time.RFC3339), who, 1+i%200)
	}
	return b.String()
}

// A trial finds on what is stored what the rule finds when the same comes in, and
// leaves nothing behind.
func TestTrialFindsWhatTheRuleFinds(t *testing.T) {
	text := guests(time.Date(2025, 12, 8, 20, 0, 0, 0, time.UTC), 600)
	open := func() *App {
		a := openForSources(t, t.TempDir(), Config{Settings: config.Settings{Change: true}, Detect: Detect{BuiltIn: true}})
		t.Cleanup(func() { _ = a.Close() })
		return a
	}
	take := func(a *App) {
		t.Helper()
		if _, err := a.IngestStream(t.Context(), strings.NewReader(text), "auth.log", "", a.cfg.Now()); err != nil {
			t.Fatal(err)
		}
	}
	const id, counts = "0c1e9c1e-5a43-4ba5-9d2e-5f4b4a3a0001", "0c1e9c1e-5a43-4ba5-9d2e-5f4b4a3a0002"
	real := open()
	if _, err := real.PutRule(t.Context(), api.RulePut{Change: ann, Text: ownRule}); err != nil {
		t.Fatal(err)
	}
	take(real)
	want, err := real.Findings(t.Context(), api.FindingFilter{Rule: id})
	if err != nil || want.Total != 60 {
		t.Fatalf("%d, %v", want.Total, err)
	}
	a := open()
	take(a)
	told := 0
	got, err := a.TryRule(t.Context(), api.RuleTry{Text: ownRule, Told: func(p api.RuleTryProgress) { told++ }})
	if err != nil || got.Findings != 60 || got.Matches != 60 || got.Read != 600 || got.Of != 600 || got.Cut != "" || got.InForce != nil || told == 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	if len(got.Days) != 2 || got.Days[0].Day != "2025-12-08" || got.Days[0].Findings != 24 || got.Days[1].Findings != 36 || got.DeviceCount == 0 || got.Devices[0].Findings == 0 {
		t.Errorf("%+v %+v", got.Days, got.Devices)
	}
	if x := got.Examples; len(x) != triedExamples || !strings.Contains(x[0].Record, "for guest from") || x[0].Event == "" || len(x[0].Reasons) == 0 {
		t.Errorf("%+v", x)
	}
	if short, err := a.TryRule(t.Context(), api.RuleTry{Text: ownRule, Last: "1h"}); err != nil || short.Findings != 6 || short.Read != 60 {
		t.Errorf("%+v, %v", short, err)
	}
	if n, err := a.Findings(t.Context(), api.FindingFilter{Rule: id}); err != nil || n.Total != 0 {
		t.Errorf("a trial left %d findings, %v", n.Total, err)
	}
	if _, version := a.set.Now(); version != 0 {
		t.Error("a trial changed the settings")
	}
	many, err := a.TryRule(t.Context(), api.RuleTry{Text: strings.Replace(countRule, "10m", "60m", 1)})
	if err != nil || many.ID != counts || many.Findings == 0 || many.Matches != 60 {
		t.Errorf("%+v, %v", many, err)
	}
	wider := strings.Replace(ownRule, "user.name: guest", "user.name: [guest, root]", 1)
	if v, err := real.TryRule(t.Context(), api.RuleTry{Text: wider}); err != nil || v.Findings != 600 || v.InForce == nil || *v.InForce != 60 {
		t.Errorf("a changed rule: %+v, %v", v, err)
	}
	words := strings.Replace(ownRule, "selection: {user.name: guest, status: Failure}", "selection: ['for guest from']", 1) // keywords look at all of an event
	if v, err := a.TryRule(t.Context(), api.RuleTry{Text: words}); err != nil || v.Findings != 60 {
		t.Errorf("keywords: %+v, %v", v, err)
	}
	if v, err := real.TryRule(t.Context(), api.RuleTry{ID: id}); err != nil || v.Findings != 60 {
		t.Errorf("a rule that is there: %+v, %v", v, err)
	}
}

// Pages of any size are read once each; of more events at one moment than a page
// has, those that are not shown are told.
func TestTrialReadsAllPages(t *testing.T) {
	a := openForSources(t, t.TempDir(), Config{Settings: config.Settings{Change: true}, Detect: Detect{BuiltIn: false}})
	defer a.Close()
	from := a.cfg.Now().Add(-20 * time.Hour).UTC()
	var b strings.Builder
	line := func(at time.Time, n int) {
		fmt.Fprintf(&b, "<38>1 %s gw1 sshd %d - - Failed password for guest from 203.0.113.1 port 1024 ssh2\n", at.Format(time.RFC3339Nano), n)
	}
	for i := range 9000 {
		line(from.Add(time.Duration(i)*time.Second), i)
	}
	for i := range 12_000 { // a burst at one moment
		line(from.Add(3*time.Hour), i)
	}
	for i := range 9000 {
		line(from.Add(4*time.Hour+time.Duration(i)*time.Millisecond), i)
	}
	if _, err := a.IngestStream(t.Context(), strings.NewReader(b.String()), "auth.log", "", a.cfg.Now()); err != nil {
		t.Fatal(err)
	}
	got, err := a.TryRule(t.Context(), api.RuleTry{Text: ownRule})
	if err != nil || got.Of != 30_000 || got.Read != 28_000 || got.Findings != 28_000 || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "2000 of 12000 events") {
		t.Errorf("%+v, %v", got, err)
	}
}

// A trial ends when whoever asked has gone, one runs at a time, and what is no rule is refused.
func TestTrialsAreBounded(t *testing.T) {
	a := openForSources(t, t.TempDir(), Config{Settings: config.Settings{Change: true}, Detect: Detect{BuiltIn: true}})
	defer a.Close()
	none, err := a.TryRule(t.Context(), api.RuleTry{Text: ownRule})
	if err != nil || none.Read != 0 || none.Days == nil || none.Devices == nil || none.Examples == nil {
		t.Errorf("nothing is stored: %+v, %v", none, err)
	}
	if _, err := a.IngestStream(t.Context(), strings.NewReader(guests(a.cfg.Now().Add(-time.Hour), 20)), "auth.log", "", a.cfg.Now()); err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]api.RuleTry{
		"nothing": {}, "both": {Text: ownRule, ID: "x"}, "no such": {ID: "x"}, "no rule": {Text: "title: ["}, "no span": {Text: ownRule, Last: "soon"}, "a long span": {Text: ownRule, Last: "91d"}, "a rule of ours with other text": {Text: strings.Replace(ownRule, "user.name:", "user.name|nonsense:", 1)},
	} {
		if _, err := a.TryRule(t.Context(), q); err == nil || fault.KindOf(err) == fault.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if v, err := a.TryRule(ctx, api.RuleTry{Text: ownRule}); err == nil {
		t.Errorf("cancelled: %+v", v)
	}
	a.trying.Lock()
	if _, err := a.TryRule(t.Context(), api.RuleTry{Text: ownRule}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("two at once: %v", err)
	}
	a.trying.Unlock()
}
