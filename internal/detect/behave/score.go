package behave

import "math"

// feature is one surprise: how unlikely something of the event is, as -ln p.
type feature struct {
	rule     rule
	kind     kind
	s        float32
	observed float64
	usual    float64
	carried  bool // it was told before: the thing is still not accepted
}

func (o *observation) surprise(f feature) {
	if f.s > featureFloor && len(o.features) < cap(o.features) {
		o.features = append(o.features, f)
	}
}

const (
	featureFloor = 1    // below it a surprise is no news
	rateFloor    = 3    // of rates, which are looked at for every event
	maxSurprise  = 40   // p of 4e-18: more says nothing more
	learnGate    = 5    // a new thing more surprising than this is on probation
	otWrite      = 2    // added for what writes to a controller
	pseudo       = 2    // quarter windows that a group's novelty is worth before it is established
	groupPseudo  = 40   // and after
	unseenPrior  = 0.25 // of a window: what never happened may happen still
)

// fuse makes one surprise of several that are not independent: the largest
// counts in full, each further one half of the one before.
func fuse(fs []feature) float32 {
	var top [4]float32
	for i := range fs {
		s := fs[i].s
		for j := range top {
			if s > top[j] {
				s, top[j] = top[j], s
			}
		}
	}
	return min(top[0]+top[1]/2+top[2]/4+top[3]/8, maxSurprise)
}

// novelty looks up what the event holds in what is known of device and group.
func (d *Detector) novelty(o *observation, p *profile, g *group, learn, server bool) {
	if server && o.failed && !o.ot {
		return // to be called in vain is no deed of the device
	}
	var fresh [maxThings]uint64
	var kinds [maxThings]kind
	numFresh := 0
	for i := range o.numThing {
		t := o.things[i]
		h, counts := o.known(t.kind, t.hash, server)
		if counts && d.lookUp(o, p, g, thing{t.kind, h}, learn) {
			fresh[numFresh], kinds[numFresh] = h, t.kind
			numFresh++
		}
	}
	if learn && numFresh > 0 {
		d.admit(o, p, g, fresh[:numFresh], kinds[:numFresh], o.at/daySeconds)
	}
}

// lookUp adds what is unusual of one thing, by the hash by which it is known,
// and reports whether it was never met.
func (d *Detector) lookUp(o *observation, p *profile, g *group, t thing, learn bool) (fresh bool) {
	at := p.known.find(t.kind, t.hash)
	if at >= 0 && p.known.known(at, o.at/daySeconds) {
		if learn {
			p.cover(t.kind, o.at)
		}
		return false
	}
	if len(o.news) < cap(o.news) {
		o.news = append(o.news, t)
	}
	learnt := o.learnt && d.mature(p, t.kind, o.at)
	told := g.established() && d.long(t.kind) // a group knows what its devices were seen in
	byGroup := groupSpeaks(t.kind) && g.known.known(t.kind, t.hash)
	if at < 0 && (learnt || told) && !byGroup && p.share(t.kind, g) < restless {
		o.words |= 1 << t.kind
	}
	if learnt || groupSpeaks(t.kind) && told { // else it is still being learnt, and nobody can say what is usual for it
		o.surprise(feature{rule: ruleOf(t.kind), kind: t.kind, s: p.unseen(t.kind, g, o, byGroup), carried: at >= 0, usual: float64(p.share(t.kind, g))})
	}
	return at < 0
}

// known is what something is known by on a side of a connection, and whether
// it says anything of that side: what a server is asked for is its clients'.
func (o *observation) known(k kind, h uint64, server bool) (uint64, bool) {
	if !server {
		return mix(h, uint64(k)+16), true
	}
	switch k {
	case kindTopic, kindName, kindService:
		return 0, false
	case kindPeer:
		return mix(hash(o.e.SrcEndpointIP()), 77), true
	case kindPort, kindFunction, kindWrite, kindObject, kindFailure:
	}
	return mix(mix(h, uint64(k)+16), 77), true
}

// groupSpeaks tells for which kinds it is nothing new when the group does it:
// that others write to their controller excuses nobody.
func groupSpeaks(k kind) bool { return k != kindWrite && k != kindFunction && k != kindObject }

// unseen is the surprise of something new of a kind: the share of windows in
// which the device met something new, with the group's share as a few windows
// of its own (a Good-Turing estimate in spirit).
func (p *profile) unseen(k kind, g *group, o *observation, byGroup bool) float32 {
	s := -float32(math.Log(float64(p.share(k, g))))
	if byGroup {
		s /= 4
	}
	if k == kindWrite || k == kindFunction && o.write {
		s += otWrite
	}
	return s
}

// share is how often something new of a kind is to be expected.
func (p *profile) share(k kind, g *group) float32 {
	n, m := float32(p.windows)/4, float32(pseudo)
	if g.established() {
		m = groupPseudo
	}
	return min((n*p.novelty[k]+m*g.novelty[k]+unseenPrior)/(n+m), 1)
}

// admit puts what is new into the sets, by how surprising the event is.
func (d *Detector) admit(o *observation, p *profile, g *group, things []uint64, kinds []kind, day int64) {
	s := fuse(o.features)
	state := uint8(stateKnown)
	switch {
	case s >= d.level.threshold():
		state = stateFlagged
	case s >= learnGate:
		state = stateProbation
	}
	news := false // of a kind of which the device does not meet new ones all the time
	for i, h := range things {
		news = news || p.share(kinds[i], g) < restless && d.mature(p, kinds[i], o.at)
		p.known.add(kinds[i], h, state, day)
		p.win.novel |= 1 << kinds[i]
		if state == stateKnown {
			p.cover(kinds[i], o.at)
			g.known.add(kinds[i], h, p.key)
		}
	}
	if o.learnt && news {
		p.newToday = min(p.newToday+1, 200)
		if p.since++; p.since >= max(16, p.anchored) {
			o.surprise(feature{rule: ruleDrift, kind: kindPeer, s: driftSurprise, observed: float64(p.since), usual: float64(p.anchored)})
			p.since, p.anchored = 0, uint16(max(p.known.size(), 1)) //nolint:gosec // G115: at most setSize
		}
	}
}

// driftSurprise is told at any threshold: drift is slow and rare.
const driftSurprise = levelMax

// rates looks whether the window is already more than usual.
func (d *Detector) rates(o *observation, p *profile, g *group) {
	for m := range metric(numMetrics) {
		w := &p.win
		if !w.over(m) {
			continue
		}
		x, q := w.value(m), g.usual(m)
		s := p.stats[m].surprise(x, p.windows, &q)
		if s < rateFloor {
			continue
		}
		if s >= learnGate && o.learnt { // a new device may be busy in its own way
			w.flagged = true
		}
		o.surprise(feature{rule: ruleOfMetric(m), s: s, observed: math.Exp2(float64(x)) - 1, usual: math.Exp2(float64(p.usually(m, &q))) - 1})
	}
	p.hours.rates(o, &p.win)
	d.recon(o, p)
	d.drift(o, p)
}

// usually is the centre that a reason names.
func (p *profile) usually(m metric, q *stat) float32 {
	w := float32(priorWindow) / float32(priorWindow+p.windows)
	return p.stats[m].centre*(1-w) + q.centre*w
}

// recon is breadth at machine speed: many targets in a minute of which most do
// not answer, or which no learnt device reaches.
func (d *Detector) recon(o *observation, p *profile) {
	w := &p.win
	if w.fails < reconTargets/2 {
		return
	}
	targets := count(&w.targets)
	if targets < reconTargets || w.fails < w.flows/2 || logOf(targets) <= p.stats[metricTargets].peak && o.learnt {
		return
	}
	w.flagged = true
	o.surprise(feature{rule: ruleRecon, s: levelMax + perDoubling*(logOf(targets)-logOf(reconTargets)), observed: float64(targets), usual: math.Exp2(float64(p.stats[metricTargets].centre)) - 1})
}

// reconTargets is how many different targets in a minute no person reaches.
const reconTargets = 30

// drift looks once a window whether what is learnt has moved far.
func (d *Detector) drift(o *observation, p *profile) {
	if p.windows <= anchorWindows || p.win.drifted {
		return
	}
	p.win.drifted = true
	for m := range p.stats {
		if from, to, far := p.stats[m].drifted(); far {
			o.surprise(feature{rule: ruleDrift, kind: numKinds + kind(m), s: driftSurprise, observed: math.Exp2(float64(to)) - 1, usual: math.Exp2(float64(from)) - 1})
		}
	}
}

// anchorWindows is when the anchors of rates fall: later than a device is
// learnt, because rates settle slower than peers do.
const anchorWindows = 300
