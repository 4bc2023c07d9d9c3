package behave

import "math"

// hours is what a device does by time of day (UTC): the busiest minute of each
// hour, in steps of log2, learnt from windows that were not flagged.
type hours struct {
	days  uint8 // on which it was active
	flows [24]uint8
	bytes [24]uint8
}

const (
	hourSteps = 6 // of a doubling
	hourDays  = 7 // before the time of day says something
	hourMost  = 10
)

func (h *hours) learn(w *window, learnt bool) {
	at := w.at / 3600 % 24
	raise(&h.flows[at], w.value(metricFlows), learnt)
	raise(&h.bytes[at], w.value(metricBytesOut), learnt)
}

// raise lifts a peak; that of a learnt device by a step a window at most.
func raise(peak *uint8, x float32, learnt bool) {
	v := uint8(min(max(x*hourSteps+0.5, 0), math.MaxUint8)) //nolint:gosec // G115: bounded
	switch {
	case v <= *peak:
	case learnt:
		*peak++
	default:
		*peak = v
	}
}

// rates looks whether the minute is busier than any of this hour of the day or
// of the ones beside it.
func (h *hours) rates(o *observation, w *window) {
	if h.days < hourDays {
		return
	}
	h.rate(o, ruleHour, &h.flows, w.value(metricFlows))
	if w.bytesOut > 0 {
		h.rate(o, ruleHourVolume, &h.bytes, w.value(metricBytesOut))
	}
}

func (h *hours) rate(o *observation, r rule, peaks *[24]uint8, x float32) {
	at := int(o.at / 3600 % 24)
	peak := float32(max(peaks[at], peaks[(at+1)%24], peaks[(at+23)%24])) / hourSteps
	if s := easySurplus + perDoubling*(x-peak); s > rateFloor {
		o.surprise(feature{rule: r, s: min(s, hourMost), observed: math.Exp2(float64(x)) - 1, usual: math.Exp2(float64(peak)) - 1})
	}
}
