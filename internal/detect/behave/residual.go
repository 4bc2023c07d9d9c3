package behave

import "math"

const (
	teleFast    = 0.4       // weight of a sample in the fast smoothing,
	teleSlow    = 0.1       // in the slow one,
	teleBand    = 2.787     // makes of the difference of both what the noise was, if it is white
	teleCov     = 1. / 4096 // in the covariance when much is known,
	teleBase    = 1. / 200  // in the mean,
	teleLate    = 1. / 64   // and in what is usual of late
	teleShrink  = 0.1       // share of independence in the covariance of the noise
	teleBlock   = 32        // samples, over which wander is measured
	teleWander  = 1. / 64   // weight of a block in it
	teleLag     = 3         // blocks over which it is measured a second time
	teleSure    = 2         // deviations of chance that a wander must exceed
	teleHorizon = 20        // blocks that a tag may wander from its mean before it is unusual,
	teleRecent  = 2         // and from what it was of late
	teleGate    = 8         // a sample more surprising is not learnt from
	teleWiden   = 1. / 32   // of what is beyond the range is taken into it
	teleFar     = 7         // deviations beyond which nothing more is said
)

// noise is the variance of a tag about its smoothed readings.
func (s *series) noise(i int) float32 { return s.cov[i*(i+1)/2+i] }

// drift is how far a tag wanders in a block, as a variance, less what noise
// explains: as it was seen, and what of it adds up from block to block. The
// mean of a block has noise too, and how much is known the better the more
// blocks were seen; and a tag that comes back moves no more in some blocks than
// in one. What was seen is what a tag may do at any time; only what adds up
// may take it far, else a tag that stands in its noise could go anywhere.
func (s *series) drift(i int) (seen, adds float32) {
	t := &s.tags[i]
	blocks := min(max(float64(s.learnt/teleBlock), 2), 1/teleWander)
	chance := 2 * s.noise(i) / teleBlock
	seen = t.wander - chance
	sure := seen - chance*float32(teleSure*math.Sqrt(3/blocks))
	return max(seen, 0), max(min(sure, (t.wanderFar-t.wander)/(teleLag-1)), 0)
}

// tiny keeps a constant from having no variance.
func (t *tag) tiny() float32 { return 1e-12 + 1e-8*t.mean*t.mean }

// learn takes in the sample at hand: noise about the smoothed readings and how
// it goes together, and how far the readings wander from block to block.
func (s *series) learn(learning bool) {
	var dev [maxTags]float32
	a := max(1/float32(s.samples+1), teleCov)
	for i := range s.tags {
		t := &s.tags[i]
		dev[i] = (t.fast - t.slow) * teleBand
		t.mean += max(1/float32(s.samples+1), teleBase) * (t.now - t.mean)
		t.block += t.now
		if learning {
			t.low, t.high = min(t.low, t.now), max(t.high, t.now)
			if s.samples > 0 {
				t.step = max(t.step, abs(t.now-t.before))
			}
		} else { // the range follows what goes with it, slowly
			t.low += min(t.now-t.low, 0) * teleWiden
			t.high += max(t.now-t.high, 0) * teleWiden
		}
	}
	at := 0
	for i := range s.tags {
		for j := range i + 1 {
			s.cov[at] += a * (dev[i]*dev[j] - s.cov[at]) //nolint:gosec // G602: both below maxTags
			at++
		}
	}
	if s.learnt++; s.learnt%teleBlock == 0 {
		for i := range s.tags {
			s.tags[i].endBlock(s.learnt / teleBlock)
		}
	}
}

// endBlock measures how far the mean of this block is from that of the one
// before, and from that of teleLag blocks ago.
func (t *tag) endBlock(count uint32) {
	mean := t.block / teleBlock
	if count > 1 {
		t.wander += max(1/float32(count-1), teleWander) * (square(mean-t.last[0]) - t.wander)
	}
	if count > teleLag {
		t.wanderFar += max(1/float32(count-teleLag), teleWander) * (square(mean-t.last[teleLag-1]) - t.wanderFar)
	}
	copy(t.last[1:], t.last[:])
	t.last[0], t.block = mean, 0
}

// follow moves what is usual of late. It stands still while the sample is
// unusual, and with each such sample it is less sure where the tag would be.
func (t *tag) follow(usual bool, samples uint32) {
	if usual {
		t.recent += max(1/float32(samples+1), teleLate) * (t.now - t.recent)
		t.held = max(t.held, 1) - 1
	} else {
		t.held = min(t.held+1, math.MaxUint16-1)
	}
	t.before = t.now
}

// distance measures how far the smoothed readings are from the usual, as -ln p:
// the largest of what each tag says alone and of what all say together.
func (s *series) distance() {
	var long [maxTags]float32
	far := float32(0)
	for i := range s.tags {
		seen, adds := s.drift(i)
		long[i] = seen + teleHorizon*adds + s.tags[i].tiny()
		late := teleRecent*seen + float32(s.tags[i].held)/teleBlock*adds + s.noise(i)*teleLate/2 + s.tags[i].tiny()
		if d, usual := s.tagDistance(i, long[i], late); d > far {
			far, s.odd, s.oddUsual = d, uint8(i), usual
		}
	}
	n := float64(len(s.tags))
	s.apart = float32(tail(math.Sqrt(float64(far))) - math.Log(n))
	if n > 1 {
		d2, odd := s.together(&long)
		if joint := float32(tailOfSum(d2, n)); joint > s.apart {
			s.apart, s.odd = joint, odd
			s.oddUsual = s.tags[odd].mean
		}
	}
	s.apart = min(s.apart, levelMax+4)
	if s.placed = false; s.apart >= teleGate {
		s.atPlace(&long)
	}
}

// maxPlaces is how many places beside the mean a person can accept.
const maxPlaces = 4

// atPlace makes a sample usual that fits to a place that a person accepted, or
// is on the way between there and the mean. Nothing is learnt there: the mean
// stays where it is.
func (s *series) atPlace(long *[maxTags]float32) {
	const left = teleSlow / (2 - teleSlow)
	for _, place := range s.places {
		far := float32(0)
		for i, level := range place[:min(len(place), len(s.tags))] {
			t := &s.tags[i]
			low, high := min(level, t.mean), max(level, t.mean)
			beyond := max(low-t.slow, t.slow-high, 0)
			far = max(far, square(beyond)/(left*s.noise(i)+long[i]))
		}
		if d := float32(tail(math.Sqrt(float64(far))) - math.Log(float64(len(s.tags)))); d < teleGate {
			s.apart, s.placed = max(d, 0), true
			return
		}
	}
}

// tagDistance is the largest squared distance of a tag, in variances of what
// compares: the fast and the slow smoothing, each with the mean, from which a
// tag may wander far, and with what was usual of late, from which it may not.
func (s *series) tagDistance(i int, long, late float32) (far, usual float32) {
	t, noise := &s.tags[i], s.noise(i)
	for _, c := range [...]struct{ level, weight float32 }{{t.fast, teleFast}, {t.slow, teleSlow}} {
		left := noise * c.weight / (2 - c.weight) // what smoothing leaves of the noise
		if d := square(c.level-t.mean) / (left + long); d > far {
			far, usual = d, t.mean
		}
		if d := square(c.level-t.recent) / (left + late); d > far {
			far, usual = d, t.recent
		}
	}
	return far, usual
}

func square(x float32) float32 { return x * x }

// tail is -ln p of a normal variable so many deviations from its mean.
func tail(z float64) float64 { return -math.Log(math.Erfc(min(z, teleFar) / math.Sqrt2)) }

// tailOfSum is -ln p of a sum of n squares, after Wilson and Hilferty (1931).
func tailOfSum(sum, n float64) float64 {
	v := 2 / (9 * n)
	z := (math.Cbrt(sum/n) - 1 + v) / math.Sqrt(v)
	return -math.Log(math.Erfc(min(z, teleFar)/math.Sqrt2) / 2)
}

// together is the squared Mahalanobis distance of the slow smoothing from the
// mean, under the noise with its correlation shrunk towards independence and
// the drift of each tag, and the tag with the largest part in it.
func (s *series) together(long *[maxTags]float32) (d2 float64, odd uint8) {
	n := len(s.tags)
	var z, y [maxTags]float64
	var l [maxTags][maxTags]float64
	for i := range s.tags {
		z[i] = float64(s.tags[i].slow - s.tags[i].mean)
	}
	s.factor(long, &l)
	solve(&l, n, &z, &y)
	worst := 0.
	for i := range n {
		c := z[i] * y[i]
		d2 += c
		if c > worst {
			worst, odd = c, uint8(i)
		}
	}
	return max(d2, 0), odd
}

// factor is the Cholesky factor of the covariance that a usual smoothed sample
// has.
func (s *series) factor(long *[maxTags]float32, l *[maxTags][maxTags]float64) {
	const left = teleSlow / (2 - teleSlow)
	at := 0
	for i := range s.tags {
		for j := range i + 1 {
			v := left * float64(s.cov[at])
			at++
			if i == j {
				v += float64(long[i])
			} else {
				v *= 1 - teleShrink
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
func solve(l *[maxTags][maxTags]float64, n int, z, y *[maxTags]float64) {
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
