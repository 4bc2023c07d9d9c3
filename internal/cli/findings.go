package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/event"
	"vedette/internal/fault"
)

func (r *root) findingsCommand() *cobra.Command {
	var want findingFlags
	list := func(cmd *cobra.Command, _ []string) error { return r.listFindings(cmd, want) }
	cmd := &cobra.Command{
		Use:   "findings",
		Short: "list and show what was found: by rules, behaviour, indicators, policy, and the alerts of other tools",
		Args:  cobra.NoArgs,
		RunE:  list,
	}
	want.add(cmd)
	all := &cobra.Command{Use: "list", Short: "list findings, newest first", Args: cobra.NoArgs, RunE: list}
	want.add(all)
	cmd.AddCommand(all, &cobra.Command{Use: "show ID", Short: "show a finding, why it was raised, and its events", Args: cobra.ExactArgs(1), RunE: r.showFinding})
	return cmd
}

// findingFlags say which findings are listed.
type findingFlags struct {
	severity, rule, family, device, last string
	limit                                int
}

func (f *findingFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.severity, "severity", "", "at least informational, low, medium, high or critical")
	cmd.Flags().StringVar(&f.rule, "rule", "", "of the rule with this id")
	cmd.Flags().StringVar(&f.family, "family", "", "sigma, behaviour, indicator, policy or source")
	cmd.Flags().StringVar(&f.device, "device", "", "that concern this device: uid, address, MAC or name")
	cmd.Flags().StringVar(&f.last, "last", "", `of this long before --now, such as "24h"`)
	cmd.Flags().IntVar(&f.limit, "limit", 100, "at most so many")
	for name, words := range map[string][]string{
		"severity": {"informational", "low", "medium", "high", "critical"},
		"family":   {event.FamilySigma, event.FamilyBehaviour, event.FamilyIndicator, event.FamilyPolicy, event.FamilySource},
	} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // the flags exist
	}
}

func (r *root) filterOf(cmd *cobra.Command, b backend, f findingFlags) (api.FindingFilter, error) {
	want := api.FindingFilter{Last: f.last, Rule: f.rule, Family: f.family, Limit: f.limit}
	var err error
	if want.Now, err = r.now(); err != nil {
		return want, err
	}
	if want.MinSeverity, err = severityOf(f.severity); err != nil {
		return want, err
	}
	if f.device != "" {
		d, err := b.FindDevice(cmd.Context(), f.device)
		if err != nil {
			return want, err
		}
		want.Device = d.UID
	}
	return want, nil
}

// severityOf reads a severity by its name; "" is none.
func severityOf(text string) (event.Severity, error) {
	if text == "" {
		return 0, nil
	}
	for s := event.Informational; s <= event.Fatal; s++ {
		if strings.EqualFold(text, s.String()) {
			return s, nil
		}
	}
	return 0, useError{fault.New(fault.Invalid, "there is no severity %q", text).WithHint("the severities are informational, low, medium, high and critical")}
}

func (r *root) listFindings(cmd *cobra.Command, f findingFlags) error {
	return r.with(cmd.Context(), func(b backend) error {
		want, err := r.filterOf(cmd, b, f)
		if err != nil {
			return err
		}
		got, err := b.Findings(cmd.Context(), want)
		if err != nil {
			return err
		}
		if len(got.List) == 0 && r.output == "table" {
			fmt.Fprintln(r.Err, "nothing was found; rules, behaviour and indicators look at what is taken in with \"vedette ingest PATH\"")
			return nil
		}
		columns, rows := findingRows(got.List)
		if r.output == "table" {
			columns, rows = findingTable(got.List)
		}
		err = r.writeRows(columns, rows, func() any {
			return queryResult{Columns: columns, Rows: rowObjects{columns, rows}, Total: got.Total}
		})
		if r.output == "table" {
			fmt.Fprintf(r.Err, "%d of %d findings; one with all its reasons: vedette findings show ID\n", len(got.List), got.Total)
		}
		return err
	})
}

func findingRows(list []event.Finding) ([]string, [][]any) {
	columns := []string{"uid", "time", "title", "severity", "rule", "family", "techniques", "device", "src", "dst", "count", "reasons", "evidence"}
	rows := make([][]any, len(list))
	for i, f := range list {
		rows[i] = []any{
			f.UID, timeOrNil(f.Time), f.Title, f.Severity.String(), f.Rule, f.Family, listOf(f.Techniques), orNil(f.Device),
			orNil(sideText(f.Src)), orNil(sideText(f.Dst)), int64(f.Count), reasonTexts(f.Reasons), listOf(f.Evidence),
		}
	}
	return columns, rows
}

// findingTable is what fits on a screen; the other outputs have all.
func findingTable(list []event.Finding) ([]string, [][]any) {
	columns := []string{"uid", "time", "severity", "title", "src", "dst", "count", "techniques"}
	rows := make([][]any, len(list))
	for i, f := range list {
		rows[i] = []any{f.UID, timeOrNil(f.Time), f.Severity.String(), f.Title, orNil(sideText(f.Src)), orNil(sideText(f.Dst)), int64(f.Count), listOf(f.Techniques)}
	}
	return columns, rows
}

// listOf makes a missing list an empty one, so that JSON has [] and not null.
func listOf(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func sideText(s event.Side) string {
	if s.IP != "" && s.Port != 0 {
		return s.IP + ":" + strconv.FormatInt(s.Port, 10)
	}
	return s.IP
}

func reasonTexts(list []event.Reason) []string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = r.String()
	}
	return out
}

func (r *root) showFinding(cmd *cobra.Command, args []string) error {
	return r.with(cmd.Context(), func(b backend) error {
		d, err := b.Finding(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if r.output != "table" {
			return r.writeJSON(d)
		}
		return r.printFinding(d)
	})
}

func (r *root) printFinding(d api.FindingDetail) error {
	f := d.Finding
	fmt.Fprintf(r.Out, "%s  %s\n", strings.ToUpper(f.Severity.String()), printable(f.Title))
	for _, line := range [][2]string{
		{"uid", f.UID},
		{"time", cellText(f.Time)},
		{"rule", f.Rule + " (" + f.Family + ")"},
		{"techniques", strings.Join(f.Techniques, " ")},
		{"device", f.Device},
		{"from", sideText(f.Src)},
		{"to", sideText(f.Dst)},
		{"stands for", strconv.Itoa(f.Count) + " events"},
	} {
		if line[1] != "" {
			fmt.Fprintf(r.Out, "  %-11s %s\n", line[0], printable(line[1]))
		}
	}
	for _, e := range f.Entities {
		fmt.Fprintf(r.Out, "  %-11s %s\n", printable(e.Type), printable(e.Value))
	}
	if len(f.Reasons) > 0 {
		fmt.Fprintln(r.Out, "why")
	}
	for _, reason := range f.Reasons {
		fmt.Fprintf(r.Out, "  %s\n", printable(reason.String()))
	}
	fmt.Fprintf(r.Out, "events (%d of %d are kept)\n", len(d.Events), len(f.Evidence))
	for _, e := range d.Events {
		if _, err := fmt.Fprintf(r.Out, "  %s  %s  %s\n", cellText(e.Time), printable(e.Log), shorten(printable(e.Raw))); err != nil {
			return err
		}
	}
	return nil
}
