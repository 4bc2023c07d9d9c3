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
	Limit       float64   `json:"limit,omitempty"` // chosen on the development half; none: the detector's own threshold
	Development SKABScore `json:"development"`
	Test        SKABScore `json:"test"`
	// Free is the run of the same plant in which nothing happens. No limit is
	// chosen on it; constants of package behave are.
	Free SKABScore `json:"anomaly_free"`
}

// SKABScore counts rows, and anomalies as a whole. A delay says little without
// the false alarms beside it: a method that cries all the time is never late.
type SKABScore struct {
	TP        int     `json:"tp"`
	FP        int     `json:"fp"`
	FN        int     `json:"fn"`
	TN        int     `json:"tn"`
	F1        float64 `json:"f1"`
	Precision float64 `json:"precision"`
	FalseRate float64 `json:"false_per_1000"` // flagged rows of 1 000 usual ones
	Detected  int     `json:"detected"`       // anomalies of which a row was flagged
	Anomalies int     `json:"anomalies"`      //
	MeanDelay float64 `json:"mean_delay"`     // rows from an anomaly's change-point to the first flag, of those detected
	Median    float64 `json:"median_delay"`   //
	Early     int     `json:"early"`          // series flagged already in the row before the anomaly began
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
	quiet, err := zipped(shared, "process/skab.zip", func(n string) bool { return strings.HasSuffix(n, "anomaly-free.csv") })
	if err != nil {
		return nil, err
	}
	rep := &SKABReport{Series: len(files), Training: skabTraining}
	var data skabData
	for i, f := range slices.Concat(files, quiet) {
		s, err := skabRead(ctx, f)
		switch {
		case err != nil:
			return nil, err
		case i >= len(files):
			data.free = append(data.free, s)
		case i%2 == 0:
			data.dev, rep.Development = append(data.dev, s), append(rep.Development, s.name)
		default:
			data.test, rep.Test = append(data.test, s), append(rep.Test, s.name)
		}
	}
	own := data.score("vedette behave", func(s *skabSeries, row int, _ float64) bool { return s.ours[row] >= s.level }, 0)
	rep.Methods = []SKABMethod{
		own,
		data.best("fixed threshold (range of the training rows, widened)", skabRange()),
		data.best("robust z-score (median and MAD of the training rows, worst sensor)", skabRobust()),
		data.quiet("fixed threshold, as quiet as ours on the development half", skabRange(), own),
		data.quiet("robust z-score, as quiet as ours on the development half", skabRobust(), own),
		data.score("vedette behave, as loud as it can be: every row with a score", func(s *skabSeries, row int, _ float64) bool { return s.ours[row] > 0 }, 0),
		data.score("everything is anomalous", func(*skabSeries, int, float64) bool { return true }, 0),
	}
	return rep, nil
}

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

// skabData are the series: those on which limits are chosen, those that are
// only scored, and the run in which nothing happens.
type skabData struct{ dev, test, free []*skabSeries }

func (d *skabData) score(name string, m skabMethod, limit float64) SKABMethod {
	return SKABMethod{Name: name, Limit: limit, Development: skabScore(d.dev, m, limit), Test: skabScore(d.test, m, limit), Free: skabScore(d.free, m, limit)}
}

// best chooses the limit with which F1 on the development half is best.
func (d *skabData) best(name string, m skabMethod) SKABMethod {
	best, limit := -1., 0.
	for l := 0.; l <= 30; l += 0.05 {
		if f := skabScore(d.dev, m, l).F1; f > best {
			best, limit = f, l
		}
	}
	return d.score(name, m, limit)
}

// quiet chooses the limit so that there are no more false rows than with
// another method.
func (d *skabData) quiet(name string, m skabMethod, other SKABMethod) SKABMethod {
	limit := 0.
	for limit < 200 && skabScore(d.dev, m, limit).FP > other.Development.FP {
		limit += 0.05
	}
	return d.score(name, m, limit)
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
	var delays []float64
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
			delays = append(delays, float64(found-begun))
		}
	}
	out.F1, out.Precision, out.FalseRate = share(2*out.TP, out.FP+out.FN), share(out.TP, out.FP), 1000*share(out.FP, out.TN)
	if out.Detected = len(delays); out.Detected > 0 {
		out.Median = median(delays)
		for _, d := range delays {
			out.MeanDelay += d / float64(len(delays))
		}
	}
	return out
}

// share is what part a is of a and b.
func share(a, b int) float64 {
	if a+b == 0 {
		return 0
	}
	return float64(a) / float64(a+b)
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
