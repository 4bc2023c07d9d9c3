package passkey

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"vedette/internal/fault"
)

func TestOrigins(t *testing.T) {
	f := func(hosts []string, secure bool, port int, want ...string) {
		t.Helper()
		if got := Origins(hosts, secure, port); !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", hosts, got, want)
		}
	}
	f([]string{"plant.example"}, false, 8080, "http://localhost:8080")
	f([]string{"192.0.2.1", "Plant.example", "localhost"}, true, 8443, "https://localhost:8443", "https://plant.example:8443")
	f([]string{"plant.example"}, true, 443, "https://localhost", "https://plant.example")
	for _, bad := range []string{
		"", "plant.example", "http://plant.example", "https://192.0.2.1", "https://[::1]", "https://plant.example/", "https://a@plant.example", "ftp://localhost",
		"https://plant.example?", "https://plant.example#", "javascript:alert(1)", "http://localhost.evil.example",
	} {
		if BadOrigin(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// FuzzAnswer: bytes that answer no challenge of ours are refused for that or as
// unreadable, nobody's keys are asked for, and the ceremonies on their way stay.
func FuzzAnswer(f *testing.F) {
	client := `"clientDataJSON":"eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiQUFBQSIsIm9yaWdpbiI6Imh0dHA6Ly9sb2NhbGhvc3QifQ"`
	data := "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ"
	object := "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVgl" + data
	for _, response := range []string{
		fmt.Sprintf(`{%s,"authenticatorData":%q,"signature":"MEQ","userHandle":"dV8x"}`, client, data), fmt.Sprintf(`{%s,"attestationObject":%q}`, client, object), `{}`, `[]`,
	} {
		f.Add([]byte(`{"id":"AAAA","rawId":"AAAA","type":"public-key","clientExtensionResults":{},"response":` + response + `}`))
	}
	c := New([]string{"http://localhost"}, time.Now)
	if _, err := c.SignIn("localhost", "a"); err != nil {
		f.Fatal(err)
	}
	if _, err := c.Register("localhost", Owner{ID: "u_1", Name: "ann"}, "s", "a"); err != nil {
		f.Fatal(err)
	}
	if _, err := c.Enrol("localhost", Owner{ID: "u_2", Name: "bob"}, "b", "a"); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, in := c.SignedIn(body, func([]byte) (Owner, error) {
			t.Error("a key is looked for")
			return Owner{}, fault.New(fault.NotFound, "none")
		})
		_, made := c.Registered(body, Owner{ID: "u_1"}, "s")
		_, second := c.Confirmed(body, func(string, []byte) (Owner, error) {
			t.Error("a key is looked for")
			return Owner{}, fault.New(fault.NotFound, "none")
		})
		_, enrolled := c.Enrolled(body, func(string) (Owner, error) {
			t.Error("an owner is looked for")
			return Owner{}, fault.New(fault.NotFound, "none")
		})
		for _, err := range []error{in, made, second, enrolled} {
			if r, ok := errors.AsType[*Refusal](err); !ok || r.Why != WhyAnswer && r.Why != WhyChallenge || fault.KindOf(err) != fault.Denied {
				t.Errorf("%v", err)
			}
		}
		if len(c.pending.by) != 3 {
			t.Errorf("%d are on their way", len(c.pending.by))
		}
	})
}
