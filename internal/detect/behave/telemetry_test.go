package behave_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"vedette/internal/detect/behave"
)

// pump shows samples of three tags: one that stands in its noise, one that
// stands and answers slowly, one that wanders. change alters a sample.
func pump(s *site, seed uint64, samples int, change func(i int, v *[3]float64)) (first int) {
	r := rand.New(rand.NewPCG(seed, 9))
	slow, walk := 0., 0.
	first = -1
	for i := range samples {
		slow += 0.2 * (r.NormFloat64() - slow)
		walk += 0.05 * r.NormFloat64()
		v := [3]float64{30 + r.NormFloat64(), 5 + slow, 70 + walk + 0.02*r.NormFloat64()}
		if change != nil {
			change(i, &v)
		}
		at := start.Add(time.Duration(i) * time.Second)
		for k, name := range [...]string{"flow", "pressure", "temperature"} {
			e := s.show(telemetry(at, "pump", name, v[k]))
			if first < 0 && e.AnomalyScore() >= s.d.Threshold() {
				first = i
			}
		}
	}
	return first
}

// pumpAt shows samples of the pump from a second on, all changed alike.
func pumpAt(s *site, second, samples int, change func(v *[3]float64)) {
	r := rand.New(rand.NewPCG(uint64(second), 9))
	slow := 0.
	for i := range samples {
		slow += 0.2 * (r.NormFloat64() - slow)
		v := [3]float64{30 + r.NormFloat64(), 5 + slow, 70 + 0.2*r.NormFloat64()}
		change(&v)
		for k, name := range [...]string{"flow", "pressure", "temperature"} {
			s.show(telemetry(start.Add(time.Duration(second+i)*time.Second), "pump", name, v[k]))
		}
	}
}

// TestOnset: a step of a tag that stands in its noise is seen within few
// samples, whatever its siblings do, and nothing is told before.
func TestOnset(t *testing.T) {
	const begin = 900
	for _, c := range []struct{ step, within float64 }{{8, 3}, {4, 8}, {2.5, 20}} {
		late, missed, early := 0., 0, 0
		for seed := range uint64(20) {
			at := pump(newSite(t, behave.Config{}), seed, begin+200, func(i int, v *[3]float64) {
				if i >= begin {
					v[0] -= c.step
				}
			})
			switch {
			case at < 0:
				missed++
			case at < begin:
				early++
			default:
				late += float64(at - begin)
			}
		}
		mean := late / float64(20-missed-early)
		t.Logf("a step of %.1f deviations: seen after %.1f samples, %d of 20 missed, %d told before", c.step, mean, missed, early)
		if mean > c.within || missed > 4 || early > 2 {
			t.Errorf("a step of %.1f deviations: seen after %.1f samples, %d missed, %d early", c.step, mean, missed, early)
		}
	}
}

// TestWanderer: a tag that wanders by itself is not told for being far from
// where it was learnt.
func TestWanderer(t *testing.T) {
	told := 0
	for seed := range uint64(20) {
		s := newSite(t, behave.Config{})
		pump(s, 100+seed, 4000, nil)
		told += len(s.end())
	}
	t.Logf("%d findings in 20 runs of 3 700 samples", told)
	if told > 6 {
		t.Errorf("%d findings of readings that only wander", told)
	}
}

// TestFlaggedLevelIsNotLearnt: a level that was told stays unusual, and the old
// one is usual again at once.
func TestFlaggedLevelIsNotLearnt(t *testing.T) {
	s := newSite(t, behave.Config{})
	unusual := 0
	pump(s, 3, 3000, func(i int, v *[3]float64) {
		if i >= 900 && i < 2900 {
			v[0] -= 8
		}
	})
	if fs := s.end(); len(fs) == 0 {
		t.Fatal("nothing was told")
	}
	r := rand.New(rand.NewPCG(4, 4))
	for i := range 100 { // the same level, much later
		e := s.show(telemetry(start.Add(time.Duration(3000+i)*time.Second), "pump", "flow", 22+r.NormFloat64()))
		if i > 10 && e.AnomalyScore() > 0.9 {
			unusual++
		}
	}
	if unusual < 60 {
		t.Errorf("%d of 89 readings at the level that was told are unusual", unusual)
	}
}

// TestSeriesSize: telemetry takes room for the tags that a device has.
func TestSeriesSize(t *testing.T) {
	size := func(tags uintptr) uintptr { return behave.SeriesSize + tags*behave.TagSize + tags*(tags+1)/2*4 }
	var text string
	for _, n := range []uintptr{1, 4, 8, 16} {
		text += fmt.Sprintf(" %d tags: %d bytes;", n, size(n))
	}
	t.Logf("series %d, tag %d;%s", behave.SeriesSize, behave.TagSize, text)
	if n := size(2) + behave.ProfileSize; n > 1228 {
		t.Errorf("a device with two tags has %d bytes, more than 1.2 KB", n)
	}
}
