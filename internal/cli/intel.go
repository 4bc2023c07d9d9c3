package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/intel/feed"
	"vedette/internal/intel/library"
)

func (r *root) intelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "intel",
		Short: "take in feeds of indicators, list them, look things up, allow things",
		Long:  "Indicators are addresses, subnets, domains, URLs, hashes, JA3 and JA4 fingerprints and mailboxes that someone says are bad.",
	}
	cmd.AddCommand(r.intelImport(), r.intelLookup(), r.intelAllow(), r.intelPull(), r.intelSources(), r.intelFeeds(), r.intelSightings(), r.intelTechnique(),
		&cobra.Command{Use: "list", Short: "list the feeds", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return r.intelList(cmd) }},
		&cobra.Command{Use: "remove NAME", Short: "forget a feed", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(b backend) error { return b.RemoveIntel(cmd.Context(), person(), args[0]) })
		}},
	)
	return cmd
}

func (r *root) intelImport() *cobra.Command {
	var req library.Request
	var expires string
	cmd := &cobra.Command{
		Use:   "import PATH...",
		Short: "take in a feed: lists, CSV, STIX 2 or MISP; files, directories, .gz, .zip, - is stdin",
		Long:  "All the paths together are one feed. A feed of the same --source is replaced.",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if req.Expires, err = parseAge(expires); err != nil {
				return err
			}
			if req.Name == "" {
				req.Name = library.NameFor(args[0])
			}
			req.By = person()
			return r.with(cmd.Context(), func(b backend) error {
				in, out := io.Pipe()
				go func() { _ = out.CloseWithError(feed.Pack(out, args, r.In)) }()
				rep, err := b.ImportIntel(cmd.Context(), req, in)
				_ = in.Close() // what is left need not be sent
				if err != nil {
					return err
				}
				r.rejected = rep.Refused > 0
				return r.printImport(rep)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&req.Name, "source", "", "name of the feed (default: the first file's name)")
	f.IntVar(&req.Confidence, "confidence", 0, "how sure the feed is, 1 to 100, where it does not say (default 50)")
	f.StringVar(&expires, "expires", "", "how long from now indicators count that have no end of their own, such as 30d or 12h (default: no end)")
	f.StringVar(&req.Grade, "reliability", "", "of the source, by the Admiralty code: A (completely reliable) to E (not), F (cannot be judged); it scales the confidence")
	f.BoolVar(&req.Private, "private", false, "take private, local and reserved ranges too; those of our own never count")
	f.StringVar(&req.Kind, "kind", "", "list, csv, stix or misp, when it is not to be recognised")
	return cmd
}

// parseAge reads 30d, 2w, 12h; "" is none.
func parseAge(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[text[len(text)-1]]
	if unit > 0 {
		if n, err := strconv.Atoi(text[:len(text)-1]); err == nil && n > 0 && n < 100_000 {
			return time.Duration(n) * unit, nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return d, nil
	}
	return 0, useError{fault.New(fault.Invalid, "%q is no length of time", text).WithHint("write it like 30d, 2w or 12h")}
}

func (r *root) printImport(rep library.Report) error {
	if r.output == "json" || r.output == "ndjson" {
		return r.writeJSON(rep)
	}
	for _, why := range rep.Reasons {
		line := ""
		if why.Line > 0 {
			line = fmt.Sprintf(", first in line %d", why.Line)
		}
		fmt.Fprintf(r.Err, "%d: %s (%s%s)\n", why.Count, printable(why.Reason), printable(why.Example), line)
	}
	word := "new"
	if rep.Replaced {
		word = "replaced"
	}
	fmt.Fprintf(r.Out, "feed %s (%s, %s): %d read, %d indicators, %d refused, %d of another nature; %d indicators of all feeds are in force\n",
		rep.Name, strings.Join(rep.Kinds, "+"), word, rep.Read, rep.Indicators, rep.Refused, rep.Opaque, rep.Set.Indicators)
	return nil
}

func (r *root) intelList(cmd *cobra.Command) error {
	return r.with(cmd.Context(), func(b backend) error {
		list, err := b.IntelFeeds(cmd.Context())
		if err != nil {
			return err
		}
		columns := []string{"name", "kinds", "indicators", "refused", "reliability", "imported", "bytes", "problem"}
		rows := make([][]any, len(list))
		for i, f := range list {
			rows[i] = []any{f.Name, strings.Join(f.Kinds, "+"), f.Indicators, f.Refused, orNil(f.Grade), timeOrNil(f.Imported), f.Bytes, orNil(f.Problem)}
		}
		if len(list) == 0 && r.output == "table" {
			fmt.Fprintln(r.Err, "there are no feeds yet: take one in with \"vedette intel import PATH\"")
			return nil
		}
		return r.writeRows(columns, rows, func() any {
			return queryResult{Columns: columns, Rows: rowObjects{columns, rows}, Total: int64(len(rows))}
		})
	})
}

func (r *root) intelLookup() *cobra.Command {
	return &cobra.Command{
		Use: "lookup VALUE...", Short: "tell whether an address, name, URL, hash or mailbox is an indicator", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := r.now()
			if err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				answers, err := b.LookupIntel(cmd.Context(), args, at)
				if err != nil {
					return err
				}
				return r.printLookup(answers)
			})
		},
	}
}

func (r *root) printLookup(answers []api.IntelAnswer) error {
	columns := []string{"asked", "indicator", "type", "source", "family", "campaign", "actor", "techniques", "sightings", "confidence", "listed_since", "valid_until", "allowed"}
	var rows [][]any
	for _, a := range answers {
		for _, h := range a.Hits {
			var sighted any
			if h.Sightings > 0 {
				sighted = h.Sightings
			}
			rows = append(rows, []any{a.Asked, h.Value, h.Type.String(), h.Source, orNil(h.Family), orNil(h.Campaign), orNil(h.Actor), orNil(h.Techniques), sighted, h.Confidence, timeOrNil(h.First), timeOrNil(h.Until), orNil(h.Allowed)})
		}
		if a.Problem != "" {
			r.rejected = true
			fmt.Fprintf(r.Err, "%s: %s\n", printable(a.Asked), a.Problem)
		} else if len(a.Hits) == 0 {
			fmt.Fprintf(r.Err, "%s: no indicator\n", printable(a.Asked))
		}
	}
	if len(rows) == 0 && r.output == "table" {
		return nil
	}
	return r.writeRows(columns, rows, func() any { return answers })
}

func (r *root) intelAllow() *cobra.Command {
	var req api.IntelAllow
	cmd := &cobra.Command{
		Use: "allow [VALUE...]", Short: "say that things are good whatever a feed says; without values, list them",
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Actor, req.Values = person(), args
			return r.with(cmd.Context(), func(b backend) error {
				list, err := b.AllowIntel(cmd.Context(), req)
				if err != nil {
					return err
				}
				columns := []string{"value", "type", "by", "at", "why"}
				rows := make([][]any, len(list))
				for i, a := range list {
					rows[i] = []any{a.Value, a.Type.String(), orNil(a.By), timeOrNil(a.At), orNil(a.Why)}
				}
				return r.writeRows(columns, rows, func() any { return list })
			})
		},
	}
	cmd.Flags().StringVar(&req.Why, "why", "", "the reason, for the list and the audit journal")
	cmd.Flags().BoolVar(&req.Remove, "remove", false, "take the values off the list")
	return cmd
}
