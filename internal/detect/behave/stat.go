package behave

import "math"

// metric is one volume or rate of a window of one minute.
type metric uint8

const (
	metricFlows metric = iota
	metricPeers
	metricTargets
	metricBytesOut
	metricBytesIn
	metricFails
)

const numMetrics = 6

// stat is what is usual of a metric, in log2(1+x): centre, mean distance from
// it, and the highest that was accepted. The anchors are what they were when
// the device was learnt or when its drift was last told.
type stat struct {
	centre, spread, peak    float32
	anchor, anchorPeak, day float32 // day: how far the peak rose today
}

const (
	minSpread   = 0.3       // of log2: a fifth more or less is nothing
	slowest     = 1. / 8192 // the weight of a window once many are known
	minPeak     = 1.6       // two events in a minute are no peak
	peakPerDay  = 0.3       // log2 that the peak of a learnt device may rise in a day
	driftLimit  = 1         // log2 from the anchor that is told: twice as much
	winsor      = 4         // spreads from the centre that a window may pull from
	priorWindow = 10        // windows that the group's word is worth
	easySurplus = 2         // surprise of a value at the peak
	perDoubling = 3         // surprise of each doubling of the peak
)

// prior is what is thought usual of any device before anything is known.
func prior(m metric) stat {
	switch m {
	case metricFlows:
		return stat{centre: 3, spread: 1.2, peak: 6}
	case metricPeers, metricTargets:
		return stat{centre: 1.6, spread: 0.8, peak: 4}
	case metricFails:
		return stat{centre: 0.8, spread: 0.8, peak: 4}
	case metricBytesOut, metricBytesIn:
		return stat{centre: 11, spread: 3, peak: 22}
	}
	return stat{spread: 1}
}

func logOf(x float32) float32 { return float32(math.Log2(1 + float64(max(x, 0)))) }

// learn takes in the value of a window that was not flagged. n is how many
// came before it.
func (s *stat) learn(x float32, n uint32, learnt bool) {
	a := max(1/float32(n+1), slowest)
	if n > priorWindow {
		reach := winsor * max(s.spread, least(s.centre))
		if d := x - s.centre; d > reach {
			x = s.centre + reach
		}
	}
	s.spread += a * (abs(x-s.centre) - s.spread)
	s.centre += a * (x - s.centre)
	if x > s.peak {
		rise := x - s.peak
		if learnt {
			rise = min(rise, peakPerDay-s.day)
			s.day += max(rise, 0)
		}
		s.peak += max(rise, 0)
	}
}

// surprise is the tail of a value as -ln p: of a Laplace distribution about
// the centre, and no more than doublings above the peak allow. The group's
// word counts as priorWindow windows.
func (s *stat) surprise(x float32, n uint32, g *stat) float32 {
	w := float32(priorWindow) / float32(priorWindow+n)
	centre := s.centre*(1-w) + g.centre*w
	spread := max(s.spread*(1-w)+g.spread*w, least(centre))
	peak := max(s.peak, s.peak*(1-w)+g.peak*w, minPeak)
	return min((x-centre)/spread, easySurplus+perDoubling*(x-peak))
}

// least is the least spread about a centre: counts of a few scatter by as much
// as they are.
func least(centre float32) float32 { return max(minSpread, 1/(1+centre)) }

// drifted reports whether what is learnt has moved far from its anchor, from
// where to where in log2, and then moves the anchor. A centre moves far when it
// has left what is usual scatter too.
func (s *stat) drifted() (from, to float32, far bool) {
	switch {
	case s.centre-s.anchor > max(driftLimit, 2*s.spread):
		from, to = s.anchor, s.centre
	case s.peak-s.anchorPeak > driftLimit:
		from, to = s.anchorPeak, s.peak
	default:
		return 0, 0, false
	}
	s.drop()
	return from, to, true
}

// drop lets the anchor fall here.
func (s *stat) drop() { s.anchor, s.anchorPeak = s.centre, s.peak }

func abs(x float32) float32 {
	if x < 0 {
		return -x
	}
	return x
}
