package mcp

import (
	"context"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/copilot"
	"vedette/internal/event"
	"vedette/internal/fault"
)

type question struct {
	Question string `json:"question" jsonschema:"a question in plain language, such as: which PLCs were written to in the past 24 hours"`
	Follow   string `json:"follow,omitempty" jsonschema:"the conversation that an earlier answer named, to go on with it"`
}

type queryText struct {
	Query string `json:"query" jsonschema:"a typed query, such as: network_activity ics.write=true last 24h | by src, dst count | top 20"`
}

type none struct{}

// events are the tools over events.
func (t tools) events(s *sdk.Server) {
	add(s, t, "ask", "Ask a question", "Answers a question about the fleet in plain language, with the evidence of each sentence. The plan is fixed before any event is read.",
		func(ctx context.Context, in question) (any, error) {
			if strings.TrimSpace(in.Question) == "" {
				return nil, fault.New(fault.Invalid, "the question is empty")
			}
			return t.cfg.Service.Ask(ctx, copilot.Request{Question: in.Question, Now: t.cfg.Now(), Follow: in.Follow})
		})
	add(s, t, "query", "Run a query", "Runs one typed query over the stored events. An unknown field or value is refused, and the nearest real ones are named.",
		func(ctx context.Context, in queryText) (any, error) {
			table, err := t.cfg.Service.Query(ctx, in.Query, t.cfg.Now())
			if err != nil {
				return nil, err
			}
			return copilot.Evidence{ID: "E1", Query: in.Query, Columns: table.Columns, Rows: table.Rows, Total: table.Total}, nil
		})
	add(s, t, "fields", "List the fields", "Lists the fields that a query may use, with their kinds, short names and meaning.",
		func(context.Context, none) (any, error) { return fields(), nil })
}

type field struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	Aliases []string `json:"short,omitempty"`
	Doc     string   `json:"about"`
}

func fields() []field {
	all := event.Fields()
	list := make([]field, len(all))
	for i, f := range all {
		list[i] = field{f.Name, f.Kind.String(), f.Aliases, f.Doc}
	}
	return list
}

type findingsWanted struct {
	Last     string `json:"last,omitempty" jsonschema:"how far back, such as 24h; empty: all"`
	Severity string `json:"severity,omitempty" jsonschema:"at least: informational, low, medium, high or critical"`
	Rule     string `json:"rule,omitempty" jsonschema:"of this rule only"`
	Device   string `json:"device,omitempty" jsonschema:"of this device only: uid, name or address"`
	Limit    int    `json:"limit,omitempty" jsonschema:"how many at most, up to 200"`
}

type one struct {
	ID string `json:"id" jsonschema:"the uid, or its start"`
}

type incidentsWanted struct {
	Closed bool `json:"closed,omitempty" jsonschema:"the closed ones too"`
	Limit  int  `json:"limit,omitempty" jsonschema:"how many at most, up to 200"`
}

// judged are the tools over what was judged.
func (t tools) judged(s *sdk.Server) {
	add(s, t, "findings", "List findings", "Lists what rules, behaviour, indicators and policy found, newest first.", t.findings)
	add(s, t, "finding", "Show a finding", "Shows one finding with its reasons and the events it is about.",
		func(ctx context.Context, in one) (any, error) { return t.cfg.Service.Finding(ctx, in.ID) })
	add(s, t, "incidents", "List incidents", "Lists incidents, those that need a person first.",
		func(ctx context.Context, in incidentsWanted) (any, error) {
			all, err := t.cfg.Service.Incidents(ctx, in.Closed)
			if err != nil {
				return nil, err
			}
			return some(all, in.Limit), nil
		})
	add(s, t, "incident", "Show an incident", "Shows one incident: stages, timeline, graph, the reason of each merge, similar past ones.",
		func(ctx context.Context, in one) (any, error) { return t.cfg.Service.Incident(ctx, in.ID) })
}

func (t tools) findings(ctx context.Context, in findingsWanted) (any, error) {
	want := api.FindingFilter{Last: in.Last, Now: t.cfg.Now(), Rule: in.Rule, Limit: limit(in.Limit)}
	if in.Severity != "" {
		level, ok := severity(in.Severity)
		if !ok {
			return nil, fault.New(fault.Invalid, "there is no severity %q", in.Severity).WithHint("they are informational, low, medium, high and critical")
		}
		want.MinSeverity = level
	}
	if in.Device != "" {
		d, err := t.cfg.Service.FindDevice(ctx, in.Device)
		if err != nil {
			return nil, err
		}
		want.Device = d.UID
	}
	return t.cfg.Service.Findings(ctx, want)
}

func severity(word string) (event.Severity, bool) {
	for s := event.Informational; s <= event.Critical; s++ {
		if s.String() == strings.ToLower(word) {
			return s, true
		}
	}
	return 0, false
}

type devicesWanted struct {
	Type  string `json:"type,omitempty" jsonschema:"of this type only, such as plc"`
	Zone  string `json:"zone,omitempty" jsonschema:"of this zone only"`
	Limit int    `json:"limit,omitempty" jsonschema:"how many at most, up to 200"`
}

type values struct {
	Values []string `json:"values" jsonschema:"addresses, names, URLs or hashes as people write them, up to 100"`
}

// known are the tools over devices and intelligence.
func (t tools) known(s *sdk.Server) {
	add(s, t, "devices", "List devices", "Lists devices with type, vendor, zone, addresses, and when they were seen.", t.devices)
	add(s, t, "device", "Show a device", "Shows one device with the evidence and the confidence of all that is known of it.",
		func(ctx context.Context, in one) (any, error) { return t.cfg.Service.FindDevice(ctx, in.ID) })
	add(s, t, "lookup", "Look up indicators", "Tells what threat intelligence is loaded about addresses, names, URLs and hashes. Nothing is asked outside.",
		func(ctx context.Context, in values) (any, error) {
			if n := len(in.Values); n == 0 || n > 100 {
				return nil, fault.New(fault.Invalid, "%d values were given", n).WithHint("give 1 to 100")
			}
			return t.cfg.Service.LookupIntel(ctx, in.Values, time.Time{})
		})
}

type deviceList struct {
	List  []deviceRow `json:"list"`
	Total int         `json:"total"`
}

type deviceRow struct {
	UID         string    `json:"uid"`
	Name        string    `json:"name"`
	Type        string    `json:"type,omitempty"`
	Vendor      string    `json:"vendor,omitempty"`
	Model       string    `json:"model,omitempty"`
	Firmware    string    `json:"firmware,omitempty"`
	Zone        string    `json:"zone,omitempty"`
	Criticality string    `json:"criticality,omitempty"`
	State       string    `json:"state,omitempty"`
	IPs         []string  `json:"ips"`
	MACs        []string  `json:"macs"`
	FirstSeen   time.Time `json:"first_seen,omitzero"`
	LastSeen    time.Time `json:"last_seen,omitzero"`
}

func rowOf(d *asset.Device) deviceRow {
	r := d.Row()
	return deviceRow{r.UID, r.Name, r.Type, r.Vendor, r.Model, r.Firmware, r.Zone, r.Criticality, r.State, r.IPs, r.MACs, r.FirstSeen, r.LastSeen}
}

func (t tools) devices(ctx context.Context, in devicesWanted) (any, error) {
	all, err := t.cfg.Service.Devices(ctx)
	if err != nil {
		return nil, err
	}
	out := deviceList{List: []deviceRow{}}
	most := limit(in.Limit)
	for i := range all {
		row := rowOf(&all[i])
		if in.Type != "" && !strings.EqualFold(row.Type, in.Type) || in.Zone != "" && !strings.EqualFold(row.Zone, in.Zone) {
			continue
		}
		out.Total++
		if len(out.List) < most {
			out.List = append(out.List, row)
		}
	}
	return out, nil
}

// limit is how many are given: what was asked for, within bounds.
func limit(asked int) int {
	if asked <= 0 || asked > maxList {
		return maxList / 4
	}
	return asked
}

type list[T any] struct {
	List  []T `json:"list"`
	Total int `json:"total"`
}

func some[T any](all []T, asked int) list[T] {
	return list[T]{all[:min(len(all), limit(asked))], len(all)}
}
