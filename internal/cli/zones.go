package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/fault"
)

func (r *root) zonesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "zones", Short: "the zones of the site: parts of the network by subnet", Args: cobra.NoArgs,
		Long: "Lists the zones, where each is set and how many devices are in it; its commands change them while the server runs. What the configuration says is fixed and is\n" +
			"changed there. --check tells which devices would change zone, which accounts that are limited to zones see others then, and which conduits are touched.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				list, err := b.ConfiguredZones(cmd.Context())
				if err != nil {
					return err
				}
				return r.printZones(list, func() any { return map[string]any{"rows": list, "total": len(list)} })
			})
		},
	}
	cmd.AddCommand(r.zonesPut(true), r.zonesPut(false), r.zonesRename(), r.zonesRemove())
	return cmd
}

func (r *root) printZones(list []api.ZoneView, whole func() any) error {
	rows := make([][]any, len(list))
	for i, v := range list {
		place, state := v.Place, ""
		if v.By != nil {
			place = fmt.Sprintf("version %d by %s", v.By.Version, v.By.By)
		}
		if v.Rests != "" {
			state = "rests: " + v.Rests
		}
		c := v.Config
		rows[i] = []any{c.Name, orNil(c.Level), strings.Join(c.Subnets, " "), orNil(c.Criticality), orNil(c.Confidentiality), v.Devices, v.Origin, orNil(place), orNil(state)}
	}
	return r.writeRows([]string{"zone", "level", "subnets", "criticality", "confidentiality", "devices", "origin", "place", "state"}, rows, whole)
}

// tellZones says what a change of zones does.
func (r *root) tellZones(e *api.ZoneEffect) {
	if e == nil {
		return
	}
	for _, n := range e.Renamed {
		fmt.Fprintf(r.Err, "%s is called %s: %d devices are in it\n", printable(n.From), printable(n.To), n.Devices)
		r.tellList("follows", n.Follow)
		r.tellList("is not written, and read as the new name", n.Read)
		r.tellList("stays", n.Stay)
	}
	if len(e.Renamed) == 0 || e.Moves > 0 {
		fmt.Fprintf(r.Err, "%d devices change zone\n", e.Moves)
	}
	word := func(zone string) string {
		if zone == "" {
			return "no zone"
		}
		return printable(zone)
	}
	for _, m := range e.Devices {
		fmt.Fprintf(r.Err, "  %s: from %s to %s\n", printable(m.Name), word(m.From), word(m.To))
	}
	if more := e.Moves - len(e.Devices); more > 0 {
		fmt.Fprintf(r.Err, "  and %d more\n", more)
	}
	for _, a := range e.Accounts {
		fmt.Fprintf(r.Err, "the %s %s, limited to zones, sees %d devices more and %d fewer\n", a.Kind, printable(a.Name), a.More, a.Fewer)
	}
	if len(e.Conduits) > 0 {
		fmt.Fprintf(r.Err, "conduits between zones that gain or lose devices: %s\n", printable(strings.Join(e.Conduits, ", ")))
	}
	for _, n := range e.Notes {
		fmt.Fprintln(r.Err, printable(n))
	}
}

func (r *root) tellList(word string, list []string) {
	for _, x := range list {
		fmt.Fprintf(r.Err, "  %s: %s\n", word, printable(x))
	}
}

// zoneWith sets KEY=VALUE pairs on a zone; a list of subnets is given as a whole.
func zoneWith(z api.ZoneConfig, pairs []string) (api.ZoneConfig, error) {
	for _, p := range pairs {
		key, value, ok := strings.Cut(p, "=")
		into := map[string]*string{"level": &z.Level, "criticality": &z.Criticality, "confidentiality": &z.Confidentiality}[key]
		switch {
		case ok && key == "subnets":
			z.Subnets = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
		case ok && into != nil:
			*into = value
		default:
			return z, useError{fault.New(fault.Invalid, "%q is no KEY=VALUE of a zone", p).WithHint("subnets=10.1.0.0/16,10.2.0.0/16 level=2 criticality=high confidentiality=internal")}
		}
	}
	return z, nil
}

// zonesPut is the command that adds a zone, or changes one.
func (r *root) zonesPut(isNew bool) *cobra.Command {
	var c changeFlags
	cmd := &cobra.Command{Use: "set NAME KEY=VALUE...", Short: "change a zone that was set here", Args: cobra.MinimumNArgs(2)}
	if isNew {
		cmd.Use, cmd.Short = "add NAME subnets=10.1.0.0/16,... [level=2] [criticality=high] [confidentiality=internal]", "add a zone"
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		change, err := c.change()
		if err != nil {
			return err
		}
		return r.with(cmd.Context(), func(b backend) error {
			from := api.ZoneConfig{Name: args[0], Subnets: []string{}}
			if !isNew {
				list, err := b.ConfiguredZones(cmd.Context())
				if err != nil {
					return err
				}
				for _, v := range list {
					if v.Config.Name == args[0] {
						from = v.Config
					}
				}
			}
			next, err := zoneWith(from, args[1:])
			if err != nil {
				return err
			}
			v, err := b.PutZone(cmd.Context(), api.ZonePut{Change: change, Config: next, New: isNew})
			if err != nil {
				return err
			}
			r.tellZones(v.Effect)
			return r.printZones([]api.ZoneView{v}, func() any { return v })
		})
	}
	c.flags(cmd)
	return cmd
}

func (r *root) zonesRename() *cobra.Command {
	var c changeFlags
	cmd := &cobra.Command{
		Use: "rename NAME NEW", Short: "give a zone that was set here another name, with all that goes by it", Args: cobra.ExactArgs(2),
		Long: "Devices, accounts, tokens and what people said of devices follow in one change; conduits, groups of the identity provider and rules of models, which files name, are read as if\n" +
			"they had the new name. --check tells what follows and what keeps the old name. A zone of the configuration is renamed there; the command then lets the rest follow.",
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := c.change()
			if err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				v, err := b.RenameZone(cmd.Context(), api.ZoneRename{Change: change, Name: args[0], To: args[1]})
				if err != nil {
					return err
				}
				r.tellZones(v.Effect)
				return nil
			})
		},
	}
	c.flags(cmd)
	return cmd
}

func (r *root) zonesRemove() *cobra.Command {
	var c changeFlags
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "remove a zone that was set here", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := c.change()
			if err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				v, err := b.RemoveZone(cmd.Context(), api.ZoneDeed{Change: change, Name: args[0]})
				if err == nil {
					r.tellZones(v.Effect)
				}
				return err
			})
		},
	}
	c.flags(cmd)
	return cmd
}
