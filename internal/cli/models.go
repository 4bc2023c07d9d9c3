package cli

import "github.com/spf13/cobra"

func (r *root) modelsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "models",
		Short: "find language models, and see what they are",
		Long:  "Everything works without a model. One widens it, when the site's policy lets the data go there.",
	}
	cmd.AddCommand(r.modelsDiscover())
	return cmd
}
