package guardeval

import (
	"math"

	"vedette/internal/guard/signal"
)

// Weights makes the weights that the product ships, from the set in the folder
// of public test data and our own field values. The working point is that of
// harmless texts which the model that scored them did not see, with a quarter
// of the allowance kept back.
func Weights(dir string) (*signal.Model, error) {
	rows, err := Read(dir)
	if err != nil {
		return nil, err
	}
	list := prepare(append(rows, ownFields()...))
	var benign []float64
	for _, s := range foldScores(list, 5) {
		if !s.attack {
			benign = append(benign, s.score)
		}
	}
	m := Train(list)
	m.Shift = shiftFor(benign, falseAlarms*3/4)
	m.Quiet = quietRules(list)
	m.From = []string{
		"CyberSecEval (meta-llama/PurpleLlama), MIT", "BIPIA (microsoft/BIPIA), MIT", "garak (NVIDIA/garak), Apache-2.0",
		"InjecGuard and NotInject, MIT as the authors' PIGuard repository says", "field values written for Vedette",
	}
	return m, nil
}

// quietRules are the rules that hold on harmless texts too often to be a
// signal by themselves.
func quietRules(list []Example) []uint32 {
	benign, hits := 0, make([]int, signal.Rules())
	for i := range list {
		if list[i].Attack {
			continue
		}
		benign++
		for _, f := range list[i].features {
			if int(f.Slot) < len(hits) {
				hits[f.Slot]++
			}
		}
	}
	var out []uint32
	for i, n := range hits {
		if n*500 > benign {
			out = append(out, uint32(i))
		}
	}
	return out
}

func logistic(v float64) float64 { return 1 / (1 + math.Exp(-v)) }
