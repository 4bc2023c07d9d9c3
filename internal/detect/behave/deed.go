package behave

import (
	"math"
	"slices"
)

// deed is what one finding was told of: what a person's word on it is about.
// Things are kept as the hashes by which they are known, never as text.
type deed struct {
	device      uint64
	rule        rule // that named the finding
	first, last int64
	things      []thing // new ones that its events held, at most deedThings
	most        [numMetrics + 2]float32
	readings    []extent // of the tags, if it was of telemetry
}

// The places in most behind those of the metrics: at this hour of the day.
const (
	mostHour      = numMetrics
	mostHourBytes = numMetrics + 1
)

// extent is what a tag did in a deed.
type extent struct {
	low, high, step float32
	level           float32 // where it stood when it was most unusual
	flat            uint16
}

const (
	deedThings = 24
	maxDeeds   = 4096 // that are remembered
)

// deeds are those of the newest findings, the oldest at hand.
type deeds struct {
	all  []deed
	hand int
}

func (l *deeds) add(d deed) {
	if len(l.all) < maxDeeds {
		l.all = append(l.all, d)
		return
	}
	l.all[l.hand] = d
	l.hand = (l.hand + 1) % maxDeeds
}

// note takes in an event of the finding.
func (d *deed) note(o *observation, worst bool) {
	if d.first == 0 {
		d.device, d.first, d.last = o.subjectKey(), o.at, o.at
	}
	d.first, d.last = min(d.first, o.at), max(d.last, o.at)
	for _, t := range o.news {
		if len(d.things) < deedThings && !slices.Contains(d.things, t) {
			d.things = append(d.things, t)
		}
	}
	telemetry := false
	for i := range o.features {
		f := &o.features[i]
		at := -1
		switch {
		case f.rule == ruleRecon:
			at = int(metricTargets)
		case f.rule >= ruleRate && f.rule <= ruleFailures:
			at = int(f.rule - ruleRate)
		case f.rule == ruleHour:
			at = mostHour
		case f.rule == ruleHourVolume:
			at = mostHourBytes
		case f.rule >= ruleTeleRange:
			telemetry = true
		}
		if at >= 0 {
			d.most[at] = max(d.most[at], float32(math.Log2(1+max(f.observed, 0))))
		}
	}
	if telemetry && o.subject == nil {
		d.noteSeries(o.series, worst)
	}
}

func (d *deed) noteSeries(s *series, worst bool) {
	for i := range s.tags {
		t := &s.tags[i]
		if i == len(d.readings) {
			d.readings = append(d.readings, extent{low: t.now, high: t.now, level: t.slow})
		}
		e := &d.readings[i]
		e.low, e.high, e.step, e.flat = min(e.low, t.now), max(e.high, t.now), max(e.step, abs(t.now-t.before)), max(e.flat, t.flat)
		if worst {
			e.level = t.slow
		}
	}
}
