package duckdb

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/query"
	"vedette/internal/store"
)

// confined narrows the relations of a query to the zones of the context: of the
// devices those in them, of the events those that concern one of them and no device
// outside. It is a semi-join with the device table, whose size does not matter, and
// it stands below the whole query, each step of a sequence included.
func confined(ctx context.Context, t query.Tables) query.Tables {
	zones, ok := query.Confined(ctx)
	if !ok {
		return t
	}
	// The parameter is a list, which may be empty.
	const inZones = `zone IN (SELECT unnest(CAST(? AS VARCHAR[])))`
	var known, only []string
	for _, slot := range query.DeviceSlots() {
		name := `x."` + event.FieldOf(slot).Name + `"`
		known = append(known, name)
		only = append(only, "("+name+" IS NULL OR "+name+" IN (SELECT uid FROM devices WHERE "+inZones+"))")
		t.EventsArgs = append(t.EventsArgs, zones)
	}
	t.Events = "(SELECT x.* FROM " + t.Events + " AS x WHERE coalesce(" + strings.Join(known, ", ") + ") IS NOT NULL AND " + strings.Join(only, " AND ") + ")"
	t.Devices = "(SELECT y.* FROM " + t.Devices + " AS y WHERE y." + inZones + ")"
	t.DevicesArgs = append(t.DevicesArgs, zones)
	return t
}

// confinedBounds tells what of the store may be seen in a confined context. Names of
// fields outside the schema are those of the whole store, because finding out which
// events have them would read all of them.
func (s *Store) confinedBounds(ctx context.Context, conn *sql.Conn) (store.Bounds, error) {
	const doing = "reading what is stored"
	var b store.Bounds
	relation, err := s.relation(ctx, conn, time.Time{}, time.Time{})
	if err != nil {
		return b, engineFault(ctx, err, doing)
	}
	t := confined(ctx, query.Tables{Events: relation, Devices: "devices"})
	var oldest, newest sql.NullInt64
	err = conn.QueryRowContext(ctx, `SELECT count(*), count(CASE WHEN "metadata.clock_suspect" THEN 1 END),
		epoch_ns(min(CASE WHEN "metadata.clock_suspect" IS NOT TRUE THEN "time" END)),
		epoch_ns(max(CASE WHEN "metadata.clock_suspect" IS NOT TRUE THEN "time" END)) FROM `+t.Events+` AS e`, t.EventsArgs...).Scan(&b.Events, &b.Suspect, &oldest, &newest)
	if err != nil {
		return b, engineFault(ctx, err, doing)
	}
	b.Oldest, b.Newest = nanos(oldest), nanos(newest)
	if b.Extras, err = extraNames(ctx, conn); err != nil {
		return b, engineFault(ctx, err, doing)
	}
	return b, nil
}

// confinedValues lists values in a confined context: what is counted in sealed files
// is of all zones and of no use.
func (s *Store) confinedValues(ctx context.Context, plan *query.Plan, most int) ([]query.ValueCount, bool, error) {
	var out listed
	err := s.reading(ctx, "listing values", func(conn *sql.Conn) error {
		relation, err := s.relation(ctx, conn, plan.From, plan.To)
		if err != nil {
			return err
		}
		out, err = s.count(ctx, conn, plan, relation, most)
		return err
	})
	return out.Values, out.Complete, err
}
