package app_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/api"
	"vedette/internal/api/account"
	"vedette/internal/authz"
)

// Who cannot open an incident is not offered it.
func TestAssignable(t *testing.T) {
	a := open(t, t.TempDir())
	t.Cleanup(func() { _ = a.Close() })
	for name, u := range map[string]account.NewUser{
		"ann": {Roles: []authz.Role{authz.Admin}}, "bob": {Roles: []authz.Role{authz.Viewer, authz.Analyst}}, "carl": {Roles: []authz.Role{authz.Viewer}},
		"dora": {Roles: []authz.Role{authz.Auditor}}, "eve": {Roles: []authz.Role{authz.Responder}, Zones: []string{"cell 1"}}, "fred": {Roles: []authz.Role{authz.Responder}},
	} {
		u.Name = name
		if _, err := a.AddUser(t.Context(), "test", u); err != nil {
			t.Fatal(err)
		}
	}
	off := true
	if _, err := a.SetUser(t.Context(), "test", "fred", account.UserChange{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	got, err := a.Assignable(t.Context())
	if diff := cmp.Diff([]api.Assignable{{Name: "ann"}, {Name: "bob"}}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}
