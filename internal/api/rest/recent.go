package rest

import (
	"context"
	"sync"
	"time"

	"vedette/internal/fault"
)

// What takes long to make and is asked for again and again is kept for a moment.
// A person cannot tell a list from one that is a second old, and while events
// come in there is no other moment at which it would be true for longer.
const (
	recentLives = 500 * time.Millisecond // so long it is given out as it is
	recentShare = 10                     // what took t to make lives ten t, if that is longer
	recentStale = 4                      // up to so many lives it is given out while a new one is made
	recentKeys  = 32
	recentTakes = time.Minute // at most, to make it
)

// recent keeps values by key. Only one request makes a value at a time, and none
// waits for it while there is one that is not too old. The zero value is ready;
// it is safe for concurrent use.
type recent[T any] struct {
	mu   sync.Mutex
	kept map[string]*recentValue[T]
}

type recentValue[T any] struct {
	value  T
	err    error
	made   time.Time // zero: there is none
	lives  time.Duration
	making chan struct{} // closed when it is made; nil when nobody makes it
}

// get returns the value of a key, which produce makes: of the old one, which is the
// zero value at first. What it returns must not be changed afterwards.
func (c *recent[T]) get(ctx context.Context, key string, produce func(ctx context.Context, old T) (T, error)) (T, error) {
	c.mu.Lock()
	k := c.entry(key)
	age := time.Since(k.made)
	if !k.made.IsZero() && age <= k.lives {
		defer c.mu.Unlock()
		return k.value, nil
	}
	if k.making == nil {
		k.making = make(chan struct{})
		go c.make(context.WithoutCancel(ctx), k, produce)
	}
	if !k.made.IsZero() && age <= recentStale*k.lives {
		defer c.mu.Unlock()
		return k.value, nil
	}
	making := k.making
	c.mu.Unlock()
	select {
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	case <-making:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return k.value, k.err
}

// entry finds or begins the entry of a key; the caller holds the lock.
func (c *recent[T]) entry(key string) *recentValue[T] {
	if k := c.kept[key]; k != nil {
		return k
	}
	if c.kept == nil || len(c.kept) >= recentKeys {
		c.kept = map[string]*recentValue[T]{}
	}
	k := new(recentValue[T])
	c.kept[key] = k
	return k
}

func (c *recent[T]) make(ctx context.Context, k *recentValue[T], produce func(context.Context, T) (T, error)) {
	ctx, cancel := context.WithTimeout(ctx, recentTakes)
	defer cancel()
	began := time.Now()
	v, err := safely(ctx, k.value, produce) // nobody else writes the value while making is set
	c.mu.Lock()
	defer c.mu.Unlock()
	k.value, k.err, k.made = v, err, time.Now()
	k.lives = max(recentLives, recentShare*k.made.Sub(began))
	if err != nil {
		k.made = time.Time{} // whoever asks next tries again
	}
	close(k.making)
	k.making = nil
}

// safely turns a panic into an error, as the HTTP server does for requests.
func safely[T any](ctx context.Context, old T, produce func(context.Context, T) (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Unavailable, "making the answer failed: %v", p).WithHint("this is an error of the product; please report it")
		}
	}()
	return produce(ctx, old)
}

// drop forgets all: somebody changed what it was made of and wants to see it.
func (c *recent[T]) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = nil
}
