package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/api/account"
	"vedette/internal/authz"
	"vedette/internal/fault"
)

func (r *root) userCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "user", Short: "list, add, change and remove accounts of people",
		Long: "Accounts are made without a password: a one-time link, opened on the server within a day, sets it.",
	}
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "list the accounts", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return r.listUsers(cmd.Context()) }},
		r.userAdd(), r.userSet(),
		&cobra.Command{Use: "remove NAME", Short: "remove an account with its sessions and tokens", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(b backend) error { return b.RemoveUser(cmd.Context(), person(), args[0]) })
		}},
		&cobra.Command{Use: "link NAME", Short: "make a one-time link by which the user sets a new password", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				made, err := b.LinkUser(cmd.Context(), person(), args[0])
				return r.printLink(made, err)
			})
		}},
	)
	return cmd
}

func (r *root) printLink(made account.Made, err error) error {
	if err != nil {
		return err
	}
	if r.output == "json" || r.output == "ndjson" {
		return r.writeJSON(made)
	}
	fmt.Fprintln(r.Err, "open this path on the server within a day; it works once:")
	fmt.Fprintln(r.Out, made.Path)
	return nil
}

func (r *root) listUsers(ctx context.Context) error {
	return r.with(ctx, func(b backend) error {
		users, err := b.ListUsers(ctx)
		if err != nil {
			return err
		}
		columns := []string{"name", "roles", "zones", "disabled", "password", "passkey", "created", "signed_in"}
		rows := make([][]any, len(users))
		for i, u := range users {
			rows[i] = []any{u.Name, words(u.Roles), u.Zones, u.Disabled, u.Password, passkeyWord(u), u.Created, timeOrNil(u.SignedIn)}
		}
		return r.writeRows(columns, rows, func() any { return users })
	})
}

// passkeyWord tells how an account stands with a passkey after the password.
func passkeyWord(u account.User) string {
	word := ""
	switch {
	case u.Required:
		word = "required, "
	case u.Second:
		word = "own wish, "
	}
	return fmt.Sprintf("%s%d", word, u.Passkeys)
}

func words[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

func named[T ~string](list []string) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = T(strings.TrimSpace(v))
	}
	return out
}

func (r *root) userAdd() *cobra.Command {
	var roles, zones []string
	var second bool
	cmd := &cobra.Command{
		Use: "add NAME", Short: "make an account and print its one-time link", Args: cobra.ExactArgs(1),
		Example: "  vedette user add ann --role analyst\n  vedette user add bob --role responder --zone \"cell 1\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				made, err := b.AddUser(cmd.Context(), person(), account.NewUser{Name: args[0], Roles: named[authz.Role](roles), Zones: zones, Second: second})
				return r.printLink(made, err)
			})
		},
	}
	cmd.Flags().StringSliceVar(&roles, "role", []string{string(authz.Viewer)}, "viewer, analyst, responder, auditor or admin; several by commas")
	cmd.Flags().StringSliceVar(&zones, "zone", nil, "limit it to these zones (default: all)")
	cmd.Flags().BoolVar(&second, "need-passkey", false, "a passkey must follow the password, from the first sign-in on")
	return cmd
}

func (r *root) userSet() *cobra.Command {
	var roles, zones []string
	var disabled, second bool
	cmd := &cobra.Command{
		Use: "set NAME", Short: "change the roles or zones of an account, or disable it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var c account.UserChange
			if cmd.Flags().Changed("role") {
				c.Roles = new(named[authz.Role](roles))
			}
			if cmd.Flags().Changed("zone") {
				c.Zones = &zones
			}
			if cmd.Flags().Changed("disabled") {
				c.Disabled = &disabled
			}
			if cmd.Flags().Changed("need-passkey") {
				c.Second = &second
			}
			if c == (account.UserChange{}) {
				return useError{fault.New(fault.Invalid, "nothing is to be changed").WithHint("give --role, --zone, --disabled or --need-passkey")}
			}
			return r.with(cmd.Context(), func(b backend) error {
				u, err := b.SetUser(cmd.Context(), person(), args[0], c)
				if err == nil && r.output != "table" {
					return r.writeJSON(u)
				}
				if err == nil && c.Second != nil && u.Required && u.Passkeys == 0 {
					fmt.Fprintf(r.Err, "%s has no passkey: it can add one while it is signed in; else a new link lets it in: vedette user link %s\n", u.Name, u.Name)
				}
				return err
			})
		},
	}
	cmd.Flags().StringSliceVar(&roles, "role", nil, "the roles from now on")
	cmd.Flags().StringSliceVar(&zones, "zone", nil, "the zones from now on; --zone= lifts the limit")
	cmd.Flags().BoolVar(&disabled, "disabled", false, "it cannot be signed in with; --disabled=false undoes it")
	cmd.Flags().BoolVar(&second, "need-passkey", false, "a passkey must follow the password; --need-passkey=false leaves it to its owner")
	return cmd
}

func (r *root) tokenCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "list, add and revoke tokens of programs"}
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "list the tokens", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return r.listTokens(cmd.Context()) }},
		r.tokenAdd(),
		&cobra.Command{Use: "revoke ID", Short: "revoke a token, by id or name", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(b backend) error { return b.RevokeToken(cmd.Context(), person(), args[0]) })
		}},
	)
	return cmd
}

func (r *root) listTokens(ctx context.Context) error {
	return r.with(ctx, func(b backend) error {
		tokens, err := b.ListTokens(ctx)
		if err != nil {
			return err
		}
		columns := []string{"id", "name", "owner", "roles", "scope", "zones", "created", "expires", "used"}
		rows := make([][]any, len(tokens))
		for i, t := range tokens {
			rows[i] = []any{t.ID, t.Name, orNil(t.Owner), words(t.Roles), words(t.Scope), t.Zones, t.Created, t.Expires, timeOrNil(t.Used)}
		}
		return r.writeRows(columns, rows, func() any { return tokens })
	})
}

func (r *root) tokenAdd() *cobra.Command {
	var n account.NewToken
	var roles, scope []string
	var days int
	cmd := &cobra.Command{
		Use: "add NAME", Short: "make a token and print it, this once", Args: cobra.ExactArgs(1),
		Example: "  vedette token add collector --role admin --scope events.ingest --days 365\n  vedette token add notebook --owner ann",
		RunE: func(cmd *cobra.Command, args []string) error {
			if days < 1 || days > 731 {
				return useError{fault.New(fault.Invalid, "a token lasts from 1 to 731 days, not %d", days)}
			}
			n.Name, n.Roles, n.Scope, n.Expires = args[0], named[authz.Role](roles), named[authz.Action](scope), time.Duration(days)*24*time.Hour
			return r.with(cmd.Context(), func(b backend) error {
				made, err := b.AddToken(cmd.Context(), person(), n)
				if err != nil {
					return err
				}
				if r.output == "json" || r.output == "ndjson" {
					return r.writeJSON(made)
				}
				fmt.Fprintf(r.Err, "token %s lasts until %s; it is shown this once:\n", made.Token.ID, made.Token.Expires.Format(time.DateOnly))
				fmt.Fprintln(r.Out, made.Secret)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&roles, "role", nil, "its roles; of an owner's token at most the owner's (default: these)")
	f.StringSliceVar(&scope, "scope", nil, "confine it to these actions, such as events.ingest or metrics.read")
	f.StringSliceVar(&n.Zones, "zone", nil, "limit it to these zones")
	f.StringVar(&n.Owner, "owner", "", "the user that it belongs to (default: the site)")
	f.IntVar(&days, "days", 90, "how long it lasts")
	return cmd
}
