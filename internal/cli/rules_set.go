package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
)

func (r *root) rulesAllCommand() *cobra.Command {
	return &cobra.Command{
		Use: "all", Short: "list all rules of the data directory, those that are off too, and where each comes from", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				list, err := b.Rules(cmd.Context())
				if err != nil {
					return err
				}
				return r.printRuleViews(list, func() any { return map[string]any{"rows": list, "total": len(list)} })
			})
		},
	}
}

func (r *root) rulesShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "show one rule, with its text if it was uploaded", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				v, err := b.Rule(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if err := r.printRuleViews([]api.RuleView{v}, func() any { return v }); err != nil {
					return err
				}
				if r.output == "table" && v.Text != "" {
					fmt.Fprintln(r.Out)
					for line := range strings.Lines(v.Text) {
						fmt.Fprintln(r.Out, printable(strings.TrimRight(line, "\n")))
					}
				}
				return nil
			})
		},
	}
}

func (r *root) printRuleViews(list []api.RuleView, whole func() any) error {
	columns := []string{"rule", "title", "level", "origin", "state", "by", "file"}
	rows := make([][]any, len(list))
	for i, v := range list {
		state, by := "on", ""
		switch {
		case v.Disabled != nil:
			state, by = "off", v.Disabled.By
		case v.Refused != "":
			state = "refused: " + v.Refused
		}
		if v.By != nil && by == "" {
			by = v.By.By
		}
		rows[i] = []any{v.ID, v.Title, v.Level, v.Origin, state, orNil(by), v.File}
	}
	return r.writeRows(columns, rows, whole)
}

func (r *root) rulesAddCommand() *cobra.Command {
	var c changeFlags
	var test string
	cmd := &cobra.Command{
		Use: "add FILE", Short: "upload a rule, or put it in the place of the uploaded one of its id; its test is run before it counts", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := c.change()
			if err != nil {
				return err
			}
			put := api.RulePut{Change: change}
			text, err := readSmall(args[0])
			if err != nil {
				return err
			}
			put.Text = string(text)
			if test != "" {
				lines, err := readSmall(test)
				if err != nil {
					return err
				}
				put.Test = string(lines)
			}
			return r.with(cmd.Context(), func(b backend) error {
				v, err := b.PutRule(cmd.Context(), put)
				if err != nil {
					return err
				}
				r.tellRule(v)
				return r.printRuleViews([]api.RuleView{v}, func() any { return v })
			})
		},
	}
	cmd.Flags().StringVar(&test, "test", "", "its test, a file as vedette rules test reads it")
	c.flags(cmd)
	return cmd
}

func (r *root) tellRule(v api.RuleView) {
	for _, n := range v.Notes {
		fmt.Fprintln(r.Err, printable(n))
	}
	for _, t := range v.Tests {
		if t.OK {
			fmt.Fprintf(r.Err, "%s: ok, %d events\n", printable(t.Section), t.Events)
		} else {
			fmt.Fprintf(r.Err, "%s: %s\n", printable(t.Section), printable(t.Reason))
		}
	}
}

// rulesDo is a command that enables, disables or removes a rule.
func (r *root) rulesDo(do, short string) *cobra.Command {
	var c changeFlags
	cmd := &cobra.Command{
		Use: do + " ID", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := c.change()
			if err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				v, err := b.ChangeRule(cmd.Context(), api.RuleDeed{Change: change, ID: args[0], Do: do})
				if err != nil {
					return err
				}
				r.tellRule(v)
				if do == "remove" {
					return nil
				}
				return r.printRuleViews([]api.RuleView{v}, func() any { return v })
			})
		},
	}
	c.flags(cmd)
	return cmd
}
