package account_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vedette/internal/api/account"
	"vedette/internal/api/account/provider"
	"vedette/internal/authz"
	"vedette/internal/store/memory"
)

const (
	startPath = account.Prefix + "oidc/start"
	backPath  = account.Prefix + "oidc/callback"
)

func cookieNamed(res answer, part string) *http.Cookie {
	for _, c := range res.cookies() {
		if strings.Contains(c.Name, part) && c.MaxAge >= 0 {
			return c
		}
	}
	return nil
}

// begin goes to the provider and returns what comes back with, and the cookie.
func (s *house) begin(p *idp) (url.Values, *http.Cookie) {
	s.t.Helper()
	res := s.want("start", call{path: startPath}, 303)
	c := cookieNamed(res, "vedette_signin")
	if c == nil {
		s.t.Fatal("the sign-in is tied to no browser")
	}
	return p.authorize(res.Header().Get("Location")), c
}

func backCall(q url.Values, c *http.Cookie) call {
	out := call{path: backPath + "?" + q.Encode(), header: http.Header{"Sec-Fetch-Site": {"cross-site"}}}
	if c != nil {
		out.header.Set("Cookie", c.Name+"="+c.Value)
	}
	return out
}

// outside signs whoever is at the provider in.
func (s *house) outside(p *idp, status int) answer {
	s.t.Helper()
	q, c := s.begin(p)
	res := s.want("callback", backCall(q, c), status)
	if got := cookieOf(res) != ""; got != (status == 200) {
		s.t.Fatalf("status %d with a session: %v", status, got)
	}
	return res
}

func (s *house) me(cookie string) (p authz.Principal) {
	s.t.Helper()
	if err := json.NewDecoder(s.want("me", call{path: "/me", cookie: cookie}, 200).Body).Decode(&p); err != nil {
		s.t.Fatal(err)
	}
	return p
}

func TestOIDCSignIn(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256"} {
		t.Run(alg, func(t *testing.T) {
			p := newIDP(t)
			p.be(idpOdd{alg: alg})
			s := open(t, p.with())
			page := s.want("page", call{path: "/signin"}, 200).Body.String()
			if !strings.Contains(page, `href="`+startPath+`">Sign in with Plant &lt;Login&gt;</a>`) {
				t.Errorf("the page does not offer the provider: %s", page)
			}
			res := s.outside(p, 200)
			if to := res.Header().Get("Location"); to != "" {
				t.Errorf("a redirect to %q: a strict cookie would not go along", to)
			}
			if body := res.Body.String(); !strings.Contains(body, `content="0;url=/"`) {
				t.Errorf("the page does not go on: %s", body)
			}
			who := s.me(cookieOf(res))
			if who.Name != "oidc:ann" || len(who.Roles) != 1 || who.Roles[0] != authz.Analyst || len(who.Zones) != 0 || who.Kind != authz.Person {
				t.Errorf("signed in as %+v", who)
			}
			if s.recorded(`"account.signin"`) != 1 || s.recorded(`"user.add"`) != 1 || s.recorded(p.srv.URL) == 0 {
				t.Error("the journal does not tell of the sign-in and the new account")
			}
			again := s.me(cookieOf(s.outside(p, 200)))
			if again.ID != who.ID {
				t.Errorf("the second sign-in is %+v, the first was %+v", again, who)
			}
			if p.look != 1 {
				t.Errorf("the provider was looked up %d times", p.look)
			}
		})
	}
}

func TestOIDCWithoutProvider(t *testing.T) {
	s := open(t)
	for _, path := range []string{startPath, backPath, backPath + "?state=x&code=y"} {
		s.want("none", call{path: path}, 404)
	}
	if page := s.want("page", call{path: "/signin"}, 200).Body.String(); strings.Contains(page, "oidc") {
		t.Error("the page offers a provider that there is not")
	}
}

func TestOIDCCookies(t *testing.T) {
	for _, secure := range []bool{false, true} {
		p := newIDP(t)
		s := open(t, p.with(), func(c *account.Config) {
			c.Secure, c.Port, c.Hosts = secure, 8443, []string{"vedette.plant.example"}
		})
		res := s.want("start", call{path: startPath, host: "Vedette.plant.example:8443"}, 303)
		c := cookieNamed(res, "vedette_signin")
		if c == nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure != secure || c.Path != "/" || c.Domain != "" || c.MaxAge != 600 || strings.HasPrefix(c.Name, "__Host-") != secure {
			t.Fatalf("the cookie of the start: %+v", c)
		}
		scheme := map[bool]string{false: "http", true: "https"}[secure]
		u, _ := url.Parse(res.Header().Get("Location"))
		if to := u.Query().Get("redirect_uri"); to != scheme+"://vedette.plant.example:8443"+backPath {
			t.Errorf("the provider would send back to %q", to)
		}
		if strings.Contains(u.RawQuery, c.Value) {
			t.Error("the browser's secret goes to the provider")
		}
		back := backCall(p.authorize(u.String()), c)
		back.host = "vedette.plant.example:8443"
		res = s.want("callback", back, 200)
		c = cookieNamed(res, "vedette_session")
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure != secure || c.Path != "/" || c.Domain != "" {
			t.Errorf("the cookie of the session: %+v", c)
		}
		if line := strings.Join(res.Header().Values("Set-Cookie"), "\n"); !strings.Contains(line, "vedette_signin_8443=; Path=/; Max-Age=0") {
			t.Errorf("the cookie of the start stays: %s", line)
		}
	}
}

func TestOIDCBadTokens(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	set := func(key string, v any) func(map[string]any) { return func(m map[string]any) { m[key] = v } }
	p := newIDP(t)
	s := open(t, p.with())
	now := s.clock()
	for name, odd := range map[string]idpOdd{
		"wrong nonce":             {claims: set("nonce", strings.Repeat("A", 52))},
		"no nonce":                {claims: func(m map[string]any) { delete(m, "nonce") }},
		"expired":                 {claims: set("exp", now.Add(-time.Second).Unix())},
		"no expiry":               {claims: func(m map[string]any) { delete(m, "exp") }},
		"not yet":                 {claims: set("nbf", now.Add(time.Hour).Unix())},
		"wrong audience":          {claims: set("aud", "another")},
		"no audience":             {claims: func(m map[string]any) { delete(m, "aud") }},
		"two audiences, no party": {claims: set("aud", []string{"vedette", "another"})},
		"another party":           {claims: set("azp", "another")},
		"a party that is no text": {claims: set("azp", []string{"vedette"})},
		"wrong issuer":            {claims: set("iss", "https://evil.example")},
		"issuer with a slash":     {claims: set("iss", p.srv.URL+"/")},
		"no subject":              {claims: func(m map[string]any) { delete(m, "sub") }},
		"long subject":            {claims: set("sub", strings.Repeat("x", 256))},
		"distributed claims":      {claims: func(m map[string]any) { m["_claim_names"] = map[string]any{"groups": "x"} }},
		"alg none":                {alg: "none"},
		"alg NONE":                {alg: "none", header: set("alg", "NONE")},
		"none in RS256's clothes": {alg: "none", header: set("alg", "RS256")},
		"HMAC by the public key":  {alg: "HS256", header: set("kid", "r1")},
		"unknown key":             {newRSA: other},
		"unknown key id":          {newRSA: other, header: set("kid", "r2")},
		"key of another type":     {header: set("kid", "e1")},
		"a key within the token":  {newRSA: other, header: set("jwk", map[string]any{"kty": "RSA", "n": b64(other.N.Bytes()), "e": "AQAB"})},
		"critical extension":      {header: set("crit", []string{"exp"})},
		"no keys":                 {noKeys: true, header: set("kid", "r9")},
		"signature cut":           {token: func(s string) string { return s[:len(s)-8] }},
		"no signature":            {token: func(s string) string { return s[:strings.LastIndex(s, ".")+1] }},
		"changed claims": {token: func(s string) string {
			a := strings.Split(s, ".")
			return a[0] + "." + b64([]byte(`{"sub":"root"}`)) + "." + a[2]
		}},
		"garbage":               {token: func(string) string { return "a.b.c" }},
		"empty":                 {token: func(string) string { return "" }},
		"no ID token":           {answer: func(m map[string]any) { delete(m, "id_token") }},
		"ID token is no text":   {answer: set("id_token", 7)},
		"hash of another token": {claims: set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			s.t, p.t = t, t
			s.tick(20 * time.Minute) // the waits after failures are not meant here
			odd := odd
			if name == "expired" || name == "not yet" {
				odd.claims = func(m map[string]any) {
					m["exp"] = s.clock().Add(map[string]time.Duration{"expired": -time.Second, "not yet": 3 * time.Hour}[name]).Unix()
					if name == "not yet" {
						m["nbf"] = s.clock().Add(2 * time.Hour).Unix()
					}
				}
			}
			before := s.recorded(`"account.oidc_refused"`)
			p.be(odd)
			res := s.outside(p, 401)
			if body := res.Body.String(); !strings.Contains(body, "does not hold") || !strings.Contains(body, `name="password"`) {
				t.Errorf("the page: %s", body)
			}
			if s.recorded(`"account.oidc_refused"`) != before+1 {
				t.Error("the journal does not tell of the refusal")
			}
		})
	}
	s.t, p.t = t, t
	p.be(idpOdd{})
	s.tick(20 * time.Minute)
	s.outside(p, 200)
	users, _ := s.a.Users(t.Context())
	if len(users) != 1 {
		t.Errorf("there are %d accounts, want the one of who signed in", len(users))
	}
}

func TestOIDCState(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with())
	refuse := func(name string, q url.Values, c *http.Cookie) {
		t.Helper()
		n := p.asked()
		if res := s.want(name, backCall(q, c), 401); cookieOf(res) != "" || p.asked() != n {
			t.Errorf("%s: a session, or the provider was asked", name)
		}
	}
	q, c := s.begin(p)
	wrong := url.Values{"code": q["code"], "state": {strings.Repeat("A", 52)}}
	refuse("wrong state", wrong, c)
	refuse("no state", url.Values{"code": q["code"]}, c)
	refuse("two states", url.Values{"code": q["code"], "state": {q.Get("state"), "x"}}, c)
	s.want("the right one still works", backCall(q, c), 200)
	refuse("replayed", q, c)

	q, c = s.begin(p)
	_, another := s.begin(p)
	refuse("the cookie of another browser", q, another)
	refuse("its own, after the state has leaked", q, c)
	q, _ = s.begin(p)
	refuse("no cookie", q, nil)
	q, c = s.begin(p)
	two := backCall(q, c)
	two.header.Add("Cookie", c.Name+"="+another.Value)
	s.want("two cookies", two, 401)

	q, c = s.begin(p)
	s.tick(10 * time.Minute)
	refuse("late", q, c)
	q, c = s.begin(p)
	s.tick(10*time.Minute - time.Second)
	s.want("in time", backCall(q, c), 200)

	q, c = s.begin(p)
	q.Set("iss", "https://evil.example")
	refuse("an answer of another provider", q, c)
	q, c = s.begin(p)
	refuse("no code", url.Values{"state": q["state"]}, c)
	q, c = s.begin(p)
	refuse("a code too long", url.Values{"state": q["state"], "code": {strings.Repeat("x", 5000)}}, c)
	q, c = s.begin(p)
	head := backCall(q, c)
	head.method = "HEAD"
	s.want("looking", head, 400)
	s.want("looking uses nothing up", backCall(q, c), 200)
	s.want("posting", call{method: "POST", path: backPath, body: "{}"}, 405)

	for text, want := range map[string]string{"access_denied": "access_denied", "<script>": "cannot be read", "": "cannot be read"} {
		q, c = s.begin(p)
		res := s.want("refused there", backCall(url.Values{"state": q["state"], "error": {text}, "error_description": {"<b>call 555-0100</b>"}}, c), 401)
		if body := res.Body.String(); !strings.Contains(body, want) || strings.Contains(body, "555") || strings.Contains(body, "<script>") {
			t.Errorf("error %q is told as %s", text, body)
		}
	}
}

func TestOIDCStateAtOnce(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with())
	q, c := s.begin(p)
	var wg sync.WaitGroup
	var mu sync.Mutex
	n := 0
	for range 8 {
		wg.Go(func() {
			if cookieOf(s.do(backCall(q, c))) != "" {
				mu.Lock()
				n++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if n != 1 {
		t.Errorf("one answer made %d sessions", n)
	}
}

func TestOIDCJournalIsPlain(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with())
	p.person("\x1b[2J\u202e\u200bevil", map[string]any{"preferred_username": "\x1b[31m", "groups": "ot-viewers"})
	s.outside(p, 200)
	p.person("\x1b[2J\u202e\u200bevil", nil)
	s.outside(p, 403)
	q, c := s.begin(p)
	p.be(idpOdd{instead: func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "\x1b]0;title\u202e", http.StatusBadRequest)
		return true
	}})
	s.want("a provider that writes to the terminal", backCall(q, c), 503)
	if n := s.recorded(`\u001b`) + s.recorded("\u202e") + s.recorded("\u200b") + s.recorded("\x1b"); n > 0 {
		t.Errorf("%d signs in the journal that a terminal obeys", n)
	}
	if s.recorded("evil") == 0 || s.recorded("title") == 0 {
		t.Error("the journal does not tell what it was")
	}
}

func TestOIDCNoRole(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with())
	for name, groups := range map[string]any{"others": []string{"accounting", "OT-ANALYSTS", "ot-analysts "}, "none": []string{}, "no list": 7, "nested": []any{[]any{"ot-admins"}}, "map": map[string]any{"ot-admins": true}} {
		p.person("subject-"+name, map[string]any{"preferred_username": "eve", "groups": groups})
		res := s.outside(p, 403)
		if body := res.Body.String(); !strings.Contains(body, "You have no access here") {
			t.Errorf("%s: %s", name, body)
		}
	}
	if users, _ := s.a.Users(t.Context()); len(users) != 0 {
		t.Errorf("whoever has no role has an account: %v", users)
	}
	s.tick(time.Hour)
	p.person("subject-1", map[string]any{"preferred_username": "ann", "groups": "ot-admins"})
	ann := cookieOf(s.outside(p, 200))
	_, token, err := s.a.AddToken(t.Context(), "oidc:ann", account.NewToken{Name: "x", Owner: "oidc:ann"})
	if err != nil {
		t.Fatal(err)
	}
	s.want("token", call{path: account.Prefix + "users", bearer: token}, 200)
	p.person("subject-1", map[string]any{"preferred_username": "ann", "groups": []string{"ot-viewers"}})
	s.outside(p, 200)
	s.want("the session before has the new role", call{path: account.Prefix + "users", cookie: ann}, 403)
	s.want("the token too", call{path: account.Prefix + "users", bearer: token}, 403)
	p.person("subject-1", map[string]any{"preferred_username": "ann"})
	s.outside(p, 403)
	s.want("the sessions end", call{path: "/me", cookie: ann}, 401)
	s.want("and the tokens", call{path: "/me", bearer: token}, 401)
	if s.recorded("viewer → \"") != 1 {
		t.Error("the journal does not tell that the role is gone")
	}
}

func TestOIDCTokensRest(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with())
	s.outside(p, 200)
	_, token, err := s.a.AddToken(t.Context(), "oidc:ann", account.NewToken{Name: "x", Owner: "oidc:ann"})
	if err != nil {
		t.Fatal(err)
	}
	s.tick(29 * 24 * time.Hour)
	s.want("after 29 days", call{path: "/me", bearer: token}, 200)
	s.tick(24 * time.Hour)
	s.want("after 30", call{path: "/me", bearer: token}, 401)
	s.outside(p, 200)
	s.want("signed in again", call{path: "/me", bearer: token}, 200)
}

func TestOIDCProviderAway(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with())
	p.be(idpOdd{down: true})
	s.admin()
	res := s.want("start", call{path: startPath}, 503)
	if body := res.Body.String(); !strings.Contains(body, "cannot be reached") || !strings.Contains(body, `name="password"`) || strings.Contains(body, "maintenance") {
		t.Errorf("the page: %s", body)
	}
	s.want("the page for signing in", call{path: "/signin"}, 200)
	s.want("the local administrator", signIn("ann", good), 200)
	p.be(idpOdd{})
	s.want("not asked again at once", call{path: startPath}, 503)
	s.tick(2 * time.Second)
	s.outside(p, 200)

	q, c := s.begin(p)
	p.be(idpOdd{down: true})
	s.want("away in between", backCall(q, c), 503)
	s.tick(2 * time.Hour)
	if res := s.do(call{path: startPath}); res.Code != 303 {
		t.Errorf("what was found before is forgotten while the provider is away: %d", res.Code)
	}
	p.be(idpOdd{})
	s.outside(p, 200)
	p.srv.Close()
	q, c = s.begin(p)
	s.want("gone", backCall(q, c), 503)
	s.want("the local administrator still", signIn("ann", good), 200)
}

func TestOIDCBadDiscovery(t *testing.T) {
	for name, odd := range map[string]idpOdd{
		"another issuer":       {meta: func(m map[string]any) { m["issuer"] = "https://evil.example" }},
		"no token endpoint":    {meta: func(m map[string]any) { delete(m, "token_endpoint") }},
		"keys without TLS":     {meta: func(m map[string]any) { m["jwks_uri"] = "http://127.0.0.1/keys" }},
		"script as endpoint":   {meta: func(m map[string]any) { m["authorization_endpoint"] = "javascript:alert(1)" }},
		"endpoint with a user": {meta: func(m map[string]any) { m["token_endpoint"] = "https://a:b@127.0.0.1/" }},
		"too large":            {meta: func(m map[string]any) { m["x"] = strings.Repeat("x", 2<<20) }},
		"no JSON":              {instead: func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, "<html>"); return true }},
		"a redirect": {instead: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/elsewhere" {
				t.Error("the redirect was followed")
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return true
		}},
	} {
		p := newIDP(t)
		s := open(t, p.with())
		p.be(odd)
		s.want(name, call{path: startPath}, 503)
	}
	p := newIDP(t)
	s := open(t, p.with(func(c *provider.Config) { c.CAFile = "" }))
	s.want("a certificate that nobody trusts", call{path: startPath}, 503)
}

func TestOIDCTokenEndpointRedirects(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with())
	q, c := s.begin(p)
	p.be(idpOdd{instead: func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/thief" {
			t.Error("the client's secret went elsewhere")
		}
		http.Redirect(w, r, "/thief", http.StatusTemporaryRedirect)
		return true
	}})
	s.want("redirected", backCall(q, c), 503)
}

// TestOIDCProviderHangs: a provider that takes requests and never answers costs so
// much time and so many requests at once, and no more.
func TestOIDCProviderHangs(t *testing.T) {
	const limit = 200 * time.Millisecond
	p := newIDP(t)
	s := open(t, p.with(func(c *provider.Config) { c.Timeout = limit }))
	var tries [12]call
	for i := range tries {
		q, c := s.begin(p)
		tries[i] = backCall(q, c)
		tries[i].from = fmt.Sprintf("192.0.2.%d:1", i)
	}
	var hanging atomic.Int32
	done := make(chan struct{})
	p.be(idpOdd{hang: func(r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that the client has gone
		hanging.Add(1)
		select {
		case <-r.Context().Done():
		case <-done:
		}
	}})
	defer close(done)
	begun := time.Now()
	var wg sync.WaitGroup
	for _, c := range tries {
		wg.Go(func() {
			if res := s.do(c); res.Code != 503 && res.Code != 429 || cookieOf(res) != "" {
				t.Errorf("a provider that hangs: %d", res.Code)
			}
		})
	}
	time.Sleep(limit / 2)
	if n := hanging.Load(); n > 8 {
		t.Errorf("%d requests at once, want at most 8", n)
	}
	wg.Wait()
	if took := time.Since(begun); took > 20*limit {
		t.Errorf("it took %s", took)
	}
	fresh := open(t, p.with(func(c *provider.Config) { c.Timeout = limit }))
	fresh.want("a start", call{path: startPath}, 503)
}

func TestOIDCEveryRouteByNobody(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with())
	s.admin()
	for _, route := range account.Routes() {
		path := strings.NewReplacer("{id}", "none", "{name}", "none").Replace(route.Path)
		for _, path := range []string{path, path + "?state=x&code=y&error=z"} {
			res := s.do(call{method: route.Method, path: path, body: "{}"})
			if route.Path == startPasskey && res.Code == 200 && cookieOf(res) == "" {
				continue // a challenge, which anybody may have
			}
			if c := res.Code; route.Action != "" && c != 401 || route.Action == "" && c != 400 && c != 401 && c != 403 && c != 303 || cookieOf(res) != "" {
				t.Errorf("nobody calls %s %s: %d %v", route.Method, path, c, res.Header())
			}
		}
	}
	p.person("1", map[string]any{"preferred_username": "vic", "groups": []string{"ot-viewers"}})
	vic := cookieOf(s.outside(p, 200))
	for _, route := range account.Routes() {
		if route.Action == authz.UsersRead || route.Action == authz.UsersWrite {
			path := strings.NewReplacer("{id}", "none", "{name}", "ann").Replace(route.Path)
			s.want("a viewer of the provider", call{method: route.Method, path: path, body: "{}", cookie: vic}, 403)
		}
	}
}

func TestOIDCNoOpenRedirect(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with())
	for _, more := range []string{"next=https://evil.example", "redirect_uri=https://evil.example", "return_to=//evil.example", "url=/%5Cevil.example", "RelayState=https://evil.example"} {
		res := s.want(more, call{path: startPath + "?" + more}, 303)
		if to := res.Header().Get("Location"); strings.Contains(to, "evil") {
			t.Errorf("%s leads to %s", more, to)
		}
		q, c := p.authorize(res.Header().Get("Location")), cookieNamed(res, "vedette_signin")
		back := backCall(q, c)
		back.path += "&" + more
		if res = s.want(more, back, 200); res.Header().Get("Location") != "" || strings.Contains(res.Body.String(), "evil") {
			t.Errorf("%s: %v %s", more, res.Header(), res.Body)
		}
	}
	for host, want := range map[string]int{"evil.example": 421, "localhost:80@evil.example": 400, "localhost:80/evil.example": 400, "localhost:0": 400, "localhost:": 400, "localhost:99999": 400, "[::1]:8080": 303, "127.0.0.1": 303, "[::1]": 303} {
		res := s.want("host "+host, call{path: startPath, host: host}, want)
		if u, err := url.Parse(res.Header().Get("Location")); want == 303 && (err != nil || u.Query().Get("redirect_uri") != "http://"+host+backPath) {
			t.Errorf("host %s: %v", host, u)
		}
	}
}

func TestOIDCNeverALocalUser(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with())
	s.admin() // is called ann
	for sub, called := range map[string]any{"1": "ann", "2": "ANN", "3": " ann ", "4": "oidc:ann", "5": "ann\u202e", "6": "", "7": 7, "8": strings.Repeat("é", 200), "9": "../ann", "10": "ann\r\nx: y", "11": []any{"ann", "bob"}} {
		p.person(sub, map[string]any{"preferred_username": called, "groups": []string{"ot-viewers"}})
		who := s.me(cookieOf(s.outside(p, 200)))
		if !strings.HasPrefix(who.Name, "oidc:") || len(who.Roles) != 1 || who.Roles[0] != authz.Viewer || len(who.Name) > 90 || strings.ContainsAny(who.Name[5:], ":/\r\n ") {
			t.Errorf("%v is signed in as %+v", called, who)
		}
	}
	users, err := s.a.Users(t.Context())
	if err != nil || len(users) != 12 {
		t.Fatalf("%d accounts (%v), want ann and eleven of the provider", len(users), err)
	}
	for _, u := range users {
		if (u.Name == "ann") != (u.Provider == "") {
			t.Errorf("%+v", u)
		}
	}
	s.want("ann's password", signIn("ann", good), 200)
	s.want("no password for the other", signIn("oidc:ann", good), 401)
	s.want("an empty one", signIn("oidc:ann", ""), 401)
	if _, err := s.a.Link(t.Context(), "ann", "oidc:ann"); err == nil {
		t.Error("a link for a password of an account of the provider")
	}
	roles := []authz.Role{authz.Admin}
	if _, err := s.a.SetUser(t.Context(), "ann", "oidc:ann", account.UserChange{Roles: &roles}); err == nil {
		t.Error("the role of an account of the provider was changed here")
	}
	if _, _, err := s.a.AddUser(t.Context(), "ann", "oidc:eve", roles, nil); err == nil {
		t.Error("a local account is called like one of the provider")
	}
}

func TestOIDCDisabledAndRemoved(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with())
	s.admin()
	p.person("1", map[string]any{"preferred_username": "bob", "groups": []string{"ot-admins"}})
	bob := cookieOf(s.outside(p, 200))
	if _, err := s.a.SetUser(t.Context(), "ann", "ann", account.UserChange{Disabled: new(true)}); err == nil {
		t.Error("the last local administrator was disabled: the provider may be away")
	}
	if _, err := s.a.SetUser(t.Context(), "ann", "oidc:bob", account.UserChange{Disabled: new(true)}); err != nil {
		t.Fatal(err)
	}
	s.want("disabled", call{path: "/me", cookie: bob}, 401)
	if body := s.outside(p, 401).Body.String(); !strings.Contains(body, "is disabled") {
		t.Errorf("the page: %s", body)
	}
	if err := s.a.RemoveUser(t.Context(), "ann", "oidc:bob"); err != nil {
		t.Fatal(err)
	}
	s.want("another account", call{path: "/me", cookie: cookieOf(s.outside(p, 200))}, 200)
	s.want("the session of the removed", call{path: "/me", cookie: bob}, 401)
}

func TestOIDCBeforeTheFirstAdministrator(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with())
	secret, _ := s.a.SetupToken(t.Context())
	p.person("1", map[string]any{"preferred_username": "ann", "groups": []string{"ot-admins"}})
	s.outside(p, 200)
	if again, err := s.a.SetupToken(t.Context()); again == "" || err != nil {
		t.Errorf("no link for a local administrator (%v)", err)
	} else {
		secret = again
	}
	s.want("setup", call{method: "POST", path: account.Prefix + "setup", body: `{"token":"` + secret + `","name":"ann","password":"` + good + `"}`}, 200)
}

func TestOIDCZones(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with(func(c *provider.Config) {
		c.RolesClaim = "realm_access.roles"
		c.Zones = map[string][]string{"hall-1": {"cell 2", "cell 1"}, "hall-2": {"cell 2", "cell 3"}, "ot-admins": {"*"}}
	}))
	for name, c := range map[string]struct {
		groups []string
		zones  string
		status int
	}{
		"one":  {[]string{"ot-viewers", "hall-1"}, "[cell 1 cell 2]", 200},
		"two":  {[]string{"hall-2", "ot-viewers", "hall-1"}, "[cell 1 cell 2 cell 3]", 200},
		"all":  {[]string{"ot-admins", "hall-1"}, "[]", 200},
		"none": {[]string{"ot-viewers", "hall-9"}, "", 403},
		"star": {[]string{"ot-viewers", "*"}, "", 403},
	} {
		p.person(name, map[string]any{"preferred_username": name, "realm_access": map[string]any{"roles": c.groups}, "groups": []string{"ot-admins"}})
		if res := s.outside(p, c.status); c.status == 200 {
			if who := s.me(cookieOf(res)); fmt.Sprint(who.Zones) != c.zones {
				t.Errorf("%s: zones %v, want %s", name, who.Zones, c.zones)
			}
		}
	}
}

func TestOIDCAnotherProvider(t *testing.T) {
	records := memory.NewRecords()
	same := func(c *account.Config) { c.Records = records }
	p := newIDP(t)
	s := open(t, same, p.with())
	session := cookieOf(s.outside(p, 200))
	s.want("session", call{path: "/me", cookie: session}, 200)
	q := newIDP(t)
	other := open(t, same, q.with())
	other.want("the session of the provider before", call{path: "/me", cookie: session}, 401)
	if who := other.me(cookieOf(other.outside(q, 200))); who.Name == "oidc:ann" || !strings.HasPrefix(who.Name, "oidc:ann~") {
		t.Errorf("the same subject of another provider is %s", who.Name)
	}
	open(t, same).want("no provider any more", call{path: "/me", cookie: session}, 401)
}

func TestOIDCEndsTheSessionBefore(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with())
	ann := s.admin()
	res := s.want("start", call{path: startPath, cookie: ann}, 303)
	res = s.want("back", backCall(p.authorize(res.Header().Get("Location")), cookieNamed(res, "vedette_signin")), 200)
	s.want("the one before", call{path: "/me", cookie: ann}, 401)
	s.want("the new one", call{path: "/me", cookie: cookieOf(res)}, 200)
}

func TestOIDCFlood(t *testing.T) {
	p := newIDP(t)
	s := open(t, p.with())
	q, c := s.begin(p)
	refused := 0
	for range 300 {
		if s.do(call{path: startPath, from: "192.0.2.77:1"}).Code == 429 {
			refused++
		}
	}
	if refused != 300-256 {
		t.Errorf("%d of 300 sign-ins of one address were refused, want 44", refused)
	}
	s.want("who was on the way", backCall(q, c), 200)
	s.want("another address", call{path: startPath, from: "192.0.2.2:1"}, 303)
	s.tick(10 * time.Minute)
	s.want("after ten minutes", call{path: startPath, from: "192.0.2.77:1"}, 303)
	p.be(idpOdd{alg: "none"})
	asked := p.asked()
	for range 100 {
		q, c := s.begin(p)
		s.do(backCall(q, c))
	}
	if n := p.asked() - asked; n > 20 {
		t.Errorf("the provider was asked %d times for 100 sign-ins that failed", n)
	}
}

// FuzzOIDCCallback: whatever comes back without the state and the cookie that
// were given out asks the provider nothing, gives no session, leads nowhere, and
// disturbs nobody who is on the way.
func FuzzOIDCCallback(f *testing.F) {
	for _, seed := range [][2]string{
		{"state=" + strings.Repeat("A", 52) + "&code=x", strings.Repeat("B", 52)},
		{"", ""},
		{"code=%zz&state", "="},
		{"error=<script>&state=1&state=2", "x"},
		{"iss=https://evil.example&code=1;state=2", "a, b"},
		{"state=%00&code=%0d%0a", "\x00"},
	} {
		f.Add(seed[0], seed[1])
	}
	p := newIDP(f)
	var outside *provider.Provider
	s := open(f, p.with(), func(c *account.Config) { outside = c.Provider })
	f.Fuzz(func(t *testing.T, query, cookie string) {
		s.t, p.t = t, t
		q, c := s.begin(p)
		if strings.Contains(query, q.Get("state")) {
			return
		}
		for _, value := range []string{cookie, c.Value} {
			res := s.do(call{path: backPath + "?" + query, header: http.Header{"Cookie": {c.Name + "=" + value}}})
			if res.Code != 401 || cookieOf(res) != "" || res.Header().Get("Location") != "" || p.asked() != 0 {
				t.Fatalf("%q: status %d, %v", query, res.Code, res.Header())
			}
		}
		if _, err := outside.Back(q, c.Value); err != nil {
			t.Fatalf("%q: who was on the way is refused: %v", query, err)
		}
	})
}

// BenchmarkOIDCSignIn is one whole sign-in, the provider's work included.
func BenchmarkOIDCSignIn(b *testing.B) {
	p := newIDP(b)
	s := open(b, p.with())
	for b.Loop() {
		s.outside(p, 200)
	}
}
