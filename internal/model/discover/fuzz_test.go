package discover

import (
	"encoding/json"
	"testing"
)

// FuzzAnswers: whatever servers answer, what is listed is bounded and fit to
// be shown.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"data":[{"id":"a/b","owned_by":"vllm","max_model_len":-5,"meta":{"n_ctx_train":99999999999,"n_params":5}}]}`), []byte(`{"parameters":"num_ctx 4096\nstop x","capabilities":["completion"],"model_info":{"general.architecture":"llama","llama.context_length":8192}}`), 4096)
	f.Add([]byte(`{"data":null}`), []byte(`{"model_info":{"general.architecture":[],"x":1e999}}`), -1)
	f.Fuzz(func(t *testing.T, raw, detail []byte, served int) {
		var list openAI
		var studio studioList
		var show ollamaShow
		q := &asking{}
		if json.Unmarshal(raw, &list) == nil {
			q.plain(list, served)
		}
		if json.Unmarshal(raw, &studio) == nil {
			q.studio(studio)
		}
		if json.Unmarshal(detail, &show) == nil {
			for i := range q.server.Models {
				q.server.Models[i].take(show)
			}
		}
		if len(q.server.Models) > 2*maxModels || q.server.LeftOut < 0 {
			t.Fatalf("%d models, %d left out", len(q.server.Models), q.server.LeftOut)
		}
		for i := range q.server.Models {
			m := &q.server.Models[i]
			m.judge(Ollama)
			if m.Context < 0 || m.MaxContext < 0 || m.Bytes < 0 || m.Family == "" || len(m.Abilities) > 20 || len(m.Lacks) > 8 {
				t.Fatalf("%+v", m)
			}
			for _, text := range append([]string{m.Name, m.Architecture, m.Parameters, m.Quantization, m.Remote}, m.Abilities...) {
				if len(text) > 200 {
					t.Fatalf("%d bytes: %q", len(text), text)
				}
			}
		}
	})
}
