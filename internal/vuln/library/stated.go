package library

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/vuln/vex"
)

// statedName is the file of the site's own statements, all that were ever made.
const statedName = "stated.json"

// maxStated bounds the statements that are kept, with those that others took the
// place of.
const maxStated = 100_000

func (l *Library) statedPath() string { return filepath.Join(l.cfg.Dir, statedName) }

func (l *Library) readStated() error {
	l.stated = nil
	raw, err := os.ReadFile(l.statedPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &l.stated)
	}
	if err != nil {
		// Without them the list would show as affected what a person settled: told
		// as a problem, and nothing new is written over them.
		l.problems = append(l.problems, l.statedPath()+" cannot be read")
		return nil
	}
	for _, s := range current(l.stated) {
		l.index.Add(s.Advisory())
	}
	return nil
}

// State keeps a statement of the site; one on the same takes its place, and both
// stay. It returns what changed in the index.
func (l *Library) State(ctx context.Context, s vex.Statement) (Change, error) {
	if err := s.Check(); err != nil {
		return Change{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(ctx); err != nil {
		return Change{}, err
	}
	switch {
	case slices.Contains(l.problems, l.statedPath()+" cannot be read"):
		return Change{}, fault.New(fault.Unavailable, "the statements in %s cannot be read, and are not written over", l.statedPath()).WithHint("restore the file from a backup, or move it away")
	case len(l.stated) >= maxStated:
		return Change{}, fault.New(fault.Limited, "there are %d statements already", maxStated)
	}
	s.At = l.cfg.Now().UTC()
	var c Change
	for _, old := range current(l.stated) {
		if old.Key() == s.Key() {
			c.Old = old.Advisory()
		}
	}
	if s.Withdrawn && c.Old == nil {
		return Change{}, fault.New(fault.NotFound, "there is no statement on %.100q and that product", s.Vulnerability).WithHint("list them with: vedette vulns vex --output json")
	}
	list := append(slices.Clone(l.stated), s)
	raw, err := json.Marshal(list)
	if err != nil {
		return Change{}, err
	}
	if err := os.MkdirAll(l.cfg.Dir, 0o700); err != nil {
		return Change{}, fault.Wrap(fault.Unavailable, err, "making %s", l.cfg.Dir)
	}
	if err := flow.ReplaceFile(l.statedPath(), raw); err != nil {
		return Change{}, err
	}
	l.stated, c.New = list, s.Advisory()
	l.index.Add(c.New)
	return c, nil
}

// Stated returns the statements that count, or all that were ever made.
func (l *Library) Stated(ctx context.Context, all bool) ([]vex.Statement, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(ctx); err != nil {
		return nil, err
	}
	if all {
		return slices.Clone(l.stated), nil
	}
	return current(l.stated), nil
}

// current are the last statements on each, in the order in which they were made.
func current(list []vex.Statement) []vex.Statement {
	last := map[string]int{}
	for i := range list {
		last[list[i].Key()] = i
	}
	var out []vex.Statement
	for i := range list {
		if last[list[i].Key()] == i {
			out = append(out, list[i])
		}
	}
	return out
}
