package provider

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"vedette/internal/authz"
)

func testProvider(tb testing.TB, roles, zones string) *Provider {
	tb.Helper()
	p, err := New(Config{
		Issuer: "https://login.plant.example", ClientID: "vedette", NameClaim: "name", RolesClaim: roles, Now: time.Now,
		Roles: map[string]authz.Role{"a": authz.Admin, "v": authz.Viewer}, Zones: map[string][]string{"h": {"cell 1"}, zones: {"*"}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func texts(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			out = append(out, texts(item)...)
		}
	case map[string]any:
		for _, item := range v {
			out = append(out, texts(item)...)
		}
	}
	return out
}

// FuzzClaims: a role or zone is given only where the claims hold its group as a
// text, never without any, and nobody sees all zones but by the group for that.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{
		`{"r":{"x":["a","h"]}}`, `{"r.x":"v"}`, `{"r":{"x":{"a":1}}}`, `{"r":["x"]}`, `{"r":{"x":[["a"],"all"]}}`, `{"r":null,"name":7}`, `{"r":{"x":["a","all","h"]},"name":["x"]}`,
	} {
		f.Add([]byte(seed))
	}
	p := testProvider(f, "r.x", "all")
	f.Fuzz(func(t *testing.T, raw []byte) {
		var claims map[string]any
		if json.Unmarshal(raw, &claims) != nil {
			return
		}
		there := texts(claims)
		who, err := p.person("subject", claims)
		if (err == nil) != (len(who.Roles) > 0) {
			t.Fatalf("%s: %+v, %v", raw, who, err)
		}
		if slices.Contains(who.Roles, authz.Admin) && !slices.Contains(there, "a") || slices.Contains(who.Roles, authz.Viewer) && !slices.Contains(there, "v") {
			t.Fatalf("%s gives %v", raw, who.Roles)
		}
		if err == nil && len(who.Zones) == 0 && !slices.Contains(there, "all") {
			t.Fatalf("%s sees all zones", raw)
		}
	})
}

func TestValuesOf(t *testing.T) {
	for name, c := range map[string]struct {
		claims, claim string
		want          []string
	}{
		"one":                  {`{"groups":"a"}`, "groups", []string{"a"}},
		"a list":               {`{"groups":["a",1,null,"b"]}`, "groups", []string{"a", "b"}},
		"nested":               {`{"r":{"x":{"y":["a"]}}}`, "r.x.y", []string{"a"}},
		"a name with dots":     {`{"https://plant.example/roles":["a"]}`, "https://plant.example/roles", []string{"a"}},
		"the plain name first": {`{"r.x":"a","r":{"x":"b"}}`, "r.x", []string{"a"}},
		"none":                 {`{}`, "r.x", nil},
		"an empty name":        {`{"":"a"}`, "groups", nil},
		"a text within":        {`{"r":"x"}`, "r.x", nil},
	} {
		var claims map[string]any
		if err := json.Unmarshal([]byte(c.claims), &claims); err != nil {
			t.Fatal(err)
		}
		if got := valuesOf(claims, c.claim); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestPendingIsBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := newPending(func() time.Time { return now })
	made := 0
	for i := range 2 * maxPending {
		if _, _, err := p.add(waiting{address: string(rune('a'+i%64)) + "x"}); err == nil {
			made++
		}
	}
	if made != maxPending || len(p.byKey) != maxPending || len(p.of) > 64 {
		t.Errorf("%d are on their way, of %d addresses; the limit is %d", made, len(p.of), maxPending)
	}
	now = now.Add(pendingLives)
	if _, _, err := p.add(waiting{address: "z"}); err != nil || len(p.byKey) != 1 || len(p.of) != 1 {
		t.Errorf("after ten minutes: %v, %d on their way", err, len(p.byKey))
	}
}
