// Package flow moves things from one part of the house to the next without
// growing without bound: stages with a queue, batches by size and time,
// back-pressure and drop counters ([Stage]), and a queue on disk that survives
// a kill ([Spool]).
//
// Ordering: a stage and a spool hand items on in the order in which they were
// accepted. Back-pressure: who puts into a full stage waits, unless it asks to
// drop; who appends to a full spool is refused, unless the spool may forget its
// oldest records. Whose bug is a slow reader: its own; nothing here buffers
// beyond its stated bound to hide it.
//
// It must not know what flows.
package flow

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"vedette/internal/fault"
)

// StageConfig sizes a stage. Zero values take the defaults.
type StageConfig struct {
	Name     string        // for error texts
	Capacity int           // items that wait, 4096
	Batch    int           // items handed on together at most, 1024
	Delay    time.Duration // how long an item waits at most for its batch to fill, 200 ms
	Drain    time.Duration // how long Run goes on with what waits after its context ended, 10 s
}

// Stage is a bounded queue in front of one handler. Any number of goroutines
// may put; one goroutine runs.
type Stage[T any] struct {
	cfg    StageConfig
	handle func(context.Context, []T) error
	failed func(batch []T, err error)

	queue   chan T
	closing chan struct{}
	once    sync.Once
	mu      sync.RWMutex // held for reading while putting, so that Close knows when the last one is done
	closed  bool

	accepted, dropped, handled, failures, batches atomic.Int64
}

// NewStage makes a stage whose handler gets batches in order; the batch is
// valid until the handler returns. failed, if not nil, is told of batches that
// the handler returned an error for; they are not tried again.
func NewStage[T any](cfg StageConfig, handle func(context.Context, []T) error, failed func(batch []T, err error)) *Stage[T] {
	if cfg.Capacity <= 0 {
		cfg.Capacity = 4096
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 1024
	}
	if cfg.Delay <= 0 {
		cfg.Delay = 200 * time.Millisecond
	}
	if cfg.Drain <= 0 {
		cfg.Drain = 10 * time.Second
	}
	return &Stage[T]{cfg: cfg, handle: handle, failed: failed, queue: make(chan T, cfg.Capacity), closing: make(chan struct{})}
}

// Put hands an item in and waits while the stage is full. It fails when ctx
// ends or the stage is closed; the item was then not accepted.
func (s *Stage[T]) Put(ctx context.Context, item T) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return s.closedFault()
	}
	select {
	case s.queue <- item:
	case <-s.closing:
		return s.closedFault()
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "handing an item to stage %s", s.cfg.Name)
	}
	s.accepted.Add(1)
	return nil
}

// Offer hands an item in if there is room. An item that finds none is dropped
// and counted.
func (s *Stage[T]) Offer(item T) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.closed {
		select {
		case s.queue <- item:
			s.accepted.Add(1)
			return true
		default:
		}
	}
	s.dropped.Add(1)
	return false
}

func (s *Stage[T]) closedFault() error {
	return fault.New(fault.Conflict, "handing an item to stage %s: it is closed", s.cfg.Name)
}

// Close ends the intake: waiting and later puts are refused, and Run returns
// once what was accepted is handled. It may be called more than once.
func (s *Stage[T]) Close() {
	s.once.Do(func() {
		close(s.closing)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed = true
		close(s.queue)
	})
}

// Run hands batches to the handler until the stage is closed and empty. When
// ctx ends it closes the intake and goes on with what waits for at most
// StageConfig.Drain; what is left then is counted as dropped and reported as a
// Limited fault.
func (s *Stage[T]) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, s.Close)
	defer stop()
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	limit := context.AfterFunc(ctx, func() {
		t := time.NewTimer(s.cfg.Drain)
		defer t.Stop()
		select {
		case <-t.C:
			cancel()
		case <-work.Done():
		}
	})
	defer limit()
	batch := make([]T, 0, s.cfg.Batch)
	for more := true; more && work.Err() == nil; {
		batch, more = s.fill(work, batch[:0])
		if len(batch) > 0 && work.Err() == nil {
			s.do(work, batch)
		} else {
			s.dropped.Add(int64(len(batch)))
		}
		clear(batch)
	}
	left := int64(0)
	for range s.queue { // closed by now
		left++
	}
	s.dropped.Add(left)
	if work.Err() != nil {
		return fault.New(fault.Limited, "draining stage %s: %d items were left after %s", s.cfg.Name, left, s.cfg.Drain)
	}
	return nil
}

// fill collects a batch: it waits for the first item, then until the batch is
// full or its first item has waited long enough.
func (s *Stage[T]) fill(work context.Context, batch []T) (_ []T, more bool) {
	select {
	case item, ok := <-s.queue:
		if !ok {
			return batch, false
		}
		batch = append(batch, item)
	case <-work.Done():
		return batch, false
	}
	timer := time.NewTimer(s.cfg.Delay)
	defer timer.Stop()
	for len(batch) < s.cfg.Batch {
		select {
		case item, ok := <-s.queue:
			if !ok {
				return batch, false
			}
			batch = append(batch, item)
		case <-timer.C:
			return batch, true
		}
	}
	return batch, true
}

func (s *Stage[T]) do(ctx context.Context, batch []T) {
	s.batches.Add(1)
	if err := s.handle(ctx, batch); err != nil {
		s.failures.Add(int64(len(batch)))
		if s.failed != nil {
			s.failed(batch, err)
		}
		return
	}
	s.handled.Add(int64(len(batch)))
}

// StageStats counts items, and batches.
type StageStats struct {
	Waiting  int
	Accepted int64
	Dropped  int64 // found no room, or were left when draining took too long
	Handled  int64
	Failed   int64 // the handler returned an error for their batch
	Batches  int64
}

// Stats returns the stage's counters.
func (s *Stage[T]) Stats() StageStats {
	return StageStats{
		Waiting: len(s.queue), Accepted: s.accepted.Load(), Dropped: s.dropped.Load(), Handled: s.handled.Load(),
		Failed: s.failures.Load(), Batches: s.batches.Load(),
	}
}
