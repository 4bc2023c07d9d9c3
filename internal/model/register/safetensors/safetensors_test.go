package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/fault"
	"vedette/internal/model/register/registertest"
	"vedette/internal/model/register/safetensors"
)

func read(raw []byte) (safetensors.Header, error) {
	return safetensors.Read(bytes.NewReader(raw), int64(len(raw)))
}

func TestRead(t *testing.T) {
	raw := registertest.TinySafetensors()
	got, err := read(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := safetensors.Header{
		Metadata: map[string]string{"format": "pt", "license": "cc0-1.0"},
		Tensors:  2, Parameters: 7, Kind: "F32", Bytes: 19, Data: int64(len(raw)) - 19,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if !safetensors.Plausible(raw) || safetensors.Plausible(raw[:8]) || safetensors.Plausible([]byte("GGUFGGUFGGUF")) {
		t.Error("plausible tells the wrong files")
	}
	// Spaces after the object are how headers are padded.
	if _, err := read(registertest.Safetensors(`{}   `, nil)); err != nil {
		t.Errorf("padded: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	file := registertest.Safetensors
	one := func(fields string) []byte { return file(`{"a":{`+fields+`}}`, make([]byte, 8)) }
	length := func(n uint64) []byte { return append(binary.LittleEndian.AppendUint64(nil, n), "{}"...) }
	tests := []struct {
		name string
		raw  []byte
		want string
	}{
		{"empty", nil, "has 0 bytes"},
		{"huge header", length(math.MaxUint64), "the limit is"},
		{"header beyond the file", length(100), "the file has 10"},
		{"no header", length(0), "does not begin with {"},
		{"array", file(`[]`, nil), "does not begin with {"},
		{"half", file(`{"a":{`, nil), "not JSON"},
		{"no UTF-8", file("{\"\xff\":{}}", nil), "not UTF-8"},
		{"two objects", file(`{}{}`, nil), "something follows"},
		{"twice the name", file(`{"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}}`, nil), "a name is there twice"},
		{"twice the escaped name", file(`{"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},"\u0061":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}}`, nil), "a name is there twice"},
		{"twice the field", one(`"dtype":"I8","dtype":"I8","shape":[8],"data_offsets":[0,8]`), "field of a tensor is there twice"},
		{"twice the metadata", file(`{"__metadata__":{"a":"b","a":"c"}}`, nil), "key of __metadata__ is there twice"},
		{"metadata of numbers", file(`{"__metadata__":{"a":1}}`, nil), "is not a text"},
		{"metadata of objects", file(`{"__metadata__":{"a":{}}}`, nil), "is not a text"},
		{"long metadata", file(map[string]any{"__metadata__": map[string]string{"a": strings.Repeat("x", 1<<20+1)}}, nil), "the limit is 1048576"},
		{"unknown field", one(`"dtype":"I8","shape":[8],"data_offsets":[0,8],"x":1`), "unknown field"},
		{"no shape", one(`"dtype":"I8","data_offsets":[0,8]`), "has not the fields"},
		{"three offsets", one(`"dtype":"I8","shape":[8],"data_offsets":[0,4,8]`), "more than 2"},
		{"unknown kind", one(`"dtype":"OBJ","shape":[8],"data_offsets":[0,8]`), "unknown kind"},
		{"negative", one(`"dtype":"I8","shape":[-8],"data_offsets":[0,8]`), "no whole number"},
		{"fraction", one(`"dtype":"I8","shape":[8.0],"data_offsets":[0,8]`), "no whole number"},
		{"exponent", one(`"dtype":"I8","shape":[1e999],"data_offsets":[0,8]`), "no whole number"},
		{"text for a number", one(`"dtype":"I8","shape":["8"],"data_offsets":[0,8]`), "no whole number"},
		{"overflow", one(`"dtype":"I8","shape":[4294967296,4294967296],"data_offsets":[0,8]`), "overflows"},
		{"overflow of bits", one(`"dtype":"F64","shape":[18446744073709551615],"data_offsets":[0,8]`), "overflows"},
		{"half a byte", one(`"dtype":"F4","shape":[1],"data_offsets":[0,8]`), "no whole number of bytes"},
		{"other length", one(`"dtype":"F32","shape":[1],"data_offsets":[0,8]`), "should have 4 bytes"},
		{"backwards", one(`"dtype":"I8","shape":[8],"data_offsets":[8,0]`), "should have 8 bytes"},
		{"gap", one(`"dtype":"I8","shape":[4],"data_offsets":[4,8]`), "begins at byte 4, the one before ends at 0"},
		{"overlap", file(`{"a":{"dtype":"I8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"I8","shape":[4],"data_offsets":[4,8]}}`, make([]byte, 8)), "begins at byte 4"},
		{"data left over", one(`"dtype":"I8","shape":[4],"data_offsets":[0,4]`), "the file has 8 for them"},
		{"data missing", file(`{"a":{"dtype":"I8","shape":[9],"data_offsets":[0,9]}}`, make([]byte, 8)), "the file has 8 for them"},
		{"deep", file("{\"a\":"+strings.Repeat("[", 100_000)+"}", nil), "is missing"},
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

func TestTruncated(t *testing.T) {
	raw := registertest.TinySafetensors()
	for n := range raw {
		if h, err := read(raw[:n]); err == nil {
			t.Fatalf("cut at %d of %d: %+v", n, len(raw), h)
		}
	}
}

// FuzzRead: no input panics; what is accepted fills its file exactly, so with
// one byte more or less it is refused.
func FuzzRead(f *testing.F) {
	f.Add(registertest.TinySafetensors())
	f.Add(registertest.Safetensors(`{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}`, []byte{1}))
	f.Add(registertest.Safetensors(`{} `, nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := read(raw)
		if err != nil {
			return
		}
		if h.Data+h.Bytes != int64(len(raw)) || h.Parameters < 0 || h.Tensors > safetensors.MaxTensors || !safetensors.Plausible(raw) {
			t.Fatalf("out of bounds: %+v", h)
		}
		if _, err := read(append(bytes.Clone(raw), 0)); err == nil {
			t.Fatal("a byte more is taken")
		}
		if _, err := read(raw[:len(raw)-1]); err == nil && h.Bytes > 0 {
			t.Fatal("a byte less is taken")
		}
	})
}
