package app

import (
	"errors"
	"strings"
	"testing"

	"vedette/internal/api"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/ingest"
)

const ownRule = `title: A failed login of a guest
id: 0c1e9c1e-5a43-4ba5-9d2e-5f4b4a3a0001
status: experimental
description: A test.
level: high
logsource: {product: linux, service: sshd}
detection:
  selection: {user.name: guest, status: Failure}
  condition: selection
`

const ownTest = `-- fire/guest.log --
<38>1 2025-11-20T10:00:00Z gw1 sshd 1 - - Failed password for guest from 203.0.113.1 port 1024 ssh2
-- silent/root.log --
<38>1 2025-11-20T10:00:00Z gw1 sshd 1 - - Failed password for root from 203.0.113.1 port 1024 ssh2
`

// A rule is uploaded, raises, is disabled and is silent, while events come.
func TestRuleIsSetWhileEventsCome(t *testing.T) {
	dir := t.TempDir()
	a := openForSources(t, dir, Config{Settings: config.Settings{Change: true}, Detect: Detect{BuiltIn: true}})
	if err := a.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, end := live(t, a)
	sent := 0
	send := func() {
		t.Helper()
		sent++
		line := strings.ReplaceAll("<38>1 2025-12-10T10:00:SSZ gw1 sshd 1 - - Failed password for guest from 203.0.113.SS port 1024 ssh2\n", "SS", string(rune('1'+sent/10))+string(rune('0'+sent%10)))
		if err := l.Put(t.Context(), ingest.Payload{Source: "s", Peer: "192.0.2.7", Received: a.cfg.Now(), Data: []byte(line)}); err != nil {
			t.Fatal(err)
		}
		await(t, "the event is stored", func() bool { return countOf(t, a, "authentication") == int64(sent) })
	}
	const id = "0c1e9c1e-5a43-4ba5-9d2e-5f4b4a3a0001"
	found := func() int64 {
		got, err := a.Findings(t.Context(), api.FindingFilter{Rule: id})
		if err != nil {
			t.Fatal(err)
		}
		return got.Total
	}
	send()
	v, err := a.PutRule(t.Context(), api.RulePut{Change: ann, Text: ownRule, Test: ownTest})
	if err != nil || v.Origin != api.FromHere || !v.Enabled || v.By.By != "ann" || v.Text != ownRule || len(v.Tests) != 2 || !v.Tests[0].OK || !v.Tests[1].OK {
		t.Fatalf("%+v, %v", v, err)
	}
	if n := found(); n != 0 {
		t.Errorf("%d findings before it was set", n)
	}
	send()
	await(t, "the rule raises", func() bool { return found() == 1 })
	if v, err = a.ChangeRule(t.Context(), api.RuleDeed{Change: ann, ID: id, Do: "disable"}); err != nil || v.Enabled || v.Disabled.By != "ann" {
		t.Errorf("%+v, %v", v, err)
	}
	send()
	if n := found(); n != 1 {
		t.Errorf("%d findings, and it was disabled", n)
	}
	end()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = openForSources(t, dir, Config{Settings: config.Settings{Change: true}, Detect: Detect{BuiltIn: true}})
	defer a.Close()
	if v, err = a.Rule(t.Context(), id); err != nil || v.Enabled || v.Test != ownTest {
		t.Errorf("after a restart: %+v, %v", v, err)
	}
	if _, err = a.ChangeRule(t.Context(), api.RuleDeed{Change: ann, ID: id, Do: "remove"}); err != nil {
		t.Error(err)
	}
	if _, err = a.Rule(t.Context(), id); fault.KindOf(err) != fault.NotFound {
		t.Errorf("removed: %v", err)
	}
	if u, err := a.UndoSettings(t.Context(), api.SettingsUndo{Change: ann, Version: 1}); err != nil || len(u.Changes) != 1 {
		t.Errorf("%+v, %v", u, err)
	}
	if v, err = a.Rule(t.Context(), id); err != nil || !v.Enabled || v.Text != ownRule {
		t.Errorf("put back: %+v, %v", v, err)
	}
}

// What is no rule is refused, with the reason; what ships is disabled and not
// removed.
func TestRulesThatAreRefused(t *testing.T) {
	a := openForSources(t, t.TempDir(), Config{Settings: config.Settings{Change: true}, Detect: Detect{BuiltIn: true}})
	defer a.Close()
	list, err := a.Rules(t.Context())
	if err != nil || len(list) == 0 {
		t.Fatalf("%d rules, %v", len(list), err)
	}
	shipped := list[0]
	if shipped.Origin != api.FromProgram {
		t.Errorf("%+v", shipped)
	}
	for name, p := range map[string]api.RulePut{
		"nothing":         {},
		"no YAML":         {Text: "title: ["},
		"no id":           {Text: strings.Replace(ownRule, "id: 0c1e", "ix: 0c1e", 1)},
		"an odd modifier": {Text: strings.Replace(ownRule, "user.name:", "user.name|nonsense:", 1)},
		"one of ours":     {Text: strings.Replace(ownRule, "0c1e9c1e-5a43-4ba5-9d2e-5f4b4a3a0001", shipped.ID, 1)},
		"a failing test":  {Text: ownRule, Test: strings.ReplaceAll(ownTest, "guest", "admin")},
		"half a test":     {Text: ownRule, Test: "-- fire/x --\nx\n"},
		"too long":        {Text: ownRule + "#" + strings.Repeat("x", 300<<10)},
	} {
		p.Change = ann
		_, err := a.PutRule(t.Context(), p)
		if k := fault.KindOf(err); err == nil || k != fault.Invalid && k != fault.Conflict && k != fault.Limited {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := a.ChangeRule(t.Context(), api.RuleDeed{Change: ann, ID: shipped.ID, Do: "remove"}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("one that ships is removed: %v", err)
	}
	if _, err := a.ChangeRule(t.Context(), api.RuleDeed{Change: ann, ID: shipped.ID, Do: "disable"}); err != nil {
		t.Error(err)
	}
	seen := int64(0)
	late := ann
	late.Seen = &seen
	if _, err := a.ChangeRule(t.Context(), api.RuleDeed{Change: late, ID: shipped.ID, Do: "enable"}); !errors.Is(err, api.ErrStale) {
		t.Errorf("the second writer: %v", err)
	}
	if err := a.Ready(t.Context()); err != nil || a.RuleCount() >= len(list) {
		t.Errorf("%d rules of %d, %v", a.RuleCount(), len(list), err)
	}
}
