package app

import (
	"context"
	"time"

	"vedette/internal/event"
	"vedette/internal/ingest"
)

// maxDays bounds the days that are counted of one ingest; what lies on further
// ones is not told of.
const maxDays = 10_000

// noteDay counts an event by the day of its own time.
func (w *writer) noteDay(e *event.Event) {
	day := e.Time(event.SlotTime).Unix() / int64(oneDay/time.Second)
	if _, known := w.days[day]; known || len(w.days) < maxDays {
		w.days[day]++
	}
}

// tellTooOld counts what retention will drop at the next maintenance of what was
// taken in: somebody who takes in logs of last year must hear of it.
func (a *App) tellTooOld(ctx context.Context, sum *ingest.Summary) {
	keep := a.cfg.Retention.Events
	if keep <= 0 {
		return
	}
	if n, _ := olderThan(sum.Days, a.cfg.Now().Add(-keep)); n == 0 { // retention never takes it to be later than the clock says
		return
	}
	bounds, err := a.events.Bounds(ctx)
	if err != nil { // what cannot be read is told elsewhere
		return
	}
	if now := trustedNow(a.cfg.Now(), bounds.Newest); !now.IsZero() {
		sum.TooOld, sum.KeptFrom = olderThan(sum.Days, now.Add(-keep))
	}
}

// olderThan counts what lies on days before a time, which is cut to its day.
func olderThan(days map[int64]int, t time.Time) (int, *time.Time) {
	from := t.UTC().Truncate(oneDay)
	n := 0
	for day, events := range days {
		if day < from.Unix()/int64(oneDay/time.Second) {
			n += events
		}
	}
	if n == 0 {
		return 0, nil
	}
	return n, &from
}
