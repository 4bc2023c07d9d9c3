package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/audit"
	"vedette/internal/vuln/match"
)

const gateRecord = `{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-000%d","state":"PUBLISHED"},"containers":{"cna":{"title":%q,"affected":[{"vendor":"Acme","product":%q,"versions":[{"version":"0","status":"affected","lessThan":"2.0","versionType":"custom"}]}]}}}`

// The three views count the same rows, tell devices by name, are searched by
// text, and who takes them away is in the journal.
func TestGroupVulns(t *testing.T) {
	a := open(t, t.TempDir())
	ctx := t.Context()
	if _, err := a.ImportDevices(ctx, "ada", strings.NewReader("name,ip,vendor,model,firmware\ngate-1,10.0.0.1,Acme,Gate,1.0\ngate-2,10.0.0.2,Acme,Gate,3.0\n")); err != nil {
		t.Fatal(err)
	}
	for i, product := range []string{"Gate", "busybox"} {
		if _, err := a.ImportAdvisories(ctx, api.VulnImport{Actor: "ada"}, packed(t, fmt.Sprintf(gateRecord, i+1, "Trouble in "+product, product))); err != nil {
			t.Fatal(err)
		}
	}
	bill := `{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"metadata":{"component":{"type":"firmware","name":"Gate","version":"1.0"}},"components":[{"type":"library","name":"busybox","version":"1.31","publisher":"Acme","licenses":[{"license":{"id":"GPL-2.0-only"}}]},{"type":"library","name":"fine","version":"2.5","publisher":"Acme"}]}`
	if _, err := a.ImportBills(ctx, api.VulnImport{Actor: "ada", Device: "gate-1"}, packed(t, bill)); err != nil {
		t.Fatal(err)
	}
	for by, want := range map[string][]string{"device": {"gate-1"}, "component": {"Acme Gate 1.0", "busybox 1.31"}, "advisory": {"Trouble in Gate", "Trouble in busybox"}} {
		got, err := a.GroupVulns(ctx, api.GroupFilter{By: by})
		if err != nil {
			t.Fatal(err)
		}
		var labels []string
		for _, g := range got.Rows {
			labels = append(labels, g.Label)
			if g.Status != match.Affected || by != "device" && g.Devices != 1 {
				t.Errorf("by %s: %+v", by, g)
			}
		}
		if slices.Sort(labels); !slices.Equal(labels, want) || got.Affected.Track+got.Affected.Close+got.Affected.Attend+got.Affected.Act != 2 {
			t.Errorf("by %s: %q, %+v", by, labels, got)
		}
	}
	for text, want := range map[string]int{"busy": 1, "TROUBLE": 2, "nothing": 0} {
		if got, err := a.GroupVulns(ctx, api.GroupFilter{By: "advisory", Text: text}); err != nil || got.Total != want {
			t.Errorf("%q: %d, %v", text, got.Total, err)
		}
	}
	for text, want := range map[string]int{"gate-1": 1, "acme gate": 1, "gate-2": 0} {
		if got, err := a.GroupVulns(ctx, api.GroupFilter{By: "device", Text: text}); err != nil || got.Total != want {
			t.Errorf("%q: %d, %v", text, got.Total, err)
		}
	}
	if _, err := a.GroupVulns(ctx, api.GroupFilter{By: "colour"}); err == nil {
		t.Error("it was counted by colour")
	}
	if _, err := a.GroupVulns(ctx, api.GroupFilter{By: "device", Actor: "eve"}); err != nil {
		t.Fatal(err)
	}
	if list, err := a.Journal(ctx, 5); err != nil || !slices.ContainsFunc(list, func(e audit.Entry) bool { return e.Action == "vulnerabilities.export" && e.Actor.Name == "eve" }) {
		t.Errorf("the journal does not tell who took the list: %+v %v", list, err)
	}
	cleared, err := a.ListVulns(ctx, api.VulnFilter{ID: "CVE-2024-0001", Status: match.NotAffected})
	if err != nil || cleared.Total != 1 || cleared.Rows[0].Status != match.NotAffected {
		t.Errorf("cleared: %+v, %v", cleared, err)
	}
	if _, err := a.ListVulns(ctx, api.VulnFilter{Status: match.NotAffected}); err == nil {
		t.Error("all that is not affected was listed")
	}
}

// A device's bills are its own, else those of its product; a component tells
// what it is known for.
func TestDeviceBills(t *testing.T) {
	now := clock
	a, err := app.Open(t.Context(), app.Config{Dir: t.TempDir(), Now: func() time.Time { now = now.Add(time.Second); return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	ctx := t.Context()
	if _, err := a.ImportDevices(ctx, "ada", strings.NewReader("name,ip,vendor,model,firmware\ngate-1,10.0.0.1,Acme,Gate,1.0\ngate-2,10.0.0.2,Acme,Gate,1.0\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := a.ImportAdvisories(ctx, api.VulnImport{Actor: "ada"}, packed(t, fmt.Sprintf(gateRecord, 1, "t", "busybox"))); err != nil {
		t.Fatal(err)
	}
	bill := `{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"metadata":{"component":{"type":"firmware","name":"Gate","version":"1.0"}},"components":[{"type":"library","name":"busybox","version":%q,"publisher":"Acme","licenses":[{"license":{"id":"GPL-2.0-only"}}]}]}`
	if _, err := a.ImportBills(ctx, api.VulnImport{Actor: "ada", Product: "Gate 1.0"}, packed(t, fmt.Sprintf(bill, "1.31"))); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"1.32", "2.1"} {
		if _, err := a.ImportBills(ctx, api.VulnImport{Actor: "ada", Device: "gate-2"}, packed(t, fmt.Sprintf(bill, version))); err != nil {
			t.Fatal(err)
		}
	}
	shared, err := a.DeviceBills(ctx, "gate-1")
	if err != nil || len(shared) != 1 || shared[0].Subject != "product:Gate 1.0" {
		t.Errorf("of the product: %+v, %v", shared, err)
	}
	own, err := a.DeviceBills(ctx, "gate-2")
	if err != nil || len(own) != 2 || own[0].Until != nil || own[1].Until == nil {
		t.Fatalf("its own: %+v, %v", own, err)
	}
	for id, want := range map[string][2]int{shared[0].ID: {1, 0}, own[0].ID: {0, 1}, own[1].ID: {1, 0}} {
		got, err := a.ShowBill(ctx, id)
		if err != nil || len(got.Components) != 1 {
			t.Fatalf("%s: %+v, %v", id, got, err)
		}
		c := got.Components[0]
		if [2]int{len(c.Vulnerabilities), c.Cleared} != want || !slices.Equal(c.Licenses, []string{"GPL-2.0-only"}) {
			t.Errorf("%s: %+v", id, c)
		}
	}
	if _, err := a.ShowBill(ctx, "none"); err == nil {
		t.Error("a bill that there is not")
	}
	feeds, err := a.AdvisoryFeeds(ctx)
	if err != nil || len(feeds.Publishers) != 1 || feeds.Publishers[0].Documents != 1 || feeds.Bills != 2 {
		t.Errorf("%+v, %v", feeds, err)
	}
}
