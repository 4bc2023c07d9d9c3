package rest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/correlate"
	"vedette/internal/event"
)

// What is grave is on the first page whatever else there is; the rest is added up
// by what it is, unless there is nothing else.
func TestRoutineIsFolded(t *testing.T) {
	low := func(uid string, rules ...string) correlate.Incident {
		i := correlate.Incident{UID: uid, Severity: event.Low, Level: "low"}
		for _, r := range rules {
			i.Findings.Rules = append(i.Findings.Rules, correlate.RuleCount{Rule: r, Title: "title of " + r})
		}
		return i
	}
	list := []correlate.Incident{{UID: "g", Severity: event.High, Level: "high"}, low("a", "r1"), low("b", "r2"), low("c", "r2"), low("d", "r1", "r2")}
	var o overview
	o.sum(list)
	if len(o.Incidents) != 1 || o.Incidents[0].UID != "g" || o.Open != 5 {
		t.Errorf("%d open, on the page %v", o.Open, o.Incidents)
	}
	if diff := cmp.Diff(map[string]int{"high": 1, "low": 4}, o.ByLevel); diff != "" {
		t.Error(diff)
	}
	want := []routine{{"r2", "title of r2", 2}, {"", "", 1}, {"r1", "title of r1", 1}}
	if diff := cmp.Diff(want, o.Routine); diff != "" {
		t.Error(diff)
	}
	o = overview{}
	o.sum(list[1:])
	if len(o.Incidents) != 4 || len(o.Routine) != 0 {
		t.Errorf("with nothing grave: %d on the page, %v", len(o.Incidents), o.Routine)
	}
}
