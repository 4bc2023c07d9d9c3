package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/fault"
)

// maxHanded bounds a file that goes to the server within a request.
const maxHanded = 512 << 10

func (r *root) modelsCommand() *cobra.Command {
	list := func(cmd *cobra.Command, _ []string) error { return r.listModels(cmd) }
	cmd := &cobra.Command{
		Use:   "models",
		Short: "list, propose, approve, retire and verify the language models that may be used",
		Long: "A model that was not approved here, was retired, or is not the one that was approved, is refused. Each decision needs a person's name and a\n" +
			"reason, and is kept in the audit journal.",
		Args: cobra.NoArgs, RunE: list,
	}
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "list the register of models", Args: cobra.NoArgs, RunE: list},
		&cobra.Command{Use: "show ID", Short: "show all that is known of a model, and how far it is known", Args: cobra.ExactArgs(1), ValidArgsFunction: r.completeModels, RunE: r.showModel},
		r.proposeModelCommand(), r.signModelCommand(),
		r.decideModelCommand("approve ID", "let a proposed model be used; its files are read once more", api.ModelApprove),
		r.decideModelCommand("retire ID", "end the use of a model, at once", api.ModelRetire),
		r.attachModelCommand(), r.verifyModelCommand(), r.modelsDiscover(), r.modelsExplain(), r.modelsEndpoints(), r.modelsPolicy(),
		&cobra.Command{
			Use: "export [ID...]", Short: "write the models, or those with these ids, as a CycloneDX 1.6 bill of materials with model cards", ValidArgsFunction: r.completeModels,
			RunE: func(cmd *cobra.Command, args []string) error {
				return r.with(cmd.Context(), func(b backend) error { return b.ExportModels(cmd.Context(), args, r.Out) })
			},
		},
	)
	return cmd
}

// completeModels offers the ids of the register.
func (r *root) completeModels(cmd *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
	return r.complete(cmd, start, func(b backend, offer func(id, about string)) error {
		list, err := b.Models(cmd.Context())
		for _, m := range list {
			offer(m.ID, m.State)
		}
		return err
	})
}

func (r *root) listModels(cmd *cobra.Command) error {
	return r.with(cmd.Context(), func(b backend) error {
		list, err := b.Models(cmd.Context())
		if err != nil {
			return err
		}
		if len(list) == 0 && r.output == "table" {
			fmt.Fprintln(r.Err, "no model is in the register, so none is used: the built-in engines work alone. Propose one with \"vedette models propose PATH\"")
			return nil
		}
		columns := []string{"id", "state", "kind", "model", "endpoint", "location", "size", "digest", "signed_by", "decided_by", "decided", "problem"}
		rows := make([][]any, len(list))
		for i, m := range list {
			rows[i] = modelRow(m)
		}
		return r.writeRows(columns, rows, func() any {
			return queryResult{Columns: columns, Rows: rowObjects{columns, rows}, Total: int64(len(rows))}
		})
	})
}

func modelRow(m api.Model) []any {
	row := []any{m.ID, m.State, "remote", nil, nil, nil, nil, nil, nil, nil, nil, orNil(m.Problem)}
	if f := m.Files; f != nil {
		row[2], row[6], row[7] = f.Format, f.Bytes, f.Digest[:min(len(f.Digest), 23)]
		row[3] = orNil(strings.TrimSpace(f.Architecture + " " + f.Quantisation))
		if f.Signature != nil {
			row[8] = f.Signature.Key
		}
	}
	if e := m.Endpoint; e != nil {
		row[3], row[4], row[5] = e.Model, e.Name, e.Location
	}
	if m.Problem != "" {
		row[2] = nil
	}
	if n := len(m.History); n > 0 {
		row[9], row[10] = m.History[n-1].By, timeOrNil(m.History[n-1].At)
	}
	return row
}

func (r *root) showModel(cmd *cobra.Command, args []string) error {
	return r.with(cmd.Context(), func(b backend) error {
		m, err := b.Model(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return r.printModel(m)
	})
}

func (r *root) proposeModelCommand() *cobra.Command {
	var p api.ModelProposal
	var at api.ModelEndpoint
	var card, signature string
	var keys []string
	cmd := &cobra.Command{
		Use:   "propose [PATH]",
		Short: "put a model into the register: a GGUF or safetensors file, a directory of them, an endpoint, or files and the endpoint that serves them",
		Long: "The files are read whole and pinned by their digest. A pickle, a program or anything else that a loader could run is refused. Proposing a\n" +
			"model again withdraws its approval.",
		Example: "  vedette models propose /models/small.gguf --endpoint local --why \"summaries of incidents\"\n" +
			"  vedette models propose --endpoint cloud --url https://models.example/v1 --model big-1 --location cloud --card card.yaml --why \"drafts\"",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				var err error
				if p.Path, err = filepath.Abs(args[0]); err != nil {
					return fault.Wrap(fault.Invalid, err, "proposing %s", args[0])
				}
			}
			if at.Name != "" {
				p.Endpoint = &at
			}
			if err := r.completeProposal(&p, card, signature, keys); err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				m, err := b.ProposeModel(cmd.Context(), p)
				if err != nil {
					return err
				}
				if err := r.printModel(m); err != nil {
					return err
				}
				fmt.Fprintf(r.Err, "proposed; it is used once somebody approves it: vedette models approve %s --by NAME --why \"...\"\n", m.ID)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&p.ID, "id", "", "what to call it here (default: the file's name, or the endpoint's)")
	f.StringVar(&p.By, "by", person(), "who proposes it")
	f.StringVar(&p.Why, "why", "", "what for; it is kept in the audit journal")
	f.StringVar(&at.Name, "endpoint", "", "the endpoint that serves it")
	f.StringVar(&at.URL, "url", "", "the endpoint's address (default: as it is configured)")
	f.StringVar(&at.Model, "model", "", "the name that the endpoint knows it by (default: as it is configured)")
	f.StringVar(&at.Version, "version", "", "its version, as its maker calls it")
	f.StringVar(&at.Location, "location", "", "on-premises or cloud (default: as it is configured)")
	f.StringVar(&at.Wire, "wire", "", "openai, anthropic or gemini (default: as it is configured)")
	f.StringVar(&at.Served, "served-digest", "", "the digest that the endpoint tells of it; another one later means another model")
	f.StringVar(&p.Pin, "pin", "", "what of the endpoint's TLS chain to pin: leaf, issuer or none (default leaf)")
	f.StringVar(&card, "card", "", "file with the model card and canary questions, YAML or JSON; see docs/model-register.md")
	f.StringVar(&signature, "signature", "", "detached signature (OpenSSF Model Signing, by a key)")
	f.StringArrayVar(&keys, "key", nil, "public key in PEM form that you trust for it; may be repeated")
	_ = cmd.MarkFlagRequired("why") // it exists
	return cmd
}

// completeProposal reads the files that go along and finds an id.
func (r *root) completeProposal(p *api.ModelProposal, card, signature string, keys []string) (err error) {
	if p.ID == "" {
		name := strings.TrimSuffix(filepath.Base(p.Path), filepath.Ext(p.Path))
		if p.Path == "" && p.Endpoint != nil {
			name = p.Endpoint.Name
		}
		p.ID = modelID(name)
	}
	if card != "" {
		if p.Card, err = readHanded(card); err != nil {
			return err
		}
	}
	if signature != "" {
		if p.Signature, err = readHanded(signature); err != nil {
			return err
		}
		p.Inside = within(p.Path, signature)
	}
	for _, name := range keys {
		raw, err := readHanded(name)
		if err != nil {
			return err
		}
		p.Keys = append(p.Keys, api.ModelKey{Name: filepath.Base(name), PEM: raw})
	}
	return nil
}

// modelID makes an id of a name.
func modelID(name string) string {
	id := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_':
			return c
		}
		return '-'
	}, strings.ToLower(name))
	return strings.Trim(id[:min(len(id), 64)], "-._")
}

// within is the name of a file within a directory, or "".
func within(dir, file string) string {
	abs, err := filepath.Abs(file)
	if err != nil || dir == "" {
		return ""
	}
	rel, err := filepath.Rel(dir, abs)
	if err != nil || !filepath.IsLocal(rel) || rel == "." {
		return ""
	}
	return filepath.ToSlash(rel)
}

// readHanded reads a small file that goes to the server.
func readHanded(name string) (raw []byte, err error) {
	in, err := os.Open(name) //nolint:gosec // G304: the person named it
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "reading %s", name)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if raw, err = io.ReadAll(io.LimitReader(in, maxHanded+1)); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "reading %s", name)
	}
	if len(raw) > maxHanded {
		return nil, fault.New(fault.Limited, "reading %s: it has more than %d KiB", name, maxHanded>>10)
	}
	return raw, nil
}

// decideModelCommand is a command by which a person decides on a model.
func (r *root) decideModelCommand(use, short string, action api.ModelAction) *cobra.Command {
	d := api.ModelDecision{Action: action}
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1), ValidArgsFunction: r.completeModels, RunE: func(cmd *cobra.Command, args []string) error {
		d.ID = args[0]
		return r.with(cmd.Context(), func(b backend) error {
			m, err := b.DecideModel(cmd.Context(), d)
			if err != nil {
				return err
			}
			return r.printModel(m)
		})
	}}
	cmd.Flags().StringVar(&d.By, "by", "", "the person who decides; it is kept with the model and in the audit journal")
	cmd.Flags().StringVar(&d.Why, "why", "", "the reason; it is kept with the model and in the audit journal")
	_ = cmd.MarkFlagRequired("by")  // it exists
	_ = cmd.MarkFlagRequired("why") // it exists
	return cmd
}

func (r *root) attachModelCommand() *cobra.Command {
	d := api.ModelDecision{Action: api.ModelAttach}
	cmd := &cobra.Command{
		Use: "attach ID RESULT", Short: "keep the result of a scored run (vedette eval --output json) with a model, by digest and figures", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			d.ID, d.Ref = args[0], filepath.Base(args[1])
			d.Name = cmp.Or(d.Name, strings.TrimSuffix(d.Ref, filepath.Ext(d.Ref)))
			if d.Result, err = readHanded(args[1]); err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				m, err := b.DecideModel(cmd.Context(), d)
				if err != nil {
					return err
				}
				return r.printModel(m)
			})
		},
	}
	cmd.Flags().StringVar(&d.Name, "name", "", "what was scored (default: the file's name)")
	cmd.Flags().StringVar(&d.By, "by", person(), "who attaches it")
	cmd.Flags().StringVar(&d.Why, "why", "", "the reason; it is kept in the audit journal")
	_ = cmd.MarkFlagRequired("why") // it exists
	return cmd
}

func (r *root) verifyModelCommand() *cobra.Command {
	v := api.ModelVerification{By: person()}
	cmd := &cobra.Command{
		Use: "verify ID", Short: "look at all of a model that can be looked at: approval, files, signature, drift; exits with 1 if something is wrong",
		Args: cobra.ExactArgs(1), ValidArgsFunction: r.completeModels,
		RunE: func(cmd *cobra.Command, args []string) error {
			v.ID = args[0]
			return r.with(cmd.Context(), func(b backend) error {
				list, err := b.VerifyModel(cmd.Context(), v)
				if err != nil {
					return err
				}
				return r.printVerified(list)
			})
		},
	}
	cmd.Flags().BoolVar(&v.Ask, "ask", false, "put the canary questions to the model too")
	return cmd
}

func (r *root) signModelCommand() *cobra.Command {
	var key, to string
	cmd := &cobra.Command{
		Use: "sign PATH", Short: "sign a model of your own with a key (OpenSSF Model Signing); writes the detached signature", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pem, err := readHanded(key)
			if err != nil {
				return err
			}
			path, err := filepath.Abs(args[0])
			if err != nil {
				return fault.Wrap(fault.Invalid, err, "signing %s", args[0])
			}
			to = cmp.Or(to, args[0]+".sig")
			raw, err := app.SignModel(cmd.Context(), path, within(path, to), pem)
			if err != nil {
				return err
			}
			if err := os.WriteFile(to, raw, 0o644); err != nil { //nolint:gosec // G306: a signature is public
				return fault.Wrap(fault.Unavailable, err, "writing %s", to)
			}
			fmt.Fprintf(r.Err, "signed; the signature is in %s\n", printable(to))
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "private key in PEM form: ECDSA on P-256, P-384 or P-521")
	cmd.Flags().StringVar(&to, "to", "", "where to write the signature (default: PATH.sig)")
	_ = cmd.MarkFlagRequired("key") // it exists
	return cmd
}
