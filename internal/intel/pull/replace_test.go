package pull_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"vedette/internal/fault"
	"vedette/internal/intel/pull"
)

// A source that is changed while it is pulled is broken off and nothing of it counts;
// one that is the same goes on from where it was; one that cannot be changes nothing.
func TestReplace(t *testing.T) {
	begun, hang := make(chan struct{}, 8), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			begun <- struct{}{}
			select {
			case <-hang:
			case <-r.Context().Done():
			}
			return
		}
		_, _ = io.WriteString(w, "one")
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(hang) })
	r := newRig(t, pull.Indicators, srv.URL+"/quick", nil)
	if h, err := r.Pull(t.Context(), "s", false); err != nil || h.State != "ok" {
		t.Fatalf("%+v, %v", h, err)
	}
	slow := pull.Source{Name: "slow", Kind: pull.Indicators, URL: srv.URL + "/slow", Every: time.Hour, Plain: true, Inside: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	both := append(r.Sources(), slow)
	if err := r.Replace(both); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { _, err := r.Pull(t.Context(), "slow", false); done <- err }()
	<-begun
	other := both[0]
	other.Every = 2 * time.Hour
	if err := r.Replace([]pull.Source{other, slow}); err != nil { // another one changes: it goes on
		t.Fatal(err)
	}
	select {
	case err := <-done:
		t.Fatalf("broken off though it is the same: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	slow.Paused = true
	if err := r.Replace([]pull.Source{other, slow}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; fault.KindOf(err) != fault.Conflict {
		t.Errorf("paused while it is pulled: %v", err)
	}
	if _, err := r.Pull(t.Context(), "slow", false); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a paused one is pulled: %v", err)
	}
	for _, h := range r.Health() {
		if h.Name == "slow" && (!h.Paused || h.Failures != 0) || h.Name == "s" && (h.Paused || h.State != "ok") {
			t.Errorf("%+v", h)
		}
	}
	if err := r.Replace([]pull.Source{{Name: "s", Kind: "x"}}); err == nil || len(r.Sources()) != 2 {
		t.Errorf("what cannot be pulled: %v, %v", err, r.Sources())
	}
	if err := r.Replace([]pull.Source{other, other}); err == nil {
		t.Error("two of one name")
	}
}

// A probe tells what a source answers, takes in nothing, and is led nowhere.
func TestProbe(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
		case "/none":
			w.WriteHeader(http.StatusNotFound)
		default:
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "one")
		}
	}))
	t.Cleanup(srv.Close)
	r := newRig(t, pull.Indicators, srv.URL+"/list", nil)
	src := r.Sources()[0]
	if got, err := r.Probe(t.Context(), src); err != nil || got.Status != "200 OK" || got.Type != "text/plain" || got.Bytes != 3 || r.taker.calls != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	none, away, inside := src, src, src
	none.URL, away.URL, inside.Inside = srv.URL+"/none", srv.URL+"/away", nil
	if got, err := r.Probe(t.Context(), none); err != nil || got.Status != "404 Not Found" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := r.Probe(t.Context(), away); err == nil {
		t.Errorf("it is led elsewhere: %+v", got)
	}
	if got, err := r.Probe(t.Context(), inside); err == nil {
		t.Errorf("an address that is not on the internet: %+v", got)
	}
}
