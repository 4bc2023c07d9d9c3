package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/api/rest"
	"vedette/internal/authz"
	"vedette/internal/vuln/vex"
)

// No answer to who is limited to a zone tells of a device outside, whatever is asked;
// what concerns such devices is not found.
func TestLimitedSeeTheirZonesAlone(t *testing.T) {
	x := openHalls(t)
	all, ann := in(), in(ovens)
	const events, found = "| select metadata.uid | limit 1000", "detection_finding | select metadata.uid | limit 1000"
	got := map[string]bool{}
	for _, uid := range x.uids(ann, events) {
		got[uid] = true
	}
	var hidden []string
	for _, uid := range x.uids(all, events) {
		if !got[uid] {
			hidden = append(hidden, uid)
		}
	}
	if len(got) != 3*42 || len(hidden) < 5*42 {
		t.Fatalf("%d events are seen, %d not", len(got), len(hidden))
	}
	own, other := x.uids(ann, found), []string{}
	for _, uid := range x.uids(all, found) {
		if !got[uid] {
			other = append(other, uid)
		}
	}
	if len(own) == 0 || len(other) == 0 {
		t.Fatalf("findings: %d seen, %d not", len(own), len(other))
	}
	x.write(all)
	incidents := x.incidents(all, "/api/v1/incidents?status=all")
	seen := x.incidents(ann, "/api/v1/incidents?status=all")
	if len(seen) == 0 || len(incidents) == 0 {
		t.Fatalf("incidents: %q and %q", incidents, seen)
	}
	var closed []string
	for _, uid := range incidents {
		if !slices.Contains(seen, uid) {
			closed = append(closed, uid)
		}
	}
	if len(closed) == 0 {
		t.Fatalf("all of %d incidents are seen", len(incidents))
	}
	things := map[string][2][]string{ // by what stands before the uid
		"/api/v1/incidents/": {seen, closed},
		"/api/v1/events/":    {own[:1], hidden[:3]},
		"/api/v1/findings/":  {own, other},
		"/api/v1/devices/":   {{x.ours[0]}, {x.yours[0], "10.2.0.5", "crane-zinnober"}},
	}
	x.walk(ann, things)
	if _, text := x.ask(ann, "GET", "/api/v1/devices/"+x.ours[0]+"/vulnerabilities", ""); !strings.Contains(text, "CVE-2024-7777") || !strings.Contains(text, "seen on this site") {
		t.Errorf("the vulnerabilities of their device: %s", text)
	}
}

// write leaves notes with secrets on all incidents, and gives one to somebody.
func (x *halls) write(p authz.Principal) {
	x.t.Helper()
	for _, uid := range x.incidents(p, "/api/v1/incidents") {
		for _, d := range []api.IncidentDecision{
			{Action: api.IncidentNote, Text: "crane-zinnober did it", Query: "| by dst_endpoint.name count"}, {Action: api.IncidentAssign, To: "bob", Why: "he knows 10.2.0.5"},
		} {
			d.Actor, d.Incident = "maria", uid
			if _, err := x.app.DecideIncident(x.t.Context(), d); err != nil {
				x.t.Fatal(err)
			}
		}
	}
}

// incidents are the uids of those that somebody may see.
func (x *halls) incidents(p authz.Principal, path string) []string {
	x.t.Helper()
	code, text := x.ask(p, "GET", path, "")
	var out struct {
		Rows []struct{ UID string }
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != http.StatusOK {
		x.t.Fatalf("%s: %d %v", path, code, err)
	}
	var uids []string
	for _, r := range out.Rows {
		uids = append(uids, r.UID)
	}
	return uids
}

// walk asks every operation that reads, for what is theirs and what is not.
func (x *halls) walk(ann authz.Principal, things map[string][2][]string) {
	x.t.Helper()
	admitted := 0
	for _, route := range rest.Routes() {
		method, path, _ := strings.Cut(route.Pattern, " ")
		if method != http.MethodGet || strings.HasSuffix(path, "/tail") {
			continue
		}
		head, tail, byUID := strings.Cut(path, "{uid}")
		if !byUID {
			for _, more := range []string{"", "?format=csv", "?format=md", "?status=all", "?facets=1&limit=1000"} {
				code, text := x.ask(ann, method, strings.ReplaceAll(path, "{id}", "CVE-2024-1")+more, "")
				if code == http.StatusOK {
					admitted++
				}
				x.silent(route.Pattern+more, text)
			}
			continue
		}
		tail = strings.ReplaceAll(tail, "{id}", "none")
		for _, uid := range things[head][0] {
			code, text := x.ask(ann, method, head+uid+tail, "")
			if code == http.StatusOK {
				admitted++
			} else if code != http.StatusForbidden && code != http.StatusNotFound {
				x.t.Errorf("%s of %s: %d %s", route.Pattern, uid, code, text)
			}
			x.silent(route.Pattern, text)
		}
		for _, uid := range things[head][1] {
			code, text := x.ask(ann, method, head+uid+tail, "")
			if code != http.StatusNotFound && code != http.StatusForbidden {
				x.t.Errorf("%s of %s: %d %s", route.Pattern, uid, code, text)
			}
			x.silent(route.Pattern, strings.ReplaceAll(text, uid, "")) // a refusal repeats what was asked for
		}
	}
	if admitted < 12 {
		x.t.Errorf("only %d operations were admitted", admitted)
	}
}

// Queries of every kind, with conditions that aim at the other zone too.
func TestLimitedQueries(t *testing.T) {
	x := openHalls(t)
	for _, q := range []string{
		"last 24h | limit 1000", "dst=10.2.0.5 | limit 100", "| by src, dst count", "| by dst_endpoint.name count, first, last", "| by src_endpoint.zone, dst_endpoint.zone count",
		"devices", "devices name=\"crane-zinnober\"", "devices | by vendor count", "src_endpoint.name=\"crane-zinnobar\"", "vendor=Karmyn", "device=\"scale-ocke\"",
		"not (src_endpoint.zone=ovens) | select src, dst, raw, message", "| every 5m count, distinct(dst)", "detection_finding | by finding_info.title, device.uid count",
		"network_activity | by src_endpoint.uid count | top 5", "last 1h | by dst count | compare previous",
		"sequence by src within 5m (network_activity) then (detection_finding)",
	} {
		body, _ := json.Marshal(map[string]any{"query": q, "now": clock})
		code, text := x.ask(in(ovens), "POST", "/api/v1/query", string(body))
		asked := strings.NewReplacer("10.2.0.5", "", "crane-zinnober", "").Replace(text)
		if strings.Contains(q, "10.2.0.5") || strings.Contains(q, "crane-zinnober") {
			text = asked // it repeats what was asked for
		}
		x.silent(fmt.Sprint(q, " ", code), text)
		if code >= http.StatusInternalServerError {
			t.Errorf("%s: %d %s", q, code, text)
		}
	}
	if n := len(x.rows(in(docks), "devices")); n != 2 {
		t.Errorf("the docks have %d devices", n)
	}
	if n := len(x.rows(in("nowhere"), "| select time")); n != 0 {
		t.Errorf("%d events of a zone that there is not", n)
	}
}

// Questions in plain words, after somebody who sees all has asked the same, so that
// what is kept for him would show.
func TestLimitedQuestions(t *testing.T) {
	x := openHalls(t)
	for _, q := range []string{
		"which devices are there?", "who talks to crane-zinnober?", "top talkers in the last hour", "what is unusual today?", "show me the findings of the last day", "how many devices of Karmin are there?",
		"what did scale-ocker do?", "list all devices", "which hosts did 10.2.0.5 talk to", "frobnicate the xyzzy", "which devices are affected by CVE-2024-7777?", "how many events are there?", "what else is there to ask about cranes?", "what did the crane zinnober do?", "events of zinnober", "what did crane-zinnobar do?", "who talked to scale ocker in the last day?",
	} {
		body, _ := json.Marshal(map[string]any{"question": q, "now": clock})
		if code, text := x.ask(in(), "POST", "/api/v1/ask", string(body)); code != http.StatusOK {
			t.Fatalf("%s: %d %s", q, code, text)
		}
		for range 2 {
			code, text := x.ask(in(ovens), "POST", "/api/v1/ask", string(body))
			if code != http.StatusOK {
				t.Errorf("%s: %d %s", q, code, text)
			}
			said := text
			for _, w := range []string{"crane-zinnober", "scale-ocker", "10.2.0.5"} {
				if strings.Contains(q, w) {
					said = strings.ReplaceAll(said, w, "")
				}
			}
			x.silent(q, said)
		}
	}
}

// A conversation stays among those who see the same zones.
func TestLimitedConversations(t *testing.T) {
	x := openHalls(t)
	say := func(p authz.Principal, follow string) (int, string) {
		body, _ := json.Marshal(map[string]any{"question": "top talkers in the last hour", "follow": follow, "now": clock})
		code, text := x.ask(p, "POST", "/api/v1/ask", string(body))
		var out struct{ Conversation string }
		_ = json.Unmarshal([]byte(text), &out)
		return code, out.Conversation
	}
	_, whole := say(in(), "")
	_, ours := say(in(ovens), "")
	for _, c := range []struct {
		who    authz.Principal
		follow string
		want   int
	}{{in(ovens), ours, 200}, {in(), ours, 200}, {in(docks), ours, 404}, {in(ovens, docks), ours, 404}, {in(ovens), whole, 404}} {
		if got, _ := say(c.who, c.follow); got != c.want {
			t.Errorf("%v follows %s: %d", c.who.Zones, c.follow, got)
		}
	}
}

// Of who speaks with their devices from other zones the zone is told, and nothing else.
func TestLimitedCrossings(t *testing.T) {
	x := openHalls(t)
	code, text := x.ask(in(ovens), "GET", "/api/v1/network/crossings?last=24h", "")
	var out struct{ Rows []api.Crossing }
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != http.StatusOK {
		t.Fatal(code, err)
	}
	x.silent("crossings", text)
	if len(out.Rows) != 2 || out.Rows[0].Other != docks || out.Rows[0].Zone != ovens || out.Rows[0].Events != 40 || out.Rows[0].Begun == out.Rows[1].Begun {
		t.Errorf("%+v", out.Rows)
	}
	_, text = x.ask(in(ovens), "GET", "/api/v1/network/crossings?zone=docks", "")
	if !strings.Contains(text, `"rows":[]`) {
		t.Errorf("of another zone: %s", text)
	}
	if code, text := x.ask(in(), "GET", "/api/v1/network/crossings?zone=docks", ""); code != http.StatusOK || !strings.Contains(text, "crane-zinnober") {
		t.Errorf("who sees all: %d %s", code, text)
	}
	if names := x.app.DeviceNames(authz.With(t.Context(), in(ovens)), append(slices.Clone(x.yours), x.ours...)); len(names) != 2 {
		t.Errorf("names: %v", names)
	}
}

// What comes in is followed in their zones alone.
func TestLimitedTail(t *testing.T) {
	x := openHalls(t)
	ctx, cancel := context.WithTimeout(authz.With(t.Context(), in(ovens)), 1500*time.Millisecond)
	defer cancel()
	w := httptest.NewRecorder()
	x.h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/api/v1/events/tail?select=src,dst,src_endpoint.name,dst_endpoint.name,raw", nil))
	if text := w.Body.String(); !strings.Contains(text, "event: rows") || !strings.Contains(text, "10.1.0.5") {
		t.Errorf("%d %.500s", w.Code, text)
	}
	x.silent("tail", w.Body.String())
}

// What is affected is listed, counted and planned for of their devices alone, and a
// text that names another finds nothing.
func TestLimitedVulnerabilities(t *testing.T) {
	x := openHalls(t)
	if _, err := x.app.StateVuln(t.Context(), api.VexRequest{Actor: "maria", Statement: vex.Statement{Vulnerability: "CVE-2024-7777", Vendor: "Acme", Product: "Gate", Status: "affected", Why: "crane-zinnober was broken by it"}}); err != nil {
		t.Fatal(err)
	}
	type answer struct {
		Rows []struct {
			Subject, Key, ID, Reason string
			Subjects                 []string
			Devices                  int
		}
		Total  int
		Names  map[string]string
		Counts map[string]int
	}
	ask := func(p authz.Principal, path string) (out answer) {
		t.Helper()
		code, text := x.ask(p, "GET", path, "")
		if err := json.Unmarshal([]byte(text), &out); err != nil || code != http.StatusOK {
			t.Fatalf("%s: %d %v %s", path, code, err, text)
		}
		if len(p.Zones) > 0 {
			x.silent(path, text)
		}
		return out
	}
	mine, other := "device:"+x.ours[0], "device:"+x.yours[0]
	for _, path := range []string{"/api/v1/vulnerabilities", "/api/v1/vulnerabilities/groups?by=device"} {
		if all, ours := ask(in(), path), ask(in(ovens), path); all.Total != 2 || ours.Total != 1 || ours.Rows[0].Subject+ours.Rows[0].Key != mine {
			t.Errorf("%s: %+v of %+v", path, ours, all)
		}
	}
	for _, by := range []string{"component", "advisory"} {
		if all, ours := ask(in(), "/api/v1/vulnerabilities/groups?by="+by), ask(in(ovens), "/api/v1/vulnerabilities/groups?by="+by); all.Rows[0].Devices != 2 || ours.Rows[0].Devices != 1 {
			t.Errorf("by %s: %+v of %+v", by, ours, all)
		}
	}
	all, ours := ask(in(), "/api/v1/vulnerabilities/plan?limit=10"), ask(in(ovens), "/api/v1/vulnerabilities/plan?limit=10")
	if all.Rows[0].Devices != 2 || ours.Total != 1 || ours.Rows[0].Devices != 1 || !slices.Equal(ours.Rows[0].Subjects, []string{mine}) || ours.Counts["track"]+ours.Counts["attend"]+ours.Counts["act"]+ours.Counts["track*"] != 1 {
		t.Errorf("the plan: %+v of %+v", ours, all)
	}
	for _, path := range []string{
		"/api/v1/vulnerabilities?subject=" + other, "/api/v1/vulnerabilities?status=not_affected&subject=" + other, "/api/v1/vulnerabilities/plan?limit=5&subject=" + other,
		"/api/v1/vulnerabilities/plan?limit=5&q=zinnober", "/api/v1/vulnerabilities/groups?by=device&q=zinnober",
	} {
		if got := ask(in(ovens), path); got.Total != 0 || len(got.Rows) != 0 {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if got := ask(in(), "/api/v1/vulnerabilities/plan?limit=5&q=zinnober"); got.Total != 1 {
		t.Errorf("who sees all finds %+v", got)
	}
	for _, path := range []string{"/api/v1/vulnerabilities?id=CVE-2024-7777", "/api/v1/vulnerabilities/CVE-2024-7777", "/api/v1/vulnerabilities/groups?by=advisory&format=csv", "/api/v1/vulnerabilities/plan?format=csv"} {
		code, text := x.ask(in(ovens), "GET", path, "")
		if x.silent(path, text); code != http.StatusOK || !strings.Contains(path+text, "CVE-2024-7777") {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	x.limitedTasks(all.Rows[0].ID)
	if _, err := x.app.SetDevice(t.Context(), "maria", x.yours[0], "zone", ovens); err != nil {
		t.Fatal(err)
	}
	if got := ask(in(), "/api/v1/vulnerabilities/plan?limit=5"); got.Rows[0].Devices != 2 {
		t.Errorf("%+v", got)
	}
	var got answer // in which the other has a name that is no secret any more
	if _, text := x.ask(in(ovens), "GET", "/api/v1/vulnerabilities/plan?limit=5", ""); json.Unmarshal([]byte(text), &got) != nil || got.Rows[0].Devices != 2 {
		t.Errorf("a device moved into the zone: %s", text)
	}
	if got := ask(in(docks), "/api/v1/vulnerabilities"); got.Total != 0 {
		t.Errorf("a device moved out of the zone: %+v", got)
	}
}

// limitedTasks opens the task of an action for all, of which who is limited is told
// nothing, and one of theirs.
func (x *halls) limitedTasks(action string) {
	x.t.Helper()
	task := func(p authz.Principal) (uid string) {
		_, text := x.ask(p, "GET", "/api/v1/vulnerabilities/plan?limit=5", "")
		var out struct{ Rows []struct{ Task string } }
		if err := json.Unmarshal([]byte(text), &out); err != nil || len(out.Rows) != 1 {
			x.t.Fatal(err, text)
		}
		return out.Rows[0].Task
	}
	v, err := x.app.OpenRemediation(x.t.Context(), api.RemediationOpen{Actor: "maria", Action: action})
	if err != nil || len(v.Subjects) != 2 {
		x.t.Fatal(err, v)
	}
	if all, ours := task(in()), task(in(ovens)); all != v.UID || ours != "" {
		x.t.Errorf("the task %s is told as %q, and to who is limited as %q", v.UID, all, ours)
	}
	if _, err := x.app.DecideRemediation(x.t.Context(), api.RemediationDecision{Actor: "maria", UID: v.UID, Action: "undo"}); err != nil {
		x.t.Fatal(err)
	}
	code, text := x.ask(in(ovens), "POST", "/api/v1/remediations", fmt.Sprintf(`{"action":%q}`, action))
	if x.silent("opening a task", text); code != http.StatusOK {
		x.t.Fatal(code, text)
	}
	if all, ours := task(in()), task(in(ovens)); ours == "" || all != ours {
		x.t.Errorf("their own task is told as %q and %q", all, ours)
	}
}
