package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/ingest"
)

// Intake takes in one source, as a server does.
type Intake interface {
	IngestStream(ctx context.Context, in io.Reader, name, format string, modified time.Time) (ingest.Summary, error)
}

// StateName is the file in a data directory that says how far its plant has
// lived.
const StateName = "demo.json"

// chunk is how much of the past is taken in at once.
const chunk = 12 * time.Hour

// state is the last step that was begun. A step is taken in again after a
// crash: the same bytes give the same events, and the store knows them.
type state struct {
	Seed  uint64    `json:"seed"`
	Start time.Time `json:"start"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
}

// Feed lets a plant live in a data directory. It is for one caller at a time.
type Feed struct {
	plant   *Plant
	file    string
	state   state
	pending bool // the step in state is not known to be stored
}

// OpenFeed continues the plant of a data directory, or begins one whose past
// ends now. It marks a new directory as the demo's before anything else is in
// it. One that holds data of another origin is a Conflict fault: simulated
// events must not be mixed with real ones.
func OpenFeed(dir string, seed uint64, now time.Time) (*Feed, error) {
	f := &Feed{file: filepath.Join(dir, StateName)}
	raw, err := os.ReadFile(f.file)
	switch {
	case err == nil:
		if err := json.Unmarshal(raw, &f.state); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading %s", f.file).WithHint("remove the directory to begin a new demo")
		}
		f.pending = true
	case !errors.Is(err, os.ErrNotExist):
		return nil, fault.Wrap(fault.Unavailable, err, "reading %s", f.file)
	default:
		if err := f.begin(dir, seed, now.UTC().Truncate(time.Second)); err != nil {
			return nil, err
		}
	}
	f.plant = New(f.state.Seed, f.state.Start)
	return f, nil
}

func (f *Feed) begin(dir string, seed uint64, now time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, err, "making the data directory %s", dir).WithHint("choose another one with --data DIR")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		return fault.Wrap(fault.Conflict, err, "the directory %s holds data that is not the demo's", dir).
			WithHint("name an empty or a new directory with --data, or leave it out")
	}
	oldest := now.Add(-History)
	f.state = state{Seed: seed, Start: now, From: oldest, To: oldest}
	return f.save()
}

// WritePolicy writes what the plant's people allow beside its data, and says where.
func (f *Feed) WritePolicy() (string, error) {
	path := filepath.Join(filepath.Dir(f.file), "demo-policy.yaml")
	return path, flow.ReplaceFile(path, f.plant.Policy())
}

// Plant is the plant that lives.
func (f *Feed) Plant() *Plant { return f.plant }

// CatchUp takes in everything up to now: the past in large steps, then what is
// new. progress hears the share that is done. When it returns an error, the
// next call takes up where this one ended.
func (f *Feed) CatchUp(ctx context.Context, now time.Time, intake Intake, progress func(done float64)) error {
	now = now.UTC().Truncate(time.Millisecond)
	if f.pending {
		if err := f.take(ctx, intake); err != nil {
			return err
		}
	}
	begin := f.state.To
	if now.Sub(begin) > time.Hour { // it was away: its incidents unfold anew
		f.state.Start = now.Truncate(time.Second)
		f.plant = New(f.state.Seed, f.state.Start)
		if oldest := f.state.Start.Add(-History); begin.Before(oldest) {
			begin, f.state.To = oldest, oldest
		}
	}
	for f.state.To.Before(now) {
		f.state.From, f.state.To = f.state.To, f.state.To.Add(chunk)
		if f.state.To.After(now) {
			f.state.To = now
		}
		if err := f.take(ctx, intake); err != nil {
			return err
		}
		progress(float64(f.state.To.Sub(begin)) / float64(now.Sub(begin)))
	}
	return nil
}

// take takes in the step in state, which is written down before.
func (f *Feed) take(ctx context.Context, intake Intake) error {
	f.pending = true
	if err := f.save(); err != nil {
		return err
	}
	for _, s := range f.plant.Logs(f.state.From, f.state.To) {
		sum, err := intake.IngestStream(ctx, bytes.NewReader(s.Text), s.Name, "", f.state.To)
		if err != nil {
			return fmt.Errorf("taking in the plant's %s: %w", s.Name, err)
		}
		if sum.Rejected > 0 {
			return fault.New(fault.Internal, "%d of %d lines of the plant's %s were rejected", sum.Rejected, s.Lines, s.Name)
		}
	}
	f.pending = false
	return nil
}

func (f *Feed) save() error {
	raw, err := json.Marshal(f.state)
	if err != nil {
		return fmt.Errorf("writing the demo's state: %w", err)
	}
	return flow.ReplaceFile(f.file, raw)
}
