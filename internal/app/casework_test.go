package app_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/fault"
)

// Who has an incident and what was written on it are in the journal, and come
// back when the product starts again; so does that a note was taken back.
func TestCasework(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	a := learning(t, dir)
	day := time.Date(2026, 2, 10, 0, 0, 0, 0, time.UTC)
	judgeLog(t, a, "0.log", new(callLog).usual(day, 5*24))
	c := new(callLog).usual(day.AddDate(0, 0, 5), 24)
	c.add(day.AddDate(0, 0, 6).Add(-30*time.Second), "198.51.100.7", 6667, "irc", "REJ")
	if fs := judgeLog(t, a, "1.log", c); len(fs) == 0 {
		t.Fatal("there is no finding")
	}
	list, err := a.Incidents(t.Context(), false)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	uid := list[0].UID
	say := func(d api.IncidentDecision) (api.IncidentDetail, error) {
		d.Actor = "ann"
		if d.Incident == "" {
			d.Incident = uid[:8]
		}
		return a.DecideIncident(t.Context(), d)
	}
	for _, d := range []api.IncidentDecision{
		{Action: api.IncidentAssign},
		{Action: api.IncidentAssign, To: " "},
		{Action: api.IncidentAssign, To: "a\u202eb"},
		{Action: api.IncidentNote},
		{Action: api.IncidentNote, Text: strings.Repeat("x", 4097)},
		{Action: api.IncidentClose},
		{Action: api.IncidentUndo, Incident: "x"},
	} {
		if _, err := say(d); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.60v: %v", d, err)
		}
	}
	if got, err := say(api.IncidentDecision{Action: api.IncidentAssign, To: "me"}); err != nil || got.Assignee != "ann" {
		t.Fatal(got.Assignee, err)
	}
	if got, err := say(api.IncidentDecision{Action: api.IncidentAssign, To: "bob", Why: "his shift"}); err != nil || got.Assignee != "bob" {
		t.Fatal(got.Assignee, err)
	}
	var ids []string
	for _, text := range []string{"the first word", "the second word"} {
		got, err := say(api.IncidentDecision{Action: api.IncidentNote, Text: text})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, got.Notes[len(got.Notes)-1].ID)
	}
	if _, err := say(api.IncidentDecision{Action: api.IncidentUndo, Incident: ids[0], Why: "not so"}); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = learning(t, dir)
	defer func() { _ = a.Close() }()
	got, err := a.Incident(t.Context(), uid)
	if err != nil || got.Assignee != "bob" || len(got.Notes) != 1 || got.Notes[0].Text != "the second word" || got.Notes[0].By != "ann" {
		t.Fatalf("%q, %+v, %v", got.Assignee, got.Notes, err)
	}
	exported(t, a, uid)
	journal, err := os.ReadFile(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for want, n := range map[string]int{"incident.assign": 2, "incident.note": 2, "the first word": 2, "incident.undo": 1, "incident.export": 2, `"to":"bob"`: 1} {
		if got := bytes.Count(journal, []byte(want)); got != n {
			t.Errorf("the journal tells %d times of %q, not %d", got, want, n)
		}
	}
}

// exported holds both forms of the export against each other.
func exported(t *testing.T, a *app.App, uid string) {
	t.Helper()
	f, err := a.ExportIncident(t.Context(), api.IncidentExport{Actor: "eve", Incident: uid, Format: "json"})
	var doc api.IncidentFile
	if err != nil || json.Unmarshal(f.Data, &doc) != nil || doc.UID != uid || doc.ExportedBy != "eve" || len(doc.Notes) != 1 || f.Name != "vedette-incident-"+uid[:10]+".json" {
		t.Fatalf("%v, %s, %s", err, f.Name, f.Data)
	}
	f, err = a.ExportIncident(t.Context(), api.IncidentExport{Actor: "eve", Incident: uid, Format: "md"})
	if err != nil || !strings.Contains(string(f.Data), "\n> the second word\n") || !strings.Contains(string(f.Data), "`"+doc.Devices[0]+"`") {
		t.Errorf("%v, %s", err, f.Data)
	}
	for _, bad := range []api.IncidentExport{{Incident: uid}, {Incident: uid, Format: "pdf"}, {Incident: "0000", Format: "md"}} {
		if _, err := a.ExportIncident(t.Context(), bad); err == nil {
			t.Errorf("%+v was exported", bad)
		}
	}
}
