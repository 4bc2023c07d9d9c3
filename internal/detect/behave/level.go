package behave

import "math"

const (
	levelFrom = 4  // surprises above it are counted
	levelMin  = 7  // the threshold is never below
	levelMax  = 14 // nor above: a busy fleet must not hide what is plain

	priorDays  = 20  // device-days that the first guess is worth
	priorRate  = 0.5 // spans above levelFrom a device and day
	priorMean  = 1.4 // their mean surplus
	priorSpans = 10
	maxDays    = 100_000 // then old counts fade
	scoreFloor = 0.5
	shiftStep  = 0.1
	shiftMost  = 4
)

// level turns surprise into a score, and a budget into a threshold: spans of
// ten minutes whose surprise exceeds levelFrom are counted by device and day,
// and the surplus has an exponential tail (peaks over threshold; the shape of
// Pickands, Balkema and de Haan with xi = 0).
type level struct {
	budget  float64 // per device and day
	days    float64
	spans   float64
	surplus float64
	shift   float64 // of the threshold, learnt from what was told
	at      float32
	stale   bool
}

func newLevel(per1000 float64) level {
	return level{budget: per1000 / 1000, stale: true}
}

func (l *level) deviceDay() {
	l.days++
	l.nudge(-l.budget)
	if l.days > maxDays {
		l.days /= 2
		l.spans /= 2
		l.surplus /= 2
	}
}

// exceeded counts a span. What exceeds the threshold by far says nothing about
// the usual and counts as if it were at it.
func (l *level) exceeded(s float32) {
	l.spans++
	l.surplus += float64(min(s, l.threshold()) - levelFrom)
	l.stale = true
}

// told counts a device that was told of today. It and the days without move the
// threshold so that in the long run as much is told as the budget allows,
// whatever the shape of the tail (stochastic approximation after Robbins and
// Monro).
func (l *level) told() { l.nudge(1) }

func (l *level) nudge(by float64) {
	l.shift = min(max(l.shift+shiftStep*by, -shiftMost), shiftMost)
	l.stale = true
}

func (l *level) rate() float64 { return (l.spans + priorRate*priorDays) / (l.days + priorDays) }

func (l *level) mean() float64 {
	return (l.surplus + priorMean*priorSpans) / (l.spans + priorSpans)
}

// threshold is the surprise that is exceeded as often as the budget allows.
func (l *level) threshold() float32 {
	if l.stale {
		t := levelFrom + l.shift + l.mean()*math.Log(l.rate()/l.budget)
		l.at = float32(min(max(t, levelMin), levelMax))
		l.stale = false
	}
	return l.at
}

// score is one minus the number of spans a device and day that are as
// surprising: 0.995 is met on five of 1 000 devices a day. Where the bounds of
// the threshold move it from what the budget says, the score moves with it.
func (l *level) score(s float32) float64 {
	if s <= 0 {
		return 0
	}
	t, beta := float64(l.threshold()), l.mean()
	p := l.budget * math.Exp((t-float64(s))/beta)
	return max(1-p, 0)
}
