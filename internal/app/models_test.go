package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/model/register/registertest"
)

// The register lives in the data directory: what was approved is in force
// after a restart, an endpoint is what the configuration says, its key is
// pinned, and canary questions go through the door.
func TestModels(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	here := model.Endpoint{Name: "here", Wire: model.OpenAI, URL: srv.URL + "/v1", Model: "tiny", Location: model.OnPremises}
	dir := t.TempDir()
	path := filepath.Join(dir, "tiny.gguf")
	if err := os.WriteFile(path, registertest.Tiny().Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Dir: filepath.Join(dir, "d"), Endpoints: []model.Endpoint{here}}
	a, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	p := api.ModelProposal{ID: "tiny", By: "ann", Why: "w", Path: path, Endpoint: &api.ModelEndpoint{Name: "here"}, Card: []byte(`canaries: [{question: "one?"}]`)}
	m, err := a.ProposeModel(t.Context(), p)
	if err != nil || m.Endpoint.URL != here.URL || m.Endpoint.Model != "tiny" || len(m.Endpoint.Pins) != 1 || m.Endpoint.Trusted || m.Files.Context != 2048 {
		t.Fatalf("%+v, %v", m.Endpoint, err)
	}
	if _, err := a.models.Admit(t.Context(), here); err == nil {
		t.Error("admitted before it was approved")
	}
	if _, err := a.DecideModel(t.Context(), api.ModelDecision{Action: api.ModelApprove, ID: "tiny", By: "bob", Why: "w"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.DecideModel(t.Context(), api.ModelDecision{Action: "bless", ID: "tiny", By: "bob", Why: "w"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an unknown decision: %v", err)
	}
	if _, err := a.VerifyModel(t.Context(), api.ModelVerification{ID: "tiny", Ask: true}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("asked without a door: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if a, err = Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	a.RecheckModels(t.Context())
	if approval, err := a.models.Admit(t.Context(), here); err != nil || !strings.Contains(approval, "approved by bob") {
		t.Errorf("%q, %v", approval, err)
	}
	a.askModel = func(_ context.Context, endpoint, question string) (string, error) { return endpoint + question, nil }
	found, err := a.VerifyModel(t.Context(), api.ModelVerification{ID: "tiny", By: "bob", Ask: true})
	if err != nil || !found[0].OK || found[len(found)-1].Name != "canaries" {
		t.Errorf("%+v, %v", found, err)
	}
	m, err = a.Model(t.Context(), "tiny")
	if err != nil || len(m.Drift) != 1 || m.Drift[0].Answers[0].Answer != "hereone?" || len(m.Canaries) != 1 {
		t.Errorf("%+v, %v", m.Drift, err)
	}
	var out strings.Builder
	if err := a.ExportModels(t.Context(), nil, &out); err != nil || !strings.Contains(out.String(), `"bom-ref": "model:tiny"`) {
		t.Errorf("%s, %v", out.String(), err)
	}
	for pin, kind := range map[string]fault.Kind{"moon": fault.Invalid, "issuer": fault.Invalid} {
		p.Pin = pin
		if _, err := a.ProposeModel(t.Context(), p); fault.KindOf(err) != kind {
			t.Errorf("pin %s: %v", pin, err)
		}
	}
}
