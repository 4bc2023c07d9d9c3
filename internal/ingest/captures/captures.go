// Package captures is a source of rotating capture files, as tcpdump -G or -C and
// the ring buffer of dumpcap write them: pcap, pcapng, and either in gzip.
//
// It owns which files were read, and how far. It must not parse packets, and must
// not change, move or delete a file: the directory is another program's.
package captures

import (
	"bufio"
	"context"
	"path/filepath"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// Format is the name of the format of what this source hands on: packets, each a
// length of four bytes and a record.
const Format = "packets"

// Config says which files. Zero values of limits take the defaults.
type Config struct {
	Name   string
	Paths  []string // patterns of files, or directories; each is a ring of its own
	State  string   // file that keeps what was read
	Settle time.Duration
	Poll   time.Duration
	Quiet  time.Duration
	Now    func() time.Time

	// Fits tells whether a record is handed on; nil: all are.
	Fits func(raw []byte) (bool, error)

	// Cut gives packet after packet of a capture; the record is valid until the next
	// call.
	Cut func(*bufio.Reader) func() (raw []byte, at int64, err error)
}

const (
	batchSize = 256 << 10
	headSize  = 128 << 10
	maxFiles  = 10_000   // of one source that are looked at
	maxPast   = 50_000   // files that are remembered
	maxFile   = 64 << 30 // bytes of one file, once it is unpacked
	keepEvery = time.Second
)

// Source is a [ingest.Source].
type Source struct {
	cfg   Config
	gauge *ingest.Gauge

	looked map[string]*file // by path, as it was last seen
	state  state
	kept   time.Time
	wrong  string // what is wrong with the last file that could not be read
}

// New makes a source. It reads when it runs.
func New(cfg Config) (*Source, error) {
	if len(cfg.Paths) == 0 || cfg.State == "" || cfg.Cut == nil {
		return nil, fault.New(fault.Invalid, "the source %s names no captures", cfg.Name).WithHint("paths: [/var/captures/eth1-*.pcap]")
	}
	for _, p := range cfg.Paths {
		if _, err := filepath.Match(p, "x"); err != nil || !filepath.IsAbs(p) {
			return nil, fault.New(fault.Invalid, "%q is no pattern of an absolute path", p)
		}
	}
	if cfg.Settle <= 0 {
		cfg.Settle = time.Minute
	}
	if cfg.Poll <= 0 {
		cfg.Poll = time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Source{cfg: cfg, gauge: ingest.NewGauge(cfg.Name, "captures", cfg.Paths[0], cfg.Quiet, cfg.Now), looked: map[string]*file{}}, nil
}

// Status implements [ingest.Source].
func (s *Source) Status() ingest.Status { return s.gauge.Status() }

// Run implements [ingest.Source].
func (s *Source) Run(ctx context.Context, to ingest.Spooler) error {
	if err := s.restore(); err != nil {
		return s.gauge.Stop(err)
	}
	s.gauge.Set(ingest.Running, "")
	tick := time.NewTicker(s.cfg.Poll)
	defer tick.Stop()
	for {
		if err := s.round(ctx, to); err != nil && ctx.Err() == nil {
			text, _ := fault.Public(err)
			s.gauge.Set(ingest.Failing, text)
		}
		select {
		case <-ctx.Done():
			s.gauge.Set(ingest.Stopped, "it was stopped")
			return s.keep(true)
		case <-tick.C:
		}
	}
}

// round reads the files that are complete, in the order in which they were captured.
func (s *Source) round(ctx context.Context, to ingest.Spooler) error {
	for _, f := range s.look() {
		if ctx.Err() != nil {
			return nil
		}
		if f.key == "" && f.bad != "" {
			s.wrong = f.path + " " + f.bad
		}
		if !s.complete(f) {
			continue
		}
		if err := s.read(ctx, to, f); err != nil {
			return err // the spool or the disk: nothing behind it is read before
		}
	}
	if s.wrong != "" {
		s.gauge.Set(ingest.Failing, s.wrong)
	} else {
		s.gauge.Set(ingest.Running, "")
	}
	return s.keep(false)
}
