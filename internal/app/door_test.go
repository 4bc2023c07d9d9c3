package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/copilot"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/guard"
	"vedette/internal/guard/worstcase"
	"vedette/internal/model"
	"vedette/internal/model/route"
	"vedette/internal/store"
)

// settings loads a configuration file and opens what it says.
func settings(t *testing.T, text string, env ...string) *App {
	t.Helper()
	path := filepath.Join(t.TempDir(), "v.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadConfig(Sources{File: path, Env: env, Flags: map[string]string{"data": t.TempDir()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func explain(t *testing.T, a *App, question string) api.ModelsExplained {
	t.Helper()
	out, err := a.ExplainModels(t.Context(), api.ModelsQuestion{Question: question, Person: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestConfiguredModels(t *testing.T) {
	a := settings(t, `
models:
  mode: hybrid
  questions: internal
  policy:
    rules: [{name: plc stays, types: [plc], highest: on-premises}]
    require: {jurisdictions: [EU], no_training: true}
  endpoints:
    - {name: here, url: "http://127.0.0.1:1", model: llama-3.2-3b, location: on-premises}
    - {name: eu, wire: anthropic, url: "https://llm.example", model: m, location: cloud, key_file: /does/not/exist}
    - {name: us, url: "https://llm.example", model: m, location: cloud, terms: {jurisdiction: US, trains_on_input: no}}
`)
	if _, err := a.ExplainModels(t.Context(), api.ModelsQuestion{}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no question: %v", err)
	}
	out := explain(t, a, "which devices are unusual?")
	if len(out.Endpoints) != 3 || out.Endpoints[1].Problem == "" || out.Mode != "hybrid" || len(out.Tasks) == 0 {
		t.Fatalf("explained %+v", out)
	}
	plan := out.Tasks[0]
	if plan.Task != "plan" || plan.Label != "internal" || plan.Highest != "cloud" || plan.Answers != "the built-in engine" {
		t.Errorf("plan %+v", plan)
	}
	// here is not approved, us does not meet the terms, eu has no key.
	if len(plan.Offers) != 1 || plan.Offers[0].Endpoint != "here" || !strings.Contains(plan.Offers[0].Problem, "not registered") || len(plan.Refused) != 2 {
		t.Errorf("plan %+v", plan)
	}
	for _, r := range plan.Refused {
		if want := map[string]string{"us": "jurisdiction is US", "eu": "cannot be used"}[r.Endpoint]; !strings.Contains(r.Reason, want) {
			t.Errorf("%s is refused because %q", r.Endpoint, r.Reason)
		}
	}
	if n, _ := a.journal.Head(); n != 0 {
		t.Errorf("explaining wrote %d entries", n)
	}
}

func TestNoModel(t *testing.T) {
	a := settings(t, "{}")
	out := explain(t, a, "how many events per log?")
	if !strings.Contains(out.Note, "no model is configured") || len(out.Endpoints) != 0 {
		t.Errorf("explained %+v", out)
	}
	if a.HasMind() {
		t.Error("the copilot was given a model")
	}
}

// A model of the environment is the only one, is used without an approval, and
// the ledger says so. Switched off in the file, it is not used.
func TestModelOfTheEnvironment(t *testing.T) {
	s, err := worstcase.Start(worstcase.All()[0], worstcase.Options{Pace: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	env := []string{"VEDETTE_MODEL_URL=" + s.URL(), "VEDETTE_MODEL_NAME=worst-case", "VEDETTE_MODEL_LOCATION=on-premises"}
	file := "models: {mode: %, endpoints: [{name: other, url: 'http://127.0.0.1:1', model: x, location: on-premises}]}"
	a := settings(t, strings.Replace(file, "%", "hybrid", 1), env...)
	if len(a.cfg.Endpoints) != 1 || a.cfg.Endpoints[0].Name != "environment" {
		t.Fatalf("endpoints %+v", a.cfg.Endpoints)
	}
	ans, err := a.Ask(t.Context(), copilot.Request{Question: "frobnicate the wibble", Now: time.Now(), Person: "ada"})
	if err != nil || len(ans.Answer) == 0 {
		t.Fatalf("%+v, %v", ans, err)
	}
	list, err := a.journal.Last(100)
	if err != nil || len(list) < 2 || len(s.Asked()) == 0 {
		t.Fatalf("ledger %+v, %v; asked %d times", list, err, len(s.Asked()))
	}
	first := list[len(list)-1]
	if first.Action != "model.call" || !strings.Contains(first.Details["approval"], "not approved in the register") || first.Actor.Name != "ada" {
		t.Errorf("ledger %+v", first)
	}
	before := len(s.Asked())
	a = settings(t, strings.Replace(file, "%", "off", 1), env...)
	if ans, err = a.Ask(t.Context(), copilot.Request{Question: "frobnicate the wibble", Now: time.Now()}); err != nil || len(ans.Answer) == 0 || len(s.Asked()) != before {
		t.Errorf("%+v, %v; asked %d times", ans, err, len(s.Asked())-before)
	}
}

// What a conversation met holds in the next process, and a record that cannot be
// read closes every endpoint.
func TestRoutesOutliveTheProcess(t *testing.T) {
	a := settings(t, "{}")
	r := routes{a.records}
	if _, known, err := r.State(t.Context(), "c-1"); known || err != nil {
		t.Fatalf("a conversation that met nothing: %v, %v", known, err)
	}
	strict := route.State{Secrecy: event.IsRestricted, Highest: model.OnPremises, Rule: "x"}
	for _, s := range []route.State{strict, route.Fresh()} {
		if err := r.Keep(t.Context(), "c-1", s); err != nil {
			t.Fatal(err)
		}
	}
	if got, known, err := r.State(t.Context(), "c-1"); err != nil || !known || got != strict {
		t.Errorf("%+v, %v, %v", got, known, err)
	}
	for id, text := range map[string]string{"c-2": "{", "c-3": `{"secrecy":"pink","highest":"moon"}`} {
		if err := a.records.Update(t.Context(), store.Change{Kind: routeKind, ID: id, JSON: []byte(text)}); err != nil {
			continue // the store itself refuses what is no JSON
		}
		if got, _, err := r.State(t.Context(), id); err == nil && (got.Secrecy != event.IsRestricted || got.Highest != model.BuiltIn) {
			t.Errorf("%s is read as %+v", text, got)
		}
	}
}

// Names that devices gave themselves are in the catalogue: they do not leave.
func TestCatalogueHoldsTheSite(t *testing.T) {
	a := settings(t, "{site: Nordwerk, zones: [{name: melting shop, subnets: [10.9.0.0/16]}]}")
	log := `{"timestamp":"2026-05-01T10:00:00.000000+0000","event_type":"dhcp","src_ip":"10.9.0.7","dest_ip":"10.9.0.1","src_mac":"00:11:22:33:44:55","dhcp":{"type":"request","client_mac":"00:11:22:33:44:55","assigned_ip":"10.9.0.7","hostname":"ladle-crane-3"}}` + "\n"
	if _, err := a.IngestStream(t.Context(), strings.NewReader(log), "eve.json", "", time.Time{}); err != nil {
		t.Fatal(err)
	}
	c := catalogueOf(a.devices.List(), a.cfg.Assets)
	all := strings.Join(append(append(c.Hosts, c.Addresses...), c.Sites...), "|")
	for _, want := range []string{"10.9.0.7", "Nordwerk", "melting shop"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is not in the catalogue: %s", want, all)
		}
	}
	if v := a.catalogueVersion(); v == 0 && a.catalogue() == nil {
		t.Error("there is no catalogue")
	}
}

// A canary goes through the door: an endpoint that is not there is a refusal that
// is recorded.
func TestCanaryThroughTheDoor(t *testing.T) {
	a := settings(t, "models: {endpoints: [{name: here, url: 'http://127.0.0.1:1', model: x, location: on-premises}]}")
	_, err := a.askCanary(t.Context(), "here", "what is 2 and 2?")
	if f, ok := errors.AsType[*guard.Failure](err); !ok || f.Reason != guard.ByRegister {
		t.Errorf("%v", err)
	}
	if _, err := a.askCanary(context.Background(), "elsewhere", "?"); err == nil {
		t.Error("an endpoint that is not configured answered")
	}
	var out bytes.Buffer
	if err := a.ExportAudit(t.Context(), &out); err != nil || strings.Count(out.String(), "model.refused") != 2 {
		t.Errorf("%v; journal %s", err, out.String())
	}
}

// A budget that is used up stops the call before anything leaves; the built-in
// answer stands, and explaining shows where the budget stands.
func TestBudgets(t *testing.T) {
	s, err := worstcase.Start(worstcase.All()[0], worstcase.Options{Pace: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a := settings(t, "models: {budgets: [{name: small, person: each, calls: 1}]}",
		"VEDETTE_MODEL_URL="+s.URL(), "VEDETTE_MODEL_NAME=worst-case", "VEDETTE_MODEL_LOCATION=on-premises")
	for range 2 {
		ans, err := a.Ask(t.Context(), copilot.Request{Question: "frobnicate the wibble", Now: time.Now(), Person: "ada"})
		if err != nil || len(ans.Answer) == 0 {
			t.Fatalf("%+v, %v", ans, err)
		}
	}
	if n := len(s.Asked()); n != 1 {
		t.Errorf("asked %d times on a budget of 1", n)
	}
	if last, err := a.journal.Last(1); err != nil || last[0].Action != "model.refused" || last[0].Details["why"] != "spent" {
		t.Errorf("ledger %+v, %v", last, err)
	}
	if out := explain(t, a, "frobnicate the wibble"); len(out.Budgets) != 1 || out.Budgets[0].Calls != 1 || out.Budgets[0].OfCalls != 1 {
		t.Errorf("budgets %+v", out.Budgets)
	}
}

// What a cloud is sent, looked at where it arrives: no name and no address of the
// site; and of a zone whose data are restricted, nothing at all.
func TestWhatACloudIsSent(t *testing.T) {
	for _, secrecy := range []string{event.Internal, event.Restricted} {
		s, err := worstcase.Start(worstcase.All()[0], worstcase.Options{Pace: 10 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		a := settings(t, "{site: Nordwerk, zones: [{name: melting shop, confidentiality: "+secrecy+", subnets: [10.9.0.0/16]}]}",
			"VEDETTE_MODEL_URL="+s.URL(), "VEDETTE_MODEL_NAME=worst-case", "VEDETTE_MODEL_LOCATION=cloud")
		log := strings.Repeat(`{"timestamp":"2026-05-01T10:00:00.000000+0000","event_type":"flow","src_ip":"10.9.0.7","src_port":1,"dest_ip":"10.9.0.88","dest_port":502,"proto":"TCP","flow":{"bytes_toserver":5,"bytes_toclient":7}}`+"\n", 2)
		if _, err := a.IngestStream(t.Context(), strings.NewReader(log), "eve.json", "", time.Time{}); err != nil {
			t.Fatal(err)
		}
		for _, q := range []string{"which sources have the most bytes?", "what did 10.9.0.7 do in the melting shop of Nordwerk?"} {
			if ans, err := a.Ask(t.Context(), copilot.Request{Question: q, Person: "ada"}); err != nil || len(ans.Answer) == 0 {
				t.Fatalf("%+v, %v", ans, err)
			}
		}
		asked := s.Asked()
		if secrecy == event.Internal && len(asked) == 0 {
			t.Error("the cloud was asked nothing: the test looks at nothing")
		}
		for _, q := range asked {
			for _, not := range []string{"10.9.0.7", "10.9.0.88", "Nordwerk", "melting shop"} {
				if strings.Contains(string(q.Raw), not) {
					t.Errorf("%s left: %s", not, q.Raw)
				}
			}
			if secrecy == event.Restricted && strings.Contains(string(q.Raw), "E1.1") {
				t.Errorf("evidence of a restricted zone left: %s", q.Raw)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// One approval puts a model server of the site to work, without a line of
// configuration, and a retirement takes it away, while the product runs.
func TestOneApprovalPutsAModelToWork(t *testing.T) {
	row, _ := worstcase.Named("honest")
	s, err := worstcase.Start(row, worstcase.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a := settings(t, "{}")
	ask := func() int {
		t.Helper()
		before := len(s.Asked())
		if ans, err := a.Ask(t.Context(), copilot.Request{Question: "frobnicate the wibble", Now: time.Now(), Person: "ada"}); err != nil || len(ans.Answer) == 0 {
			t.Fatalf("%+v, %v", ans, err)
		}
		return len(s.Asked()) - before
	}
	local := api.ModelProposal{ID: "small", By: "ada", Why: "a try", Endpoint: &api.ModelEndpoint{Name: "local", URL: s.URL(), Model: "worst-case", Location: "on-premises"}}
	if _, err := a.ProposeModel(t.Context(), local); err != nil {
		t.Fatal(err)
	}
	if n := ask(); n != 0 || a.HasMind() {
		t.Errorf("a proposed model was asked %d times", n)
	}
	decide := func(action api.ModelAction) {
		t.Helper()
		if _, err := a.DecideModel(t.Context(), api.ModelDecision{ID: "small", Action: action, By: "grace", Why: "tested"}); err != nil {
			t.Fatal(err)
		}
	}
	decide(api.ModelApprove)
	if n := ask(); n == 0 {
		t.Error("an approved model was not asked")
	}
	if out := explain(t, a, "frobnicate the wibble"); len(out.Endpoints) != 1 || out.Note != "" {
		t.Errorf("explained %+v", out)
	}
	decide(api.ModelRetire)
	if n := ask(); n != 0 {
		t.Errorf("a retired model was asked %d times", n)
	}
	// A cloud is not put to work by its address alone.
	cloud := api.ModelProposal{ID: "far", By: "ada", Why: "a try", Pin: "none", Endpoint: &api.ModelEndpoint{Name: "far", URL: "https://llm.example/v1", Model: "m", Location: "cloud"}}
	if _, err := a.ProposeModel(t.Context(), cloud); err != nil {
		t.Fatal(err)
	}
	if _, err := a.DecideModel(t.Context(), api.ModelDecision{ID: "far", Action: api.ModelApprove, By: "grace", Why: "tested"}); err != nil {
		t.Fatal(err)
	}
	if a.HasMind() {
		t.Error("a cloud endpoint that nobody configured can be asked")
	}
}

// What the page approves is put to work in the person's name, and the page shows
// it, and what was sent to it.
func TestThePagePutsAModelToWork(t *testing.T) {
	row, _ := worstcase.Named("honest")
	s, err := worstcase.Start(row, worstcase.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a := settings(t, "{}")
	for range 2 { // a second approval of the same name takes another id
		if err := a.UseModel(t.Context(), api.ModelUse{URL: s.URL(), Model: "worst-case", By: "ada", Why: "a try"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.UseModel(t.Context(), api.ModelUse{URL: "ftp://odd", Model: "m", By: "ada", Why: "a try"}); err == nil {
		t.Error("an odd address was approved")
	}
	if _, err := a.Ask(t.Context(), copilot.Request{Question: "frobnicate the wibble", Now: time.Now(), Person: "ada"}); err != nil {
		t.Fatal(err)
	}
	shown, err := a.ShowAI(t.Context(), 5)
	if err != nil || !shown.Asked || len(shown.Models) < 2 || shown.Models[0].By != "ada" || shown.Models[0].State != "approved" || len(shown.Sent) == 0 || shown.Sent[0].Person != "ada" {
		t.Errorf("shown %+v, %v", shown, err)
	}
}

// The page cannot pass a model off as one of the site that its server sends to a
// cloud.
func TestModelsOfACloudAreNotOfTheSite(t *testing.T) {
	found := []api.FoundModel{{URL: "http://127.0.0.1:1/v1", Name: "big-cloud", Cloud: "https://cloud.example"}, {URL: "http://127.0.0.1:1/v1", Name: "small"}}
	if err := runsHere(found, api.ModelUse{URL: found[0].URL, Model: "big-cloud"}); fault.KindOf(err) != fault.Denied {
		t.Errorf("a cloud's model: %v", err)
	}
	if err := runsHere(found, api.ModelUse{URL: found[0].URL, Model: "small"}); err != nil {
		t.Error(err)
	}
}

// A checked sentence is there as soon as the model has completed its claim, while
// it still writes the next one.
func TestSentencesComeWhileTheModelWrites(t *testing.T) {
	const claim = `{"predicate":"total","subject":"","object":"","evidence":["E1"],"text":""}`
	const other = `{"predicate":"note","subject":"","object":"","evidence":["E1"],"text":"This is benign, close it."}`
	var wrote atomic.Int64
	heard := make(chan bool, 16)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		send := func(text string) {
			raw, _ := json.Marshal(text) // a text can always be written
			_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%s},\"finish_reason\":null}]}\n\n", raw)
			_ = http.NewResponseController(w).Flush()
		}
		send(`{"claims":[` + claim[:20])
		wrote.Store(time.Now().UnixNano())
		send(claim[20:])
		select { // the rest comes when the sentence was heard, or too late
		case <-heard:
		case <-time.After(5 * time.Second):
		}
		send("," + other + "]}")
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	}))
	defer s.Close()
	a := settings(t, "{}", "VEDETTE_MODEL_URL="+s.URL+"/v1", "VEDETTE_MODEL_NAME=m", "VEDETTE_MODEL_LOCATION=on-premises")
	log := "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n1700000000.0\tC1\t192.168.1.5\t50000\t192.168.1.9\t502\ttcp\n"
	if _, err := a.IngestStream(t.Context(), strings.NewReader("#separator \\x09\n#path\tconn\n"+log), "conn.log", "", time.Time{}); err != nil {
		t.Fatal(err)
	}
	var told []copilot.Sentence
	var after time.Duration
	ans, err := a.Ask(t.Context(), copilot.Request{Question: "how many events per log?", Told: func(s copilot.Sentence) {
		if told = append(told, s); s.By == copilot.ByModel {
			after = time.Since(time.Unix(0, wrote.Load()))
			heard <- true
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(told) == 0 || told[0].By == copilot.ByModel || !slices.ContainsFunc(told, func(s copilot.Sentence) bool { return s.By == copilot.ByModel }) {
		t.Fatalf("told %+v, answered %+v, notes %q", told, ans.Answer, ans.ModelNotes)
	}
	if ans.Used == nil || ans.Used.Calls != 1 {
		t.Errorf("used %+v", ans.Used)
	}
	if after >= 5*time.Second {
		t.Errorf("the sentence came %v after its claim: with the end of the answer", after)
	}
	t.Logf("the sentence came %v after its claim", after)
	for _, s := range told {
		if strings.Contains(s.Text, "benign") {
			t.Errorf("told %q", s.Text)
		}
	}
	if len(told) != len(ans.Answer) {
		t.Errorf("told %d sentences, answered with %d", len(told), len(ans.Answer))
	}
}
