package app

import (
	"context"
	"sync"
	"time"

	"vedette/internal/event"
	"vedette/internal/ingest"
)

// maxDays bounds the days that are counted; what lies on further ones is not told
// of.
const maxDays = 10_000

// taken counts what was taken in since the last maintenance by the day of its own
// time, whatever source it came by: a file of last year becomes old by the newer
// one after it. The zero value is ready; it is safe for concurrent use.
type taken struct {
	mu   sync.Mutex
	days map[int64]int // counted from 1970
}

// note counts an event. One whose clock is suspect is not dropped by its age.
func (t *taken) note(e *event.Event) {
	if e.MetadataClockSuspect() {
		return
	}
	day := e.Time(event.SlotTime).Unix() / int64(oneDay/time.Second)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.days == nil {
		t.days = map[int64]int{}
	}
	if _, known := t.days[day]; known || len(t.days) < maxDays {
		t.days[day]++
	}
}

// forget begins anew: maintenance has dropped what was too old.
func (t *taken) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.days = nil
}

// before counts what lies on days before a time, which is cut to its day.
func (t *taken) before(at time.Time) (int, time.Time) {
	from := at.UTC().Truncate(oneDay)
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for day, events := range t.days {
		if day < from.Unix()/int64(oneDay/time.Second) {
			n += events
		}
	}
	return n, from
}

// tellTooOld counts what retention will drop at the next maintenance of what was
// taken in since the last one: somebody who takes in logs of last year must hear of
// it.
func (a *App) tellTooOld(ctx context.Context, sum *ingest.Summary) {
	keep := a.retention().Events
	if keep <= 0 {
		return
	}
	if n, _ := a.taken.before(a.cfg.Now().Add(-keep)); n == 0 { // retention never takes it to be later than the clock says
		return
	}
	bounds, err := a.events.Bounds(ctx)
	if err != nil { // what cannot be read is told elsewhere
		return
	}
	now := trustedNow(a.cfg.Now(), bounds.Newest)
	if now.IsZero() {
		return
	}
	if n, from := a.taken.before(now.Add(-keep)); n > 0 {
		sum.TooOld, sum.KeptFrom = n, &from
	}
}
