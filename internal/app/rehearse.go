package app

import "vedette/internal/event"

// Rehearse shows an event to the detectors without storing anything, for
// measurements, and returns how many findings it raised. It is for a directory
// that nothing is taken into meanwhile.
func (a *App) Rehearse(e *event.Event) int {
	a.writing.Lock()
	defer a.writing.Unlock()
	if a.chain == nil {
		return 0 // see Ready
	}
	a.devices.Observe(e)
	a.chain.Inspect(e)
	return len(a.chain.Take())
}
