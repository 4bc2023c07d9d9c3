package event_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
)

func TestCVEs(t *testing.T) {
	got := event.CVEs("ET EXPLOIT Log4j (CVE-2021-44228) and cve-2021-45046", "cve.2014-0160", "cve.2017.0144", "CVE_2021_44228", "xCVE-2020-1234", "CVE-1899-1", "CVE-2020-123", "CVE-2020-12345678")
	want := []string{"CVE-2021-44228", "CVE-2021-45046", "CVE-2014-0160", "CVE-2017-0144"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(event.CVEs(strings.Repeat("CVE-2020-1111 CVE-2020-2222 CVE-2020-3333 CVE-2020-4444 CVE-2020-5555 ", 3), "CVE-2021-1111 CVE-2021-2222 CVE-2021-3333 CVE-2021-4444")); n > event.MaxVulnerabilities {
		t.Errorf("%d", n)
	}
}

// Of an alert of another tool its rule's words count, not what the packet held.
func TestAlertsNameVulnerabilities(t *testing.T) {
	var e event.Event
	e.SetClassUID(int64(event.DetectionFinding))
	e.SetMetadataProduct("Suricata")
	e.SetMetadataUID("u")
	e.SetFindingInfoTitle("ET EXPLOIT something")
	e.SetRawField(`{"event_type":"alert","alert":{"signature":"ET EXPLOIT something","metadata":{"cve":["CVE_2021_44228"]}},"http":{"url":"/CVE-2024-6666"}}`)
	f, ok := event.FindingOf(&e)
	if diff := cmp.Diff([]string{"CVE-2021-44228"}, f.Vulnerabilities); !ok || diff != "" {
		t.Error(ok, diff)
	}
}
