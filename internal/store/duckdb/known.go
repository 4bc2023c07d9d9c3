package duckdb

import (
	"context"
	"slices"
	"time"

	"vedette/internal/event"
)

// firstDay is before any day that a time of an event can be trusted on, and
// far enough from the ends of what nanoseconds can count.
const firstDay = -100_000

// suspectDays is how many days of doubtful times are looked into one by one.
const suspectDays = 16

// sought are the events of a batch by where they may be stored already.
type sought struct {
	sure     []string
	from, to time.Time // of the sure ones
	unsure   []string
	byDay    map[int64][]string // the unsure ones whose time may have passed for a good one under another clock
}

// sort tells the events apart. Whether a time is doubtful depends on the clock
// of the moment in which an event is read: the same record may come again
// under a clock that was set.
func (s *Store) sort(batch []*event.Event) sought {
	f := sought{byDay: map[int64][]string{}}
	for _, e := range batch {
		t, uid := e.TimeField(), e.MetadataUID()
		if e.MetadataClockSuspect() || !e.Has(event.SlotTime) {
			f.unsure = append(f.unsure, uid)
			if d := dayOf(t); e.Has(event.SlotTime) && !t.After(s.newest) && d > firstDay {
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

// knownUIDs finds which events are stored already. Those with a time to be
// trusted are looked for in the batch's range of time, hot and sealed, and
// among the doubtful ones, which never leave the hot table; the doubtful ones
// among their like and, if their time is not in the future, on their days.
func (s *Store) knownUIDs(ctx context.Context, batch []*event.Event) (map[string]bool, error) {
	known := map[string]bool{}
	f := s.sort(batch)
	all := f.unsure
	if s.doubtful {
		all = append(slices.Clip(all), f.sure...)
	}
	if s.doubtful && len(all) > 0 {
		err := s.findUIDs(ctx, known, `SELECT "metadata.uid" FROM events WHERE ("metadata.clock_suspect" OR "time" IS NULL) AND "metadata.uid" IN (SELECT unnest(CAST(? AS VARCHAR[])))`, all)
		if err != nil {
			return nil, err
		}
	}
	s.doubtful = s.doubtful || len(f.unsure) > 0 // even if the transaction fails: that only costs look-ups
	if err := s.findOnDays(ctx, known, f.byDay); err != nil {
		return nil, err
	}
	allNewer := f.from.After(s.newest)
	if f.to.After(s.newest) { // likewise
		s.newest = f.to
	}
	if len(f.sure) == 0 || allNewer {
		return known, nil
	}
	return known, s.findBetween(ctx, known, f.from, f.to, f.sure)
}

// findOnDays looks for events on some days; on too many, in all between.
func (s *Store) findOnDays(ctx context.Context, known map[string]bool, byDay map[int64][]string) error {
	if len(byDay) > suspectDays {
		var all []string
		first, last := int64(1<<40), int64(-1<<40)
		for day, uids := range byDay {
			all, first, last = append(all, uids...), min(first, day), max(last, day)
		}
		return s.findBetween(ctx, known, dayStart(first), dayStart(last).Add(dayLength-1), all)
	}
	for day, uids := range byDay {
		if err := s.findBetween(ctx, known, dayStart(day), dayStart(day).Add(dayLength-1), uids); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) findBetween(ctx context.Context, known map[string]bool, from, to time.Time, uids []string) error {
	relation, err := s.relation(ctx, s.writer, from, to.Add(1))
	if err != nil {
		return err
	}
	find := `SELECT "metadata.uid" FROM ` + relation + ` AS e WHERE "time" >= make_timestamp_ns(CAST(? AS BIGINT)) AND "time" <= make_timestamp_ns(CAST(? AS BIGINT)) AND "metadata.uid" IN (SELECT unnest(CAST(? AS VARCHAR[])))`
	return s.findUIDs(ctx, known, find, from.UnixNano(), to.UnixNano(), uids)
}

func (s *Store) findUIDs(ctx context.Context, known map[string]bool, find string, args ...any) error {
	rows, err := s.writer.QueryContext(ctx, find, args...)
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
