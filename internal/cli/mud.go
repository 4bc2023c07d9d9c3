package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vedette/internal/asset"
	"vedette/internal/asset/mud"
	"vedette/internal/edge"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/ingest"
)

func (r *root) mudCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mud",
		Short: "check, learn and test MUD files: what a device says that it needs to talk to (RFC 8520)",
	}
	cmd.AddCommand(
		&cobra.Command{Use: "check FILE...", Short: "read MUD files and tell what is in them and what is odd", Args: cobra.MinimumNArgs(1), RunE: r.mudCheck},
		r.mudLearn(), r.mudTest(),
	)
	return cmd
}

// mudChecked is what is told of one file.
type mudChecked struct {
	File  string     `json:"file"`
	URL   string     `json:"mud_url"`
	About string     `json:"systeminfo,omitempty"`
	Count mud.Count  `json:"count"`
	Notes []mud.Note `json:"notes,omitempty"`
}

func (r *root) mudCheck(_ *cobra.Command, args []string) error {
	files, err := ingest.Files(args)
	if err != nil {
		return err
	}
	all := make([]mudChecked, 0, len(files))
	columns := []string{"file", "mud_url", "lists", "entries", "from_device", "to_device", "not_understood", "notes"}
	var rows [][]any
	for _, path := range files {
		f, notes, err := readMUD(path)
		if err != nil {
			return err
		}
		c := f.Count()
		all = append(all, mudChecked{path, f.URL, f.SystemInfo, c, notes})
		rows = append(rows, []any{path, f.URL, c.Lists, c.Entries, c.From, c.To, c.Unknown, len(notes)})
		for _, n := range notes {
			r.rejected = r.rejected || n.Error
			word := "note"
			if n.Error {
				word = "error"
			}
			fmt.Fprintf(r.Err, "%s: %s: %s\n", printable(path), word, printable(n.String()))
		}
	}
	return r.writeRows(columns, rows, func() any { return all })
}

func readMUD(path string) (*mud.File, []mud.Note, error) {
	f, err := os.Open(path) //nolint:gosec // G304: the person named this file
	if err != nil {
		return nil, nil, fault.Wrap(fault.NotFound, err, "opening %s", path)
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, mud.MaxBytes+1))
	if err != nil {
		return nil, nil, fault.Wrap(fault.Unavailable, err, "reading %s", path)
	}
	file, notes, err := mud.Parse(data)
	if err != nil {
		return nil, nil, fault.Wrap(fault.KindOf(err), err, "%s", path)
	}
	return file, notes, nil
}

// mudSite are the flags that say what a file means on this network.
type mudSite struct {
	local, my, controllers []string
}

func (s *mudSite) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&s.local, "local", nil, "subnets that are the local networks (default: the private ones)")
	f.StringSliceVar(&s.my, "my-controller", nil, "addresses or subnets of the device's controllers")
	f.StringSliceVar(&s.controllers, "controller", nil, "who is a controller of a class, such as urn:ietf:params:mud:dns=10.0.0.1")
}

func (s *mudSite) site() (mud.Site, error) {
	var site mud.Site
	var err error
	if site.Local, err = prefixes(s.local); err != nil {
		return site, err
	}
	if site.MyControllers, err = prefixes(s.my); err != nil {
		return site, err
	}
	for _, text := range s.controllers {
		class, where, ok := strings.Cut(text, "=")
		if !ok {
			return site, useError{fault.New(fault.Invalid, "--controller %q is no CLASS=ADDRESS", text).WithHint("for example: --controller urn:ietf:params:mud:dns=10.0.0.1")}
		}
		p, err := prefixes([]string{where})
		if err != nil {
			return site, err
		}
		if site.Controllers == nil {
			site.Controllers = map[string][]netip.Prefix{}
		}
		site.Controllers[class] = append(site.Controllers[class], p...)
	}
	return site, nil
}

func prefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		if a, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, useError{fault.New(fault.Invalid, "%q is no address or subnet", text).WithHint("write it like 10.0.0.5 or 10.0.0.0/24")}
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func (r *root) mudLearn() *cobra.Command {
	var about mud.About
	var where mudSite
	var span string
	cmd := &cobra.Command{
		Use:   "learn DEVICE [EVENTFILE...]",
		Short: "make a MUD file of what a device was seen to do, in the store or in log files",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			site, err := where.site()
			if err != nil {
				return err
			}
			subject, known, err := r.mudSubject(cmd.Context(), args[0], len(args) > 1)
			if err != nil {
				return err
			}
			about.Now = time.Now()
			about.Manufacturer, about.Model = known.Value(asset.KeyVendor), known.Value(asset.KeyModel)
			about.Firmware = known.Value(asset.KeyFirmware)
			about.SystemInfo = cmp.Or(about.SystemInfo, "learnt from the traffic of "+args[0])
			l := mud.NewLearner(subject, site)
			if err := r.mudEvents(cmd.Context(), subject, args[1:], span, l.Observe); err != nil {
				return err
			}
			f, rep := l.File(about)
			if rep.Entries == 0 {
				return fault.New(fault.NotFound, "no flow of %s was seen in %d events", args[0], rep.Events).WithHint("name more log files, or a longer --last")
			}
			data, err := mud.Write(f)
			if err != nil {
				return err
			}
			fmt.Fprintf(r.Err, "%d flows, %d entries; %d failed attempts and %d rare habits left out; %d entries name an address since no name was seen\n", rep.Flows, rep.Entries, rep.Failed, rep.Rare, rep.Unnamed)
			_, err = r.Out.Write(data)
			return err
		},
	}
	where.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&about.URL, "url", "https://example.invalid/mud/learnt", "MUD URL of the file")
	f.StringVar(&about.SystemInfo, "about", "", "what the device is, at most 60 characters")
	f.IntVar(&about.MinFlows, "min", 1, "how often something must be seen to count")
	f.StringVar(&span, "last", "30d", "how far back to look in the store")
	return cmd
}

func (r *root) mudTest() *cobra.Command {
	var where mudSite
	var device, span string
	cmd := &cobra.Command{
		Use:   "test FILE [EVENTFILE...] --device DEVICE",
		Short: "tell what a MUD file says of the flows of a device, in the store or in log files",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if device == "" {
				return useError{fault.New(fault.Invalid, "whose flows?").WithHint("name the device: --device 10.0.0.5, a MAC, a uid or a name")}
			}
			site, err := where.site()
			if err != nil {
				return err
			}
			f, _, err := readMUD(args[0])
			if err != nil {
				return err
			}
			subject, _, err := r.mudSubject(cmd.Context(), device, len(args) > 1)
			if err != nil {
				return err
			}
			t := mud.NewReplay(f, subject, site)
			if err := r.mudEvents(cmd.Context(), subject, args[1:], span, t.Observe); err != nil {
				return err
			}
			return r.printReplay(t.Report())
		},
	}
	where.flags(cmd)
	cmd.Flags().StringVar(&device, "device", "", "the device: an address, a MAC, a uid or a name")
	cmd.Flags().StringVar(&span, "last", "30d", "how far back to look in the store")
	return cmd
}

func (r *root) printReplay(rep mud.ReplayReport) error {
	columns := []string{"verdict", "count", "way", "peer", "name", "protocol", "port", "entry", "lacks"}
	rows := make([][]any, len(rep.Lines))
	for i, l := range rep.Lines {
		way, entry := "to", l.List+"/"+l.Entry
		if !l.FromDevice {
			way = "from"
		}
		if l.Entry == "" {
			entry = ""
		}
		rows[i] = []any{l.Verdict.String(), l.Count, way, l.Peer.String(), orNil(l.Name), l.Protocol, l.Port, orNil(entry), orNil(l.Lacks)}
	}
	if err := r.writeRows(columns, rows, func() any { return rep }); err != nil {
		return err
	}
	fmt.Fprintf(r.Err, "%d flows: %d allowed, %d denied, %d unsure\n", rep.Flows, rep.Allowed, rep.Denied, rep.Unsure)
	return nil
}

// mudSubject finds the device that a text means. An address or MAC alone is
// enough for log files.
func (r *root) mudSubject(ctx context.Context, text string, files bool) (mud.Subject, asset.Device, error) {
	if files {
		if a, err := netip.ParseAddr(text); err == nil {
			return mud.Subject{Addrs: []netip.Addr{a.Unmap()}}, asset.Device{}, nil
		}
		if strings.Count(text, ":") == 5 {
			return mud.Subject{MACs: []string{strings.ToLower(text)}}, asset.Device{}, nil
		}
	}
	var s mud.Subject
	var d asset.Device
	err := r.with(ctx, func(b backend) error {
		var err error
		d, err = b.FindDevice(ctx, text)
		return err
	})
	if err != nil {
		return s, d, err
	}
	s.UID, s.MACs = d.UID, d.MACs
	for _, text := range d.IPs {
		if a, err := netip.ParseAddr(text); err == nil {
			s.Addrs = append(s.Addrs, a)
		}
	}
	return s, d, nil
}

// mudEvents shows the events of log files, or of the store.
func (r *root) mudEvents(ctx context.Context, s mud.Subject, files []string, span string, see func(*event.Event)) error {
	if len(files) == 0 {
		return r.with(ctx, func(b backend) error { return r.mudStored(ctx, b, s, span, see) })
	}
	paths, err := ingest.Files(files)
	if err != nil {
		return err
	}
	reader := ingest.NewReader(edge.Formats(), time.Now)
	for _, path := range paths {
		rep, err := parseOne(ctx, reader, r.In, path, "", func(e *event.Event) error { see(e); return nil })
		if err != nil {
			return err
		}
		if rep.Rejected > 0 {
			fmt.Fprintf(r.Err, "%s: %d records could not be read\n", printable(path), rep.Rejected)
		}
	}
	return nil
}
