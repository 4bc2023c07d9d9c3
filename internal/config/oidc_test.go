package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOIDCProblems(t *testing.T) {
	good := func() OIDC {
		o := DefaultOIDC()
		o.Issuer, o.ClientID, o.Roles = "https://login.plant.example/realms/ot", "vedette", map[string]string{"ot-admins": "admin"}
		return o
	}
	for name, c := range map[string]struct {
		change func(*OIDC)
		want   int
	}{
		"good":                    {func(*OIDC) {}, 0},
		"none":                    {func(o *OIDC) { *o = DefaultOIDC() }, 0},
		"no issuer":               {func(o *OIDC) { o.Issuer = "" }, 1},
		"http":                    {func(o *OIDC) { o.Issuer = "http://login.plant.example" }, 1},
		"http on this machine":    {func(o *OIDC) { o.Issuer = "http://127.0.0.1:8180/realms/ot" }, 0},
		"http of a name like it":  {func(o *OIDC) { o.Issuer = "http://localhost.evil.example" }, 1},
		"a path alone":            {func(o *OIDC) { o.Issuer = "/realms/ot" }, 1},
		"a script":                {func(o *OIDC) { o.Issuer = "javascript:alert(1)" }, 1},
		"a password":              {func(o *OIDC) { o.Issuer = "https://a:b@login.plant.example" }, 1},
		"a query":                 {func(o *OIDC) { o.Issuer = "https://login.plant.example/?a=b" }, 1},
		"no client":               {func(o *OIDC) { o.ClientID = "" }, 1},
		"no claim":                {func(o *OIDC) { o.RolesClaim = "" }, 1},
		"no roles":                {func(o *OIDC) { o.Roles = nil }, 1},
		"a role that there isn't": {func(o *OIDC) { o.Roles["x"] = "root" }, 1},
		"zones":                   {func(o *OIDC) { o.Zones = map[string][]string{"hall-1": {"cell 1", "cell 2"}, "ot-admins": {"*"}} }, 0},
		"no zones":                {func(o *OIDC) { o.Zones = map[string][]string{"hall-1": {}} }, 1},
		"all zones and one":       {func(o *OIDC) { o.Zones = map[string][]string{"hall-1": {"*", "cell 1"}} }, 1},
		"two scopes in one":       {func(o *OIDC) { o.Scopes = []string{"groups email"} }, 1},
	} {
		o := good()
		c.change(&o)
		if got := o.Problems(); len(got) != c.want {
			t.Errorf("%s: %v, want %d problems", name, got, c.want)
		}
	}
}

func loadText(t *testing.T, text string) (Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "vedette.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(Sources{File: file})
}

// TestOIDCOfTheDocumentation reads the example that people copy, and prints it to
// what reads the same.
func TestOIDCOfTheDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/accounts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```yaml\n# sign-in at a provider\n")
	example, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("docs/accounts.md has no example of server.oidc")
	}
	c, err := loadText(t, example)
	if err != nil {
		t.Fatal(err)
	}
	o := c.Server.OIDC
	if o.Issuer == "" || o.Roles["ot-admins"] != "admin" || len(o.Zones["hall-1"]) != 2 || o.NameClaim != "preferred_username" || o.SecretFile == "" {
		t.Errorf("the example reads as %+v", o)
	}
	var out bytes.Buffer
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	again, err := loadText(t, out.String())
	if err != nil {
		t.Fatalf("%v in\n%s", err, out.String())
	}
	if diff := cmp.Diff(o.Roles, again.Server.OIDC.Roles) + cmp.Diff(o.Zones, again.Server.OIDC.Zones); diff != "" {
		t.Error(diff)
	}
}

func TestMapsAreReadStrictly(t *testing.T) {
	base := "server:\n  oidc:\n    issuer: https://login.plant.example\n    client_id: vedette\n    roles: "
	for name, c := range map[string]struct{ text, want string }{
		"empty":         {"{}\n", "server.oidc.roles: is empty"},
		"nothing":       {"\n", "server.oidc.roles: is empty"},
		"a list":        {"[a]\n", "is not a list of pairs"},
		"twice":         {"{a: admin, a: viewer}\n", "set twice"},
		"no name":       {"{\"\": admin}\n", "without a name"},
		"a list within": {"{a: [admin]}\n", "vedette.yaml:5: server.oidc.roles[a]: is not a single value"},
		"an odd role":   {"\n      a.b.c: root\n", "vedette.yaml:6: server.oidc.roles[a.b.c]:"},
		"an anchor":     {"&x {a: admin}\n", "anchors"},
	} {
		_, err := loadText(t, base+c.text)
		text := ""
		for _, p := range ProblemsOf(err) {
			text += p.String() + "\n"
		}
		if !strings.Contains(text, c.want) {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
	}
}
