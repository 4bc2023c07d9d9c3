// Package safetensors reads the header of a safetensors file: the names, kinds,
// shapes and places of its tensors and the pairs of its __metadata__.
//
// The format holds no code, which is why it is taken where a pickle is refused;
// that only holds if the header tells the truth. So its length is bounded, the
// tensors must lie one after the other without gap or overlap and fill the file
// to its end, each as long as its kind and shape say, and nothing may be there
// twice. The package must not read tensor data.
package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math/bits"
	"slices"
	"unicode/utf8"

	"vedette/internal/fault"
)

// The limits of a header.
const (
	MaxHeader   = 100_000_000 // bytes
	MaxTensors  = 262_144
	MaxMetadata = 4096    // pairs
	MaxString   = 1 << 20 // bytes of a name, a key or a value
	MaxDims     = 32
)

// Header is what the header tells.
type Header struct {
	Metadata   map[string]string
	Tensors    int
	Parameters int64
	Kind       string // of most bytes, such as "BF16"
	Bytes      int64  // of all tensors
	Data       int64  // where they begin
}

// span is where one tensor lies.
type span struct {
	begin, end, elements uint64
	kind                 string
}

// Plausible tells by the first bytes whether a file may be one: a length, and
// the begin of a JSON object.
func Plausible(first []byte) bool {
	return len(first) >= 9 && first[8] == '{' && binary.LittleEndian.Uint64(first) <= MaxHeader
}

// Read reads the header of a file of size bytes.
func Read(r io.ReaderAt, size int64) (Header, error) {
	raw, err := header(r, size)
	if err != nil {
		return Header{}, err
	}
	h := Header{Data: 8 + int64(len(raw)), Metadata: map[string]string{}}
	if h.Bytes = size - h.Data; h.Bytes < 0 {
		return Header{}, refuse("the file was cut while it was read")
	}
	p := parser{dec: json.NewDecoder(bytes.NewReader(raw)), names: map[string]bool{}}
	p.dec.UseNumber()
	spans, err := p.object(&h)
	if err != nil {
		return Header{}, err
	}
	if err := h.layout(spans); err != nil {
		return Header{}, err
	}
	return h, nil
}

func header(r io.ReaderAt, size int64) ([]byte, error) {
	var length [8]byte
	if size < 8 {
		return nil, refuse("it has %d bytes, its length alone has 8", size)
	}
	if _, err := r.ReadAt(length[:], 0); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "reading a safetensors header")
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > MaxHeader {
		return nil, refuse("its header has %d bytes, the limit is %d", n, MaxHeader)
	}
	if int64(n) > size-8 {
		return nil, refuse("its header has %d bytes, the file has %d", n, size)
	}
	raw := make([]byte, n)
	if _, err := r.ReadAt(raw, 8); err != nil && (!errors.Is(err, io.EOF) || n > 0) {
		return nil, fault.Wrap(fault.Unavailable, err, "reading a safetensors header")
	}
	if len(raw) == 0 || raw[0] != '{' {
		return nil, refuse("its header does not begin with {")
	}
	if !utf8.Valid(raw) {
		return nil, refuse("its header is not UTF-8")
	}
	return raw, nil
}

// layout checks that the tensors fill the data without gap or overlap.
func (h *Header) layout(spans []span) error {
	h.Tensors = len(spans)
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	var at uint64
	weights := map[string]uint64{}
	for _, s := range spans {
		if s.begin != at {
			return refuse("a tensor begins at byte %d, the one before ends at %d", s.begin, at)
		}
		at = s.end
		weights[s.kind] += s.end - s.begin
		if h.Parameters += int64(s.elements); h.Parameters < 0 || s.elements > 1<<62 { //nolint:gosec // G115: tested in the same line
			return refuse("the number of parameters overflows")
		}
	}
	if at != uint64(h.Bytes) { //nolint:gosec // G115: not negative
		return refuse("the tensors have %d bytes, the file has %d for them", at, h.Bytes)
	}
	for kind, n := range weights {
		if h.Kind == "" || n > weights[h.Kind] || n == weights[h.Kind] && kind < h.Kind {
			h.Kind = kind
		}
	}
	return nil
}

// bitsOf is how many bits an element of a kind has.
func bitsOf(kind string) (uint64, bool) {
	n, ok := map[string]uint64{
		"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
		"I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
	}[kind]
	return n, ok
}

// measure checks that a tensor is as long as its kind and shape say.
func (s *span) measure(shape []uint64) error {
	width, ok := bitsOf(s.kind)
	if !ok {
		return refuse("a tensor is of the unknown kind %.20q", s.kind)
	}
	s.elements = 1
	for _, n := range shape {
		hi, lo := bits.Mul64(s.elements, n)
		if hi != 0 {
			return refuse("the size of a tensor overflows")
		}
		s.elements = lo
	}
	hi, lo := bits.Mul64(s.elements, width)
	if hi != 0 || lo%8 != 0 {
		return refuse("the size of a tensor overflows or is no whole number of bytes")
	}
	if s.end < s.begin || s.end-s.begin != lo/8 {
		return refuse("a tensor lies from %d to %d and should have %d bytes", s.begin, s.end, lo/8)
	}
	return nil
}

func refuse(format string, args ...any) error {
	return fault.New(fault.Invalid, "reading a safetensors header: "+format, args...)
}
