package app

import (
	"context"
	"sync"
	"time"

	"vedette/internal/detect/behave"
	"vedette/internal/fault"
)

// looks are questions about what was learnt of behaviour that wait for a moment
// between two batches of events: the detector is of one goroutine at a time.
type looks struct {
	mu   sync.Mutex
	list []func(*behave.Detector)
}

const (
	maxLooks  = 256             // that wait at a time
	lookWait  = 3 * time.Second // the longest wait
	lookPause = 10 * time.Millisecond
)

func (l *looks) add(f func(*behave.Detector)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) >= maxLooks {
		return false
	}
	l.list = append(l.list, f)
	return true
}

func (l *looks) take() []func(*behave.Detector) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.list
	l.list = nil
	return out
}

// look shows what was learnt of behaviour to see, now if no source is taken in,
// else between two of its batches. After an error see may still be called.
func (a *App) look(ctx context.Context, see func(*behave.Detector)) error {
	done := make(chan struct{})
	if !a.looks.add(func(d *behave.Detector) { see(d); close(done) }) {
		return fault.New(fault.Unavailable, "too many wait for what was learnt of behaviour").WithHint("ask again in a moment")
	}
	ctx, stop := context.WithTimeout(ctx, lookWait)
	defer stop()
	for {
		if a.writing.TryLock() {
			a.answerLooks() // a server has made its detectors when it began; here nothing is made that the wait might break off
			a.writing.Unlock()
		}
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return fault.New(fault.Unavailable, "events are being taken in, and what was learnt cannot be read").WithHint("ask again in a moment")
		case <-time.After(lookPause):
		}
	}
}

// answerLooks is called under writing.
func (a *App) answerLooks() {
	if a.behave == nil {
		return
	}
	for _, see := range a.looks.take() {
		see(a.behave)
	}
}
