package event

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// MaxVulnerabilities is how many vulnerabilities a finding names.
const MaxVulnerabilities = 8

var cveWritten = regexp.MustCompile(`(?i)\bcve[-_. ]?((?:19|20)[0-9]{2})[-_. ]([0-9]{4,7})\b`)

// CVEs returns the ids of vulnerabilities that a text names, in upper case, each
// once: CVE-2021-44228, also as Sigma's tags (cve.2021-44228) and Suricata's
// metadata (CVE_2021_44228) write it.
func CVEs(texts ...string) []string {
	var out []string
	for _, text := range texts {
		for _, m := range cveWritten.FindAllStringSubmatch(text, MaxVulnerabilities) {
			id := "CVE-" + m[1] + "-" + m[2]
			if len(out) < MaxVulnerabilities && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// alertCVEs are what an alert of another tool is about: by its title, and by the
// metadata of its rule where it is Suricata's. What else is in the alert, devices
// and attackers wrote.
func alertCVEs(title, raw string) []string {
	texts := []string{title}
	if strings.Contains(raw, `"cve"`) && len(raw) <= 1<<20 {
		var eve struct {
			Alert struct {
				Metadata struct {
					CVE []string `json:"cve"`
				} `json:"metadata"`
			} `json:"alert"`
		}
		if json.Unmarshal([]byte(raw), &eve) == nil {
			texts = append(texts, eve.Alert.Metadata.CVE...)
		}
	}
	return CVEs(texts...)
}
