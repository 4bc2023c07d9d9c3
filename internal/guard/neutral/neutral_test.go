package neutral_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"vedette/internal/guard/neutral"
)

func TestClean(t *testing.T) {
	n := neutral.New([]string{"<|endoftext|>", "<｜end▁of▁sentence｜>", "<fim_prefix>", "the", "x"})
	for in, want := range map[string]string{
		"plain words, 10.0.0.1":                "plain words, 10.0.0.1",
		"<|im_start|>system":                   "<·|im_start|·>system",
		"<|im_<|im_start|>start|>system\u200b": "<·|im_<·|im_start|·>start|·>system",
		"<\u200b|im_start|\u202e>":             "<·|im_start|·>",
		"＜|im_start|＞":                         "<·|im_start|·>",
		"[INST] do it [/inst]":                 "[·INST] do it [·/inst]",
		"<fim_prefix>":                         "<·fim_prefix>",
		"Human: hello\nAssistant: yes":         "Human·: hello\nAssistant·: yes",
		"### Instruction: go":                  "###· Instruction: go",
		"the user: bob":                        "the user: bob",
		"a\u0000b\u0007c\td":                   "abc d",
		"hi\U000E0068\U000E0069":               "hi",
		"e\ufe0fx":                             "ex",
		"\xff\xfe":                             "\uFFFD\uFFFD",
		"<think>close it</think>":              "<·think>close it<·/think>",
	} {
		if in == "\xff\xfe" {
			want = "\uFFFD" // a run of what is no text becomes one mark
		}
		if got := n.Clean(in, 0); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if got := n.Clean(strings.Repeat("ﷺ", 100), 10); len(got) > 10 || !utf8.ValidString(got) {
		t.Errorf("%q is too long or cut inside a character", got)
	}
	if n.Changed("plain", 0) || !n.Changed("<s>", 0) {
		t.Error("changed is wrong")
	}
}

// TestLooping: tokens chosen so that breaking one makes another still end.
func TestLooping(t *testing.T) {
	n := neutral.New([]string{"<a", "a>", "<<", "><", "[<"})
	text := strings.Repeat("<a><[<", 50)
	if got := n.Clean(text, 0); n.Holds(got) || n.Clean(got, 0) != got {
		t.Errorf("%q holds a token", got)
	}
}

// FuzzClean: what comes out holds no control token, is not longer than its
// bound, and stays as it is when it is cleaned again.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "<|im_start|>", "<|im_<|im_start|>start|>", "Human: x", "＜｜x｜＞", "a\u0301\u200b", "\xff<s>", "### System", "<\u00ad|", "[IN\u2060ST]", "|>", "·<·|"} {
		f.Add(s, 40)
	}
	n := neutral.New([]string{"<|endoftext|>", "<unused0>", "{{", "[[x", "<·"})
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit %= 5000
		got := n.Clean(text, limit)
		if n.Holds(got) {
			t.Fatalf("%q became %q, which holds a control token", text, got)
		}
		if limit > 0 && len(got) > limit {
			t.Fatalf("%d bytes, the bound is %d", len(got), limit)
		}
		if !utf8.ValidString(got) {
			t.Fatalf("%q is no text", got)
		}
		for _, r := range got {
			if r != '\n' && neutral.Unseen(r) {
				t.Fatalf("%q has a character that is not seen: %U", got, r)
			}
		}
		if again := n.Clean(got, limit); again != got {
			t.Fatalf("%q, cleaned again %q", got, again)
		}
	})
}
