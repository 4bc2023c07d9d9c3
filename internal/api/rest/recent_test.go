package rest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vedette/internal/fault"
)

// One request makes a value, and while it is being made anew the others have the
// old one; what is too old is waited for.
func TestRecent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c recent[int]
		made := 0
		get := func() int {
			v, err := c.get(t.Context(), "k", func(context.Context, int) (int, error) {
				made++
				time.Sleep(20 * time.Millisecond)
				return made, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		var all sync.WaitGroup
		for range 10 { // ten at once: one makes it
			all.Go(func() {
				if v := get(); v != 1 {
					t.Errorf("%d at first", v)
				}
			})
		}
		all.Wait()
		wants := []struct {
			after time.Duration
			want  int
			why   string
		}{
			{recentLives - time.Millisecond, 1, "it lives"},
			{2 * time.Millisecond, 1, "the old one, while a new one is made"},
			{21 * time.Millisecond, 2, "the new one"},
			{recentStale*recentLives + time.Millisecond, 3, "too old to be given out"},
		}
		for _, w := range wants {
			time.Sleep(w.after)
			if v := get(); v != w.want {
				t.Errorf("%d, want %d: %s", v, w.want, w.why)
			}
		}
		c.drop()
		if v := get(); v != 4 {
			t.Errorf("%d after a change", v)
		}
	})
}

// What takes long lives longer; a failure and a panic are told to who waited, and
// tried again by the next.
func TestRecentFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c recent[int]
		slow := func(context.Context, int) (int, error) { time.Sleep(time.Second); return 1, nil }
		if _, err := c.get(t.Context(), "slow", slow); err != nil {
			t.Fatal(err)
		}
		time.Sleep(recentShare*time.Second - time.Millisecond)
		if v, _ := c.get(t.Context(), "slow", func(context.Context, int) (int, error) { return 2, nil }); v != 1 {
			t.Error("a list that took a second was made again before ten had gone")
		}
		bad := errors.New("no")
		if _, err := c.get(t.Context(), "bad", func(context.Context, int) (int, error) { return 0, bad }); !errors.Is(err, bad) {
			t.Error(err)
		}
		if _, err := c.get(t.Context(), "bad", func(context.Context, int) (int, error) { panic("oh") }); fault.KindOf(err) != fault.Unavailable {
			t.Error(err)
		}
		if v, err := c.get(t.Context(), "bad", func(context.Context, int) (int, error) { return 3, nil }); v != 3 || err != nil {
			t.Error(v, err)
		}
		for i := range 10 * recentKeys {
			_, _ = c.get(t.Context(), strconv.Itoa(i), func(context.Context, int) (int, error) { return i, nil })
		}
		if len(c.kept) > recentKeys {
			t.Errorf("%d are kept", len(c.kept))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.get(ctx, "gone", slow); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		time.Sleep(2 * time.Second) // it is made all the same
	})
}
