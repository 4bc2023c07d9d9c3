package app

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"vedette/internal/vuln/reach"
)

// How far back flows are looked at for what reaches a device, and how often: what
// takes long is looked at seldom.
const (
	reachSpan  = "30d"
	reachEvery = 5 * time.Minute
	reachShare = 50
	reachLimit = 10_000
)

// notOutside are the addresses that are nobody's on the internet.
var notOutside = []string{
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "0.0.0.0/8", "255.255.255.255/32",
	"fc00::/7", "fe80::/10", "ff00::/8", "::1/128", "::/128",
}

// outside is the condition of a query that an event was begun on the internet.
func outside(own []netip.Prefix) string { return outsideEnd("src", own) }

// outsideEnd is the condition that one end of an event, src or dst, is on the internet.
func outsideEnd(end string, own []netip.Prefix) string {
	var b strings.Builder
	b.WriteString(end + " exists not " + end + "_endpoint.zone exists")
	for _, p := range notOutside {
		b.WriteString(" not " + end + " in " + p)
	}
	for _, p := range own {
		b.WriteString(" not " + end + " in " + p.String())
	}
	return b.String()
}

// seen are the flows that reached devices, by uid.
type seen struct {
	flows  map[string][]reach.Flow
	any    bool // flows were recorded at all
	cut    bool // there were more than are looked at
	failed bool // they could not be looked at
	at     time.Time
	took   time.Duration
}

func (s *seen) due(now time.Time) bool {
	return s == nil || now.Sub(s.at) > max(reachEvery, reachShare*s.took)
}

// lookAround asks the store who addressed the devices from other zones and from
// outside.
func (a *App) lookAround(ctx context.Context) (*seen, error) {
	s := &seen{flows: map[string][]reach.Flow{}, at: a.cfg.Now()}
	began := time.Now()
	bounds, err := a.tools.Bounds(ctx)
	if err != nil || bounds.Events == 0 {
		return s, err
	}
	ask := func(where, by string, add func(row []any)) error {
		text := "network_activity dst_endpoint.uid exists " + where + " last " + reachSpan + " | by " + by + " count, distinct(src) as peers, last as latest | top 10000"
		t, err := a.Query(ctx, text, time.Time{})
		if err != nil {
			return err
		}
		s.cut = s.cut || t.Total > reachLimit
		for _, row := range t.Rows {
			add(row)
		}
		return nil
	}
	err = ask(outside(a.cfg.Assets.Own), "dst_endpoint.uid, port", func(row []any) { s.add(row[0], reach.Internet, row[1], row[2:]) })
	if err == nil {
		err = ask("src_endpoint.zone exists", "dst_endpoint.uid, src_endpoint.zone", func(row []any) {
			zone, _ := row[1].(string)
			s.any = true
			s.add(row[0], zone, nil, row[2:])
		})
	}
	s.took = time.Since(began)
	return s, err
}

func (s *seen) add(device any, zone string, port any, measures []any) {
	uid, ok := device.(string)
	if !ok || len(measures) < 3 {
		return
	}
	f := reach.Flow{Zone: zone}
	f.Port, _ = port.(int64)
	f.Count, _ = measures[0].(int64)
	f.Peers, _ = measures[1].(int64)
	f.Last, _ = measures[2].(time.Time)
	s.flows[uid] = append(s.flows[uid], f)
}

// waysOf are the conduits of the site's policy. One that cannot be read allows
// nothing to be said; the server refuses it at its start.
func (a *App) waysOf() *reach.Rules {
	cfg, err := a.policyInForce()
	if err != nil {
		return &reach.Rules{}
	}
	rules := &reach.Rules{DefaultDeny: cfg.DefaultDeny}
	for i := range cfg.Conduits {
		c := &cfg.Conduits[i]
		rules.Ways = append(rules.Ways, reach.Way{Name: c.Name, From: c.From, To: c.To, BothWays: c.BothWays, Deny: c.Deny})
	}
	return rules
}
