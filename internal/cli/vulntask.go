package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/fault"
	"vedette/internal/vuln/task"
)

// vulnsTask are the commands for what persons took on.
func (r *root) vulnsTask() *cobra.Command {
	var f api.RemediationFilter
	cmd := &cobra.Command{Use: "task", Short: "open, list, show and change tasks; a task closes when the fixed version is seen, not when somebody says so"}
	list := &cobra.Command{Use: "list", Short: "list tasks, what is due first before the others; --output csv has a row for each task", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return r.with(cmd.Context(), func(b backend) error {
			if f.Owner == "me" {
				f.Owner = person()
			}
			all, err := b.Remediations(cmd.Context(), f)
			if err != nil {
				return err
			}
			if len(all) == 0 && r.output == "table" {
				fmt.Fprintln(r.Err, "there are no such tasks; open one from an action of \"vedette vulns plan\" with: vedette vulns task open ID")
				return nil
			}
			columns := []string{"task", "state", "due", "overdue", "owner", "title", "verified", "still_affected", "subjects", "vulnerabilities", "window_from", "window_until"}
			rows := make([][]any, len(all))
			for i, v := range all {
				rows[i] = []any{v.UID, string(v.State), timeOrNil(v.Due), v.Overdue, orNil(v.Owner), v.Title, v.Verified, v.Affected, len(v.Subjects), few(v.Vulnerabilities), timeOrNil(v.From), timeOrNil(v.Until)}
			}
			return r.writeRows(columns, rows, func() any { return all })
		})
	}}
	list.Flags().StringVar(&f.State, "state", "", "active, overdue, doubted, archived, or a state")
	list.Flags().StringVar(&f.Owner, "owner", "", "of one person, or me")
	list.Flags().StringVar(&f.Text, "text", "", "with this text in what names it")
	list.Flags().StringVar(&f.Subject, "of", "", "about one subject, such as device:UID")
	_ = list.RegisterFlagCompletionFunc("state", cobra.FixedCompletions([]string{"active", "overdue", "doubted", "open", "planned", "in_progress", "said_done", "accepted", "verified", "reopened", "archived"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.AddCommand(list, r.taskOpen(), r.taskShow(), r.taskSet(), r.taskNote(), r.taskUndo(), r.taskExport("ticket TASK", "write the ticket text of a task in Markdown", 1), r.taskExport("export", "write all tasks as CSV, a row for each device of each", 0))
	return cmd
}

func (r *root) showTask(cmd *cobra.Command, get func(ctx context.Context, b backend) (api.RemediationView, error)) error {
	return r.with(cmd.Context(), func(b backend) error {
		v, err := get(cmd.Context(), b)
		if err != nil {
			return err
		}
		return r.printTask(&v)
	})
}

func (r *root) printTask(v *api.RemediationView) error {
	if r.output != "table" {
		return r.writeJSON(v)
	}
	for _, l := range [][2]string{
		{"task", v.UID},
		{"title", v.Title},
		{"state", strings.ReplaceAll(string(v.State), "_", " ")},
		{"progress", fmt.Sprintf("%d of %d seen as they should be, %d still affected", v.Verified, len(v.Subjects), v.Affected)},
		{"owner", v.Owner},
		{"due", strings.TrimSpace(cellText(timeOrNil(v.Due)) + " " + v.DueWhy)},
		{"window", strings.Trim(cellText(timeOrNil(v.From))+" to "+cellText(timeOrNil(v.Until)), " to")},
		{"ids", strings.Join(few(v.Vulnerabilities), ", ")},
	} {
		if l[1] != "" {
			fmt.Fprintf(r.Out, "%-9s %s\n", l[0], printable(l[1]))
		}
	}
	rows := make([][]any, len(v.Subjects))
	for i, s := range v.Subjects {
		rows[i] = []any{s.ID, orNil(v.Names[s.ID]), string(s.State), orNil(s.Version), timeOrNil(s.At), orNil(s.Source), orNil(s.Why)}
	}
	if err := r.printPart([]string{"subject", "name", "progress", "version", "seen", "by", "why"}, rows); err != nil {
		return err
	}
	var lines []string
	for _, n := range v.Notes {
		lines = append(lines, fmt.Sprintf("%s  %s: %s", cellText(n.At), n.By, strings.ReplaceAll(n.Text, "\n", " / ")))
	}
	r.printList("notes", lines)
	lines = nil
	for _, c := range v.History {
		lines = append(lines, strings.TrimSuffix(fmt.Sprintf("%s  %s: %s: %s", cellText(c.At), c.By, c.What, c.Why), ": "))
	}
	r.printList("history", lines)
	return nil
}

func (r *root) taskOpen() *cobra.Command {
	var o api.RemediationOpen
	due := ""
	cmd := &cobra.Command{
		Use: "open ACTION", Short: "open a task from an action of the plan, by the id that \"vulns plan\" gives", Args: cobra.ExactArgs(1),
		Example: "  vedette vulns task open 3f2a9c01de44 --owner ann --due 2026-12-24",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Action, o.Actor = args[0], person()
			if due != "" {
				at, err := dayOf(due)
				if err != nil {
					return err
				}
				o.Due = &at
			}
			return r.showTask(cmd, func(ctx context.Context, b backend) (api.RemediationView, error) { return b.OpenRemediation(ctx, o) })
		},
	}
	cmd.Flags().StringArrayVar(&o.Subjects, "of", nil, "this subject alone, such as device:UID; may come several times")
	cmd.Flags().StringVar(&o.Zone, "zone", "", "devices of this zone alone")
	cmd.Flags().StringVar(&o.Owner, "owner", "", "who does it")
	cmd.Flags().StringVar(&due, "due", "", "by when; without it a date is suggested by how urgent it is")
	return cmd
}

func (r *root) taskShow() *cobra.Command {
	return &cobra.Command{Use: "show TASK", Short: "show a task: what was seen of each device, notes and history", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return r.showTask(cmd, func(ctx context.Context, b backend) (api.RemediationView, error) {
			return b.Remediation(ctx, args[0], nil)
		})
	}}
}

func (r *root) decideTask(cmd *cobra.Command, d api.RemediationDecision) error {
	d.Actor = person()
	return r.showTask(cmd, func(ctx context.Context, b backend) (api.RemediationView, error) { return b.DecideRemediation(ctx, d) })
}

func (r *root) taskSet() *cobra.Command {
	var owner, due, from, until, accept, state, why string
	cmd := &cobra.Command{
		Use: "set TASK", Short: "set owner, due date, maintenance window or state; said_done is a word, and what is seen decides", Args: cobra.ExactArgs(1),
		Example: "  vedette vulns task set 3f2a9c01 --state said_done\n  vedette vulns task set 3f2a9c01 --state accepted --reason \"replaced in spring\" --accept-until 2027-03-31",
		RunE: func(cmd *cobra.Command, args []string) error {
			d := api.RemediationDecision{UID: args[0], Action: "set", Order: task.Order{State: task.State(state), Why: why}}
			if cmd.Flags().Changed("owner") {
				d.Order.Owner = &owner
			}
			for flag, to := range map[string]**time.Time{"due": &d.Order.Due, "from": &d.Order.From, "until": &d.Order.Until} {
				if text := cmd.Flags().Lookup(flag).Value.String(); cmd.Flags().Changed(flag) {
					at, err := dayOf(text)
					if err != nil {
						return err
					}
					*to = &at
				}
			}
			if accept != "" {
				at, err := dayOf(accept)
				if err != nil {
					return err
				}
				d.Order.AcceptUntil = at
			}
			return r.decideTask(cmd, d)
		},
	}
	f := cmd.Flags()
	f.StringVar(&state, "state", "", "open, planned, in_progress, said_done or accepted")
	f.StringVar(&owner, "owner", "", "a person's name, or me; empty: nobody")
	f.StringVar(&due, "due", "", "a day such as 2026-12-24, or a time; empty: none")
	f.StringVar(&from, "from", "", "when the maintenance window begins, such as 2026-12-24T02:00:00Z")
	f.StringVar(&until, "until", "", "when it ends")
	f.StringVar(&why, "reason", "", "why; needed to accept a risk")
	f.StringVar(&accept, "accept-until", "", "until when the risk is accepted")
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions([]string{"open", "planned", "in_progress", "said_done", "accepted"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// dayOf reads a day or a time; a day means its end.
func dayOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return at, useError{fault.New(fault.Invalid, "%.40q is no day and no time", text).WithHint("such as 2026-12-24 or 2026-12-24T02:00:00Z")}
	}
	return at.Add(24*time.Hour - time.Second), nil
}

func (r *root) taskNote() *cobra.Command {
	text := ""
	cmd := &cobra.Command{Use: "note TASK", Short: "write a note on a task", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return r.decideTask(cmd, api.RemediationDecision{UID: args[0], Action: "note", Text: text})
	}}
	cmd.Flags().StringVar(&text, "text", "", "what others should know")
	_ = cmd.MarkFlagRequired("text") // it exists
	return cmd
}

func (r *root) taskUndo() *cobra.Command {
	why := ""
	cmd := &cobra.Command{Use: "undo TASK", Short: "take the last change back, if a person made it; of a task that was just opened, the task", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return r.decideTask(cmd, api.RemediationDecision{UID: args[0], Action: "undo", Why: why})
	}}
	cmd.Flags().StringVar(&why, "reason", "", "why")
	return cmd
}

func (r *root) taskExport(use, short string, args int) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(args), RunE: func(cmd *cobra.Command, args []string) error {
		return r.with(cmd.Context(), func(b backend) error {
			f, err := b.ExportRemediations(cmd.Context(), strings.Join(args, ""), nil)
			if err != nil {
				return err
			}
			_, err = r.Out.Write(f.Data)
			return err
		})
	}}
}

// vulnsHistory tells which firmware a device ran when.
func (r *root) vulnsHistory() *cobra.Command {
	return &cobra.Command{Use: "history DEVICE", Short: "tell which firmware was told of a device when, and by what", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return r.with(cmd.Context(), func(b backend) error {
			list, err := b.FirmwareHistory(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			columns, rows := runRows(list)
			return r.writeRows(columns, rows, func() any { return list })
		})
	}}
}

func runRows(list []asset.Run) ([]string, [][]any) {
	rows := make([][]any, len(list))
	for i, f := range list {
		rows[i] = []any{f.Version, string(f.Source), f.From, f.Last, timeOrNil(f.Until), f.What, orNil(f.Event)}
	}
	return []string{"firmware", "source", "from", "last", "until", "because", "event"}, rows
}

func (r *root) printFirmware(d asset.Device) error {
	columns, rows := runRows(d.Firmware)
	return r.printPart(columns, rows)
}
