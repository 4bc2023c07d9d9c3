package ingest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"vedette/internal/ingest"
	"vedette/internal/ingest/ingesttest"
)

// A part that panics begins anew, after ever longer pauses, until ctx ends.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var box ingesttest.Frail
		began, told, runs := time.Now(), 0, 0
		var first time.Duration
		err := ingest.Keep(ctx, &box, "part", "s", func(error) { told++ }, func(context.Context) error {
			if runs++; runs == 2 {
				first = time.Since(began)
			}
			panic("boom")
		})
		if err != nil || told != runs || first != 100*time.Millisecond || runs < 10 || runs > 25 || len(box.Told()) != runs {
			t.Errorf("%d runs, told %d and %d times, the second after %s, %v", runs, told, len(box.Told()), first, err)
		}
		if time.Since(began) < 10*time.Minute {
			t.Error("it ended before ctx")
		}
		if err := ingest.Keep(t.Context(), &box, "part", "s", nil, func(context.Context) error { return context.Canceled }); err != context.Canceled { //nolint:errorlint // the same
			t.Error(err)
		}
	})
}
