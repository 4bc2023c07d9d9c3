package behave

import "math"

// series is the telemetry of one device: up to maxMetrics readings that are
// taken together, what is usual of each, and how they go together.
type series struct {
	key     uint64
	at      int64 // nanoseconds of the newest reading
	samples uint32
	learnt  uint32 // samples that were learnt from
	n       uint8  // metrics
	back    uint8
	have    uint16 // metrics of the sample at hand
	names   [maxMetrics]uint32

	now, before [maxMetrics]float32 // sample at hand, and the one before
	mean        [maxMetrics]float32
	cov         [maxMetrics * (maxMetrics + 1) / 2]float32 // lower triangle, by rows
	low, high   [maxMetrics]float32
	step        [maxMetrics]float32 // largest change between samples
	flat        [maxMetrics]uint16  // equal readings in a row
	flatMost    [maxMetrics]uint16
	level       [maxMetrics]float32 // smoothed readings
	block, last [maxMetrics]float32 // sum of this block of samples, mean of the one before
	wander      [maxMetrics]float32 // mean square of the change between blocks
	odd         uint8               // the metric that fits least
	oddUsual    float32             // what is usual of it now
	apart       float32             // surprise of the newest sample
	most        float32             // largest surprise of the day
	toldMax     float32
	toldAt      uint32
	day         uint16
}

const (
	maxMetrics   = 16
	teleSmooth   = 0.15      // weight of a sample in the smoothed one
	teleShrink   = 0.1       // share of independence in the covariance of the noise
	teleSlow     = 1. / 4096 // weight of a sample in the covariance when much is known
	teleBase     = 1. / 300  // and in the mean
	teleBlock    = 32        // samples, over which wander is measured
	teleWander   = 1. / 64   // weight of a block in it
	teleHorizon  = 3         // blocks that a metric may wander before it is unusual
	teleScale    = 6         // surprise of each unit of distance
	teleGate     = 8         // a sample more surprising is not learnt from
	teleFlatMin  = 5
	teleWiden    = 1. / 32 // of what is beyond the range is taken into it
	teleMost     = 1e15    // a larger reading is none
	telePerSigma = 1.5     // surprise of each sigma beyond the range
)

// seriesTable holds the series of all devices with telemetry.
type seriesTable struct {
	limit   int
	all     []*[seriesSlab]series
	live    int
	index   map[uint64]uint32
	refused int64
	dropped int64 // readings beyond maxMetrics of a device, or too large
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
	i := s.metric(uint32(hash(o.e.MetricName()) >> 32))
	if i < 0 {
		d.series.dropped++
		return
	}
	if s.have&(1<<i) != 0 {
		s.endSample(d)
	}
	s.now[i] = float32(v)
	s.have |= 1 << i
	if s.have == 1<<s.n-1 && s.samples > 2 {
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

func (s *series) metric(name uint32) int {
	for i := range int(s.n) {
		if s.names[i] == name {
			return i
		}
	}
	if int(s.n) == maxMetrics {
		return -1
	}
	s.names[s.n] = name
	s.n++
	return int(s.n) - 1
}

// judge adds what is unusual of the reading itself and of the sample.
func (s *series) judge(o *observation, i int) {
	x, sigma := s.now[i], s.sigma(i)
	over, edge := x-s.high[i], s.high[i]
	if x < s.low[i] {
		over, edge = s.low[i]-x, s.low[i]
	}
	if over > 0 {
		o.surprise(feature{rule: ruleTeleRange, s: min(telePerSigma*over/sigma, levelMax), observed: float64(x), usual: float64(edge)})
	}
	if change := abs(x - s.before[i]); change > s.step[i] && s.step[i] > 0 {
		o.surprise(feature{rule: ruleTeleSlope, s: min(2*float32(math.Log2(float64(change/s.step[i]))), levelMax), observed: float64(change), usual: float64(s.step[i])})
	}
	if run, most := float32(s.flat[i]), float32(s.flatMost[i])+teleFlatMin; run > most && s.step[i] > 0 {
		o.surprise(feature{rule: ruleTeleFlat, s: min(3*float32(math.Log2(float64(run/most))), levelMax), observed: float64(run), usual: float64(s.flatMost[i])})
	}
	if s.apart > 0 {
		o.surprise(feature{rule: ruleTeleResidual, s: s.apart, observed: float64(s.now[s.odd]), usual: float64(s.oddUsual)})
	}
}

// sigma is the deviation of a metric; a constant has a little.
func (s *series) sigma(i int) float32 {
	return max(float32(math.Sqrt(float64(s.cov[i*(i+1)/2+i]))), 1e-3*abs(s.mean[i]), 1e-6)
}

// endSample judges the sample at hand against what is known, and learns from it
// unless it is unusual.
func (s *series) endSample(d *Detector) {
	s.have = 0
	learning := int(s.samples) <= d.cfg.LearnSamples
	if s.samples == 0 {
		s.level, s.mean, s.low, s.high = s.now, s.now, s.now, s.now
	}
	s.runs(learning)
	for i := range int(s.n) {
		s.level[i] += teleSmooth * (s.now[i] - s.level[i])
	}
	if !learning {
		s.distance()
	}
	if learning || s.apart < teleGate {
		s.learn(learning)
	}
	s.before = s.now
	s.samples++
}

func (s *series) runs(learning bool) {
	for i := range int(s.n) {
		if s.samples > 0 && s.now[i] == s.before[i] {
			s.flat[i] = min(s.flat[i]+1, math.MaxUint16-1)
		} else {
			s.flat[i] = 0
		}
		if learning {
			s.flatMost[i] = max(s.flatMost[i], s.flat[i])
		}
	}
}

// learn takes in the sample at hand: noise about the smoothed readings and how
// it goes together, and how far the readings wander from block to block.
func (s *series) learn(learning bool) {
	var dev [maxMetrics]float32
	n := int(s.n)
	a := max(1/float32(s.samples+1), teleSlow)
	for i := range n {
		dev[i] = s.now[i] - s.level[i]
		s.mean[i] += max(1/float32(s.samples+1), teleBase) * (s.now[i] - s.mean[i])
		s.block[i] += s.now[i]
		if learning {
			s.low[i], s.high[i] = min(s.low[i], s.now[i]), max(s.high[i], s.now[i])
			s.step[i] = max(s.step[i], abs(s.now[i]-s.before[i]))
		} else { // the range follows what goes with it, slowly
			s.low[i] += min(s.now[i]-s.low[i], 0) * teleWiden
			s.high[i] += max(s.now[i]-s.high[i], 0) * teleWiden
		}
	}
	at := 0
	for i := range n {
		for j := range i + 1 {
			s.cov[at] += a * (dev[i]*dev[j] - s.cov[at]) //nolint:gosec // G602: both below maxMetrics
			at++
		}
	}
	if s.learnt++; s.learnt%teleBlock == 0 {
		s.endBlock(s.learnt / teleBlock)
	}
}

func (s *series) endBlock(count uint32) {
	for i := range int(s.n) {
		mean := s.block[i] / teleBlock
		if change := mean - s.last[i]; count > 1 {
			s.wander[i] += max(1/float32(count-1), teleWander) * (change*change - s.wander[i])
		}
		s.last[i], s.block[i] = mean, 0
	}
}

// distance measures how far the smoothed sample is from the usual: the
// Mahalanobis distance under the noise that smoothing leaves, with its
// correlation shrunk towards independence, and the wander that each metric
// showed. A metric that drifts by itself must go far to be unusual, one that
// stands in noise need not.
func (s *series) distance() {
	n := int(s.n)
	var z, y [maxMetrics]float64
	var l [maxMetrics][maxMetrics]float64
	for i := range n {
		z[i] = float64(s.level[i] - s.mean[i])
	}
	s.factor(&l)
	solve(&l, n, &z, &y)
	d2, worst := 0., 0.
	for i := range n {
		d2 += z[i] * y[i]
		if c := z[i] * y[i]; c > worst {
			worst, s.odd = c, uint8(i)
		}
	}
	s.apart = min(teleScale*float32(math.Sqrt(d2)-math.Sqrt(float64(n))), levelMax+4)
	s.oddUsual = s.mean[s.odd]
}

// factor is the Cholesky factor of the covariance that a usual smoothed sample
// has.
func (s *series) factor(l *[maxMetrics][maxMetrics]float64) {
	noise := teleSmooth / (2 - teleSmooth)
	at := 0
	for i := range int(s.n) {
		for j := range i + 1 {
			v := noise * float64(s.cov[at])
			at++
			if i == j {
				v += float64(teleHorizon*s.wander[i]) + 1e-12 + 1e-8*float64(s.mean[i]*s.mean[i])
			} else {
				v *= 1 - float64(teleShrink)
			}
			for k := range j {
				v -= l[i][k] * l[j][k]
			}
			if i == j {
				l[i][i] = math.Sqrt(max(v, 1e-12))
			} else {
				l[i][j] = v / l[j][j]
			}
		}
	}
}

// solve finds y with l lᵀ y = z.
func solve(l *[maxMetrics][maxMetrics]float64, n int, z, y *[maxMetrics]float64) {
	for i := range n {
		v := z[i]
		for k := range i {
			v -= l[i][k] * y[k]
		}
		y[i] = v / l[i][i]
	}
	for i := n - 1; i >= 0; i-- {
		v := y[i]
		for k := i + 1; k < n; k++ {
			v -= l[k][i] * y[k]
		}
		y[i] = v / l[i][i]
	}
}
