package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"vedette/content"
	"vedette/internal/detect/sigma"
	"vedette/internal/detect/sigma/rule"
	"vedette/internal/detect/sigma/rulefile"
	"vedette/internal/fault"
)

func (r *root) rulesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "detection rules (Sigma): list, check, test, run and set them",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		r.rulesListCommand(), r.rulesCheckCommand(), r.rulesRunCommand(), r.rulesTestCommand(),
		r.rulesAllCommand(), r.rulesShowCommand(), r.rulesAddCommand(), r.rulesTryCommand(),
		r.rulesDo("enable", "let a rule that is off count again"),
		r.rulesDo("disable", "let a rule not count, also one that ships with the program"),
		r.rulesDo("remove", "remove a rule that was uploaded"),
	)
	return cmd
}

// ruleOptions are the options of compiling that commands share.
type ruleOptions struct {
	mapping string
	values  []string
}

func (o *ruleOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.mapping, "mapping", "", "a file of log sources and fields to use for the built-in one")
	cmd.Flags().StringArrayVar(&o.values, "value", nil, "a value of a %placeholder%, as NAME=VALUE; may be given again")
}

// compileRules loads and compiles the rules in paths, or the built-in ones.
func compileRules(paths []string, o *ruleOptions) (*rulefile.Loaded, *sigma.Set, []sigma.Refusal, error) {
	opts, err := o.options()
	if err != nil {
		return nil, nil, nil, err
	}
	load := func() (*rulefile.Loaded, error) { return rulefile.Load(paths...) }
	if len(paths) == 0 {
		load = func() (*rulefile.Loaded, error) { return rulefile.FromFS(content.Rules()) }
	}
	loaded, err := load()
	if err != nil {
		return nil, nil, nil, err
	}
	set, refused := loaded.Compile(opts)
	return loaded, set, refused, nil
}

func (o *ruleOptions) options() (sigma.Options, error) {
	data := content.SigmaMapping()
	if o.mapping != "" {
		var err error
		if data, err = readSmall(o.mapping); err != nil {
			return sigma.Options{}, err
		}
	}
	m, err := sigma.ParseMapping(data)
	if err != nil {
		return sigma.Options{}, err
	}
	opts := sigma.Options{Mapping: m, Expand: content.RuleValues()}
	for _, v := range o.values {
		name, value, ok := cutPair(v)
		if !ok {
			return opts, useError{fault.New(fault.Invalid, "--value %q is no NAME=VALUE", v)}
		}
		opts.Expand[name] = append(opts.Expand[name], value)
	}
	return opts, nil
}

func (r *root) rulesListCommand() *cobra.Command {
	var o ruleOptions
	cmd := &cobra.Command{
		Use:   "list [PATH...]",
		Short: "list the rules in files, directories and zip archives; without a path the built-in ones",
		RunE: func(_ *cobra.Command, args []string) error {
			_, set, refused, err := compileRules(args, &o)
			if err != nil {
				return err
			}
			r.tellRefused(refused)
			return r.printRules(set)
		},
	}
	o.flags(cmd)
	return cmd
}

func (r *root) printRules(set *sigma.Set) error {
	columns := []string{"rule", "title", "level", "techniques", "logsource", "kind", "file"}
	var rows [][]any
	for _, x := range set.Rules() {
		kind := "rule"
		if x.Kind == rule.Correlation {
			kind = "correlation"
		}
		rows = append(rows, []any{x.ID, x.Title, x.Severity.String(), x.Techniques, x.Source.String(), kind, x.File})
	}
	return r.writeRows(columns, rows, func() any { return tableOf(columns, rows) })
}

// tableOf is rows as --output json has them.
func tableOf(columns []string, rows [][]any) any {
	list := make([]map[string]any, len(rows))
	for i, row := range rows {
		list[i] = make(map[string]any, len(columns))
		for n, c := range columns {
			list[i][c] = row[n]
		}
	}
	return map[string]any{"columns": columns, "rows": list, "total": len(rows)}
}

// tellRefused names on stderr what was not taken.
func (r *root) tellRefused(refused []sigma.Refusal) {
	for _, f := range refused {
		fmt.Fprintf(r.Err, "%s: %s refused: %s\n", printable(place(f)), printable(f.Rule), printable(f.Reason))
	}
	r.rejected = r.rejected || len(refused) > 0
}

func place(f sigma.Refusal) string {
	if f.Line > 1 {
		return fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	return f.File
}
