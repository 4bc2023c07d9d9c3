package guardeval

import (
	"cmp"
	"slices"
	"time"

	"vedette/internal/guard/signal"
)

// falseAlarms is the share of harmless texts that may be a signal.
const falseAlarms = 0.02

// Report is the outcome of the signal. Attacks and harmless texts come from
// different sources, so a model can learn the source instead of the attack;
// the three ways of measuring show how much it does.
type Report struct {
	Attacks int `json:"attacks"`
	Benign  int `json:"benign"`

	// Random: a tenth of the texts is held out at a time, all sources known.
	Random Rates `json:"random"`
	// NewAttacks: each source of attacks is left out in turn; half of the
	// harmless texts of the others is held out for the false alarms.
	NewAttacks Rates `json:"new_attacks"`
	// Strict: each source is left out whole, attacks and harmless texts, and all
	// scores are put together.
	Strict Rates `json:"strict"`
	// RulesOnly: the rules without the model, nothing learnt.
	RulesOnly Rates `json:"rules_only"`
	// Shipped: the product as it is, on the texts that its weights come from.
	Shipped Rates `json:"shipped"`

	MicrosecondsPerText float64 `json:"microseconds_per_text"`
	Seconds             float64 `json:"seconds"`
}

// Rates are recall and false alarms at the working point.
type Rates struct {
	Recall      float64      `json:"recall"`
	FalseAlarms float64      `json:"false_alarms"`
	Sources     []SourceRate `json:"sources,omitempty"`
}

// SourceRate is the share of a source's texts that were a signal.
type SourceRate struct {
	Source string  `json:"source"`
	Label  string  `json:"label"`
	Texts  int     `json:"texts"`
	Rate   float64 `json:"rate"`
}

// scored is a text with what was said of it.
type scored struct {
	source string
	attack bool
	score  float64
	signal bool
}

// Run measures the signal on the set in the folder of public test data.
func Run(dir string) (Report, error) {
	start := time.Now()
	rows, err := Read(dir)
	if err != nil {
		return Report{}, err
	}
	list := prepare(append(rows, ownFields()...))
	rep := Report{}
	for _, e := range list {
		rep.Attacks += one(e.Attack)
		rep.Benign += one(!e.Attack)
	}
	rep.Random = pooled(foldScores(list, 5))
	rep.Strict = pooled(strictScores(list))
	rep.NewAttacks = newAttacks(list)
	rep.RulesOnly = rates(each(list, func(e *Example) bool { return signal.ByRules(e.Text, signal.Threshold).Signal }))
	scan := time.Now()
	rep.Shipped = rates(each(list, func(e *Example) bool { return signal.Scan(e.Text).Signal }))
	rep.MicrosecondsPerText = float64(time.Since(scan).Microseconds()) / float64(len(list))
	rep.Seconds = time.Since(start).Seconds()
	return rep, nil
}

// each asks about every text.
func each(list []Example, ask func(*Example) bool) []scored {
	out := make([]scored, len(list))
	for i := range list {
		out[i] = scored{source: list[i].Source, attack: list[i].Attack, signal: ask(&list[i])}
	}
	return out
}

// foldScores scores each text by a model that did not see it.
func foldScores(list []Example, folds int) []scored {
	out := make([]scored, len(list))
	for k := range folds {
		var seen []Example
		for i := range list {
			if fold(i, folds) != k {
				seen = append(seen, list[i])
			}
		}
		m := Train(seen)
		for i := range list {
			if fold(i, folds) == k {
				out[i] = scored{source: list[i].Source, attack: list[i].Attack, score: m.Score(list[i].features)}
			}
		}
	}
	return out
}

// fold deals texts out; neighbours, which are alike, do not go together.
func fold(i, folds int) int { return (i * 2654435761 >> 7) % folds }

// strictScores scores each source by a model that saw nothing of it.
func strictScores(list []Example) []scored {
	out := make([]scored, len(list))
	for _, source := range sources(list) {
		var seen []Example
		for i := range list {
			if list[i].Source != source {
				seen = append(seen, list[i])
			}
		}
		m := Train(seen)
		for i := range list {
			if list[i].Source == source {
				out[i] = scored{source: source, attack: list[i].Attack, score: m.Score(list[i].features)}
			}
		}
	}
	return out
}

// newAttacks leaves each source of attacks out; the working point is that of
// harmless texts of other sources that the model did not see either.
func newAttacks(list []Example) Rates {
	var out []scored
	for _, source := range sources(list) {
		for k := range 2 {
			var seen, held, left []Example
			for i := range list {
				switch e := list[i]; {
				case e.Source == source && e.Attack:
					left = append(left, e)
				case e.Source == source:
				case !e.Attack && fold(i, 2) == k:
					held = append(held, e)
				default:
					seen = append(seen, e)
				}
			}
			if len(left) == 0 {
				continue
			}
			m := Train(seen)
			point := logistic(shiftFor(scoresOf(m, held), falseAlarms))
			for _, e := range append(left, held...) {
				s := m.Score(e.features)
				out = append(out, scored{e.Source, e.Attack, s, s >= point})
			}
		}
	}
	return rates(out)
}

func scoresOf(m *signal.Model, list []Example) []float64 {
	out := make([]float64, len(list))
	for i := range list {
		out[i] = m.Score(list[i].features)
	}
	return out
}

// pooled sets one working point for all scores.
func pooled(list []scored) Rates {
	var benign []float64
	for _, s := range list {
		if !s.attack {
			benign = append(benign, s.score)
		}
	}
	point := logistic(shiftFor(benign, falseAlarms))
	for i := range list {
		list[i].signal = list[i].score >= point
	}
	return rates(list)
}

func rates(list []scored) Rates {
	var r Rates
	var hits, total [2]int
	type key struct {
		source string
		attack bool
	}
	n, hit := map[key]int{}, map[key]int{}
	for _, s := range list {
		k := key{s.source, s.attack}
		n[k]++
		hit[k] += one(s.signal)
		total[one(s.attack)]++
		hits[one(s.attack)] += one(s.signal)
	}
	r.Recall, r.FalseAlarms = share(hits[1], total[1]), share(hits[0], total[0])
	for k, texts := range n {
		label := "benign"
		if k.attack {
			label = "attack"
		}
		r.Sources = append(r.Sources, SourceRate{k.source, label, texts, share(hit[k], texts)})
	}
	slices.SortFunc(r.Sources, func(a, b SourceRate) int {
		return cmp.Or(cmp.Compare(a.Label, b.Label), cmp.Compare(a.Source, b.Source))
	})
	return r
}

func sources(list []Example) []string {
	var out []string
	for i := range list {
		if !slices.Contains(out, list[i].Source) {
			out = append(out, list[i].Source)
		}
	}
	return out
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func share(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
