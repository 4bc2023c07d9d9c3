package authz_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/audit"
	"vedette/internal/authz"
	"vedette/internal/fault"
)

// matrix says by hand what each role may do, in the order viewer, analyst,
// responder, auditor, admin: x may, . may not.
var matrix = map[authz.Action]string{
	"events.read":           "xxxxx",
	"events.ingest":         "....x",
	"events.export":         ".xxxx",
	"ask":                   ".xxxx",
	"devices.read":          "xxxxx",
	"devices.write":         "..x.x",
	"findings.read":         "xxxxx",
	"findings.write":        ".xx.x",
	"incidents.read":        "xxxxx",
	"incidents.write":       ".xx.x",
	"vulnerabilities.read":  "xxxxx",
	"vulnerabilities.write": ".xx.x",
	"intel.read":            "xxxxx",
	"intel.write":           "..x.x",
	"rules.read":            "xxxxx",
	"rules.write":           "....x",
	"models.read":           "xxxxx",
	"models.write":          "....x",
	"egress.read":           ".xxxx",
	"audit.read":            "...xx",
	"audit.export":          "...xx",
	"sources.read":          "xxxxx",
	"sources.write":         "....x",
	"feeds.read":            "xxxxx",
	"feeds.write":           "....x",
	"settings.read":         ".xxxx",
	"settings.write":        "....x",
	"users.read":            "...xx",
	"users.write":           "....x",
	"self.read":             "xxxxx",
	"self.write":            "xxxxx",
	"health.read":           "xxxxx",
	"metrics.read":          "xxxxx",
	"maintenance.run":       "....x",
	"mcp.use":               ".xx.x",
	"intel.share":           ".xxxx",
}

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func policy(t *testing.T) (p *authz.Policy, journal string, tick func(time.Duration)) {
	t.Helper()
	now := start
	journal = filepath.Join(t.TempDir(), "audit.jsonl")
	j, err := audit.Open(journal, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	p, err = authz.New(j, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return p, journal, func(d time.Duration) { now = now.Add(d) }
}

func person(roles ...authz.Role) authz.Principal {
	return authz.Principal{ID: "u1", Name: "ann", Kind: authz.Person, Roles: roles}
}

func TestEachActionByEachRole(t *testing.T) {
	p, _, tick := policy(t)
	if got := authz.Actions(); len(got) != len(matrix) {
		t.Errorf("%d actions, the matrix has %d", len(got), len(matrix))
	}
	for _, do := range authz.Actions() {
		row, ok := matrix[do]
		if !ok {
			t.Errorf("%s is not in the matrix", do)
			continue
		}
		for i, role := range authz.Roles() {
			err := p.Decide(t.Context(), person(role), do, "")
			if want := row[i] == 'x'; want != (err == nil) {
				t.Errorf("%s does %s: allowed is %v, want %v", role, do, err == nil, want)
			}
			if err != nil && fault.KindOf(err) != fault.Denied {
				t.Errorf("%s does %s: %v is not a Denied fault", role, do, err)
			}
		}
		tick(time.Minute)
	}
}

func TestDefaultIsDeny(t *testing.T) {
	p, _, _ := policy(t)
	for name, c := range map[string]struct {
		who authz.Principal
		do  authz.Action
	}{
		"no role":         {person(), authz.EventsRead},
		"unknown role":    {person("root"), authz.EventsRead},
		"unknown action":  {person(authz.Admin), "reactor.stop"},
		"empty action":    {person(authz.Admin), ""},
		"nobody":          {authz.Principal{}, authz.HealthRead},
		"no id":           {authz.Principal{Kind: authz.Person, Roles: []authz.Role{authz.Admin}}, authz.EventsRead},
		"unknown kind":    {authz.Principal{ID: "u", Kind: "god", Roles: []authz.Role{authz.Admin}}, authz.EventsRead},
		"role by quoting": {person(`x" || true || "`), authz.UsersWrite},
	} {
		if err := p.Decide(t.Context(), c.who, c.do, ""); fault.KindOf(err) != fault.Denied || err == nil {
			t.Errorf("%s: %v, want a Denied fault", name, err)
		}
	}
}

func TestForbidWins(t *testing.T) {
	p, _, _ := policy(t)
	token := authz.Principal{ID: "t1", Name: "scraper", Kind: authz.Token, Roles: []authz.Role{authz.Admin}, Scope: []authz.Action{authz.MetricsRead}}
	free := token
	free.Scope = nil
	agent := authz.Principal{ID: "a1", Name: "hunter", Kind: authz.Agent, Roles: []authz.Role{authz.Admin}}
	limited := person(authz.Admin)
	limited.Zones = []string{"cell-1"}
	narrow := authz.Narrowed(t.Context())
	for name, c := range map[string]struct {
		ctx  context.Context
		who  authz.Principal
		do   authz.Action
		zone string
		want bool
	}{
		"token in scope":               {t.Context(), token, authz.MetricsRead, "", true},
		"token out of scope":           {t.Context(), token, authz.EventsRead, "", false},
		"token of an admin, a user":    {t.Context(), free, authz.UsersWrite, "", false},
		"token of an admin, a device":  {t.Context(), free, authz.DevicesWrite, "", true},
		"agent reads":                  {t.Context(), agent, authz.EventsRead, "", true},
		"agent writes":                 {t.Context(), agent, authz.DevicesWrite, "", false},
		"local":                        {t.Context(), authz.Principal{ID: "local", Kind: authz.Local}, authz.UsersWrite, "", true},
		"own zone":                     {t.Context(), limited, authz.DevicesWrite, "cell-1", true},
		"other zone":                   {t.Context(), limited, authz.DevicesRead, "cell-2", false},
		"other zone, narrowed":         {narrow, limited, authz.DevicesRead, "cell-2", false},
		"whole site":                   {t.Context(), limited, authz.EventsRead, "", false},
		"whole site, narrowed":         {narrow, limited, authz.EventsRead, "", true},
		"whole site, settings":         {narrow, limited, authz.SettingsWrite, "", false},
		"own zone, but users":          {narrow, limited, authz.UsersWrite, "cell-1", false},
		"own account":                  {t.Context(), limited, authz.SelfWrite, "", true},
		"zone that only looks similar": {t.Context(), limited, authz.DevicesRead, "CELL-1", false},
	} {
		err := p.Decide(c.ctx, c.who, c.do, c.zone)
		if (err == nil) != c.want {
			t.Errorf("%s: %v, want allowed %v", name, err, c.want)
		}
	}
}

func TestRefusalsAreRecordedWithinBounds(t *testing.T) {
	p, path, tick := policy(t)
	for range 500 {
		_ = p.Decide(t.Context(), person(authz.Viewer), authz.DevicesWrite, "")
		_ = p.Decide(t.Context(), person(), authz.EventsRead, "") // mere reading
	}
	tick(time.Minute)
	_ = p.Decide(t.Context(), person(authz.Viewer), authz.DevicesWrite, "")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("access.refuse")); n != 11 {
		t.Errorf("%d refusals recorded, want 10 and one after the minute", n)
	}
	if !bytes.Contains(text, []byte(`"not_recorded_before":"490"`)) {
		t.Errorf("the journal does not tell what was not recorded: %s", text)
	}
	if bytes.Contains(text, []byte("events.read")) {
		t.Error("a refused reading is recorded")
	}
}

func TestNoJournalNoAuthority(t *testing.T) {
	if _, err := authz.New(nil, time.Now); err == nil {
		t.Error("an authority without a journal was made")
	}
}

func TestAllowedAgreesWithPolicies(t *testing.T) {
	p, _, _ := policy(t)
	var want []authz.Action
	for _, do := range authz.Actions() {
		if matrix[do][0] == 'x' {
			want = append(want, do)
		}
	}
	if got := p.Allowed(person(authz.Viewer)); !slices.Equal(got, want) {
		t.Errorf("viewer: %v, want %v", got, want)
	}
	for _, do := range authz.Actions() {
		if !strings.Contains(authz.Policies(), `Action::"`+string(do)+`"`) {
			t.Errorf("no policy names %s", do)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	j, err := audit.Open(filepath.Join(b.TempDir(), "audit.jsonl"), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	p, err := authz.New(j, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	who := person(authz.Analyst)
	for b.Loop() {
		if err := p.Decide(b.Context(), who, authz.EventsRead, ""); err != nil {
			b.Fatal(err)
		}
	}
}
