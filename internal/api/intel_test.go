package api_test

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/intel"
	"vedette/internal/intel/library"
)

// knower answers as the keeper of feeds; the other services are not asked.
type knower struct {
	api.Service
	req  library.Request
	body string
	at   time.Time
}

func (k *knower) ImportIntel(_ context.Context, req library.Request, in io.Reader) (library.Report, error) {
	data, err := io.ReadAll(in)
	k.req, k.body = req, string(data)
	if req.Name == "" {
		return library.Report{}, fault.New(fault.Invalid, "no name").WithHint("give one")
	}
	return library.Report{Feed: library.Feed{Name: req.Name, Indicators: 3}, Read: 4}, err
}

func (*knower) IntelFeeds(context.Context) ([]library.Feed, error) {
	return []library.Feed{{Name: "one", Indicators: 3}}, nil
}

func (k *knower) LookupIntel(_ context.Context, values []string, at time.Time) ([]api.IntelAnswer, error) {
	k.at = at
	return []api.IntelAnswer{{Asked: values[0], Hits: []intel.Hit{{Indicator: intel.Indicator{Type: intel.Domain, Value: "evil.example", Source: "one", TLP: intel.Amber}}}}}, nil
}

func (*knower) AllowIntel(_ context.Context, req api.IntelAllow) ([]library.Allowed, error) {
	if req.Actor == "" {
		return nil, fault.New(fault.Denied, "nobody may not")
	}
	return []library.Allowed{{Type: intel.IP, Value: req.Values[0], By: req.Actor, Why: req.Why}}, nil
}

func (*knower) RemoveIntel(_ context.Context, _, name string) error {
	return fault.New(fault.NotFound, "there is no feed %q", name)
}

func TestIntelRoutes(t *testing.T) {
	h := api.Local(&knower{})
	tests := []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", `/local/intel/import?request={"name":"one"}`, "x", 200, `"indicators":3`},
		{"POST", `/local/intel/import?request={"name":""}`, "x", 400, `"hint":"give one"`},
		{"POST", "/local/intel/import", "x", 400, "reading the request"},
		{"GET", "/local/intel/import", "", 405, "Method Not Allowed"},
		{"GET", "/local/intel/feeds", "", 200, `"name":"one"`},
		{"POST", "/local/intel/feeds", "", 405, "Method Not Allowed"},
		{"POST", "/local/intel/lookup", `{"values":["x"]}`, 200, `"type":"domain"`},
		{"POST", "/local/intel/lookup", `{"other":1}`, 400, "reading the request"},
		{"GET", "/local/intel/lookup", "", 405, "Method Not Allowed"},
		{"POST", "/local/intel/allow", `{"actor":"me","values":["203.0.113.9"]}`, 200, `"by":"me"`},
		{"POST", "/local/intel/allow", `{"values":["203.0.113.9"]}`, 403, "nobody may not"},
		{"GET", "/local/intel/allow", "", 405, "Method Not Allowed"},
		{"POST", "/local/intel/remove", `{"Name":"x"}`, 404, "there is no feed"},
		{"GET", "/local/intel/remove", "", 405, "Method Not Allowed"},
	}
	for _, tt := range tests {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), tt.method, tt.path, strings.NewReader(tt.body)))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s %s: %d %s, want %d with %s", tt.method, tt.path, w.Code, w.Body, tt.status, tt.want)
		}
	}
}

// What the client hands over and back is what the service sees and says.
func TestIntelOverTheSocket(t *testing.T) {
	dir := t.TempDir()
	k := &knower{}
	srv := httptest.NewUnstartedServer(api.Local(k))
	srv.Listener = listen(t, dir)
	srv.Start()
	defer srv.Close()
	c, err := api.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	req := library.Request{Name: "one", Confidence: 70, Expires: time.Hour, By: "me"}
	rep, err := c.ImportIntel(t.Context(), req, strings.NewReader("the stream"))
	if err != nil || rep.Indicators != 3 || k.body != "the stream" || k.req != req {
		t.Errorf("%+v %v, body %q, %+v", rep, err, k.body, k.req)
	}
	feeds, err := c.IntelFeeds(t.Context())
	if err != nil || len(feeds) != 1 {
		t.Error(feeds, err)
	}
	at := time.Unix(1, 0).UTC()
	got, err := c.LookupIntel(t.Context(), []string{"x"}, at)
	want, _ := k.LookupIntel(t.Context(), []string{"x"}, at)
	if diff := cmp.Diff(want, got); diff != "" || err != nil || !k.at.Equal(at) {
		t.Error(diff, err)
	}
	allowed, err := c.AllowIntel(t.Context(), api.IntelAllow{Actor: "me", Values: []string{"203.0.113.9"}})
	if err != nil || len(allowed) != 1 || allowed[0].Type != intel.IP {
		t.Error(allowed, err)
	}
	if err := c.RemoveIntel(t.Context(), "me", "x"); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
}
