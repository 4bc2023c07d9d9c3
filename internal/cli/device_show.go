package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vedette/internal/asset"
)

// judgeCommand is a command by which a person says which devices are one.
func (r *root) judgeCommand(use, short string, args int, act func(context.Context, backend, []string, string) (asset.Device, error)) *cobra.Command {
	var why string
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(args), RunE: func(cmd *cobra.Command, args []string) error {
		return r.with(cmd.Context(), func(b backend) error {
			d, err := act(cmd.Context(), b, args, why)
			if err != nil {
				return err
			}
			return r.printDevice(d)
		})
	}}
	cmd.Flags().StringVar(&why, "reason", "", "why; it is kept with the device and in the audit journal")
	_ = cmd.MarkFlagRequired("reason") // it exists
	return cmd
}

// printDevice shows all that is known of a device.
func (r *root) printDevice(d asset.Device) error {
	if r.output != "table" {
		columns, rows := r.deviceRows([]asset.Device{d})
		return r.writeRows(columns, rows, func() any {
			full := map[string]any{
				"attributes": d.Attributes, "hostnames": d.Hostnames, "software": d.Software, "serves": d.Serves, "speaks": d.Speaks, "gateway": d.Gateway,
				"merged_from": d.MergedFrom, "addresses": d.Bindings, "changes": d.Changes, "firmware_history": d.Firmware, "evidence": d.Evidence,
			}
			for i, c := range columns {
				full[c] = rows[0][i]
			}
			return full
		})
	}
	r.printFacts(d)
	for _, part := range []func(asset.Device) error{r.printAttributes, r.printBindings, r.printFirmware, r.printChanges, r.printEvidence} {
		if err := part(d); err != nil {
			return err
		}
	}
	return nil
}

func (r *root) printFacts(d asset.Device) {
	for _, line := range []struct {
		name  string
		value any
	}{
		{"uid", d.UID},
		{"name", d.Name()},
		{"ips", d.IPs},
		{"macs", d.MACs},
		{"hostnames", d.Hostnames},
		{"serves", d.Serves},
		{"speaks", d.Speaks},
		{"software", d.Software},
		{"merged from", d.MergedFrom},
		{"first seen", timeOrNil(d.FirstSeen)},
		{"last seen", timeOrNil(d.LastSeen)},
	} {
		if text := cellText(line.value); text != "" {
			fmt.Fprintf(r.Out, "%-12s %s\n", line.name, printable(text))
		}
	}
}

func (r *root) printAttributes(d asset.Device) error {
	var rows [][]any
	for _, k := range asset.Keys() {
		if a, ok := d.Attributes[k]; ok {
			rows = append(rows, []any{string(k), a.Value, string(a.Source), a.Confidence, timeOrNil(a.Since)})
		}
	}
	return r.printPart([]string{"attribute", "value", "source", "confidence", "since"}, rows)
}

func (r *root) printBindings(d asset.Device) error {
	rows := make([][]any, len(d.Bindings))
	for i, b := range d.Bindings {
		rows[i] = []any{b.IP, orNil(b.MAC), timeOrNil(b.From), timeOrNil(b.Until)}
	}
	return r.printPart([]string{"address", "mac", "from", "until"}, rows)
}

func (r *root) printChanges(d asset.Device) error {
	rows := make([][]any, len(d.Changes))
	for i, c := range d.Changes {
		rows[i] = []any{c.What, c.Other, c.Why, string(c.Source), c.Confidence, c.At, orNil(strings.Join(slices.Concat(c.IPs, c.MACs), " "))}
	}
	return r.printPart([]string{"change", "other device", "because", "source", "confidence", "at", "addresses"}, rows)
}

func (r *root) printEvidence(d asset.Device) error {
	rows := make([][]any, len(d.Evidence))
	for i, e := range d.Evidence {
		rows[i] = []any{string(e.Key), e.Value, e.What, string(e.Source), e.Confidence, timeOrNil(e.Since), orNil(e.Event)}
	}
	return r.printPart([]string{"evidence for", "value", "because", "source", "confidence", "since", "event"}, rows)
}

// printPart prints a table under an empty line, and nothing without rows.
func (r *root) printPart(columns []string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintln(r.Out)
	return writeTable(r.Out, columns, rows)
}
