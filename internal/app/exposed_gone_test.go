package app

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// leaving is a context that ends when it was asked often enough: a person who goes away
// while something is looked at, at any moment of it.
type leaving struct {
	context.Context
	left atomic.Int64 // questions that are still answered; the engine asks from goroutines of its own
	done chan struct{}
}

func (l *leaving) Err() error {
	left := l.left.Add(-1)
	if left == 0 {
		close(l.done)
	}
	if left > 0 {
		return nil
	}
	return context.Canceled
}

func (l *leaving) Done() <-chan struct{} { return l.done }

// Whoever goes away while it is looked at what was seen leaves nothing behind that passes
// for the answer.
func TestLookOutOfWhoGoesAway(t *testing.T) {
	clock := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)
	a, err := Open(t.Context(), Config{Dir: filepath.Join(t.TempDir(), "data"), Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	x, err := a.exposure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for asked := int64(1); ; asked++ {
		ctx := &leaving{Context: t.Context(), done: make(chan struct{})}
		ctx.left.Store(asked)
		err := a.lookOut(ctx, x)
		if went := ctx.left.Load() <= 0; err == nil && !went {
			if asked == 1 {
				t.Error("nobody asked whether the person is still there")
			}
			return
		}
		if x.seen != nil {
			t.Fatalf("who went away at the question %d left what was seen behind (%v)", asked, err)
		}
	}
}
