package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/correlate"
)

func (r *root) incidentsCommand() *cobra.Command {
	var all bool
	var assignee string
	list := func(cmd *cobra.Command, _ []string) error { return r.listIncidents(cmd, all, assignee) }
	cmd := &cobra.Command{
		Use:   "incidents",
		Short: "list, show, assign, judge, close, split and export what findings add up to",
		Args:  cobra.NoArgs,
		RunE:  list,
	}
	cmd.PersistentFlags().BoolVar(&all, "all", false, "closed ones too")
	named := &cobra.Command{Use: "list", Short: "list incidents, the gravest first", Args: cobra.NoArgs, RunE: list}
	for _, c := range []*cobra.Command{cmd, named} {
		c.Flags().StringVar(&assignee, "assignee", "", "those of one person alone: a name, me or nobody")
	}
	cmd.AddCommand(
		named,
		&cobra.Command{Use: "show ID", Short: "show an incident: timeline, stages, devices, why its findings belong together", Args: cobra.ExactArgs(1), RunE: r.showIncident},
		r.decideCommand("close ID", "close an incident; later findings open a new one that names it", api.IncidentClose, 1),
		r.decideCommand("reopen ID", "open a closed incident again", api.IncidentReopen, 1),
		r.decideCommand("feedback ID true|false|benign", "say whether it was an attack; it changes later scores, visibly, and hides nothing", api.IncidentFeedback, 2),
		r.decideCommand("undo ID", "take feedback or a note back, by the id that show gives", api.IncidentUndo, 1),
		r.decideCommand("split PART", "take a merged part out of its incident again, by the uid that show gives", api.IncidentSplit, 1),
		r.assignCommand(),
		r.noteCommand(),
		r.exportIncidentCommand(),
		r.suppressCommand(),
	)
	return cmd
}

func (r *root) listIncidents(cmd *cobra.Command, all bool, assignee string) error {
	return r.with(cmd.Context(), func(b backend) error {
		list, err := b.Incidents(cmd.Context(), all)
		if err != nil {
			return err
		}
		if list = api.AssignedTo(list, assignee, person()); len(list) == 0 && assignee != "" && r.output == "table" {
			fmt.Fprintf(r.Err, "no incident is assigned to %s\n", printable(assignee))
			return nil
		}
		if len(list) == 0 && r.output == "table" {
			fmt.Fprintln(r.Err, "there are no incidents; findings of what is taken in with \"vedette ingest PATH\" become incidents")
			return nil
		}
		names, err := r.namesOf(cmd.Context(), b, list)
		if err != nil {
			return err
		}
		columns, rows := incidentRows(list, names)
		if r.output == "table" {
			columns, rows = incidentTable(list, names)
		}
		return r.writeRows(columns, rows, func() any {
			return queryResult{Columns: columns, Rows: rowObjects{columns, rows}, Total: int64(len(rows))}
		})
	})
}

// namesOf finds what the devices of incidents are called.
func (r *root) namesOf(ctx context.Context, b backend, list []correlate.Incident) (map[string]string, error) {
	names := map[string]string{}
	for _, i := range list {
		for _, uid := range i.Devices {
			names[uid] = uid
		}
	}
	if len(names) == 0 {
		return names, nil
	}
	devices, err := b.Devices(ctx)
	for _, d := range devices {
		if _, wanted := names[d.UID]; wanted {
			names[d.UID] = deviceName(d)
		}
	}
	return names, err
}

func deviceName(d asset.Device) string {
	if name := d.Name(); name != "" {
		return name
	}
	return d.UID
}

func incidentRows(list []correlate.Incident, names map[string]string) ([]string, [][]any) {
	columns := []string{"uid", "title", "severity", "status", "score", "first", "last", "devices", "device_uids", "techniques", "stages", "findings", "verdict", "assignee", "notes"}
	rows := make([][]any, len(list))
	for n, i := range list {
		devices := make([]string, len(i.Devices))
		for k, uid := range i.Devices {
			devices[k] = names[uid]
		}
		techniques, stages := make([]string, len(i.Techniques)), make([]string, len(i.Stages))
		for k, t := range i.Techniques {
			techniques[k] = t.ID
		}
		for k, s := range i.Stages {
			stages[k] = s.Tactic
		}
		rows[n] = []any{
			i.UID, i.Title, i.Severity.String(), i.Status, i.Score, timeOrNil(i.First), timeOrNil(i.Last),
			devices, listOf(i.Devices), techniques, stages, i.Findings.Count, orNil(string(i.Verdict)), orNil(i.Assignee), i.NoteCount,
		}
	}
	return columns, rows
}

// shortUID is how much of a uid a table shows: enough for "show".
const shortUID = 10

// incidentTable is what fits on a screen; the other outputs have all.
func incidentTable(list []correlate.Incident, names map[string]string) ([]string, [][]any) {
	columns := []string{"id", "severity", "title", "last", "devices", "findings", "status", "assignee"}
	rows := make([][]any, len(list))
	for n, i := range list {
		device := ""
		if len(i.Devices) > 0 {
			device = names[i.Devices[0]]
		}
		if i.DeviceCount > 1 {
			device += fmt.Sprintf(" +%d", i.DeviceCount-1)
		}
		rows[n] = []any{i.UID[:min(len(i.UID), shortUID)], i.Severity.String(), i.Title, timeOrNil(i.Last), device, i.Findings.Count, strings.TrimSpace(i.Status + " " + string(i.Verdict)), orNil(i.Assignee)}
	}
	return columns, rows
}

func (r *root) showIncident(cmd *cobra.Command, args []string) error {
	return r.with(cmd.Context(), func(b backend) error {
		d, err := b.Incident(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return r.printIncident(cmd.Context(), b, d)
	})
}

func (r *root) printIncident(ctx context.Context, b backend, d api.IncidentDetail) error {
	if r.output != "table" {
		return r.writeJSON(d)
	}
	names, err := r.namesOf(ctx, b, []correlate.Incident{d.Incident})
	if err != nil {
		return err
	}
	name := func(uid string) string {
		if n := names[uid]; n != "" {
			return n
		}
		return uid
	}
	fmt.Fprintf(r.Out, "%s  %s\n", strings.ToUpper(d.Severity.String()), printable(d.Title))
	r.printIncidentFacts(d, name)
	fmt.Fprintln(r.Out, "what happened")
	for _, m := range d.Timeline {
		fmt.Fprintf(r.Out, "  %s  %-8s  %s%s%s\n", cellText(m.First), m.Severity, printable(m.Title), times(m.Count), printable(route(name(m.Source), name(m.Target))))
	}
	r.printList("why these belong together", joins(d))
	r.printList("notes", notes(d.Notes))
	r.printList("what people decided", changes(d.History))
	similar := make([]string, len(d.Similar))
	for i, s := range d.Similar {
		similar[i] = fmt.Sprintf("%s  %s: %s", s.UID, s.Title, s.Why)
	}
	r.printList("similar incidents", similar)
	return nil
}

func (r *root) printIncidentFacts(d api.IncidentDetail, name func(string) string) {
	var devices, techniques, stages, score []string
	for _, uid := range d.Devices {
		devices = append(devices, name(uid))
	}
	for _, t := range d.Techniques {
		techniques = append(techniques, strings.TrimSpace(t.ID+" "+t.Name))
	}
	for _, s := range d.Stages {
		stages = append(stages, s.Name)
	}
	for _, f := range d.Computed {
		score = append(score, f.Text)
	}
	for _, line := range [][2]string{
		{"uid", d.UID},
		{"status", strings.TrimSpace(d.Status + " " + string(d.Verdict))},
		{"assignee", d.Assignee},
		{"from", cellText(d.First)},
		{"to", cellText(d.Last)},
		{"devices", strings.Join(devices, ", ")},
		{"techniques", strings.Join(techniques, ", ")},
		{"stages", strings.Join(stages, " > ")},
		{"severity", strings.Join(d.Raised, "; ")},
		{"score", fmt.Sprintf("%.0f: %s", d.Score, strings.Join(score, "; "))},
		{"findings", fmt.Sprintf("%d, of %d events; see one with: vedette findings show ID, such as %s", d.Findings.Count, d.Findings.Events, strings.Join(d.Findings.Telling[:min(1, len(d.Findings.Telling))], ""))},
		{"follows", d.Follows},
	} {
		if line[1] != "" {
			fmt.Fprintf(r.Out, "  %-11s %s\n", line[0], printable(line[1]))
		}
	}
}

func (r *root) printList(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintln(r.Out, title)
	for _, l := range lines {
		fmt.Fprintf(r.Out, "  %s\n", printable(l))
	}
}

func joins(d api.IncidentDetail) []string {
	var out []string
	for _, j := range d.Joins {
		out = append(out, j.Reason)
	}
	for _, m := range d.Merges {
		line := fmt.Sprintf("%d findings of another incident: %s", m.Count, m.Reason)
		if m.Part != "" {
			line += " (undo: vedette incidents split " + m.Part + ")"
		}
		out = append(out, line)
	}
	return out
}

func changes(list []correlate.Change) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = fmt.Sprintf("%s  %s: %s", cellText(c.At), c.By, c.What)
		if c.Why != "" {
			out[i] += ": " + c.Why
		}
		if c.ID != "" {
			out[i] += " (undo: vedette incidents undo " + c.ID + ")"
		}
	}
	return out
}

func times(n int64) string {
	if n > 1 {
		return fmt.Sprintf(" (%d times)", n)
	}
	return ""
}

func route(from, to string) string {
	switch {
	case from == "" && to == "":
		return ""
	case to == "":
		return "  " + from
	case from == "":
		return "  > " + to
	}
	return "  " + from + " > " + to
}

// decideCommand is a command by which a person decides on an incident.
func (r *root) decideCommand(use, short string, action api.IncidentAction, args int) *cobra.Command {
	var why string
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(args), RunE: func(cmd *cobra.Command, args []string) error {
		d := api.IncidentDecision{Actor: person(), Action: action, Incident: args[0], Why: why}
		if len(args) > 1 {
			d.Verdict = correlate.Verdict(args[1])
		}
		return r.with(cmd.Context(), func(b backend) error {
			got, err := b.DecideIncident(cmd.Context(), d)
			if err != nil {
				return err
			}
			if got.UID == "" { // feedback that was taken back belongs to no single incident
				fmt.Fprintln(r.Err, "taken back")
				return nil
			}
			return r.printIncident(cmd.Context(), b, got)
		})
	}}
	cmd.Flags().StringVar(&why, "reason", "", "why; it is kept with the incident and in the audit journal")
	_ = cmd.MarkFlagRequired("reason") // it exists
	return cmd
}
