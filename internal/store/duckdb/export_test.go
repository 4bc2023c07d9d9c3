package duckdb

import (
	"context"
	"time"
)

// DropColumnForTest makes the hot database one of a version without the
// column.
func (s *Store) DropColumnForTest(name string) error {
	ctx := context.Background()
	if _, err := s.writer.ExecContext(ctx, "ALTER TABLE events DROP COLUMN "+quote(name)); err != nil {
		return err
	}
	return s.recall(ctx)
}

// SetVersionForTest makes the hot database one of another version.
func (s *Store) SetVersionForTest(n int64) error {
	return s.setMeta(context.Background(), "version", n)
}

// Unlist forgets the file of a sealed day.
func (s *Store) Unlist(day time.Time) error {
	_, err := s.writer.ExecContext(context.Background(), "DELETE FROM sealed WHERE day = ?", dayOf(day))
	return err
}

// SpoilColumnForTest gives a column a type that this version does not know it
// by, and takes another away, so that the next opening migrates and fails.
func (s *Store) SpoilColumnForTest(name string) error {
	_, err := s.writer.ExecContext(context.Background(), "ALTER TABLE events ALTER COLUMN "+quote(name)+" TYPE BIGINT USING 1")
	return err
}
