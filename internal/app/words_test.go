package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/correlate"
	"vedette/internal/event"
)

// learning opens a directory that learns behaviour and nothing else.
func learning(t *testing.T, dir string) *app.App {
	t.Helper()
	a, err := app.Open(t.Context(), app.Config{Dir: dir, Now: func() time.Time { return clock }, Detect: app.Detect{Behaviour: true}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// callLog writes a log of connections of one camera.
type callLog struct {
	b strings.Builder
	n int
}

func (c *callLog) add(at time.Time, peer string, port int, service, state string) {
	if c.n == 0 {
		c.b.WriteString("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n")
		c.b.WriteString("#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\n")
		c.b.WriteString("#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\n")
	}
	c.n++
	fmt.Fprintf(&c.b, "%d.0\tC%d%d\t10.0.0.5\t%d\t%s\t%d\ttcp\t%s\t0.1\t300\t500\t%s\n", at.Unix(), at.Unix(), c.n, 20000+c.n%20000, peer, port, service, state)
}

func (c *callLog) usual(from time.Time, hours int) *callLog {
	for m := range hours * 60 {
		c.add(from.Add(time.Duration(m)*time.Minute), "10.0.0.9", 502, "modbus", "SF")
	}
	return c
}

// judgeLog takes a log in and returns the findings of behaviour that it raised.
func judgeLog(t *testing.T, a *app.App, name string, c *callLog) []event.Finding {
	t.Helper()
	before := behaviour(t, a)
	if _, err := a.IngestStream(t.Context(), strings.NewReader(c.b.String()), name, "", clock); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return behaviour(t, a)[len(before):]
}

// behaviour returns the findings of behaviour, oldest first.
func behaviour(t *testing.T, a *app.App) []event.Finding {
	t.Helper()
	got, err := a.Findings(t.Context(), api.FindingFilter{Family: event.FamilyBehaviour, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var out []event.Finding
	for _, f := range slices.Backward(got.List) {
		out = append(out, f)
	}
	return out
}

// TestBenignIsLearnt: what a person calls benign is not raised again, through a
// restart too; when the word is taken back or changed it is raised again. All
// of it is on record.
func TestBenignIsLearnt(t *testing.T) {
	for _, back := range []string{"undone", "called true"} {
		t.Run(strings.ReplaceAll(back, " ", "_"), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "d")
			a := learning(t, dir)
			day := time.Date(2026, 2, 10, 0, 0, 0, 0, time.UTC)
			call := func(d int) *callLog {
				c := new(callLog).usual(day.AddDate(0, 0, d), 24)
				c.add(day.AddDate(0, 0, d+1).Add(-30*time.Second), "198.51.100.7", 6667, "irc", "REJ")
				return c
			}
			judgeLog(t, a, "0.log", new(callLog).usual(day, 5*24))
			if fs := judgeLog(t, a, "1.log", call(5)); len(fs) == 0 {
				t.Fatal("the call was not told")
			}
			id := decide(t, a, api.IncidentFeedback, "", correlate.Benign)
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			a = learning(t, dir)
			defer func() { _ = a.Close() }()
			if fs := judgeLog(t, a, "2.log", call(7)); len(fs) > 0 {
				t.Errorf("told again after it was called benign: %s %v", fs[0].Rule, fs[0].Reasons)
			}
			if back == "undone" {
				decide(t, a, api.IncidentUndo, id, "")
			} else {
				decide(t, a, api.IncidentFeedback, "", correlate.True)
			}
			if fs := judgeLog(t, a, "3.log", call(9)); len(fs) == 0 {
				t.Error("not told any more after the word was taken back")
			}
			text, err := os.ReadFile(filepath.Join(dir, "audit.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			for action, want := range map[string]int{"behaviour.accept": 1, "behaviour.revoke": 1} {
				if n := strings.Count(string(text), action); n != want {
					t.Errorf("%s is on record %d times, want %d", action, n, want)
				}
			}
		})
	}
}

// decide says something of the only incident and returns the id of the feedback.
func decide(t *testing.T, a *app.App, action api.IncidentAction, feedback string, v correlate.Verdict) string {
	t.Helper()
	list, err := a.Incidents(t.Context(), true)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d incidents, %v", len(list), err)
	}
	d := api.IncidentDecision{Incident: list[0].UID, Action: action, Verdict: v, Actor: "ann", Why: "our own test"}
	if feedback != "" {
		d.Incident = feedback
	}
	if _, err := a.DecideIncident(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	got, err := a.Incident(t.Context(), list[0].UID)
	if err != nil {
		t.Fatal(err)
	}
	learnt := false
	for _, h := range got.History {
		learnt = learnt || strings.Contains(h.What, "usual")
		if h.ID != "" {
			feedback = h.ID
		}
	}
	if !learnt {
		t.Errorf("the history does not say what was learnt: %+v", got.History)
	}
	return feedback
}

// TestDevicesCannotAccept: events that look like verdicts, findings of ours or
// feedback accept nothing.
func TestDevicesCannotAccept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	a := learning(t, dir)
	defer a.Close()
	day := time.Date(2026, 2, 10, 0, 0, 0, 0, time.UTC)
	judgeLog(t, a, "0.log", new(callLog).usual(day, 5*24))
	c := new(callLog)
	c.add(day.AddDate(0, 0, 5), "198.51.100.7", 6667, "irc", "REJ")
	fs := judgeLog(t, a, "1.log", c)
	if len(fs) == 0 {
		t.Fatal("the call was not told")
	}
	list, err := a.Incidents(t.Context(), true)
	if err != nil || len(list) == 0 {
		t.Fatal(err)
	}
	raw := fmt.Sprintf(`{"class_uid":2004,"category_uid":2,"time":%d,"metadata":{"product":{"name":"Vedette"},"uid":%q},"finding_info":{"uid":"incident-feedback","title":"called benign"},"incident":%q,"action":"feedback","verdict":"benign","by":"ann","status":"benign","comment":"behaviour.accept"}`+"\n",
		day.AddDate(0, 0, 6).UnixMilli(), fs[0].UID, list[0].UID)
	if _, err := a.IngestStream(t.Context(), strings.NewReader(raw), "ocsf.json", "", clock); err != nil {
		t.Fatal(err)
	}
	again := new(callLog)
	again.add(day.AddDate(0, 0, 7), "198.51.100.7", 6667, "irc", "REJ")
	if fs := judgeLog(t, a, "2.log", again); len(fs) == 0 {
		t.Error("what a device wrote made it usual")
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "audit.jsonl")); strings.Contains(string(text), "behaviour.accept") {
		t.Error("something was accepted")
	}
}
