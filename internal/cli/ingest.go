package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/edge"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/normalize"
)

func (r *root) ingestCommand() *cobra.Command {
	var want taking
	cmd := &cobra.Command{
		Use:   "ingest PATH...",
		Short: "take in log files and directories; formats are recognised, .gz is undone, - is stdin",
		Args:  cobra.MinimumNArgs(1),
		Example: `  vedette ingest /var/log/zeek
  vedette ingest --filter 'tcp port 502 and net 10.1.0.0/16' plant.pcapng`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := want.problem(); err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				sum, err := r.ingest(cmd.Context(), b, args, want)
				if err != nil {
					return err
				}
				r.rejected = sum.Rejected > 0
				return r.printSummary(sum)
			})
		},
	}
	want.flags(cmd)
	cmd.Flags().StringVar(&want.mapping, "mapping", "", "a YAML file that says what the columns of a table mean, see docs/csv.md")
	return cmd
}

// taking is how files are to be read.
type taking struct{ format, mapping, filter string }

func (w *taking) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.format, "format", "", "the format, when it is not to be recognised")
	cmd.Flags().StringVar(&w.filter, "filter", "", "of captures: which packets are taken, as in tcpdump, such as 'tcp port 502 or arp', see docs/sources.md")
	_ = cmd.RegisterFlagCompletionFunc("filter", cobra.NoFileCompletions) // the flag is there
}

// problem says why files cannot be read so, before any of them is.
func (w *taking) problem() error {
	if w.filter == "" {
		return nil
	}
	if w.mapping != "" || w.format != "" && w.format != normalize.Capture().Name {
		return fault.New(fault.Invalid, "--filter is for captures of packets, and goes with no --mapping and no other --format").WithHint("leave one of them out")
	}
	_, err := normalize.Capture().Filter(w.filter)
	return err
}

// ingest gives each file to the backend as a stream, so that it makes no
// difference whether a server runs.
func (r *root) ingest(ctx context.Context, b backend, paths []string, want taking) (ingest.Summary, error) {
	var sum ingest.Summary
	lead, err := mappingLine(want.mapping)
	if err != nil {
		return sum, err
	}
	files, err := ingest.Files(paths)
	if err != nil {
		return sum, err
	}
	started := time.Now()
	for i, path := range files {
		one, err := r.ingestFile(ctx, b, path, want, lead)
		if err != nil {
			return sum, err
		}
		for _, s := range one.Sources {
			sum.Sources = append(sum.Sources, s)
			r.progress("%d of %d: %s: %s, %d stored", i+1, len(files), path, s.Format, s.Stored)
		}
		sum.Read += one.Read
		sum.Stored += one.Stored
		sum.Duplicates += one.Duplicates
		sum.Rejected += one.Rejected
		sum.Devices = one.Devices
		sum.TooOld, sum.KeptFrom = one.TooOld, one.KeptFrom // of all so far
		sum.Judged(one.Findings, one.IncidentUIDs)
	}
	r.progress("")
	rest, err := b.Settle(ctx)
	if err != nil {
		return sum, err
	}
	sum.Judged(rest.Findings, rest.Incidents)
	sum.Done(time.Since(started).Seconds())
	return sum, nil
}

func (r *root) ingestFile(ctx context.Context, b backend, path string, want taking, lead []byte) (ingest.Summary, error) {
	if path == "-" {
		in, err := withMapping(r.In, lead)
		if err != nil {
			return ingest.Summary{}, err
		}
		return want.give(ctx, b, in, "-", time.Time{})
	}
	f, err := os.Open(path) //nolint:gosec // G304: the person named this file
	if err != nil {
		return ingest.Summary{}, fault.Wrap(fault.NotFound, err, "opening %s", path)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return ingest.Summary{}, fault.Wrap(fault.Invalid, err, "opening %s", path)
	}
	in := &watched{in: f, size: info.Size(), report: func(part float64) { r.progress("%s: %.0f %%", path, part*100) }}
	led, err := withMapping(in, lead)
	if err != nil {
		return ingest.Summary{}, err
	}
	return want.give(ctx, b, led, path, info.ModTime())
}

func (w *taking) give(ctx context.Context, b backend, in io.Reader, name string, modified time.Time) (ingest.Summary, error) {
	if w.filter != "" {
		return b.IngestCapture(ctx, in, name, w.filter, modified)
	}
	return b.IngestStream(ctx, in, name, w.format, modified)
}

// watched tells how much of a file has been read, a few times a second.
type watched struct {
	in         io.Reader
	size, read int64
	last       time.Time
	report     func(part float64)
}

// Read implements [io.Reader].
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.in.Read(p)
	w.read += int64(n)
	if now := time.Now(); w.size > 0 && now.Sub(w.last) > 200*time.Millisecond {
		w.last = now
		w.report(float64(min(w.read, w.size)) / float64(w.size))
	}
	return n, err
}

// progress overwrites one line on stderr when that is a terminal; an empty
// text clears it.
func (r *root) progress(format string, args ...any) {
	f, ok := r.Err.(*os.File)
	if !ok || !isTerminal(f) {
		return
	}
	text := []rune(printable(fmt.Sprintf(format, args...)))
	if len(text) > 78 {
		text = text[:78]
	}
	fmt.Fprintf(r.Err, "\r\x1b[K%s", string(text))
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (r *root) printSummary(sum ingest.Summary) error {
	if r.output == "json" || r.output == "ndjson" {
		return r.writeJSON(sum)
	}
	columns := []string{"path", "format", "read", "stored", "duplicates", "rejected"}
	rows := make([][]any, len(sum.Sources))
	for i, s := range sum.Sources {
		rows[i] = []any{s.Path, s.Format, s.Read, s.Stored, s.Duplicates, s.Rejected}
	}
	if r.output == "csv" {
		return writeCSV(r.Out, columns, rows)
	}
	if err := writeTable(r.Out, columns, rows); err != nil {
		return err
	}
	for _, s := range sum.Sources {
		for _, why := range s.Reasons {
			fmt.Fprintf(r.Err, "%s: %d rejected: %s (at byte %v)\n", printable(s.Path), why.Count, printable(why.Reason), why.Offsets)
		}
	}
	fmt.Fprintf(r.Out, "\n%d records read, %d events stored, %d were stored before, %d records rejected; %d devices known; %.1f s\n",
		sum.Read, sum.Stored, sum.Duplicates, sum.Rejected, sum.Devices, sum.Seconds)
	if sum.Findings > 0 {
		fmt.Fprintf(r.Out, "%d new findings in %d incidents; see them with: vedette incidents\n", sum.Findings, sum.Incidents)
	}
	if sum.TooOld > 0 {
		fmt.Fprintf(r.Err, "%d records that were taken in are from before %s, and the next maintenance drops them: retention keeps only what is newer; raise retention.events to keep them\n", sum.TooOld, sum.KeptFrom.Format(time.DateOnly))
	}
	if sum.Stored == 0 && sum.Duplicates > 0 {
		fmt.Fprintln(r.Out, "nothing new: these records are stored already")
	}
	return nil
}

func (r *root) parseCommand() *cobra.Command {
	var want taking
	cmd := &cobra.Command{
		Use:   "parse PATH...",
		Short: "show the events of log files without storing them, one JSON object a line",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := want.problem(); err != nil {
				return err
			}
			files, err := ingest.Files(args)
			if err != nil {
				return err
			}
			reader := ingest.NewReader(edge.Formats(), time.Now).Only(want.filter)
			out := bufio.NewWriterSize(r.Out, 1<<16)
			var buf []byte
			for _, path := range files {
				rep, err := parseOne(cmd.Context(), reader, r.In, path, want.format, func(e *event.Event) error {
					buf = append(e.AppendJSON(buf[:0]), '\n')
					_, err := out.Write(buf)
					return err
				})
				if err != nil {
					return err
				}
				r.rejected = r.rejected || rep.Rejected > 0
				for _, why := range rep.Reasons {
					fmt.Fprintf(r.Err, "%s: %d rejected: %s (at byte %v)\n", printable(path), why.Count, printable(why.Reason), why.Offsets)
				}
			}
			return out.Flush()
		},
	}
	want.flags(cmd)
	return cmd
}

func parseOne(ctx context.Context, reader *ingest.Reader, in io.Reader, path, format string, sink func(*event.Event) error) (ingest.Report, error) {
	if path == "-" {
		return reader.Stream(ctx, in, "-", format, time.Time{}, sink)
	}
	return reader.File(ctx, filepath.Clean(path), format, sink)
}
