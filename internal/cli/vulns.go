package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/intel/feed"
	"vedette/internal/vuln/library"
	"vedette/internal/vuln/match"
)

func (r *root) sbomCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "sbom", Short: "take in bills of materials (CycloneDX, SPDX)"}
	var req api.VulnImport
	take := &cobra.Command{
		Use: "import PATH...", Short: "take in bills of materials; files, directories, .gz, .zip, - is stdin", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if req.Device != "" && req.Product != "" {
				return useError{fault.New(fault.Invalid, "a bill of materials is of a device or of a product").WithHint("give --device or --product, not both")}
			}
			req.Actor = person()
			var rep library.BillReport
			err := r.sendFiles(cmd.Context(), args, func(ctx context.Context, b backend, in io.Reader) (err error) {
				rep, err = b.ImportBills(ctx, req, in)
				return err
			})
			if err != nil {
				return err
			}
			columns := []string{"path", "format", "status", "reason", "components", "purls", "cpes"}
			rows := make([][]any, len(rep.Files))
			for i, f := range rep.Files {
				rows[i] = []any{f.Path, orNil(f.Format), f.Status, orNil(f.Reason), f.Components, f.PURLs, f.CPEs}
				r.rejected = r.rejected || f.Status != "ok"
			}
			return r.writeRows(columns, rows, func() any { return rep })
		},
	}
	take.Flags().StringVar(&req.Device, "device", "", "the device that runs it: id, name or address")
	take.Flags().StringVar(&req.Product, "product", "", "the product that it is of")
	cmd.AddCommand(take, r.sbomHistory(), r.sbomDiff())
	return cmd
}

func (r *root) advisoriesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "advisories", Short: "take in what is published about vulnerabilities"}
	cmd.AddCommand(&cobra.Command{
		Use: "import PATH...", Short: "take in CSAF, CVE 5, OSV, KEV, EPSS, OpenVEX, CycloneDX VEX; files, directories, .jsonl, .gz, .zip, - is stdin",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var rep library.Report
			err := r.sendFiles(cmd.Context(), args, func(ctx context.Context, b backend, in io.Reader) (err error) {
				rep, err = b.ImportAdvisories(ctx, api.VulnImport{Actor: person()}, in)
				return err
			})
			if err != nil {
				return err
			}
			return r.printAdvisories(rep)
		},
	})
	return cmd
}

func (r *root) printAdvisories(rep library.Report) error {
	columns := []string{"path", "format", "status", "reason", "id", "products", "vulnerabilities"}
	rows := make([][]any, len(rep.Files))
	for i, f := range rep.Files {
		rows[i] = []any{f.Path, orNil(f.Format), f.Status, orNil(f.Reason), orNil(f.ID), f.Products, f.Vulnerabilities}
		r.rejected = r.rejected || f.Status != "ok" || f.Rejected > 0
	}
	if err := r.writeRows(columns, rows, func() any { return rep }); err != nil {
		return err
	}
	if r.output == "table" {
		fmt.Fprintf(r.Err, "%d new; %d advisories about %d vulnerabilities are known\n", rep.New, rep.Stats.Advisories, rep.Stats.Vulnerabilities)
	}
	return nil
}

// sendFiles packs the files into one stream, so that it makes no difference who
// reads it.
func (r *root) sendFiles(ctx context.Context, paths []string, send func(context.Context, backend, io.Reader) error) error {
	return r.with(ctx, func(b backend) error {
		in, out := io.Pipe()
		go func() { _ = out.CloseWithError(feed.Pack(out, paths, r.In)) }()
		err := send(ctx, b, in)
		_ = in.Close() // what is left need not be sent
		return err
	})
}

func (r *root) vulnsCommand() *cobra.Command {
	var filter api.VulnFilter
	why := false
	list := func(cmd *cobra.Command, args []string) error {
		return r.with(cmd.Context(), func(b backend) error {
			f, what := filter, ""
			if len(args) > 0 {
				f.ID, what = args[0], " by "+printable(args[0])
			}
			all, err := b.ListVulns(cmd.Context(), f)
			if err != nil {
				return err
			}
			if len(all.Rows) == 0 && r.output == "table" {
				fmt.Fprintf(r.Err, "nothing of the inventory is known to be affected%s\n", what)
				return nil
			}
			if f.Limit == 0 && len(all.Rows) < all.Total {
				fmt.Fprintf(r.Err, "the first %d of %d; narrow the list with --decision, --status or --of\n", len(all.Rows), all.Total)
			}
			return r.printVulns(all.Rows, true, why || r.output == "json" || r.output == "ndjson")
		})
	}
	cmd := &cobra.Command{Use: "vulns", Short: "what of the fleet is vulnerable, and what to do first", Args: cobra.NoArgs, RunE: list}
	lists := &cobra.Command{Use: "list [CVE]", Short: "list what devices and bills of materials are affected by, or by one vulnerability", Args: cobra.MaximumNArgs(1), RunE: list}
	for _, c := range []*cobra.Command{cmd, lists} {
		c.Flags().StringVar(&filter.Subject, "of", "", "one subject of the list, such as product:gateway")
		c.Flags().StringVar(&filter.Status, "status", "", "affected or undetermined; not_affected with a CVE or --of")
		c.Flags().StringVar(&filter.Decision, "decision", "", "act, attend, track* or track")
		c.Flags().BoolVar(&why, "why", false, "show how each decision came about")
		c.Flags().IntVar(&filter.Limit, "limit", 0, "at most so many rows; 0: as many as one answer has")
	}
	cmd.AddCommand(
		lists,
		r.vulnsMatch(),
		r.vulnsPlan(),
		r.vulnsTask(),
		r.vulnsHistory(),
		r.vulnsState(),
		r.vulnsVEX(),
		&cobra.Command{Use: "show CVE", Short: "tell all that is known of a vulnerability", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				v, err := b.ShowVuln(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return r.printVuln(v)
			})
		}},
	)
	return cmd
}

func (r *root) vulnsMatch() *cobra.Command {
	var q match.Query
	var on match.Platform
	cmd := &cobra.Command{
		Use: "match", Short: "tell what a product in a version is affected by", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if q.Product == "" && len(q.PURLs) == 0 && len(q.CPEs) == 0 {
				return useError{fault.New(fault.Invalid, "no product is given").WithHint("give --vendor, --product and --version, or --purl or --cpe")}
			}
			if on.Product != "" {
				q.On = &on
			}
			return r.with(cmd.Context(), func(b backend) error {
				rows, err := b.MatchVulns(cmd.Context(), q)
				if err != nil {
					return err
				}
				if len(rows) == 0 && r.output == "table" {
					fmt.Fprintln(r.Err, "no advisory names this product; that says nothing of whether it is vulnerable")
					return nil
				}
				return r.printVulns(rows, false, false)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.Vendor, "vendor", "", "who makes it")
	f.StringVar(&q.Product, "product", "", "its name or order number")
	f.StringVar(&q.Version, "version", "", "the version that runs")
	f.StringVar(&on.Vendor, "on-vendor", "", "who makes what it is installed on, or a component of")
	f.StringVar(&on.Product, "on", "", "what it is installed on, or a component of")
	f.StringVar(&on.Version, "on-version", "", "the version of that")
	f.StringArrayVar(&q.Models, "model", nil, "an order number besides")
	f.StringArrayVar(&q.PURLs, "purl", nil, "a package URL")
	f.StringArrayVar(&q.CPEs, "cpe", nil, "a CPE name")
	return cmd
}

func (r *root) printVulns(list []api.VulnRow, subjects, why bool) error {
	columns := []string{"id", "status", "decision", "fix", "reason", "source", "exploitation", "automatable", "technical_impact", "mission", "exposure", "confidence", "title"}
	if subjects {
		columns = append([]string{"subject", "component"}, columns...)
	}
	if why {
		columns = append(columns, "why")
	}
	rows := make([][]any, len(list))
	for i, v := range list {
		row := []any{v.ID, v.Status, v.Decision, orNil(v.Fix), v.Reason, v.Source, v.Exploitation, v.Automatable, v.TechnicalImpact, v.Mission, orNil(v.Exposure), v.Confidence, v.Title}
		if subjects {
			row = append([]any{v.Subject, orNil(v.Component)}, row...)
		}
		if why {
			row = append(row, v.Why)
		}
		rows[i] = row
	}
	return r.writeRows(columns, rows, func() any {
		return queryResult{Columns: columns, Rows: rowObjects{columns, rows}, Total: int64(len(rows))}
	})
}

func (r *root) printVuln(v api.VulnDetail) error {
	if r.output == "json" || r.output == "ndjson" {
		return r.writeJSON(v)
	}
	rows := [][]any{
		{"id", v.ID},
		{"title", v.Title},
		{"decision", v.Decision},
		{"exploitation", v.Exploitation},
		{"automatable", v.Automatable},
		{"technical impact", v.TechnicalImpact},
		{"kev", orNil(v.KEVSince)},
		{"cwe", v.CWE},
	}
	if v.EPSS != nil {
		rows = append(rows, []any{"epss", *v.EPSS})
	}
	for _, w := range v.Why {
		rows = append(rows, []any{"why", w})
	}
	for _, s := range v.CVSS {
		text := fmt.Sprintf("%.1f %s %s (%s)", s.Base, s.Severity, s.Vector, s.Source)
		if s.Computed != nil {
			text += fmt.Sprintf("; the vector gives %.1f", *s.Computed)
		}
		rows = append(rows, []any{"cvss", text})
	}
	for _, a := range v.Affected {
		rows = append(rows, []any{a.Status, a.Vendor + " " + a.Product + ": " + a.Versions + " (" + a.Source + ")"})
	}
	for _, m := range v.Remedies {
		rows = append(rows, []any{m.Kind, m.Text + " (" + m.Source + ")"})
	}
	for _, s := range v.Sources {
		rows = append(rows, []any{"source", s.ID + " " + s.Kind + " " + s.Publisher + " " + s.Updated})
	}
	return r.writeRows([]string{"what", "value"}, rows, func() any { return v })
}
