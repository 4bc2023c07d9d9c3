package config

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vedette/internal/fault"
)

const models = `models:
  mode: hybrid
  policy:
    rules:
      - {name: safety stays, zones: [safety], tlp: [amber], tasks: [narrate], highest: on-premises}
    require: {jurisdictions: [EU], no_training: true, retention: 30d, contract: true}
  endpoints:
    - name: plant
      wire: openai
      url: http://10.0.0.9:8080
      model: qwen3:8b
      location: on-premises
      context: 8192
      networks: [203.0.113.0/24]
    - name: cloud.eu
      wire: anthropic
      url: https://llm.example.eu
      model: m-1
      location: cloud
      key_file: /k
      terms: {operator: Example, jurisdiction: DE, retention: 0d, trains_on_input: no, contract: DPA 7}
      price: {in: 2.5, out: 10, currency: EUR}
      limits: {total: 1m, answer: 64KB}
  budgets:
    - {person: each, calls: 100, tokens: 200000}
    - {endpoint: plant, money: 5, currency: EUR}
`

func TestModels(t *testing.T) {
	got, err := Load(Sources{File: write(t, models)})
	if err != nil {
		t.Fatal(err)
	}
	if e := got.Models.Endpoints[1]; e.Terms.TrainsOnInput != "no" || e.Price.In != 2.5 || e.Limits.Answer != 64<<10 || got.Model.FromEnv {
		t.Errorf("read %+v", e)
	}
	var out bytes.Buffer
	if err := got.Print(&out); err != nil {
		t.Fatal(err)
	}
	again, err := Load(Sources{File: write(t, out.String())})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got.Models, again.Models, cmpopts.EquateEmpty(), cmpopts.EquateComparable(Prefix{})); diff != "" {
		t.Errorf("printed and read again (-want +got):\n%s", diff)
	}
}

func TestModelProblems(t *testing.T) {
	file := write(t, `models:
  mode: everywhere
  policy:
    rules:
      - {name: x, tlp: [pink], tasks: [think], highest: cloud}
      - {name: y}
    require: {jurisdictions: [Europe], retention: a week}
  endpoints:
    - {name: default, wire: grpc, url: ftp://x, location: cloud}
    - {name: one, url: "http://user:pw@cloud.example", model: m, location: cloud, networks: [10.0.0.0/8], terms: {trains_on_input: maybe}, price: {in: 1}}
    - {name: One, url: "https://x", model: m, location: here}
  budgets:
    - {person: ada}
    - {endpoint: none, money: 3}
`)
	_, err := Load(Sources{File: file})
	if fault.KindOf(err) != fault.Invalid {
		t.Fatalf("error %v", err)
	}
	var got []string
	for _, p := range ProblemsOf(err) {
		if p.Line == 0 {
			t.Errorf("%s has no line", p)
		}
		got = append(got, p.Key)
	}
	want := []string{
		"models.mode", "models.policy.rules[0].tlp[0]", "models.policy.rules[0].tasks[0]", "models.policy.rules[0].highest",
		"models.policy.rules[1].highest", "models.policy.require.jurisdictions[0]", "models.policy.require.retention",
		"models.endpoints[0].name", "models.endpoints[0].wire", "models.endpoints[0].url", "models.endpoints[0].model",
		"models.endpoints[1].url", "models.endpoints[1].networks", "models.endpoints[1].terms.trains_on_input",
		"models.endpoints[1].price.currency", "models.endpoints[2].location", "models.endpoints[2].name",
		"models.budgets[0].calls", "models.budgets[1].currency", "models.budgets[1].endpoint",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestModelOfTheEnvironment(t *testing.T) {
	env := []string{"VEDETTE_MODEL_URL=http://127.0.0.1:1", "VEDETTE_MODEL_NAME=m", "VEDETTE_MODEL_LOCATION=on-premises"}
	got, err := Load(Sources{Env: env})
	if err != nil || !got.Model.FromEnv {
		t.Errorf("%+v, %v", got.Model, err)
	}
	file := write(t, "model: {url: 'http://127.0.0.1:2', name: x, location: on-premises}\n")
	if got, err = Load(Sources{File: file, Env: env[1:]}); err != nil || got.Model.FromEnv {
		t.Errorf("a URL of the file counts as one of the environment: %+v, %v", got.Model, err)
	}
	if _, err = Load(Sources{Env: append(env, "VEDETTE_MODELS_MODE=on")}); err == nil || !strings.Contains(err.Error(), "VEDETTE_MODELS_MODE") {
		t.Errorf("an odd mode: %v", err)
	}
}
