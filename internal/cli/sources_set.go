package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/fault"
)

func (r *root) sourcesConfig() *cobra.Command {
	return &cobra.Command{
		Use: "config", Short: "show the sources as they are set, and where", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				list, err := b.ConfiguredSources(cmd.Context())
				if err != nil {
					return err
				}
				return r.printSourceViews(list, func() any { return map[string]any{"rows": list, "total": len(list)} })
			})
		},
	}
}

func (r *root) printSourceViews(list []api.SourceView, whole func() any) error {
	columns := []string{"name", "kind", "origin", "place", "state", "settings"}
	rows := make([][]any, len(list))
	for i, v := range list {
		place, state := v.Place, ""
		if v.By != nil {
			place = fmt.Sprintf("version %d by %s", v.By.Version, v.By.By)
		}
		switch {
		case v.Rests != "":
			state = "rests: " + v.Rests
		case v.Stopped != nil:
			state = "stopped by " + v.Stopped.By
		case v.Status != nil:
			state = string(v.Status.State)
		}
		rows[i] = []any{v.Config.Name, v.Config.Kind, v.Origin, orNil(place), orNil(state), settingsOf(v.Config)}
	}
	return r.writeRows(columns, rows, whole)
}

// settingsOf is a source as one line, without its name and kind.
func settingsOf(c api.SourceConfig) string {
	c.Name, c.Kind = "", ""
	raw, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return strings.NewReplacer(`"name":"","kind":"",`, "", `"name":"","kind":""`, "").Replace(string(raw))
}

// The settings of a source that are lists, yes and no, or numbers.
const (
	listKeys = " allow topics devices paths "
	boolKeys = " cleartext promiscuous "
	intKeys  = " readers "
)

// withPairs sets KEY=VALUE pairs on a source; a list is given anew as a whole, each
// of its values by a pair of its own. An empty value takes the setting out.
func withPairs(c api.SourceConfig, pairs []string) (api.SourceConfig, error) {
	m, err := keysOf(c)
	if err != nil {
		return c, err
	}
	begun := map[string]bool{}
	for _, p := range pairs {
		key, value, ok := strings.Cut(p, "=")
		if !ok || key == "" || key == "name" {
			return c, useError{fault.New(fault.Invalid, "%q is no KEY=VALUE of a source", p).WithHint("such as listen=192.0.2.10:5514; docs/sources.md lists them")}
		}
		list, _ := m[key].([]any)
		if !begun[key] {
			list, begun[key] = nil, true
		}
		switch {
		case value == "":
			delete(m, key)
		case strings.Contains(listKeys, " "+key+" "):
			m[key] = append(list, value)
		case strings.Contains(boolKeys, " "+key+" "):
			if m[key], ok = map[string]bool{"true": true, "yes": true, "false": false, "no": false}[value]; !ok {
				return c, useError{fault.New(fault.Invalid, "%s is %q", key, value).WithHint("true or false")}
			}
		case strings.Contains(intKeys, " "+key+" "):
			n, err := strconv.Atoi(value)
			if err != nil {
				return c, useError{fault.New(fault.Invalid, "%s is %q", key, value).WithHint("a number")}
			}
			m[key] = n
		default:
			m[key] = value
		}
	}
	var out api.SourceConfig
	return out, strictly(m, &out, "a source", "docs/sources.md lists what each kind has")
}

// sourcesPut is the command that adds a source, or changes one.
func (r *root) sourcesPut(isNew bool) *cobra.Command {
	var c changeFlags
	cmd := &cobra.Command{Use: "set NAME KEY=VALUE...", Short: "change a source while the server runs", Args: cobra.MinimumNArgs(2)}
	if isNew {
		cmd.Use, cmd.Short = "add NAME kind=KIND KEY=VALUE...", "add a source while the server runs; a list has a pair for each value"
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		change, err := c.change()
		if err != nil {
			return err
		}
		return r.with(cmd.Context(), func(b backend) error {
			from := api.SourceConfig{Name: args[0]}
			if !isNew {
				if from, err = sourceNamed(cmd.Context(), b, args[0]); err != nil {
					return err
				}
			}
			next, err := withPairs(from, args[1:])
			if err != nil {
				return err
			}
			v, err := b.PutSource(cmd.Context(), api.SourcePut{Change: change, Config: next, New: isNew})
			if err != nil {
				return err
			}
			for _, x := range v.Checks {
				fmt.Fprintf(r.Err, "%s: %s\n", x.State, printable(x.Text))
			}
			return r.printSourceViews([]api.SourceView{v}, func() any { return v })
		})
	}
	c.flags(cmd)
	return cmd
}

func sourceNamed(ctx context.Context, b backend, name string) (api.SourceConfig, error) {
	list, err := b.ConfiguredSources(ctx)
	for _, v := range list {
		if v.Config.Name == name {
			return v.Config, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "there is no source %q", name).WithHint("list them with: vedette sources config")
	}
	return api.SourceConfig{}, err
}

// sourcesDo is a command that removes, stops or starts a source.
func (r *root) sourcesDo(do, short string) *cobra.Command {
	var c changeFlags
	cmd := &cobra.Command{
		Use: do + " NAME", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := c.change()
			if err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				v, err := b.ChangeSource(cmd.Context(), api.SourceDeed{Change: change, Name: args[0], Do: do})
				if err != nil || do == "remove" {
					return err
				}
				return r.printSourceViews([]api.SourceView{v}, func() any { return v })
			})
		},
	}
	c.flags(cmd)
	return cmd
}
