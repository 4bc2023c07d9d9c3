package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/app"
)

func (r *root) configPrint() *cobra.Command {
	alone := false
	cmd := &cobra.Command{
		Use: "print", Short: "print the settings in force as YAML, where each is set, and what was set while the server runs", Args: cobra.NoArgs,
		Long: "Prints what the configuration says as YAML. Comments after it tell where each value that is no default is set (file and line, variable or flag), and what was set by\n" +
			"API, console or commands beside it, with who did it. --alone leaves that out and needs no data directory.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := app.PrintConfig(r.sources(), r.Out); err != nil || alone {
				return err
			}
			cfg, err := app.LoadConfig(r.sources(), nil)
			if err != nil {
				return err
			}
			r.printOrigins(cfg.From)
			if _, err := os.Stat(cmp.Or(cfg.Dir, r.data)); err != nil && r.server == "" {
				return nil // nothing can have been set, and printing makes no directory
			}
			return r.with(cmd.Context(), func(b backend) error { return r.printSet(cmd.Context(), b) })
		},
	}
	cmd.Flags().BoolVar(&alone, "alone", false, "the configuration alone")
	return cmd
}

// printOrigins tells where values of the configuration are set.
func (r *root) printOrigins(from map[string]string) {
	keys := make([]string, 0, len(from))
	for k := range from {
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		fmt.Fprintln(r.Out, "\n# Nothing is configured: all of that is the default.")
		return
	}
	slices.Sort(keys)
	fmt.Fprintln(r.Out, "\n# Set by the configuration, and fixed; all else is the default:")
	for _, k := range keys {
		fmt.Fprintf(r.Out, "#   %s: %s\n", printable(k), printable(from[k]))
	}
}

// setLine is one thing that was set while a server ran.
type setLine struct {
	key   string
	value any
	by    *api.SettingBy
	rests string
}

// printSet tells what was set by API, console and commands, as comments.
func (r *root) printSet(ctx context.Context, b backend) error {
	lines, err := setLines(ctx, b)
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		fmt.Fprintln(r.Out, "\n# Nothing was set by API, console or commands.")
		return nil
	}
	fmt.Fprintln(r.Out, "\n# Set by API, console or commands (vedette settings history, vedette settings undo):")
	for _, l := range lines {
		raw, err := json.Marshal(l.value)
		if err != nil {
			return err
		}
		who := ""
		if l.by != nil {
			who = fmt.Sprintf("  # version %d by %s", l.by.Version, l.by.By)
			if l.by.Why != "" {
				who += ": " + l.by.Why
			}
		}
		if l.rests != "" {
			who += "; does not count: " + l.rests
		}
		fmt.Fprintf(r.Out, "#   %s: %s%s\n", printable(l.key), printable(string(raw)), printable(strings.ReplaceAll(who, "\n", " ")))
	}
	return nil
}

// setLines are all of them, by key.
func setLines(ctx context.Context, b backend) ([]setLine, error) {
	kept, err := b.Retention(ctx)
	if err != nil {
		return nil, err
	}
	var out []setLine
	for key, s := range map[string]api.Setting{"retention.events": kept.Events, "retention.disk": kept.Disk} {
		out = append(out, valueLine(key, s)...)
	}
	for _, part := range []func(context.Context, backend) ([]setLine, error){sourceLines, zoneLines, feedLines, modelLines, limitLines, userLines, ruleLines} {
		lines, err := part(ctx, b)
		if err != nil {
			return nil, err
		}
		out = append(out, lines...)
	}
	slices.SortStableFunc(out, func(x, y setLine) int { return cmp.Compare(x.key, y.key) })
	return out, nil
}

func sourceLines(ctx context.Context, b backend) (out []setLine, err error) {
	list, err := b.ConfiguredSources(ctx)
	for _, v := range list {
		if v.Origin == api.FromHere {
			out = append(out, setLine{"sources." + v.Config.Name, v.Config, v.By, v.Rests})
		}
		if v.Stopped != nil {
			out = append(out, setLine{"sources." + v.Config.Name + ".stopped", true, v.Stopped, ""})
		}
	}
	return out, err
}

func zoneLines(ctx context.Context, b backend) (out []setLine, err error) {
	list, err := b.ConfiguredZones(ctx)
	for _, v := range list {
		if v.Origin == api.FromHere {
			out = append(out, setLine{"zones." + v.Config.Name, v.Config, v.By, v.Rests})
		}
	}
	return out, err
}

func feedLines(ctx context.Context, b backend) (out []setLine, err error) {
	list, err := b.ConfiguredPulls(ctx)
	for _, v := range list {
		if v.Origin == api.FromHere {
			out = append(out, setLine{"pulls." + v.Config.Name, v.Config, v.By, v.Rests})
		}
		if v.Paused != nil {
			out = append(out, setLine{"pulls." + v.Config.Name + ".paused", true, v.Paused, ""})
		}
	}
	return out, err
}

func modelLines(ctx context.Context, b backend) (out []setLine, err error) {
	list, err := b.ConfiguredModels(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range list {
		if v.Origin == api.FromHere {
			out = append(out, setLine{"models.endpoints." + v.Config.Name, v.Config, v.By, v.Rests})
		}
	}
	p, err := b.ModelPolicy(ctx)
	for key, s := range map[string]api.Setting{"models.mode": p.Mode, "models.questions": p.Questions, "models.redact_on_premises": p.Redact} {
		out = append(out, valueLine(key, s)...)
	}
	for _, v := range p.Rules {
		if v.Origin == api.FromHere {
			out = append(out, setLine{"models.policy.rules." + v.Rule.Name, v.Rule, nil, ""})
		}
	}
	return out, err
}

func userLines(ctx context.Context, b backend) (out []setLine, err error) {
	list, err := b.BrokerUsers(ctx, "")
	for _, v := range list {
		if v.Origin == api.FromHere {
			out = append(out, setLine{"sources." + v.Broker + ".users." + v.Config.Name, v.Config, v.By, v.Rests})
		}
	}
	return out, err
}

func limitLines(ctx context.Context, b backend) (out []setLine, err error) {
	l, err := b.Limits(ctx)
	for _, x := range l.Limits {
		out = append(out, valueLine("limits."+x.Key, x.Setting)...)
	}
	return out, err
}

// valueLine is one value, if it was set while a server ran.
func valueLine(key string, s api.Setting) []setLine {
	switch {
	case s.Kept != "":
		return []setLine{{key, s.Kept, s.By, "the configuration says otherwise, at " + s.Place}}
	case s.Origin == api.FromHere:
		return []setLine{{key, s.Value, s.By, ""}}
	}
	return nil
}

func ruleLines(ctx context.Context, b backend) (out []setLine, err error) {
	list, err := b.Rules(ctx)
	for i := range list {
		if v := &list[i]; v.Origin == api.FromHere {
			out = append(out, setLine{"rules." + v.ID, v.Title, v.By, v.Refused})
		}
		if v := &list[i]; v.Disabled != nil {
			out = append(out, setLine{"rules." + v.ID + ".disabled", true, v.Disabled, ""})
		}
	}
	return out, err
}
