package cli

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/fault"
)

func (r *root) spoolCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "spool",
		Short: "list, show, replay and drop payloads of live sources that the program failed on",
		Long: "A payload that a part of the program fails on, beyond what its parser bears, is set aside in the folder spool/aside of the data directory: it is not stored, and not\n" +
			"tried again. After an upgrade replay reads it again; what was stored of it before is not stored twice. How the spool itself is, vedette doctor tells.",
	}
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "list what is set aside, and why", Args: cobra.NoArgs, RunE: r.listAside},
		&cobra.Command{Use: "show ID", Short: "show the beginning of a payload, in ASCII with all else escaped", Args: cobra.ExactArgs(1), ValidArgsFunction: r.completeAside, RunE: r.showAside},
		r.replayAsideCommand(), r.dropAsideCommand(),
	)
	return cmd
}

func (r *root) listAside(cmd *cobra.Command, _ []string) error {
	return r.with(cmd.Context(), func(b backend) error {
		list, err := b.SetAside(cmd.Context())
		if err != nil {
			return err
		}
		if len(list) == 0 {
			fmt.Fprintln(r.Err, "nothing is set aside")
		}
		rows := make([][]any, len(list))
		for i, p := range list {
			rows[i] = []any{p.ID, orNil(p.Source), orNil(p.Peer), orNil(p.Format), timeOrNil(p.Received), p.Size, timeOrNil(p.At), p.Reason}
		}
		return r.writeRows([]string{"id", "source", "peer", "format", "received", "size", "at", "reason"}, rows, func() any { return map[string]any{"rows": list, "total": len(list)} })
	})
}

func (r *root) showAside(cmd *cobra.Command, args []string) error {
	return r.with(cmd.Context(), func(b backend) error {
		p, err := b.ShowAside(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if r.output == "json" || r.output == "ndjson" {
			return r.writeJSON(p)
		}
		fmt.Fprintf(r.Out, "%s of %s from %s, %s: %s\n", p.ID, printable(cmp.Or(p.Source, "?")), printable(cmp.Or(p.Peer, "?")), p.At.UTC().Format(time.RFC3339), printable(p.Reason))
		for _, line := range p.Lines {
			fmt.Fprintln(r.Out, "  "+printable(line))
		}
		if p.Shown < p.Bytes {
			fmt.Fprintf(r.Out, "these are the first %d of %d bytes\n", p.Shown, p.Bytes)
		}
		return nil
	})
}

func (r *root) replayAsideCommand() *cobra.Command {
	var w api.AsideWish
	cmd := &cobra.Command{
		Use: "replay [ID...]", Short: "read payloads again, such as after an upgrade; what fails again stays", ValidArgsFunction: r.completeAside,
		RunE: func(cmd *cobra.Command, args []string) error {
			w.IDs, w.Actor = args, person()
			return r.with(cmd.Context(), func(b backend) error {
				done, err := b.ReplayAside(cmd.Context(), w)
				if err != nil {
					return err
				}
				if r.rejected = done.Left > 0; r.output == "json" || r.output == "ndjson" {
					return r.writeJSON(done)
				}
				for _, p := range done.Payloads {
					if p.Problem != "" {
						fmt.Fprintf(r.Err, "%s stays: %s\n", p.ID, printable(p.Problem))
					}
				}
				fmt.Fprintf(r.Out, "read %d payloads again: %d events stored, %d were there, %d records rejected; %d payloads stay set aside\n", len(done.Payloads), done.Stored, done.Duplicates, done.Rejected, done.Left)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&w.All, "all", false, "all that are set aside")
	return cmd
}

func (r *root) dropAsideCommand() *cobra.Command {
	var w api.AsideWish
	var yes bool
	cmd := &cobra.Command{
		Use: "drop [ID...]", Short: "delete payloads for good; asks first, and the reason is kept in the audit journal", ValidArgsFunction: r.completeAside,
		Example: "  vedette spool drop --all --reason \"noise of the trade fair\" --yes",
		RunE: func(cmd *cobra.Command, args []string) error {
			w.IDs, w.Actor = args, person()
			return r.with(cmd.Context(), func(b backend) error { return r.dropAside(cmd.Context(), b, w, yes) })
		},
	}
	cmd.Flags().BoolVar(&w.All, "all", false, "all that are set aside")
	cmd.Flags().StringVar(&w.Why, "reason", "", "why; it is kept in the audit journal")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (r *root) dropAside(ctx context.Context, b backend, w api.AsideWish, yes bool) error {
	list, err := b.SetAside(ctx)
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for _, id := range w.IDs {
		named[id] = true
	}
	bytes := int64(0)
	for _, p := range list {
		if w.All || named[p.ID] {
			w.Count++
			bytes += p.Size
		}
	}
	if !yes && w.Count > 0 {
		fmt.Fprintf(r.Err, "delete %d payloads of %d bytes, which are stored nowhere? type yes: ", w.Count, bytes)
		answer, _ := bufio.NewReader(r.In).ReadString('\n') // what ends early is no yes
		if strings.TrimSpace(answer) != "yes" {
			return fault.New(fault.Conflict, "nothing was deleted").WithHint("answer yes, or say --yes")
		}
	}
	done, err := b.DropAside(ctx, w)
	if err != nil {
		return err
	}
	if r.output == "json" || r.output == "ndjson" {
		return r.writeJSON(done)
	}
	fmt.Fprintf(r.Out, "deleted %d payloads of %d bytes\n", done.Payloads, done.Bytes)
	return nil
}

// completeAside offers the payloads that are set aside.
func (r *root) completeAside(cmd *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
	return r.complete(cmd, start, func(b backend, offer func(id, about string)) error {
		list, err := b.SetAside(cmd.Context())
		for _, p := range list {
			offer(p.ID, p.Source)
		}
		return err
	})
}
