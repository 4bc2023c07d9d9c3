package account_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/api/account"
	"vedette/internal/authz"
	"vedette/internal/fault"
)

func TestTokens(t *testing.T) {
	s := open(t)
	ann := s.admin()
	bob := s.join("bob", authz.Analyst, "cell-1")
	make := func(cookie, body string, status int) (id, text string) {
		t.Helper()
		res := s.want("token "+body, call{method: "POST", path: account.Prefix + "tokens", body: body, cookie: cookie}, status)
		var out struct {
			Token  account.Token
			Secret string
		}
		_ = json.NewDecoder(res.Body).Decode(&out)
		return out.Token.ID, out.Secret
	}
	id, text := make(ann, `{"name":"scraper","roles":["admin"],"scope":["metrics.read"],"days":30}`, 200)
	if !strings.HasPrefix(text, "vdt_") {
		t.Errorf("token %q has no prefix", text)
	}
	s.want("in time", call{path: "/metrics", bearer: text}, 200)
	s.want("out of its scope", call{path: account.Prefix + "users", bearer: text}, 403)
	s.want("foreign", call{path: "/x", bearer: "vdt_" + strings.Repeat("A", 52)}, 401)
	s.want("cut", call{path: "/x", bearer: text[:40]}, 401)
	s.want("a session as a token", call{path: "/x", bearer: ann}, 401)
	s.want("a token as a session", call{path: "/x", cookie: strings.TrimPrefix(text, "vdt_")}, 401)
	s.want("wrong token, good cookie", call{path: "/x", bearer: "vdt_" + strings.Repeat("A", 52), cookie: ann}, 401)
	s.want("token makes tokens", call{method: "POST", path: account.Prefix + "tokens", body: `{"name":"y"}`, bearer: text}, 403)

	make(bob, `{"name":"up","roles":["admin"]}`, 403)
	make(bob, `{"name":"of ann","owner":"ann"}`, 403)
	make(bob, `{"name":"service","service":true,"roles":["viewer"]}`, 403)
	make(bob, `{"name":"elsewhere","zones":["cell-2"]}`, 403)
	make(bob, "{\"name\":\"a\\r\\nSet-Cookie: x\"}", 400)
	make(bob, `{"name":"odd","scope":["reactor.stop"]}`, 400)
	make(bob, `{"name":"odd","colour":"red"}`, 400)
	_, text2 := make(bob, `{"name":"mine"}`, 200)
	var p authz.Principal
	_ = json.NewDecoder(s.want("mine", call{path: "/x", bearer: text2}, 200).Body).Decode(&p)
	if len(p.Zones) != 1 || p.Zones[0] != "cell-1" {
		t.Errorf("bob's token is limited to %v, want cell-1", p.Zones)
	}
	s.want("another's token", call{method: "DELETE", path: account.Prefix + "tokens/" + id, cookie: bob}, 404)
	s.tick(time.Hour)
	s.want("revoke", call{method: "DELETE", path: account.Prefix + "tokens/" + id, cookie: ann}, 200)
	s.want("revoked", call{path: "/metrics", bearer: text}, 401)
	s.tick(90 * 24 * time.Hour)
	s.want("expired", call{path: "/x", bearer: text2}, 401)
}

func TestBruteForce(t *testing.T) {
	s := open(t)
	s.admin()
	guess := func(from string) int {
		c := signIn("ann", "wrong wrong wrong")
		c.from = from
		return s.do(c).Code
	}
	for i := range 5 {
		if got := guess(fmt.Sprintf("192.0.2.%d:1", i)); got != 401 {
			t.Fatalf("guess %d gave %d", i, got)
		}
	}
	if got := guess("192.0.2.99:1"); got != 429 {
		t.Fatalf("the guess after five gave %d from yet another address, want 429", got)
	}
	res := s.do(signIn("ann", good))
	if res.Code != 429 || res.Header().Get("Retry-After") == "" {
		t.Errorf("the right password at once gave %d, Retry-After %q", res.Code, res.Header().Get("Retry-After"))
	}
	tried := 0
	for range 720 { // an hour, a try each five seconds
		s.tick(5 * time.Second)
		if guess("192.0.2.99:1") == 401 {
			tried++
		}
	}
	if tried > 60 {
		t.Errorf("%d guesses were checked in an hour", tried)
	}
	t.Logf("%d guesses were checked in an hour of one each five seconds", tried)
	s.tick(time.Minute)
	s.want("the owner after a minute, from elsewhere", signIn("ann", good), 200)
	if n := s.recorded("account.signin_failed") + s.recorded("account.signin_refused"); n == 0 || n > 60*61 {
		t.Errorf("%d failed sign-ins recorded", n)
	}
}

func TestOneAddressManyAccounts(t *testing.T) {
	s := open(t)
	s.admin()
	checked := 0
	for i := range 200 {
		c := signIn(fmt.Sprintf("user%d", i), "wrong wrong wrong")
		c.from = fmt.Sprintf("[2001:db8::%x]:1", i+1) // of one /64
		if s.do(c).Code == 401 {
			checked++
		}
	}
	if checked > 20 {
		t.Errorf("one address tried %d accounts at once", checked)
	}
	if s.recorded("user1") > 0 {
		t.Error("names that are no accounts are in the journal: people type passwords there")
	}
}

func TestGuessesAtOnce(t *testing.T) {
	s := open(t)
	s.admin()
	var wg sync.WaitGroup
	var mu sync.Mutex
	checked := 0
	for range 40 {
		wg.Go(func() {
			_, _, err := s.a.SignIn(t.Context(), "ann", "wrong wrong wrong", "192.0.2.1", "")
			if err != nil && strings.Contains(err.Error(), "wrong") {
				mu.Lock()
				checked++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if checked > 5 {
		t.Errorf("%d guesses at once were checked, want at most 5", checked)
	}
}

func TestCrossSite(t *testing.T) {
	s := open(t, func(c *account.Config) { c.Hosts = []string{"vedette.plant.example"} })
	ann := s.admin()
	write := call{method: "POST", path: account.Prefix + "users", body: `{"name":"eve","roles":["admin"]}`, cookie: ann}
	for name, h := range map[string]http.Header{
		"cross-site": {"Sec-Fetch-Site": {"cross-site"}},
		"same-site":  {"Sec-Fetch-Site": {"same-site"}},
		"origin":     {"Origin": {"http://evil.example"}},
		"null":       {"Origin": {"null"}},
		"port":       {"Origin": {"http://localhost:9999"}},
	} {
		c := write
		c.header = h
		s.want(name, c, 403)
		c = signIn("ann", good)
		c.header = h
		s.want("sign-in, "+name, c, 403)
	}
	for _, host := range []string{"evil.example", "localhost.evil.example:8080", "vedette.plant.example.evil:1", "", "[::2]", "127.0.0.1.nip.io"} {
		c := write
		c.host = host
		if host == "" {
			c.host = " "
		}
		s.want("host "+host, c, 421)
	}
	for _, host := range []string{"VEDETTE.plant.example:443", "127.0.0.1:8080", "[::1]:8080", "localhost"} {
		s.want("host "+host, call{path: "/x", cookie: ann, host: host}, 200)
	}
	form := write
	form.header = http.Header{"Content-Type": {"text/plain"}}
	s.want("a body that a form of another site can send", form, 400)
	s.want("own page", call{method: "POST", path: account.Prefix + "users", body: `{"name":"carl","roles":["viewer"]}`, cookie: ann, header: http.Header{"Sec-Fetch-Site": {"same-origin"}}}, 200)
}

func TestPathTricks(t *testing.T) {
	s := open(t, func(c *account.Config) { c.Open = []string{"/assets/"} })
	s.admin()
	s.want("open", call{path: "/assets/app.js"}, 200)
	for _, p := range []string{"/assets/../events", "/assets//events", "//events", "/healthz/../me", "/assets/./x", "/assets\\..\\x", "/a\x00b", "/assets/x\r\nSet-Cookie: a"} {
		s.want("path "+p, call{path: p}, 400)
	}
	for _, p := range []string{"/healthz2", "/signin/x", "/assets", account.Prefix + "loginx", account.Prefix + "users"} {
		s.want("path "+p, call{path: p}, 401)
	}
	s.want("a browser", call{path: "/now", header: http.Header{"Accept": {"text/html"}}}, 303)
	big := signIn("ann", strings.Repeat("x", 1<<20))
	s.want("a body too large", big, 413)
}

func TestEveryRouteByEveryRole(t *testing.T) {
	s := open(t)
	s.admin()
	cookies := map[authz.Role]string{}
	for _, r := range authz.Roles() {
		cookies[r] = s.join("user-"+string(r), r)
	}
	// what the role may call, in the order viewer, analyst, responder, auditor, admin
	want := map[string]string{
		"POST password": "xxxxx", "GET sessions": "xxxxx", "DELETE sessions/{id}": "xxxxx", "GET users": "...xx", "POST users": "....x",
		"PATCH users/{name}": "....x", "DELETE users/{name}": "....x", "POST users/{name}/link": "....x", "GET tokens": "xxxxx",
		"POST tokens": "xxxxx", "DELETE tokens/{id}": "xxxxx", "POST logout": "xxxxx", "POST login": "", "POST setup": "",
		"GET oidc/start": "", "GET oidc/callback": "",
		"POST login/passkey": "", "POST setup/passkey": "", "GET second": "xxxxx", "PUT second": "xxxxx",
		"POST passkey/start": "", "POST passkey/finish": "", "GET passkeys": "xxxxx", "POST passkeys/start": "xxxxx", "POST passkeys": "xxxxx", "DELETE passkeys/{id}": "xxxxx",
	}
	for _, route := range account.Routes() {
		row, ok := want[route.Method+" "+strings.TrimPrefix(route.Path, account.Prefix)]
		if !ok {
			t.Errorf("%s %s is not in the table", route.Method, route.Path)
		}
		path := strings.NewReplacer("{id}", "none", "{name}", "none").Replace(route.Path)
		if row == "" {
			continue
		}
		s.want("nobody", call{method: route.Method, path: path, body: "{}"}, 401)
		for i, r := range authz.Roles() {
			if route.Path == account.Prefix+"logout" && row[i] == 'x' {
				continue // the others need the session
			}
			got := s.do(call{method: route.Method, path: path, body: "{}", cookie: cookies[r]}).Code
			denied := got == 403
			if denied == (row[i] == 'x') {
				t.Errorf("%s calls %s %s: %d, allowed should be %v", r, route.Method, route.Path, got, row[i] == 'x')
			}
		}
	}
}

func TestDemoLink(t *testing.T) {
	s := open(t, func(c *account.Config) { c.Demo = true })
	s.want("none", call{path: "/x"}, 401)
	s.want("wrong", call{path: "/?token=" + strings.Repeat("A", 52)}, 401)
	res := s.want("link", call{path: "/?token=" + s.a.DemoToken() + "&q=what"}, 303)
	if to := res.Header().Get("Location"); to != "/?q=what" {
		t.Errorf("leads to %q", to)
	}
	s.want("session", call{path: "/x", cookie: cookieOf(res)}, 200)
	s.want("program", call{path: "/mcp", bearer: s.a.DemoToken()}, 200)
	s.want("the token is no session", call{path: "/x", cookie: s.a.DemoToken()}, 401)
	res = s.want("again", call{path: "/?token=" + s.a.DemoToken() + "&q=%0d%0aSet-Cookie:%20a=b"}, 303)
	if to := res.Header().Get("Location"); strings.ContainsAny(to, "\r\n") {
		t.Errorf("leads to %q", to)
	}
}

func TestSecureCookie(t *testing.T) {
	s := open(t, func(c *account.Config) { c.Secure, c.Port = true, 8443 })
	s.admin()
	c := s.want("sign-in", signIn("ann", good), 200).cookies()[0]
	if !c.Secure || c.Name != "__Host-vedette_session_8443" || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie %+v", c)
	}
}

func TestOwnPassword(t *testing.T) {
	s := open(t)
	s.admin()
	one, two := cookieOf(s.want("one", signIn("ann", good), 200)), cookieOf(s.want("two", signIn("ann", good), 200))
	put := func(old string) call {
		return call{method: "POST", path: account.Prefix + "password", body: `{"old":"` + old + `","password":"another horse entirely"}`, cookie: one}
	}
	s.want("wrong", put("wrong wrong wrong"), 401)
	s.want("right", put(good), 200)
	s.want("this session stays", call{path: "/x", cookie: one}, 200)
	s.want("the other ends", call{path: "/x", cookie: two}, 401)
	s.want("the old one", signIn("ann", good), 401)
}

func TestStreamsEndWithTheirSession(t *testing.T) {
	s := open(t)
	ann := s.admin()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/tail", nil)
	r.AddCookie(&http.Cookie{Name: s.a.CookieName(), Value: ann})
	if p, err := s.a.Still(r); err != nil || p.Name != "ann" {
		t.Fatalf("%+v, %v", p, err)
	}
	s.want("logout", call{method: "POST", path: account.Prefix + "logout", cookie: ann}, 200)
	if _, err := s.a.Still(r); err == nil {
		t.Error("a stream goes on after the end of its session")
	}
}

// Who is limited to other zones meanwhile has to open a stream anew.
func TestStreamsEndWithTheirZones(t *testing.T) {
	s := open(t)
	ann := s.admin()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/tail", nil)
	r.AddCookie(&http.Cookie{Name: s.a.CookieName(), Value: ann})
	p, err := s.a.Still(r)
	if err != nil {
		t.Fatal(err)
	}
	p.Zones = []string{"cell-1"} // as it was when the stream began
	if _, err := s.a.Still(r.WithContext(authz.With(t.Context(), p))); fault.KindOf(err) != fault.Denied {
		t.Errorf("a stream goes on in zones that are others now: %v", err)
	}
}

func TestLinksCannotBeGuessed(t *testing.T) {
	s := open(t)
	secret, _ := s.a.SetupToken(t.Context())
	body := func(token string) call {
		return call{method: "POST", path: account.Prefix + "setup", body: `{"token":"` + token + `","name":"ann","password":"` + good + `"}`, from: "192.0.2.66:1"}
	}
	refused := 0
	for range 50 {
		if s.do(body(strings.Repeat("B", 52))).Code == 429 {
			refused++
		}
	}
	if refused < 40 {
		t.Errorf("%d of 50 guesses at a link had to wait", refused)
	}
	owner := body(secret)
	owner.from = "192.0.2.1:1"
	s.want("the owner, from elsewhere", owner, 200)
}
