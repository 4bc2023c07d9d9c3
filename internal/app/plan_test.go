package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/vuln/vex"
)

// TestPlanFollows: the plan is kept, and every change that it rests on shows in the
// next page: inventory, bills, advisories, the site's own word, exploited ones,
// chances, tasks and zones.
func TestPlanFollows(t *testing.T) {
	p := newPlant(t, 3)
	plan := func() api.VulnPlan {
		t.Helper()
		got, err := p.PlanVulns(t.Context(), api.PlanFilter{Limit: 10, Names: 10})
		if err != nil {
			t.Fatal(err)
		}
		again, err := p.PlanVulns(t.Context(), api.PlanFilter{Limit: 10, Names: 10})
		if err != nil || fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", got) {
			t.Errorf("asked again: %v %+v, before %+v", err, again, got)
		}
		return got
	}
	is := func(what string, texts ...string) {
		t.Helper()
		var got []string
		for _, a := range plan().Rows {
			got = append(got, fmt.Sprintf("%s %s %d", a.Kind, a.Product, a.Devices))
		}
		slices.Sort(got)
		if !slices.Equal(got, texts) {
			t.Errorf("%s: %q, want %q", what, got, texts)
		}
	}
	set := func(device, key, value string) {
		t.Helper()
		if _, err := p.SetDevice(t.Context(), "ada", device, key, value); err != nil {
			t.Fatal(err)
		}
	}
	state := func(withdrawn bool) {
		t.Helper()
		s := vex.Statement{Vulnerability: "CVE-2024-0001", Vendor: "Acme", Product: "Gate", Status: "not_affected", Justification: "component_not_present", Why: "looked", Withdrawn: withdrawn}
		if _, err := p.StateVuln(t.Context(), api.VexRequest{Actor: "ada", Statement: s}); err != nil {
			t.Fatal(err)
		}
	}
	take := func(text string) {
		t.Helper()
		if rep, err := p.ImportAdvisories(t.Context(), api.VulnImport{Actor: "ada"}, packed(t, text)); err != nil || rep.New == 0 {
			t.Fatal(err, rep)
		}
	}
	is("at first", "update Acme Gate 3")
	set("10.0.0.1", "firmware", "2.9")
	is("one is mended", "update Acme Gate 2")
	set("10.0.0.2", "firmware", "")
	set("10.0.0.3", "model", "Pump")
	is("one is another", "find_out Acme Gate 1")
	set("10.0.0.2", "firmware", "2.6")
	set("10.0.0.3", "model", "Gate")
	is("back", "update Acme Gate 2")
	bill := `{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"metadata":{"component":{"type":"firmware","name":"Gate","version":"2.7"}},"components":[{"type":"library","name":"busybox","version":"1.35","supplier":{"name":"x"}}]}`
	if _, err := p.ImportBills(t.Context(), api.VulnImport{Actor: "ada", Product: "Gate 2.7"}, packed(t, bill)); err != nil {
		t.Fatal(err)
	}
	is("a bill, of the product and of the one in that version", "component busybox 2", "update Acme Gate 2")
	state(false)
	is("the site's own word", "component busybox 2")
	state(true)
	is("taken back", "component busybox 2", "update Acme Gate 2")
	take(strings.Replace(gateCVE, `"lessThan":"2.8"`, `"lessThan":"2.7"`, 1))
	is("an advisory says less", "component busybox 2", "update Acme Gate 1")
	take(gateCVE)
	before := plan().Rows[0].Decision
	take(`{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2024-0001","dateAdded":"2024-05-01"}]}`)
	set("10.0.0.2", "criticality", "critical")
	if after := plan().Rows[0]; after.Decision == before || after.Subjects[0] == "" {
		t.Errorf("exploited, and on something critical: %+v, before %s", after, before)
	}
	p.planOfTask(plan)
}

// planOfTask opens a task and takes it back: the next page tells of both.
func (p *plantOf) planOfTask(plan func() api.VulnPlan) {
	p.Helper()
	a := plan().Rows[0]
	p.now = p.now.Add(time.Minute)
	v, err := p.OpenRemediation(p.Context(), api.RemediationOpen{Actor: "ada", Action: a.ID})
	if err != nil || plan().Rows[0].Task != v.UID {
		p.Errorf("%v: the plan tells of %q, want %s", err, plan().Rows[0].Task, v.UID)
	}
	if _, err := p.DecideRemediation(p.Context(), api.RemediationDecision{Actor: "ada", UID: v.UID, Action: "undo"}); err != nil || plan().Rows[0].Task != "" {
		p.Errorf("taken back: %v, %q", err, plan().Rows[0].Task)
	}
}
