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

func (r *root) modelsEndpoints() *cobra.Command {
	cmd := &cobra.Command{
		Use: "endpoints", Short: "show the endpoints of models as they are set, and where; its commands change them while the server runs", Args: cobra.NoArgs,
		Long: "Lists which models can be asked, by whom that was set and whether they are approved. What the configuration says is fixed and is changed there, but can be approved and retired.\n" +
			"Keys are in files below settings.secrets or the folder secrets, and are never shown. A change of address, location or model ends an approval: approve it again.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				list, err := b.ConfiguredModels(cmd.Context())
				if err != nil {
					return err
				}
				return r.printServers(list, func() any { return map[string]any{"rows": list, "total": len(list)} })
			})
		},
	}
	cmd.AddCommand(r.serversPut(true), r.serversPut(false), r.serversDo("approve", "let the model of an endpoint be asked, as it is now; the key of its server is pinned"),
		r.serversDo("retire", "end the use of an endpoint's model, at once"), r.serversDo("remove", "remove an endpoint that was set here, and retire its approval"), r.serversTest())
	return cmd
}

func (r *root) printServers(list []api.ModelServerView, whole func() any) error {
	rows := make([][]any, len(list))
	for i, v := range list {
		place, state := v.Place, "approved"
		if v.By != nil {
			place = fmt.Sprintf("version %d by %s", v.By.Version, v.By.By)
		}
		switch {
		case v.Rests != "":
			state = "rests: " + v.Rests
		case v.Problem != "":
			state = "not asked: " + v.Problem
		case v.Approval == "":
			state = ""
		}
		rows[i] = []any{v.Config.Name, v.Config.Model, v.Config.Location, v.Config.URL, v.Origin, orNil(place), orNil(state)}
	}
	return r.writeRows([]string{"endpoint", "model", "location", "url", "origin", "place", "state"}, rows, whole)
}

// tellServer tells what was found of an endpoint, and what a change opens.
func (r *root) tellServer(v api.ModelServerView) {
	for _, x := range v.Checks {
		fmt.Fprintf(r.Err, "%s: %s\n", x.State, printable(x.Text))
	}
	for _, x := range v.Loosens {
		fmt.Fprintf(r.Err, "opens: %s\n", printable(x))
	}
}

// serverWith sets KEY=VALUE pairs on an endpoint; terms.operator and its like are
// within, networks are given with commas. An empty value takes the setting out.
func serverWith(c api.ModelServer, pairs []string) (api.ModelServer, error) {
	m, err := keysOf(c)
	if err != nil {
		return c, err
	}
	for _, p := range pairs {
		key, value, ok := strings.Cut(p, "=")
		bad := useError{fault.New(fault.Invalid, "%q is no KEY=VALUE of an endpoint", p).WithHint("such as url=http://127.0.0.1:11434/v1 model=qwen2.5:7b location=on-premises; docs/models.md lists them")}
		if !ok || key == "" || key == "name" {
			return c, bad
		}
		in := m
		if group, inner, ok := strings.Cut(key, "."); ok {
			sub, _ := m[group].(map[string]any)
			if sub == nil {
				sub = map[string]any{}
			}
			m[group], in, key = sub, sub, inner
		}
		switch {
		case value == "":
			delete(in, key)
		case key == "networks":
			in[key] = strings.Split(value, ",")
		case key == "context":
			if in[key], err = strconv.Atoi(value); err != nil {
				return c, bad
			}
		default:
			in[key] = value
		}
	}
	var out api.ModelServer
	return out, strictly(m, &out, "an endpoint", "docs/models.md lists them")
}

// serversPut is the command that adds an endpoint, or changes one.
func (r *root) serversPut(isNew bool) *cobra.Command {
	var c changeFlags
	ask := false
	cmd := &cobra.Command{Use: "set NAME KEY=VALUE...", Short: "change an endpoint that was set here", Args: cobra.MinimumNArgs(2)}
	if isNew {
		cmd.Use, cmd.Short = "add NAME url=URL model=MODEL location=on-premises|cloud [KEY=VALUE...]", "add an endpoint of a model; with --ask it is asked a harmless question first"
	} else {
		cmd.ValidArgsFunction = r.completeServers
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		change, err := c.change()
		if err != nil {
			return err
		}
		return r.with(cmd.Context(), func(b backend) error {
			from := api.ModelServer{Name: args[0]}
			if !isNew {
				if from, err = serverNamed(cmd.Context(), b, args[0]); err != nil {
					return err
				}
			}
			next, err := serverWith(from, args[1:])
			if err != nil {
				return err
			}
			v, err := b.PutModelServer(cmd.Context(), api.ModelServerPut{Change: change, Config: next, New: isNew, Ask: ask})
			if err != nil {
				return err
			}
			r.tellServer(v)
			return r.printServers([]api.ModelServerView{v}, func() any { return v })
		})
	}
	c.flags(cmd)
	cmd.Flags().BoolVar(&ask, "ask", false, "ask it how much 17 times 3 is; nothing of the site is sent, and journal and ledger have it")
	return cmd
}

func serverNamed(ctx context.Context, b backend, name string) (api.ModelServer, error) {
	list, err := b.ConfiguredModels(ctx)
	for _, v := range list {
		if v.Config.Name == name {
			return v.Config, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "there is no endpoint %q of a model", name).WithHint("list them with: vedette models endpoints")
	}
	return api.ModelServer{}, err
}

// completeServers offers the names of endpoints.
func (r *root) completeServers(cmd *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
	return r.complete(cmd, start, func(b backend, offer func(id, about string)) error {
		list, err := b.ConfiguredModels(cmd.Context())
		for _, v := range list {
			offer(v.Config.Name, v.Config.Model)
		}
		return err
	})
}

// serversDo is a command that removes, approves or retires an endpoint.
func (r *root) serversDo(do, short string) *cobra.Command {
	var c changeFlags
	cmd := &cobra.Command{
		Use: do + " NAME", Short: short, Args: cobra.ExactArgs(1), ValidArgsFunction: r.completeServers,
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := c.change()
			if err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				v, err := b.ChangeModelServer(cmd.Context(), api.ModelServerDeed{Change: change, Name: args[0], Do: do})
				if err != nil || do == "remove" {
					return err
				}
				return r.printServers([]api.ModelServerView{v}, func() any { return v })
			})
		},
	}
	c.flags(cmd)
	return cmd
}

// serversTest puts a harmless question to an endpoint; exit code 1 if it did not
// answer it.
func (r *root) serversTest() *cobra.Command {
	return &cobra.Command{
		Use: "test NAME", Short: "ask an endpoint how much 17 times 3 is; nothing of the site is sent, and journal and ledger have it", Args: cobra.ExactArgs(1), ValidArgsFunction: r.completeServers,
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				v, err := b.ChangeModelServer(cmd.Context(), api.ModelServerDeed{Change: api.Change{Actor: person()}, Name: args[0], Do: "test"})
				if err != nil {
					return err
				}
				rows := make([][]any, len(v.Checks))
				failed := len(rows) == 0
				for i, x := range v.Checks {
					rows[i] = []any{x.State, x.Text}
					failed = failed || x.State == "problem" || i == 0 && strings.HasPrefix(x.Text, "it was not asked")
				}
				if err := r.writeRows([]string{"state", "what"}, rows, func() any { return v.Checks }); err != nil || !failed {
					return err
				}
				return fault.New(fault.Unavailable, "the endpoint %s did not answer the question", args[0])
			})
		},
	}
}

// modelsPolicy shows and sets how far data may go.
func (r *root) modelsPolicy() *cobra.Command {
	var c changeFlags
	var mode, questions, redact string
	cmd := &cobra.Command{
		Use: "policy", Short: "show or set how far questions and data may go to models; its commands set rules that narrow it", Args: cobra.NoArgs,
		Long: "Shows mode, secrecy of questions, pseudonyms on the premises and rules, and where each is set. What lets data go further than before needs --confirm. Restricted data never\n" +
			"leaves the premises, whatever is set; an empty value is the default again.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			want := api.ModelPolicyChange{}
			for name, v := range map[string]struct{ from, to any }{"mode": {&mode, &want.Mode}, "questions": {&questions, &want.Questions}, "redact-on-premises": {&redact, &want.Redact}} {
				if cmd.Flags().Changed(name) {
					*v.to.(**string) = v.from.(*string)
				}
			}
			if want.Mode == nil && want.Questions == nil && want.Redact == nil {
				return r.with(cmd.Context(), func(b backend) error {
					p, err := b.ModelPolicy(cmd.Context())
					if err != nil {
						return err
					}
					return r.printPolicy(p)
				})
			}
			return r.setPolicy(cmd, &c, func(api.ModelPolicy) (api.ModelPolicyChange, error) { return want, nil })
		},
	}
	c.flags(cmd)
	cmd.Flags().StringVar(&mode, "mode", "", "off, on-premises, hybrid or cloud")
	cmd.Flags().StringVar(&questions, "questions", "", "how secret what people type is: public, internal, confidential or restricted")
	cmd.Flags().StringVar(&redact, "redact-on-premises", "", "true: models on the premises see pseudonyms too")
	cmd.AddCommand(r.policyRule(), r.policyUnrule())
	return cmd
}

// setPolicy makes a change to what is set.
func (r *root) setPolicy(cmd *cobra.Command, c *changeFlags, want func(now api.ModelPolicy) (api.ModelPolicyChange, error)) error {
	change, err := c.change()
	if err != nil {
		return err
	}
	return r.with(cmd.Context(), func(b backend) error {
		now, err := b.ModelPolicy(cmd.Context())
		if err != nil {
			return err
		}
		w, err := want(now)
		if err != nil {
			return err
		}
		w.Change = change
		if w.Rules != nil {
			w.Seen = &now.Version // the list is put in the place of what was seen
		}
		p, err := b.SetModelPolicy(cmd.Context(), w)
		if err != nil {
			return err
		}
		for _, x := range p.Loosens {
			fmt.Fprintf(r.Err, "opens: %s\n", printable(x))
		}
		return r.printPolicy(p)
	})
}

func (r *root) printPolicy(p api.ModelPolicy) error {
	var rows [][]any
	for _, x := range []struct {
		name string
		s    api.Setting
	}{{"mode", p.Mode}, {"questions", p.Questions}, {"redact_on_premises", p.Redact}} {
		place := x.s.Place
		if x.s.By != nil {
			place = fmt.Sprintf("version %d by %s", x.s.By.Version, x.s.By.By)
		}
		rows = append(rows, []any{x.name, x.s.Value, x.s.Origin, orNil(place)})
	}
	for _, v := range p.Rules {
		raw, err := json.Marshal(v.Rule)
		if err != nil {
			return err
		}
		rows = append(rows, []any{"rule", string(raw), v.Origin, orNil(v.Place)})
	}
	return r.writeRows([]string{"setting", "value", "origin", "place"}, rows, func() any { return p })
}

// setRules are the rules of a policy that were set here.
func setRules(p api.ModelPolicy) []api.ModelRule {
	out := []api.ModelRule{}
	for _, v := range p.Rules {
		if v.Origin == api.FromHere {
			out = append(out, v.Rule)
		}
	}
	return out
}

func (r *root) policyRule() *cobra.Command {
	var c changeFlags
	cmd := &cobra.Command{
		Use: "rule NAME highest=built-in|on-premises [zones=A,B] [types=plc] [sources=zeek/conn] [tlp=amber] [tasks=plan,narrate]", Short: "add a rule that narrows where matching data may go, or put it in the place of the one of its name", Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			m := map[string]any{"name": args[0]}
			for _, p := range args[1:] {
				key, value, ok := strings.Cut(p, "=")
				switch {
				case !ok || key == "name" || value == "":
					return useError{fault.New(fault.Invalid, "%q is no KEY=VALUE of a rule", p).WithHint("such as highest=on-premises zones=safety")}
				case key == "highest":
					m[key] = value
				default:
					m[key] = strings.Split(value, ",")
				}
			}
			var rule api.ModelRule
			if err := strictly(m, &rule, "a rule", "docs/models.md lists them"); err != nil {
				return err
			}
			return r.setPolicy(cmd, &c, func(now api.ModelPolicy) (api.ModelPolicyChange, error) {
				list := setRules(now)
				for i := range list {
					if list[i].Name == rule.Name {
						list[i] = rule
						return api.ModelPolicyChange{Rules: &list}, nil
					}
				}
				list = append(list, rule)
				return api.ModelPolicyChange{Rules: &list}, nil
			})
		},
	}
	c.flags(cmd)
	return cmd
}

func (r *root) policyUnrule() *cobra.Command {
	var c changeFlags
	cmd := &cobra.Command{
		Use: "unrule NAME", Short: "take out a rule that was set here; data that it held back may go further", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.setPolicy(cmd, &c, func(now api.ModelPolicy) (api.ModelPolicyChange, error) {
				list := []api.ModelRule{}
				for _, x := range setRules(now) {
					if x.Name != args[0] {
						list = append(list, x)
					}
				}
				if len(list) == len(setRules(now)) {
					return api.ModelPolicyChange{}, fault.New(fault.NotFound, "there is no rule %q that was set here", args[0]).WithHint("list them with: vedette models policy")
				}
				return api.ModelPolicyChange{Rules: &list}, nil
			})
		},
	}
	c.flags(cmd)
	return cmd
}
