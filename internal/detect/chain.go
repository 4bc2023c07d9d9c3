package detect

import (
	"time"

	"vedette/internal/event"
)

// tickEvery is how many events may pass between two ticks.
const tickEvery = 4096

// Chain shows each event to all detectors in order and folds repeats. The
// order matters: those that set anomaly fields come before those that read
// them. It is not safe for concurrent use.
type Chain struct {
	detectors []Detector
	fold      *fold
	raise     Raise
	out       []event.Finding
	newest    time.Time
	seen      int
}

// NewChain makes a chain of the detectors in this order.
func NewChain(detectors ...Detector) *Chain {
	c := &Chain{detectors: detectors, fold: newFold()}
	c.raise = func(f event.Finding) { c.out = c.fold.add(c.out, f) }
	return c
}

// Inspect judges one event. Its findings wait for [Chain.Take]. Events that
// are findings already are not judged again.
func (c *Chain) Inspect(e *event.Event) {
	if class := event.Class(e.ClassUID()); class == event.DetectionFinding && e.MetadataProduct() == event.FindingProduct {
		return
	}
	if t := e.TimeField(); !e.MetadataClockSuspect() && t.After(c.newest) {
		c.newest = t
	}
	for _, d := range c.detectors {
		d.Inspect(e, c.raise)
	}
	if c.seen++; c.seen%tickEvery == 0 {
		c.tick(false)
	}
}

// Pause tells the detectors the time, as when a source has ended: what is due
// is told, what may go on is waited for.
func (c *Chain) Pause() { c.tick(false) }

// End lets the detectors and the folding tell all that waits, so that nothing
// is held back for an event that may never come.
func (c *Chain) End() {
	c.tick(true)
	c.out = c.fold.flush(c.out)
}

func (c *Chain) tick(final bool) {
	for _, d := range c.detectors {
		if t, ok := d.(Ticker); ok {
			t.Tick(c.newest, final, c.raise)
		}
	}
	c.out = c.fold.sweep(c.out, c.newest)
}

// Take returns the findings raised since the last call. The slice is the
// caller's.
func (c *Chain) Take() []event.Finding {
	out := c.out
	c.out = nil
	return out
}

// Detectors returns the detectors in order.
func (c *Chain) Detectors() []Detector { return c.detectors }

// Conditions returns what an operator should know.
func (c *Chain) Conditions() []Condition {
	var all []Condition
	for _, d := range c.detectors {
		if x, ok := d.(Conditioner); ok {
			all = append(all, x.Conditions()...)
		}
	}
	return append(all, c.fold.conditions()...)
}
