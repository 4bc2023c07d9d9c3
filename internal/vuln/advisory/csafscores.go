package advisory

import (
	"encoding/json"

	"vedette/internal/vuln/cvss"
)

func (c *csafChecker) scores() error {
	for i := range c.doc.Vulnerabilities {
		seen := map[string]bool{}
		for _, s := range c.doc.Vulnerabilities[i].Scores {
			for kind, raw := range map[string]json.RawMessage{"2": s.V2, "3": s.V3, "4": s.V4} {
				if len(raw) == 0 {
					continue
				}
				where := "vulnerabilities/" + itoa(i) + "/scores"
				version, err := checkScore(where, kind, raw)
				if err != nil {
					return err
				}
				for _, p := range s.Products {
					if p = s.Source + "\x00" + p; seen[version+p] {
						return fails("6.1.7", "%s gives the product %.80q two scores of CVSS %s", where, p[len(s.Source)+1:], version)
					}
					seen[version+p] = true
				}
			}
		}
	}
	return nil
}

// checkScore holds the fields of a CVSS object against its vector.
func checkScore(where, kind string, raw json.RawMessage) (string, error) {
	var m map[string]any
	if json.Unmarshal(raw, &m) != nil {
		return "", fails("6.1.8", "at %s: it is no object", where)
	}
	vector, _ := m["vectorString"].(string)
	v, err := cvss.Parse(vector)
	if err != nil {
		return "", fails("6.1.8", "at %s: %s", where, err)
	}
	version, _ := m["version"].(string)
	if version != v.Version || version[:1] != kind {
		return "", fails("6.1.8", "at %s: version is %.10q, the vector's is %s", where, version, v.Version)
	}
	score, ok := m["baseScore"].(float64)
	if !ok || score < 0 || score > 10 {
		return "", fails("6.1.8", "at %s: baseScore is missing or not between 0 and 10", where)
	}
	if ok, want := v.Agrees(score); !ok {
		return "", fails("6.1.9", "at %s: baseScore is %v, but the vector gives %.1f", where, score, want)
	}
	severity, has := m["baseSeverity"].(string)
	if kind != "2" && !has {
		return "", fails("6.1.8", "at %s: baseSeverity is missing", where)
	}
	if kind != "2" && severity != cvss.Severity(version, score) {
		return "", fails("6.1.9", "at %s: baseSeverity is %.20q, but %.1f is %s", where, severity, score, cvss.Severity(version, score))
	}
	return version, consistent(where, m, v)
}

// metricNames are the fields of a CVSS object for the metrics of a vector.
var metricNames = map[string]string{
	"AV": "attackVector", "AC": "attackComplexity", "PR": "privilegesRequired", "UI": "userInteraction", "S": "scope",
	"C": "confidentialityImpact", "I": "integrityImpact", "A": "availabilityImpact", "E": "exploitCodeMaturity", "RL": "remediationLevel", "RC": "reportConfidence",
}

var metricNames2 = map[string]string{
	"AV": "accessVector", "AC": "accessComplexity", "Au": "authentication",
	"C": "confidentialityImpact", "I": "integrityImpact", "A": "availabilityImpact", "E": "exploitability", "RL": "remediationLevel", "RC": "reportConfidence",
}

var metricNames4 = map[string]string{
	"AV": "attackVector", "AC": "attackComplexity", "AT": "attackRequirements", "PR": "privilegesRequired", "UI": "userInteraction",
	"VC": "vulnConfidentialityImpact", "VI": "vulnIntegrityImpact", "VA": "vulnAvailabilityImpact",
	"SC": "subConfidentialityImpact", "SI": "subIntegrityImpact", "SA": "subAvailabilityImpact",
}

// consistent compares the fields that repeat the vector, by their first letter,
// which is the metric's value but for a few.
func consistent(where string, m map[string]any, v cvss.Vector) error {
	names := map[string]map[string]string{"2.0": metricNames2, "4.0": metricNames4}[v.Version]
	if names == nil {
		names = metricNames
	}
	for metric, name := range names {
		word, ok := m[name].(string)
		value := v.Metrics[metric]
		if !ok || value == "" || metric == "E" || metric == "RL" || metric == "RC" {
			continue
		}
		if word == "" || word[:1] != value[:1] {
			return fails("6.1.10", "at %s: %s is %.20q, but the vector says %s:%s", where, name, word, metric, value)
		}
	}
	return nil
}
