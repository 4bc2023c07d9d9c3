package rest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"vedette/internal/api"
	"vedette/internal/authz"
	"vedette/internal/fault"
	"vedette/internal/vuln/remedy"
)

// planned is a plant with 250 actions; the first concerns many devices.
type planned struct{ plant }

func (*planned) PlanVulns(_ context.Context, f api.PlanFilter) (api.VulnPlan, error) {
	if f.Decision == "soon" {
		return api.VulnPlan{}, fault.New(fault.Invalid, "the decision is soon")
	}
	out := make([]remedy.Action, 250)
	for i := range out {
		out[i] = remedy.Action{ID: fmt.Sprint(i), Text: fmt.Sprint("update thing ", i, "."), Decision: []string{"act", "track"}[i%2], Vulnerabilities: []string{fmt.Sprint("CVE-2024-", 1000+i)}, Subjects: []string{"product:x"}, Devices: 1}
	}
	for i := range 500 {
		out[0].Subjects = append(out[0].Subjects, fmt.Sprint("product:", i))
	}
	out[0].Devices = len(out[0].Subjects)
	plan := api.VulnPlan{Counts: map[string]int{}}
	for _, a := range out {
		if !strings.Contains(strings.ToLower(a.Vulnerabilities[0]), strings.ToLower(f.Text)) {
			continue
		}
		if plan.Counts[a.Decision]++; f.Decision == "" || a.Decision == f.Decision {
			plan.Rows = append(plan.Rows, a)
		}
	}
	plan.Total = len(plan.Rows)
	if plan.Rows = plan.Rows[min(f.Offset, plan.Total):]; f.Limit > 0 {
		plan.Rows = plan.Rows[:min(f.Limit, len(plan.Rows))]
	}
	for i := range plan.Rows {
		if n := len(plan.Rows[i].Subjects); f.Names > 0 {
			plan.Rows[i].Subjects = plan.Rows[i].Subjects[:min(n, f.Names)]
		}
	}
	return plan, nil
}

// TestPlanInPages: pages give every action once, counts are of all that the text
// finds whichever decision is asked for, and without a page the plan is whole.
func TestPlanInPages(t *testing.T) {
	h := Handler(&planned{}, authority(t), About{})
	ask := func(query string) (int, map[string]any) {
		return call(t, h, as(authz.Viewer), "GET", "/api/v1/vulnerabilities/plan"+query, "")
	}
	seen, cursor := map[any]bool{}, ""
	for range 10 {
		code, got := ask("?limit=100&decision=act" + cursor)
		if code != http.StatusOK || got["total"] != 125.0 || got["counts"].(map[string]any)["track"] != 125.0 {
			t.Fatal(code, got["total"], got["counts"])
		}
		for _, r := range got["rows"].([]any) {
			a := r.(map[string]any)
			if seen[a["id"]] || len(a["subjects"].([]any)) > planNames {
				t.Errorf("%v", a["id"])
			}
			seen[a["id"]] = true
		}
		next, _ := got["next"].(string)
		if next == "" {
			break
		}
		cursor = "&cursor=" + next
	}
	if len(seen) != 125 {
		t.Errorf("%d actions", len(seen))
	}
	if _, got := ask(""); len(got["rows"].([]any)) != 250 || len(got["rows"].([]any)[0].(map[string]any)["subjects"].([]any)) != 501 {
		t.Errorf("the whole plan has %d rows", len(got["rows"].([]any)))
	}
	if _, got := ask("?limit=10&q=cve-2024-1003"); got["total"] != 1.0 || got["counts"].(map[string]any)["track"] != 1.0 {
		t.Errorf("%v", got)
	}
	if code, _ := ask("?decision=soon"); code != http.StatusBadRequest {
		t.Error(code)
	}
}
