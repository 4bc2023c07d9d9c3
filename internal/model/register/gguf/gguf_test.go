package gguf_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/fault"
	"vedette/internal/model/register/gguf"
	"vedette/internal/model/register/registertest"
)

func read(raw []byte) (gguf.Header, error) { return gguf.Read(bytes.NewReader(raw), int64(len(raw))) }

func TestRead(t *testing.T) {
	sum := sha256.Sum256([]byte("{{ messages }}"))
	want := gguf.Header{
		Version: 3, Architecture: "llama", Name: "tiny", License: "cc0-1.0", FileType: "F32", Quantisation: "F32", Tokenizer: "gpt2",
		Context: 2048, Parameters: 8, Tensors: 1, Keys: 9,
		Control:   []string{"<|im_start|>", "<|im_end|>", "<tool_call>"},
		Templates: []gguf.Template{{Text: "{{ messages }}", Digest: hex.EncodeToString(sum[:])}},
	}
	for name, g := range map[string]registertest.GGUF{"v3": {}, "v2": {Version: 2}, "v3 big-endian": {Order: binary.BigEndian}} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			tiny := registertest.Tiny()
			tiny.Version, tiny.Order = g.Version, g.Order
			got, err := read(tiny.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			want := want
			if g.Version != 0 {
				want.Version = int(g.Version)
			}
			want.BigEndian, want.Data = g.Order != nil, got.Data
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if def, ok := got.Template(); !ok || def.Text == "" || got.Data%32 != 0 {
				t.Errorf("template %v %v, data at %d", def, ok, got.Data)
			}
		})
	}
}

func TestTemplatesAndTrailing(t *testing.T) {
	g := registertest.Tiny().Set("tokenizer.chat_template.tools", "{{ tools }}")
	g.Data = append(g.Data, make([]byte, 100)...)
	h, err := read(g.Bytes())
	if err != nil || len(h.Templates) != 2 || h.Templates[1].Name != "tools" || h.Trailing != 100 {
		t.Errorf("%+v, %v", h, err)
	}
	g = registertest.Tiny()
	g.Tensors[0].Kind = 200 // a format of a later day
	h, err = read(g.Bytes())
	if err != nil || h.Unsized != 1 || h.Trailing != 0 || h.Quantisation != "type 200" {
		t.Errorf("%+v, %v", h, err)
	}
}

// Headers that lie are refused, and with what is wrong.
func TestRefuses(t *testing.T) {
	tiny := registertest.Tiny
	with := func(change func(g *registertest.GGUF)) []byte {
		g := tiny()
		change(&g)
		return g.Bytes()
	}
	tensors := func(list ...registertest.Tensor) []byte {
		return with(func(g *registertest.GGUF) { g.Tensors = list })
	}
	counts := func(tensors, keys uint64) []byte {
		raw := append([]byte("GGUF"), 3, 0, 0, 0)
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(raw, tensors), keys)
	}
	long := append(counts(0, 1), binary.LittleEndian.AppendUint64(nil, math.MaxUint64)...)
	array := func(kind uint32, n uint64) []byte {
		raw := append(counts(0, 1), 1, 0, 0, 0, 0, 0, 0, 0, 'k')
		raw = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(raw, registertest.Array), kind)
		return binary.LittleEndian.AppendUint64(raw, n)
	}
	tests := []struct {
		name string
		raw  []byte
		want string
	}{
		{"empty", nil, "ends at byte 0"},
		{"other magic", []byte("PK\x03\x04PK\x03\x04"), `does not begin with "GGUF"`},
		{"version 1", with(func(g *registertest.GGUF) { g.Version = 1 }), "version 1 is not read"},
		{"version 0", with(func(g *registertest.GGUF) { g.Version = 1 << 31 }), "is not read"},
		{"v2 big-endian", with(func(g *registertest.GGUF) { g.Version, g.Order = 2, binary.BigEndian }), "no big-endian form"},
		{"many tensors", counts(1<<40, 0), "the limit is 65536"},
		{"many keys", counts(0, 4097), "the limit is 4096"},
		{"keys that are not there", counts(0, 4096), "ends at byte 24"},
		{"long string", long, "the limit is 1048576"},
		{"long array", array(0, math.MaxUint64), "the limit is 1048576"},
		{"array past the end", array(12, 1<<20), "ends at byte"},
		{"array of arrays", array(9, 1), "array of arrays"},
		{"array of nothing", array(13, 1), "unknown kind 13"},
		{"twice the key", with(func(g *registertest.GGUF) { g.Pairs = append(g.Pairs, g.Pairs[0]) }), "a key is there twice"},
		{"alignment 0", tiny().Set("general.alignment", uint32(0)).Bytes(), "not a power of two"},
		{"alignment 48", tiny().Set("general.alignment", uint32(48)).Bytes(), "not a power of two"},
		{"alignment huge", tiny().Set("general.alignment", uint32(1<<31)).Bytes(), "not a power of two"},
		{"alignment text", tiny().Set("general.alignment", "32").Bytes(), "not a power of two"},
		{"types do not fit", tiny().Set("tokenizer.ggml.token_type", []int32{3}).Bytes(), "5 tokens and 1 types"},
		{"template no text", tiny().Set("tokenizer.chat_template", uint32(1)).Bytes(), "not a text"},
		{"template no UTF-8", tiny().Set("tokenizer.chat_template", "\xff").Bytes(), "not UTF-8"},
		{"name no UTF-8", tiny().Set("general.name", "\xc3(").Bytes(), "not UTF-8"},
		{"many dimensions", tensors(registertest.Tensor{Name: "t", Dims: []uint64{1, 1, 1, 1, 1}}), "5 dimensions"},
		{"size overflows", tensors(registertest.Tensor{Name: "t", Dims: []uint64{1 << 33, 1 << 33}}), "overflows"},
		{"bytes overflow", tensors(registertest.Tensor{Name: "t", Dims: []uint64{1 << 62}, Kind: 28}), "overflows"},
		{"beyond the file", tensors(registertest.Tensor{Name: "t", Dims: []uint64{9}}), "36 bytes begins at byte 0 of 32"},
		{"offset beyond", tensors(registertest.Tensor{Name: "t", Dims: []uint64{1}, Offset: 1 << 63}), "begins at byte"},
		{"not aligned", tensors(registertest.Tensor{Name: "t", Dims: []uint64{1}, Offset: 1}), "not aligned"},
		{"overlap", tensors(registertest.Tensor{Name: "t", Dims: []uint64{4}}, registertest.Tensor{Name: "u", Dims: []uint64{4}}), "after one that ends at 16"},
		{"twice the tensor", tensors(registertest.Tensor{Name: "t", Dims: []uint64{0}}, registertest.Tensor{Name: "t", Dims: []uint64{0}}), "name is there twice"},
		{"row of a block", tensors(registertest.Tensor{Name: "t", Dims: []uint64{16}, Kind: 2}), "cannot be of format Q4_0"},
		{"parameters overflow", with(func(g *registertest.GGUF) {
			g.Tensors = nil
			for _, n := range []string{"a", "b", "c"} {
				g.Tensors = append(g.Tensors, registertest.Tensor{Name: n, Dims: []uint64{1 << 62}, Kind: 200})
			}
		}), "parameters overflows"},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			_, err := read(tt.raw)
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// A file cut anywhere within header and data is refused: nothing is read half.
func TestTruncated(t *testing.T) {
	raw := registertest.Tiny().Bytes()
	for n := range raw {
		if h, err := read(raw[:n]); err == nil {
			t.Fatalf("cut at %d of %d: %+v", n, len(raw), h)
		}
	}
}

// FuzzRead: no input panics; what is accepted is within the limits and within
// the file, and says the same when it is read again or in a longer file.
func FuzzRead(f *testing.F) {
	raw := registertest.Tiny().Bytes()
	f.Add(raw)
	f.Add(raw[:len(raw)-7])
	big := registertest.Tiny()
	big.Order = binary.BigEndian
	f.Add(big.Bytes())
	f.Add([]byte("GGUF\x03\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := read(raw)
		if err != nil {
			return
		}
		if h.Data > int64(len(raw)) || h.Trailing > int64(len(raw)) || h.Keys > gguf.MaxKeys || h.Tensors > gguf.MaxTensors || h.Parameters < 0 || h.Context < 0 {
			t.Fatalf("out of bounds: %+v", h)
		}
		if h.Version != 2 && h.Version != 3 || h.Version == 2 && h.BigEndian {
			t.Fatalf("version %d", h.Version)
		}
		longer, err := read(append(bytes.Clone(raw), make([]byte, 64)...))
		if err != nil {
			t.Fatalf("in a longer file: %v", err)
		}
		h.Trailing, longer.Trailing, h.Data, longer.Data = 0, 0, 0, 0
		if diff := cmp.Diff(h, longer); diff != "" {
			t.Fatalf("in a longer file (-short +long):\n%s", diff)
		}
	})
}
