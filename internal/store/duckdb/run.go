package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store"
	"vedette/internal/trace"
)

// Query implements [store.Events]. It reads one state of the store, whatever
// is appended or sealed meanwhile.
func (s *Store) Query(ctx context.Context, q query.Query) (res *store.Result, err error) {
	ctx, span := trace.StartCall(ctx, trace.DBQuery, trace.Word(trace.Database, trace.DuckDB), trace.Word(trace.Operation, "query"))
	defer func() {
		if err == nil {
			span.Set(trace.Count(trace.Rows, len(res.Rows)))
		}
		span.End(err)
	}()
	leave, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	plan, err := query.NewPlan(q, store.DeviceFields())
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeoutCause(ctx, s.queryTimeout(), errTimeout)
	defer cancel()
	err = s.reading(limited, "running the query", func(conn *sql.Conn) error {
		res, err = s.run(limited, conn, plan)
		return err
	})
	if err != nil {
		return nil, s.blame(limited, plan, err)
	}
	return res, nil
}

// SetQueryTimeout bounds the queries that begin from now on.
func (s *Store) SetQueryTimeout(d time.Duration) { s.queryTime.Store(int64(d)) }

func (s *Store) queryTimeout() time.Duration {
	if d := time.Duration(s.queryTime.Load()); d > 0 {
		return d
	}
	return s.opts.QueryTimeout
}

// blame finds the sealed file that a query has failed on; the engine does not
// name it.
func (s *Store) blame(ctx context.Context, plan *query.Plan, err error) error {
	if plan.Devices || !isDamage(err.Error()) {
		return err
	}
	var bad string
	_ = s.reading(ctx, "looking for damage", func(conn *sql.Conn) error { // if this fails too, the first error is all there is to say
		days, err := s.days(ctx, conn)
		for i := 0; i < len(days) && bad == "" && err == nil; i++ {
			d := days[i]
			before := !plan.From.IsZero() && !d.Start.Add(dayLength).After(plan.From)
			after := !plan.To.IsZero() && !d.Start.Before(plan.To)
			if !before && !after && checkDay(ctx, conn, d, true) != "" && ctx.Err() == nil {
				bad = d.File
			}
		}
		return err
	})
	if bad == "" {
		return err
	}
	return fault.Wrap(fault.Unavailable, err, "running the query: the sealed day %s is damaged", bad).
		WithHint("put it back from the folder events/sealed of a backup; questions about other days are answered; see also: vedette doctor --deep")
}

var errTimeout = errors.New("the query took too long")

// reading runs fn on a connection that sees one state of the store, whose
// sealed files stay until fn returns.
func (s *Store) reading(ctx context.Context, doing string, fn func(*sql.Conn) error) error {
	s.files.acquire()
	defer s.files.release()
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return engineFault(ctx, err, doing)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN TRANSACTION READ ONLY"); err != nil {
		return engineFault(ctx, err, doing)
	}
	err = fn(conn)
	// Nothing was written; a failed transaction ends here as well.
	_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	if err != nil {
		return engineFault(ctx, err, doing)
	}
	return nil
}

func (s *Store) run(ctx context.Context, conn *sql.Conn, plan *query.Plan) (*store.Result, error) {
	tables := query.Tables{Events: "events", Devices: "devices", DeviceFields: store.DeviceFields()}
	var err error
	if plan.Devices {
		tables.Devices = "(SELECT * FROM devices WHERE " + aliasColumn + " IS NULL)"
	} else {
		if tables.Events, err = s.relation(ctx, conn, plan.From, plan.To); err != nil {
			return nil, err
		}
	}
	return s.runOver(ctx, conn, plan, tables)
}

func (s *Store) runOver(ctx context.Context, conn *sql.Conn, plan *query.Plan, tables query.Tables) (*store.Result, error) {
	tables = confined(ctx, tables)
	c, err := query.Compile(plan, query.DuckDB(), tables)
	if err != nil {
		return nil, err
	}
	res := &store.Result{Rows: [][]any{}}
	for _, col := range plan.Columns {
		res.Columns = append(res.Columns, col.Name)
	}
	known := c.Edge != ""
	if known {
		if c, err = s.newest(ctx, conn, plan, tables, c, res); err != nil || res.Total == 0 {
			return res, err
		}
	}
	if err := s.scan(ctx, conn, c, res); err != nil {
		return nil, err
	}
	if res.Total < int64(len(res.Rows)) {
		res.Total = int64(len(res.Rows))
	}
	if len(res.Rows) == plan.Limit && c.Count != "" && !known {
		if err := conn.QueryRowContext(ctx, c.Count, c.CountArgs...).Scan(&res.Total); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// newest looks for how many rows there are and how old the last of them is that is
// asked for, so that of all older ones nothing but the time is read.
func (s *Store) newest(ctx context.Context, conn *sql.Conn, plan *query.Plan, tables query.Tables, c *query.Compiled, res *store.Result) (*query.Compiled, error) {
	var oldest sql.NullInt64
	if err := conn.QueryRowContext(ctx, c.Edge, c.EdgeArgs...).Scan(&res.Total, &oldest); err != nil {
		return nil, err
	}
	if !oldest.Valid {
		return c, nil
	}
	near := *plan
	near.Since = time.Unix(0, oldest.Int64)
	return query.Compile(&near, query.DuckDB(), tables)
}

func (s *Store) scan(ctx context.Context, conn *sql.Conn, c *query.Compiled, res *store.Result) error {
	rows, err := conn.QueryContext(ctx, c.SQL, c.Args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var bytes int64
	cells := make([]any, len(res.Columns))
	into := make([]any, len(cells))
	for i := range cells {
		into[i] = &cells[i]
	}
	if c.Count == "" {
		into = append(into, &res.Total)
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		row := make([]any, len(cells))
		for i, v := range cells {
			var size int64
			if row[i], size, err = cellValue(v); err != nil {
				return err
			}
			bytes += size
		}
		if bytes > s.opts.ResultBytes {
			return fault.New(fault.Limited, "the result is larger than %d bytes", s.opts.ResultBytes).WithHint("select fewer columns, or use a smaller limit")
		}
		res.Rows = append(res.Rows, row)
	}
	return rows.Err()
}

// cellValue turns what the driver gives into what a result may hold, and
// tells the size of its text.
func cellValue(v any) (any, int64, error) {
	switch v := v.(type) {
	case nil, int64, float64, bool:
		return v, 0, nil
	case string:
		return v, int64(len(v)), nil
	case time.Time:
		return v.UTC(), 0, nil
	case int32:
		return int64(v), 0, nil
	case []any:
		list := make([]string, 0, len(v))
		var size int64
		for _, m := range v {
			text, _ := m.(string)
			size += int64(len(text))
			list = append(list, text)
		}
		return list, size, nil
	}
	return nil, 0, fault.New(fault.Internal, "the engine answered with a %T", v)
}

// engineFault says which kind of failure an error of the engine is. Errors
// that are faults already pass.
func engineFault(ctx context.Context, err error, doing string) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, errTimeout) {
			return fault.Wrap(fault.Limited, cause, "%s: it took too long", doing).WithHint("ask for a shorter time range or add conditions")
		}
		return fault.Wrap(fault.Unavailable, ctx.Err(), "%s: it was cancelled", doing)
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "No space left") || strings.Contains(text, "no space left"):
		return fault.Wrap(fault.Unavailable, err, "%s: the disk is full", doing).WithHint("free space on the data directory's disk, or shorten the retention; what was acknowledged is kept")
	case strings.Contains(text, "Out of Memory"), strings.Contains(text, "offload data block"):
		return fault.Wrap(fault.Limited, err, "%s: it needs more memory than it may use", doing).WithHint("ask for a shorter time range or fewer groups, or give the event store more memory")
	case isDamage(text) && strings.Contains(text, ".parquet"):
		return fault.Wrap(fault.Unavailable, err, "%s: a sealed file is damaged", doing).WithHint("see which one with: vedette doctor --deep; put it back from the folder events/sealed of a backup")
	case isDamage(text):
		return fault.Wrap(fault.Unavailable, err, "%s: the hot database is damaged", doing).WithHint("stop the server and see what is damaged with: vedette doctor; go back to a backup with: vedette restore BACKUP --replace")
	case strings.Contains(text, "has been invalidated"):
		return fault.Wrap(fault.Unavailable, err, "%s: the event store stopped after an earlier error", doing).WithHint("restart the program; what was acknowledged is kept")
	}
	return fault.Wrap(fault.Internal, err, "%s failed", doing)
}

// Bounds implements [store.Events]. Names of extras that retention has
// removed every event of may still be among Extras.
func (s *Store) Bounds(ctx context.Context) (store.Bounds, error) {
	leave, err := s.enter()
	if err != nil {
		return store.Bounds{}, err
	}
	defer leave()
	var b store.Bounds
	err = s.reading(ctx, "reading what is stored", func(conn *sql.Conn) error {
		if _, ok := query.Confined(ctx); ok {
			b, err = s.confinedBounds(ctx, conn)
			return err
		}
		b, err = s.bounds(ctx, conn)
		return err
	})
	return b, err
}

func (s *Store) bounds(ctx context.Context, conn *sql.Conn) (store.Bounds, error) {
	const doing = "reading what is stored"
	var b store.Bounds
	var sealed int64
	var hotOld, hotNew, oldest, newest sql.NullInt64
	err := conn.QueryRowContext(ctx, `SELECT count(*), count(CASE WHEN "metadata.clock_suspect" THEN 1 END),
		epoch_ns(min(CASE WHEN "metadata.clock_suspect" IS NOT TRUE THEN "time" END)),
		epoch_ns(max(CASE WHEN "metadata.clock_suspect" IS NOT TRUE THEN "time" END)) FROM events`).Scan(&b.Events, &b.Suspect, &hotOld, &hotNew)
	if err != nil {
		return b, engineFault(ctx, err, doing)
	}
	err = conn.QueryRowContext(ctx, `SELECT CAST(coalesce(sum(row_count), 0) AS BIGINT), min(oldest), max(newest) FROM sealed`).Scan(&sealed, &oldest, &newest)
	if err != nil {
		return b, engineFault(ctx, err, doing)
	}
	b.Events += sealed
	for _, n := range []sql.NullInt64{hotOld, oldest} {
		if t := nanos(n); n.Valid && (b.Oldest.IsZero() || t.Before(b.Oldest)) {
			b.Oldest = t
		}
	}
	for _, n := range []sql.NullInt64{hotNew, newest} {
		if t := nanos(n); n.Valid && (b.Newest.IsZero() || t.After(b.Newest)) {
			b.Newest = t
		}
	}
	b.Extras, err = extraNames(ctx, conn)
	if err != nil {
		return b, engineFault(ctx, err, doing)
	}
	return b, nil
}

func extraNames(ctx context.Context, conn *sql.Conn) ([]string, error) {
	rows, err := conn.QueryContext(ctx, `SELECT name FROM extras GROUP BY name ORDER BY sum(events) DESC, name LIMIT ?`, store.MaxExtras)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}
