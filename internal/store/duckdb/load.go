package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"slices"

	duck "github.com/duckdb/duckdb-go/v2"

	"vedette/internal/event"
	"vedette/internal/store"
	"vedette/internal/trace"
)

// groupRows is how many rows DuckDB keeps together. A transaction that adds at
// least so many to a table writes them where they stay, with a word in the log; of a
// smaller one the log has all rows, and a checkpoint writes them again.
const groupRows = 122_880

// load is a transaction of appends on a connection of its own, so that devices
// are written beside it.
type load struct {
	s    *Store
	conn *sql.Conn
	rows int
	row  []driver.Value
	free func() // lets the next load in
	over bool
}

var _ store.Load = (*load)(nil)

// Append implements [store.Events]: a load of one batch.
func (s *Store) Append(ctx context.Context, batch []*event.Event) (store.Appended, error) {
	if err := store.CheckBatch(batch); err != nil {
		return store.Appended{}, err
	}
	l, err := s.begin(ctx)
	if err != nil {
		return store.Appended{}, err
	}
	defer l.Rollback() //nolint:contextcheck // what is given up is given up whole
	done, err := l.Append(ctx, batch)
	if err == nil {
		err = l.Commit(ctx)
	}
	if err != nil {
		return store.Appended{}, err
	}
	return done, nil
}

// Begin implements [store.Events].
func (s *Store) Begin(ctx context.Context) (store.Load, error) {
	l, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (s *Store) begin(ctx context.Context) (*load, error) {
	leave, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	free, err := s.loadAlone(ctx)
	if err != nil {
		return nil, err
	}
	s.files.acquire() // sealed days are looked into for duplicates
	l := &load{s: s, conn: s.loader, free: free}
	if _, err := l.conn.ExecContext(ctx, "BEGIN TRANSACTION"); err != nil {
		l.end()
		return nil, engineFault(ctx, err, storing)
	}
	return l, nil
}

// loadAlone waits until no load is open and keeps others from opening one; at the
// end of the store it gives up.
func (s *Store) loadAlone(ctx context.Context) (free func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case s.loading <- struct{}{}:
		return func() { <-s.loading }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.ending:
		return nil, errClosed()
	}
}

const storing = "storing events"

// Append implements [store.Load].
func (l *load) Append(ctx context.Context, batch []*event.Event) (_ store.Appended, err error) {
	ctx, span := trace.StartCall(ctx, trace.DBAppend, trace.Word(trace.Database, trace.DuckDB), trace.Count(trace.Stored, len(batch)))
	defer func() { span.End(err) }()
	leave, err := l.s.enter()
	if err != nil {
		return store.Appended{}, err
	}
	defer leave()
	if err := store.CheckBatch(batch); err != nil {
		return store.Appended{}, err
	}
	fresh := l.s.distinct(batch)
	if len(fresh) == 0 {
		return store.Appended{Duplicates: len(batch)}, ctx.Err()
	}
	known, err := l.knownUIDs(ctx, fresh)
	if err != nil {
		return store.Appended{}, engineFault(ctx, err, storing)
	}
	fresh = slices.DeleteFunc(fresh, func(e *event.Event) bool { return known[e.MetadataUID()] })
	if len(fresh) > 0 {
		err = countExtras(ctx, l.conn, fresh)
	}
	if len(fresh) > 0 && err == nil {
		err = l.conn.Raw(func(conn any) error { return l.write(ctx, conn, fresh) })
	}
	if err != nil {
		return store.Appended{}, engineFault(ctx, err, storing)
	}
	l.rows += len(fresh)
	return store.Appended{Stored: len(fresh), Duplicates: len(batch) - len(fresh)}, nil
}

// Full implements [store.Load].
func (l *load) Full() bool { return l.rows >= groupRows }

// knownUIDs finds which events are stored already, or in the load.
func (l *load) knownUIDs(ctx context.Context, batch []*event.Event) (map[string]bool, error) {
	newest, doubtful := l.s.hints.get()
	f := sortKnown(batch, newest)
	l.s.hints.widen(f.to, len(f.unsure) > 0)
	return l.s.find(ctx, l.conn, f, newest, doubtful)
}

// Commit implements [store.Load].
func (l *load) Commit(ctx context.Context) error {
	leave, err := l.s.enter()
	if err != nil {
		l.Rollback() //nolint:contextcheck // likewise
		return err
	}
	defer leave()
	if err = ctx.Err(); err == nil {
		_, err = l.conn.ExecContext(context.WithoutCancel(ctx), "COMMIT")
	}
	if err != nil {
		l.Rollback() //nolint:contextcheck // a failed COMMIT has rolled back already; then this one fails and may
		return engineFault(ctx, err, storing)
	}
	l.end()
	return nil
}

// Rollback implements [store.Load].
func (l *load) Rollback() {
	if l.over {
		return
	}
	_, _ = l.conn.ExecContext(context.Background(), "ROLLBACK")
	l.end()
}

// end gives back what the load holds.
func (l *load) end() {
	l.over = true
	l.s.files.release()
	l.free()
}

// write fills the events table through the engine's appender, inside of the
// transaction that is open on the connection.
func (l *load) write(ctx context.Context, conn any, batch []*event.Event) (err error) {
	dc, ok := conn.(driver.Conn)
	if !ok {
		return driver.ErrBadConn
	}
	used := l.s.layout.used(batch)
	app, err := duck.NewAppenderWithColumns(dc, "", "", "events", used.names)
	if err != nil {
		return err
	}
	now := l.s.opts.Now().UTC()
	if newest, _ := l.s.hints.get(); now.Before(newest) { // a clock that went back must not make events look old to retention
		now = newest
	}
	var doc []byte
	for _, e := range batch {
		if l.row, doc, err = used.fill(l.row[:0], doc[:0], e, now); err != nil {
			break
		}
		if err = app.AppendRow(l.row...); err != nil {
			break
		}
	}
	if closing := app.CloseWithCancel(ctx); err == nil {
		err = closing
	}
	clear(l.row)
	return err
}
