package duckdb

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"time"

	"vedette/internal/event"
)

// firstDay is before any day that a time of an event can be trusted on, and
// far enough from the ends of what nanoseconds can count.
const firstDay = -100_000

// suspectDays is how many days of doubtful times are looked into one by one.
const suspectDays = 16

// hints save look-ups. They are written by the writer alone and read by anyone.
type hints struct {
	mu       sync.Mutex
	newest   time.Time // no stored event that is not clock-suspect is newer
	doubtful bool      // there may be events whose time is doubtful
}

func (h *hints) get() (newest time.Time, doubtful bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.newest, h.doubtful
}

// widen tells of a batch that is about to be stored. If it then is not, that
// only costs look-ups.
func (h *hints) widen(newest time.Time, doubtful bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doubtful = h.doubtful || doubtful
	if newest.After(h.newest) {
		h.newest = newest
	}
}

// Known implements [store.Events].
func (s *Store) Known(ctx context.Context, batch []*event.Event) (map[string]bool, error) {
	leave, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	newest, doubtful := s.hints.get()
	f := sortKnown(batch, newest)
	if f.settled(newest, doubtful) {
		return map[string]bool{}, ctx.Err()
	}
	var known map[string]bool
	err = s.reading(ctx, "looking for events that are stored already", func(conn *sql.Conn) error {
		known, err = s.find(ctx, conn, f, newest, doubtful)
		return err
	})
	return known, err
}

// sought are the events of a batch by where they may be stored already.
type sought struct {
	sure     []string
	from, to time.Time // of the sure ones
	unsure   []string
	byDay    map[int64][]string // the unsure ones whose time may have passed for a good one under another clock
}

// sortKnown tells the events apart. Whether a time is doubtful depends on the
// clock of the moment in which an event is read: the same record may come
// again under a clock that was set.
func sortKnown(batch []*event.Event, newest time.Time) sought {
	f := sought{byDay: map[int64][]string{}}
	for _, e := range batch {
		t, uid := e.TimeField(), e.MetadataUID()
		if e.MetadataClockSuspect() || !e.Has(event.SlotTime) {
			f.unsure = append(f.unsure, uid)
			if d := dayOf(t); e.Has(event.SlotTime) && !t.After(newest) && d > firstDay {
				f.byDay[d] = append(f.byDay[d], uid)
			}
			continue
		}
		if len(f.sure) == 0 || t.Before(f.from) {
			f.from = t
		}
		if len(f.sure) == 0 || t.After(f.to) {
			f.to = t
		}
		f.sure = append(f.sure, uid)
	}
	return f
}

// settled reports whether the hints alone say that nothing is stored yet.
func (f sought) settled(newest time.Time, doubtful bool) bool {
	return !doubtful && len(f.byDay) == 0 && (len(f.sure) == 0 || f.from.After(newest))
}

// find looks for those with a time to be trusted in the batch's range of time,
// hot and sealed, and among the doubtful ones, which never leave the hot
// table; for the doubtful ones among their like and, if their time is not in
// the future, on their days.
func (s *Store) find(ctx context.Context, conn *sql.Conn, f sought, newest time.Time, doubtful bool) (map[string]bool, error) {
	known := map[string]bool{}
	all := append(slices.Clip(f.unsure), f.sure...)
	if doubtful && len(all) > 0 {
		err := findUIDs(ctx, conn, known, `SELECT "metadata.uid" FROM events WHERE ("metadata.clock_suspect" OR "time" IS NULL) AND "metadata.uid" IN (SELECT unnest(CAST(? AS VARCHAR[])))`, all)
		if err != nil {
			return nil, err
		}
	}
	if err := s.findOnDays(ctx, conn, known, f.byDay); err != nil {
		return nil, err
	}
	if len(f.sure) == 0 || f.from.After(newest) {
		return known, nil
	}
	return known, s.findBetween(ctx, conn, known, f.from, f.to, f.sure)
}

// findOnDays looks for events on some days; on too many, in all between.
func (s *Store) findOnDays(ctx context.Context, conn *sql.Conn, known map[string]bool, byDay map[int64][]string) error {
	if len(byDay) > suspectDays {
		var all []string
		first, last := int64(1<<40), int64(-1<<40)
		for day, uids := range byDay {
			all, first, last = append(all, uids...), min(first, day), max(last, day)
		}
		return s.findBetween(ctx, conn, known, dayStart(first), dayStart(last).Add(dayLength-1), all)
	}
	for day, uids := range byDay {
		if err := s.findBetween(ctx, conn, known, dayStart(day), dayStart(day).Add(dayLength-1), uids); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) findBetween(ctx context.Context, conn *sql.Conn, known map[string]bool, from, to time.Time, uids []string) error {
	relation, err := s.relation(ctx, conn, from, to.Add(1))
	if err != nil {
		return err
	}
	find := `SELECT "metadata.uid" FROM ` + relation + ` AS e WHERE "time" >= make_timestamp_ns(CAST(? AS BIGINT)) AND "time" <= make_timestamp_ns(CAST(? AS BIGINT)) AND "metadata.uid" IN (SELECT unnest(CAST(? AS VARCHAR[])))`
	return findUIDs(ctx, conn, known, find, from.UnixNano(), to.UnixNano(), uids)
}

func findUIDs(ctx context.Context, conn *sql.Conn, known map[string]bool, find string, args ...any) error {
	rows, err := conn.QueryContext(ctx, find, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var uid string
		if err := rows.Scan(&uid); err != nil {
			return err
		}
		known[uid] = true
	}
	return rows.Err()
}
