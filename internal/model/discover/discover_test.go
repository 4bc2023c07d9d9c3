package discover

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/model/modeltest"
)

// fake serves answers by path; all else is not found.
func fake(t *testing.T, answers map[string]string) (address string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		if r.Method == http.MethodPost {
			raw, _ := io.ReadAll(r.Body)
			body, ok = answers[r.URL.Path+" "+strings.TrimSpace(string(raw))]
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error":"not found"}`)
			return
		}
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// What each server answers, cut to what is read, after their documentation.
func TestServers(t *testing.T) {
	digest := strings.Repeat("ab", 32)
	ollama := fake(t, map[string]string{
		"/api/version": `{"version":"0.13.1"}`,
		"/api/tags": `{"models":[{"name":"qwen2.5:3b","size":1929912432,"digest":"` + digest + `","details":{"family":"qwen2","parameter_size":"3.1B","quantization_level":"Q4_K_M"}},
			{"name":"gpt-oss:120b-cloud","digest":"x","remote_host":"https://ollama.com:443","details":{}},{"name":"kimi:cloud","details":{}},{"name":"nomic-embed-text:latest","digest":"` + digest + `","details":{"family":"nomic-bert"}}]}`,
		"/api/ps":                          `{"models":[{"name":"qwen2.5:3b","context_length":16384}]}`,
		`/api/show {"model":"qwen2.5:3b"}`: `{"parameters":"stop \"x\"\nnum_ctx 2048","capabilities":["completion","tools"],"model_info":{"general.architecture":"qwen2","qwen2.context_length":32768,"odd":[1]}}`,
		`/api/show {"model":"nomic-embed-text:latest"}`: `{"capabilities":["embedding"],"model_info":{}}`,
		"/v1/models": `{"data":[{"id":"qwen2.5:3b"}]}`,
	})
	llama := fake(t, map[string]string{
		"/props":     `{"default_generation_settings":{"n_ctx":4096},"total_slots":2,"model_path":"/m/tiny.gguf","build_info":"b11669"}`,
		"/v1/models": `{"data":[{"id":"tiny.gguf","owned_by":"llamacpp","meta":{"n_ctx_train":8192,"n_params":118016,"size":472160}}]}`,
	})
	vllm := fake(t, map[string]string{
		"/version":   `{"version":"0.11.0"}`,
		"/v1/models": `{"data":[{"id":"mistralai/Ministral-8B-Instruct-2410","owned_by":"vllm","max_model_len":32768}]}`,
	})
	studio := fake(t, map[string]string{
		"/api/v0/models": `{"data":[{"id":"gemma-3-4b-it","type":"vlm","arch":"gemma3","quantization":"Q4_0","state":"loaded","max_context_length":131072,"loaded_context_length":8192},{"id":"e","type":"embeddings","state":"not-loaded"}]}`,
		"/v1/models":     `{"data":[{"id":"gemma-3-4b-it"},{"id":"e"}]}`,
	})
	other := fake(t, map[string]string{"/v1/models": `{"data":[{"id":"my model\u202e\u0007"}]}`})
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, "<!doctype html>open it by its link, which has a token")
	}))
	defer page.Close()
	locked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":{"message":"Invalid API Key","type":"authentication_error"}}`)
	}))
	defer locked.Close()

	check := modeltest.Goroutines(t)
	got := map[string]Server{}
	list, err := Look(t.Context(), Options{Time: 5 * time.Second, Here: []string{ollama, llama, vllm, studio, other, page.Listener.Addr().String(), locked.Listener.Addr().String(), "127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		got[strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://"), "/v1")] = s
	}
	if len(got) != 6 {
		t.Errorf("found %d: %+v", len(got), got)
	}
	brief := func(s Server) string {
		text := s.Software + " " + s.Version
		for _, m := range s.Models {
			text += fmt.Sprintf("\n%s %s %s %s %d/%d loaded=%v structured=%v usable=%v remote=%s lacks=%d", m.Name, m.Family, m.Parameters, m.Quantization, m.Context, m.MaxContext, m.Loaded, m.Structured, m.Usable, m.Remote, len(m.Lacks))
		}
		return text
	}
	for address, want := range map[string]string{
		ollama: "Ollama 0.13.1\nqwen2.5:3b qwen2.5 3.1B Q4_K_M 16384/32768 loaded=true structured=true usable=true remote= lacks=0" +
			"\ngpt-oss:120b-cloud gpt-oss   0/0 loaded=false structured=false usable=true remote=https://ollama.com:443 lacks=5" +
			"\nkimi:cloud unknown   0/0 loaded=false structured=false usable=true remote=a cloud, by its name lacks=5" +
			"\nnomic-embed-text:latest unknown   0/0 loaded=false structured=true usable=false remote= lacks=1",
		llama:  "llama.cpp b11669\ntiny.gguf unknown 0.1M  4096/8192 loaded=true structured=true usable=true remote= lacks=3",
		vllm:   "vLLM 0.11.0\nmistralai/Ministral-8B-Instruct-2410 ministral   32768/0 loaded=true structured=true usable=true remote= lacks=1",
		studio: "LM Studio \ngemma-3-4b-it gemma3  Q4_0 8192/131072 loaded=true structured=true usable=true remote= lacks=1\ne unknown   0/0 loaded=false structured=true usable=false remote= lacks=1",
		other:  "OpenAI-compatible \nmy model unknown   0/0 loaded=true structured=false usable=true remote= lacks=4",
	} {
		if diff := cmp.Diff(want, brief(got[address])); diff != "" {
			t.Error(diff)
		}
	}
	if s := got[locked.Listener.Addr().String()]; !s.NeedsKey {
		t.Errorf("locked: %+v", s)
	}
	check()
}

// Nothing outside of the house is asked, and nobody makes the look long.
func TestBounds(t *testing.T) {
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer hang.Close()
	flood := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("[", 10_000)); err != nil {
				return
			}
		}
	}))
	defer flood.Close()
	check := modeltest.Goroutines(t)
	began := time.Now()
	list, err := Look(t.Context(), Options{
		Time: 300 * time.Millisecond, Here: []string{hang.Listener.Addr().String(), flood.Listener.Addr().String()}, Hosts: []string{"models.example:11434"},
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("198.51.100.7")}, nil
		},
	})
	if took := time.Since(began); err != nil || took > 3*time.Second {
		t.Errorf("%v after %v", err, took)
	}
	if len(list) != 1 || list[0].Software != "none" || !strings.Contains(list[0].Problem, "moved") {
		t.Errorf("found %+v", list)
	}
	check()
}

func TestHosts(t *testing.T) {
	for text, want := range map[string]string{
		"gpu1": "gpu1|", "gpu1.plant.local:8000": "gpu1.plant.local|8000", "10.0.0.1": "10.0.0.1|", "::1": "::1|", "[::1]:11434": "::1|11434",
		"10.0.0.0/24": "", "a b": "", "": "", "x:0": "", "x:70000": "", "http://x": "", "x:y": "", "*": "", "10.0.0.1-9": "10.0.0.1-9|",
	} {
		host, port, err := split(text)
		if got := host + "|" + port; err == nil && got != want || err != nil && want != "" {
			t.Errorf("%q: got %s, %v", text, got, err)
		}
	}
	if _, err := Look(t.Context(), Options{Hosts: make([]string, 65)}); err == nil {
		t.Error("65 hosts were taken")
	}
}
