package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/api"
)

func (r *root) intelTechnique() *cobra.Command {
	return &cobra.Command{
		Use: "technique ID", Short: "tell what a technique of ATT&CK or ATLAS is, what detects it here, where it was found, who uses it, and what counters it",
		Example: "  vedette intel technique T0855", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				t, err := b.Technique(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if r.output == "json" || r.output == "ndjson" {
					return r.writeJSON(t)
				}
				return r.printTechnique(t)
			})
		},
	}
}

func (r *root) printTechnique(t api.TechniqueAnswer) error {
	out := tabwriter.NewWriter(r.Out, 0, 8, 2, ' ', 0)
	put := func(what string, cells ...string) {
		for i := range cells {
			cells[i] = printable(cells[i])
		}
		fmt.Fprintf(out, "%s\t%s\n", what, strings.Join(cells, "\t"))
	}
	put("technique", t.ID, t.Name, strings.Join(t.Tactics, ", "))
	if len(t.Rules) == 0 {
		put("rules", "none in force detects it")
	}
	for _, x := range t.Rules {
		put("rule", x.Title, x.Level, x.ID)
	}
	found := fmt.Sprint(t.Findings)
	if t.Cut {
		found = "at least " + found
	}
	if t.Last != nil {
		found += ", last " + t.Last.UTC().Format(time.RFC3339)
	}
	put("findings", found)
	for _, d := range t.Devices {
		put("device", d.Name, fmt.Sprint(d.Findings), "last "+d.Last.UTC().Format(time.RFC3339))
	}
	for _, u := range t.Uses {
		put("used by", strings.Join(strings.Fields(u.Family+" "+u.Campaign+" "+u.Actor), " "), "source "+u.Source)
	}
	for _, m := range t.Measures {
		put("counter", m.ID, m.Name, m.Source)
	}
	for _, p := range t.Patterns {
		put("pattern", p.ID, p.Name, strings.Join(p.Weaknesses, " "))
	}
	return out.Flush()
}
