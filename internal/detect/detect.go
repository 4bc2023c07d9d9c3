// Package detect judges events while they pass: the [Detector] seam, the
// [Chain] that shows every event to each detector in turn, and the folding of
// repeats. The families live in packages below it: sigma (rules), behave (what
// a device usually does), match (indicators) and policy (MUD, zones).
//
// One event goes through the whole chain on one goroutine, in the order of
// arrival. Arrival is not the order of time: detectors must live with time that
// goes backwards and with clocks that are wrong (metadata.clock_suspect).
//
// It must not fetch anything, call a model, or drop a finding silently: what is
// folded is counted, what a bound cuts off is a [Condition].
package detect

import (
	"time"

	"vedette/internal/event"
)

// Raise takes a finding. It may be kept; the detector must not touch it again.
type Raise func(event.Finding)

// Detector is one family of judgement. A detector is used by one goroutine at
// a time.
type Detector interface {
	// Name is a short word for metrics and conditions: sigma, behaviour, ...
	Name() string
	// Inspect looks at one event and raises what it finds. It may set the
	// anomaly fields of the event and nothing else, and must not keep the event
	// or any of its texts without cloning them: their memory is used again.
	Inspect(e *event.Event, raise Raise)
}

// Ticker is a Detector with windows that end by time: Tick is called now and
// then with the newest trusted time of an event, and with final when nothing
// more is expected for long: what waits is told, what was learnt stays.
type Ticker interface {
	Tick(now time.Time, final bool, raise Raise)
}

// Keeper is a Detector whose state outlives the process.
type Keeper interface {
	// Snapshot returns the state; Restore takes one back. A snapshot that
	// cannot be read is an error and leaves the detector empty.
	Snapshot() ([]byte, error)
	Restore(data []byte) error
}

// Teller is a Keeper that would tell again what it has told if it were restored
// from a snapshot of before: Told reports whether there is such a thing since
// the last snapshot, which is then taken out of turn.
type Teller interface {
	Told() bool
}

// Condition is something an operator should know of a detector: a bound that
// was reached, a rule that is too slow.
type Condition struct {
	Detector string `json:"detector"`
	Code     string `json:"code"` // stable, such as profiles-full
	Text     string `json:"text"`
	Count    int64  `json:"count"`
}

// Conditioner is a Detector that has conditions.
type Conditioner interface {
	Conditions() []Condition
}
