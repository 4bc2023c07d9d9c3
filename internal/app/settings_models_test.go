package app

import (
	"bytes"
	"errors"
	"fmt"
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
	"vedette/internal/copilot"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/model/route"
)

// modelServer answers each question with 51, and wants a key.
func modelServer(t *testing.T, key string) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodPost:
			http.NotFound(w, r)
			return
		case r.Header.Get("Authorization") != "Bearer "+key && key != "":
			http.Error(w, "the key is wrong: secret words of this server", http.StatusUnauthorized)
			return
		}
		asked.Add(1)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":%q}}]}\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", `{"answer":51}`)
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/v1", asked
}

// sure is a change that is meant.
var sure = api.Change{Actor: "ann", Why: "a test", Confirm: true}

// minded is a configuration with models that lets administrators set them.
func minded() Config {
	return Config{
		Settings: config.Settings{Change: true},
		Mind:     Mind{Policy: route.Policy{Mode: route.Hybrid, Rules: []route.Rule{{Name: "plc stays", Types: []string{"plc"}, Highest: model.OnPremises}}}, Questions: event.IsInternal},
	}
}

func actions(t *testing.T, a *App) []string {
	t.Helper()
	list, err := a.journal.Last(200)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(list))
	for i, e := range list {
		out[len(list)-1-i] = e.Action + " " + e.Object
	}
	return out
}

// An endpoint is added while the server runs: tried with a question of ours, asked by
// people once it is approved, and no more once it is removed. The ledger has each call,
// and no secret is in settings or journal.
func TestModelIsSetWhileTheServerRuns(t *testing.T) {
	url, asked := modelServer(t, "s3cr3t-key")
	dir := t.TempDir()
	a := openForSources(t, dir, minded())
	key := filepath.Join(dir, secretsName, "llm")
	if err := errors.Join(os.MkdirAll(filepath.Dir(key), 0o700), os.WriteFile(key, []byte("wrong\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	put := api.ModelServerPut{Change: ann, New: true, Ask: true, Config: api.ModelServer{Name: "plant", URL: url, Model: "m-1", Location: "on-premises", KeyFile: key}}
	_, err := a.PutModelServer(t.Context(), put)
	if fault.KindOf(err) != fault.Conflict || strings.Contains(err.Error(), "secret words") {
		t.Errorf("a model that refuses, and nobody confirmed: %v", err)
	}
	if err := os.WriteFile(key, []byte("s3cr3t-key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := a.PutModelServer(t.Context(), put)
	if err != nil || len(v.Checks) != 1 || v.Checks[0].State != "ok" || v.Version != 1 || !strings.Contains(v.Problem, "not in the register") {
		t.Fatalf("%+v, %v", v, err)
	}
	if before := asked.Load(); a.minds.now.Load().door == nil || before != 1 {
		t.Fatalf("asked %d times", before)
	}
	ask := func() int64 {
		before := asked.Load()
		if _, err := a.Ask(t.Context(), copilot.Request{Question: "frobnicate the wibble", Now: time.Now(), Person: "ada"}); err != nil {
			t.Fatal(err)
		}
		return asked.Load() - before
	}
	if n := ask(); n != 0 {
		t.Errorf("a model that is not approved was asked %d times", n)
	}
	do := func(what string) (api.ModelServerView, error) {
		return a.ChangeModelServer(t.Context(), api.ModelServerDeed{Change: ann, Name: "plant", Do: what})
	}
	if v, err = do("approve"); err != nil || v.Problem != "" || v.Approval == "" {
		t.Fatalf("%+v, %v", v, err)
	}
	if ask() == 0 {
		t.Error("an approved model was not asked")
	}
	moved := put
	moved.New, moved.Ask, moved.Config.URL = false, false, "http://127.0.0.1:1/v1"
	if v, err = a.PutModelServer(t.Context(), moved); err != nil || v.Approval != "" || !strings.Contains(v.Problem, "address") {
		t.Errorf("another address keeps the approval: %+v, %v", v, err)
	}
	if n := ask(); n != 0 {
		t.Errorf("the former address was asked %d times", n)
	}
	if u, err := a.UndoSettings(t.Context(), api.SettingsUndo{Change: ann, Version: 1}); err != nil || len(u.Changes) != 1 {
		t.Errorf("%+v, %v", u, err)
	}
	if ask() == 0 {
		t.Error("what was undone is not asked again")
	}
	if _, err := do("remove"); err != nil {
		t.Fatal(err)
	}
	if n := ask(); n != 0 || a.HasMind() {
		t.Errorf("a removed model was asked %d times", n)
	}
	var journal bytes.Buffer
	if err := a.ExportAudit(t.Context(), &journal); err != nil || strings.Contains(journal.String(), "s3cr3t") || strings.Contains(journal.String(), "secret words") {
		t.Errorf("journal %s, %v", journal.String(), err)
	}
	for _, want := range []string{"settings.model_try plant", "model.call plant", "settings.model_add plant", "settings.model_change plant", "settings.undo version 1", "settings.model_remove plant"} {
		if !slices.Contains(actions(t, a), want) {
			t.Errorf("the journal has no %s: %q", want, actions(t, a))
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = openForSources(t, dir, minded())
	defer func() { _ = a.Close() }()
	if list, err := a.ConfiguredModels(t.Context()); err != nil || len(list) != 0 || a.HasMind() {
		t.Errorf("after a restart: %+v, %v", list, err)
	}
}

// A way back that takes an endpoint out ends its approval too: the register alone
// would go on asking it by its address.
func TestUndoneModelIsRetired(t *testing.T) {
	url, _ := modelServer(t, "")
	a := openForSources(t, t.TempDir(), minded())
	defer func() { _ = a.Close() }()
	if _, err := a.PutModelServer(t.Context(), api.ModelServerPut{Change: ann, New: true, Config: api.ModelServer{Name: "plant", URL: url, Model: "m", Location: "on-premises"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.ChangeModelServer(t.Context(), api.ModelServerDeed{Change: ann, Name: "plant", Do: "approve"}); err != nil || !a.HasMind() {
		t.Fatal(err)
	}
	if _, err := a.UndoSettings(t.Context(), api.SettingsUndo{Change: ann, Version: 0}); err != nil || a.HasMind() {
		t.Errorf("%v; the model is still asked: %v", err, a.HasMind())
	}
}

// Who sets an address gets no file of the server sent there, and no public address
// called the premises; what goes outside needs to be meant.
func TestModelsThatAreRefused(t *testing.T) {
	cfg := minded()
	cfg.Settings.Inside = []config.Prefix{{Prefix: netip.MustParsePrefix("198.51.100.0/24")}}
	cfg.Endpoints = []model.Endpoint{{Name: "fixed", URL: "http://127.0.0.1:1", Model: "m", Location: model.OnPremises}}
	cfg.From = map[string]string{"models.endpoints[0]": "site.yaml:9"}
	a := openForSources(t, t.TempDir(), cfg)
	defer func() { _ = a.Close() }()
	good := api.ModelServer{Name: "x", URL: "http://127.0.0.1:1", Model: "m", Location: "on-premises"}
	for name, row := range map[string]struct {
		change func(*api.ModelServer)
		kind   fault.Kind
		text   string
	}{
		"a file of the system": {func(c *api.ModelServer) { c.KeyFile = "/etc/shadow" }, fault.Denied, "none of the directories"},
		"a way out of secrets": {func(c *api.ModelServer) { c.KeyFile = a.cfg.Dir + "/secrets/../records.db" }, fault.Denied, "none of the directories"},
		"certificates":         {func(c *api.ModelServer) { c.CAFile = "/etc/ssl/certs/ca-certificates.crt" }, fault.Denied, "none of the directories"},
		"all is the premises":  {func(c *api.ModelServer) { c.Networks = []string{"0.0.0.0/0"} }, fault.Denied, "count as the premises"},
		"a public address":     {func(c *api.ModelServer) { c.URL = "http://203.0.113.7" }, fault.Invalid, "not on the premises"},
		"keys of a cloud":      {func(c *api.ModelServer) { c.URL = "http://169.254.169.254/latest" }, fault.Invalid, "not on the premises"},
		"a cloud inside":       {func(c *api.ModelServer) { c.URL, c.Location = "https://10.0.0.1", "cloud" }, fault.Invalid, "none of a cloud"},
		"a mapped address":     {func(c *api.ModelServer) { c.URL = "http://[::ffff:203.0.113.7]" }, fault.Invalid, "not on the premises"},
		"a cloud in the clear": {func(c *api.ModelServer) { c.URL, c.Location = "http://llm.example", "cloud" }, fault.Invalid, "without encryption"},
		"a password":           {func(c *api.ModelServer) { c.URL = "http://u:p@127.0.0.1:1" }, fault.Invalid, "a user or a password"},
		"a key in the address": {func(c *api.ModelServer) { c.URL = "http://127.0.0.1:1/v1?api-key=abc" }, fault.Invalid, "a key in the address"},
		"a scheme":             {func(c *api.ModelServer) { c.URL = "file:///etc/passwd" }, fault.Invalid, "no http or https"},
		"a header":             {func(c *api.ModelServer) { c.KeyHeader = "Host" }, fault.Invalid, "no header"},
		"two headers":          {func(c *api.ModelServer) { c.KeyHeader = "x\r\ny" }, fault.Invalid, "no header"},
		"a name":               {func(c *api.ModelServer) { c.Name = "../x" }, fault.Invalid, "no name"},
		"a reserved name":      {func(c *api.ModelServer) { c.Name = "environment" }, fault.Invalid, "environment"},
		"of the configuration": {func(c *api.ModelServer) { c.Name = "Fixed" }, fault.Conflict, "in the configuration"},
		"a long text":          {func(c *api.ModelServer) { c.Terms.Operator = strings.Repeat("x", 3000) }, fault.Invalid, "longer than"},
		"no model":             {func(c *api.ModelServer) { c.Model = "" }, fault.Invalid, "model: is missing"},
		"a wire":               {func(c *api.ModelServer) { c.Wire = "smtp" }, fault.Invalid, "wire"},
	} {
		c := good
		row.change(&c)
		if _, err := a.PutModelServer(t.Context(), api.ModelServerPut{Change: sure, New: true, Config: c}); fault.KindOf(err) != row.kind || !strings.Contains(err.Error(), row.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	out := api.ModelServerPut{Change: ann, New: true, Config: api.ModelServer{Name: "eu", Wire: "anthropic", URL: "https://llm.example", Model: "m", Location: "cloud", Terms: api.ModelServerTerms{Operator: "Example"}}}
	if _, err := a.PutModelServer(t.Context(), out); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "outside the site") {
		t.Errorf("a model outside the site, and nobody confirmed: %v", err)
	}
	out.Change = sure
	if v, err := a.PutModelServer(t.Context(), out); err != nil || len(v.Loosens) != 1 {
		t.Errorf("%+v, %v", v, err)
	}
	if list, err := a.journal.Last(1); err != nil || !strings.Contains(list[0].Details["opens"], "outside the site") {
		t.Errorf("%+v, %v", list, err)
	}
	wide := good
	wide.Networks = []string{"198.51.100.0/25"}
	if _, err := a.PutModelServer(t.Context(), api.ModelServerPut{Change: ann, New: true, Config: wide}); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "count as the premises") {
		t.Errorf("a wider site, and nobody confirmed: %v", err)
	}
	stale := api.Change{Actor: "bob", Why: "w", Seen: new(int64(0)), Confirm: true}
	if _, err := a.PutModelServer(t.Context(), api.ModelServerPut{Change: stale, Config: out.Config}); !errors.Is(err, api.ErrStale) {
		t.Errorf("the second writer: %v", err)
	}
	if _, err := a.ChangeModelServer(t.Context(), api.ModelServerDeed{Change: ann, Name: "fixed", Do: "remove"}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("one of the configuration is removed: %v", err)
	}
	if list, err := a.ConfiguredModels(t.Context()); err != nil || len(list) != 2 || list[0].Place != "site.yaml:9" || !list[0].Fixed {
		t.Errorf("%+v, %v", list, err)
	}
}

// What is set never lets restricted data out; what lets data go further is refused
// unless it is meant, and is in the journal as such.
func TestModelPolicyIsSet(t *testing.T) {
	a := openForSources(t, t.TempDir(), minded())
	defer func() { _ = a.Close() }()
	set := func(c api.Change, change api.ModelPolicyChange) (api.ModelPolicy, error) {
		change.Change = c
		return a.SetModelPolicy(t.Context(), change)
	}
	if _, err := set(ann, api.ModelPolicyChange{}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("nothing: %v", err)
	}
	for _, c := range []api.ModelPolicyChange{
		{Mode: new("everywhere")},
		{Questions: new("secretish")},
		{Redact: new("perhaps")},
		{Rules: &[]api.ModelRule{{Name: "x", Highest: "cloud"}}},
		{Rules: &[]api.ModelRule{{Highest: "built-in"}}},
		{Rules: &[]api.ModelRule{{Name: "x", Highest: "built-in"}, {Name: "x", Highest: "built-in"}}},
		{Rules: &[]api.ModelRule{{Name: "x", Highest: "built-in", Tasks: []string{"dance"}}}},
	} {
		if _, err := set(sure, c); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := set(ann, api.ModelPolicyChange{Mode: new("cloud")}); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "further") {
		t.Errorf("a wider mode, and nobody confirmed: %v", err)
	}
	p, err := set(ann, api.ModelPolicyChange{Mode: new("on-premises"), Questions: new("confidential"), Redact: new("true"), Rules: &[]api.ModelRule{{Name: "no safety", Zones: []string{"safety"}, Highest: "built-in"}}})
	if err != nil || p.Mode.Value != "on-premises" || p.Mode.Origin != api.FromHere || p.Mode.Default != "hybrid" || len(p.Rules) != 2 || len(p.Loosens) != 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, c := range []api.ModelPolicyChange{{Mode: new("")}, {Questions: new("public")}, {Redact: new("false")}, {Rules: &[]api.ModelRule{}}} {
		if _, err := set(ann, c); fault.KindOf(err) != fault.Conflict {
			t.Errorf("%+v lets data go further, and nobody confirmed: %v", c, err)
		}
	}
	if _, err := a.UndoSettings(t.Context(), api.SettingsUndo{Change: ann, Version: 0}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a way back that lets data go further, and nobody confirmed: %v", err)
	}
	restricted := route.Request{Task: "narrate", Data: []route.Data{{Label: event.Label{Confidentiality: event.IsRestricted}}}, Before: route.Fresh()}
	if _, err := set(sure, api.ModelPolicyChange{Mode: new("cloud"), Rules: &[]api.ModelRule{}}); err != nil {
		t.Error(err)
	}
	if d := a.mindNow().Policy.Decide(restricted, []model.Endpoint{{Name: "eu", Location: model.Cloud}}); d.Highest != model.OnPremises || len(d.Order) != 0 {
		t.Errorf("restricted data may go to %+v", d)
	}
	if list, err := a.journal.Last(1); err != nil || !strings.Contains(list[0].Details["opens"], "the mode is cloud") || !strings.Contains(list[0].Details["opens"], "no safety") {
		t.Errorf("%+v, %v", list, err)
	}
	if rules := a.mindNow().Policy.Rules; len(rules) != 1 || rules[0].Name != "plc stays" {
		t.Errorf("rules of the configuration are gone: %+v", rules)
	}
	if u, err := a.UndoSettings(t.Context(), api.SettingsUndo{Change: sure, Version: 1}); err != nil || a.mindNow().Policy.Mode != route.OnPremises {
		t.Errorf("%+v, %v", u, err)
	}
}

// What the configuration says of models is fixed, and told with its place.
func TestConfigurationWinsOfModels(t *testing.T) {
	a := settings(t, "models: {mode: on-premises, policy: {rules: [{name: plc stays, types: [plc], highest: on-premises}]}, endpoints: [{name: here, url: 'http://127.0.0.1:1', model: x, location: on-premises}]}")
	p, err := a.SetModelPolicy(t.Context(), api.ModelPolicyChange{Change: sure, Mode: new("cloud")})
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "v.yaml:1") {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err = a.ModelPolicy(t.Context()); err != nil || !p.Mode.Fixed || p.Questions.Fixed || p.Rules[0].Origin != api.FromFile {
		t.Errorf("%+v, %v", p, err)
	}
	if list, err := a.ConfiguredModels(t.Context()); err != nil || len(list) != 1 || list[0].Place == "" {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := a.PutModelServer(t.Context(), api.ModelServerPut{Change: ann, New: true, Config: api.ModelServer{Name: "more", URL: "http://127.0.0.1:1", Model: "m", Location: "on-premises"}}); err != nil {
		t.Error(err)
	}
	if v, err := a.ChangeModelServer(t.Context(), api.ModelServerDeed{Change: ann, Name: "more", Do: "test"}); err != nil || len(v.Checks) != 1 || v.Checks[0].State != "problem" {
		t.Errorf("%+v, %v", v, err)
	}
	closed := settings(t, "{settings: {change: false}}")
	if _, err := closed.PutModelServer(t.Context(), api.ModelServerPut{Change: ann, New: true, Config: api.ModelServer{Name: "more", URL: "http://127.0.0.1:1", Model: "m", Location: "on-premises"}}); fault.KindOf(err) != fault.Denied {
		t.Errorf("%v", err)
	}
}
