package advisory_test

import (
	"testing"

	"vedette/internal/vuln/advisory"
)

// TestSSVCOrder: options that contradict each other are read the same way every
// time.
func TestSSVCOrder(t *testing.T) {
	const doc = `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2024-0001","state":"PUBLISHED"},"containers":{
	"cna":{"providerMetadata":{"shortName":"x"},"descriptions":[{"lang":"en","value":"d"}],"affected":[{"vendor":"v","product":"p","versions":[{"version":"1","status":"affected"}]}]},
	"adp":[{"providerMetadata":{"shortName":"CISA-ADP"},"metrics":[{"other":{"type":"ssvc","content":{"options":[{"Exploitation":"none","EXPLOITATION":"poc","exploitation":"active"}]}}}]}]}}`
	for range 50 {
		a, err := advisory.Read([]byte(doc), nil)
		if err != nil {
			t.Fatal(err)
		}
		if s := a.Vulnerabilities[0].SSVC; s == nil || s.Exploitation != "active" {
			t.Fatalf("%+v, want the key that sorts last", s)
		}
	}
}
