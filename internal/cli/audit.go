package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/audit"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/guard/egress"
)

func (r *root) auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "read the journal of decisions, verify it, and prove what did not leave",
		Long:  "Every decision, and every call to a language model before it is sent, is an entry of the journal; each entry carries the hash of the one before.",
	}
	cmd.AddCommand(r.auditVerify(), r.auditExport(), r.auditList(), r.auditProve())
	return cmd
}

// journal opens the audit journal: of the running server, else of the directory,
// which is not opened otherwise, so that a broken journal can be read too.
func (r *root) journal(ctx context.Context) (io.ReadCloser, error) {
	if r.server == "" {
		if _, err := r.appConfig(); err != nil {
			return nil, err
		}
	}
	c, err := api.Dial(ctx, firstOf(r.server, r.data))
	switch {
	case err != nil && r.server != "":
		return nil, err
	case err != nil:
		return app.OpenJournal(r.data)
	}
	in, out := io.Pipe()
	go func() {
		err := c.ExportAudit(ctx, out)
		_ = c.Close()
		_ = out.CloseWithError(err)
	}()
	return in, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (r *root) withJournal(ctx context.Context, f func(in io.Reader) error) error {
	in, err := r.journal(ctx)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	return f(in)
}

type verified struct {
	OK      bool   `json:"ok"`
	Entries int64  `json:"entries"`
	Head    string `json:"head"`
	Line    int    `json:"line,omitempty"`
	Problem string `json:"problem,omitempty"`
	Torn    int    `json:"torn_bytes,omitempty"`
}

func (r *root) auditVerify() *cobra.Command {
	var head string
	cmd := &cobra.Command{
		Use: "verify", Short: "check every link of the journal's chain of hashes", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.withJournal(cmd.Context(), func(in io.Reader) error {
				rep, err := audit.Verify(in, head)
				if err != nil {
					return err
				}
				if err := r.printChain(rep, head); err != nil || rep.OK {
					return err
				}
				return fault.New(fault.Conflict, "the audit journal is broken at line %d: %s", rep.Line, rep.Problem).WithHint("keep the file as evidence, and compare it with a backup")
			})
		},
	}
	cmd.Flags().StringVar(&head, "head", "", "a hash that was noted earlier; the journal must hold it")
	return cmd
}

func (r *root) printChain(rep audit.Report, head string) error {
	if r.output == "json" || r.output == "ndjson" {
		return r.writeJSON(verified{rep.OK, rep.Entries, rep.Head, rep.Line, rep.Problem, rep.Torn})
	}
	if rep.OK {
		fmt.Fprintf(r.Out, "%d entries, each linked to the one before; the head is %s\n", rep.Entries, rep.Head)
		if head == "" {
			fmt.Fprintln(r.Err, "note the head outside this machine: given by --head, it shows a journal that was rewritten or cut short")
		}
	}
	if rep.Torn > 0 {
		fmt.Fprintf(r.Err, "the last line is unfinished (%d bytes): a crash while it was written; its decision was never acknowledged\n", rep.Torn)
	}
	return nil
}

func (r *root) auditExport() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "export", Short: "write the journal as it is, one JSON entry a line", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.withJournal(cmd.Context(), func(in io.Reader) error {
				if to == "" {
					return copied(io.Copy(r.Out, in))
				}
				f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: the person names the file
				if err != nil {
					return fault.Wrap(fault.Unavailable, err, "making %s", to).WithHint("name a file that does not exist yet")
				}
				if err := copied(io.Copy(f, in)); err != nil {
					_ = f.Close()
					return err
				}
				return f.Close()
			})
		},
	}
	cmd.Flags().StringVar(&to, "out", "", "file to write (default: stdout)")
	return cmd
}

func copied(_ int64, err error) error {
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "exporting the audit journal")
	}
	return nil
}

func (r *root) auditList() *cobra.Command {
	var action, from, to string
	var most int
	cmd := &cobra.Command{
		Use: "list", Short: "list entries of the journal, oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			start, end, err := span(from, to)
			if err != nil {
				return err
			}
			columns := []string{"seq", "time", "who", "action", "object", "details"}
			var rows [][]any
			list := []audit.Entry{}
			return r.withJournal(cmd.Context(), func(in io.Reader) error {
				rep, err := audit.Walk(in, "", func(e audit.Entry) {
					if !strings.HasPrefix(e.Action, action) || !start.IsZero() && e.Time.Before(start) || !end.IsZero() && !e.Time.Before(end) {
						return
					}
					if len(list) >= 2*most { // the newest are kept
						list = append(list[:0], list[len(list)-most:]...)
					}
					list = append(list, e)
				})
				if err != nil {
					return err
				}
				list = list[max(0, len(list)-most):]
				for _, e := range list {
					rows = append(rows, []any{e.Seq, e.Time, e.Actor.Name, e.Action, e.Object, detailsText(e.Details)})
				}
				if !rep.OK {
					fmt.Fprintf(r.Err, "the journal is broken at line %d (%s): what is listed stands before it\n", rep.Line, rep.Problem)
				}
				return r.writeRows(columns, rows, func() any { return list })
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&action, "action", "", "only actions that begin so, such as model. or device.set")
	f.StringVar(&from, "from", "", "only entries from this time on")
	f.StringVar(&to, "to", "", "only entries before this time")
	f.IntVar(&most, "limit", 100, "how many, the newest")
	return cmd
}

func detailsText(d map[string]string) string {
	parts := make([]string, 0, len(d))
	for k, v := range d {
		parts = append(parts, k+"="+v)
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// span reads two times; an empty one is open.
func span(from, to string) (start, end time.Time, err error) {
	if start, err = moment("--from", from); err != nil {
		return start, end, err
	}
	if end, err = moment("--to", to); err != nil {
		return start, end, err
	}
	if !start.IsZero() && !end.IsZero() && !start.Before(end) {
		return start, end, useError{fault.New(fault.Invalid, "--from is not before --to")}
	}
	return start, end, nil
}

func moment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, useError{fault.New(fault.Invalid, "%s %q is no time", flag, text).WithHint("write it like 2026-05-01T12:00:00Z or 2026-05-01")}
}

func (r *root) auditProve() *cobra.Command {
	var label, from, to, head string
	cmd := &cobra.Command{
		Use:   "prove",
		Short: "prove that no data of a label left the site for a model in a time",
		Example: `  vedette audit prove --label restricted --from 2026-05-01 --to 2026-06-01
  vedette audit prove --label confidential --head 5f1c...`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, ok := event.ParseConfidentiality(label)
			if !ok || label == "" {
				return useError{fault.New(fault.Invalid, "there is no label %q", label).WithHint("the labels are public, internal, confidential and restricted")}
			}
			start, end, err := span(from, to)
			if err != nil {
				return err
			}
			return r.withJournal(cmd.Context(), func(in io.Reader) error {
				p, err := egress.Prove(in, egress.Claim{Label: c, From: start, To: end, Head: head})
				if err != nil {
					return err
				}
				if err := r.printProof(p); err != nil || p.Holds {
					return err
				}
				return fault.New(fault.Conflict, "that nothing labelled %s left cannot be proved", label)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&label, "label", event.Restricted, "public, internal, confidential or restricted: data of this label or a stricter one")
	f.StringVar(&from, "from", "", "from this time on (default: the journal's beginning)")
	f.StringVar(&to, "to", "", "before this time (default: its end)")
	f.StringVar(&head, "head", "", "a hash of the journal that was noted earlier outside this machine")
	return cmd
}

func (r *root) printProof(p egress.Proof) error {
	if r.output == "json" || r.output == "ndjson" {
		return r.writeJSON(p)
	}
	columns := []string{"seq", "time", "who", "task", "label", "endpoint", "location", "model", "bytes", "sha256", "redacted", "rule", "result"}
	rows := make([][]any, len(p.Calls))
	for i, c := range p.Calls {
		rows[i] = []any{c.Seq, c.Time, c.Who, c.Task, c.Label, c.Endpoint, c.Location, c.Model, c.Bytes, c.SHA256, c.Redacted, c.Rule, c.Result}
	}
	if r.output == "csv" {
		return writeCSV(r.Out, columns, rows)
	}
	fmt.Fprintln(r.Out, printable(p.Statement))
	for _, l := range p.Limits {
		fmt.Fprintf(r.Out, "  - %s\n", printable(l))
	}
	for _, t := range p.Totals {
		fmt.Fprintf(r.Out, "in that time: %d calls with %s data to %s, %d bytes\n", t.Calls, t.Label, printable(t.Location), t.Bytes)
	}
	if p.Refused > 0 {
		fmt.Fprintf(r.Out, "in that time: %d calls were refused, and nothing of them left\n", p.Refused)
	}
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintln(r.Out)
	return writeTable(r.Out, columns, rows)
}
