package app_test

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vedette/internal/api"
	"vedette/internal/api/rest"
	"vedette/internal/correlate"
	"vedette/internal/vuln/vex"
)

// What happens on the other side alone changes no answer to who is limited to this one:
// no count, cursor, entity tag or state gives it away.
func TestWallStandsStill(t *testing.T) {
	x := openWall(t)
	before, seen := x.answers(), x.seenBy()
	x.stir()
	after := x.answers()
	for _, what := range slices.Sorted(maps.Keys(before)) {
		if before[what] != after[what] {
			t.Errorf("%s changed with the other side:\n%s", what, firstDifference(before[what], after[what]))
		}
	}
	if len(before) < 60 {
		t.Errorf("only %d answers were compared", len(before))
	}
	changed := 0
	for what, was := range seen {
		if x.seenBy()[what] != was {
			changed++
		}
	}
	if changed < 5 {
		t.Errorf("who sees all saw %d lists change, so the test compares nothing", changed)
	}
}

// answers are what who is limited is told, by request, with the headers.
func (x *wall) answers() map[string]string {
	out := map[string]string{}
	table := x.table()
	for _, route := range rest.Routes() {
		method := strings.Fields(route.Pattern)[0]
		if method != "GET" && !strings.HasSuffix(route.Pattern, "/query") || strings.HasSuffix(route.Pattern, "/tail") {
			continue
		}
		for _, p := range slices.Concat(table[route.Pattern].own, table[route.Pattern].other) {
			w := x.send(admin(ovens), method, p)
			text := fmt.Sprint(w.Code, " ", w.Header(), " ", w.Body)
			out[method+" "+p.path+" "+p.body] = passing.ReplaceAllString(text, "")
		}
	}
	return out
}

// passing is what is otherwise each time: how long it took, and when a file was made.
var passing = regexp.MustCompile(`"seconds":[0-9.e-]+|"exported_at": "[^"]*"|- Written [^\n]*|"last-update": "[^"]*"`)

// seenBy are the lists as who sees all has them.
func (x *wall) seenBy() map[string]string {
	out := map[string]string{}
	for _, path := range []string{"now", "devices?limit=1000", "incidents?status=all", "findings?limit=1000", "vulnerabilities", "remediations", "bills", "vulnerabilities/statements", "vulnerabilities/groups?by=component"} {
		out[path] = x.send(in(), "GET", probe{path: "/api/v1/" + path}).Body.String()
	}
	return out
}

// stir changes one of each thing of the other side.
func (x *wall) stir() {
	x.t.Helper()
	ctx := x.t.Context()
	must := func(err error) {
		x.t.Helper()
		if err != nil {
			x.t.Fatal(err)
		}
	}
	x.take("more.json", x.talk("10.3.0.6", "10.3.0.5", `,"later_tag":"x"`)+x.talk("10.3.0.9", "10.3.0.5", "")+x.dns("10.2.0.6", "later.example"))
	x.take("later.json", strings.ReplaceAll(x.alert("10.3.0.6", "10.3.0.5"), "test of a write", "a later alert"))
	_, err := x.app.SetDevice(ctx, "maria", "10.3.0.6", "owner", "vera")
	must(err)
	_, err = x.app.SetDevice(ctx, "maria", "10.3.0.5", "name", "gate-violet")
	must(err)
	for _, uid := range x.other["incident"][:1] {
		for _, d := range []api.IncidentDecision{
			{Action: api.IncidentNote, Text: "a later word"}, {Action: api.IncidentFeedback, Verdict: correlate.True, Why: "w"}, {Action: api.IncidentClose, Why: "w"},
		} {
			d.Actor, d.Incident = "maria", uid
			_, err = x.app.DecideIncident(ctx, d)
			must(err)
		}
	}
	for _, uid := range x.own["shared"] { // those that both sides are in: what persons write is not shown
		_, err = x.app.DecideIncident(ctx, api.IncidentDecision{Actor: "maria", Incident: uid, Action: api.IncidentNote, Text: "a later word"})
		must(err)
	}
	x.furnish("10.2.0.6", "later", "CVE-2024-9002", map[string][]string{})
	_, err = x.app.StateVuln(ctx, api.VexRequest{Actor: "carmine", Statement: vex.Statement{Vulnerability: "CVE-2024-9001", PURL: "pkg:generic/zinnlib", Status: "fixed", Why: "later"}})
	must(err)
	_, err = x.app.DecideRemediation(ctx, api.RemediationDecision{Actor: "maria", UID: x.other["task"][0], Action: "note", Text: "a later word"})
	must(err)
}

// firstDifference is where two texts part.
func firstDifference(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	cut := func(s string) string { return s[max(0, n-200):min(len(s), n+200)] }
	return cmp.Or(cut(a), "nothing") + "\n-----\n" + cut(b)
}
