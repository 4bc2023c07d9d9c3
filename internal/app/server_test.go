package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/api/account"
)

// TestAccountsOverTLS goes the way of the first start: the one-time link, over
// TLS of the local authority, to a session that works until its end.
func TestAccountsOverTLS(t *testing.T) {
	dir := t.TempDir()
	a, err := Open(t.Context(), Config{Dir: dir, Server: Server{Listen: "127.0.0.1:0", TLS: "local_ca", Hosts: []string{"vedette.plant.example"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ln, at, err := a.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(at, "https://vedette.plant.example:") {
		t.Errorf("the address for a browser is %s", at)
	}
	srv := &http.Server{Handler: a.Accounts().Guard(a.Accounts().Handler()), ReadHeaderTimeout: time.Second}
	go func() { _ = srv.Serve(ln) }()
	defer srv.Close()

	ca, err := os.ReadFile(filepath.Join(dir, "tls", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}}
	do := func(method, path, body string, want int) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "https://"+ln.Addr().String()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		if res.StatusCode != want {
			t.Fatalf("%s %s gave %d, want %d: %s", method, path, res.StatusCode, want, text)
		}
		return string(text)
	}
	do("GET", account.Prefix+"users", "", 401)
	secret, err := a.Accounts().SetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if page := do("GET", account.LinkPath(secret), "", 200); !strings.Contains(page, "first administrator") {
		t.Errorf("the page of the link: %s", page)
	}
	do("POST", account.Prefix+"setup", `{"token":"`+secret+`","name":"ann","password":"correct horse battery staple"}`, 200)
	if text := do("GET", account.Prefix+"users", "", 200); !strings.Contains(text, `"ann"`) {
		t.Errorf("the users: %s", text)
	}
	do("POST", account.Prefix+"logout", "", 200)
	do("GET", account.Prefix+"users", "", 401)
}

func TestListenOutsideNeedsTLS(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", ":0", "[::]:0", "vedette.plant.example:0"} {
		a := &App{cfg: Config{Server: Server{Listen: listen}}}
		if ln, _, err := a.Listen(context.Background()); err == nil {
			_ = ln.Close()
			t.Errorf("listens on %s without TLS", listen)
		}
	}
}
