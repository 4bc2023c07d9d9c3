package account

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// FuzzCredential holds that what is taken for a credential has exactly the
// shape of ours, of one kind, and that a request with an Authorization header
// never gets in by its cookie.
func FuzzCredential(f *testing.F) {
	secret := newSecret()
	f.Add("Bearer vdt_"+secret, "")
	f.Add("", "vedette_session="+secret)
	f.Add("Bearer "+secret, "vedette_session="+secret)
	f.Add("bearer  vdt_"+secret, `vedette_session="`+secret+`"; vedette_session=x`)
	f.Add("Basic YTpi", "vedette_session="+strings.Repeat("é", 26))
	f.Fuzz(func(t *testing.T, authorization, cookie string) {
		h := http.Header{}
		if authorization != "" {
			h.Set("Authorization", authorization)
		}
		if cookie != "" {
			h.Set("Cookie", cookie)
		}
		c, err := credentialOf(h, "vedette_session")
		found := 0
		for _, v := range []string{c.session, c.token, c.link} {
			if v == "" {
				continue
			}
			found++
			if !isSecret(strings.TrimPrefix(v, tokenPrefix)) {
				t.Errorf("took %q for a credential", v)
			}
			if !strings.Contains(authorization+cookie, v) {
				t.Errorf("%q was not shown", v)
			}
		}
		if found > 1 || err != nil && found > 0 {
			t.Errorf("%d credentials, error %v", found, err)
		}
		if authorization != "" && c.session != "" {
			t.Error("the cookie counts beside an Authorization header")
		}
	})
}

func TestSecretsHaveTheirShape(t *testing.T) {
	for range 100 {
		if s := newSecret(); !isSecret(s) {
			t.Fatalf("%q is not taken for a secret", s)
		}
	}
}

// FuzzParseHash holds that a kept hash never asks for more than the bounds.
func FuzzParseHash(f *testing.F) {
	f.Add(noHash)
	f.Add("$argon2id$v=19$m=4294967295,t=99,p=255$AAAA$AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		k, ok := parseHash(text)
		if ok && (k.memory > 256<<10 || k.time > 16 || k.threads > 8 || len(k.sum) > 64) {
			t.Errorf("%q asks for %+v", text, k)
		}
	})
}

func TestNobodyHasNoHash(t *testing.T) {
	h := newHasher()
	for _, p := range []string{"", good12, strings.Repeat("x", maxPassword+1)} {
		if same, err := h.same(t.Context(), "", p); same || err != nil {
			t.Errorf("no hash is the same as %q (%v)", p, err)
		}
	}
	kept, err := h.make(t.Context(), good12)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := h.same(t.Context(), kept, good12); !same || err != nil {
		t.Errorf("the right password is not the same (%v)", err)
	}
	if same, _ := h.same(t.Context(), kept, good12+"x"); same {
		t.Error("a wrong password is the same")
	}
}

const good12 = "correct horse battery"

func TestThrottleIsBounded(t *testing.T) {
	now := time.Unix(0, 0)
	th := newThrottle(func() time.Time { return now })
	for i := range 3 * maxKeys {
		_ = th.begin("a"+itoa(i), itoa(i))
	}
	if n := len(th.tries); n > maxKeys+2 {
		t.Errorf("%d keys, the bound is %d", n, maxKeys)
	}
}

func BenchmarkHash(b *testing.B) {
	h := newHasher()
	for b.Loop() {
		if _, err := h.make(b.Context(), good12); err != nil {
			b.Fatal(err)
		}
	}
}
