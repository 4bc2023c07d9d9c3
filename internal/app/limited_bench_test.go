package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	door "vedette/internal/api/rest"
	"vedette/internal/asset"
	"vedette/internal/authz"
	"vedette/internal/event"
)

// BenchmarkIncidentList lists 2000 incidents for who sees all and for who is limited
// to a zone that a tenth of them, or all, touch:
//
//	go test -run '^$' -bench IncidentList ./internal/app
func BenchmarkIncidentList(b *testing.B) {
	a := manyIncidents(b, 2000)
	for _, who := range limitedOnes() {
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

// BenchmarkIncidentsHTTP is the same over HTTP, pages of 100 and of 1000 as the console
// asks for, with p50 and p99 of one request at a time:
//
//	go test -run '^$' -bench IncidentsHTTP -benchtime 300x ./internal/app
func BenchmarkIncidentsHTTP(b *testing.B) {
	a := manyIncidents(b, 2000)
	may, err := authz.New(a.journal, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	h := door.Handler(a, may, door.About{Version: "v", Now: time.Now})
	for _, who := range limitedOnes() {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r.WithContext(authz.With(r.Context(), authz.Principal{ID: "u", Name: "ann", Kind: authz.Person, Roles: []authz.Role{authz.Analyst}, Zones: who.zones})))
		}))
		for _, query := range []string{"?status=all", "?status=all&limit=1000"} {
			b.Run(who.name+query, func(b *testing.B) {
				var took []time.Duration
				size := 0
				for b.Loop() {
					began := time.Now()
					size = read(b, srv, "/api/v1/incidents"+query)
					took = append(took, time.Since(began))
				}
				slices.Sort(took)
				ms := func(share float64) float64 {
					return float64(took[int(share*float64(len(took)-1))].Microseconds()) / 1000
				}
				b.ReportMetric(ms(0.5), "p50-ms")
				b.ReportMetric(ms(0.99), "p99-ms")
				b.ReportMetric(float64(size)/1024, "KiB")
			})
		}
		srv.Close()
	}
}

func read(b *testing.B, srv *httptest.Server, path string) int {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, srv.URL+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	res, err := srv.Client().Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		b.Fatal(res.StatusCode, err)
	}
	return len(text)
}

type limitedOne struct {
	name  string
	zones []string
}

func limitedOnes() []limitedOne {
	return []limitedOne{{"all", nil}, {"tenth", []string{"tenth"}}, {"both", []string{"tenth", "rest"}}}
}

// manyIncidents is a plant of so many incidents, each of a device and eight kinds of
// findings, a tenth of them in a zone of its own.
func manyIncidents(b *testing.B, incidents int) *App {
	b.Helper()
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
	return a
}
