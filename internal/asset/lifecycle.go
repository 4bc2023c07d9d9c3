package asset

import (
	"strings"
	"time"

	"vedette/internal/fault"
)

// lifeState is where a device stands in its life.
type lifeState uint8

// The states. A person sets approved, quarantined and retired; the others are
// computed, and silent also shows over approved.
const (
	stateUnset lifeState = iota
	stateNew
	stateKnown
	stateSilent
	stateApproved
	stateQuarantined
	stateRetired
)

var stateNames = [...]string{"", "new", "known", "silent", "approved", "quarantined", "retired"}

func (s lifeState) String() string { return stateNames[s] }

// The bounds of the computed states, unless Config says otherwise.
const (
	DefaultNewFor      = 7 * 24 * time.Hour
	DefaultSilentAfter = 14 * 24 * time.Hour
)

// sweepEvery is how far the newest event must have moved on before all devices
// are looked at again.
const sweepEvery = int64(time.Hour)

// States are the values of the attribute that a person may set.
func States() []string { return []string{"approved", "quarantined", "retired"} }

func checkState(value string) (string, error) {
	switch v := strings.ToLower(value); v {
	case "approved", "quarantined", "retired":
		return v, nil
	case "decommissioned", "removed":
		return "retired", nil
	case "quarantine", "isolated":
		return "quarantined", nil
	case "accepted", "approve":
		return "approved", nil
	}
	return "", fault.New(fault.Invalid, "setting a device's state to %q", value).
		WithHint("one of %s; new, known and silent are computed. An empty value takes a person's word back", strings.Join(States(), ", "))
}

// stateOf computes a device's state by the time of the newest event, not by the
// clock, so that old logs are judged by their own time.
func (r *Registry) stateOf(n *node) (s lifeState, why string) {
	word := ""
	if ev := n.attr(KeyState); ev.Source == SourceOperator {
		word = ev.Value
	}
	switch {
	case word == "retired":
		return stateRetired, ""
	case word == "quarantined":
		return stateQuarantined, ""
	case n.last != 0 && r.newest-n.last > int64(r.cfg.SilentAfter):
		return stateSilent, "nothing was seen of it for longer than " + days(r.cfg.SilentAfter) + " before the newest event"
	case word == "approved":
		return stateApproved, ""
	case n.inventory:
		return stateKnown, "a person named it"
	case n.last == 0 || r.newest-n.first >= int64(r.cfg.NewFor):
		return stateKnown, "it was first seen longer than " + days(r.cfg.NewFor) + " before the newest event"
	}
	return stateNew, "it was first seen within " + days(r.cfg.NewFor) + " of the newest event and nobody approved it"
}

func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return strings.TrimSuffix((d/24).String(), "h0m0s") + " days"
	}
	return d.String()
}

// exportOf copies a device with its computed state.
func (r *Registry) exportOf(n *node) Device {
	d := n.export()
	s, why := r.stateOf(n)
	if why == "" {
		return d
	}
	a := Attribute{Value: s.String(), Source: SourceRule, Confidence: 1, Since: instant(n.first)}
	d.Attributes[KeyState] = a
	d.Evidence = append(d.Evidence, Evidence{Key: KeyState, Value: a.Value, What: why, Source: a.Source, Confidence: 1, Since: a.Since})
	return d
}

// sweep marks devices whose state time has changed as changed.
func (r *Registry) sweep() {
	if r.newest-r.swept < sweepEvery {
		return
	}
	r.swept = r.newest
	for _, n := range r.nodes {
		if s, _ := r.stateOf(n); s != n.state {
			r.touch(n)
		}
	}
}
