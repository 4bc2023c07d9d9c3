package register_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/model/register"
	"vedette/internal/model/register/registertest"
	"vedette/internal/model/register/signing"
	"vedette/internal/model/register/tree"
)

// Big files do not hold a call up: it is told to come back, and is let through
// once they were read.
func TestBigFilesDoNotBlock(t *testing.T) {
	s := newSite(t)
	path := s.gguf(t, "big.gguf")
	if err := os.Truncate(path, 48<<20); err != nil {
		t.Fatal(err)
	}
	s.propose(t, "tiny", path, bound(here()))
	s.approve(t, "tiny")
	s.cfg.Patience = time.Nanosecond
	s.reopen(t)
	began := time.Now()
	_, err := s.Admit(t.Context(), here())
	took := time.Since(began)
	m, ok := errors.AsType[*model.Error](err)
	if !ok || m.Kind != model.Loading || m.RetryAfter == 0 {
		t.Fatalf("admitted at once: %v", err)
	}
	if took > 5*time.Second { // reading takes as long on a busy machine
		t.Errorf("it took %v", took)
	}
	s.Recheck(t.Context())
	s.admitted(t, here())
	// A register that is closed while it reads leaves nothing behind.
	s.reopen(t)
	if _, err := s.Admit(t.Context(), here()); err == nil {
		t.Error("admitted before its files were read")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Admit(t.Context(), here()); err == nil {
		t.Error("admitted by a closed register")
	}
}

func TestConcurrentCalls(t *testing.T) {
	s := newSite(t)
	s.propose(t, "tiny", s.gguf(t, "tiny.gguf"), bound(here()))
	s.approve(t, "tiny")
	s.reopen(t)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 20 {
				if _, err := s.Admit(t.Context(), here()); err != nil {
					t.Error(err)
				}
				s.List()
			}
		})
	}
	all.Go(func() { s.Recheck(t.Context()) })
	all.Wait()
}

// sign signs a model with a new key.
func sign(t *testing.T, path, except string) (bundle []byte, key *signing.Key) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := signing.PublicPEM(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if key, err = signing.ParseKey("maker", pem); err != nil {
		t.Fatal(err)
	}
	m, err := tree.Open(path, tree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if bundle, err = signing.Sign(t.Context(), m, private, 0, except); err != nil {
		t.Fatal(err)
	}
	return bundle, key
}

func TestSignedModels(t *testing.T) {
	s := newSite(t, func(c *register.Config) { c.RequireSigned = true })
	path := s.gguf(t, "tiny.gguf")
	s.propose(t, "tiny", path, bound(here()))
	if _, err := s.Approve(t.Context(), "tiny", "bob", "w"); fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "has no signature") {
		t.Errorf("unsigned: %v", err)
	}
	bundle, key := sign(t, path, "")
	p := register.Proposal{ID: "tiny", By: "ann", Why: "w", Path: path, Endpoint: bound(here()), Signature: bundle}
	if _, err := s.Propose(t.Context(), p); fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "no key is trusted") {
		t.Errorf("without keys: %v", err)
	}
	_, other := sign(t, path, "")
	p.Keys = []*signing.Key{other}
	if _, err := s.Propose(t.Context(), p); fault.KindOf(err) != fault.Denied {
		t.Errorf("by another key: %v", err)
	}
	p.Keys = []*signing.Key{other, key}
	e, err := s.Propose(t.Context(), p)
	if err != nil || e.Files.Signature == nil || e.Files.Signature.Fingerprint != key.Fingerprint || len(e.Unverifiable()) != 2 {
		t.Fatalf("signed: %+v, %v", e.Files, err)
	}
	if _, err := s.Approve(t.Context(), "tiny", "bob", "w"); fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "none of those that this site trusts") {
		t.Errorf("by a key of the proposer's own: %v", err)
	}
	s.cfg.Keys = []*signing.Key{other, key}
	s.reopen(t)
	s.approve(t, "tiny")
	s.admitted(t, here())
	s.cfg.Keys = []*signing.Key{other} // the key is trusted no more
	s.reopen(t)
	s.refused(t, here(), "none of those that this site trusts")
	s.cfg.Keys = []*signing.Key{key}
	s.reopen(t)
	s.admitted(t, here())
	got, err := s.Verify(t.Context(), "tiny")
	if err != nil || len(got) != 5 || !got[0].OK || !got[1].OK || got[2].Name != "signature" {
		t.Errorf("verified: %+v, %v", got, err)
	}
	if err := os.WriteFile(path, registertest.Tiny().Set("general.name", "evil").Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Propose(t.Context(), p); fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "not as it was signed") {
		t.Errorf("changed: %v", err)
	}
	if got, err = s.Verify(t.Context(), "tiny"); err != nil || got[1].OK || got[2].OK {
		t.Errorf("verified after a change: %+v, %v", got, err)
	}
}

func TestCard(t *testing.T) {
	at := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	card, canaries, err := register.ParseCard([]byte(`
trained_where: {answer: "Example Labs, Paris", by: vendor, at: 2026-01-02}
trained_on: {answer: "public web text", mark: declared}
upkeep: {answer: "ann", mark: verified, evidence: "contract 7"}
canaries:
  - {question: "What is 2+2?", expect: "4"}
  - question: "Name the planets"
`), "ann", at)
	if err != nil || len(canaries) != 2 {
		t.Fatalf("%+v, %v", canaries, err)
	}
	var marks []string
	for _, q := range card.Questions() {
		marks = append(marks, q.Key+" "+string(q.Answer.Mark)+" "+q.Answer.By)
	}
	if got := strings.Join(marks, "; "); got != "trained_where declared vendor; trained_on declared ann; refreshed unknown ; upkeep verified ann; protections unknown " {
		t.Errorf("marks: %s", got)
	}
	for text, want := range map[string]string{
		"- a":                                                 "reading a model card",
		"trained: {answer: x}":                                "reading a model card",
		"upkeep: {answer: x, mark: verified}":                 "names no evidence",
		"upkeep: {answer: x, mark: unknown}":                  "has an answer and the mark unknown",
		"upkeep: {mark: declared}":                            "has no answer",
		"canaries: [{expect: x}]":                             "has no question",
		"upkeep: {answer: " + strings.Repeat("x", 3000) + "}": "too long",
		strings.Repeat("#", 70_000):                           "the limit is",
		"a: &a [x,x]\nb: &b [*a,*a]\nupkeep: *b":              "reading a model card",
	} {
		if _, _, err := register.ParseCard([]byte(text), "ann", at); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
	if _, _, err := register.ParseCard(nil, "ann", at); err != nil {
		t.Errorf("empty: %v", err)
	}
}

func TestCanaries(t *testing.T) {
	s := newSite(t)
	if _, err := s.Propose(t.Context(), register.Proposal{
		ID: "big", By: "ann", Why: "w", Endpoint: bound(there()),
		Card: []byte(`canaries: [{question: "one"}, {question: "two", expect: "zwei"}, {question: "three"}]`),
	}); err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{"one": "first  Answer", "two": "zwei words", "three": "third"}
	ask := func(_ context.Context, q string) (string, error) {
		if answers[q] == "" {
			return "", fault.New(fault.Unavailable, "it is down")
		}
		return answers[q], nil
	}
	d, err := s.Probe(t.Context(), "big", "bob", ask)
	if err != nil || d.Same != 3 || d.Missed != 0 {
		t.Fatalf("first: %+v, %v", d, err)
	}
	answers["one"], answers["two"], answers["three"] = "FIRST answer", "drei words", ""
	if d, err = s.Probe(t.Context(), "big", "bob", ask); err != nil || d.Same != 1 || d.SameNow != 1 || d.Missed != 2 || d.Answers[0].Similarity != 1 || d.Answers[1].Similarity >= 0.5 || d.Answers[2].Problem != "it is down" {
		t.Errorf("drifted: %+v, %v", d, err)
	}
	if got, err := s.Verify(t.Context(), "big"); err != nil || !got[len(got)-1].OK || !got[len(got)-1].Look {
		t.Errorf("drift is a gate, or is not shown: %+v, %v", got, err)
	}
	for range 30 {
		if _, err := s.Probe(t.Context(), "big", "bob", func(context.Context, string) (string, error) { return strings.Repeat("x", 5000) + "\xff", nil }); err != nil {
			t.Fatal(err)
		}
	}
	e, err := s.Get("big")
	if err != nil || len(e.Drift) != 20 || e.Drift[0].Answers[0].Answer != "first  Answer" || len(e.Drift[19].Answers[0].Answer) != 2000 {
		t.Errorf("kept %d runs, %v", len(e.Drift), err)
	}
	s.propose(t, "tiny", s.gguf(t, "tiny.gguf"), nil)
	if _, err := s.Probe(t.Context(), "tiny", "bob", ask); fault.KindOf(err) != fault.NotFound {
		t.Errorf("without canaries: %v", err)
	}
}

func TestAttach(t *testing.T) {
	s := newSite(t)
	s.propose(t, "big", "", bound(there()))
	s.approve(t, "big")
	e, err := s.Attach(t.Context(), "big", "ann", "ran it", "grounding", "run.json", []byte(`{"model":"x","recall":0.99,"deep":{"rate":2,"deeper":{"n":3,"deepest":{"m":4}}}}`))
	if err != nil || len(e.Evaluations) != 1 {
		t.Fatalf("%+v, %v", e, err)
	}
	ev := e.Evaluations[0]
	if len(ev.Figures) != 3 || ev.Figures["recall"] != 0.99 || ev.Figures["deep.rate"] != 2 || ev.Figures["deep.deeper.n"] != 3 || len(ev.SHA256) != 64 || e.State != register.Approved {
		t.Errorf("%+v", ev)
	}
	s.admitted(t, there())
	s.reopen(t)
	s.admitted(t, there())
	for _, raw := range []string{"", "[]", "{"} {
		if _, err := s.Attach(t.Context(), "big", "ann", "w", "n", "r", []byte(raw)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

// A digest that an endpoint tells can take an approval away and never give one.
func TestObserve(t *testing.T) {
	s := newSite(t)
	at := bound(there())
	at.Served = "sha256:aa"
	s.propose(t, "big", "", at)
	s.Observe(there(), []model.Served{{Name: "big-1", Digest: "sha256:aa"}})
	s.refused(t, there(), "proposed and not approved")
	s.approve(t, "big")
	s.Observe(there(), []model.Served{{Name: "other", Digest: "sha256:bb"}, {Name: "big-1"}})
	s.admitted(t, there())
	s.Observe(there(), []model.Served{{Name: "big-1", Digest: "sha256:bb"}})
	s.refused(t, there(), `tells the digest "sha256:bb"`)
	s.Observe(there(), []model.Served{{Name: "big-1", Digest: "sha256:aa"}})
	s.refused(t, there(), "tells the digest")
	at.Served = "sha256:bb"
	s.propose(t, "big", "", at)
	s.approve(t, "big")
	s.admitted(t, there())
}

// The key of a server is pinned and held against later connections.
func TestPins(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	pin, trusted, err := register.Identify(t.Context(), srv.URL+"/v1", register.PinLeaf, nil)
	if err != nil || trusted || pin != register.PinOf(srv.Certificate()) {
		t.Fatalf("pin %s, trusted %v, %v", pin, trusted, err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	if _, trusted, err := register.Identify(t.Context(), srv.URL, register.PinLeaf, roots); err != nil || !trusted {
		t.Errorf("with a root of our own: trusted %v, %v", trusted, err)
	}
	connect := func(pins []string) error {
		client := srv.Client()
		transport, ok := client.Transport.(*http.Transport)
		if !ok {
			t.Fatal("no transport")
		}
		transport = transport.Clone()
		transport.TLSClientConfig.VerifyConnection = register.CheckPins(pins)
		defer transport.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	if len(pin) != 7+64 || !strings.HasPrefix(pin, "sha256:") {
		t.Errorf("pin %q", pin)
	}
	if err := connect([]string{pin}); err != nil {
		t.Errorf("the pinned server: %v", err)
	}
	if err := connect(nil); err != nil {
		t.Errorf("without pins: %v", err)
	}
	if err := connect([]string{"x"}); fault.KindOf(err) != fault.Denied {
		t.Errorf("another server: %v", err)
	}
	if _, _, err := register.Identify(t.Context(), srv.URL, register.PinIssuer, nil); fault.KindOf(err) != fault.Invalid {
		t.Errorf("without an issuer: %v", err)
	}
	if pin, _, err := register.Identify(t.Context(), "http://127.0.0.1:1/", register.PinLeaf, nil); err != nil || pin != "" {
		t.Errorf("plain http: %q, %v", pin, err)
	}
	if _, _, err := register.Identify(t.Context(), "https://127.0.0.1:1/", register.PinLeaf, nil); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("nobody there: %v", err)
	}
	if _, _, err := register.Identify(t.Context(), "::", register.PinLeaf, nil); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no address: %v", err)
	}
	// A certificate that somebody put into a chain without having issued it counts
	// for nothing.
	if other := stranger(t); register.CheckPins([]string{register.PinOf(other)})(tls.ConnectionState{PeerCertificates: []*x509.Certificate{srv.Certificate(), other}}) == nil {
		t.Error("a strange certificate in the chain is taken")
	}
	s := newSite(t)
	at := bound(there())
	pin = register.PinOf(srv.Certificate())
	at.Pins = []string{pin}
	s.propose(t, "big", "", at)
	if got := s.Pins(there()); len(got) != 1 || got[0] != pin {
		t.Errorf("pins: %q", got)
	}
	if err := s.VerifyConnection(there())(tls.ConnectionState{PeerCertificates: []*x509.Certificate{stranger(t)}}); fault.KindOf(err) != fault.Denied {
		t.Errorf("another key at the endpoint: %v", err)
	}
	if err := s.VerifyConnection(there())(tls.ConnectionState{PeerCertificates: []*x509.Certificate{srv.Certificate()}}); err != nil {
		t.Errorf("the key that was pinned: %v", err)
	}
	if got := s.Pins(here()); got != nil {
		t.Errorf("pins of nothing: %q", got)
	}
}

// stranger makes a certificate that issued nothing.
func stranger(t *testing.T) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Texts of a header reach the register as they are, bounded; whoever shows them
// makes them harmless.
func TestHostileHeader(t *testing.T) {
	s := newSite(t)
	path := filepath.Join(s.dir, "m.gguf")
	g := registertest.Tiny().Set("general.name", "a\x1b[2J\u202e"+strings.Repeat("x", 5000)).Set("general.license", "\u009b31m").
		Set("tokenizer.chat_template", strings.Repeat("{{ x }}", 50_000))
	if err := os.WriteFile(path, g.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	e := s.propose(t, "m", path, nil)
	f := e.Files.Facts
	if len(f.Name) > 300 || len(f.Template) != 64<<10 || f.TemplateBytes != 350_000 || f.TemplateSHA == "" {
		t.Errorf("name of %d bytes, template of %d", len(f.Name), len(f.Template))
	}
}
