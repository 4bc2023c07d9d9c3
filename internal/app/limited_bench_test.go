package app

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"vedette/internal/asset"
	"vedette/internal/authz"
	"vedette/internal/event"
)

// BenchmarkIncidentList lists 2000 incidents for who sees all and for who is limited
// to a zone that a tenth of them, or all, touch:
//
//	go test -run '^$' -bench IncidentList ./internal/app
func BenchmarkIncidentList(b *testing.B) {
	const incidents = 2000
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	cfg := Config{Dir: b.TempDir(), Now: func() time.Time { return now }}
	cfg.Assets.Zones = []asset.Zone{{Name: "tenth", Subnets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}, {Name: "rest", Subnets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	a, err := Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Close() })
	address := func(i int) string { return fmt.Sprintf("10.%d.%d.%d", i%10, i/250, 1+i%250) }
	var csv strings.Builder
	csv.WriteString("ip,name\n")
	for i := range incidents {
		fmt.Fprintf(&csv, "%s,machine-%d\n", address(i), i)
	}
	if _, err := a.ImportDevices(b.Context(), "maria", strings.NewReader(csv.String())); err != nil {
		b.Fatal(err)
	}
	for i := range incidents {
		ip := address(i)
		d, err := a.FindDevice(b.Context(), ip)
		if err != nil {
			b.Fatal(err)
		}
		for n := range 8 {
			a.incidents.Add(event.Finding{
				UID: fmt.Sprintf("f%d-%d", i, n), Time: now.Add(-time.Duration(i) * 24 * time.Hour), Rule: fmt.Sprintf("rule/%d", n), Title: "a write that is new", Severity: event.High,
				Family: event.FamilyBehaviour, Device: d.UID, Src: event.Side{UID: d.UID, IP: ip}, Confidence: 1,
			})
		}
	}
	for _, who := range []struct {
		name  string
		zones []string
	}{{"all", nil}, {"tenth", []string{"tenth"}}, {"both", []string{"tenth", "rest"}}} {
		b.Run(who.name, func(b *testing.B) {
			ctx := authz.With(context.Background(), authz.Principal{Zones: who.zones})
			rows := 0
			for b.Loop() {
				list, err := a.Incidents(ctx, true)
				if err != nil {
					b.Fatal(err)
				}
				rows = len(list)
			}
			b.ReportMetric(float64(rows), "incidents")
		})
	}
}
