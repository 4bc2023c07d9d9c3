package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"vedette/internal/audit"
	"vedette/internal/correlate"
	"vedette/internal/event"
)

// Between the look at what somebody decides on and the decision the journal is written.
// What comes to be of another zone right then is not decided on, and the journal says so.
func TestLimitedDecisionsAgainstGrowth(t *testing.T) {
	for _, body := range []string{
		`{"action":"close","why":"w"}`, `{"action":"assign","to":"me"}`, `{"action":"note","text":"w"}`, `{"action":"feedback","verdict":"benign","why":"w"}`,
	} {
		x := openWall(t)
		uid := x.own["theirs"][0]
		before, err := x.app.Incident(t.Context(), uid)
		if err != nil || len(before.Timeline) == 0 {
			t.Fatal(err, before)
		}
		crane, err := x.app.FindDevice(t.Context(), "10.2.0.5")
		if err != nil {
			t.Fatal(err)
		}
		grow := func() {
			m := before.Timeline[len(before.Timeline)-1]
			x.app.Meanwhile(event.Finding{
				UID: "late", Time: m.Last, Rule: m.Rule, Title: m.Title, Severity: m.Severity, Device: crane.UID, Confidence: 1,
				Src: event.Side{UID: m.Source}, Dst: event.Side{UID: m.Target},
			})
		}
		x.then.Store(&grow)
		code, text := x.ask(in(ovens), "POST", "/api/v1/incidents/"+uid+"/decisions", body)
		if code != 403 || !strings.Contains(text, "outside of your zones") {
			t.Errorf("%s: %d %s", body, code, text)
		}
		after, err := x.app.Incident(t.Context(), uid)
		if err != nil || !slices.Contains(after.Devices, crane.UID) {
			t.Fatalf("%s: the incident did not grow, or into none: %v %v", body, err, after.Devices)
		}
		if slices.ContainsFunc(after.History, func(c correlate.Change) bool { return c.By == "ann" }) || after.Status != before.Status || after.Assignee == "ann" || after.Verdict != "" {
			t.Errorf("%s took effect: %+v", body, after.History)
		}
		x.refused("incident.", uid)
	}
}

// A device that is moved to another zone right then is not changed.
func TestLimitedDeviceAgainstMove(t *testing.T) {
	x := openWall(t)
	uid := x.own["device"][0]
	move := func() {
		if err := x.app.MoveMeanwhile(uid, docks); err != nil {
			t.Error(err)
		}
	}
	x.then.Store(&move)
	code, text := x.ask(admin(ovens), "PATCH", "/api/v1/devices/"+uid, `{"owner":"ann"}`)
	if code != 404 || strings.Contains(text, docks) {
		t.Errorf("%d %s", code, text)
	}
	if d, err := x.app.FindDevice(t.Context(), uid); err != nil || d.Value("zone") != docks || d.Value("owner") != "" {
		t.Errorf("%v: zone %q, owner %q", err, d.Value("zone"), d.Value("owner"))
	}
	x.refused("device.set", uid)
}

// A task whose device is moved right then is not changed, nor is one opened for it.
func TestLimitedTaskAgainstMove(t *testing.T) {
	x := openWall(t)
	uid, ann := x.own["device"][0], admin(ovens)
	calls := 0
	move := func(zone string) {
		if err := x.app.MoveMeanwhile(uid, zone); err != nil {
			t.Error(err)
		}
	}
	var later func()
	at := 1
	later = func() { // at the n-th look at the clock
		if calls++; calls < at {
			x.then.Store(&later)
			return
		}
		move(docks)
	}
	for path, body := range map[string]string{
		"remediations/" + x.own["task"][0] + "/decisions": `{"action":"note","text":"a word"}`,
		"remediations": fmt.Sprintf(`{"action":%q}`, x.own["spare"][0]),
	} {
		for at = 1; ; at++ {
			calls = 0
			x.then.Store(&later)
			code, text := x.ask(ann, "POST", "/api/v1/"+path, body)
			x.then.Store(nil)
			move("")
			if code != 404 {
				t.Fatalf("%s: moved at the look %d, it is decided on: %d %s", path, at, code, text)
			}
			if list, err := x.app.Journal(t.Context(), 2); err != nil {
				t.Fatal(err)
			} else if list[0].Action == "decision.refused" {
				x.refused("remediation.", list[0].Object)
				break // it was moved after the first look at where it is
			}
		}
		if code, text := x.ask(ann, "POST", "/api/v1/"+path, body); code != 200 {
			t.Errorf("%s: not moved: %d %s", path, code, text)
		}
	}
}

// refused wants the journal to end with a decision and that it did not take effect,
// which is what makes sure that the first look let it through.
func (x *wall) refused(action, object string) {
	x.t.Helper()
	list, err := x.app.Journal(x.t.Context(), 2)
	if err != nil || len(list) != 2 {
		x.t.Fatal(err, list)
	}
	last := func(e audit.Entry, want string) bool { return strings.HasPrefix(e.Action, want) && e.Object == object }
	if !last(list[0], "decision.refused") || !last(list[1], action) || list[0].Details["decision"] != list[1].Action || list[0].Details["why"] == "" {
		x.t.Errorf("the journal: %+v", list)
	}
}
