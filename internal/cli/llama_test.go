package cli_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/cli"
	"vedette/internal/model/modeltest/llamaserver"
)

// answer is what ask prints, as far as it is looked at.
type answer struct {
	Status string `json:"status"`
	Answer []struct {
		Text   string `json:"text"`
		Status string `json:"status"`
	} `json:"answer"`
	Evidence []struct {
		Query string           `json:"query"`
		Rows  []map[string]any `json:"rows"`
		Total int              `json:"total"`
	} `json:"evidence"`
	Model struct {
		Name     string `json:"name"`
		Location string `json:"location"`
	} `json:"model"`
}

// The product with a real server whose model speaks nonsense: what is computed
// is what it is without one, and nothing of the nonsense is shown unless it is
// backed.
func TestLlamaAsk(t *testing.T) {
	url := llamaserver.Start(t)
	dir := t.TempDir()
	run := func(args ...string) []byte {
		t.Helper()
		var out, errs bytes.Buffer
		if code := cli.Main(t.Context(), append(args, "--data", dir), cli.Streams{In: &bytes.Buffer{}, Out: &out, Err: &errs}); code != 0 && code != 3 {
			t.Fatalf("%v ended with %d: %s", args, code, errs.String())
		}
		return out.Bytes()
	}
	ask := func(question string) (a answer) {
		t.Helper()
		raw := run("ask", "--now", "last", "--output", "json", question)
		if err := json.Unmarshal(raw, &a); err != nil {
			t.Fatalf("%v: %.300s", err, raw)
		}
		if a.Status == "" || len(a.Answer) == 0 {
			t.Errorf("%q got no answer: %.300s", question, raw)
		}
		for _, s := range a.Answer {
			if s.Text == "" || strings.ContainsAny(s.Text, "<\u202e\x1b") || strings.Contains(s.Text, "](") {
				t.Errorf("%q was answered by %q", question, s.Text)
			}
		}
		return a
	}
	run("ingest", filepath.Join("..", "normalize", "testdata", "zeek-tsv"))
	questions := []string{"which sources talk to the most destinations"}
	var alone []answer
	for _, q := range questions {
		alone = append(alone, ask(q))
	}
	t.Setenv("VEDETTE_MODEL_URL", url+"/v1")
	t.Setenv("VEDETTE_MODEL_NAME", "tiny")
	t.Setenv("VEDETTE_MODEL_LOCATION", "on-premises")
	for i, q := range questions {
		with := ask(q)
		if diff := cmp.Diff(alone[i].Evidence, with.Evidence); diff != "" || with.Status != alone[i].Status {
			t.Errorf("%q: with a model it is %s instead of %s, and the evidence is another:\n%s", q, with.Status, alone[i].Status, diff)
		}
		t.Logf("%q: answered by %s (%s): %.120q", q, with.Model.Name, with.Model.Location, with.Answer[0].Text)
	}
	ask("what does the flurble think of tuesday") // which only a model can make something of, and this one nonsense
}
