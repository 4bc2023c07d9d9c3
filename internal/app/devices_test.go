package app_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/app"
	"vedette/internal/asset"
	"vedette/internal/copilot"
)

// sessions is a Zeek log of n connections a device, from each address to one
// server, the last of them on the given day.
func sessions(addresses []string, n int, day time.Time) string {
	var b strings.Builder
	b.WriteString("#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tconn_state\n#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tstring\n")
	for i := range n {
		for k, a := range addresses {
			fmt.Fprintf(&b, "%d.%d\tC%d%d%d\t%s\t%d\t10.0.0.9\t502\ttcp\tmodbus\tSF\n", day.Unix()-int64(n-i), k, day.Unix(), i, k, a, 1024+i)
		}
	}
	return b.String()
}

func takeLog(t *testing.T, a *app.App, log string) {
	t.Helper()
	if sum, err := a.IngestStream(t.Context(), strings.NewReader(log), "conn.log", "", clock); err != nil || sum.Stored == 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
}

func cell(t *testing.T, a *app.App, q string) string {
	t.Helper()
	got, err := a.Query(t.Context(), q, clock)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	if len(got.Rows) == 0 {
		return ""
	}
	return fmt.Sprint(got.Rows[0][0])
}

// Events stored before two devices became one are found by the name of the one,
// in queries and in questions, and not after the merge is taken back.
func TestMergedDevicesKeepTheirEvents(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	a := open(t, dir)
	takeLog(t, a, sessions([]string{"10.0.0.1", "10.0.0.2"}, 5, clock))
	set := func(device, key, value string) {
		t.Helper()
		if _, err := a.SetDevice(t.Context(), "maria", device, key, value); err != nil {
			t.Fatal(err)
		}
	}
	set("10.0.0.1", "name", "Boiler HMI")
	const q = `src_endpoint.name="Boiler HMI" | count`
	if got := cell(t, a, q); got != "5" {
		t.Fatalf("before: %s events", got)
	}
	before := cell(t, a, "devices | count")
	if _, err := a.MergeDevices(t.Context(), "maria", "10.0.0.1", "10.0.0.2", "one panel with two addresses"); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = open(t, dir)
	defer a.Close()
	if got := cell(t, a, q); got != "10" {
		t.Errorf("merged: %s events, want 10", got)
	}
	if after := cell(t, a, "devices | count"); after >= before {
		t.Errorf("%s devices after the merge, %s before", after, before)
	}
	ans, err := a.Ask(t.Context(), copilot.Request{Question: "how many connections did Boiler HMI make?", Now: clock})
	if err != nil || len(ans.Answer) == 0 || !strings.Contains(ans.Answer[0].Text, "10") {
		t.Errorf("the question: %+v, %v", ans, err)
	}
	if _, err := a.UndoDevice(t.Context(), "maria", "Boiler HMI", "two panels"); err != nil {
		t.Fatal(err)
	}
	if got := cell(t, a, q); got != "5" {
		t.Errorf("after undo: %s events, want 5", got)
	}
}

// The states of devices can be asked for.
func TestStatesOfDevices(t *testing.T) {
	a := open(t, filepath.Join(t.TempDir(), "d"))
	defer a.Close()
	takeLog(t, a, sessions([]string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, 1, clock.AddDate(0, 0, -30)))
	takeLog(t, a, sessions([]string{"10.0.0.3", "10.0.0.4"}, 1, clock))
	d, err := a.SetDevice(t.Context(), "maria", "10.0.0.2", string(asset.KeyState), "retired")
	if err != nil || d.Value(asset.KeyState) != "retired" {
		t.Fatalf("%+v, %v", d, err)
	}
	for state, want := range map[string]string{"silent": "10.0.0.1", "new": "10.0.0.4", "retired": "10.0.0.2"} {
		if got := cell(t, a, "devices state="+state+" | select name"); got != want {
			t.Errorf("state=%s is %q, want %s", state, got, want)
		}
		for _, q := range []string{"which devices are " + state + "?", "list " + state + " devices"} {
			ans, err := a.Ask(t.Context(), copilot.Request{Question: q, Now: clock})
			if err != nil || len(ans.Evidence) == 0 || len(ans.Evidence[0].Rows) != 1 || !strings.Contains(fmt.Sprint(ans.Evidence[0].Rows), want) {
				t.Errorf("%q: %+v, %v", q, ans, err)
			}
		}
	}
}
