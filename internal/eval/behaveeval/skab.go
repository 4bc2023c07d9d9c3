package behaveeval

import (
	"context"
	"math"
	"slices"
	"strings"

	"vedette/internal/detect/behave"
	"vedette/internal/event"
)

// SKABReport scores the telemetry part on the SKAB water-pump series (valve1).
type SKABReport struct {
	Series      int          `json:"series"`
	Training    int          `json:"training_rows"` // of each series, not scored
	Development []string     `json:"development"`   // the series that constants and the peers' limits were chosen on
	Test        []string     `json:"test"`
	Methods     []SKABMethod `json:"methods"`
}

// SKABMethod is one method on the same rows.
type SKABMethod struct {
	Name        string    `json:"name"`
	Limit       float64   `json:"limit,omitempty"` // of a peer: the best on the development half
	Development SKABScore `json:"development"`
	Test        SKABScore `json:"test"`
}

// SKABScore counts rows, and anomalies as a whole.
type SKABScore struct {
	TP        int     `json:"tp"`
	FP        int     `json:"fp"`
	FN        int     `json:"fn"`
	TN        int     `json:"tn"`
	F1        float64 `json:"f1"`
	Detected  int     `json:"detected"`   // anomalies of which a row was flagged
	Anomalies int     `json:"anomalies"`  //
	MeanDelay float64 `json:"mean_delay"` // rows from an anomaly's change-point to the first flag, of those detected
	Early     int     `json:"early"`      // series flagged already when the anomaly began
}

// skabTraining is the convention of the SKAB authors.
const skabTraining = 400

// skabSeries is one experiment.
type skabSeries struct {
	name    string
	rows    [][]float64
	anomaly []bool
	ours    []float64 // our score of each row
	level   float64   // our threshold at the end
}

// SKAB runs the score. shared is the folder of public test data.
func SKAB(ctx context.Context, shared string) (*SKABReport, error) {
	files, err := zipped(shared, "process/skab.zip", func(n string) bool { return strings.HasPrefix(n, "valve1/") && strings.HasSuffix(n, ".csv") })
	if err != nil {
		return nil, err
	}
	rep := &SKABReport{Series: len(files), Training: skabTraining}
	var dev, test []*skabSeries
	for i, f := range files {
		s, err := skabRead(ctx, f)
		if err != nil {
			return nil, err
		}
		if i%2 == 0 {
			dev, rep.Development = append(dev, s), append(rep.Development, s.name)
		} else {
			test, rep.Test = append(test, s), append(rep.Test, s.name)
		}
	}
	ours := func(s *skabSeries, row int, _ float64) bool { return s.ours[row] >= s.level }
	mine := SKABMethod{Name: "vedette behave", Development: skabScore(dev, ours, 0), Test: skabScore(test, ours, 0)}
	rep.Methods = []SKABMethod{
		mine,
		skabPeer("fixed threshold (range of the training rows, widened)", dev, test, skabRange()),
		skabPeer("robust z-score (median and MAD of the training rows, worst sensor)", dev, test, skabRobust()),
		skabQuiet("fixed threshold, as quiet as ours on the development half", dev, test, skabRange(), mine),
		skabQuiet("robust z-score, as quiet as ours on the development half", dev, test, skabRobust(), mine),
		{Name: "everything is anomalous", Development: skabScore(dev, always, 0), Test: skabScore(test, always, 0)},
	}
	return rep, nil
}

func always(*skabSeries, int, float64) bool { return true }

// skabRead shows a series to a new detector, reading by reading, and gathers
// its score by rows.
func skabRead(ctx context.Context, f source) (*skabSeries, error) {
	es, err := events(ctx, f)
	if err != nil {
		return nil, err
	}
	registry := newRegistry()
	d := behave.New(behave.Config{LearnSamples: skabTraining})
	s := &skabSeries{name: f.name}
	columns := map[string]int{}
	for _, e := range es {
		name := e.MetricName()
		at, ok := columns[name]
		if !ok {
			at = len(columns)
			columns[name] = at
		}
		registry.Observe(e)
		d.Inspect(e, func(event.Finding) {})
		if at == 0 {
			s.rows = append(s.rows, make([]float64, 8))
			s.anomaly = append(s.anomaly, strings.HasPrefix(e.Extra("anomaly"), "1"))
			s.ours = append(s.ours, 0)
		}
		last := len(s.rows) - 1
		s.rows[last][at] = e.MetricValue()
		s.ours[last] = max(s.ours[last], e.AnomalyScore())
	}
	s.level = d.Threshold()
	return s, nil
}

type skabMethod func(s *skabSeries, row int, limit float64) bool

// skabPeer chooses a peer's limit where its F1 on the development half is best.
func skabPeer(name string, dev, test []*skabSeries, m skabMethod) SKABMethod {
	best, limit := -1., 0.
	for l := 0.; l <= 30; l += 0.05 {
		if f := skabScore(dev, m, l).F1; f > best {
			best, limit = f, l
		}
	}
	return SKABMethod{Name: name, Limit: limit, Development: skabScore(dev, m, limit), Test: skabScore(test, m, limit)}
}

// skabQuiet chooses a peer's limit so that it has no more false rows than ours.
func skabQuiet(name string, dev, test []*skabSeries, m skabMethod, ours SKABMethod) SKABMethod {
	limit := 0.
	for limit < 200 && skabScore(dev, m, limit).FP > ours.Development.FP {
		limit += 0.05
	}
	return SKABMethod{Name: name, Limit: limit, Development: skabScore(dev, m, limit), Test: skabScore(test, m, limit)}
}

// skabRange flags rows with a sensor outside its range in training, widened by
// limit times the range on both sides.
func skabRange() skabMethod {
	return skabEach(func(train []float64) (centre, unit float64) {
		low, high := slices.Min(train), slices.Max(train)
		return (low + high) / 2, (high - low)
	}, func(distance, limit float64) bool { return distance > 0.5+limit })
}

// skabRobust flags rows with a sensor more than limit robust deviations from
// its median.
func skabRobust() skabMethod {
	return skabEach(func(train []float64) (centre, unit float64) {
		centre = median(train)
		dev := make([]float64, len(train))
		for i, x := range train {
			dev[i] = math.Abs(x - centre)
		}
		if mad := median(dev); mad > 0 {
			return centre, 1.4826 * mad
		}
		sum := 0. // more than half of the readings are equal: the mean instead, after Iglewicz and Hoaglin
		for _, d := range dev {
			sum += d
		}
		return centre, 1.2533 * sum / float64(len(dev))
	}, func(distance, limit float64) bool { return distance > limit })
}

// skabEach makes a method of what training says of each sensor.
func skabEach(learn func(train []float64) (centre, unit float64), far func(distance, limit float64) bool) skabMethod {
	worst := map[*skabSeries][]float64{}
	return func(s *skabSeries, row int, limit float64) bool {
		if worst[s] == nil {
			worst[s] = make([]float64, len(s.rows))
			for c := range s.rows[0] {
				train := make([]float64, skabTraining)
				for i := range train {
					train[i] = s.rows[i][c]
				}
				centre, unit := learn(train)
				for i, r := range s.rows {
					worst[s][i] = max(worst[s][i], math.Abs(r[c]-centre)/max(unit, 1e-9))
				}
			}
		}
		return far(worst[s][row], limit)
	}
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func skabScore(all []*skabSeries, m skabMethod, limit float64) SKABScore {
	var out SKABScore
	delays := 0
	for _, s := range all {
		begun := slices.Index(s.anomaly, true)
		found := -1
		for i := skabTraining; i < len(s.rows); i++ {
			flag := m(s, i, limit)
			out.count(flag, s.anomaly[i])
			if flag && s.anomaly[i] && found < 0 {
				found = i
			}
		}
		if begun < 0 {
			continue
		}
		out.Anomalies++
		if m(s, max(begun-1, 0), limit) {
			out.Early++
		}
		if found >= 0 {
			out.Detected++
			delays += found - begun
		}
	}
	if n := 2*out.TP + out.FP + out.FN; n > 0 {
		out.F1 = float64(2*out.TP) / float64(n)
	}
	if out.Detected > 0 {
		out.MeanDelay = float64(delays) / float64(out.Detected)
	}
	return out
}

func (out *SKABScore) count(flag, anomaly bool) {
	switch {
	case flag && anomaly:
		out.TP++
	case flag:
		out.FP++
	case anomaly:
		out.FN++
	default:
		out.TN++
	}
}
