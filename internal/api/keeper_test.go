package api_test

import (
	"context"
	"net"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/api"
	"vedette/internal/fault"
)

// kept answers as a keeper; the other services are not asked.
type kept struct {
	api.Service
	dir  string
	deep bool
}

func (*kept) Maintain(context.Context) (api.Upkeep, error) {
	return api.Upkeep{At: time.Unix(5, 0).UTC(), TooOld: api.Moved{Days: 2, Events: 7}}, nil
}

func (k *kept) Backup(_ context.Context, dir string) (api.Backup, error) {
	if k.dir = dir; dir == "" {
		return api.Backup{}, fault.New(fault.Invalid, "no directory").WithHint("name one")
	}
	return api.Backup{Format: 1, Events: 9, Files: []api.BackupFile{{Path: "a", Size: 2}, {Path: "b", Size: 3}}}, nil
}

func (k *kept) Check(_ context.Context, deep bool) ([]api.Check, error) {
	k.deep = deep
	return []api.Check{{Name: "n", State: api.Problem, Text: "t", Do: "d"}}, nil
}

func TestKeeperRoutes(t *testing.T) {
	k := &kept{}
	h := api.Local(k)
	tests := []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/local/maintain", "", 200, `"dropped_by_age":{"days":2,"events":7}`},
		{"GET", "/local/maintain", "", 405, "Method Not Allowed"},
		{"POST", "/local/backup", `{"Dir":"/b"}`, 200, `"events":9`},
		{"POST", "/local/backup", `{"Dir":""}`, 400, `"hint":"name one"`},
		{"POST", "/local/backup", `{"Other":"/b"}`, 400, "reading the request"},
		{"GET", "/local/backup", "", 405, "Method Not Allowed"},
		{"GET", "/local/check?deep=true", "", 200, `"state":"problem"`},
		{"POST", "/local/check", "", 405, "Method Not Allowed"},
	}
	for _, tt := range tests {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), tt.method, tt.path, strings.NewReader(tt.body)))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s %s: %d %s, want %d with %s", tt.method, tt.path, w.Code, w.Body, tt.status, tt.want)
		}
	}
	if !k.deep {
		t.Error("deep got lost")
	}
}

// What the client hands back is what the service said.
func TestKeeperOverTheSocket(t *testing.T) {
	dir := t.TempDir()
	k := &kept{}
	srv := httptest.NewUnstartedServer(api.Local(k))
	srv.Listener = listen(t, dir)
	srv.Start()
	defer srv.Close()
	c, err := api.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	up, err1 := c.Maintain(t.Context())
	b, err2 := c.Backup(t.Context(), "/x")
	checks, err3 := c.Check(t.Context(), true)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	wantUp, _ := k.Maintain(t.Context())
	wantChecks, _ := k.Check(t.Context(), k.deep)
	if diff := cmp.Diff(wantUp, up) + cmp.Diff(wantChecks, checks); diff != "" || b.Bytes() != 5 || k.dir != "/x" || !k.deep {
		t.Errorf("%s; backup %+v of %q", diff, b, k.dir)
	}
	if _, err := c.Backup(t.Context(), ""); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "no directory") {
		t.Errorf("a refusal came over as %v", err)
	}
}

func listen(t *testing.T, dir string) net.Listener {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "unix", filepath.Join(dir, api.SocketName))
	if err != nil {
		t.Skipf("no socket in %s: %v", dir, err)
	}
	return ln
}
