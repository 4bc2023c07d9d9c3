package gguf

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// tensor is what the header says of a tensor.
type tensor struct {
	kind     uint32
	elements uint64
	row      uint64 // elements of the innermost dimension
	offset   uint64 // from the begin of the data
}

// format is how a kind of tensor lies in the file: blocks of so many elements
// in so many bytes.
type format struct {
	name           string
	elements, size uint64
}

// formatOf knows the formats of ggml; new ones appear, so an unknown one is no
// fault.
func formatOf(kind uint32) (format, bool) {
	known := map[uint32]format{
		0: {"F32", 1, 4}, 1: {"F16", 1, 2}, 2: {"Q4_0", 32, 18}, 3: {"Q4_1", 32, 20},
		6: {"Q5_0", 32, 22}, 7: {"Q5_1", 32, 24}, 8: {"Q8_0", 32, 34}, 9: {"Q8_1", 32, 36},
		10: {"Q2_K", 256, 84}, 11: {"Q3_K", 256, 110}, 12: {"Q4_K", 256, 144}, 13: {"Q5_K", 256, 176},
		14: {"Q6_K", 256, 210}, 15: {"Q8_K", 256, 292}, 16: {"IQ2_XXS", 256, 66}, 17: {"IQ2_XS", 256, 74},
		18: {"IQ3_XXS", 256, 98}, 19: {"IQ1_S", 256, 50}, 20: {"IQ4_NL", 32, 18}, 21: {"IQ3_S", 256, 110},
		22: {"IQ2_S", 256, 82}, 23: {"IQ4_XS", 256, 136}, 24: {"I8", 1, 1}, 25: {"I16", 1, 2},
		26: {"I32", 1, 4}, 27: {"I64", 1, 8}, 28: {"F64", 1, 8}, 29: {"IQ1_M", 256, 56},
		30: {"BF16", 1, 2}, 34: {"TQ1_0", 256, 54}, 35: {"TQ2_0", 256, 66}, 39: {"MXFP4", 32, 17},
	}
	f, ok := known[kind]
	return f, ok
}

// fileType is the name of a value of general.file_type.
func fileType(n uint64) string {
	known := map[uint64]string{
		0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L",
		14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
		23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M",
		32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE",
	}
	if name, ok := known[n]; ok {
		return name
	}
	return fmt.Sprintf("type %d", n)
}

func (d *decoder) tensors(n uint64) []tensor {
	out := make([]tensor, 0, min(n, 1024))
	names := make(map[string]bool, min(n, 1024))
	for range n {
		name := d.string("a tensor's name", false)
		t := tensor{elements: 1}
		dims := d.u32()
		if dims > MaxDims {
			d.refuse("a tensor has %d dimensions, the limit is %d", dims, MaxDims)
		}
		for i := range min(dims, MaxDims) {
			dim := d.u64()
			if i == 0 {
				t.row = dim
			}
			hi, lo := bits.Mul64(t.elements, dim)
			if hi != 0 || lo > 1<<62 {
				d.refuse("the size of a tensor overflows")
			}
			t.elements = lo
		}
		t.kind, t.offset = d.u32(), d.u64()
		if d.err != nil {
			return nil
		}
		if names[name] {
			d.refuse("a tensor's name is there twice")
			return nil
		}
		names[name] = true
		out = append(out, t)
	}
	return out
}

// layout checks that the tensors lie within the file, aligned and apart from
// each other, and sums them up.
func layout(h *Header, infos []tensor, align, size int64) error {
	h.Tensors = len(infos)
	data := uint64(max(0, size-h.Data))
	slices.SortFunc(infos, func(a, b tensor) int { return cmp.Compare(a.offset, b.offset) })
	var end uint64 // of the tensor before
	weights := map[string]uint64{}
	for _, t := range infos {
		if t.offset%uint64(align) != 0 { //nolint:gosec // G115: align is positive
			return refuse("a tensor is not aligned to %d bytes", align)
		}
		if t.offset > data || t.offset < end {
			return refuse("a tensor begins at byte %d of %d bytes of data, after one that ends at %d", t.offset, data, end)
		}
		length, known, err := t.bytes()
		if err != nil {
			return err
		}
		if !known {
			h.Unsized++
		}
		if length > data-t.offset {
			return refuse("a tensor of %d bytes begins at byte %d of %d bytes of data", length, t.offset, data)
		}
		end = t.offset + length
		if h.Parameters += int64(t.elements); h.Parameters < 0 { //nolint:gosec // G115: elements are bounded when they are read
			return refuse("the number of parameters overflows")
		}
		weights[t.name()] += length
	}
	h.Quantisation = heaviest(weights)
	if h.Unsized == 0 {
		h.Trailing = max(0, size-roundUp(h.Data+int64(end), align))
	}
	return nil
}

// bytes is how long a tensor is; one of an unknown format has no length.
func (t tensor) bytes() (length uint64, known bool, err error) {
	f, ok := formatOf(t.kind)
	if !ok {
		return 0, false, nil
	}
	if f.elements > 1 && t.row%f.elements != 0 {
		return 0, true, refuse("a row of %d elements cannot be of format %s", t.row, f.name)
	}
	hi, lo := bits.Mul64(t.elements/f.elements, f.size)
	if hi != 0 {
		return 0, true, refuse("the size of a tensor overflows")
	}
	return lo, true, nil
}

func (t tensor) name() string {
	if f, ok := formatOf(t.kind); ok {
		return f.name
	}
	return fmt.Sprintf("type %d", t.kind)
}

// heaviest is the format that holds the most bytes.
func heaviest(weights map[string]uint64) string {
	best := ""
	for name, n := range weights {
		if best == "" || n > weights[best] || n == weights[best] && name < best {
			best = name
		}
	}
	return best
}

func roundUp(n, align int64) int64 { return (n + align - 1) / align * align }
