package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store"
)

// storedColumn is when an event was stored. Retention goes by it where the
// event's own time cannot be trusted.
const storedColumn = "stored_at"

// migrations are the numbered steps of the hot database's fixed tables, only
// ever added to. The columns of events and devices follow the schema instead:
// see addColumns.
func migrations() []string {
	return []string{
		createTable("events", eventColumns()) + createTable("devices", deviceColumns()) + `
		 CREATE TABLE sealed (day BIGINT, file VARCHAR, layout VARCHAR, row_count BIGINT, bytes BIGINT, oldest BIGINT, newest BIGINT);
		 CREATE TABLE extras (name VARCHAR, events BIGINT)`,
	}
}

func createTable(name string, cols []columnDef) string {
	var defs []string
	for _, c := range cols {
		defs = append(defs, quote(c.name)+" "+c.kind)
	}
	return "CREATE TABLE " + name + " (" + strings.Join(defs, ", ") + ");"
}

// columnDef is one column of a table.
type columnDef struct{ name, kind string }

func sqlType(k event.Kind) string {
	switch k {
	case event.Int:
		return "BIGINT"
	case event.Float:
		return "DOUBLE"
	case event.Bool:
		return "BOOLEAN"
	case event.Time:
		return "TIMESTAMP_NS"
	case event.List:
		return "VARCHAR[]"
	case event.String, event.IP:
	}
	return "VARCHAR"
}

// eventColumns is what the events table needs for this version's schema.
func eventColumns() []columnDef {
	var cols []columnDef
	for _, f := range event.Fields() {
		if f.Store != event.InColumn {
			continue
		}
		cols = append(cols, columnDef{f.Name, sqlType(f.Kind)})
		if f.Kind == event.IP {
			hi, lo := query.KeyColumns(f.Name)
			cols = append(cols, columnDef{hi, "UBIGINT"}, columnDef{lo, "UBIGINT"})
		}
	}
	return append(cols, columnDef{query.DocumentColumn, "VARCHAR"}, columnDef{storedColumn, "TIMESTAMP_NS"})
}

// aliasColumn is what queries do not see, see store.Device.AliasOf.
const aliasColumn = "alias_of"

func deviceColumns() []columnDef {
	var cols []columnDef
	for _, f := range store.DeviceFields() {
		cols = append(cols, columnDef{f.Name, sqlType(f.Kind)})
	}
	return append(cols, columnDef{aliasColumn, "VARCHAR"})
}

// migrate brings the tables to this version. A database of a newer version is
// refused rather than guessed at.
func (s *Store) migrate(ctx context.Context) error {
	const doing = "bringing the event store up to date"
	have, err := s.tableColumns(ctx, "sealed")
	if err != nil {
		return engineFault(ctx, err, doing)
	}
	var found []listing
	if s.opening.Fresh = len(have) == 0; s.opening.Fresh {
		if found, err = s.findSealed(ctx); err != nil {
			return engineFault(ctx, err, doing)
		}
	}
	return s.inTransaction(ctx, s.writer, doing, func() error {
		if _, err := s.writer.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS meta (key VARCHAR, value VARCHAR)`); err != nil {
			return err
		}
		version, err := s.meta(ctx, "version")
		if err != nil {
			return err
		}
		steps := migrations()
		if version > int64(len(steps)) {
			return fault.New(fault.Conflict, "the event store in %s was written by a newer version (%d, this one knows %d)", s.dir, version, len(steps)).WithHint("use the newer program, or another directory")
		}
		for _, step := range steps[version:] {
			if _, err := s.writer.ExecContext(ctx, step); err != nil {
				return err
			}
		}
		if version != int64(len(steps)) { // opening what is up to date writes nothing, which a full disk allows
			if err := s.setMeta(ctx, "version", int64(len(steps))); err != nil {
				return err
			}
		}
		if err := s.addColumns(ctx, "events", eventColumns()); err != nil {
			return err
		}
		if err := s.addColumns(ctx, "devices", deviceColumns()); err != nil {
			return err
		}
		return s.adopt(ctx, found)
	})
}

func (s *Store) meta(ctx context.Context, key string) (int64, error) {
	var value string
	err := s.writer.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = ?`, key).Scan(&value)
	if err == sql.ErrNoRows {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(value, 10, 64)
}

func (s *Store) setMeta(ctx context.Context, key string, value int64) error {
	if _, err := s.writer.ExecContext(ctx, `DELETE FROM meta WHERE key = ?`, key); err != nil {
		return err
	}
	_, err := s.writer.ExecContext(ctx, `INSERT INTO meta VALUES (?, ?)`, key, strconv.FormatInt(value, 10))
	return err
}

// addColumns adds the columns that the schema has and the table lacks. Columns
// that the schema no longer has stay and stay empty.
func (s *Store) addColumns(ctx context.Context, table string, want []columnDef) error {
	have, err := s.tableColumns(ctx, table)
	if err != nil {
		return err
	}
	for _, col := range want {
		at := slices.IndexFunc(have, func(h columnDef) bool { return h.name == col.name })
		if at >= 0 && have[at].kind != col.kind {
			return fault.New(fault.Internal, "column %q of %s is %s and this version needs %s", col.name, table, have[at].kind, col.kind)
		}
		if at >= 0 {
			continue
		}
		if _, err := s.writer.ExecContext(ctx, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", table, quote(col.name), col.kind)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) tableColumns(ctx context.Context, table string) ([]columnDef, error) {
	rows, err := s.writer.QueryContext(ctx, `SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var cols []columnDef
	for rows.Next() {
		var c columnDef
		if err := rows.Scan(&c.name, &c.kind); err != nil {
			return nil, err
		}
		cols = append(cols, c)
	}
	return cols, rows.Err()
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// recall reads what the store keeps in memory: the layout of the events table
// and the newest time.
func (s *Store) recall(ctx context.Context) error {
	cols, err := s.tableColumns(ctx, "events")
	if err != nil {
		return fault.Wrap(fault.Internal, err, "reading the layout of the event store")
	}
	s.layout = newLayout(cols)
	b, err := s.bounds(ctx, s.writer)
	if err != nil {
		return err
	}
	var doubtful bool
	err = s.writer.QueryRowContext(ctx, `SELECT count(*) > 0 FROM events WHERE "metadata.clock_suspect" OR "time" IS NULL`).Scan(&doubtful)
	if err != nil {
		return engineFault(ctx, err, "reading what is stored")
	}
	s.hints.widen(b.Newest, doubtful)
	return nil
}

// inTransaction runs fn between BEGIN and COMMIT of conn, or rolls back. The
// COMMIT is not cancelled half way.
func (s *Store) inTransaction(ctx context.Context, conn *sql.Conn, doing string, fn func() error) error {
	if _, err := conn.ExecContext(ctx, "BEGIN TRANSACTION"); err != nil {
		return engineFault(ctx, err, doing)
	}
	err := fn()
	end := context.WithoutCancel(ctx)
	if err == nil {
		if err = ctx.Err(); err == nil {
			_, err = conn.ExecContext(end, "COMMIT")
		}
	}
	if err == nil {
		return nil
	}
	// A failed COMMIT has rolled back already; then this one fails and may.
	_, _ = conn.ExecContext(end, "ROLLBACK")
	return engineFault(ctx, err, doing)
}

func nanos(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.Unix(0, n.Int64).UTC()
}
