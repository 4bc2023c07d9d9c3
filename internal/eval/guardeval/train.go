package guardeval

import (
	"math"
	"math/rand/v2"
	"slices"

	"vedette/internal/guard/signal"
)

// Example is one text with its features.
type Example struct {
	Row
	features []signal.Feature
}

// prepare computes the features once.
func prepare(rows []Row) []Example {
	out := make([]Example, len(rows))
	for i, r := range rows {
		out[i] = Example{r, signal.Features(r.Text)}
	}
	return out
}

// The settings of the linear model. Five were tried on the measure of unseen
// attack sources; the first was the best.
const (
	epochs = 12
	rate   = 0.5
	decay  = 1e-4
)

// Train makes a model of examples by logistic regression (AdaGrad), each class
// and each source with a weight that grows with the root of its size, in an
// order that is always the same.
func Train(list []Example) *signal.Model {
	w, g := make([]float64, signal.Dims), make([]float64, signal.Dims)
	for i := range signal.Rules() {
		_, sure := signal.RuleOf(i)
		w[i] = 4 * sure // what a rule is worth before any text is seen
	}
	bias := 0.0
	weight := balance(list)
	order := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // G404: an order, no secret
	index := make([]int, len(list))
	for i := range index {
		index[i] = i
	}
	for range epochs {
		order.Shuffle(len(index), func(i, j int) { index[i], index[j] = index[j], index[i] })
		for _, i := range index {
			e := &list[i]
			sum := bias
			for _, f := range e.features {
				sum += w[f.Slot] * float64(f.Value)
			}
			err := 1/(1+math.Exp(-sum)) - target(e.Attack)
			err *= weight[e.Source+e.label()]
			bias -= 0.05 * err
			for _, f := range e.features {
				d := err*float64(f.Value) + decay*w[f.Slot]
				g[f.Slot] += d * d
				w[f.Slot] -= rate * d / math.Sqrt(g[f.Slot]+1e-8)
			}
		}
	}
	return quantise(w, bias)
}

func (e *Example) label() string {
	if e.Attack {
		return " attack"
	}
	return " benign"
}

func target(attack bool) float64 {
	if attack {
		return 1
	}
	return 0
}

// balance gives each source of a class a weight, and both classes the same sum.
func balance(list []Example) map[string]float64 {
	size := map[string]float64{}
	for i := range list {
		size[list[i].Source+list[i].label()]++
	}
	sum := map[bool]float64{}
	out := map[string]float64{}
	for i := range list {
		key := list[i].Source + list[i].label()
		out[key] = 1 / math.Sqrt(size[key])
		sum[list[i].Attack] += out[key]
	}
	for i := range list {
		key := list[i].Source + list[i].label()
		out[key] = 1 / math.Sqrt(size[key]) * float64(len(list)) / 2 / sum[list[i].Attack]
	}
	return out
}

// quantise packs weights into a byte each.
func quantise(w []float64, bias float64) *signal.Model {
	most := 0.0
	for _, v := range w {
		most = max(most, math.Abs(v))
	}
	m := &signal.Model{Scale: max(most, 1e-9) / 127, Bias: bias, Weights: make([]byte, len(w))}
	for i, v := range w {
		m.Weights[i] = byte(int8(math.Round(v / m.Scale))) //nolint:gosec // G115: an int8 kept as a byte
	}
	return m
}

// shiftFor returns what to take from the sum so that at most the share of the
// benign scores given is a signal.
func shiftFor(benign []float64, share float64) float64 {
	if len(benign) == 0 {
		return 0
	}
	list := slices.Clone(benign)
	slices.Sort(list)
	at := len(list) - 1 - int(share*float64(len(list)))
	return logit(list[max(0, at)]) + 1e-3
}

func logit(p float64) float64 {
	p = min(max(p, 1e-9), 1-1e-9)
	return math.Log(p / (1 - p))
}
