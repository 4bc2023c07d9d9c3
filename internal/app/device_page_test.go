package app_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
)

// The page of a device tells what it did as the store has it, what of it is
// usual, a policy with what is outside of it, and what people said.
func TestDevicePage(t *testing.T) {
	a, err := app.Open(t.Context(), app.Config{Dir: filepath.Join(t.TempDir(), "d"), Now: func() time.Time { return clock }, Detect: app.Detect{Behaviour: true}})
	if err != nil {
		t.Fatal(err)
	}
	takeLog(t, a, sessions([]string{"10.0.0.1", "10.0.0.2"}, 200, clock.Add(-48*time.Hour)))
	takeLog(t, a, strings.ReplaceAll(sessions([]string{"10.0.0.1"}, 3, clock), "\t502\t", "\t4444\t"))
	d, err := a.FindDevice(t.Context(), "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.DeviceBehaviour(t.Context(), api.DeviceSpanWish{Device: d.UID, Span: 7 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	events := 0.
	for _, s := range got.Spans {
		events = max(events, s.Events)
	}
	if got.Step != 3600 || len(got.Spans) < 2 || events < 60 || events > 63 {
		t.Errorf("200 events at one a second are at most sixty a minute, not %v of %d spans", events, len(got.Spans))
	}
	if got.Usual == nil || got.Usual.Events != 203 || got.Note != "" {
		t.Errorf("usual: %+v %q", got.Usual, got.Note)
	}
	if len(got.Peers) != 1 || got.Peers[0].IP != "10.0.0.9" || got.Peers[0].Count != 203 || got.Peers[0].Known != "usual" {
		t.Errorf("peers: %+v", got.Peers)
	}
	m, err := a.DeviceMUD(t.Context(), d.UID)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Allows) != 1 || m.Allows[0] != (api.MUDEntry{FromDevice: true, Peer: "local networks", Protocol: "tcp", Port: "502"}) {
		t.Errorf("the policy allows %+v", m.Allows)
	}
	if m.Tested.Denied != 3 || len(m.Tested.Lines) != 1 || m.Tested.Lines[0].Port != 4444 || m.Tested.Lines[0].Verdict != "denied" {
		t.Errorf("outside of it: %+v", m.Tested)
	}
	if f, err := a.DeviceMUDFile(t.Context(), d.UID); err != nil || !strings.Contains(string(f.Data), "ietf-mud:mud") || !strings.Contains(string(f.Data), "4444") {
		t.Errorf("%v %.200s", err, f.Data)
	}
	if _, err := a.SetDevice(t.Context(), "maria", d.UID, "state", "approved"); err != nil {
		t.Fatal(err)
	}
	life, err := a.DeviceLife(t.Context(), d.UID)
	if err != nil || life.State != "approved" || len(life.History) < 2 || life.History[0].By != "maria" || life.History[0].What != "state was set to approved" {
		t.Errorf("%v %+v", err, life)
	}
	if list, err := a.DeviceChanges(t.Context(), d.UID); err != nil || len(list) != 0 {
		t.Errorf("%v %+v", err, list)
	}
}

// What is usual can be asked while events are taken in, and answers or says that
// it cannot; it holds up nobody.
func TestBehaviourWhileEventsComeIn(t *testing.T) {
	a, err := app.Open(t.Context(), app.Config{Dir: filepath.Join(t.TempDir(), "d"), Now: func() time.Time { return clock }, Detect: app.Detect{Behaviour: true}})
	if err != nil {
		t.Fatal(err)
	}
	takeLog(t, a, sessions([]string{"10.0.0.1"}, 50, clock.Add(-time.Hour)))
	d, err := a.FindDevice(t.Context(), "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := a.IngestStream(t.Context(), strings.NewReader(sessions([]string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, 4000, clock)), "conn.log", "", clock)
		done <- err
	}()
	told, asked := 0, 0
	for running := true; running; asked++ {
		got, err := a.DeviceBehaviour(t.Context(), api.DeviceSpanWish{Device: d.UID})
		if err != nil {
			t.Fatal(err)
		}
		if got.Usual != nil {
			told++
		} else if got.Note == "" {
			t.Error("neither what is usual nor why it is not told")
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
		}
	}
	if got, err := a.DeviceBehaviour(t.Context(), api.DeviceSpanWish{Device: d.UID}); err != nil || got.Usual == nil || got.Usual.Events < 3900 { // those from the past are not counted
		t.Errorf("at the end: %v %+v", err, got.Usual)
	}
	t.Logf("asked %d times, told %d times", asked, told)
}
