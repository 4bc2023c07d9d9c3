package account_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/api/account"
	"vedette/internal/audit"
	"vedette/internal/authz"
	"vedette/internal/store/memory"
)

const (
	origin = "http://localhost"
	good   = "correct horse battery staple"
)

type house struct {
	t       testing.TB
	a       *account.Accounts
	h       http.Handler
	journal string
	mu      sync.Mutex
	now     time.Time
}

func (s *house) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *house) tick(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func open(t testing.TB, set ...func(*account.Config)) *house {
	t.Helper()
	s := &house{t: t, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), journal: filepath.Join(t.TempDir(), "audit.jsonl")}
	j, err := audit.Open(s.journal, s.clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	policy, err := authz.New(j, s.clock)
	if err != nil {
		t.Fatal(err)
	}
	cfg := account.Config{Records: memory.NewRecords(), Journal: j, Authority: policy, Now: s.clock}
	for _, f := range set {
		f(&cfg)
	}
	s.a, err = account.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(account.Prefix, s.a.Handler())
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p, ok := authz.From(r.Context())
		if !ok {
			_, _ = io.WriteString(w, "nobody")
			return
		}
		_ = json.NewEncoder(w).Encode(p)
	})
	s.h = s.a.Guard(mux)
	return s
}

type call struct {
	method, path, body, cookie, bearer string
	header                             http.Header
	host, from                         string
}

// answer is a response without a body that would have to be closed.
type answer struct{ *httptest.ResponseRecorder }

func (a answer) cookies() []*http.Cookie {
	var out []*http.Cookie
	for _, line := range a.Header().Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil {
			out = append(out, c)
		}
	}
	return out
}

func (s *house) do(c call) answer {
	s.t.Helper()
	if c.method == "" {
		c.method = http.MethodGet
	}
	r := httptest.NewRequestWithContext(s.t.Context(), c.method, "/", strings.NewReader(c.body))
	path, query, _ := strings.Cut(c.path, "?")
	r.URL.Path, r.URL.RawQuery = path, query
	r.Host = "localhost:8080"
	if c.host != "" {
		r.Host = c.host
	}
	if c.from != "" {
		r.RemoteAddr = c.from
	}
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	maps.Copy(r.Header, c.header)
	if c.cookie != "" {
		r.AddCookie(&http.Cookie{Name: s.a.CookieName(), Value: c.cookie})
	}
	if c.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	return answer{w}
}

func (s *house) want(what string, c call, status int) answer {
	s.t.Helper()
	res := s.do(c)
	if res.Code != status {
		body, _ := io.ReadAll(res.Body)
		s.t.Fatalf("%s: %s %s gave %d, want %d: %s", what, c.method, c.path, res.Code, status, body)
	}
	return res
}

func cookieOf(res answer) string {
	for _, c := range res.cookies() {
		if strings.Contains(c.Name, "vedette_session") {
			return c.Value
		}
	}
	return ""
}

// admin makes the first administrator and returns its session.
func (s *house) admin() string {
	s.t.Helper()
	secret, err := s.a.SetupToken(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	body := `{"token":"` + secret + `","name":"Ann","password":"` + good + `"}`
	return cookieOf(s.want("setup", call{method: "POST", path: account.Prefix + "setup", body: body}, 200))
}

// join makes a user of a role, with a password, and returns its session.
func (s *house) join(name string, role authz.Role, zones ...string) string {
	s.t.Helper()
	_, secret, err := s.a.AddUser(s.t.Context(), "ann", name, []authz.Role{role}, zones)
	if err != nil {
		s.t.Fatal(err)
	}
	body := `{"token":"` + secret + `","password":"` + good + `"}`
	return cookieOf(s.want("link", call{method: "POST", path: account.Prefix + "setup", body: body}, 200))
}

func (s *house) recorded(word string) int {
	s.t.Helper()
	text, err := os.ReadFile(s.journal)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Count(string(text), word)
}

func signIn(name, password string) call {
	body, _ := json.Marshal(map[string]string{"name": name, "password": password})
	return call{method: "POST", path: account.Prefix + "login", body: string(body)}
}

func TestFirstAdministrator(t *testing.T) {
	s := open(t)
	s.want("no account", call{path: "/events"}, 401)
	old, _ := s.a.SetupToken(t.Context())
	secret, _ := s.a.SetupToken(t.Context())
	setup := func(token, password string) call {
		return call{method: "POST", path: account.Prefix + "setup", body: `{"token":"` + token + `","name":"ann","password":"` + password + `"}`}
	}
	s.want("a link made before", setup(old, good), 403)
	s.want("short", setup(secret, "short"), 400)
	s.want("looking", call{path: "/setup?token=" + secret}, 200)
	res := s.want("the link", setup(secret, good), 200)
	s.want("the link again", setup(secret, good), 403)
	c := res.cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure {
		t.Errorf("cookie %+v, want HttpOnly, SameSite=Strict and, without TLS, not Secure", c)
	}
	var p authz.Principal
	if err := json.NewDecoder(s.want("session", call{path: "/x", cookie: c.Value}, 200).Body).Decode(&p); err != nil || p.Name != "ann" || p.Roles[0] != authz.Admin {
		t.Errorf("%+v (%v), want ann as admin", p, err)
	}
	if again, err := s.a.SetupToken(t.Context()); again != "" || err != nil {
		t.Errorf("with an account there is a setup token %q (%v)", again, err)
	}
	if n := s.recorded("account.setup\""); n != 1 {
		t.Errorf("%d entries of the setup, want 1", n)
	}
}

func TestSetupLinkExpires(t *testing.T) {
	s := open(t)
	secret, _ := s.a.SetupToken(t.Context())
	s.tick(24 * time.Hour)
	s.want("expired", call{method: "POST", path: account.Prefix + "setup", body: `{"token":"` + secret + `","name":"ann","password":"` + good + `"}`}, 403)
}

func TestOneLinkOneUse(t *testing.T) {
	s := open(t)
	secret, _ := s.a.SetupToken(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for _, name := range []string{"eve1", "eve2", "eve3", "eve4"} {
		wg.Go(func() {
			if _, err := s.a.UseLink(t.Context(), secret, name, good); err == nil {
				mu.Lock()
				made++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if made != 1 {
		t.Errorf("one link made %d administrators", made)
	}
}

func TestSecretsAreNotKept(t *testing.T) {
	records := memory.NewRecords()
	s := open(t, func(c *account.Config) { c.Records = records })
	session := s.admin()
	_, text, err := s.a.AddToken(t.Context(), "ann", account.NewToken{Name: "x", Owner: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"account.user", "account.session", "account.token", "account.link"} {
		for rec, err := range records.List(t.Context(), kind) {
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{good, session, text, strings.TrimPrefix(text, "vdt_")} {
				if strings.Contains(string(rec.JSON)+rec.ID, secret) {
					t.Errorf("a record of %s holds a secret", kind)
				}
			}
		}
	}
	if s.recorded(session)+s.recorded(good)+s.recorded(text) > 0 {
		t.Error("the journal holds a secret")
	}
}

func TestSessionEnds(t *testing.T) {
	s := open(t)
	s.admin()
	session := cookieOf(s.want("sign-in", signIn("ann", good), 200))
	me := call{path: "/me", cookie: session}
	s.tick(7 * time.Hour)
	s.want("used in time", me, 200)
	s.tick(8 * time.Hour)
	s.want("idle", me, 401)

	session = cookieOf(s.want("sign-in", signIn("ann", good), 200))
	for range 10 {
		s.tick(7 * time.Hour)
		s.want("kept in use", call{path: "/me", cookie: session}, 200)
	}
	s.tick(3 * time.Hour)
	s.want("too old", call{path: "/me", cookie: session}, 401)

	session = cookieOf(s.want("sign-in", signIn("ann", good), 200))
	s.want("logout", call{method: "POST", path: account.Prefix + "logout", cookie: session}, 200)
	s.want("after logout", call{path: "/me", cookie: session}, 401)
}

func TestSessionFixation(t *testing.T) {
	s := open(t)
	eve := s.admin() // a session that an attacker knows
	s.join("bob", authz.Viewer)
	planted := signIn("bob", good)
	planted.cookie = eve
	got := cookieOf(s.want("sign-in with a planted session", planted, 200))
	if got == "" || got == eve {
		t.Fatal("the sign-in took the planted session over")
	}
	s.want("the planted one", call{path: "/me", cookie: eve}, 401)
	made := strings.Repeat("A", 52)
	planted.cookie = made
	if got := cookieOf(s.want("sign-in with an invented session", planted, 200)); got == made {
		t.Error("an invented session was adopted")
	}
	two := call{path: "/me", header: http.Header{"Cookie": {s.a.CookieName() + "=" + got + "; " + s.a.CookieName() + "=" + made}}}
	s.want("two cookies", two, 401)
}

func TestChangesTakeEffectAtOnce(t *testing.T) {
	s := open(t)
	s.admin()
	bob := s.join("bob", authz.Admin)
	_, text, err := s.a.AddToken(t.Context(), "bob", account.NewToken{Name: "x", Owner: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	s.want("admin", call{path: account.Prefix + "users", cookie: bob}, 200)
	roles := []authz.Role{authz.Viewer}
	if _, err := s.a.SetUser(t.Context(), "ann", "bob", account.UserChange{Roles: &roles}); err != nil {
		t.Fatal(err)
	}
	s.want("viewer now", call{path: account.Prefix + "users", cookie: bob}, 403)
	s.want("the token too", call{path: account.Prefix + "users", bearer: text}, 403)
	if err := s.a.RemoveUser(t.Context(), "ann", "bob"); err != nil {
		t.Fatal(err)
	}
	s.want("removed", call{path: "/me", cookie: bob}, 401)
	s.want("token of the removed", call{path: "/me", bearer: text}, 401)
	s.join("bob", authz.Viewer) // another bob
	s.want("the old bob's session", call{path: "/me", cookie: bob}, 401)
	for _, c := range []account.UserChange{{Roles: &roles}, {Disabled: new(true)}, {Zones: &[]string{"cell"}}} {
		if _, err := s.a.SetUser(t.Context(), "ann", "ann", c); err == nil {
			t.Error("the last administrator was taken away")
		}
	}
	if err := s.a.RemoveUser(t.Context(), "ann", "ann"); err == nil {
		t.Error("the last administrator was removed")
	}
}
