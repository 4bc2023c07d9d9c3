package app_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vedette/internal/api"
	"vedette/internal/authz"
	"vedette/internal/correlate"
)

// Who is limited to zones decides on incidents that are wholly theirs, reads there what
// others wrote who saw no more, and is refused on all others, in words that say why.
func TestLimitedDecisions(t *testing.T) {
	x := openWall(t)
	ann, beth, carl := in(ovens), in(ovens, docks), in(docks)
	theirs, shared, other := x.own["theirs"][0], x.own["shared"][0], x.other["incident"][0]
	decide := func(p authz.Principal, uid, body string) (int, string) {
		t.Helper()
		return x.ask(p, "POST", "/api/v1/incidents/"+uid+"/decisions", body)
	}
	read := func(p authz.Principal, uid string) (d api.IncidentDetail) {
		t.Helper()
		if code, text := x.ask(p, "GET", "/api/v1/incidents/"+uid, ""); code != 200 || json.Unmarshal([]byte(text), &d) != nil {
			t.Fatal(code, text)
		}
		return d
	}
	for _, c := range []struct {
		who       authz.Principal
		uid, body string
		want      int
	}{
		{ann, theirs, `{"action":"note","text":"looked at the oven","query":"| by dst count"}`, 200},
		{ann, theirs, `{"action":"assign","to":"me"}`, 200},
		{ann, theirs, `{"action":"feedback","verdict":"benign","why":"a test of ours"}`, 200},
		{ann, theirs, `{"action":"close","why":"done"}`, 200},
		{ann, theirs[:10], `{"action":"reopen","why":"not done"}`, 200},
		{ann, shared, `{"action":"close","why":"w"}`, 403},
		{ann, shared, `{"action":"note","text":"w"}`, 403},
		{ann, other, `{"action":"close","why":"w"}`, 404},
		{carl, theirs, `{"action":"close","why":"w"}`, 404},
		{ann, x.other["note"][0], `{"action":"undo","why":"w"}`, 404},
		{ann, "none", `{"action":"undo","why":"w"}`, 404},
		{authz.Principal{ID: "v", Name: "vic", Kind: authz.Person, Roles: []authz.Role{authz.Viewer}, Zones: []string{ovens}}, theirs, `{"action":"close","why":"w"}`, 403},
	} {
		if code, text := decide(c.who, c.uid, c.body); code != c.want {
			t.Errorf("%s of %v on %s: %d %s", c.body, c.who.Zones, c.uid, code, text)
		}
	}
	if _, text := decide(ann, shared, `{"action":"close","why":"w"}`); !strings.Contains(text, "outside of your zones") {
		t.Errorf("the refusal: %s", text)
	}
	got := read(ann, theirs)
	if got.Assignee != "ann" || got.Verdict != "benign" || got.Status != "open" || len(got.Notes) != 1 || got.Notes[0].Text != "looked at the oven" || got.NoteCount != 1 || len(got.History) < 5 {
		t.Errorf("what ann reads: %+v", got)
	}
	for _, h := range got.History {
		if h.Why != "" {
			t.Errorf("a reason is told: %+v", h)
		}
	}
	if d := read(beth, theirs); len(d.Notes) != 1 {
		t.Errorf("who sees more reads %+v", d.Notes)
	}
	if d := read(in(), theirs); len(d.Notes) != 2 || !slices.Equal(d.Notes[1].Zones, []string{ovens}) {
		t.Errorf("who sees all reads %+v", d.Notes)
	}
	if code, _ := decide(beth, theirs, `{"action":"note","text":"seen from both halls"}`); code != 200 {
		t.Error(code)
	}
	if d := read(ann, theirs); len(d.Notes) != 1 {
		t.Errorf("a note of who sees more: %+v", d.Notes)
	}
	if code, text := decide(ann, got.Notes[0].ID, `{"action":"undo","why":"w"}`); code != 200 {
		t.Errorf("taking the own note back: %d %s", code, text)
	}
	if d := read(ann, theirs); len(d.Notes) != 0 {
		t.Errorf("%+v", d.Notes)
	}
}

// What an incident can be given to: people who see as much as who asks.
func TestLimitedPeople(t *testing.T) {
	x := openWall(t)
	for _, c := range []struct {
		who  authz.Principal
		want string
	}{{in(), "[maria]"}, {admin(ovens), "[ann beth maria]"}, {admin(docks), "[beth carmine maria]"}, {admin(ovens, docks), "[beth maria]"}} {
		var out struct{ Rows []api.Assignable }
		code, text := x.ask(c.who, "GET", "/api/v1/incidents/people", "")
		if err := json.Unmarshal([]byte(text), &out); err != nil || code != 200 {
			t.Fatal(code, text)
		}
		var names []string
		for _, r := range out.Rows {
			names = append(names, r.Name)
		}
		if slices.Sort(names); fmt.Sprint(names) != c.want {
			t.Errorf("%v: %v, want %s", c.who.Zones, names, c.want)
		}
	}
}

// What was opened to who is limited answers with what is theirs, and all of it.
func TestLimitedRooms(t *testing.T) {
	x := openWall(t)
	ann := admin(ovens)
	for path, want := range map[string][]string{
		"bills":                     {`"total":2`, x.own["bill"][0], x.own["bill"][1]},
		"bills/" + x.own["bill"][0]: {"ovenlib", "CVE-2024-8001", "a person of this site says so"},
		"bills/diff?before=" + x.own["bill"][1] + "&after=" + x.own["bill"][0]: {"ovenlib"},
		"vulnerabilities/statements":                          {`"total":2`, "CVE-2024-7777", "ovenlib", "a person of this site says so"},
		"intel/seen":                                          {x.own["device"][0], "T0884"},
		"intel/techniques/T0883":                              {`"rules":[]`, `"findings":0`},
		"intel/techniques/T0884":                              {"oven-hmi", `"uses":[]`},
		"devices/" + x.own["device"][0] + "/policy":           {"outside your zones", "10.1.0.6", `"flows":141`},
		"devices/" + x.own["quiet"][0] + "/policy?format=mud": {"ietf-mud"},
	} {
		code, text := x.ask(ann, "GET", "/api/v1/"+path, "")
		for _, w := range want {
			if code != 200 || !strings.Contains(text, w) {
				t.Errorf("%s: %d without %s: %.1500s", path, code, w, text)
			}
		}
	}
	code, text := x.ask(ann, "GET", "/api/v1/devices/"+x.own["device"][0]+"/policy?format=mud", "")
	if code != 403 || !strings.Contains(text, "outside of your zones") {
		t.Errorf("a policy that names others: %d %s", code, text)
	}
	var out struct{ Rows []api.IntelAnswer }
	if code, text = x.ask(ann, "POST", "/api/v1/intel/lookup", `{"values":["198.51.100.66","198.51.100.77"]}`); json.Unmarshal([]byte(text), &out) != nil || len(out.Rows) != 2 || len(out.Rows[0].Hits) != 1 || len(out.Rows[1].Hits) != 0 || out.Rows[1].Problem == "" {
		t.Errorf("%d %s", code, text)
	}
	if _, text = x.ask(in(), "POST", "/api/v1/intel/lookup", `{"values":["198.51.100.77"]}`); !strings.Contains(text, `"them"`) {
		t.Errorf("who sees all: %s", text)
	}
}

// Page by page the list of incidents is what it is as a whole, whoever asks.
func TestIncidentPages(t *testing.T) {
	x := openWall(t)
	for _, p := range []authz.Principal{in(), in(ovens), in(docks), in(ovens, yard), in("nowhere")} {
		for _, wish := range []api.IncidentWish{{}, {All: true}, {All: true, Assignee: "bob"}, {Assignee: "nobody"}, {All: true, Assignee: "me", Asks: "bob"}} {
			ctx := authz.With(t.Context(), p)
			list, err := x.app.Incidents(ctx, wish.All)
			if err != nil {
				t.Fatal(err)
			}
			want := api.AssignedTo(list, wish.Assignee, wish.Asks)
			var got []correlate.Incident
			for wish.Limit = 2; ; wish.Offset += wish.Limit {
				rows, total, err := x.app.IncidentPage(ctx, wish)
				if err != nil || total != len(want) {
					t.Fatalf("%v %+v: %d of %d, %v", p.Zones, wish, total, len(want), err)
				}
				if got = append(got, rows...); len(rows) == 0 {
					break
				}
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%v %+v: %s", p.Zones, wish, diff)
			}
		}
	}
	if list, _ := x.app.Incidents(authz.With(t.Context(), in(ovens)), true); len(list) < 2 {
		t.Errorf("only %d incidents to turn pages of", len(list))
	}
}
