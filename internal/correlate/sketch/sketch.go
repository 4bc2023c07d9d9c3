// Package sketch counts different values in fixed memory. It must not know what
// is counted.
package sketch

import (
	"encoding/base64"
	"math"
	"math/bits"
	"slices"

	"vedette/internal/fault"
)

// Hash is a 64-bit hash that is the same in every process: what it gives is
// kept in records.
func Hash(parts ...string) uint64 {
	h := uint64(14695981039346656037)
	for _, p := range parts {
		for i := range len(p) {
			h = (h ^ uint64(p[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

const (
	exactUpTo = 32  // different values that are counted exactly
	registers = 256 // of the estimate beyond that: about 7 % off
)

// Distinct counts different values in fixed memory: exactly up to exactUpTo,
// as an estimate (HyperLogLog) beyond.
type Distinct struct {
	few  []uint32
	many []uint8
	est  int // of many, as of the last change of it
}

// Add counts a value and reports whether it changed anything.
func (d *Distinct) Add(hash uint64) bool {
	if d.many != nil {
		return d.register(uint32(hash >> 32))
	}
	short := uint32(hash >> 32)
	if slices.Contains(d.few, short) {
		return false
	}
	if len(d.few) < exactUpTo {
		d.few = append(d.few, short)
		return true
	}
	d.many = make([]uint8, registers)
	for _, v := range d.few {
		d.register(v)
	}
	d.few = nil
	d.register(short)
	return true
}

func (d *Distinct) register(v uint32) bool {
	i, zeros := v%registers, uint8(bits.LeadingZeros32(v|registers-1))+1 //nolint:gosec // G115: at most 33
	if d.many[i] >= zeros {
		return false
	}
	d.many[i] = zeros
	d.est = 0
	return true
}

// Count is how many different values there were.
func (d *Distinct) Count() int {
	if d.many == nil {
		return len(d.few)
	}
	if d.est == 0 {
		sum, empty := 0.0, 0
		for _, r := range d.many {
			sum += math.Ldexp(1, -int(r))
			if r == 0 {
				empty++
			}
		}
		estimate := 0.7182725932495458 * registers * registers / sum
		if estimate < 2.5*registers && empty > 0 {
			estimate = registers * math.Log(float64(registers)/float64(empty))
		}
		d.est = max(int(estimate+0.5), exactUpTo+1)
	}
	return d.est
}

// Merge adds the values of another one.
func (d *Distinct) Merge(o *Distinct) {
	for _, v := range o.few {
		d.Add(uint64(v) << 32)
	}
	if o.many == nil {
		return
	}
	if d.many == nil {
		few := d.few
		d.few, d.many = nil, make([]uint8, registers)
		for _, v := range few {
			d.register(v)
		}
	}
	for i, r := range o.many {
		d.many[i] = max(d.many[i], r)
	}
	d.est = 0
}

// Clone copies the counter.
func (d *Distinct) Clone() Distinct {
	return Distinct{slices.Clone(d.few), slices.Clone(d.many), d.est}
}

// MarshalText keeps the counter: the values, or the registers.
func (d Distinct) MarshalText() ([]byte, error) {
	if d.many != nil {
		return append([]byte("m"), base64.StdEncoding.EncodeToString(d.many)...), nil
	}
	raw := make([]byte, 0, 4*len(d.few))
	for _, v := range d.few {
		raw = append(raw, byte(v>>24), byte(v>>16), byte(v>>8), byte(v)) //nolint:gosec // G115: byte by byte
	}
	return append([]byte("f"), base64.StdEncoding.EncodeToString(raw)...), nil
}

// UnmarshalText reads it back.
func (d *Distinct) UnmarshalText(text []byte) error {
	*d = Distinct{}
	if len(text) == 0 {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(string(text[1:]))
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "reading a counter")
	}
	switch {
	case text[0] == 'm' && len(raw) == registers && slices.Max(raw) <= 33:
		d.many = raw
	case text[0] == 'f' && len(raw)%4 == 0 && len(raw) <= 4*exactUpTo:
		for i := 0; i < len(raw); i += 4 {
			d.few = append(d.few, uint32(raw[i])<<24|uint32(raw[i+1])<<16|uint32(raw[i+2])<<8|uint32(raw[i+3]))
		}
	default:
		return fault.New(fault.Invalid, "reading a counter: it is damaged")
	}
	return nil
}
