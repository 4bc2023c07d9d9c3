package account_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/api/account"
	"vedette/internal/api/account/provider"
	"vedette/internal/authz"
)

// idp is an OpenID Connect provider that can be told to misbehave. It holds us
// to the standard too: code, redirect, client, secret and PKCE must fit.
type idp struct {
	t    testing.TB
	srv  *httptest.Server
	rsa  *rsa.PrivateKey
	ec   *ecdsa.PrivateKey
	ca   string // file
	key  string // file of the client's secret
	now  func() time.Time
	mu   sync.Mutex
	odd  idpOdd
	sub  string
	user map[string]any // claims of whoever signs in
	code map[string]url.Values
	n    int // requests to the token endpoint
	look int // requests to the discovery
}

// idpOdd is how it misbehaves.
type idpOdd struct {
	alg     string
	down    bool
	claims  func(map[string]any)
	header  func(map[string]any)
	token   func(string) string  // the ID token as it is sent
	answer  func(map[string]any) // the answer of the token endpoint
	meta    func(map[string]any) // the discovery
	instead func(http.ResponseWriter, *http.Request) bool
	noKeys  bool
	hang    func(*http.Request)
	newRSA  *rsa.PrivateKey // signs, but is not published
}

const idpSecret = "s3cret of the client"

func newIDP(t testing.TB) *idp {
	t.Helper()
	p := &idp{t: t, now: time.Now, code: map[string]url.Values{}, sub: "subject-1", user: map[string]any{"preferred_username": "ann", "groups": []string{"ot-analysts"}}}
	var err error
	if p.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if p.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	p.srv = httptest.NewTLSServer(p)
	t.Cleanup(p.srv.Close)
	dir := t.TempDir()
	p.ca, p.key = filepath.Join(dir, "ca.pem"), filepath.Join(dir, "secret")
	for name, text := range map[string][]byte{p.ca: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.srv.Certificate().Raw}), p.key: []byte(idpSecret + "\n")} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *idp) config() provider.Config {
	return provider.Config{
		Issuer: p.srv.URL, Name: "Plant <Login>", ClientID: "vedette", SecretFile: p.key, CAFile: p.ca, NameClaim: "preferred_username", RolesClaim: "groups",
		Roles: map[string]authz.Role{"ot-viewers": authz.Viewer, "ot-analysts": authz.Analyst, "ot-admins": authz.Admin},
	}
}

// with lets a house sign people in here.
func (p *idp) with(set ...func(*provider.Config)) func(*account.Config) {
	return func(c *account.Config) {
		cfg := p.config()
		cfg.Now = c.Now
		p.now = c.Now
		for _, f := range set {
			f(&cfg)
		}
		var err error
		if c.Provider, err = provider.New(cfg); err != nil {
			p.t.Fatal(err)
		}
	}
}

// be sets how it misbehaves from now on.
func (p *idp) be(odd idpOdd) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.odd = odd
}

func (p *idp) person(sub string, claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sub, p.user = sub, claims
}

func (p *idp) asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

func (p *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	if hang := p.odd.hang; hang != nil {
		p.mu.Unlock()
		hang(r)
		return
	}
	defer p.mu.Unlock()
	if p.odd.instead != nil && p.odd.instead(w, r) {
		return
	}
	if p.odd.down {
		http.Error(w, "<h1>maintenance</h1>", http.StatusServiceUnavailable)
		return
	}
	out := map[string]any{}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		p.look++
		out = map[string]any{
			"issuer": p.srv.URL, "authorization_endpoint": p.srv.URL + "/authorize", "token_endpoint": p.srv.URL + "/token", "jwks_uri": p.srv.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "HS256", "none"},
		}
		if p.odd.meta != nil {
			p.odd.meta(out)
		}
	case "/keys":
		keys := []any{}
		if !p.odd.noKeys {
			keys = append(keys,
				map[string]any{"kty": "RSA", "kid": "r1", "alg": "RS256", "use": "sig", "n": b64(p.rsa.N.Bytes()), "e": b64(big.NewInt(int64(p.rsa.E)).Bytes())},
				map[string]any{"kty": "EC", "kid": "e1", "alg": "ES256", "use": "sig", "crv": "P-256", "x": b64(p.ec.X.FillBytes(make([]byte, 32))), "y": b64(p.ec.Y.FillBytes(make([]byte, 32)))})
		}
		out["keys"] = keys
	case "/token":
		if out = p.redeem(w, r); out == nil {
			return
		}
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

func (p *idp) redeem(w http.ResponseWriter, r *http.Request) map[string]any {
	p.n++
	_ = r.ParseForm()
	begun, ok := p.code[r.PostForm.Get("code")]
	delete(p.code, r.PostForm.Get("code"))
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	id, secret, _ := r.BasicAuth()
	secret, _ = url.QueryUnescape(secret)
	switch {
	case !ok, r.PostForm.Get("redirect_uri") != begun.Get("redirect_uri"), b64(sum[:]) != begun.Get("code_challenge"), id != "vedette", secret != idpSecret:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		return nil
	}
	now := p.now()
	claims := map[string]any{"iss": p.srv.URL, "sub": p.sub, "aud": "vedette", "exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(), "nonce": begun.Get("nonce")}
	maps.Copy(claims, p.user)
	if p.odd.claims != nil {
		p.odd.claims(claims)
	}
	token := p.sign(claims)
	if p.odd.token != nil {
		token = p.odd.token(token)
	}
	out := map[string]any{"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": token}
	if p.odd.answer != nil {
		p.odd.answer(out)
	}
	return out
}

func (p *idp) sign(claims map[string]any) string {
	alg := p.odd.alg
	if alg == "" {
		alg = "RS256"
	}
	header := map[string]any{"alg": alg, "kid": map[string]string{"RS256": "r1", "ES256": "e1"}[alg]}
	if p.odd.header != nil {
		p.odd.header(header)
	}
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	text := b64(h) + "." + b64(c)
	sum := sha256.Sum256([]byte(text))
	var sig []byte
	switch alg {
	case "RS256":
		key := p.rsa
		if p.odd.newRSA != nil {
			key = p.odd.newRSA
		}
		sig, _ = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	case "ES256":
		r, s, err := ecdsa.Sign(rand.Reader, p.ec, sum[:])
		if err == nil {
			sig = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	case "HS256": // with the public key as the secret
		der, _ := x509.MarshalPKIXPublicKey(&p.rsa.PublicKey)
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		mac.Write([]byte(text))
		sig = mac.Sum(nil)
	}
	return text + "." + b64(sig)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// authorize is the page of the provider: whoever opens it is signed in there, and
// sent back with the query that it returns.
func (p *idp) authorize(location string) url.Values {
	p.t.Helper()
	u, err := url.Parse(location)
	if err != nil || !strings.HasPrefix(location, p.srv.URL+"/authorize?") {
		p.t.Fatalf("the sign-in leads to %q", location)
	}
	q := u.Query()
	if q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("client_id") != "vedette" || q.Get("nonce") == "" || !strings.Contains(q.Get("scope"), "openid") {
		p.t.Fatalf("the sign-in asks for %v", q)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	code := rand.Text()
	p.code[code] = q
	return url.Values{"code": {code}, "state": {q.Get("state")}}
}
