package ingest

import (
	"sync"
	"time"

	"vedette/internal/fault"
)

// Gauge keeps the [Status] of a source. Its methods may be called from any
// goroutine.
type Gauge struct {
	now   func() time.Time
	quiet time.Duration

	mu     sync.Mutex
	status Status
}

// usualQuiet is after how long without a payload a source is silent.
const usualQuiet = 15 * time.Minute

// NewGauge makes one for a source that is starting. quiet is how long it may say
// nothing before it is silent; 0 takes 15 minutes. now may be nil.
func NewGauge(name, kind, address string, quiet time.Duration, now func() time.Time) *Gauge {
	if quiet <= 0 {
		quiet = usualQuiet
	}
	if now == nil {
		now = time.Now
	}
	return &Gauge{now: now, quiet: quiet, status: Status{Name: name, Kind: kind, Address: address, State: Starting, Since: now()}}
}

// Status is how the source stands; one that runs and hears nothing is silent.
func (g *Gauge) Status() Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	st := g.status
	last := st.Last
	if last.IsZero() {
		last = st.Since // it never received anything
	}
	if quiet := g.now().Sub(last); st.State == Running && quiet > g.quiet {
		st.State, st.Text, st.Since = Silent, "silent for "+quiet.Round(time.Minute).String(), last
	}
	return st
}

// Take counts a payload that was received and has been put.
func (g *Gauge) Take(size int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status.Received++
	g.status.Bytes += int64(size)
	g.status.Last = g.now()
}

// Refuse counts a payload that is not taken.
func (g *Gauge) Refuse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status.Refused++
}

// Lose counts a payload that could not wait.
func (g *Gauge) Lose() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status.Lost++
}

// LoseMany counts records that were lost together.
func (g *Gauge) LoseMany(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status.Lost += n
}

// Peers tells how many there are.
func (g *Gauge) Peers(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status.Peers = n
}

// Set changes the state, unless it is that already.
func (g *Gauge) Set(to State, text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.status.State != to || g.status.Text != text {
		g.status.State, g.status.Text, g.status.Since = to, text, g.now()
	}
}

// Stop says that the source cannot go on, and why, and returns err.
func (g *Gauge) Stop(err error) error {
	text, _ := fault.Public(err)
	g.Set(Stopped, text)
	return err
}
