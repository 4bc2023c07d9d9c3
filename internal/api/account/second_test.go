package account_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"vedette/internal/api/account"
	"vedette/internal/authz"
)

const (
	loginPasskey = account.Prefix + "login/passkey"
	setupPasskey = account.Prefix + "setup/passkey"
	ownSecond    = account.Prefix + "second"
)

func needPasskey(c *account.Config) { c.NeedPasskey = true }

// asked makes the first half of a sign-in and returns the options for the browser.
func (s *house) asked(name string) answer {
	s.t.Helper()
	return s.optionsOf(s.want("password", signIn(name, good), 202), "sign")
}

// optionsOf is an answer whose body are the options within an answer of 202,
// which must hold no session.
func (s *house) optionsOf(res answer, next string) answer {
	s.t.Helper()
	if len(res.cookies()) > 0 {
		s.t.Errorf("the first half gives a cookie: %v", res.cookies())
	}
	var a account.Asked
	if err := json.Unmarshal(res.Body.Bytes(), &a); err != nil || a.Next != next {
		s.t.Fatalf("%v %s, want %s", err, res.Body, next)
	}
	res.Body.Reset()
	res.Body.Write(a.Options)
	return res
}

func (s *house) confirm(what, body string, status int) answer {
	s.t.Helper()
	res := s.want(what, call{method: "POST", path: loginPasskey, body: body}, status)
	if (cookieOf(res) != "") != (status == 200) {
		s.t.Errorf("%s: %d with the session %q", what, status, cookieOf(res))
	}
	return res
}

func (s *house) require(name string, on bool) account.User {
	s.t.Helper()
	u, err := s.a.SetUser(s.t.Context(), "ann", name, account.UserChange{Second: &on})
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

func (s *house) keyID(cookie string) string {
	s.t.Helper()
	var rows struct{ Rows []account.Passkey }
	if err := json.Unmarshal(s.want("keys", call{path: ownPasskeys, cookie: cookie}, 200).Body.Bytes(), &rows); err != nil || len(rows.Rows) == 0 {
		s.t.Fatal(err, len(rows.Rows))
	}
	return rows.Rows[0].ID
}

func TestPasskeyAfterThePassword(t *testing.T) {
	s := open(t, at8080)
	s.admin()
	bob := s.join("bob", authz.Viewer)
	turn := func(on, password, cookie string) call {
		return call{method: "PUT", path: ownSecond, cookie: cookie, body: `{"on":` + on + `,"password":"` + password + `"}`}
	}
	s.want("without a passkey", turn("true", good, bob), 409)
	k := s.register(bob, "phone")
	s.want("wrong password", turn("true", "wrong wrong wrong", bob), 400)
	other := cookieOf(s.want("elsewhere", signIn("bob", good), 200))
	s.want("on", turn("true", good, bob), 200)
	s.want("the other session ends", call{path: "/x", cookie: other}, 401)
	s.want("this one goes on", call{path: "/x", cookie: bob}, 200)

	session := cookieOf(s.confirm("both", k.sign(challengeOf(t, s.asked("bob"))), 200))
	if who := s.want("who", call{path: "/", cookie: session}, 200).Body.String(); !strings.Contains(who, `"Name":"bob"`) {
		t.Errorf("signed in as %s", who)
	}
	s.want("a wrong password asks for nothing", signIn("bob", "wrong wrong wrong"), 401)
	s.enter(k, 200) // a passkey alone is two factors already

	s.want("the last one stays", call{method: "DELETE", path: ownPasskeys + "/" + s.keyID(session), cookie: session}, 409)
	if err := s.a.RevokePasskey(t.Context(), "ann", s.keyID(session), ""); err == nil {
		t.Error("an administrator took the last one")
	}
	phone := s.keyID(session)
	again := s.register(session, "laptop")
	s.want("one of two goes", call{method: "DELETE", path: ownPasskeys + "/" + phone, cookie: session}, 200)
	s.confirm("by the one that is left", again.sign(challengeOf(t, s.asked("bob"))), 200)
	s.confirm("by the one that is gone", k.sign(challengeOf(t, s.asked("bob"))), 401)
	s.want("off", turn("false", good, session), 200)
	s.want("the password alone", signIn("bob", good), 200)
	s.want("now it can go", call{method: "DELETE", path: ownPasskeys + "/" + s.keyID(session), cookie: session}, 200)
	for word, n := range map[string]int{`"account.second"`: 2, `"by":"password and passkey"`: 2, "account.second_asked": 3, `"step":"after password"`: 1} {
		if got := s.recorded(word); got != n {
			t.Errorf("the journal has %d of %s, want %d", got, word, n)
		}
	}
}

func TestPasskeyAfterThePasswordRefused(t *testing.T) {
	s := open(t, at8080)
	ann := s.register(s.admin(), "laptop")
	bobs := s.join("bob", authz.Viewer)
	bob := s.register(bobs, "phone")
	s.require("bob", true)
	s.require("ann", true)
	for name, spoil := range map[string]func(k *softKey){
		"foreign origin":        func(k *softKey) { k.origin = "https://evil.example" },
		"foreign party":         func(k *softKey) { k.rp = "evil.example" },
		"not verified":          func(k *softKey) { k.flags = 0x01 },
		"another's id":          func(k *softKey) { k.id = ann.id },
		"another's handle":      func(k *softKey) { k.handle = ann.handle },
		"another's key whole":   func(k *softKey) { *k = *ann },
		"another's key as mine": func(k *softKey) { k.key = ann.key },
		"nobody's key":          func(k *softKey) { k.id = []byte("nobody's") },
	} {
		k := *bob
		spoil(&k)
		s.confirm(name, k.sign(challengeOf(t, s.asked("bob"))), 401)
		s.tick(time.Hour) // the tries are forgotten
	}
	bob.count += 50
	body := bob.sign(challengeOf(t, s.asked("bob")))
	s.confirm("first", body, 200)
	s.confirm("replayed", body, 401)
	old := challengeOf(t, s.asked("bob"))
	s.tick(121 * time.Second)
	s.confirm("expired", bob.sign(old), 401)
	s.confirm("of a sign-in without a password", bob.sign(s.challenge()), 401)
	s.want("of a sign-in with one", call{method: "POST", path: finishPasskey, body: bob.sign(challengeOf(t, s.asked("bob")))}, 401)
	s.confirm("of another account", bob.sign(challengeOf(t, s.asked("ann"))), 401)
	s.tick(time.Hour)

	halfway := challengeOf(t, s.asked("bob"))
	if err := s.a.SetPassword(t.Context(), "bob", good, "another horse battery", "", "192.0.2.7"); err != nil {
		t.Fatal(err)
	}
	s.confirm("the password changed meanwhile", bob.sign(halfway), 401)
	if err := s.a.SetPassword(t.Context(), "bob", "another horse battery", good, "", "192.0.2.7"); err != nil {
		t.Fatal(err)
	}
	halfway = challengeOf(t, s.asked("bob"))
	if _, err := s.a.SetUser(t.Context(), "ann", "bob", account.UserChange{Disabled: new(true)}); err != nil {
		t.Fatal(err)
	}
	s.confirm("disabled meanwhile", bob.sign(halfway), 401)
}

func TestPasskeyAfterThePasswordIsCounted(t *testing.T) {
	s := open(t, at8080)
	s.admin()
	bob := s.register(s.join("bob", authz.Viewer), "phone")
	s.require("bob", true)
	for range 5 {
		s.asked("bob") // and never finished
	}
	if res := s.want("too many", signIn("bob", good), 429); res.Header().Get("Retry-After") == "" {
		t.Error("nobody tells how long to wait")
	}
	s.tick(2 * time.Second)
	s.confirm("after the wait", bob.sign(challengeOf(t, s.asked("bob"))), 200)
	s.asked("bob") // forgotten with the success
	bob.origin = "https://evil.example"
	for range 4 {
		s.confirm("wrong", bob.sign(challengeOf(t, s.asked("bob"))), 401)
	}
	s.want("wrong ones count", signIn("bob", good), 429)
}

func TestPasskeyAfterThePasswordCloned(t *testing.T) {
	s := open(t, at8080)
	s.admin()
	bob := s.register(s.join("bob", authz.Viewer), "phone")
	s.require("bob", true)
	copied := *bob
	bob.count += 9
	s.confirm("the owner", bob.sign(challengeOf(t, s.asked("bob"))), 200)
	s.confirm("the copy", copied.sign(challengeOf(t, s.asked("bob"))), 401)
	s.want("and now nobody", signIn("bob", good), 409)
	if s.recorded("account.passkey_suspend") != 1 {
		t.Error("the journal does not tell of the copy")
	}
}

func TestPasskeyRequired(t *testing.T) {
	s := open(t, at8080)
	admin := s.admin()
	bob := s.join("bob", authz.Viewer)
	if u := s.require("bob", true); !u.Required || u.Passkeys != 0 {
		t.Errorf("%+v", u)
	}
	s.want("the password alone", signIn("bob", good), 409)
	s.want("its session goes on", call{path: "/x", cookie: bob}, 200)
	k := s.register(bob, "phone")
	s.confirm("both", k.sign(challengeOf(t, s.asked("bob"))), 200)
	s.want("not its owner's to turn off", call{method: "PUT", path: ownSecond, cookie: bob, body: `{"on":false,"password":"` + good + `"}`}, 409)
	s.want("nor to require of others", call{method: "PATCH", path: account.Prefix + "users/ann", cookie: bob, body: `{"second_required":true}`}, 403)
	s.want("an administrator may", call{method: "PATCH", path: account.Prefix + "users/bob", cookie: admin, body: `{"second_required":false}`}, 200)
	s.want("the password is enough", signIn("bob", good), 200)
	_, text, err := s.a.AddToken(t.Context(), "bob", account.NewToken{Name: "t", Owner: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	s.require("bob", true)
	s.want("a token goes on", call{path: "/x", bearer: text}, 200)
	s.want("and sets nothing", call{method: "PUT", path: ownSecond, bearer: text, body: `{"on":true,"password":"` + good + `"}`}, 403)
	s.want("another site", call{method: "POST", path: loginPasskey, body: k.sign(challengeOf(t, s.asked("bob"))), header: http.Header{"Origin": {"https://evil.example"}}}, 403)
}

func TestPasskeyByLink(t *testing.T) {
	s := open(t, at8080)
	s.admin()
	bobs := s.join("bob", authz.Viewer)
	old := s.register(bobs, "phone")
	s.want("own wish", call{method: "PUT", path: ownSecond, cookie: bobs, body: `{"on":true,"password":"` + good + `"}`}, 200)
	link := func() string {
		secret, err := s.a.Link(t.Context(), "ann", "bob")
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	setup := func(secret string) call {
		return call{method: "POST", path: account.Prefix + "setup", body: `{"token":"` + secret + `","password":"another horse battery"}`}
	}
	s.want("the link resets it", setup(link()), 200)
	s.want("the password alone", signIn("bob", "another horse battery"), 200)

	s.require("bob", true)
	secret := link()
	s.want("not at an address of numbers", call{method: "POST", path: account.Prefix + "setup", body: setup(secret).body, host: "127.0.0.1:8080"}, 409)
	if _, err := s.a.UseLink(t.Context(), secret, "", good); err == nil {
		t.Error("a link gave a password without a passkey")
	}
	k := newSoftKey(t)
	options := s.optionsOf(s.want("asked", setup(secret), 202), "register")
	finish := func(what, body string, status int) answer {
		t.Helper()
		return s.want(what, call{method: "POST", path: setupPasskey, body: `{"name":"new","answer":` + body + `}`}, status)
	}
	made := k.make(options)
	s.want("not by a session", call{method: "POST", path: ownPasskeys, cookie: bobs, body: `{"name":"x","answer":` + made + `}`}, 401)
	session := cookieOf(finish("made", made, 200))
	s.want("in", call{path: "/x", cookie: session}, 200)
	finish("again", made, 400)
	s.want("the link is used up", setup(secret), 403)
	s.enter(old, 401)
	s.want("before the passkey nothing had changed", signIn("bob", good), 401)
	s.want("both are needed", signIn("bob", "another horse battery"), 202)

	// two who have the link at once: one of them
	secret = link()
	a, b := newSoftKey(t), newSoftKey(t)
	first, second := s.optionsOf(s.want("one", setup(secret), 202), "register"), s.optionsOf(s.want("two", setup(secret), 202), "register")
	finish("the first", a.make(first), 200)
	finish("the second", b.make(second), 403)
	secret = link()
	late := newSoftKey(t)
	options = s.optionsOf(s.want("asked", setup(secret), 202), "register")
	s.tick(6 * time.Minute)
	finish("too late", late.make(options), 400)
	s.want("the link works still", setup(secret), 202)
}

func TestPasskeyRequiredOfAll(t *testing.T) {
	s := open(t, at8080, needPasskey)
	secret, err := s.a.SetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k := newSoftKey(t)
	options := s.optionsOf(s.want("setup", call{method: "POST", path: account.Prefix + "setup", body: `{"token":"` + secret + `","name":"Ann","password":"` + good + `"}`}, 202), "register")
	res := s.want("first administrator", call{method: "POST", path: setupPasskey, body: `{"name":"laptop","answer":` + k.make(options) + `}`}, 200)
	s.confirm("and again", k.sign(challengeOf(t, s.asked("ann"))), 200)
	if got := s.want("state", call{path: ownSecond, cookie: cookieOf(res)}, 200).Body.String(); !strings.Contains(got, `"by":"configuration"`) || !strings.Contains(got, `"passkeys":1`) {
		t.Error(got)
	}
	s.want("off", call{method: "PUT", path: ownSecond, cookie: cookieOf(res), body: `{"on":false,"password":"` + good + `"}`}, 409)
	if users, err := s.a.Users(t.Context()); err != nil || len(users) != 1 || users[0].Passkeys != 1 {
		t.Error(users, err)
	}
	demo := open(t, needPasskey, func(c *account.Config) { c.Demo = true })
	demo.want("the demo's link", call{path: "/?token=" + demo.a.DemoToken()}, 303)
}

func TestPasskeyFormPages(t *testing.T) {
	s := open(t, at8080)
	s.admin()
	s.register(s.join("bob", authz.Viewer), "phone")
	s.require("bob", true)
	res := s.want("form", call{method: "POST", path: account.Prefix + "login", body: "name=bob&password=" + strings.ReplaceAll(good, " ", "+"), header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}, 200)
	if page := res.Body.String(); cookieOf(res) != "" || !strings.Contains(page, `data-to="login/passkey"`) || !strings.Contains(page, "&#34;challenge&#34;") {
		t.Errorf("%v %s", res.cookies(), page)
	}
}
