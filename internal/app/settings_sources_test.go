package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/ingest"
)

func openForSources(t *testing.T, dir string, cfg Config) *App {
	t.Helper()
	cfg.Dir, cfg.Now = dir, func() time.Time { return time.Date(2025, 12, 10, 12, 0, 0, 0, time.UTC) }
	a, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// live starts what serve starts; the function ends it.
func live(t *testing.T, a *App) (*Live, func()) {
	t.Helper()
	l, err := a.StartLive()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return l, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to that: %s", what)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func stateOf(t *testing.T, a *App, name string) ingest.State {
	t.Helper()
	list, err := a.Sources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.Name == name {
			return s.State
		}
	}
	return ""
}

var ann = api.Change{Actor: "ann", Why: "a test"}

// A source of files is added, stopped, started, changed and removed while the server
// runs: each line is stored once, whatever was done to the source meanwhile.
func TestSourceIsChangedWhileItRuns(t *testing.T) {
	logs, dir := t.TempDir(), t.TempDir()
	a := openForSources(t, dir, Config{Settings: config.Settings{Change: true, Follow: []string{logs}}})
	_, end := live(t, a)
	file, wrote := filepath.Join(logs, "auth.log"), 0
	write := func(n int) {
		t.Helper()
		f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			fmt.Fprintf(f, failedLogin, wrote)
			wrote++
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	stored := func() bool { return countOf(t, a, "authentication") == int64(wrote) }
	write(5)
	one := api.SourceConfig{Name: "logs", Kind: "tail", Paths: []string{filepath.Join(logs, "*.log")}}
	v, err := a.PutSource(t.Context(), api.SourcePut{Change: api.Change{Check: true}, Config: one, New: true})
	if err != nil || len(v.Checks) != 1 || v.Checks[0].State != "ok" || stateOf(t, a, "logs") != "" {
		t.Fatalf("a check: %+v, %v", v, err)
	}
	if v, err = a.PutSource(t.Context(), api.SourcePut{Change: ann, Config: one, New: true}); err != nil || v.Version != 1 || v.Fixed {
		t.Fatalf("%+v, %v", v, err)
	}
	await(t, "the first lines", stored)
	if _, err := a.PutSource(t.Context(), api.SourcePut{Change: ann, Config: one, New: true}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a second of that name: %v", err)
	}
	if v, err = a.ChangeSource(t.Context(), api.SourceDeed{Change: ann, Name: "logs", Do: "stop"}); err != nil || v.Stopped == nil || v.Status.State != ingest.Stopped || !strings.Contains(v.Status.Text, "ann") {
		t.Errorf("%+v, %v", v, err)
	}
	write(7)
	if _, err = a.ChangeSource(t.Context(), api.SourceDeed{Change: ann, Name: "logs", Do: "start"}); err != nil {
		t.Fatal(err)
	}
	await(t, "the lines of meanwhile", stored)
	seen := v.Version // somebody has started it since
	one.Quiet = "1h"
	stale := ann
	stale.Seen = &seen
	if _, err := a.PutSource(t.Context(), api.SourcePut{Change: stale, Config: one}); !errors.Is(err, api.ErrStale) {
		t.Errorf("the second writer: %v", err)
	}
	write(3)
	if _, err = a.PutSource(t.Context(), api.SourcePut{Change: ann, Config: one}); err != nil {
		t.Fatal(err)
	}
	write(4)
	await(t, "the lines around a change", stored)
	if _, err = a.ChangeSource(t.Context(), api.SourceDeed{Change: ann, Name: "logs", Do: "remove"}); err != nil || stateOf(t, a, "logs") != "" {
		t.Errorf("%v, %q", err, stateOf(t, a, "logs"))
	}
	write(2)
	if _, err = a.UndoSettings(t.Context(), api.SettingsUndo{Change: ann, Version: 4}); err != nil {
		t.Fatal(err)
	}
	await(t, "the lines after it was removed and put back", stored)
	end()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = openForSources(t, dir, Config{Settings: config.Settings{Change: true, Follow: []string{logs}}})
	_, end = live(t, a)
	write(2)
	await(t, "the lines after a restart", stored)
	end()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// A source that listens: the port that another has is told before, and a source of
// the configuration can be stopped and not changed.
func TestSourceThatListens(t *testing.T) {
	fixed := config.Source{Name: "fixed", Kind: "syslog", Listen: freePort(t), Transport: "tcp"}
	a := openForSources(t, t.TempDir(), Config{Sources: []config.Source{fixed}, From: config.Origins{"sources[0]": "v.yaml:3"}, Settings: config.Settings{Change: true}})
	_, end := live(t, a)
	defer func() { end(); _ = a.Close() }()
	await(t, "the fixed one listens", func() bool { return stateOf(t, a, "fixed") == ingest.Running })
	taken := api.SourceConfig{Name: "gw", Kind: "syslog", Listen: fixed.Listen, Transport: "tcp"}
	if _, err := a.PutSource(t.Context(), api.SourcePut{Change: ann, Config: taken, New: true}); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a port that is taken: %v", err)
	}
	taken.Listen = freePort(t)
	if _, err := a.PutSource(t.Context(), api.SourcePut{Change: ann, Config: taken, New: true}); err != nil {
		t.Fatal(err)
	}
	await(t, "the new one listens", func() bool { return stateOf(t, a, "gw") == ingest.Running })
	taken.Quiet = "2h"
	if v, err := a.PutSource(t.Context(), api.SourcePut{Change: ann, Config: taken}); err != nil || !strings.Contains(v.Checks[0].Text, "already") {
		t.Errorf("its own port: %+v, %v", v, err)
	}
	await(t, "it listens again", func() bool { return stateOf(t, a, "gw") == ingest.Running })
	if _, err := a.PutSource(t.Context(), api.SourcePut{Change: ann, Config: api.SourceConfig{Name: "fixed", Kind: "syslog", Listen: freePort(t)}}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("one of the configuration is changed: %v", err)
	}
	if _, err := a.ChangeSource(t.Context(), api.SourceDeed{Change: ann, Name: "fixed", Do: "remove"}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("one of the configuration is removed: %v", err)
	}
	v, err := a.ChangeSource(t.Context(), api.SourceDeed{Change: ann, Name: "fixed", Do: "stop"})
	if err != nil || !v.Fixed || v.Place != "v.yaml:3" || v.Stopped.By != "ann" || stateOf(t, a, "fixed") != ingest.Stopped {
		t.Errorf("%+v, %v", v, err)
	}
	if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", fixed.Listen); err == nil {
		_ = c.Close()
		t.Error("it still listens")
	}
}

// Whoever may set sources may not therefore read all that the process can.
func TestSourcesReadOnlyWhatTheyMay(t *testing.T) {
	logs, data := t.TempDir(), t.TempDir()
	if err := os.Symlink("/etc", filepath.Join(logs, "way")); err != nil {
		t.Fatal(err)
	}
	a := openForSources(t, data, Config{Settings: config.Settings{Change: true, Follow: []string{logs, data}}})
	defer a.Close()
	tail := func(p string) api.SourceConfig { return api.SourceConfig{Name: "x", Kind: "tail", Paths: []string{p}} }
	mqtt := func(f string) api.SourceConfig {
		return api.SourceConfig{Name: "x", Kind: "mqtt", Broker: "mqtts://127.0.0.1:1", Topics: []string{"#"}, User: "u", PasswordFile: f}
	}
	for name, c := range map[string]api.SourceConfig{
		"elsewhere":         tail("/etc/passwd"),
		"up and out":        tail(logs + "/../../etc/passwd"),
		"beside":            tail(logs + "-else/x.log"),
		"a link out":        tail(logs + "/way/passwd"),
		"a pattern out":     tail(logs + "/*/../../*"),
		"the root":          tail("/*"),
		"our own journal":   tail(filepath.Join(data, "audit.jsonl")),
		"our own keys":      tail(filepath.Join(data, "tls", "*")),
		"a password":        mqtt("/etc/shadow"),
		"a password of log": mqtt(filepath.Join(logs, "x")),
		"secrets and out":   mqtt(filepath.Join(data, "secrets", "..", "audit.jsonl")),
	} {
		_, err := a.PutSource(t.Context(), api.SourcePut{Change: ann, Config: c, New: true})
		if k := fault.KindOf(err); k != fault.Denied && k != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]api.SourceConfig{
		"no kind": {Name: "x"}, "no name": {Kind: "syslog", Listen: "127.0.0.1:1"}, "bulk": {Name: "bulk", Kind: "syslog", Listen: "127.0.0.1:1"},
		"a setting of others": {Name: "x", Kind: "tail", Paths: []string{logs + "/a"}, Listen: "127.0.0.1:1"}, "odd quiet": {Name: "x", Kind: "tail", Paths: []string{logs + "/a"}, Quiet: "soon"},
		"a password in the address": {Name: "x", Kind: "mqtt", Broker: "mqtts://u:p@h:1", Topics: []string{"#"}},
	} {
		if _, err := a.PutSource(t.Context(), api.SourcePut{Change: ann, Config: c, New: true}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if h, err := a.SettingsHistory(t.Context(), 5); err != nil || len(h) != 0 {
		t.Errorf("%+v, %v", h, err)
	}
	// An address of somebody's choice is looked at, and the journal says whose.
	secret := filepath.Join(data, "secrets", "mqtt")
	if err := os.MkdirAll(filepath.Dir(secret), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(secret, []byte("geheim\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	check := ann
	check.Check = true
	v, err := a.PutSource(t.Context(), api.SourcePut{Change: check, Config: mqtt(secret), New: true})
	if err != nil || v.Checks[0].State != "warning" {
		t.Errorf("%+v, %v", v, err)
	}
	j, err := a.Journal(t.Context(), 1)
	if err != nil || j[0].Action != "settings.source_try" || j[0].Actor.Name != "ann" || j[0].Details["address"] != "mqtts://127.0.0.1:1" {
		t.Errorf("%+v, %v", j, err)
	}
	if text := fmt.Sprintf("%+v %+v", v, j); strings.Contains(text, "geheim") {
		t.Error("the password is told")
	}
}

// The form of the API is that of the configuration.
func TestSourceConfigHasAllKeys(t *testing.T) {
	full := config.Source{
		Name: "n", Kind: "k", Listen: "l", Transport: "t", CertFile: "c", KeyFile: "k", Allow: []string{"a"}, Broker: "b", Topics: []string{"t"}, Devices: []string{"d"}, Share: "s",
		ClientID: "c", User: "u", PasswordFile: "p", CAFile: "c", Version: "5", Cleartext: true, UsersFile: "u", Paths: []string{"/p"}, Interface: "i", Promiscuous: true, Ring: 128 << 20, Snap: 256, Filter: "f", Readers: 2, Quiet: config.Duration(time.Hour),
	}
	raw, err := full.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var shown api.SourceConfig
	if err := strictJSON(raw, &shown); err != nil {
		t.Error(err)
	}
	again, err := jsonOf(shown)
	if err != nil {
		t.Fatal(err)
	}
	back, _ := config.ReadSource(again)
	if fmt.Sprintf("%+v", back) != fmt.Sprintf("%+v", full) {
		t.Errorf("%+v\n%+v", back, full)
	}
}

func strictJSON(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

func jsonOf(v any) ([]byte, error) { return json.Marshal(v) }
