package behave

import "math"

// series is the telemetry of one device: up to maxTags readings that are taken
// together, what is usual of each, and how they go together. It has room for
// the tags that the device has, not more.
type series struct {
	key     uint64
	at      int64 // nanoseconds of the newest reading
	samples uint32
	learnt  uint32 // samples that were learnt from
	back    uint8
	have    uint16 // tags of the sample at hand
	tags    []tag
	cov     []float32   // of the noise, lower triangle, by rows
	places  [][]float32 // where the tags may stand too, by a person's word; at most maxPlaces
	placed  bool        // they stand at one of them

	odd      uint8   // the tag that fits least
	oddUsual float32 // what is usual of it now
	apart    float32 // surprise of the newest sample
	most     float32 // largest surprise of the day
	toldMax  float32
	toldAt   uint32
	day      uint16
}

// tag is one reading of a device.
type tag struct {
	name           uint32
	now, before    float32 // in the sample at hand, and in the one before
	low, high      float32
	step           float32          // largest change between samples
	fast, slow     float32          // smoothed readings
	mean, recent   float32          // what is usual: all in all, and of late
	block          float32          // sum of this block of samples
	last           [teleLag]float32 // means of the blocks before
	wander         float32          // mean square of the change between blocks,
	wanderFar      float32          // and over teleLag of them
	flat, flatMost uint16           // equal readings in a row
	held           uint16           // unusual samples that recent did not follow
}

const (
	maxTags      = 16
	teleFlatMin  = 5
	teleMost     = 1e15 // a larger reading is none
	telePerSigma = 1.5  // surprise of each sigma beyond the range
)

// seriesTable holds the series of all devices with telemetry.
type seriesTable struct {
	limit   int
	all     []*[seriesSlab]series
	live    int
	index   map[uint64]uint32
	refused int64
	dropped int64 // readings beyond maxTags of a device, or too large
}

const seriesSlab = 64

func newSeriesTable(limit int) seriesTable {
	return seriesTable{limit: limit, index: make(map[uint64]uint32)}
}

func (t *seriesTable) at(i int) *series { return &t.all[i/seriesSlab][i%seriesSlab] }

func (t *seriesTable) of(key uint64) *series {
	if i, ok := t.index[key]; ok {
		return t.at(int(i))
	}
	if t.live >= t.limit {
		t.refused++
		return nil
	}
	if t.live%seriesSlab == 0 {
		t.all = append(t.all, new([seriesSlab]series))
	}
	s := t.at(t.live)
	*s = series{key: key}
	t.index[key] = uint32(t.live) //nolint:gosec // G115: bounded by limit
	t.live++
	return s
}

// inspectTelemetry judges one reading.
func (d *Detector) inspectTelemetry(o *observation) {
	v := o.e.MetricValue()
	if o.suspect {
		return
	}
	if math.Abs(v) > teleMost {
		d.series.dropped++
		return
	}
	s := d.series.of(o.deviceKey)
	if s == nil {
		return
	}
	if o.nano < s.at {
		if s.back++; s.back < maxBack {
			return
		}
	}
	s.back, s.at, o.series = 0, o.nano, s
	s.newDay(d, uint16(o.at/daySeconds)) //nolint:gosec // G115: days until 2149
	i := s.tag(uint32(hash(o.e.MetricName()) >> 32))
	if i < 0 {
		d.series.dropped++
		return
	}
	if s.have&(1<<i) != 0 {
		s.endSample(d)
	}
	s.tags[i].now = float32(v)
	s.have |= 1 << i
	if s.have == 1<<len(s.tags)-1 && s.samples > 2 {
		s.endSample(d)
	}
	if int(s.samples) > d.cfg.LearnSamples {
		s.judge(o, i)
		s.most = max(s.most, fuse(o.features))
	}
}

// newDay gives the largest surprise of the day to the calibration.
func (s *series) newDay(d *Detector, day uint16) {
	if s.day == day {
		return
	}
	if s.most > levelFrom {
		d.level.exceeded(s.most)
	}
	s.day, s.most = day, 0
	if d.table.find(s.key) == nil { // else its day is counted with its profile
		d.level.deviceDay()
	}
}

// tag finds or makes the tag of a name; -1 when there are too many.
func (s *series) tag(name uint32) int {
	for i := range s.tags {
		if s.tags[i].name == name {
			return i
		}
	}
	n := len(s.tags)
	if n == maxTags {
		return -1
	}
	tags, cov := make([]tag, n+1), make([]float32, (n+1)*(n+2)/2) // no spare room: few devices gain a tag later
	copy(tags, s.tags)
	copy(cov, s.cov)
	tags[n].name = name
	s.tags, s.cov = tags, cov
	return n
}

// judge adds what is unusual of the reading itself and of the sample.
func (s *series) judge(o *observation, i int) {
	t := &s.tags[i]
	x := t.now
	over, edge := x-t.high, t.high
	if x < t.low {
		over, edge = t.low-x, t.low
	}
	if over > 0 {
		o.surprise(feature{rule: ruleTeleRange, s: min(telePerSigma*over/s.sigma(i), levelMax), observed: float64(x), usual: float64(edge)})
	}
	if change := abs(x - t.before); change > t.step && t.step > 0 {
		o.surprise(feature{rule: ruleTeleSlope, s: min(2*float32(math.Log2(float64(change/t.step))), levelMax), observed: float64(change), usual: float64(t.step)})
	}
	if run, most := float32(t.flat), float32(t.flatMost)+teleFlatMin; run > most && t.step > 0 {
		o.surprise(feature{rule: ruleTeleFlat, s: min(3*float32(math.Log2(float64(run/most))), levelMax), observed: float64(run), usual: float64(t.flatMost)})
	}
	if s.apart > 0 {
		o.surprise(feature{rule: ruleTeleResidual, s: s.apart, observed: float64(s.tags[s.odd].now), usual: float64(s.oddUsual)})
	}
}

// sigma is the deviation of a tag from its range: its noise, and how far it
// wanders; a constant has a little.
func (s *series) sigma(i int) float32 {
	seen, _ := s.drift(i)
	v := s.noise(i) + teleRecent*seen
	return max(float32(math.Sqrt(float64(v))), 1e-3*abs(s.tags[i].mean), 1e-6)
}

// endSample judges the sample at hand against what is known, and learns from it
// unless it is unusual.
func (s *series) endSample(d *Detector) {
	s.have = 0
	learning := int(s.samples) <= d.cfg.LearnSamples
	for i := range s.tags {
		t := &s.tags[i]
		if s.samples == 0 {
			t.fast, t.slow, t.mean, t.recent, t.low, t.high = t.now, t.now, t.now, t.now, t.now, t.now
		}
		t.smooth(s.samples > 0 && t.now == t.before, learning)
	}
	if !learning {
		s.distance()
	}
	usual := learning || s.apart < teleGate && !s.placed
	if usual {
		s.learn(learning)
	}
	for i := range s.tags {
		s.tags[i].follow(usual, s.samples)
	}
	s.samples++
}

func (t *tag) smooth(same, learning bool) {
	if same {
		t.flat = min(t.flat+1, math.MaxUint16-1)
	} else {
		t.flat = 0
	}
	if learning {
		t.flatMost = max(t.flatMost, t.flat)
	}
	t.fast += teleFast * (t.now - t.fast)
	t.slow += teleSlow * (t.now - t.slow)
}
