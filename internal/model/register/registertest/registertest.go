// Package registertest makes small model files for tests: GGUF and safetensors,
// right ones and, by what is put into them, wrong ones. Nothing it makes comes
// from a real model.
//
// It must not be imported by the product.
package registertest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"slices"
)

// The kinds of values of GGUF that tests use.
const (
	U32    uint32 = 4
	I32    uint32 = 5
	String uint32 = 8
	Array  uint32 = 9
)

// GGUF is a file to be made.
type GGUF struct {
	Order   binary.ByteOrder // nil: little-endian
	Version uint32           // 0: 3
	Pairs   []Pair
	Tensors []Tensor
	Align   int // 0: 32
	Data    []byte
}

// Pair is a key and its value: uint32, int32, string, []string or []int32.
type Pair struct {
	Key   string
	Value any
}

// Tensor is what the header says of a tensor.
type Tensor struct {
	Name   string
	Dims   []uint64
	Kind   uint32
	Offset uint64
}

// Tiny is a whole small model: one tensor, five tokens of which three steer,
// and a chat template.
func Tiny() GGUF {
	return GGUF{
		Pairs: []Pair{
			{"general.architecture", "llama"},
			{"general.name", "tiny"},
			{"general.license", "cc0-1.0"},
			{"general.file_type", uint32(0)},
			{"llama.context_length", uint32(2048)},
			{"tokenizer.ggml.model", "gpt2"},
			{"tokenizer.ggml.tokens", []string{"a", "b", "<|im_start|>", "<|im_end|>", "<tool_call>"}},
			{"tokenizer.ggml.token_type", []int32{1, 1, 3, 3, 4}},
			{"tokenizer.chat_template", "{{ messages }}"},
		},
		Tensors: []Tensor{{"output.weight", []uint64{4, 2}, 0, 0}},
		Data:    bytes.Repeat([]byte{1}, 32),
	}
}

// Set replaces a pair or adds it.
func (g GGUF) Set(key string, v any) GGUF {
	g.Pairs = slices.Clone(g.Pairs)
	for i, p := range g.Pairs {
		if p.Key == key {
			g.Pairs[i].Value = v
			return g
		}
	}
	g.Pairs = append(g.Pairs, Pair{key, v})
	return g
}

// Bytes writes the file.
func (g GGUF) Bytes() []byte {
	w := writer{order: g.Order}
	if w.order == nil {
		w.order = binary.LittleEndian
	}
	version := g.Version
	if version == 0 {
		version = 3
	}
	w.WriteString("GGUF")
	w.u32(version)
	w.u64(uint64(len(g.Tensors)))
	w.u64(uint64(len(g.Pairs)))
	for _, p := range g.Pairs {
		w.text(p.Key)
		w.value(p.Value)
	}
	for _, t := range g.Tensors {
		w.text(t.Name)
		w.u32(uint32(len(t.Dims)))
		for _, d := range t.Dims {
			w.u64(d)
		}
		w.u32(t.Kind)
		w.u64(t.Offset)
	}
	align := g.Align
	if align == 0 {
		align = 32
	}
	for w.Len()%align != 0 {
		w.WriteByte(0)
	}
	w.Write(g.Data)
	return w.Bytes()
}

type writer struct {
	bytes.Buffer
	order binary.ByteOrder
}

func (w *writer) u32(v uint32) {
	var b [4]byte
	w.order.PutUint32(b[:], v)
	w.Write(b[:])
}

func (w *writer) u64(v uint64) {
	var b [8]byte
	w.order.PutUint64(b[:], v)
	w.Write(b[:])
}

func (w *writer) text(s string) {
	w.u64(uint64(len(s)))
	w.WriteString(s)
}

func (w *writer) value(v any) {
	switch v := v.(type) {
	case uint32:
		w.u32(U32)
		w.u32(v)
	case int32:
		w.u32(I32)
		w.u32(uint32(v))
	case string:
		w.u32(String)
		w.text(v)
	case []string:
		w.u32(Array)
		w.u32(String)
		w.u64(uint64(len(v)))
		for _, s := range v {
			w.text(s)
		}
	case []int32:
		w.u32(Array)
		w.u32(I32)
		w.u64(uint64(len(v)))
		for _, n := range v {
			w.u32(uint32(n))
		}
	}
}

// Safetensors writes a file with the header given as JSON or as a value to be
// written as JSON, and data.
func Safetensors(header any, data []byte) []byte {
	text, ok := header.(string)
	if !ok {
		raw, err := json.Marshal(header)
		if err != nil {
			panic(err)
		}
		text = string(raw)
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	out = append(out, text...)
	return append(out, data...)
}

// TinySafetensors is a whole small file of two tensors.
func TinySafetensors() []byte {
	return Safetensors(`{"__metadata__":{"format":"pt","license":"cc0-1.0"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"I8","shape":[3],"data_offsets":[16,19]}}`, make([]byte, 19))
}
