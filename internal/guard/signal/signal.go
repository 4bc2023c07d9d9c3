// Package signal says of a text how much it looks like an attempt to give
// orders to a language model, and why. It is a signal that a person or a
// finding can use. It is never the boundary: no guarantee of ours rests on an
// attack being recognised, and whoever writes the text can try until it is not.
//
// It is deterministic: rules that a person can check, and a linear model over
// words whose weights are data (see TestWeights in eval/guardeval). It must not
// block, change or hide a text.
package signal

import (
	"math"
	"sync"
)

// Result is what a text looks like.
type Result struct {
	Signal  bool     // Score is at least [Threshold]
	Score   float64  // 0 to 1
	Reasons []string // our words, surest first; none quotes the text
}

// Threshold is the score from which on a text is a signal.
const Threshold = 0.5

var known = sync.OnceValue(newRules)

// Scan judges one text. Its work is bounded: of a long text it reads the start
// and the end.
func Scan(text string) Result { return weights().scan(text) }

func (m *Model) scan(text string) Result {
	p := prepare(text, 0)
	res := Result{Score: m.Score(features(p))}
	for _, r := range p.rules {
		if r.sure >= Threshold || m.slot(r.slot) > 0 {
			res.Reasons = append(res.Reasons, r.reason)
		}
		if r.sure >= 0.8 && !m.quiet(r.slot) {
			res.Score = max(res.Score, r.sure)
		}
	}
	res.Score = math.Round(1000*res.Score) / 1000
	if res.Signal = res.Score >= Threshold; res.Signal && len(res.Reasons) == 0 {
		res.Reasons = []string{"its words are those of known attempts"}
	}
	return res
}
