package behave

import (
	"math"
	"math/bits"
)

// profile is what is known of one device. It is of fixed size and holds no
// pointer, so that the collector never looks into a million of them.
type profile struct {
	key         uint64
	group       uint32
	first, last uint32 // seconds since 1970
	events      uint32
	windows     uint32 // minutes in which it was active and not flagged

	win window

	novelty  [numKinds]float32 // share of windows with something new
	since    uint16            // new things since the anchor
	anchored uint16            // things known at the anchor; 0: not yet learnt
	newToday uint8             // new things of today that count for novelty
	raised   uint8             // spans of today that count for calibration
	back     uint8             // events in a row whose time went backwards
	day      uint16

	stats  [numMetrics]stat
	hours  hours
	beacon [4]beat
	known  set

	covered covered

	spanAt  uint32  // start of the span of ten minutes for calibration
	spanMax float32 // the largest surprise in it
	toldAt  uint32
	toldMax float32
}

// window is the minute at hand.
type window struct {
	at       uint32 // seconds
	flows    float32
	bytesOut float32
	bytesIn  float32
	fails    float32
	peers    [4]uint64 // bitmaps for linear counting
	targets  [4]uint64
	limit    [numMetrics]float32 // as counted: below it nothing is unusual
	hour     [2]float32          // the same for the hour of the day: flows, bytes
	novel    wordSet
	flagged  bool
	drifted  bool
	ot       bool
}

const (
	windowSeconds = 60
	spanSeconds   = 600
	daySeconds    = 86400
	maxBack       = 64 // events in a row from the past after which the past is now
)

// established reports whether the device is learnt.
func (p *profile) established(cfg *Config) bool {
	return int(p.windows) >= cfg.LearnWindows && float64(p.last-p.first) >= cfg.LearnFor.Seconds()
}

// move brings the profile to the time of the event: it ends the window, the
// span and the day that are over. It reports false for an event whose time is
// wrong or past: it is judged and not counted.
func (p *profile) move(d *Detector, g *group, o *observation) bool {
	if o.suspect {
		return false
	}
	at := uint32(o.at) //nolint:gosec // G115: checked by read
	if at+windowSeconds < p.win.at {
		if p.back++; p.back < maxBack {
			return false
		}
		p.win, p.spanAt, p.last, p.toldAt, p.day = window{}, 0, at, 0, 0 // its clock was set back
		p.first = min(p.first, at)
	}
	p.back = 0
	if start := at - at%windowSeconds; start > p.win.at {
		p.endWindow(d, g)
		p.win = window{at: start}
		p.setLimits(g)
	}
	// Events come a little out of order at midnight too: a day begins once.
	if day := uint16(at / daySeconds); day > p.day { //nolint:gosec // G115: days until 2149
		p.newDay(d, day)
	}
	if at >= p.spanAt+spanSeconds {
		p.endSpan(d)
		p.spanAt = at
	}
	p.last = max(p.last, at)
	p.events++
	return true
}

// endWindow learns from a window that was not flagged.
func (p *profile) endWindow(d *Detector, g *group) {
	w := &p.win
	if w.at == 0 || w.flagged {
		return
	}
	learnt := p.established(&d.cfg)
	a := max(4/float32(p.windows+4), 1./4096)
	for k := range kind(numKinds) {
		var hit float32
		if w.novel&(1<<k) != 0 && (!learnt || p.newToday <= maxNewToday || p.novelty[k] >= restless) {
			hit = 1
		}
		p.novelty[k] += a * (hit - p.novelty[k])
		g.learnNovelty(k, hit)
	}
	for m := range metric(numMetrics) {
		x := w.value(m)
		p.stats[m].learn(x, p.windows, learnt)
		g.learn(m, x)
	}
	g.newDay(p.day)
	p.hours.learn(w, learnt)
	if w.ot {
		p.covered.otWindows = min(p.covered.otWindows+1, math.MaxUint16-1)
	}
	p.windows++
	g.windows++
	if p.anchored == 0 && p.established(&d.cfg) {
		p.anchored = uint16(max(p.known.size(), 1)) //nolint:gosec // G115: at most setSize
		p.since = 0
		g.learnt++
	}
	if p.windows == anchorWindows {
		for m := range p.stats {
			p.stats[m].drop()
		}
	}
}

// maxNewToday bounds what one day can add to what is thought usual novelty of a
// device that is not restless: one that meets something new in many of its
// active minutes, as a server of many does.
const (
	maxNewToday = 4
	restless    = 0.05
)

func (p *profile) newDay(d *Detector, day uint16) {
	p.day, p.newToday, p.raised = day, 0, 0
	p.hours.days = min(p.hours.days+1, 255-1)
	for m := range p.stats {
		p.stats[m].day = 0
	}
	d.level.deviceDay()
}

// endSpan gives the largest surprise of the last ten minutes to the
// calibration, a few times a day and device at most.
func (p *profile) endSpan(d *Detector) {
	if p.spanMax > levelFrom && p.raised < maxRaisedToday {
		p.raised++
		d.level.exceeded(p.spanMax)
	}
	p.spanMax = 0
}

const maxRaisedToday = 3

// setLimits finds for the window the values below which nothing is unusual, so
// that most events need no logarithm.
func (p *profile) setLimits(g *group) {
	for m := range metric(numMetrics) {
		q := g.usual(m)
		w := float32(priorWindow) / float32(priorWindow+p.windows)
		s := &p.stats[m]
		centre, spread := s.centre*(1-w)+q.centre*w, s.spread*(1-w)+q.spread*w
		spread = max(spread, least(centre))
		p.win.limit[m] = plain(centre + rateFloor*spread)
	}
	for m := metricPeers; m <= metricTargets; m++ { // bits that are set
		p.win.limit[m] = float32(256 * (1 - math.Exp(-float64(p.win.limit[m])/256)))
	}
	p.win.hour = p.hours.limits(p.win.at)
}

// plain is what a log2 stands for.
func plain(x float32) float32 { return float32(math.Exp2(float64(min(x, 100)))) - 1 }

// over reports whether a metric of the window may be unusual.
func (w *window) over(m metric) bool {
	var x float32
	switch m {
	case metricFlows:
		x = w.flows
	case metricPeers:
		x = float32(ones(&w.peers))
	case metricTargets:
		x = float32(ones(&w.targets))
	case metricBytesOut:
		x = w.bytesOut
	case metricBytesIn:
		x = w.bytesIn
	case metricFails:
		x = w.fails
	}
	return x > w.limit[m]
}

// value of a metric of the window, in log2.
func (w *window) value(m metric) float32 {
	switch m {
	case metricFlows:
		return logOf(w.flows)
	case metricPeers:
		return logOf(count(&w.peers))
	case metricTargets:
		return logOf(count(&w.targets))
	case metricBytesOut:
		return logOf(w.bytesOut)
	case metricBytesIn:
		return logOf(w.bytesIn)
	case metricFails:
		return logOf(w.fails)
	}
	return 0
}

// count estimates how many different things were marked in a bitmap: linear
// counting after Whang, Vander-Zanden and Taylor (1990).
func count(b *[4]uint64) float32 {
	set := ones(b)
	if set == 0 {
		return 0
	}
	return float32(-256 * math.Log(max(1-float64(set)/256, 1./512)))
}

func ones(b *[4]uint64) int {
	return bits.OnesCount64(b[0]) + bits.OnesCount64(b[1]) + bits.OnesCount64(b[2]) + bits.OnesCount64(b[3])
}

func mark(b *[4]uint64, h uint64) { b[h>>6&3] |= 1 << (h & 63) }

// count adds the event to the window.
func (p *profile) count(o *observation, server bool) {
	w := &p.win
	w.flows++
	w.ot = w.ot || o.ot
	if server {
		w.bytesOut += o.bytesIn
		w.bytesIn += o.bytesOut
		return
	}
	w.bytesOut += o.bytesOut
	w.bytesIn += o.bytesIn
	if o.failed {
		w.fails++
	}
	if o.flow {
		mark(&w.peers, o.peer)
		mark(&w.targets, o.target)
	}
}

// settle keeps what the event's surprise says about window and span.
func (p *profile) settle(d *Detector, s float32, learn, learnt bool) {
	if !learn {
		return
	}
	p.spanMax = max(p.spanMax, min(s, maxSurprise))
	if learnt && s >= d.level.threshold() {
		p.win.flagged = true
	}
}
