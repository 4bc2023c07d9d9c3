package app_test

import (
	"os"
	"testing"
	"time"

	"vedette/content"
	"vedette/internal/app"
	"vedette/internal/eval/attackeval"
	"vedette/internal/eval/guardeval"
	"vedette/internal/guard/worstcase"
	"vedette/internal/model"
)

// attackTexts are some of ours and, where it is there, a part of the public set.
func attackTexts(t *testing.T, every int) []string {
	t.Helper()
	texts := attackeval.OwnTexts()
	dir := os.Getenv("VEDETTE_SHARED")
	if dir == "" {
		dir = "../../../shared"
	}
	rows, err := guardeval.Read(dir + "/data")
	if err != nil {
		t.Logf("without the public set of attacks: %v", err)
		return texts
	}
	for i, r := range rows {
		if r.Attack && i%every == 0 && len(r.Text) < 4000 {
			texts = append(texts, r.Text)
		}
	}
	return texts
}

// Whatever a device writes and whatever the model says: nothing changes, nothing
// leaves, nothing false is shown. With one control off, the attack succeeds in
// just the way that the control is there for.
func TestAttacksFail(t *testing.T) {
	run := func(off attackeval.Control, every int, models ...string) attackeval.Row {
		t.Helper()
		rows, err := attackeval.Run(t.Context(), attackeval.Config{
			Doors: app.AttackedDoor, Store: app.AttackedStore, Lexicon: content.Lexicon(), Texts: attackTexts(t, every), Models: models, Control: off, Now: time.Now(),
		})
		if err != nil {
			t.Fatal(err)
		}
		sum := attackeval.Row{Control: off, Model: "all"}
		for _, r := range rows {
			t.Logf("%+v", r)
			sum.Add(r)
		}
		return sum
	}
	if got := run(attackeval.AllOn, 300, "obedient", "echo", attackeval.Puppet); got.Sum() != 0 || got.Calls == 0 {
		t.Errorf("attacks succeeded: %+v", got)
	}
	for off, harmed := range map[attackeval.Control]func(attackeval.Row) int{
		attackeval.Isolation:   func(r attackeval.Row) int { return r.ToolCalls },
		attackeval.Routing:     func(r attackeval.Row) int { return r.Secrets },
		attackeval.LastScan:    func(r attackeval.Row) int { return r.Leaks },
		attackeval.Neutral:     func(r attackeval.Row) int { return r.Tokens },
		attackeval.Grounding:   func(r attackeval.Row) int { return r.Shown },
		attackeval.Rendering:   func(r attackeval.Row) int { return r.Active },
		attackeval.BuiltInKept: func(r attackeval.Row) int { return r.Lowered },
	} {
		if got := run(off, 2000, attackeval.Against(off)); harmed(got) == 0 {
			t.Errorf("without %s nothing happens, so its zero proves nothing: %+v", off, got)
		}
	}
	// The last scan alone stops what pseudonyms would have hidden.
	if got := run(attackeval.Pseudonyms, 2000, "echo"); got.Leaks != 0 {
		t.Errorf("the last scan let names through: %+v", got)
	}
}

// A model of one's own is attacked through the same door, and what left is seen
// although its server tells nobody.
func TestOwnModelIsAttacked(t *testing.T) {
	row, _ := worstcase.Named("echo")
	s, err := worstcase.Start(row, worstcase.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cfg := app.Config{Endpoints: []model.Endpoint{{Name: "mine", Wire: model.OpenAI, URL: s.URL(), Model: "m", Location: model.OnPremises}}}
	doors, name, err := app.AttackedModel(cfg)
	if err != nil || name != "mine (m)" {
		t.Fatalf("%q, %v", name, err)
	}
	for off, leaks := range map[attackeval.Control]bool{attackeval.AllOn: false, attackeval.LastScan: true} {
		rows, err := attackeval.Run(t.Context(), attackeval.Config{
			Doors: doors, Store: app.AttackedStore, Lexicon: content.Lexicon(), Texts: attackeval.OwnTexts()[:2], Models: []string{attackeval.OwnModel}, Control: off, Now: time.Now(),
		})
		if err != nil || len(rows) != 1 || rows[0].Calls == 0 || rows[0].Leaks > 0 != leaks {
			t.Errorf("without %s: %+v, %v", off, rows, err)
		}
	}
	if _, _, err := app.AttackedModel(app.Config{}); err == nil {
		t.Error("no model was attacked")
	}
}
