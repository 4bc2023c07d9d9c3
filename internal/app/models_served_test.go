package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"vedette/internal/api"
	"vedette/internal/model"
)

// A server that serves other weights under an approved name has lost the
// approval, and a server that is away has not.
func TestServedDigestIsWatched(t *testing.T) {
	for _, told := range []string{"tiny:1b", "tiny:latest"} {
		t.Run(told, func(t *testing.T) { watchServed(t, strings.TrimSuffix(told, ":latest"), told) })
	}
}

func watchServed(t *testing.T, name, told string) {
	t.Helper()
	var digest atomic.Value
	digest.Store(strings.Repeat("a", 64))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/api/version":
			fmt.Fprint(w, `{"version":"0.12.0"}`)
		case "/api/tags":
			fmt.Fprintf(w, `{"models":[{"name":%q,"digest":%q,"size":1000}]}`, told, digest.Load())
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	at := model.Endpoint{Name: "local", Wire: model.OpenAI, URL: srv.URL + "/v1", Model: name, Location: model.OnPremises}
	a, err := Open(t.Context(), Config{Dir: t.TempDir(), Endpoints: []model.Endpoint{at}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	p := api.ModelProposal{ID: "tiny", By: "ann", Why: "w", Endpoint: &api.ModelEndpoint{Name: "local", Served: "sha256:" + strings.Repeat("a", 64)}}
	if _, err := a.ProposeModel(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if _, err := a.DecideModel(t.Context(), api.ModelDecision{Action: api.ModelApprove, ID: "tiny", By: "bob", Why: "w"}); err != nil {
		t.Fatal(err)
	}
	admitted := func(want bool) {
		t.Helper()
		a.observeServed(t.Context())
		if _, err := a.models.Admit(t.Context(), at); (err == nil) != want {
			t.Fatalf("admitted is not %v: %v", want, err)
		}
	}
	admitted(true)
	digest.Store("short and odd") // tells nothing
	admitted(true)
	digest.Store(strings.Repeat("b", 64))
	admitted(false)
	srv.Close()
	admitted(false)
}
