package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/fault"
)

// maxPasswordFile bounds a file with a password, in bytes.
const maxPasswordFile = 4096

func (r *root) sourcesUsers() *cobra.Command {
	cmd := &cobra.Command{
		Use: "users [BROKER]", Short: "show who may connect to brokers of ours, and where that is set; its commands change them while the server runs", Args: cobra.MaximumNArgs(1),
		Long: "Lists the users of sources of kind broker with the topics that they may publish and subscribe to. Those of a users_file are fixed and are changed there. A password is kept\n" +
			"as its hash and is never shown again; one that is made is printed once.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				list, err := b.BrokerUsers(cmd.Context(), strings.Join(args, ""))
				if err != nil {
					return err
				}
				return r.printUsers(list, func() any { return map[string]any{"rows": list, "total": len(list)} })
			})
		},
	}
	cmd.AddCommand(r.usersPut("add"), r.usersPut("set"), r.usersPut("password"), r.usersRemove())
	return cmd
}

func (r *root) printUsers(list []api.BrokerUserView, whole func() any) error {
	rows := make([][]any, len(list))
	for i, v := range list {
		place := v.Place
		if v.By != nil {
			place = fmt.Sprintf("version %d by %s", v.By.Version, v.By.By)
		}
		state := "may connect"
		if v.Rests != "" {
			state = "rests: " + v.Rests
		}
		rows[i] = []any{v.Broker, v.Config.Name, orNil(strings.Join(v.Config.Publish, " ")), orNil(strings.Join(v.Config.Subscribe, " ")), v.Origin, orNil(place), state}
	}
	return r.writeRows([]string{"broker", "user", "publish", "subscribe", "origin", "place", "state"}, rows, whole)
}

// usersPut is the command that adds a user, changes what one may do, or the password.
func (r *root) usersPut(do string) *cobra.Command {
	var c changeFlags
	var publish, subscribe []string
	var file, hash string
	cmd := &cobra.Command{Use: do + " BROKER NAME", Args: cobra.ExactArgs(2)}
	cmd.Short = map[string]string{
		"add": "add a user of a broker; without --password-file or --hash a password is made and printed once", "set": "change what a user may publish and subscribe to; their connections end",
		"password": "give a user another password; their connections end",
	}[do]
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		change, err := c.change()
		if err != nil {
			return err
		}
		put := api.BrokerUserPut{Change: change, Broker: args[0], Config: api.BrokerUser{Name: args[1], Publish: publish, Subscribe: subscribe}, New: do == "add", Renew: do == "password", Hash: hash}
		if file != "" {
			if put.Password, err = passwordIn(file); err != nil {
				return err
			}
		}
		return r.with(cmd.Context(), func(b backend) error {
			if do != "add" {
				if err := asTheyWere(cmd, b, &put); err != nil {
					return err
				}
			}
			v, err := b.PutBrokerUser(cmd.Context(), put)
			if err != nil {
				return err
			}
			if v.Secret != "" && r.output == "table" {
				fmt.Fprintf(r.Err, "the password, shown this once: %s\n", v.Secret)
			}
			return r.printUsers([]api.BrokerUserView{v}, func() any { return v })
		})
	}
	c.flags(cmd)
	if do != "password" {
		cmd.Flags().StringArrayVar(&publish, "publish", nil, "filter of topics that they may publish to, such as plants/+/{user}/#; may be given more than once")
		cmd.Flags().StringArrayVar(&subscribe, "subscribe", nil, "filter of topics that they may subscribe to; may be given more than once")
	}
	if do != "set" {
		cmd.Flags().StringVar(&file, "password-file", "", "file with the password on one line; - for the standard input")
		cmd.Flags().StringVar(&hash, "hash", "", "hash of the password as mosquitto_passwd writes it ($7$…)")
	}
	return cmd
}

// asTheyWere leaves what was not said as it is.
func asTheyWere(cmd *cobra.Command, b backend, put *api.BrokerUserPut) error {
	was, err := userNamed(cmd, b, put.Broker, put.Config.Name)
	if err != nil {
		return err
	}
	if !cmd.Flags().Changed("publish") {
		put.Config.Publish = was.Publish
	}
	if !cmd.Flags().Changed("subscribe") {
		put.Config.Subscribe = was.Subscribe
	}
	return nil
}

func userNamed(cmd *cobra.Command, b backend, broker, name string) (api.BrokerUser, error) {
	list, err := b.BrokerUsers(cmd.Context(), broker)
	for _, v := range list {
		if v.Config.Name == name {
			return v.Config, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "there is no user %q of the broker %s", name, broker).WithHint("list them with: vedette sources users %s", broker)
	}
	return api.BrokerUser{}, err
}

// passwordIn reads a password from a file, without the end of its line.
func passwordIn(name string) (string, error) {
	in := io.Reader(os.Stdin)
	if name != "-" {
		f, err := os.Open(name) //nolint:gosec // G304: whoever calls names it
		if err != nil {
			return "", fault.Wrap(fault.NotFound, err, "reading the password")
		}
		defer f.Close() //nolint:errcheck // only read
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxPasswordFile))
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "reading the password")
	}
	text := strings.TrimRight(string(raw), "\r\n")
	if text == "" || strings.ContainsAny(text, "\r\n") {
		return "", fault.New(fault.Invalid, "there is no password on one line in %s", name)
	}
	return text, nil
}

func (r *root) usersRemove() *cobra.Command {
	var c changeFlags
	cmd := &cobra.Command{
		Use: "remove BROKER NAME", Short: "remove a user of a broker that was set here; their connections and sessions end", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := c.change()
			if err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				v, err := b.RemoveBrokerUser(cmd.Context(), api.BrokerUserDeed{Change: change, Broker: args[0], Name: args[1]})
				for _, x := range v.Loosens {
					fmt.Fprintf(r.Err, "opens: %s\n", printable(x))
				}
				return err
			})
		},
	}
	c.flags(cmd)
	return cmd
}
