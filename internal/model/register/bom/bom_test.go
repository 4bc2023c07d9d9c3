package bom_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"vedette/internal/model"
	"vedette/internal/model/register"
	"vedette/internal/model/register/bom"
	"vedette/internal/model/register/inspect"
	"vedette/internal/model/register/tree"
)

const shared = "/work/shared/data/sbom/"

func at() time.Time { return time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC) }

// entries are a model of one file with everything, one of a directory, a remote
// one with nothing, and a hostile one.
func entries() []register.Entry {
	sum := strings.Repeat("ab", 32)
	step := []register.Step{{At: at(), By: "ann", Action: "approve", To: register.Approved, Why: "tested", Audit: 2}}
	return []register.Entry{
		{
			ID: "full", State: register.Approved, Revision: 1, History: step,
			Files: &register.Files{
				Path: "/m/full.gguf", Digest: "sha256:" + sum, Bytes: 10, Sums: []tree.Sum{{Name: "full.gguf", Bytes: 10, SHA256: sum}},
				Facts:     inspect.Facts{Format: "GGUF", Name: "Full", Architecture: "llama", License: "apache-2.0", Quantisation: "Q4_K_M", Context: 2048, Parameters: 7e9, TemplateSHA: sum},
				Signature: &register.Signature{Key: "maker", Fingerprint: sum, Root: sum, Signed: 1},
			},
			Endpoint: &register.Endpoint{Name: "here", URL: "http://127.0.0.1:1/v1", Model: "full", Location: model.OnPremises},
			Card: register.Card{
				TrainedOn: register.Answer{Text: "web text", Mark: register.Declared, By: "vendor", At: at()},
				Upkeep:    register.Answer{Text: "ann", Mark: register.Verified, By: "bob", At: at(), Evidence: "contract 7"},
			},
			Evaluations: []register.Evaluation{{Name: "grounding", Ref: "run.json", SHA256: sum, Figures: map[string]float64{"recall": 0.99, "a": 1}, By: "ann", At: at()}},
			Drift:       []register.Drift{{At: at(), Same: 2, Answers: make([]register.CanaryReply, 3)}},
		},
		{
			ID: "dir", State: register.Proposed, Revision: 2, History: step,
			Files: &register.Files{Path: "/m/dir", Dir: true, Digest: "sha256-dir:" + sum, Sums: []tree.Sum{{Name: "a/b.safetensors", SHA256: sum}}, Facts: inspect.Facts{Format: "safetensors"}},
		},
		{
			ID: "far", State: register.Retired, Revision: 1, History: step,
			Endpoint: &register.Endpoint{Name: "far", URL: "https://m.example/v1", Model: "big", Version: "2026-01", Location: model.Cloud, Pins: []string{"x="}},
		},
		{
			ID: "hostile", State: register.Proposed, Revision: 1, History: step,
			Files: &register.Files{
				Path: "/m/h", Digest: "sha256:" + sum, Sums: []tree.Sum{{Name: "h", SHA256: sum}},
				Facts: inspect.Facts{Format: "GGUF", Name: "a\x1b[2J\u202eb", License: "\u009b31m", Architecture: "\x00</script>"},
			},
		},
	}
}

func write(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := bom.Write(&out, entries(), at(), "1.2.3", bytes.NewReader(make([]byte, 16))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWrite(t *testing.T) {
	raw := write(t)
	var doc struct {
		SerialNumber string
		Components   []struct {
			Type, Name, Version, Description string
			Hashes                           []struct{ Alg, Content string }
			Components                       []struct{ Type, Name string }
			Properties                       []struct{ Name, Value string }
			ModelCard                        struct {
				Properties           []struct{ Name, Value string }
				QuantitativeAnalysis struct {
					PerformanceMetrics []struct{ Type, Value, Slice string }
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Components) != 4 || doc.SerialNumber != "urn:uuid:00000000-0000-4000-8000-000000000000" {
		t.Fatalf("%d components, %s", len(doc.Components), doc.SerialNumber)
	}
	for _, c := range doc.Components {
		marks := map[string]string{}
		for _, p := range append(c.Properties, c.ModelCard.Properties...) {
			if name, ok := strings.CutSuffix(p.Name, ":mark"); ok {
				marks[name] = p.Value
			}
		}
		for name, mark := range marks {
			if mark != "verified" && mark != "declared" && mark != "unknown" {
				t.Errorf("%s: %s is marked %q", c.Name, name, mark)
			}
		}
		for _, q := range []string{"trained_where", "trained_on", "refreshed", "upkeep", "protections"} {
			if marks["vedette:"+q] == "" {
				t.Errorf("%s says nothing of %s", c.Name, q)
			}
		}
		if c.Name == "full" && (marks["vedette:trained_on"] != "declared" || marks["vedette:upkeep"] != "verified" || marks["vedette:refreshed"] != "unknown" || marks["vedette:signature"] != "verified") {
			t.Errorf("marks %v", marks)
		}
		if c.Name == "dir" && (marks["vedette:signature"] != "unknown" || marks["vedette:license"] != "unknown" || len(c.Hashes) != 0 || len(c.Components) != 1) {
			t.Errorf("dir: %+v, marks %v", c, marks)
		}
		if c.Name == "hostile" && c.Description != "a?[2J?b" {
			t.Errorf("hostile name is %q", c.Description)
		}
	}
	if m := doc.Components[0].ModelCard.QuantitativeAnalysis.PerformanceMetrics; len(m) != 2 || m[1].Type != "recall" || m[1].Value != "0.99" || m[1].Slice != "grounding" {
		t.Errorf("metrics %+v", m)
	}
	if n := strings.Count(string(raw), `"vedette:unverifiable"`); n != 5 {
		t.Errorf("%d things are said to be unverifiable", n)
	}
}

// open reads the files of an archive by their base names.
func open(t *testing.T, name string) map[string][]byte {
	t.Helper()
	z, err := zip.OpenReader(shared + name)
	if err != nil {
		t.Skipf("the shared data is not here: %v", err)
	}
	defer z.Close()
	out := map[string][]byte{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(io.LimitReader(in, 16<<20))
		if err != nil {
			t.Fatal(err)
		}
		_ = in.Close()
		out[path.Base(f.Name)] = raw
	}
	return out
}

// Against the schema of CycloneDX itself, which is tried on its own examples
// first: the schema bites.
func TestSharedSchema(t *testing.T) {
	schemas, examples := open(t, "cyclonedx-schemas.zip"), open(t, "cyclonedx-spec-tests.zip")
	compiler := jsonschema.NewCompiler()
	for _, name := range []string{"bom-1.6.schema.json", "spdx.schema.json", "jsf-0.82.schema.json"} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemas[name]))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource("http://cyclonedx.org/schema/"+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	validate := func(raw []byte) error {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		return schema.Validate(doc)
	}
	if err := validate(examples["valid-machine-learning-1.6.json"]); err != nil {
		t.Errorf("the schema refuses its own example: %v", err)
	}
	if err := validate(examples["invalid-component-ref-1.6.json"]); err == nil {
		t.Error("the schema takes a wrong example")
	}
	raw := write(t)
	if err := validate(raw); err != nil {
		t.Errorf("%v\n%s", err, raw)
	}
	if err := validate(bytes.Replace(raw, []byte(`"task"`), []byte(`"tusk"`), 1)); err == nil {
		t.Error("the schema takes a model card with an unknown field")
	}
}
