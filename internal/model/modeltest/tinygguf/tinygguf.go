// Package tinygguf writes a language model of half a megabyte with random
// weights, as a GGUF file that llama.cpp loads. It speaks nonsense, and shows
// how a real server behaves: its wire, its grammar, its limits.
//
// It owns the writer and the chat template. The file is made anew from a seed
// for each test, so that none has to be kept or licensed. It must not be taken
// for a model.
package tinygguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

// Shape of the network: two layers of the llama architecture.
const (
	width   = 64
	layers  = 2
	heads   = 4
	inner   = 128
	align   = 32
	version = 3
)

// Context is how many tokens the model says it holds.
const Context = 8192

// Types of values in a GGUF header.
const (
	typeUint32  = 4
	typeInt32   = 5
	typeFloat32 = 6
	typeBool    = 7
	typeString  = 8
	typeArray   = 9
)

// Kinds of tokens.
const (
	tokenNormal  = 1
	tokenControl = 3
	tokenUser    = 4
)

// Control are the tokens that mark turns and tools in its vocabulary.
func Control() []string {
	return []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"}
}

// FirstControl is the id of the first token of [Control]; the others follow.
func FirstControl() int {
	tokens, _, _ := vocabulary()
	return len(tokens) - len(Control())
}

// Template is its chat template.
const Template = `{%- for message in messages -%}
<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}`

// Model writes the file of a seed; the same seed gives the same bytes.
func Model(seed uint64) []byte {
	tokens, kinds, merges := vocabulary()
	var head header
	head.text("general.architecture", "llama")
	head.text("general.name", "tiny-random")
	head.text("general.license", "CC0-1.0")
	for _, kv := range []struct {
		key   string
		value int
	}{
		{"general.file_type", 0},
		{"llama.vocab_size", len(tokens)},
		{"llama.context_length", Context},
		{"llama.embedding_length", width},
		{"llama.block_count", layers},
		{"llama.feed_forward_length", inner},
		{"llama.attention.head_count", heads},
		{"llama.attention.head_count_kv", heads},
		{"llama.rope.dimension_count", width / heads},
		{"tokenizer.ggml.bos_token_id", len(tokens) - len(Control())},
		{"tokenizer.ggml.eos_token_id", len(tokens) - len(Control()) + 2},
	} {
		head.key(kv.key, typeUint32)
		head.put(uint32(kv.value))
	}
	head.key("llama.attention.layer_norm_rms_epsilon", typeFloat32)
	head.put(float32(1e-5))
	head.text("tokenizer.ggml.model", "gpt2")
	head.text("tokenizer.ggml.pre", "gpt-2")
	head.texts("tokenizer.ggml.tokens", tokens)
	head.key("tokenizer.ggml.token_type", typeArray)
	head.put(uint32(typeInt32))
	head.put(uint64(len(kinds)))
	head.put(kinds)
	head.texts("tokenizer.ggml.merges", merges)
	head.key("tokenizer.ggml.add_bos_token", typeBool)
	head.put(uint8(0))
	head.text("tokenizer.chat_template", Template)
	return file(head, tensors(seed, len(tokens)))
}

// vocabulary is GPT-2's 256 signs for bytes, a few merges, and the control
// tokens at the end.
func vocabulary() (tokens []string, kinds []int32, merges []string) {
	odd := 256
	for b := range 256 {
		sign := rune(b)
		if b < '!' || b > '~' && b < 0xA1 || b == 0xAD {
			sign, odd = rune(odd), odd+1
		}
		tokens = append(tokens, string(sign))
	}
	for _, pair := range [][2]string{{"t", "h"}, {"i", "n"}, {"e", "r"}, {"o", "n"}, {"Ġ", "a"}, {"Ġ", "t"}} {
		merges = append(merges, pair[0]+" "+pair[1])
		tokens = append(tokens, pair[0]+pair[1])
	}
	for range tokens {
		kinds = append(kinds, tokenNormal)
	}
	for _, c := range Control() {
		kind := int32(tokenControl)
		if c[1] != '|' {
			kind = tokenUser
		}
		tokens, kinds = append(tokens, c), append(kinds, kind)
	}
	return tokens, kinds, merges
}

// tensor is a table of numbers; dims are innermost first.
type tensor struct {
	name   string
	dims   []uint64
	values []float32
}

func tensors(seed uint64, words int) []tensor {
	chance := rand.New(rand.NewPCG(seed, 1))
	var out []tensor
	table := func(name string, dims ...uint64) {
		n := uint64(1)
		for _, d := range dims {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(chance.NormFloat64() * 0.1)
		}
		out = append(out, tensor{name, dims, values})
	}
	ones := func(name string) {
		values := make([]float32, width)
		for i := range values {
			values[i] = 1
		}
		out = append(out, tensor{name, []uint64{width}, values})
	}
	table("token_embd.weight", width, uint64(words))
	for layer := range layers {
		at := func(part string) string { return fmt.Sprintf("blk.%d.%s.weight", layer, part) }
		ones(at("attn_norm"))
		for _, part := range []string{"attn_q", "attn_k", "attn_v", "attn_output"} {
			table(at(part), width, width)
		}
		ones(at("ffn_norm"))
		table(at("ffn_gate"), width, inner)
		table(at("ffn_up"), width, inner)
		table(at("ffn_down"), inner, width)
	}
	ones("output_norm.weight")
	table("output.weight", width, uint64(words))
	return out
}

// header is the keys and values of a file.
type header struct {
	bytes.Buffer
	keys uint64
}

// put writes a value of fixed size; writing into memory does not fail.
func (h *header) put(v any) { _ = binary.Write(&h.Buffer, binary.LittleEndian, v) }

func (h *header) string(s string) {
	h.put(uint64(len(s)))
	h.WriteString(s)
}

func (h *header) key(name string, kind uint32) {
	h.keys++
	h.string(name)
	h.put(kind)
}

func (h *header) text(name, value string) {
	h.key(name, typeString)
	h.string(value)
}

func (h *header) texts(name string, values []string) {
	h.key(name, typeArray)
	h.put(uint32(typeString))
	h.put(uint64(len(values)))
	for _, v := range values {
		h.string(v)
	}
}

// file puts it all together: magic, counts, keys, where the tensors are, and
// the tensors, each at a multiple of align.
func file(head header, all []tensor) []byte {
	var out header
	out.WriteString("GGUF")
	out.put(uint32(version))
	out.put(uint64(len(all)))
	out.put(head.keys)
	out.Write(head.Bytes())
	offset := uint64(0)
	for _, t := range all {
		out.string(t.name)
		out.put(uint32(len(t.dims)))
		out.put(t.dims)
		out.put(uint32(0)) // 32-bit floats
		out.put(offset)
		offset += uint64(len(t.values)*4+align-1) / align * align
	}
	pad := func() {
		for out.Len()%align != 0 {
			out.WriteByte(0)
		}
	}
	pad()
	for _, t := range all {
		out.put(t.values)
		pad()
	}
	return out.Bytes()
}
