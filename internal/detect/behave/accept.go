package behave

import (
	"slices"
	"time"

	"vedette/internal/fault"
)

// Deed names findings of this detector by what others know of them: the rule,
// the uid of the device, and when.
type Deed struct {
	Rule, Device string
	First, Last  time.Time
}

// maxAccepted is how many findings are accepted at most at a time.
const maxAccepted = 4096

// accepted is what was changed by a person's word on one finding, and how it
// was before.
type accepted struct {
	word    uint64
	device  uint64
	things  []thing
	states  []uint8 // of the things, before; 0: there was none
	most    uint8   // bits of what of most was raised
	stats   [numMetrics]stat
	hour    uint8
	flows   uint8
	bytes   uint8
	tags    []extent // of the tags, before
	level   []float32
	stepped bool // the level is one that the telemetry may take
}

// Accept makes usual what findings were of, because a person calls them benign:
// the things that were new are known, what was far more than usual is a peak
// that the device may reach, where readings stood is a place where they may
// stand. Only what a finding told of is accepted, whatever else the device does.
// The word names the person's word for [Detector.Revoke]; giving it twice
// changes nothing. It returns how many findings it was found to be about: those
// that are too old to be remembered are not.
func (d *Detector) Accept(word string, list []Deed) (int, error) {
	w := hash(word)
	if slices.ContainsFunc(d.accepted, func(a accepted) bool { return a.word == w }) {
		return 0, nil
	}
	var found []*deed
	for i := range d.open.told.all {
		t := &d.open.told.all[i]
		if slices.ContainsFunc(list, t.named) {
			found = append(found, t)
		}
	}
	if len(found)+len(d.accepted) > maxAccepted {
		return 0, fault.New(fault.Limited, "accepting %d findings: %d are accepted already, and there may be %d", len(found), len(d.accepted), maxAccepted).
			WithHint("take back feedback that is no longer needed")
	}
	for _, t := range found {
		d.accepted = append(d.accepted, d.accept(w, t))
	}
	return len(found), nil
}

// named reports whether a deed is among the findings that are named.
func (d *deed) named(n Deed) bool {
	return d.device == hash(n.Device) && d.rule.about().id == n.Rule && d.first <= n.Last.Unix() && d.last >= n.First.Unix()
}

func (d *Detector) accept(word uint64, t *deed) accepted {
	a := accepted{word: word, device: t.device}
	if p := d.table.find(t.device); p != nil {
		a.profile(p, t)
	}
	if at, ok := d.series.index[t.device]; ok {
		a.series(d.series.at(int(at)), t)
	}
	return a
}

func (a *accepted) profile(p *profile, t *deed) {
	day := t.last / daySeconds
	for _, th := range t.things {
		var before uint8
		if at := p.known.find(th.kind, th.hash); at >= 0 {
			before = p.known.states[at]
			p.known.states[at] = stateKnown | before&dayMask
		} else {
			p.known.add(th.kind, th.hash, stateKnown, day)
		}
		a.things, a.states = append(a.things, th), append(a.states, before)
	}
	for m := range p.stats {
		if s := &p.stats[m]; t.most[m] > 0 {
			a.most |= 1 << m
			a.stats[m] = *s
			s.peak = max(s.peak, t.most[m])
			s.anchorPeak = max(s.anchorPeak, s.peak)
		}
	}
	a.hour = uint8(t.last / 3600 % 24) //nolint:gosec // G115: below 24
	a.flows, a.bytes = p.hours.flows[a.hour], p.hours.bytes[a.hour]
	if x := t.most[mostHour]; x > 0 {
		a.most |= 1 << mostHour
		raise(&p.hours.flows[a.hour], x, false)
	}
	if x := t.most[mostHourBytes]; x > 0 {
		a.most |= 1 << mostHourBytes
		raise(&p.hours.bytes[a.hour], x, false)
	}
	p.setHours()
}

// setHours makes the limits of the minute at hand anew.
func (p *profile) setHours() { p.win.hour = p.hours.limits(p.win.at) }

func (a *accepted) series(s *series, t *deed) {
	if len(t.readings) == 0 || len(t.readings) > len(s.tags) {
		return
	}
	for i, r := range t.readings {
		g := &s.tags[i]
		a.tags = append(a.tags, extent{low: g.low, high: g.high, step: g.step, flat: g.flatMost})
		a.level = append(a.level, r.level)
		g.low, g.high, g.step, g.flatMost = min(g.low, r.low), max(g.high, r.high), max(g.step, r.step), max(g.flatMost, r.flat)
	}
	if len(s.places) < maxPlaces {
		s.places = append(s.places, slices.Clone(a.level))
		a.stepped = true
	}
}

// Revoke takes a person's word back: what it made usual is unusual again and
// will be told again. It returns how many findings that is.
func (d *Detector) Revoke(word string) int {
	w, n := hash(word), 0
	for i := len(d.accepted) - 1; i >= 0; i-- { // the last first, as they lie on each other
		if d.accepted[i].word == w {
			d.revoke(&d.accepted[i], d.accepted[i+1:])
			d.accepted = slices.Delete(d.accepted, i, i+1)
			n++
		}
	}
	return n
}

// revoke puts back what was before. What another word accepted later stays,
// and that word knows then how it was before both.
func (d *Detector) revoke(a *accepted, later []accepted) {
	if p := d.table.find(a.device); p != nil {
		a.backProfile(p, later)
		p.toldAt, p.toldMax = 0, 0
	}
	if at, ok := d.series.index[a.device]; ok {
		s := d.series.at(int(at))
		a.backSeries(s, later)
		s.toldAt, s.toldMax = 0, 0
	}
}

func (a *accepted) backProfile(p *profile, later []accepted) {
	for i, th := range a.things {
		if b, j := laterThing(later, a.device, th); b != nil {
			b.states[j] = a.states[i]
			continue
		}
		if at := p.known.find(th.kind, th.hash); at >= 0 {
			p.known.states[at] = stateFlagged | p.known.states[at]&dayMask
			if a.states[i]&stateMask == stateKnown {
				p.known.states[at] = a.states[i]
			}
		}
	}
	for m := range numMetrics + 2 {
		bit := uint8(1) << m
		if a.most&bit == 0 {
			continue
		}
		if b := laterMost(later, a, bit); b != nil {
			switch m {
			case mostHour:
				b.flows = a.flows
			case mostHourBytes:
				b.bytes = a.bytes
			default:
				b.stats[m] = a.stats[m]
			}
			continue
		}
		switch m {
		case mostHour:
			p.hours.flows[a.hour] = a.flows
		case mostHourBytes:
			p.hours.bytes[a.hour] = a.bytes
		default:
			p.stats[m] = a.stats[m]
		}
	}
	p.setHours()
}

func laterThing(later []accepted, device uint64, th thing) (*accepted, int) {
	for i := range later {
		if b := &later[i]; b.device == device {
			if j := slices.Index(b.things, th); j >= 0 {
				return b, j
			}
		}
	}
	return nil, 0
}

func laterMost(later []accepted, a *accepted, bit uint8) *accepted {
	for i := range later {
		if b := &later[i]; b.device == a.device && b.most&bit != 0 && (bit < 1<<mostHour || b.hour == a.hour) {
			return b
		}
	}
	return nil
}

func (a *accepted) backSeries(s *series, later []accepted) {
	if a.stepped {
		if i := slices.IndexFunc(s.places, func(p []float32) bool { return slices.Equal(p, a.level) }); i >= 0 {
			s.places = slices.Delete(s.places, i, i+1)
		}
	}
	if len(a.tags) == 0 || len(a.tags) > len(s.tags) {
		return
	}
	for i := range later {
		if b := &later[i]; b.device == a.device && len(b.tags) >= len(a.tags) {
			copy(b.tags, a.tags)
			return
		}
	}
	for i, e := range a.tags {
		g := &s.tags[i]
		g.low, g.high, g.step, g.flatMost = e.low, e.high, e.step, e.flat
	}
}
