package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/app"
)

// discovered is a model server as the product tells of it.
type discovered = app.ModelServer

func (r *root) modelsDiscover() *cobra.Command {
	var hosts, networks []string
	cmd := &cobra.Command{
		Use:   "discover",
		Short: "look for model servers on this machine and on named hosts (Ollama, llama.cpp, vLLM, LM Studio)",
		Long: "Asks this machine and the hosts that are named, at the ports that model servers use, for at most 1.5 seconds.\n" +
			"No other host is asked, no model is loaded and nothing is changed. What a server tells of itself is not verified.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			inside, err := prefixes(networks)
			if err != nil {
				return err
			}
			list, err := app.DiscoverModels(cmd.Context(), hosts, inside)
			if err != nil {
				return useError{err}
			}
			if err := r.printModels(list); err != nil {
				return err
			}
			r.nextModel(list)
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&hosts, "host", nil, "ask this host too, HOST or HOST:PORT; may be given several times")
	cmd.Flags().StringSliceVar(&networks, "network", nil, "a subnet that is ours although it is not private; hosts elsewhere are not asked")
	return cmd
}

// printModels writes one row a model, and one of a server that lists none. What
// a model lacks is too long for a cell of a table and goes below it.
func (r *root) printModels(list []discovered) error {
	columns := []string{"url", "software", "model", "family", "parameters", "quantization", "context", "loaded", "runs_at", "problem", "lacks"}
	rows := [][]any{}
	for _, s := range list {
		software := strings.TrimSpace(s.Software + " " + s.Version)
		if len(s.Models) == 0 {
			rows = append(rows, []any{s.URL, software, nil, nil, nil, nil, nil, nil, nil, orNil(s.Problem), nil})
		}
		for _, m := range s.Models {
			rows = append(rows, []any{s.URL, software, m.Name, m.Family, orNil(m.Parameters), orNil(m.Quantization), tokensOrNil(m.Context), m.Loaded, orNil(m.Remote), orNil(s.Problem), m.Lacks})
		}
	}
	if r.output != "table" {
		return r.writeRows(columns, rows, func() any { return list })
	}
	if len(rows) == 0 {
		return nil
	}
	last := len(columns) - 1
	for i, row := range rows {
		rows[i] = row[:last]
	}
	if err := r.writeRows(columns[:last], rows, nil); err != nil {
		return err
	}
	for _, s := range list {
		for _, m := range s.Models {
			for _, lack := range m.Lacks {
				fmt.Fprintf(r.Err, "%s: %s\n", printable(m.Name), printable(lack))
			}
		}
	}
	return nil
}

// tokensOrNil is how much a model holds; it may not be told.
func tokensOrNil(tokens int) any {
	if tokens == 0 {
		return nil
	}
	return tokens
}

// nextModel says what to do with what was found.
func (r *root) nextModel(list []discovered) {
	if len(list) == 0 {
		fmt.Fprintln(r.Err, "no model server answered on this machine; name other hosts with --host. Everything works without one")
		return
	}
	for _, s := range list {
		for _, m := range s.Models {
			if !m.Usable || m.Remote != "" {
				continue
			}
			name := shellWord(m.Name)
			fmt.Fprintf(r.Err, "to try one for a single command:\n  VEDETTE_MODEL_URL=%s VEDETTE_MODEL_NAME=%s VEDETTE_MODEL_LOCATION=on-premises vedette ask \"...\"\n", s.URL, name)
			digest := ""
			if m.Digest != "" {
				digest = " --served-digest " + shellWord(m.Digest)
			}
			fmt.Fprintf(r.Err, "to put it to work for good, one approval is enough:\n  vedette models propose --endpoint local --url %s --model %s --location on-premises%s --why \"...\"\n  vedette models approve ID --by NAME --why \"...\"\n", s.URL, name, digest)
			return
		}
	}
}

// shellWord quotes a name that a server told, for a line that a person copies.
func shellWord(name string) string {
	name = printable(name)
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._:/-", c)
	}
	if name != "" && !strings.ContainsFunc(name, func(c rune) bool { return !plain(c) }) && name[0] != '-' {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
