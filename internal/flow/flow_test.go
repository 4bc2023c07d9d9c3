package flow

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/fault"
)

// collector keeps batches.
type collector struct {
	mu  sync.Mutex
	all [][]int
}

func (c *collector) add(batch []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, slices.Clone(batch))
}

func (c *collector) batches() [][]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all)
}

// run starts a stage that collects its batches; the returned wait ends when
// Run has.
func run(ctx context.Context, cfg StageConfig, handle func(context.Context, []int) error) (s *Stage[int], got *collector, wait func() error) {
	got = &collector{}
	s = NewStage(cfg, func(ctx context.Context, batch []int) error {
		got.add(batch)
		if handle != nil {
			return handle(ctx, batch)
		}
		return nil
	}, nil)
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, got, func() error { return <-done }
}

func put(t *testing.T, s *Stage[int], items ...int) {
	t.Helper()
	for _, i := range items {
		if err := s.Put(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBatchesBySizeAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, got, wait := run(t.Context(), StageConfig{Batch: 3, Delay: time.Second}, nil)
		put(t, s, 1, 2, 3, 4)
		synctest.Wait()
		if diff := cmp.Diff([][]int{{1, 2, 3}}, got.batches()); diff != "" {
			t.Errorf("at once (-want +got):\n%s", diff)
		}
		<-time.After(time.Second)
		synctest.Wait()
		put(t, s, 5)
		s.Close()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([][]int{{1, 2, 3}, {4}, {5}}, got.batches()); diff != "" {
			t.Errorf("in the end (-want +got):\n%s", diff)
		}
		if err := s.Put(t.Context(), 6); fault.KindOf(err) != fault.Conflict {
			t.Errorf("put after close: %v", err)
		}
		want := StageStats{Accepted: 5, Handled: 5, Batches: 3}
		if diff := cmp.Diff(want, s.Stats()); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
	})
}

func TestBackPressureAndDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s, _, wait := run(t.Context(), StageConfig{Capacity: 2, Batch: 1}, func(context.Context, []int) error { <-release; return nil })
		put(t, s, 1)
		synctest.Wait() // 1 is in the handler
		put(t, s, 2, 3)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		before := time.Now()
		if err := s.Put(ctx, 4); !errors.Is(err, context.DeadlineExceeded) || time.Since(before) != time.Minute {
			t.Errorf("put into a full stage: %v after %s", err, time.Since(before))
		}
		if s.Offer(5) {
			t.Error("offered into a full stage")
		}
		close(release)
		s.Close()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if got := s.Stats(); got.Handled != 3 || got.Dropped != 1 {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestDrainWhenTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		slow := func(ctx context.Context, _ []int) error {
			select {
			case <-time.After(4 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		s, got, wait := run(ctx, StageConfig{Batch: 1, Drain: 10 * time.Second}, slow)
		put(t, s, 1, 2, 3, 4, 5)
		synctest.Wait()
		cancel()
		if err := wait(); fault.KindOf(err) != fault.Limited {
			t.Errorf("drain: %v", err)
		}
		st := s.Stats()
		if len(got.batches()) != 3 || st.Handled != 2 || st.Failed != 1 || st.Dropped != 2 {
			t.Errorf("handled %v, stats %+v", got.batches(), st)
		}
	})
}

func TestFailedBatchesAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failed []int
		s := NewStage(StageConfig{Batch: 1}, func(_ context.Context, b []int) error {
			if b[0] == 2 {
				return errors.New("no")
			}
			return nil
		}, func(b []int, _ error) { failed = append(failed, b...) })
		done := make(chan error, 1)
		go func() { done <- s.Run(t.Context()) }()
		put(t, s, 1, 2, 3)
		s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if st := s.Stats(); len(failed) != 1 || st.Failed != 1 || st.Handled != 2 {
			t.Errorf("failed %v, stats %+v", failed, st)
		}
	})
}
