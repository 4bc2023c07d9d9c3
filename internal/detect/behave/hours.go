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
	v := uint8(min(max(x*hourSteps+0.5, 0), math.MaxUint8))
	switch {
	case v <= *peak:
	case learnt:
		*peak++
	default:
		*peak = v
	}
}

// limits are the values of this hour below which nothing is unusual.
func (h *hours) limits(at uint32) [2]float32 {
	if h.days < hourDays {
		return [2]float32{math.MaxFloat32, math.MaxFloat32}
	}
	const least = float32(rateFloor-easySurplus) / perDoubling
	return [2]float32{plain(around(&h.flows, at) + least), plain(around(&h.bytes, at) + least)}
}

// around is the peak of this hour of the day and of the ones beside it.
func around(peaks *[24]uint8, at uint32) float32 {
	i := at / 3600 % 24
	return float32(max(peaks[i], peaks[(i+1)%24], peaks[(i+23)%24])) / hourSteps
}

// rates looks whether the minute is busier than any of this hour of the day or
// of the ones beside it.
func (h *hours) rates(o *observation, w *window) {
	if w.flows > w.hour[0] {
		rate(o, ruleHour, around(&h.flows, w.at), w.value(metricFlows))
	}
	if w.bytesOut > w.hour[1] {
		rate(o, ruleHourVolume, around(&h.bytes, w.at), w.value(metricBytesOut))
	}
}

func rate(o *observation, r rule, peak, x float32) {
	s := easySurplus + perDoubling*(x-peak)
	o.surprise(feature{rule: r, s: min(s, hourMost), observed: math.Exp2(float64(x)) - 1, usual: math.Exp2(float64(peak)) - 1})
}
