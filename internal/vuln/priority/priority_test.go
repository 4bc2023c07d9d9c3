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

// TestContext: the same vulnerability ranks differently on different devices,
// and says why.
func TestContext(t *testing.T) {
	tree, err := priority.ParseTree(content.SSVC())
	if err != nil {
		t.Fatal(err)
	}
	f := func(vector, kev string, c priority.Context, want, horizon, why string) {
		t.Helper()
		v := advisory.Vulnerability{Scores: []advisory.Score{{Version: "3.1", Vector: vector}}}
		found := tree.Found([]match.About{{Advisory: &advisory.Advisory{ID: "A"}, Vulnerability: &v}}, priority.Facts{KEV: kev})
		p := tree.In(found, c)
		if p.Decision != want || priority.Horizon(p.Decision) != horizon || !strings.Contains(strings.Join(p.Why, "|"), why) || len(found.Why) != 3 {
			t.Errorf("%+v: %+v, want %s", c, p, want)
		}
	}
	const net, local = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"
	f(net, "", priority.Context{}, "track", "never", "not told")
	f(net, "", priority.Context{Exposure: "open"}, "track*", "never", "instead of track: it can be used from the internet")
	f(net, "2024-01-01", priority.Context{Mission: "low", Exposure: "open"}, "act", "now", "instead of attend")
	f(net, "2024-01-01", priority.Context{Mission: "high", By: "its criticality is critical"}, "act", "now", "mission high: its criticality is critical")
	f(net, "2024-01-01", priority.Context{Mission: "high", Exposure: "small"}, "attend", "next", "only its own zone")
	f(net, "2024-01-01", priority.Context{Exposure: "controlled"}, "act", "now", "")
	f(local, "2024-01-01", priority.Context{Exposure: "open"}, "attend", "next", "")
	f(local, "2024-01-01", priority.Context{Exposure: "small"}, "attend", "next", "")
}
