package priority_test

import (
	"strings"
	"testing"

	"vedette/content"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
)

func TestRate(t *testing.T) {
	tree, err := priority.ParseTree(content.SSVC())
	if err != nil {
		t.Fatal(err)
	}
	worst := []advisory.Score{{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}
	f := func(v advisory.Vulnerability, facts priority.Facts, want string) {
		t.Helper()
		p := tree.Rate([]match.About{{Advisory: &advisory.Advisory{ID: "A"}, Vulnerability: &v}}, facts)
		if got := strings.Join([]string{p.Exploitation, p.Automatable, p.TechnicalImpact, p.Decision}, " "); got != want || len(p.Why) < 3 {
			t.Errorf("%q, want %q; %v", got, want, p.Why)
		}
	}
	f(advisory.Vulnerability{}, priority.Facts{}, "none no partial track")
	f(advisory.Vulnerability{Scores: worst}, priority.Facts{}, "none yes total track")
	f(advisory.Vulnerability{Scores: worst}, priority.Facts{KEV: "2024-01-01"}, "active yes total act")
	f(advisory.Vulnerability{Scores: worst}, priority.Facts{KEV: "2024-01-01", Mission: "low"}, "active yes total attend")
	f(advisory.Vulnerability{Scores: worst, CWE: []string{"CWE-79"}}, priority.Facts{EPSS: 0.7}, "poc no total track*")
	f(advisory.Vulnerability{References: []advisory.Reference{{URL: "https://x", Tags: []string{"exploit"}}}}, priority.Facts{}, "poc no partial track")
	given := &advisory.SSVC{Exploitation: "active", Automatable: "no", TechnicalImpact: "total", By: "CISA-ADP"}
	f(advisory.Vulnerability{SSVC: given}, priority.Facts{}, "active no total attend")
	f(advisory.Vulnerability{SSVC: given}, priority.Facts{NoADP: true}, "none no partial track")
	if _, err := priority.ParseTree("active\tyes\ttotal\thigh\tact\n"); err == nil {
		t.Error("a tree with holes was taken")
	}
}
