package priority_test

import (
	"testing"

	"vedette/content"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
)

// TestWordsWhereNoVectorTells: plain words count, a vector counts more, and what
// says nothing stays no and partial.
func TestWordsWhereNoVectorTells(t *testing.T) {
	tree, err := priority.ParseTree(content.SSVC())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text, ref, vector string
		want              [3]string
	}{
		{"A flaw lets an unauthenticated attacker execute arbitrary code.", "", "", [3]string{"none", "yes", "total"}},
		{"A logged-in user can execute commands without authentication of the peer.", "", "", [3]string{"none", "no", "total"}},
		{"A stack overflow in the parser.", "", "", [3]string{"none", "no", "total"}},
		{"A stack overflow leads to a denial of service.", "", "", [3]string{"none", "no", "partial"}},
		{"A page shows the version.", "https://github.com/someone/my-vulns/blob/main/a.md", "", [3]string{"poc", "no", "partial"}},
		{"A page shows the version.", "https://github.com/someone/CVE-2026-1234", "", [3]string{"poc", "no", "partial"}},
		{"In the modem, a write could lead to remote code execution with no additional execution privileges needed. User interaction is not needed.", "", "", [3]string{"none", "yes", "total"}},
		{"An unauthenticated attacker may crash it. Attacks require human interaction.", "", "", [3]string{"none", "no", "partial"}},
		{"A difficult to exploit flaw allows an unauthenticated attacker to crash it.", "", "", [3]string{"none", "no", "partial"}},
		{"A remote attacker with a crafted PDF file executes arbitrary code.", "", "", [3]string{"none", "no", "total"}},
		{"Read beyond it.", "", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:N/SC:N/SI:N/SA:N", [3]string{"none", "yes", "total"}},
		{"A page shows the version.", "https://github.com/vendor/product/blob/main/a.md", "", [3]string{"none", "no", "partial"}},
		{"An unauthenticated attacker executes arbitrary code.", "", "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:L/I:N/A:N", [3]string{"none", "no", "partial"}},
	} {
		v := &advisory.Vulnerability{ID: "CVE-2026-1", Text: c.text}
		if c.ref != "" {
			v.References = []advisory.Reference{{URL: c.ref}}
		}
		if c.vector != "" {
			v.Scores = []advisory.Score{{Version: "3.1", Vector: c.vector}}
		}
		p := tree.Rate([]match.About{{Advisory: &advisory.Advisory{ID: "A"}, Vulnerability: v}}, priority.Facts{})
		if got := [3]string{p.Exploitation, p.Automatable, p.TechnicalImpact}; got != c.want {
			t.Errorf("%q %s: %v, want %v", c.text, c.vector, got, c.want)
		}
	}
}
