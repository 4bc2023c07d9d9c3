// Package bulk takes records that programs push: lines of any format that needs
// no line before it, such as NDJSON or syslog. What is accepted is in the spool
// and survives a kill; it is stored a moment later.
//
// It must not speak HTTP or parse meaning: a door hands it a body.
package bulk

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// Config says how a source is called. Zero values take the defaults.
type Config struct {
	Name string
	Now  func() time.Time
	Wait time.Duration // how long a body waits for room in the spool, 5 s
	Size int           // bytes of a payload, 256 KiB
}

// Source is a [ingest.Source] that is fed by [Source.Take].
type Source struct {
	cfg Config

	mu     sync.Mutex
	to     ingest.Spooler // nil: it does not run
	status ingest.Status
}

// New makes a source.
func New(cfg Config) *Source {
	if cfg.Wait <= 0 {
		cfg.Wait = 5 * time.Second
	}
	if cfg.Size <= 0 {
		cfg.Size = 256 << 10
	}
	cfg.Size = min(cfg.Size, ingest.MaxPayload/2)
	return &Source{cfg: cfg, status: ingest.Status{Name: cfg.Name, Kind: "http", Address: "POST /api/v1/bulk", State: ingest.Starting, Since: cfg.Now()}}
}

// Run implements [ingest.Source].
func (s *Source) Run(ctx context.Context, to ingest.Spooler) error {
	s.turn(to, ingest.Running)
	<-ctx.Done()
	s.turn(nil, ingest.Stopped)
	return nil
}

func (s *Source) turn(to ingest.Spooler, state ingest.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to, s.status.State, s.status.Since = to, state, s.cfg.Now()
}

// Status implements [ingest.Source]. A source that programs push to is never
// called silent: nobody promised that they would.
func (s *Source) Status() ingest.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Sender is who sends a body.
type Sender struct {
	Peer   string // who, as the door knows it
	Format string // name of a format; "" lets it be recognised
	Key    string // of the body: the same body with the same key is stored once; "": each is its own
}

// Taken says how much of a body was accepted.
type Taken struct {
	Bytes   int64 `json:"bytes"`
	Lines   int64 `json:"lines"`
	Refused int64 `json:"refused"` // lines longer than a payload
}

// Take reads a body to its end and puts its lines into the spool. When it
// returns nil all of them are there. After an error the lines that Taken counts
// are: with a key, the whole body may be sent again and nothing is stored
// twice.
func (s *Source) Take(ctx context.Context, body io.Reader, from Sender) (Taken, error) {
	s.mu.Lock()
	to := s.to
	s.mu.Unlock()
	if to == nil {
		return Taken{}, fault.New(fault.Unavailable, "nothing takes bulk records at the moment").WithHint("try again in a moment; ingest takes whole files at any time")
	}
	t := taking{s: s, to: to, from: from, began: s.cfg.Now()}
	in := bufio.NewReaderSize(body, 64<<10)
	for {
		line, err := readLine(in, ingest.MaxPayload)
		switch {
		case errors.Is(err, errLong):
			t.out.Refused++
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return t.end(ctx, fault.Wrap(fault.Invalid, err, "reading the body"))
		}
		if len(bytes.TrimSpace(line)) > 0 {
			if bad := t.add(ctx, line); bad != nil {
				return t.end(ctx, bad)
			}
		}
		if err != nil { // its end
			return t.end(ctx, t.flush(ctx))
		}
	}
}

// Hand puts payloads that a door made of a body, all or the first of them.
func (s *Source) Hand(ctx context.Context, list []ingest.Payload, lines, refused int64) error {
	s.mu.Lock()
	to := s.to
	s.mu.Unlock()
	if to == nil {
		return fault.New(fault.Unavailable, "nothing takes bulk records at the moment").WithHint("try again in a moment")
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Wait)
	defer cancel()
	bytes := int64(0)
	for _, p := range list {
		if err := to.Put(ctx, p); err != nil {
			return err
		}
		bytes += int64(len(p.Data))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Last = s.cfg.Now()
	s.status.Received += lines
	s.status.Bytes += bytes
	s.status.Refused += refused
	return nil
}

// taking is one body on its way.
type taking struct {
	s     *Source
	to    ingest.Spooler
	from  Sender
	began time.Time
	part  int // number of the payload in the body
	buf   []byte
	lines int64
	out   Taken
}

// add appends a line. Payloads are cut by the bytes of the body alone, so that
// the same body gives the same ones whenever it comes.
func (t *taking) add(ctx context.Context, line []byte) error {
	if len(t.buf) > 0 && len(t.buf)+len(line) > t.s.cfg.Size {
		if err := t.flush(ctx); err != nil {
			return err
		}
	}
	t.buf = append(t.buf, line...)
	t.lines++
	return nil
}

func (t *taking) flush(ctx context.Context) error {
	if len(t.buf) == 0 {
		return nil
	}
	p := ingest.Payload{Source: t.s.cfg.Name, Peer: t.from.Peer, Format: t.from.Format, Received: t.began, Data: t.buf}
	if t.from.Key != "" {
		p.Key = t.from.Peer + "\x00" + t.from.Key + "\x00" + strconv.Itoa(t.part)
	}
	ctx, cancel := context.WithTimeout(ctx, t.s.cfg.Wait)
	defer cancel()
	if err := t.to.Put(ctx, p); err != nil {
		return err
	}
	t.part++
	t.out.Bytes += int64(len(t.buf))
	t.out.Lines += t.lines
	t.buf, t.lines = t.buf[:0], 0
	return nil
}

// end counts what became of a body.
func (t *taking) end(_ context.Context, err error) (Taken, error) {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.out.Lines > 0 {
		s.status.Last = s.cfg.Now()
	}
	s.status.Received += t.out.Lines
	s.status.Bytes += t.out.Bytes
	s.status.Refused += t.out.Refused
	if fault.KindOf(err) == fault.Limited {
		return t.out, fault.Wrap(fault.Limited, err, "the spool is full; %d lines of the body were accepted", t.out.Lines).
			WithHint("send it again in some seconds; with an Idempotency-Key nothing is stored twice")
	}
	return t.out, err
}

// errLong is a line that is longer than allowed; it was read past.
var errLong = errors.New("the line is too long")

// readLine reads a line with its end. At the end of the input it returns what is
// left together with io.EOF.
func readLine(in *bufio.Reader, most int) ([]byte, error) {
	var line []byte
	long := false
	for {
		piece, err := in.ReadSlice('\n')
		if long = long || len(line)+len(piece) > most; !long {
			line = append(line, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case long && err == nil:
			return nil, errLong
		case long && errors.Is(err, io.EOF): // the end is told by the next call
			return nil, errLong
		case err != nil:
			return line, err
		}
		return line, nil
	}
}
