// Package edge is the agent for machines near the devices: small, pure Go,
// without console or store engine. So far it parses sources and prints events.
//
// It must not link the console, a store engine or a database driver, and must
// not hold domain rules.
package edge

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/normalize"
)

// The exit codes, the same as those of vedette.
const (
	exitOK       = 0
	exitFailed   = 1
	exitUsage    = 2
	exitRejected = 3
)

const usage = `vedette-edge: the agent of Vedette for small machines

  vedette-edge parse [--format NAME] PATH...   print one event a line (ndjson); "-" is standard input
  vedette-edge formats                         list the formats
  vedette-edge version                         print the version

exit codes: 0 ok, 1 failed, 2 wrong use, 3 finished but some input was rejected
`

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, version string, args []string, s Streams, now func() time.Time) int {
	out := bufio.NewWriterSize(s.Out, 1<<16)
	code := run(ctx, version, args, Streams{s.In, out, s.Err}, now)
	if err := out.Flush(); err != nil && code == exitOK {
		tell(s.Err, fault.Wrap(fault.Unavailable, err, "writing to the standard output"))
		return exitFailed
	}
	return code
}

func run(ctx context.Context, version string, args []string, s Streams, now func() time.Time) int {
	if len(args) == 0 {
		_, _ = io.WriteString(s.Err, usage)
		return exitUsage
	}
	switch args[0] {
	case "parse":
		return parse(ctx, args[1:], s, now)
	case "formats":
		for _, d := range normalize.Dialects() {
			_, _ = fmt.Fprintln(s.Out, d.Name)
		}
		return exitOK
	case "version":
		_, _ = fmt.Fprintln(s.Out, version)
		return exitOK
	case "help", "-h", "--help":
		_, _ = io.WriteString(s.Out, usage)
		return exitOK
	}
	_, _ = fmt.Fprintf(s.Err, "vedette-edge: there is no command %q\n\n%s", args[0], usage)
	return exitUsage
}

func parse(ctx context.Context, args []string, s Streams, now func() time.Time) int {
	flags := flag.NewFlagSet("parse", flag.ContinueOnError)
	flags.SetOutput(s.Err)
	format := flags.String("format", "", "take every source for this format instead of detecting it")
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	if flags.NArg() == 0 {
		_, _ = fmt.Fprintln(s.Err, "vedette-edge: parse needs a path, or - for the standard input")
		return exitUsage
	}
	files, err := ingest.Files(flags.Args())
	if err != nil {
		tell(s.Err, err)
		return exitFailed
	}
	reader := ingest.NewReader(Formats(), now)
	var line []byte
	sink := func(e *event.Event) error {
		line = append(e.AppendJSON(line[:0]), '\n')
		if _, err := s.Out.Write(line); err != nil {
			return fault.Wrap(fault.Unavailable, err, "writing an event")
		}
		return nil
	}
	code := exitOK
	for _, path := range files {
		report, err := source(ctx, reader, path, *format, s.In, sink)
		if err != nil {
			tell(s.Err, err)
			return exitFailed
		}
		if report.Rejected > 0 {
			code = exitRejected
		}
		for _, r := range report.Reasons {
			_, _ = fmt.Fprintf(s.Err, "vedette-edge: %s: rejected %d: %s, at %s\n", report.Path, r.Count, r.Reason, offsets(r.Offsets))
		}
	}
	return code
}

func source(ctx context.Context, reader *ingest.Reader, path, format string, in io.Reader, sink func(*event.Event) error) (ingest.Report, error) {
	if path == "-" {
		return reader.Stream(ctx, in, "-", format, time.Time{}, sink)
	}
	return reader.File(ctx, path, format, sink)
}

func offsets(at []int64) string {
	out := make([]string, len(at))
	for i, n := range at {
		out[i] = fmt.Sprint(n)
	}
	return "byte " + strings.Join(out, ", ")
}

func tell(w io.Writer, err error) {
	text, hint := fault.Public(err)
	if hint != "" {
		text += " (" + hint + ")"
	}
	_, _ = fmt.Fprintln(w, "vedette-edge:", text)
}
