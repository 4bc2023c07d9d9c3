package sigma

import (
	"sync/atomic"

	"vedette/internal/detect"
	"vedette/internal/event"
)

// DetectorOptions bound a Detector.
type DetectorOptions struct{}

// Detector shows events to a set of rules and raises what they find.
type Detector struct {
	set  atomic.Pointer[Set]
	sc   Scratch
	now  *event.Event
	send detect.Raise
	hit  func(r *Rule)
}

// NewDetector makes a detector of a set; nil means no rules yet.
func NewDetector(s *Set, _ DetectorOptions) *Detector {
	if s == nil {
		s, _ = Compile(nil, Options{})
	}
	d := &Detector{}
	d.set.Store(s)
	d.hit = d.matched
	return d
}

// Swap puts another set of rules in the place of the one in use: the next
// event is shown to it. It may be called from any goroutine.
func (d *Detector) Swap(s *Set) { d.set.Store(s) }

// Set returns the rules in use.
func (d *Detector) Set() *Set { return d.set.Load() }

// Name implements [detect.Detector].
func (d *Detector) Name() string { return "sigma" }

// Inspect implements [detect.Detector].
func (d *Detector) Inspect(e *event.Event, raise detect.Raise) {
	d.now, d.send = e, raise
	d.set.Load().Match(e, &d.sc, d.hit)
	d.now, d.send = nil, nil
}

func (d *Detector) matched(r *Rule) {
	if r.silent {
		return
	}
	f := event.NewFinding(r.ID, d.now)
	f.Family, f.Title, f.Severity = event.FamilySigma, r.Title, r.Severity
	f.Techniques = r.Techniques
	f.Reasons = d.sc.set.Explain(r, &d.sc)
	d.send(f)
}
