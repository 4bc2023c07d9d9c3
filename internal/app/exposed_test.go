package app_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/intel/feed"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/vex"
)

// packed is a document as the doors hand it over.
func packed(t testing.TB, text string) *bytes.Buffer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "doc.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := feed.Pack(&out, []string{path}, nil); err != nil {
		t.Fatal(err)
	}
	return &out
}

// exposedRig changes devices, bills, advisories and statements at random.
type exposedRig struct {
	t   *testing.T
	a   *app.App
	rnd *rand.Rand
}

func (r *exposedRig) step() string {
	ctx, n := r.t.Context(), r.rnd.IntN
	device := fmt.Sprintf("10.0.0.%d", 1+n(5))
	bill := func() *bytes.Buffer {
		return packed(r.t, fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"metadata":{"component":{"type":"firmware","name":"Gate","version":%q}},"components":[{"type":"library","name":"zlib","version":"1.%d"},{"type":"library","name":"busybox","version":"1.3%d"}]}`,
			[]string{"", "1.0", "2.0"}[n(3)], n(5), n(5)))
	}
	var err error
	what := ""
	switch n(9) {
	case 0, 1:
		what = "device set"
		_, err = r.a.SetDevice(ctx, "ada", device, []string{"firmware", "model", "vendor", "criticality", "level"}[n(5)], "")
		if err == nil {
			_, err = r.a.SetDevice(ctx, "ada", device, "firmware", []string{"1.0", "2.0", "3.0"}[n(3)])
		}
		if err == nil {
			_, err = r.a.SetDevice(ctx, "ada", device, "model", []string{"Gate", "Panel"}[n(2)])
		}
		if err == nil {
			_, err = r.a.SetDevice(ctx, "ada", device, "vendor", "Acme")
		}
	case 2:
		what = "criticality"
		_, err = r.a.SetDevice(ctx, "ada", device, "criticality", []string{"low", "high", "critical"}[n(3)])
	case 3:
		what = "bill of a device"
		_, err = r.a.ImportBills(ctx, api.VulnImport{Actor: "ada", Device: device}, bill())
	case 4:
		what = "bill of a product"
		_, err = r.a.ImportBills(ctx, api.VulnImport{Actor: "ada", Product: []string{"Gate", "Acme Panel", ""}[n(3)]}, bill())
	case 5, 6:
		what = "advisory"
		name, below := []string{"Gate", "Panel", "zlib", "busybox"}[n(4)], fmt.Sprintf("1.%d", n(40))
		_, err = r.a.ImportAdvisories(ctx, api.VulnImport{Actor: "ada"}, packed(r.t, fmt.Sprintf(`{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-000%d","state":"PUBLISHED"},"containers":{"cna":{"affected":[{"vendor":"","product":%q,"versions":[{"version":"0","status":"affected","lessThan":%q,"versionType":"custom"}]}]}}}`, n(4), name, below)))
	case 7:
		what = "merge or undo"
		if _, err = r.a.MergeDevices(ctx, "ada", device, fmt.Sprintf("10.0.0.%d", 1+n(5)), "test"); err != nil {
			_, err = r.a.UndoDevice(ctx, "ada", device, "test")
		}
		if err != nil {
			what, err = "nothing to merge", nil
		}
	case 8:
		what = "statement"
		s := vex.Statement{Vulnerability: fmt.Sprintf("CVE-2024-000%d", n(4)), Vendor: "Acme", Product: "Gate", Version: "1.0", Status: advisory.NotAffected, Justification: "component_not_present", Why: "test", Withdrawn: n(2) == 0}
		if _, err = r.a.StateVuln(ctx, api.VexRequest{Statement: s, Actor: "ada"}); s.Withdrawn {
			err = nil
		}
	}
	if err != nil {
		r.t.Fatalf("%s: %v", what, err)
	}
	return what
}

func rowsOf(t *testing.T, a *app.App) []api.VulnRow {
	t.Helper()
	list, err := a.ListVulns(t.Context(), api.VulnFilter{})
	if err != nil || list.Total != len(list.Rows) {
		t.Fatalf("%v %d %d", err, list.Total, len(list.Rows))
	}
	return list.Rows
}

// TestExposureAsFromScratch: after any changes, a process that saw them lists what
// one lists that starts and reads all anew; others read meanwhile.
func TestExposureAsFromScratch(t *testing.T) {
	rows := 0
	for seed := range uint64(6) {
		cfg := app.Config{Dir: t.TempDir(), Now: func() time.Time { return time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC) }}
		a, err := app.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		var csv strings.Builder
		csv.WriteString("name,ip,vendor,model,firmware\n")
		for i := range 5 {
			fmt.Fprintf(&csv, "d%d,10.0.0.%d,Acme,Gate,1.0\n", i, 1+i)
		}
		if _, err := a.ImportDevices(t.Context(), "ada", strings.NewReader(csv.String())); err != nil {
			t.Fatal(err)
		}
		rowsOf(t, a)
		r := &exposedRig{t, a, rand.New(rand.NewPCG(seed, 1))}
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				_, _ = a.ListVulns(ctx, api.VulnFilter{Limit: 3})
				_, _ = a.PlanVulns(ctx, api.PlanFilter{})
			}
		})
		var done []string
		for range 25 {
			done = append(done, r.step())
		}
		stop()
		wg.Wait()
		got := rowsOf(t, a)
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if a, err = app.Open(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		want := rowsOf(t, a)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("seed %d, after %v: from scratch (-) and step by step (+): %s", seed, slices.Compact(done), diff)
		}
		rows += len(want)
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if rows == 0 {
		t.Fatal("nothing was affected: this looks at nothing")
	}
}

const partOnPlatform = `{"document":{"category":"csaf_security_advisory","csaf_version":"2.0","title":"t","publisher":{"category":"vendor","name":"Acme","namespace":"https://acme.example"},
 "tracking":{"id":"A-1","status":"final","version":"1","current_release_date":"2026-01-01T00:00:00Z","initial_release_date":"2026-01-01T00:00:00Z","revision_history":[{"number":"1","date":"2026-01-01T00:00:00Z","summary":"s"}]}},
 "product_tree":{"branches":[{"category":"vendor","name":"Acme","branches":[
  {"category":"product_name","name":"Widget Server","branches":[{"category":"product_version","name":"1.2","product":{"product_id":"W12","name":"Acme Widget Server 1.2"}}]},
  {"category":"product_name","name":"Control OS","branches":[{"category":"product_version","name":"8","product":{"product_id":"C8","name":"Acme Control OS 8"}}]}]}],
 "relationships":[{"category":"installed_on","product_reference":"W12","relates_to_product_reference":"C8","full_product_name":{"product_id":"W12C8","name":"Widget Server 1.2 on Control OS 8"}}]},
 "vulnerabilities":[{"cve":"CVE-2026-0001","notes":[{"category":"description","text":"x"}],"product_status":{"known_affected":["W12C8"]}}]}`

// TestPlatformAfterTheBill: an advisory that speaks of a part on a platform counts for
// a bill that was there before it, as it does for one that came later.
func TestPlatformAfterTheBill(t *testing.T) {
	cfg := app.Config{Dir: t.TempDir(), Now: func() time.Time { return time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC) }}
	a, err := app.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.ImportDevices(t.Context(), "ada", strings.NewReader("name,ip,vendor,model,firmware\nd1,10.0.0.1,Acme,Control OS,8\n")); err != nil {
		t.Fatal(err)
	}
	rowsOf(t, a)
	bill := `{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"metadata":{"component":{"type":"firmware","name":"Control OS","version":"8","supplier":{"name":"Acme"}}},"components":[{"type":"library","name":"Widget Server","version":"1.2","supplier":{"name":"Acme"}}]}`
	if _, err := a.ImportBills(t.Context(), api.VulnImport{Actor: "ada", Device: "10.0.0.1"}, packed(t, bill)); err != nil {
		t.Fatal(err)
	}
	rowsOf(t, a)
	if _, err := a.ImportAdvisories(t.Context(), api.VulnImport{Actor: "ada"}, packed(t, partOnPlatform)); err != nil {
		t.Fatal(err)
	}
	got := rowsOf(t, a)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if a, err = app.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if diff := cmp.Diff(rowsOf(t, a), got); diff != "" || len(got) != 1 || got[0].Status != "affected" {
		t.Errorf("%+v; from scratch (-) and step by step (+): %s", got, diff)
	}
}
