package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/detect/policy"
	"vedette/internal/fault"
	"vedette/internal/query"
)

// ZonePolicy tells what is in force; before the first event is judged, what
// stands in the policy file. In a confined context it tells of what touches its zones.
func (a *App) ZonePolicy(ctx context.Context) (api.ZonePolicy, error) {
	cfg, err := a.policyOf(ctx)
	if err != nil {
		return api.ZonePolicy{}, err
	}
	return policyView(cfg), nil
}

// policyOf is the policy that holds, cut to what touches the zones of the context.
func (a *App) policyOf(ctx context.Context) (*policy.Config, error) {
	cfg := a.allowed.Load()
	if cfg == nil {
		read, err := a.policyInForce()
		if err != nil {
			return nil, err
		}
		cfg = &read
	}
	if zones, ok := query.Confined(ctx); ok {
		cut := cfg.Touching(zones)
		cfg = &cut
	}
	return cfg, nil
}

func policyView(cfg *policy.Config) api.ZonePolicy {
	out := api.ZonePolicy{Declared: cfg.Zoned(), Mode: "alert", Default: "allow", Isolated: append([]string{}, cfg.Isolated...), Conduits: []api.Conduit{}}
	if cfg.Monitor {
		out.Mode = "monitor"
	}
	if cfg.DefaultDeny {
		out.Default = "deny"
	}
	for i := range cfg.Conduits {
		c := &cfg.Conduits[i]
		out.Conduits = append(out.Conduits, api.Conduit{Name: c.Name, From: c.From, To: c.To, BothWays: c.BothWays, Deny: c.Deny, Allows: c.String()})
	}
	return out
}

// draftRows is how many kinds of traffic a draft is made of.
const draftRows = 2000

// DraftPolicy proposes conduits from what was seen. What a finding of medium
// severity or more stands against is left out by name; findings of the policy in
// force do not count, or it could never be widened.
func (a *App) DraftPolicy(ctx context.Context, last string) (api.File, error) {
	if last == "" {
		last = "7d"
	}
	if _, err := query.ParseDuration(last); err != nil {
		return api.File{}, fault.New(fault.Invalid, "%.40q is no length of time", last).WithHint("write it like 24h or 7d")
	}
	against, err := a.foundBetween(ctx, last)
	if err != nil {
		return api.File{}, err
	}
	const ends = "src exists dst exists not dst in 224.0.0.0/4 not dst=255.255.255.255 not dst in 127.0.0.0/8 not dst in 169.254.0.0/16 not dst in ff00::/8 not dst in fe80::/10"
	const kinds = "src_endpoint.zone, dst_endpoint.zone, connection_info.protocol_name, dst_endpoint.port, app_name"
	var seen []policy.Seen
	cut := false
	for _, side := range []struct{ from, to, where string }{
		{"", "", "src_endpoint.zone exists dst_endpoint.zone exists"},
		{"", policy.Internet, "src_endpoint.zone exists " + outsideEnd("dst", a.cfg.Assets.Own)},
		{policy.Internet, "", "dst_endpoint.zone exists " + outside(a.cfg.Assets.Own)},
		{"", policy.Unzoned, "src_endpoint.zone exists not dst_endpoint.zone exists " + private("dst")},
		{policy.Unzoned, "", "dst_endpoint.zone exists not src_endpoint.zone exists " + private("src")},
	} {
		t, err := a.Query(ctx, fmt.Sprintf("class_uid!=2004 %s %s last %s | by %s count, count as control where (ics.function exists), count as writes where (write=true) | sort count desc | limit %d", ends, side.where, last, kinds, draftRows), time.Time{})
		if err != nil {
			return api.File{}, err
		}
		cut = cut || t.Total > int64(len(t.Rows))
		for _, row := range t.Rows {
			s := seenOf(row, side.from, side.to)
			s.Against = cmp.Or(against[between{s.From, s.To, s.Port}], against[between{s.From, policy.AnyZone, s.Port}])
			seen = append(seen, s)
		}
	}
	if len(seen) == 0 {
		return api.File{}, fault.New(fault.NotFound, "no traffic with a zone was seen in the last %s, so there is nothing to draft from", last).
			WithHint("say which networks are which zones, under zones in the configuration or with: vedette devices set DEVICE zone=NAME; what comes in from then on counts; or name a longer time")
	}
	about := "Conduits (IEC 62443) for the traffic between zones that Vedette saw in the last " + last + "."
	if cut {
		about += fmt.Sprintf(" There was more: the %d most frequent kinds were looked at.", draftRows)
	}
	data, err := policy.Draft(seen, about)
	return api.File{Name: "conduits-draft.yaml", Kind: "application/yaml", Data: data}, err
}

// private is the condition that one end of an event is an address of a site.
func private(end string) string {
	return strings.ReplaceAll("(END in 10.0.0.0/8 or END in 172.16.0.0/12 or END in 192.168.0.0/16 or END in fc00::/7)", "END", end)
}

func seenOf(row []any, from, to string) policy.Seen {
	s := policy.Seen{From: from, To: to}
	if s.From == "" {
		s.From, _ = row[0].(string)
	}
	if s.To == "" {
		s.To, _ = row[1].(string)
	}
	s.Protocol, _ = row[2].(string)
	s.Port, _ = row[3].(int64)
	s.App, _ = row[4].(string)
	s.Events, _ = row[5].(int64)
	control, _ := row[6].(int64)
	writes, _ := row[7].(int64)
	s.Control, s.Wrote = control > 0, writes > 0
	return s
}

// between is traffic as findings name it.
type between struct {
	from, to string
	port     int64
}

// foundBetween is the title of a finding for each pair of zones and port that
// one stands against.
func (a *App) foundBetween(ctx context.Context, last string) (map[between]string, error) {
	t, err := a.Query(ctx, "detection_finding metadata.product^=vedette-detect severity_id>=3 not finding_info.uid^=policy/ last "+last+
		" | by src_endpoint.zone, dst_endpoint.zone, dst_endpoint.port, finding_info.title count, count as aimed where (dst exists) | sort count desc | limit 2000", time.Time{})
	if err != nil {
		return nil, err
	}
	out := map[between]string{}
	for _, row := range slices.Backward(t.Rows) { // the most frequent one stays
		from, _ := row[0].(string)
		to, _ := row[1].(string)
		port, _ := row[2].(int64)
		title, _ := row[3].(string)
		if from == "" && to == "" || port == 0 {
			continue
		}
		ends := sides(to)
		if aimed, _ := row[5].(int64); aimed == 0 { // at many addresses, which it does not tell
			ends = []string{policy.AnyZone}
		}
		for _, f := range sides(from) {
			for _, t := range ends {
				out[between{f, t, port}] = title
			}
		}
	}
	return out, nil
}

// sides are the zones that an end of a finding may be in: that of a finding about
// an address in no zone is not told.
func sides(zone string) []string {
	if zone != "" {
		return []string{zone}
	}
	return []string{policy.Internet, policy.Unzoned}
}
