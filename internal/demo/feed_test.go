package demo_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vedette/internal/demo"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// kept is an intake that keeps the identities that ingest and parsers give to
// the lines, as a store does.
type kept struct {
	seen       map[string]bool
	duplicates int
	failAfter  int // sources until it fails; negative never
}

func (k *kept) IngestStream(_ context.Context, in io.Reader, _, _ string, _ time.Time) (ingest.Summary, error) {
	if k.failAfter == 0 {
		return ingest.Summary{}, errors.New("the power went out")
	}
	k.failAfter--
	text, err := io.ReadAll(in)
	if err != nil {
		return ingest.Summary{}, err
	}
	id, offset := event.SourceID(text), int64(0)
	for raw := range bytes.Lines(text) {
		uid := event.UID(id, offset, raw)
		if k.seen[uid] {
			k.duplicates++
		}
		k.seen[uid] = true
		offset += int64(len(raw))
	}
	return ingest.Summary{}, nil
}

func quiet(float64) {}

// TestRestartLosesAndDoublesNothing kills a feed in the middle of steps and
// compares with a feed that was never interrupted.
func TestRestartLosesAndDoublesNothing(t *testing.T) {
	dir, k := t.TempDir(), &kept{seen: map[string]bool{}, failAfter: 11}
	open := func(now time.Time) *demo.Feed {
		f, err := demo.OpenFeed(dir, 5, now)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if err := open(start).CatchUp(context.Background(), start, k, quiet); err == nil {
		t.Fatal("the intake failed and nobody was told")
	}
	k.failAfter = -1
	f := open(start.Add(time.Second))
	if err := f.CatchUp(context.Background(), start.Add(time.Second), k, quiet); err != nil {
		t.Fatal(err)
	}
	k.failAfter = 2
	if err := f.CatchUp(context.Background(), start.Add(3*time.Minute), k, quiet); err == nil {
		t.Fatal("the intake failed and nobody was told")
	}
	k.failAfter = -1
	f = open(start.Add(4 * time.Minute))
	if err := f.CatchUp(context.Background(), start.Add(4*time.Minute), k, quiet); err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, s := range demo.New(5, start).Logs(start.Add(-demo.History), start.Add(4*time.Minute)) {
		want += s.Lines
	}
	if len(k.seen) != want {
		t.Errorf("%d events are kept, the plant wrote %d", len(k.seen), want)
	}
	if k.duplicates == 0 {
		t.Error("no step was taken in again: the test does not test")
	}
}

// TestTicksAreDistinct feeds in small steps: each event has its own identity.
func TestTicksAreDistinct(t *testing.T) {
	dir, k := t.TempDir(), &kept{seen: map[string]bool{}, failAfter: -1}
	f, err := demo.OpenFeed(dir, 5, start)
	if err != nil {
		t.Fatal(err)
	}
	end := start.Add(14 * time.Minute)
	for at := start; !at.After(end); at = at.Add(2 * time.Second) {
		if err := f.CatchUp(context.Background(), at, k, quiet); err != nil {
			t.Fatal(err)
		}
	}
	want := 0
	for _, s := range demo.New(5, start).Logs(start.Add(-demo.History), end) {
		want += s.Lines
	}
	if len(k.seen) != want || k.duplicates != 0 {
		t.Errorf("%d events and %d duplicates, want %d and none", len(k.seen), k.duplicates, want)
	}
}

func TestLongAbsenceGivesARecentPast(t *testing.T) {
	dir, k := t.TempDir(), &kept{seen: map[string]bool{}, failAfter: -1}
	for _, now := range []time.Time{start, start.Add(30 * 24 * time.Hour)} {
		f, err := demo.OpenFeed(dir, 5, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.CatchUp(context.Background(), now, k, quiet); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(k.seen); n < 40_000 || n > 80_000 {
		t.Errorf("%d events after a month away, want twice a history", n)
	}
}

func TestForeignDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "records.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := demo.OpenFeed(dir, 5, start); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a directory with data: %v", err)
	}
	dir = filepath.Join(t.TempDir(), "new")
	if _, err := demo.OpenFeed(dir, 5, start); err != nil {
		t.Errorf("a new directory: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "records.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := demo.OpenFeed(dir, 6, start.Add(time.Minute))
	if err != nil {
		t.Fatalf("the demo's own directory: %v", err)
	}
	if !bytes.Equal(f.Plant().Logs(start.Add(-time.Hour), start)[0].Text, demo.New(5, start).Logs(start.Add(-time.Hour), start)[0].Text) {
		t.Error("a second start made another plant")
	}
}
