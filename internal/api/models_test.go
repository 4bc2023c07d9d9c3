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
)

// registrar answers about models; the other services are not asked.
type registrar struct {
	api.Service
	proposal api.ModelProposal
	decision api.ModelDecision
	verified api.ModelVerification
}

func (*registrar) Models(context.Context) ([]api.Model, error) {
	return []api.Model{{ID: "one", State: "approved"}}, nil
}

func (*registrar) Model(_ context.Context, id string) (api.Model, error) {
	if id != "one" {
		return api.Model{}, fault.New(fault.NotFound, "there is no model %q", id)
	}
	return api.Model{
		ID: id, State: "approved", Files: &api.ModelFiles{Digest: "sha256:x", Bytes: 1 << 40},
		History: []api.ModelStep{{At: time.Unix(5, 0).UTC(), By: "ann", Audit: 7}},
	}, nil
}

func (r *registrar) ProposeModel(ctx context.Context, p api.ModelProposal) (api.Model, error) {
	if r.proposal = p; p.By == "" {
		return api.Model{}, fault.New(fault.Invalid, "no person").WithHint("say who")
	}
	return r.Model(ctx, "one")
}

func (r *registrar) DecideModel(ctx context.Context, d api.ModelDecision) (api.Model, error) {
	if r.decision = d; d.By == "" {
		return api.Model{}, fault.New(fault.Denied, "nobody may not")
	}
	return r.Model(ctx, d.ID)
}

func (r *registrar) VerifyModel(_ context.Context, v api.ModelVerification) ([]api.ModelFinding, error) {
	r.verified = v
	return []api.ModelFinding{{Name: "files", Mark: "verified", OK: true, Text: "t"}}, nil
}

func (*registrar) ExportModels(_ context.Context, ids []string, out io.Writer) error {
	if len(ids) > 0 && ids[0] != "one" {
		return fault.New(fault.NotFound, "there is no model %q", ids[0])
	}
	_, err := io.WriteString(out, `{"bomFormat":"CycloneDX"}`)
	return err
}

func TestModelRoutes(t *testing.T) {
	h := api.Local(&registrar{})
	tests := []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/local/models", "", 200, `"id":"one"`},
		{"GET", "/local/models?id=one", "", 200, `"audit_entry":7`},
		{"GET", "/local/models?id=two", "", 404, "there is no model"},
		{"POST", "/local/models", "", 405, "Method Not Allowed"},
		{"POST", "/local/models/propose", `{"id":"one","by":"ann","why":"w","endpoint":{"name":"n"}}`, 200, `"id":"one"`},
		{"POST", "/local/models/propose", `{"id":"one"}`, 400, `"hint":"say who"`},
		{"POST", "/local/models/propose", `{"state":"approved"}`, 400, "reading the request"},
		{"GET", "/local/models/propose", "", 405, "Method Not Allowed"},
		{"POST", "/local/models/decide", `{"action":"approve","id":"one","by":"bob","why":"w"}`, 200, `"state":"approved"`},
		{"POST", "/local/models/decide", `{"action":"approve","id":"one"}`, 403, "nobody may not"},
		{"POST", "/local/models/decide", `{"verb":"approve"}`, 400, "reading the request"},
		{"GET", "/local/models/decide", "", 405, "Method Not Allowed"},
		{"POST", "/local/models/verify", `{"id":"one"}`, 200, `"mark":"verified"`},
		{"GET", "/local/models/verify", "", 405, "Method Not Allowed"},
		{"GET", "/local/models/export", "", 200, `"bomFormat"`},
		{"GET", "/local/models/export?id=two", "", 404, "there is no model"},
		{"POST", "/local/models/export", "", 405, "Method Not Allowed"},
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
func TestModelsOverTheSocket(t *testing.T) {
	dir := t.TempDir()
	k := &registrar{}
	srv := httptest.NewUnstartedServer(api.Local(k))
	srv.Listener = listen(t, dir)
	srv.Start()
	defer srv.Close()
	c, err := api.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want, _ := k.Model(t.Context(), "one")
	p := api.ModelProposal{
		ID: "one", By: "ann", Why: "w", Path: "/m", Signature: []byte("{}"), Keys: []api.ModelKey{{Name: "k", PEM: []byte("x\x00")}},
		Endpoint: &api.ModelEndpoint{Name: "n", URL: "u", Model: "m", Location: "cloud", Pins: []string{"a="}}, Pin: "issuer", Card: []byte("c"),
	}
	got, err := c.ProposeModel(t.Context(), p)
	if diff := cmp.Diff(want, got) + cmp.Diff(p, k.proposal); diff != "" || err != nil {
		t.Error(diff, err)
	}
	d := api.ModelDecision{Action: api.ModelAttach, ID: "one", By: "bob", Why: "w", Name: "n", Ref: "r", Result: []byte("{}")}
	got, err = c.DecideModel(t.Context(), d)
	if diff := cmp.Diff(want, got) + cmp.Diff(d, k.decision); diff != "" || err != nil {
		t.Error(diff, err)
	}
	v := api.ModelVerification{ID: "one", By: "bob", Ask: true}
	found, err := c.VerifyModel(t.Context(), v)
	if err != nil || len(found) != 1 || !found[0].OK || k.verified != v {
		t.Error(found, err, k.verified)
	}
	if list, err := c.Models(t.Context()); err != nil || len(list) != 1 {
		t.Error(list, err)
	}
	if _, err := c.Model(t.Context(), "two"); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
	var out strings.Builder
	if err := c.ExportModels(t.Context(), []string{"one"}, &out); err != nil || out.String() != `{"bomFormat":"CycloneDX"}` {
		t.Errorf("%q, %v", out.String(), err)
	}
	if err := c.ExportModels(t.Context(), []string{"two"}, &out); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
}
