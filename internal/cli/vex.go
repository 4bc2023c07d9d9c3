package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/vex"
)

func (r *root) vulnsState() *cobra.Command {
	var req api.VexRequest
	status := ""
	cmd := &cobra.Command{
		Use: "state CVE", Short: "say for this site whether a product in a version has a vulnerability, and how that is known", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Vulnerability, req.Actor, req.Status = args[0], person(), advisory.Status(status)
			return r.with(cmd.Context(), func(b backend) error {
				s, err := b.StateVuln(cmd.Context(), req)
				if err != nil {
					return err
				}
				return r.printStated([]vex.Statement{s})
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&req.Device, "device", "", "the device whose product and firmware it is on: id, name or address")
	f.StringVar(&req.Vendor, "vendor", "", "who makes the product")
	f.StringVar(&req.Product, "product", "", "its name or order number")
	f.StringVar(&req.Version, "version", "", "the version; without it, every version")
	f.StringVar(&req.PURL, "purl", "", "a package URL")
	f.StringVar(&status, "status", "", "not_affected, affected, fixed or under_investigation")
	f.StringVar(&req.Justification, "justification", "", "for not_affected: "+strings.Join(vex.Justifications(), ", "))
	f.StringVar(&req.Why, "why", "", "how that is known")
	f.BoolVar(&req.Withdrawn, "withdraw", false, "take a statement on the same back")
	return cmd
}

func (r *root) vulnsVEX() *cobra.Command {
	all, author, format := false, vex.Author{}, ""
	cmd := &cobra.Command{
		Use: "vex", Short: "write this site's own statements as OpenVEX, CSAF or CycloneDX; --all lists all that were ever made", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(b backend) error {
				list, err := b.StatedVulns(cmd.Context(), all)
				if err != nil {
					return err
				}
				if all {
					return r.printStated(list)
				}
				var text []byte
				switch format {
				case "openvex":
					text, err = vex.OpenVEX(list, author.Name)
				case "csaf":
					text, err = vex.CSAF(list, author)
				case "cyclonedx":
					text, err = vex.CycloneDX(list, author)
				default:
					err = useError{fault.New(fault.Invalid, "there is no format %.20q of VEX", format).WithHint("openvex, csaf or cyclonedx")}
				}
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(r.Out, string(text))
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "list all, also those that were replaced or taken back")
	cmd.Flags().StringVar(&format, "format", "openvex", "openvex, csaf (2.0, profile csaf_vex) or cyclonedx (1.6)")
	cmd.Flags().StringVar(&author.Namespace, "namespace", "", "an address under the author's control, for csaf")
	cmd.Flags().StringVar(&author.Name, "author", "this site", "who vouches for the document")
	return cmd
}

func (r *root) printStated(list []vex.Statement) error {
	columns := []string{"at", "by", "vulnerability", "product", "status", "justification", "why", "withdrawn"}
	rows := make([][]any, len(list))
	for i, s := range list {
		rows[i] = []any{s.At, s.By, s.Vulnerability, strings.TrimSpace(s.Vendor + " " + s.Product + " " + s.Version + " " + s.PURL), string(s.Status), orNil(s.Justification), s.Why, s.Withdrawn}
	}
	return r.writeRows(columns, rows, func() any { return list })
}
