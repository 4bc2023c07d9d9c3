package signal

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the weights
	"encoding/json"
	"io"
	"math"
	"slices"
	"sync"

	"vedette/internal/fault"
)

//go:embed weights.json.gz
var packed []byte

// Model is a linear model: a weight for each feature, in steps of Scale.
type Model struct {
	Scale   float64  `json:"scale"`
	Bias    float64  `json:"bias"`
	Shift   float64  `json:"shift"`           // taken from the sum so that Threshold is the working point
	From    []string `json:"from"`            // the sources it was made from, with their licences
	Weights []byte   `json:"weights"`         // int8, Dims of them
	Quiet   []uint32 `json:"quiet,omitempty"` // rules that are no signal by themselves
}

// weights are read once. They are compiled in: a file that does not read is a
// broken build.
var weights = sync.OnceValue(func() *Model {
	m, err := Unpack(packed)
	if err != nil {
		panic(err)
	}
	return m
})

// Unpack reads a model as [Model.Pack] writes it.
func Unpack(b []byte) (*Model, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the weights of the signal")
	}
	text, err := io.ReadAll(io.LimitReader(z, 8*Dims))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the weights of the signal")
	}
	var m Model
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the weights of the signal")
	}
	if len(m.Weights) != Dims {
		return nil, fault.New(fault.Invalid, "the weights of the signal are %d, not %d", len(m.Weights), Dims)
	}
	return &m, nil
}

// Pack writes the model; the same model gives the same bytes.
func (m *Model) Pack() ([]byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "writing the weights of the signal")
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "writing the weights of the signal")
	}
	if _, err = z.Write(text); err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "writing the weights of the signal")
	}
	return b.Bytes(), nil
}

// Score is how much the features weigh, 0 to 1.
func (m *Model) Score(list []Feature) float64 {
	sum := m.Bias - m.Shift
	for _, f := range list {
		sum += m.slot(f.Slot) * float64(f.Value)
	}
	return 1 / (1 + math.Exp(-sum))
}

func (m *Model) slot(slot uint32) float64 { return float64(int8(m.Weights[slot])) * m.Scale } //nolint:gosec // G115: a byte of an int8

func (m *Model) quiet(slot uint32) bool {
	return slices.Contains(m.Quiet, slot)
}

// Rules returns how many rules there are; their slots are the first ones.
func Rules() int { return len(known()) }

// RuleOf returns the reason of a rule and what it is worth alone.
func RuleOf(i int) (reason string, sure float64) {
	r := known()[i]
	return r.reason, r.sure
}

// ByRules judges a text by the rules alone that are at least so sure, without
// the model: the score is that of the surest. Text that is in it in base64 is
// read too.
func ByRules(text string, least float64) Result {
	var res Result
	for _, t := range append([]string{text}, inside(text)...) {
		for _, r := range prepare(t, least).rules {
			res.Score = max(res.Score, r.sure)
			if r.sure >= Threshold && !slices.Contains(res.Reasons, r.reason) {
				res.Reasons = append(res.Reasons, r.reason)
			}
		}
	}
	res.Signal = res.Score >= Threshold
	return res
}
