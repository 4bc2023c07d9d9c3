package family

import (
	"encoding/json"
	"strings"
	"testing"

	"vedette/internal/guard/neutral"
)

func TestMatch(t *testing.T) {
	for name, want := range map[string]string{
		"llama3.2:3b":                                  "llama-3.1",
		"meta-llama/Meta-Llama-3-8B-Instruct":          "llama-3",
		"Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf":       "llama-3.1",
		"Qwen/Qwen2.5-7B-Instruct-AWQ":                 "qwen2.5",
		"qwen3:4b":                                     "qwen3",
		"hf.co/unsloth/Qwen3-8B-GGUF:Q4_K_M":           "qwen3",
		"mistral:7b-instruct":                          "mistral",
		"mistralai/Ministral-8B-Instruct-2410":         "ministral",
		"gemma2:2b":                                    "gemma2",
		"google_gemma-3-4b-it-Q4_0.gguf":               "gemma3",
		"gemma4:e4b":                                   "gemma4",
		"google/gemma-4-26b-a4b-it":                    "gemma4",
		"meta-llama/Llama-4-Scout-17B-16E-Instruct":    "llama-4",
		"phi3.5:latest":                                "phi-3",
		"microsoft/Phi-4-mini-instruct":                "phi-4-mini",
		"phi4:14b":                                     "phi-4",
		"gpt-oss:20b":                                  "gpt-oss",
		"deepseek-r1:7b":                               "deepseek-r1-distill",
		"DeepSeek-R1-Distill-Qwen-1.5B-Q8_0.gguf":      "deepseek-r1-distill",
		"deepseek-chat":                                "deepseek",
		"granite3.3:8b":                                "granite-3",
		"ibm-granite/granite-4.0-h-tiny":               "granite-4",
		"smollm2:1.7b":                                 "smollm2",
		"HuggingFaceTB/SmolLM3-3B":                     "smollm3",
		"claude-sonnet-4-5-20250929":                   "claude-4",
		"claude-opus-4-7":                              "claude",
		"us.anthropic.claude-3-5-sonnet-20241022-v2:0": "claude-4",
		"gpt-4o-mini":                                  "gpt-4",
		"gpt-5-mini":                                   "gpt-5",
		"o3":                                           "gpt-5",
		"models/gemini-2.5-flash":                      "gemini",
		"marco-o1":                                     Unknown,
		"tiny-random":                                  Unknown,
		"":                                             Unknown,
		"my-model":                                     Unknown,
		"/":                                            Unknown,
		"llamas-are-nice":                              Unknown,
		strings.Repeat("x", 1000):                      Unknown,
		"\xff\xfe\x00":                                 Unknown,
		"C:\\models\\qwen2.5-0.5b-instruct-q4_k_m.gguf": "qwen2.5",
		"./models/Llama-3.2-1B-Instruct-Q4_K_M.gguf":    "llama-3.1",
	} {
		if got := Match(name).Name; got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
	if got := MatchFile("gemma3", "my-tuned").Name; got != "gemma3" {
		t.Errorf("an architecture of one family: got %s", got)
	}
	if got := MatchFile("llama", "my-tuned").Name; got != Unknown {
		t.Errorf("an architecture of many families: got %s", got)
	}
}

// What is in the file is whole, and no alias is of two families.
func TestData(t *testing.T) {
	var strict []Family
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(&strict); err != nil {
		t.Fatal(err)
	}
	if len(All()) != len(strict) || len(strict) < 20 {
		t.Fatalf("%d families", len(strict))
	}
	aliases, names, architectures := map[string]string{}, map[string]bool{}, map[string]string{}
	for _, f := range strict {
		if f.Name == "" || names[f.Name] || f.Context < 2048 || len(f.Control) == 0 || f.Format == "" || f.Structured == ByNothing || f.Vendor == "" {
			t.Errorf("%q is not whole", f.Name)
		}
		names[f.Name] = true
		for _, a := range f.Aliases {
			if Normal(a) != a || aliases[a] != "" {
				t.Errorf("the alias %q of %s is not normal, or of %s too", a, f.Name, aliases[a])
			}
			aliases[a] = f.Name
		}
		for _, a := range f.Architectures {
			if architectures[a] != "" {
				t.Errorf("the architecture %q is of two families", a)
			}
			architectures[a] = f.Name
		}
		if !f.Local && len(f.Small) > 0 {
			t.Errorf("%s has small sizes but no weights", f.Name)
		}
	}
}

// No text that was cleaned for a family holds one of its control tokens.
func TestControlIsTakenOut(t *testing.T) {
	for _, f := range All() {
		clean := neutral.New(f.Control)
		for _, c := range f.Control {
			for _, text := range []string{"plc " + c + " 7", c + c, c[:1] + c + c[1:]} {
				if got := clean.Clean(text, 1000); strings.Contains(got, c) {
					t.Errorf("%s: %q is left in %q", f.Name, c, got)
				}
			}
		}
	}
}
