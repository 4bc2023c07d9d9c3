package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vedette/internal/model"
)

func noWait(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }

func TestInside(t *testing.T) {
	site := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	for text, want := range map[string]bool{
		"127.0.0.1": true, "::1": true, "10.1.2.3": true, "172.16.0.1": true, "192.168.9.9": true, "fd00::1": true, "203.0.113.7": true,
		"::ffff:10.0.0.1": true, "::ffff:203.0.113.1": true,
		"8.8.8.8": false, "172.32.0.1": false, "169.254.169.254": false, "fe80::1": false, "0.0.0.0": false, "::": false,
		"::ffff:8.8.8.8": false, "64:ff9b::a00:1": false, "2001:db8::1": false, "224.0.0.1": false, "100.64.0.1": false,
	} {
		if got := Inside(netip.MustParseAddr(text), site); got != want {
			t.Errorf("%s: got %v", text, got)
		}
	}
}

// Where an on-premises name leads is asked for each request, and a name that
// leads out of the house is not followed.
func TestPinned(t *testing.T) {
	var hits atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{}`)
	}))
	defer s.Close()
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	var answer []netip.Addr
	lookup := func(context.Context, string) ([]netip.Addr, error) { return answer, nil }
	// A proxy of the environment must not be taken to the house.
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")
	t.Setenv("http_proxy", "http://192.0.2.1:1")
	c, err := New(model.Endpoint{Name: "e", URL: "http://model.plant.example" + port, Location: model.OnPremises}, Auth{}, Options{Lookup: lookup, Sleep: noWait})
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr
	for _, tt := range []struct {
		name   string
		answer []netip.Addr
		want   model.Kind
	}{
		{"inside", []netip.Addr{addr("127.0.0.1")}, 0},
		{"mixed", []netip.Addr{addr("198.51.100.1"), addr("127.0.0.1")}, 0},
		{"moved-out", []netip.Addr{addr("198.51.100.1")}, model.Moved},
		{"metadata", []netip.Addr{addr("169.254.169.254")}, model.Moved},
		{"mapped", []netip.Addr{addr("::ffff:198.51.100.1")}, model.Moved},
		{"none", nil, model.Moved},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer = tt.answer
			before := hits.Load()
			var into struct{}
			err := c.Call(t.Context(), "x", nil, nil, &into)
			var e *model.Error
			if tt.want == 0 && (err != nil || hits.Load() != before+1) || tt.want != 0 && (!errors.As(err, &e) || e.Kind != tt.want || hits.Load() != before) {
				t.Errorf("got %v, %d requests", err, hits.Load()-before)
			}
		})
	}
}

// A cloud endpoint without TLS is spoken to in the house only.
func TestClearText(t *testing.T) {
	lookup := func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("198.51.100.1")}, nil
	}
	c, err := New(model.Endpoint{Name: "e", URL: "http://api.example", Location: model.Cloud}, Auth{}, Options{Lookup: lookup, Sleep: noWait})
	if err != nil {
		t.Fatal(err)
	}
	var e *model.Error
	if err := c.Call(t.Context(), "x", nil, nil, new(struct{})); !errors.As(err, &e) || e.Kind != model.Moved {
		t.Errorf("got %v", err)
	}
}

func TestRefusedEndpoints(t *testing.T) {
	for _, e := range []model.Endpoint{
		{URL: "", Location: model.Cloud},
		{URL: "ftp://x", Location: model.Cloud},
		{URL: "https://user:pass@host/v1", Location: model.Cloud},
		{URL: "https://host/v1?api_key=abc", Location: model.Cloud},
		{URL: "https://host/v1?access_token=abc", Location: model.Cloud},
		{URL: "https://host/v1"},
		{URL: "https://host/v1", Location: "moon"},
		{URL: "https://host/v1", Location: model.Cloud, KeyFile: "/does/not/exist"},
		{URL: "https://host/v1", Location: model.Cloud, CAFile: "wire_test.go"},
	} {
		if _, err := New(e, Auth{}, Options{}); err == nil || strings.Contains(err.Error(), "pass@") || strings.Contains(err.Error(), "abc") {
			t.Errorf("%+v: %v", e, err)
		}
	}
}

func TestKey(t *testing.T) {
	const secret = "sk-abcdefgh12345678"
	k := Key(secret)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", k, "in", struct{ K Key }{k})
	raw, _ := json.Marshal(map[string]any{"k": k})
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s %q", k, struct{ K Key }{k}, k, k, k), log.String(), string(raw)} {
		if strings.Contains(text, "abcdefgh") {
			t.Errorf("the key is in %q", text)
		}
	}
	path := filepath.Join(t.TempDir(), "key")
	for content, ok := range map[string]bool{secret + "\n": true, "": false, "\n": false, "two words": false, "a\nb": false, strings.Repeat("x", 5000): false, "k\x00y": false} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadKey(path)
		if (err == nil) != ok || ok && string(got) != secret {
			t.Errorf("%q: %v", content, err)
		}
		if err != nil && content != "" && content != "\n" && strings.Contains(err.Error(), content) {
			t.Errorf("the error quotes the file: %v", err)
		}
	}
}

func TestIdentityOfTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{}`)
	}))
	defer s.Close()
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	e := model.Endpoint{Name: "e", URL: s.URL, Location: model.OnPremises}
	c, err := New(e, Auth{}, Options{Sleep: noWait})
	if err != nil {
		t.Fatal(err)
	}
	var me *model.Error
	if err := c.Call(t.Context(), "x", nil, nil, new(struct{})); !errors.As(err, &me) || me.Kind != model.Moved {
		t.Errorf("a certificate that nobody trusts: %v", err)
	}
	e.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(e.CAFile, pemOf(s.Certificate().Raw), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = New(e, Auth{}, Options{Sleep: noWait}); err != nil {
		t.Fatal(err)
	}
	if err := c.Call(t.Context(), "x", nil, nil, new(struct{})); err != nil || !strings.HasPrefix(c.Identity(), "sha256:") || len(c.Identity()) != 71 {
		t.Errorf("%v, identity %q", err, c.Identity())
	}
}

func TestBackoff(t *testing.T) {
	for _, tt := range []struct {
		e     model.Error
		try   int
		again bool
	}{
		{model.Error{Kind: model.Busy}, 0, true},
		{model.Error{Kind: model.Busy}, 2, false},
		{model.Error{Kind: model.Busy, RetryAfter: 3 * time.Second}, 0, true},
		{model.Error{Kind: model.Busy, RetryAfter: time.Hour}, 0, false},
		{model.Error{Kind: model.Loading, Status: 503}, 0, true},
		{model.Error{Kind: model.Down}, 0, true},
		{model.Error{Kind: model.Down, Status: 500}, 0, false},
		{model.Error{Kind: model.Down, Status: 502}, 1, true},
		{model.Error{Kind: model.Down, Cause: errNoSuchName}, 0, false},
		{model.Error{Kind: model.Refused, Status: 401}, 0, false},
		{model.Error{Kind: model.Moved}, 0, false},
	} {
		wait, again := backoff(&tt.e, tt.try)
		if again != tt.again || again && (wait < tt.e.RetryAfter || wait > maxWait) {
			t.Errorf("%+v: %v %v", tt.e, wait, again)
		}
	}
}

// plain is a decoder whose events are the text.
type plain struct{}

func (plain) Event(e Event) (string, bool, error) { return string(e.Data), false, nil }
func (plain) End() (model.Piece, bool)            { return model.Piece{Finish: model.Stop}, true }

func TestUnwrap(t *testing.T) {
	for sent, want := range map[string]string{
		`{"answer":["a","b"]}`:        `["a","b"]`,
		`{"answer": {"x":1}, "y": 2}`: `{"x":1}`,
		`{"answer":["a`:               `{"answer":["a`,
		`[]`:                          `[]`,
		`{"answer":null}`:             `null`,
		`{"other":1}`:                 `{"other":1}`,
	} {
		d := Unwrap(func() Decoder { return plain{} })()
		for _, part := range []string{sent[:2], sent[2:]} {
			if text, _, err := d.Event(Event{Data: []byte(part)}); text != "" || err != nil {
				t.Errorf("%q, %v came early", text, err)
			}
		}
		if last, ok := d.End(); !ok || last.Text != want {
			t.Errorf("%s became %q", sent, last.Text)
		}
	}
	if w := Wrap(json.RawMessage(`{"oneOf":[]}`)); !IsObject(w) || !Closed(AnyOf(w)) || Closed(w) {
		t.Errorf("wrapped: %s", w)
	}
}

func TestClosed(t *testing.T) {
	for schema, want := range map[string]bool{
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`:                                                true,
		`{"type":"object","properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false}`:                                                   false,
		`{"type":"object","properties":{"a":{"oneOf":[]}},"required":["a"],"additionalProperties":false}`:                                                     false,
		`{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{"b":{}}}}},"required":["a"],"additionalProperties":false}`: false,
		`{"type":"array"}`: false,
		`{`:                false,
	} {
		if got := Closed(json.RawMessage(schema)); got != want {
			t.Errorf("%s: got %v", schema, got)
		}
	}
}
