package ruletest_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"regexp"
	"testing"
)

// unzipped is a file of the shared data, its gzip undone.
func unzipped(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(shared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestSharedTechniques: every technique that a rule names is one of ATT&CK or
// ATLAS and is still in force.
func TestSharedTechniques(t *testing.T) {
	known := map[string]bool{}
	for _, name := range []string{"threat/attack-ics-18.1.stix21.json.gz", "threat/attack-enterprise-18.1.stix20.objects.json.gz"} {
		var bundle struct {
			Objects []struct {
				Type       string `json:"type"`
				Revoked    bool   `json:"revoked"`
				Deprecated bool   `json:"x_mitre_deprecated"`
				References []struct {
					ID string `json:"external_id"`
				} `json:"external_references"`
			} `json:"objects"`
		}
		if err := json.Unmarshal(unzipped(t, name), &bundle); err != nil {
			t.Fatal(err)
		}
		for _, o := range bundle.Objects {
			if o.Type == "attack-pattern" && !o.Revoked && !o.Deprecated && len(o.References) > 0 {
				known[o.References[0].ID] = true
			}
		}
	}
	for _, m := range regexp.MustCompile(`id: (AML\.T\d{4}(?:\.\d{3})?)\n`).FindAllSubmatch(unzipped(t, "threat/ATLAS.yaml.gz"), -1) {
		known[string(m[1])] = true
	}
	p := builtin(t)
	named := map[string]bool{}
	for i := range p.Entries {
		for _, id := range p.Entries[i].Rule.Techniques {
			named[id] = true
			if !known[id] {
				t.Errorf("%s names %s, which is no technique in force", p.Entries[i].Path, id)
			}
		}
	}
	t.Logf("%d techniques are named", len(named))
}
