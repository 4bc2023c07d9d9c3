package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/intel/pull"
)

// A feed is added while the server runs and is pulled at once; paused it is not, also
// over a restart; what is removed is asked no more, and what it gave stays.
func TestFeedIsSetWhileTheServerRuns(t *testing.T) {
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("Authorization") != "Bearer x" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, "203.0.113.9\nevil.example\n")
	}))
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	cfg := Config{
		Settings: config.Settings{Change: true, Inside: []config.Prefix{{Prefix: netip.MustParsePrefix("127.0.0.0/8")}}},
		Pulls:    []pull.Source{{Name: "fixed", Kind: pull.Indicators, URL: "https://192.0.2.1/list?token=abc", Every: time.Hour, Paused: true}}, From: map[string]string{"pulls[0]": "site.yaml:9"},
	}
	a := openForSources(t, dir, cfg)
	key := filepath.Join(dir, secretsName, "feed")
	if err := errors.Join(os.MkdirAll(filepath.Dir(key), 0o700), os.WriteFile(key, []byte("Bearer x\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	put := api.PullPut{Change: ann, New: true, Fetch: true, Config: api.PullConfig{Name: "list", Kind: pull.Indicators, URL: srv.URL + "/list", Plain: true, Inside: []string{"127.0.0.0/8"}, Every: "1h"}}
	if _, err := a.PutPull(t.Context(), put); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "401") {
		t.Errorf("a feed that refuses, and nobody confirmed: %v", err)
	}
	put.Config.KeyFile = key
	check := put
	check.Check = true
	v, err := a.PutPull(t.Context(), check)
	if err != nil || !slices.ContainsFunc(v.Checks, func(c api.SourceCheck) bool { return c.State == "ok" && strings.Contains(c.Text, "200") }) || asked.Load() != 2 {
		t.Fatalf("%+v, %v", v, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.RunPulls(ctx) }()
	if v, err = a.PutPull(t.Context(), put); err != nil || v.Version != 1 || v.By.By != "ann" {
		t.Fatalf("%+v, %v", v, err)
	}
	state := func(name string) api.PullView {
		list, err := a.ConfiguredPulls(t.Context())
		at := slices.IndexFunc(list, func(v api.PullView) bool { return v.Config.Name == name })
		if err != nil || at < 0 {
			t.Fatalf("%+v, %v", list, err)
		}
		return list[at]
	}
	await(t, "it is pulled at once", func() bool { h := state("list").Health; return h != nil && h.State == "ok" })
	if hits, err := a.LookupIntel(t.Context(), []string{"203.0.113.9"}, a.cfg.Now()); err != nil || len(hits[0].Hits) != 1 {
		t.Errorf("%+v, %v", hits, err)
	}
	if _, err := a.ChangePull(t.Context(), api.PullDeed{Change: ann, Name: "list", Do: "pause"}); err != nil {
		t.Error(err)
	}
	if _, err := a.Pull(t.Context(), api.PullRequest{Name: "list"}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a paused one is pulled: %v", err)
	}
	if _, err := a.ChangePull(t.Context(), api.PullDeed{Change: ann, Name: "fixed", Do: "pause"}); err != nil {
		t.Errorf("pausing one of the configuration: %v", err)
	}
	cancel()
	if err := errors.Join(<-done, a.Close()); err != nil {
		t.Fatal(err)
	}
	a = openForSources(t, dir, cfg)
	defer a.Close()
	if v := state("list"); v.Paused == nil || v.Paused.By != "ann" || !v.Health.Paused || v.Health.State != "ok" {
		t.Errorf("after a restart: %+v %+v", v, v.Health)
	}
	if v := state("fixed"); !v.Fixed || v.Place != "site.yaml:9" || v.Paused == nil || strings.Contains(v.Config.URL, "abc") {
		t.Errorf("%+v", v)
	}
	before := asked.Load()
	if _, err := a.ChangePull(t.Context(), api.PullDeed{Change: ann, Name: "list", Do: "resume"}); err != nil {
		t.Error(err)
	}
	if _, err := a.Pull(t.Context(), api.PullRequest{Name: "list"}); err != nil || asked.Load() == before {
		t.Errorf("resumed: %v", err)
	}
	if _, err := a.ChangePull(t.Context(), api.PullDeed{Change: ann, Name: "list", Do: "remove"}); err != nil {
		t.Error(err)
	}
	if _, err := a.Pull(t.Context(), api.PullRequest{Name: "list"}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a removed one is pulled: %v", err)
	}
	if hits, err := a.LookupIntel(t.Context(), []string{"203.0.113.9"}, a.cfg.Now()); err != nil || len(hits[0].Hits) != 1 {
		t.Errorf("what it gave has gone: %+v, %v", hits, err)
	}
	if u, err := a.UndoSettings(t.Context(), api.SettingsUndo{Change: ann, Version: 1}); err != nil || len(u.Changes) != 2 || state("list").Health == nil || state("fixed").Paused != nil {
		t.Errorf("%+v, %v", u, err)
	}
}

// Whoever administers the product cannot make it ask inside of the site, send it
// files, or keep a key in an address.
func TestFeedsThatAreRefused(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("an address inside was asked") }))
	defer inside.Close()
	cfg := Config{Settings: config.Settings{Change: true, Inside: []config.Prefix{{Prefix: netip.MustParsePrefix("10.9.0.0/24")}}}, Pulls: []pull.Source{{Name: "fixed", Kind: pull.Indicators, URL: "https://192.0.2.1/list", Every: time.Hour}}}
	a := openForSources(t, t.TempDir(), cfg)
	defer a.Close()
	good := api.PullConfig{Name: "one", Kind: pull.Indicators, URL: "https://feed.example/list"}
	for name, change := range map[string]func(c *api.PullConfig){
		"no kind":                     func(c *api.PullConfig) { c.Kind = "x" },
		"no name":                     func(c *api.PullConfig) { c.Name = "../x" },
		"http":                        func(c *api.PullConfig) { c.URL = "http://feed.example/list" },
		"a file":                      func(c *api.PullConfig) { c.URL = "file:///etc/passwd" },
		"a password":                  func(c *api.PullConfig) { c.URL = "https://a:b@feed.example/list" },
		"a key in the address":        func(c *api.PullConfig) { c.URL = "https://feed.example/list?api_key=x" },
		"a key file anywhere":         func(c *api.PullConfig) { c.KeyFile = "/etc/passwd" },
		"a key file by a link":        func(c *api.PullConfig) { c.KeyFile = filepath.Join(a.cfg.Dir, secretsName, "..", "..", "x") },
		"a network that is not named": func(c *api.PullConfig) { c.Inside = []string{"10.0.0.0/8"} },
		"loopback":                    func(c *api.PullConfig) { c.Inside = []string{"127.0.0.1"} },
		"one of the configuration":    func(c *api.PullConfig) { c.Name = "fixed" },
	} {
		c := good
		change(&c)
		for _, fetch := range []bool{true, false} {
			_, err := a.PutPull(t.Context(), api.PullPut{Change: ann, New: true, Fetch: fetch, Config: c})
			if k := fault.KindOf(err); err == nil || k == fault.Internal {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	c := good
	c.URL, c.Plain = inside.URL, true
	if v, err := a.PutPull(t.Context(), api.PullPut{Change: api.Change{Actor: "ann", Check: true}, New: true, Fetch: true, Config: c}); err != nil || !slices.ContainsFunc(v.Checks, func(c api.SourceCheck) bool {
		return c.State == "problem" && strings.Contains(c.Text, "not on the internet")
	}) {
		t.Errorf("an address inside: %+v, %v", v, err)
	}
	sure := ann
	sure.Confirm = true
	if _, err := a.PutPull(t.Context(), api.PullPut{Change: sure, New: true, Config: c}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Pull(t.Context(), api.PullRequest{Name: "one"}); err == nil {
		t.Error("it is pulled from inside")
	}
	if _, err := a.ChangePull(t.Context(), api.PullDeed{Change: ann, Name: "fixed", Do: "remove"}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("removing one of the configuration: %v", err)
	}
}
