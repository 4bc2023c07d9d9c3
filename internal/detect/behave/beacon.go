package behave

import "math"

// beat follows the rhythm in which one new target is called.
type beat struct {
	key      uint32
	last     uint32
	mean     float32 // seconds between calls
	distance float32 // mean distance from it
	calls    uint16
}

const (
	beatCalls  = 10  // calls before a rhythm is heard
	beatSpread = 0.2 // mean distance from the interval, as a share of it
	beatMin    = 4   // seconds: calls closer together are one
)

// beacon hears whether the device calls a target in a steady rhythm that it did
// not call when it was learnt. What was learnt may beat as it likes.
func (d *Detector) beacon(o *observation, p *profile) {
	if !o.flow || o.numThing == 0 || !o.learnt {
		return
	}
	h := mix(o.things[0].hash, uint64(o.things[0].kind)+16)
	at := p.known.find(o.things[0].kind, h)
	if at < 0 || p.known.known(at, o.at/daySeconds) {
		return
	}
	b := p.beatOf(uint32(o.target)) //nolint:gosec // G115: bits of a hash
	now := uint32(o.at)             //nolint:gosec // G115: checked by read
	if b.calls == 0 {
		b.last, b.calls = now, 1
		return
	}
	gap := float32(now) - float32(b.last)
	if gap < beatMin {
		return
	}
	b.last = now
	if b.calls == 1 {
		b.mean, b.distance = gap, gap/2
	}
	if b.calls < math.MaxUint16 {
		b.calls++
	}
	a := max(1/float32(b.calls), 1./16)
	b.distance += a * (abs(gap-b.mean) - b.distance)
	b.mean += a * (gap - b.mean)
	if share := b.distance / b.mean; b.calls >= beatCalls && share < beatSpread {
		s := float32(math.Log(float64(b.calls))) * (1 + (beatSpread-share)/beatSpread) * 2
		o.surprise(feature{rule: ruleBeacon, s: min(s, levelMax), observed: float64(b.mean), usual: float64(b.calls)})
	}
}

// beatOf finds the rhythm of a target, or takes the place of the least called.
func (p *profile) beatOf(key uint32) *beat {
	least := &p.beacon[0]
	for i := range p.beacon {
		b := &p.beacon[i]
		if b.key == key && b.calls > 0 {
			return b
		}
		if b.calls < least.calls {
			least = b
		}
	}
	if least.calls > 1 && least.calls < beatCalls {
		least.calls-- // a target must be called more often than others to stay
	}
	*least = beat{key: key}
	return least
}
