// Package tail follows files that grow, as tail -F does: it goes on where it
// stopped, also after a restart, reads what a rotated file still got, and notices
// that a file was cut.
//
// It owns which part of which file was handed on. It must not parse meaning: it
// hands on whole lines.
package tail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// Config says which files are followed. Zero values take the defaults.
type Config struct {
	Name  string
	Paths []string // patterns of [filepath.Match], or directories; /**/ is any directory below; files that appear later count too
	State string   // file that keeps what was read
	Now   func() time.Time

	Every time.Duration // between two looks, 1 s
	Quiet time.Duration // after so long without a line the source is silent, 15 min
	Files int           // followed at a time, 1000; others are refused
}

const (
	chunk     = 512 << 10 // bytes of a payload
	headBytes = 16 << 10  // of a file that is handed on again after a restart, for what its first lines tell
	keepEvery = time.Second
	lingers   = 30 * time.Second // a file that was renamed may still get lines for so long
	forgets   = 7 * 24 * time.Hour
)

// Source is a [ingest.Source].
type Source struct {
	cfg   Config
	gauge *ingest.Gauge
	files []*file // of the goroutine that runs
	past  []past  // files that were followed
	kept  time.Time
	dirty bool
}

// New makes a source. It opens files when it runs.
func New(cfg Config) (*Source, error) {
	if len(cfg.Paths) == 0 || cfg.State == "" {
		return nil, fault.New(fault.Invalid, "the tail source %s has no paths", cfg.Name).WithHint("name files or patterns, such as /var/log/zeek/current/*.log")
	}
	for _, p := range cfg.Paths {
		if _, err := filepath.Match(strings.ReplaceAll(p, "**", "*"), "x"); err != nil || !filepath.IsAbs(p) {
			return nil, fault.New(fault.Invalid, "the tail source %s: %q is no pattern of an absolute path", cfg.Name, p).WithHint("write it like /var/log/zeek/current/*.log")
		}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	if cfg.Files <= 0 {
		cfg.Files = 1000
	}
	return &Source{cfg: cfg, gauge: ingest.NewGauge(cfg.Name, "tail", cfg.Paths[0], cfg.Quiet, cfg.Now)}, nil
}

// Status implements [ingest.Source].
func (s *Source) Status() ingest.Status { return s.gauge.Status() }

// Run implements [ingest.Source].
func (s *Source) Run(ctx context.Context, to ingest.Spooler) error {
	if err := s.restore(); err != nil {
		s.gauge.Set(ingest.Stopped, err.Error())
		return err
	}
	s.gauge.Set(ingest.Running, "")
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for {
		s.look(ctx, to)
		select {
		case <-ctx.Done():
			s.close()
			s.gauge.Set(ingest.Stopped, "it was stopped")
			return nil
		case <-tick.C:
		}
	}
}

// look finds files, reads what they got and keeps how far that was.
func (s *Source) look(ctx context.Context, to ingest.Spooler) {
	trouble := s.find()
	for _, f := range s.files {
		if err := s.follow(ctx, f, to); err != nil && ctx.Err() == nil {
			trouble = err
		}
	}
	s.files = slices.DeleteFunc(s.files, s.done)
	s.gauge.Peers(len(s.files))
	if err := s.keep(false); err != nil {
		trouble = err
	}
	if trouble != nil && ctx.Err() == nil {
		text, _ := fault.Public(trouble)
		s.gauge.Set(ingest.Failing, text)
		return
	}
	s.gauge.Set(ingest.Running, "")
}

// find opens files that match and are not followed, and notices which paths now
// lead elsewhere.
func (s *Source) find() error {
	var trouble error
	for _, pattern := range s.cfg.Paths {
		names, err := expand(pattern)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "looking for %s", pattern)
		}
		for _, name := range names {
			if err := s.meet(name); err != nil {
				trouble = err
			}
		}
	}
	return trouble
}

func (s *Source) meet(name string) error {
	info, err := os.Stat(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it went meanwhile
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading %s", name)
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	for _, f := range s.files {
		if f.is(info) {
			f.path = name // perhaps renamed to another path that matches
			f.packed = isPacked(name)
			return f.open()
		}
	}
	if len(s.files) >= s.cfg.Files {
		return fault.New(fault.Limited, "%d files are followed, the most there may be; %s is not", len(s.files), name)
	}
	f := &file{path: name, id: idOf(info), packed: isPacked(name), stream: name + "#" + strconv.FormatInt(s.cfg.Now().UnixNano(), 36)}
	s.files, s.dirty = append(s.files, f), true
	if err := s.keep(true); err != nil { // its name must be known before its lines are handed on
		return err
	}
	return f.open()
}

// follow hands on the whole lines that a file got.
func (s *Source) follow(ctx context.Context, f *file, to ingest.Spooler) error {
	if f.packed {
		return s.unpack(ctx, f, to)
	}
	if f.at == nil {
		if err := f.open(); err != nil || f.at == nil {
			return err
		}
	}
	info, err := f.at.Stat()
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading %s", f.path)
	}
	if f.told && info.Size() == f.offset {
		return nil
	}
	if err := s.begin(ctx, f, info.Size(), to); err != nil {
		return err
	}
	for ctx.Err() == nil {
		data, skipped, err := f.lines()
		if err != nil {
			return err
		}
		if skipped {
			s.gauge.Refuse()
			s.dirty = true
		}
		if len(data) == 0 && !skipped {
			return nil
		}
		if err := s.put(ctx, f, f.offset, data, to); err != nil {
			return err
		}
		if err := f.passed(f.offset + int64(len(data))); err != nil {
			return err
		}
		f.seen, s.dirty = s.cfg.Now(), true
		if err := s.keep(false); err != nil {
			return err
		}
	}
	return nil
}

// begin makes sure that a file is the one that was read, else starts it anew, and
// that its head was handed on since the start.
func (s *Source) begin(ctx context.Context, f *file, size int64, to ingest.Spooler) error {
	same, err := f.same()
	if err != nil {
		return err
	}
	if size < f.offset || !same { // it was cut, or another has its number: what comes now is another file
		f.offset, f.head, f.last, f.told = 0, head{}, "", true
		f.stream = f.path + "#" + strconv.FormatInt(s.cfg.Now().UnixNano(), 36)
		s.dirty = true
		return s.keep(true)
	}
	if f.told {
		return nil
	}
	return s.tellHead(ctx, f, to)
}

// tellHead hands the first lines on once more: what they tell of the rest, such as
// the names of columns, does not outlive a restart. They are stored once.
func (s *Source) tellHead(ctx context.Context, f *file, to ingest.Spooler) error {
	head := make([]byte, min(headBytes, f.offset))
	n, err := f.at.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fault.Wrap(fault.Unavailable, err, "reading %s", f.path)
	}
	if end := bytes.LastIndexByte(head[:n], '\n'); end >= 0 {
		if err := s.put(ctx, f, 0, head[:end+1], to); err != nil {
			return err
		}
	}
	f.told = true
	return nil
}

func (s *Source) put(ctx context.Context, f *file, at int64, data []byte, to ingest.Spooler) error {
	if len(data) == 0 {
		return nil
	}
	err := to.Put(ctx, ingest.Payload{Source: s.cfg.Name, Peer: f.path, Stream: f.stream, At: at, Received: s.cfg.Now(), Data: data})
	if err == nil {
		s.gauge.Take(len(data))
	}
	return err
}

// done closes a file that nobody can write to any more: its path leads elsewhere
// or nowhere, and it has said nothing for a while.
func (s *Source) done(f *file) bool {
	if info, err := os.Stat(f.path); err == nil && f.is(info) {
		f.gone = time.Time{}
		return false
	}
	now := s.cfg.Now()
	if f.gone.IsZero() {
		f.gone = now
	}
	last := f.gone
	if f.seen.After(last) {
		last = f.seen
	}
	if now.Sub(last) < lingers {
		return false
	}
	s.leave(f)
	f.close()
	s.dirty = true
	return true
}

func (s *Source) close() {
	_ = s.keep(true) // what was handed on again is stored once
	for _, f := range s.files {
		f.close()
	}
}
