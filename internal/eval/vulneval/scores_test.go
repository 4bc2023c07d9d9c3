package vulneval_test

import (
	"testing"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/schema"
)

// TestScores: the CVSS scores of the published records against those that their
// vectors give, by version. Two implementations of one specification agree nearly
// always; what is left is told by name, and was looked at.
func TestScores(t *testing.T) {
	type tally struct{ n, other int }
	by := map[string]*tally{}
	schemas := schema.New()
	for _, name := range []string{"vuln/cve5-ics-iot-kev.jsonl.gz", "vuln/cve5-components.jsonl.gz"} {
		eachRecord(t, name, schemas, func(a *advisory.Advisory) {
			for i := range a.Vulnerabilities[0].Scores {
				s := &a.Vulnerabilities[0].Scores[i]
				if by[s.Version] == nil {
					by[s.Version] = &tally{}
				}
				by[s.Version].n++
				if want, other := s.Disagrees(); other {
					by[s.Version].other++
					t.Logf("%s by %s: %v, the vector gives %v: %s", a.ID, s.Source, s.Base, want, s.Vector)
				}
			}
		})
	}
	for _, v := range sorted(by) {
		t.Logf("CVSS %s: %d scores, %d are not what their vector gives", v, by[v].n, by[v].other)
		if 20*by[v].other > by[v].n {
			t.Errorf("CVSS %s: more than one of twenty disagrees: that is more likely our fault", v)
		}
	}
}
