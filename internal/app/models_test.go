package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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
	if err := os.WriteFile(path, registertest.Tiny().Set("tokenizer.ggml.tokens", []string{"a", "b", "[[steer]]", "<|im_end|>", "x"}).Bytes(), 0o600); err != nil {
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
	odd := model.Endpoint{Name: "here", Model: "tiny", Family: "none"}
	if n := a.neutraliser(odd); strings.Contains(n.Clean("a [[steer]] b", 100), "[[steer]]") || n != a.neutraliser(odd) {
		t.Error("the control tokens of the model's own header are not taken out, or the neutraliser is made each time")
	}
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

// serverKey makes a certificate for 127.0.0.1 that vouches for itself.
func serverKey(t *testing.T, serial int64) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: strconv.FormatInt(serial, 10)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// A server with another key than the one that was pinned gets no byte of a
// question, though its certificate is a good one.
func TestPinnedKey(t *testing.T) {
	ours, other := serverKey(t, 1), serverKey(t, 2)
	var now atomic.Pointer[tls.Certificate]
	now.Store(&ours)
	var asked atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "no", http.StatusBadRequest)
	}))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*now.Load()}}, nil
	}}
	srv.StartTLS()
	defer srv.Close()
	roots := filepath.Join(t.TempDir(), "roots.pem")
	var file []byte
	for _, c := range []tls.Certificate{ours, other} {
		file = append(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})...)
	}
	if err := os.WriteFile(roots, file, 0o600); err != nil {
		t.Fatal(err)
	}
	a := settings(t, "models: {mode: on-premises, endpoints: [{name: here, url: '"+srv.URL+"/v1', model: x, location: on-premises, ca_file: '"+roots+"'}]}")
	m, err := a.ProposeModel(t.Context(), api.ModelProposal{ID: "x", By: "ann", Why: "w", Endpoint: &api.ModelEndpoint{Name: "here"}})
	if err != nil || !m.Endpoint.Trusted {
		t.Fatalf("%+v, %v", m.Endpoint, err)
	}
	if _, err := a.DecideModel(t.Context(), api.ModelDecision{Action: api.ModelApprove, ID: "x", By: "bob", Why: "w"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.askCanary(t.Context(), "here", "one?"); err == nil || asked.Load() == 0 {
		t.Fatalf("the pinned server was asked %d times, %v", asked.Load(), err)
	}
	asked.Store(0)
	now.Store(&other)
	_, err = a.askCanary(t.Context(), "here", "one?")
	moved, ok := errors.AsType[*model.Error](err)
	if !ok || moved.Kind != model.Moved || asked.Load() != 0 {
		t.Errorf("a server with another key was asked %d times, %v", asked.Load(), err)
	}
}

// The keys that the site trusts come from the configuration.
func TestSigningKeys(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key.pub")
	der, err := x509.MarshalPKIXPublicKey(serverKey(t, 1).PrivateKey.(*ecdsa.PrivateKey).Public())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	model := filepath.Join(dir, "tiny.gguf")
	if err := os.WriteFile(model, registertest.Tiny().Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	a := settings(t, "models: {require_signature: true, signing_keys: ['"+key+"']}")
	if _, err := a.ProposeModel(t.Context(), api.ModelProposal{ID: "x", By: "ann", Why: "w", Path: model}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.DecideModel(t.Context(), api.ModelDecision{Action: api.ModelApprove, ID: "x", By: "bob", Why: "w"}); fault.KindOf(err) != fault.Denied {
		t.Errorf("unsigned: %v", err)
	}
	if _, err := Open(t.Context(), Config{Dir: filepath.Join(dir, "d"), Mind: Mind{SigningKeys: []string{model}}}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a key that is none: %v", err)
	}
}
