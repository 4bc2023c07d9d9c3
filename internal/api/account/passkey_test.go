package account_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"vedette/internal/api/account"
	"vedette/internal/authz"
)

const (
	startPasskey  = account.Prefix + "passkey/start"
	finishPasskey = account.Prefix + "passkey/finish"
	ownPasskeys   = account.Prefix + "passkeys"
	keyHost       = "localhost:8080"
	keyOrigin     = "http://localhost:8080"
)

func at8080(c *account.Config) { c.Door = account.Door{Port: 8080} }

// softKey is an authenticator of this test: it signs whatever it is told to.
type softKey struct {
	t      testing.TB
	key    *ecdsa.PrivateKey
	id     []byte
	handle []byte
	count  uint32

	origin, rp string
	flags      byte // user present, user verified
}

func newSoftKey(t testing.TB) *softKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &softKey{t: t, key: key, id: []byte(rand.Text()), origin: keyOrigin, rp: "localhost", flags: 0x05}
}

func (k *softKey) client(kind, challenge string) []byte {
	return fmt.Appendf(nil, `{"type":%q,"challenge":%q,"origin":%q,"crossOrigin":false}`, kind, challenge, k.origin)
}

func (k *softKey) data(more byte) []byte {
	sum := sha256.Sum256([]byte(k.rp))
	out := append(sum[:], k.flags|more)
	return binary.BigEndian.AppendUint32(out, k.count)
}

// make answers the options of a registration.
func (k *softKey) make(options answer) string {
	k.t.Helper()
	var o struct {
		PublicKey struct {
			Challenge string
			User      struct{ ID string }
		}
	}
	if err := json.Unmarshal(options.Body.Bytes(), &o); err != nil {
		k.t.Fatal(err)
	}
	k.handle, _ = base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID)
	pub, err := k.key.PublicKey.Bytes()
	if err != nil {
		k.t.Fatal(err)
	}
	cose, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: pub[1:33], -3: pub[33:]})
	if err != nil {
		k.t.Fatal(err)
	}
	data := append(k.data(0x40), make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(k.id)))
	data = append(append(data, k.id...), cose...)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	if err != nil {
		k.t.Fatal(err)
	}
	return fmt.Sprintf(`{"id":%q,"rawId":%[1]q,"type":"public-key","clientExtensionResults":{},"response":{"clientDataJSON":%q,"attestationObject":%q}}`,
		b64(k.id), b64(k.client("webauthn.create", o.PublicKey.Challenge)), b64(object))
}

func challengeOf(t testing.TB, options answer) string {
	t.Helper()
	var o struct{ PublicKey struct{ Challenge string } }
	if err := json.Unmarshal(options.Body.Bytes(), &o); err != nil || o.PublicKey.Challenge == "" {
		t.Fatalf("%v %s", err, options.Body)
	}
	return o.PublicKey.Challenge
}

// sign answers the challenge of a sign-in.
func (k *softKey) sign(challenge string) string {
	k.t.Helper()
	k.count++
	client, data := k.client("webauthn.get", challenge), k.data(0)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(bytes.Clone(data), hash[:]...))
	sig, err := ecdsa.SignASN1(rand.Reader, k.key, sum[:])
	if err != nil {
		k.t.Fatal(err)
	}
	return fmt.Sprintf(`{"id":%q,"rawId":%[1]q,"type":"public-key","clientExtensionResults":{},"response":{"clientDataJSON":%q,"authenticatorData":%q,"signature":%q,"userHandle":%q}}`,
		b64(k.id), b64(client), b64(data), b64(sig), b64(k.handle))
}

// register gives the session's user a passkey.
func (s *house) register(cookie, name string) *softKey {
	s.t.Helper()
	k := newSoftKey(s.t)
	options := s.want("options", call{method: "POST", path: ownPasskeys + "/start", cookie: cookie, body: `{"password":"` + good + `"}`}, 200)
	s.want("register", call{method: "POST", path: ownPasskeys, cookie: cookie, body: `{"name":"` + name + `","answer":` + k.make(options) + `}`}, 200)
	return k
}

func (s *house) challenge() string {
	s.t.Helper()
	return challengeOf(s.t, s.want("challenge", call{method: "POST", path: startPasskey, body: `{}`}, 200))
}

func (s *house) enter(k *softKey, status int) answer {
	s.t.Helper()
	return s.want("sign in", call{method: "POST", path: finishPasskey, body: k.sign(s.challenge())}, status)
}

func TestPasskey(t *testing.T) {
	s := open(t, at8080)
	cookie := s.admin()
	k := s.register(cookie, "laptop")
	s.tick(time.Hour)
	session := cookieOf(s.enter(k, 200))
	if who := s.want("who", call{path: "/", cookie: session}, 200).Body.String(); !strings.Contains(who, `"Name":"ann"`) {
		t.Errorf("signed in as %s", who)
	}
	list := s.want("list", call{path: ownPasskeys, cookie: session}, 200).Body.String()
	var rows struct{ Rows []account.Passkey }
	if err := json.Unmarshal([]byte(list), &rows); err != nil || len(rows.Rows) != 1 {
		t.Fatalf("%v %s", err, list)
	}
	if got := rows.Rows[0]; got.Name != "laptop" || got.User != "ann" || got.Site != "localhost" || !got.Used.Equal(s.clock()) || got.Stopped {
		t.Errorf("%+v", got)
	}
	for _, secret := range []string{b64(k.id), "publicKey", "user_uid"} {
		if strings.Contains(list, secret) {
			t.Errorf("the list tells %s: %s", secret, list)
		}
	}
	bob := s.join("bob", authz.Analyst)
	s.want("another's", call{method: "DELETE", path: ownPasskeys + "/" + rows.Rows[0].ID, cookie: bob}, 404)
	s.want("revoke", call{method: "DELETE", path: ownPasskeys + "/" + rows.Rows[0].ID, cookie: session}, 200)
	s.enter(k, 401)
	for word, n := range map[string]int{"account.passkey_add": 1, "account.passkey_revoke": 1, `"by":"passkey"`: 1, "account.passkey_refused": 1} {
		if got := s.recorded(word); got != n {
			t.Errorf("the journal has %d of %s, want %d", got, word, n)
		}
	}
}

func TestPasskeyRefused(t *testing.T) {
	s := open(t, at8080)
	ann := s.register(s.admin(), "laptop")
	bob := s.register(s.join("bob", authz.Viewer), "phone")
	cases := map[string]func(k *softKey){
		"foreign origin":      func(k *softKey) { k.origin = "https://evil.example" },
		"another port":        func(k *softKey) { k.origin = "http://localhost:9999" },
		"by https":            func(k *softKey) { k.origin = "https://localhost:8080" },
		"longer name":         func(k *softKey) { k.origin = "http://localhost:8080.evil.example" },
		"foreign party":       func(k *softKey) { k.rp = "evil.example" },
		"not verified":        func(k *softKey) { k.flags = 0x01 },
		"not present":         func(k *softKey) { k.flags = 0x04 },
		"another's handle":    func(k *softKey) { k.handle = bob.handle },
		"no handle":           func(k *softKey) { k.handle = nil },
		"another's key":       func(k *softKey) { k.id = bob.id },
		"another's key whole": func(k *softKey) { k.id, k.handle = bob.id, bob.handle },
		"nobody's key":        func(k *softKey) { k.id = []byte("nobody's") },
	}
	for name, spoil := range cases {
		k := *ann
		spoil(&k)
		res := s.enter(&k, 401)
		if cookieOf(res) != "" {
			t.Errorf("%s: there is a session", name)
		}
		s.tick(time.Hour) // the tries are forgotten
	}
	if got := s.recorded("account.passkey_refused"); got != len(cases) {
		t.Errorf("%d refusals are in the journal, want %d", got, len(cases))
	}
	ann.count += 50
	s.enter(ann, 200)
}

func TestPasskeyChallenge(t *testing.T) {
	s := open(t, at8080)
	cookie := s.admin()
	k := s.register(cookie, "laptop")
	finish := func(what, body string, status int) {
		t.Helper()
		s.want(what, call{method: "POST", path: finishPasskey, body: body}, status)
	}
	body := k.sign(s.challenge())
	finish("first", body, 200)
	finish("replayed", body, 401)
	old := s.challenge()
	s.tick(6 * time.Minute)
	finish("too old", k.sign(old), 401)
	finish("made up", k.sign(b64([]byte(strings.Repeat("x", 32)))), 401)
	register := func() answer {
		return s.want("options", call{method: "POST", path: ownPasskeys + "/start", cookie: cookie, body: `{"password":"` + good + `"}`}, 200)
	}
	finish("of a registration", k.sign(challengeOf(t, register())), 401)

	spoilt := *k
	spoilt.origin = "https://evil.example"
	once := s.challenge()
	finish("spoilt", spoilt.sign(once), 401)
	s.tick(2 * time.Minute) // less than a challenge lasts
	finish("a challenge that failed is used up", k.sign(once), 401)
	s.tick(time.Hour)

	bob := s.join("bob", authz.Viewer)
	fresh := newSoftKey(t)
	answer := fresh.make(register())
	s.want("another's registration", call{method: "POST", path: ownPasskeys, cookie: bob, body: `{"name":"x","answer":` + answer + `}`}, 400)
	s.want("it is used up", call{method: "POST", path: ownPasskeys, cookie: cookie, body: `{"name":"x","answer":` + answer + `}`}, 400)
	taken := newSoftKey(t)
	taken.id = k.id
	options := s.want("options", call{method: "POST", path: ownPasskeys + "/start", cookie: bob, body: `{"password":"` + good + `"}`}, 200)
	s.want("the id of another's key", call{method: "POST", path: ownPasskeys, cookie: bob, body: `{"name":"x","answer":` + taken.make(options) + `}`}, 409)
	s.enter(k, 200)
}

func TestPasskeyCloned(t *testing.T) {
	s := open(t, at8080)
	k := s.register(s.admin(), "laptop")
	copied := *k
	s.enter(k, 200)
	s.enter(k, 200)
	s.enter(&copied, 401) // its counter is behind
	s.enter(k, 401)       // and from now on nobody knows who is the owner
	if s.recorded("account.passkey_suspend") != 1 || s.recorded(`"why":"cloned"`) != 1 {
		t.Error("the journal does not tell of the copy")
	}
	session := cookieOf(s.want("password", call{method: "POST", path: account.Prefix + "login", body: `{"name":"ann","password":"` + good + `"}`}, 200))
	if list := s.want("list", call{path: ownPasskeys, cookie: session}, 200).Body.String(); !strings.Contains(list, `"suspended":true`) {
		t.Error(list)
	}
}

func TestPasskeyOfWhom(t *testing.T) {
	s := open(t, at8080)
	admin := s.admin()
	bob := s.join("bob", authz.Viewer)
	k := s.register(bob, "phone")
	off, on := true, false
	if _, err := s.a.SetUser(t.Context(), "ann", "bob", account.UserChange{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	s.enter(k, 401)
	if _, err := s.a.SetUser(t.Context(), "ann", "bob", account.UserChange{Disabled: &on}); err != nil {
		t.Fatal(err)
	}
	s.enter(k, 200)
	secret, err := s.a.Link(t.Context(), "ann", "bob")
	if err != nil {
		t.Fatal(err)
	}
	s.want("reset", call{method: "POST", path: account.Prefix + "setup", body: `{"token":"` + secret + `","password":"another horse battery"}`}, 200)
	s.enter(k, 401) // a new password by link ends the passkeys
	s.want("wrong password", call{method: "POST", path: ownPasskeys + "/start", cookie: admin, body: `{"password":"wrong wrong wrong"}`}, 400)
	_, text, err := s.a.AddToken(t.Context(), "ann", account.NewToken{Name: "t", Owner: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	s.want("a program", call{method: "POST", path: ownPasskeys + "/start", bearer: text, body: `{"password":"` + good + `"}`}, 403)
	s.want("another site", call{method: "POST", path: finishPasskey, body: k.sign(s.challenge()), header: http.Header{"Origin": {"https://evil.example"}}}, 403)
}

func TestPasskeyBounds(t *testing.T) {
	s := open(t, at8080)
	k := s.register(s.admin(), "laptop")
	for range 256 {
		s.challenge()
	}
	s.want("too many at once", call{method: "POST", path: startPasskey, body: `{}`}, 429)
	s.want("another address", call{method: "POST", path: startPasskey, body: `{}`, from: "192.0.2.9:1"}, 200)
	s.tick(6 * time.Minute)
	k.origin = "https://evil.example"
	for range 5 {
		s.enter(k, 401)
	}
	k.origin = keyOrigin
	if res := s.enter(k, 429); res.Header().Get("Retry-After") == "" {
		t.Error("nobody tells how long to wait")
	}
	s.want("no JSON", call{method: "POST", path: finishPasskey, body: strings.Repeat("x", 70<<10), from: "192.0.2.9:1"}, 429)
}

func TestPasskeyOnlyWhereBrowsersHaveThem(t *testing.T) {
	s := open(t, at8080)
	s.want("an address of numbers", call{method: "POST", path: startPasskey, body: `{}`, host: "127.0.0.1:8080"}, 409)
	if page := s.want("page", call{path: "/signin", host: "127.0.0.1:8080"}, 200).Body.String(); strings.Contains(page, "script") {
		t.Error("the page offers what does not work")
	}
	s = open(t, func(c *account.Config) { c.Door = account.Door{Hosts: []string{"plant.example"}, Port: 8080} })
	s.want("a name without TLS", call{method: "POST", path: startPasskey, body: `{}`, host: "plant.example:8080"}, 409)
	s = open(t, func(c *account.Config) {
		c.Door = account.Door{Hosts: []string{"plant.example"}, Port: 8443, Secure: true}
	})
	s.want("with TLS", call{method: "POST", path: startPasskey, body: `{}`, host: "plant.example:8443"}, 200)
}
