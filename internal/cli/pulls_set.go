package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/fault"
)

func (r *root) intelFeeds() *cobra.Command {
	cmd := &cobra.Command{
		Use: "feeds", Short: "show the feeds that are pulled as they are set, and where; its commands change them while the server runs", Args: cobra.NoArgs,
		Long: "Lists what is pulled, by whom that was set and how it is. What the configuration says is fixed and is changed there, but can be paused. A feed that is set here is asked on\n" +
			"the internet alone, unless it lies in a network that settings.inside in the configuration names; keys are in files below settings.secrets or the folder secrets.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				list, err := b.ConfiguredPulls(cmd.Context())
				if err != nil {
					return err
				}
				return r.printFeeds(list, func() any { return map[string]any{"rows": list, "total": len(list)} })
			})
		},
	}
	cmd.AddCommand(r.feedsPut(true), r.feedsPut(false), r.feedsDo("pause", "do not ask a feed until it is resumed, also after a restart"), r.feedsDo("resume", "ask a feed again that was paused"), r.feedsDo("remove", "pull a feed no more that was set here; what it gave is kept"))
	return cmd
}

func (r *root) printFeeds(list []api.PullView, whole func() any) error {
	rows := make([][]any, len(list))
	for i, v := range list {
		place, state := v.Place, ""
		if v.By != nil {
			place = fmt.Sprintf("version %d by %s", v.By.Version, v.By.By)
		}
		switch {
		case v.Rests != "":
			state = "rests: " + v.Rests
		case v.Paused != nil:
			state = "paused by " + v.Paused.By
		case v.Health != nil:
			state = v.Health.State
		}
		rows[i] = []any{v.Config.Name, v.Config.Kind, v.Config.URL, orNil(v.Config.Every), v.Origin, orNil(place), orNil(state)}
	}
	return r.writeRows([]string{"feed", "kind", "url", "every", "origin", "place", "state"}, rows, whole)
}

// The settings of a feed that are lists.
const feedLists = " hosts inside keys "

// feedWith sets KEY=VALUE pairs on a feed; a list is given as a whole, with commas.
// An empty value takes the setting out.
func feedWith(c api.PullConfig, pairs []string) (api.PullConfig, error) {
	m, err := keysOf(c)
	if err != nil {
		return c, err
	}
	for _, p := range pairs {
		key, value, ok := strings.Cut(p, "=")
		bad := useError{fault.New(fault.Invalid, "%q is no KEY=VALUE of a feed", p).WithHint("such as kind=indicators url=https://feed.example/list.txt every=6h; docs/intel.md lists them")}
		if !ok || key == "" || key == "name" {
			return c, bad
		}
		switch {
		case value == "":
			delete(m, key)
		case strings.Contains(feedLists, " "+key+" "):
			m[key] = strings.Split(value, ",")
		case key == "plain_http":
			if m[key], ok = map[string]bool{"true": true, "yes": true, "false": false, "no": false}[value]; !ok {
				return c, bad
			}
		case key == "confidence":
			if m[key], err = strconv.Atoi(value); err != nil {
				return c, bad
			}
		default:
			m[key] = value
		}
	}
	var out api.PullConfig
	return out, strictly(m, &out, "a feed", "docs/intel.md lists them")
}

// feedsPut is the command that adds a feed, or changes one.
func (r *root) feedsPut(isNew bool) *cobra.Command {
	var c changeFlags
	fetch := false
	cmd := &cobra.Command{Use: "set NAME KEY=VALUE...", Short: "change a feed that was set here", Args: cobra.MinimumNArgs(2)}
	if isNew {
		cmd.Use, cmd.Short = "add NAME kind=KIND url=URL [KEY=VALUE...]", "have a feed pulled; with --fetch it is asked for the head of its answer first"
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		change, err := c.change()
		if err != nil {
			return err
		}
		return r.with(cmd.Context(), func(b backend) error {
			from := api.PullConfig{Name: args[0]}
			if !isNew {
				if from, err = feedNamed(cmd.Context(), b, args[0]); err != nil {
					return err
				}
			}
			next, err := feedWith(from, args[1:])
			if err != nil {
				return err
			}
			v, err := b.PutPull(cmd.Context(), api.PullPut{Change: change, Config: next, New: isNew, Fetch: fetch})
			if err != nil {
				return err
			}
			for _, x := range v.Checks {
				fmt.Fprintf(r.Err, "%s: %s\n", x.State, printable(x.Text))
			}
			return r.printFeeds([]api.PullView{v}, func() any { return v })
		})
	}
	c.flags(cmd)
	cmd.Flags().BoolVar(&fetch, "fetch", false, "ask it for the head of its answer; nothing is taken in, and the journal has the address")
	return cmd
}

func feedNamed(ctx context.Context, b backend, name string) (api.PullConfig, error) {
	list, err := b.ConfiguredPulls(ctx)
	for _, v := range list {
		if v.Config.Name == name {
			return v.Config, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "there is no feed %q that is pulled", name).WithHint("list them with: vedette intel feeds")
	}
	return api.PullConfig{}, err
}

// feedsDo is a command that removes, pauses or resumes a feed.
func (r *root) feedsDo(do, short string) *cobra.Command {
	var c changeFlags
	cmd := &cobra.Command{
		Use: do + " NAME", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := c.change()
			if err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				v, err := b.ChangePull(cmd.Context(), api.PullDeed{Change: change, Name: args[0], Do: do})
				if err != nil || do == "remove" {
					return err
				}
				return r.printFeeds([]api.PullView{v}, func() any { return v })
			})
		},
	}
	c.flags(cmd)
	return cmd
}
