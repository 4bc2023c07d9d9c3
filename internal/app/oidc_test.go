package app

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/api/account"
	"vedette/internal/authz"
)

// TestAccountsWithAProviderThatIsAway starts from a file of the configuration: the
// page offers the provider, which does not answer, and local accounts work.
func TestAccountsWithAProviderThatIsAway(t *testing.T) {
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "vedette.yaml")
	text := "data: " + filepath.Join(dir, "data") + "\nlisten: 127.0.0.1:0\nserver:\n  oidc:\n    issuer: " + away.URL + "\n    name: Plant login\n    client_id: vedette\n    roles:\n"
	for _, role := range authz.Roles() {
		text += "      group-" + string(role) + ": " + string(role) + "\n" // each role that there is can be given
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadConfig(Sources{File: file}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if o := cfg.Server.OIDC; o == nil || o.RolesClaim != "groups" || o.NameClaim != "preferred_username" || o.Roles["group-auditor"] != authz.Auditor {
		t.Fatalf("the provider reads as %+v", o)
	}
	a, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	srv := httptest.NewServer(a.Accounts().Guard(a.Accounts().Handler()))
	defer srv.Close()
	ask := func(method, path, body string, want int) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		out, _ := io.ReadAll(res.Body)
		if res.StatusCode != want {
			t.Fatalf("%s %s gave %d, want %d: %s", method, path, res.StatusCode, want, out)
		}
		return string(out)
	}
	if page := ask("GET", "/signin", "", 200); !strings.Contains(page, "Sign in with Plant login") {
		t.Errorf("the page: %s", page)
	}
	ask("GET", account.Prefix+"oidc/start", "", 503)
	secret, err := a.Accounts().SetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask("POST", account.Prefix+"setup", `{"token":"`+secret+`","name":"ann","password":"correct horse battery staple"}`, 200)
	ask("POST", account.Prefix+"login", `{"name":"ann","password":"correct horse battery staple"}`, 200)
}
