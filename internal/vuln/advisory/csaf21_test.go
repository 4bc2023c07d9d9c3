package advisory

import (
	"encoding/json"
	"strings"
	"testing"
)

const sample21 = `{
 "$schema":"https://docs.oasis-open.org/csaf/csaf/v2.1/schema/csaf.json",
 "document":{"category":"csaf_security_advisory","csaf_version":"2.1","title":"Gate: two flaws","lang":"en",
  "distribution":{"tlp":{"label":"GREEN"}},
  "notes":[{"category":"summary","text":"x"}],
  "publisher":{"category":"vendor","name":"Acme","namespace":"https://acme.example"},
  "tracking":{"id":"ACME-1","status":"final","version":"1","initial_release_date":"2026-01-02T00:00:00Z","current_release_date":"2026-01-02T00:00:00Z",
   "revision_history":[{"date":"2026-01-02T00:00:00Z","number":"1","summary":"first"}]}},
 "product_tree":{"branches":[{"category":"vendor","name":"Acme","branches":[{"category":"product_name","name":"Gate","branches":[
   {"category":"product_version_range","name":"vers:generic/<2.8","product":{"product_id":"P1","name":"Acme Gate <2.8","product_identification_helper":{"purls":["pkg:generic/acme/gate","pkg:generic/acme/gate2"]}}},
   {"category":"product_version","name":"2.8","product":{"product_id":"P2","name":"Acme Gate 2.8"}}]},
   {"category":"product_name","name":"Rack","product":{"product_id":"P3","name":"Acme Rack"}}]}],
  "product_paths":[{"beginning_product_reference":"P1","full_product_name":{"product_id":"P4","name":"Gate in Rack"},"subpaths":[{"category":"installed_on","next_product_reference":"P3"}]}]},
 "vulnerabilities":[{"cve":"CVE-2026-1","cwes":[{"id":"CWE-79","name":"Improper Neutralization of Input During Web Page Generation ('Cross-site Scripting')","version":"4.15"},{"id":"CWE-20","name":"Improper Input Validation","version":"4.15"}],
  "disclosure_date":"2026-01-01T00:00:00Z","first_known_exploitation_dates":[{"date":"2026-01-02T00:00:00Z","exploitation_date":"2025-12-30T10:00:00Z","product_ids":["P1"]}],
  "notes":[{"category":"description","text":"bad"}],
  "product_status":{"known_affected":["P1","P4"],"fixed":["P2"]},
  "metrics":[
   {"products":["P1"],"content":{"cvss_v4":{"version":"4.0","vectorString":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N","baseScore":9.3,"baseSeverity":"CRITICAL"},
     "cvss_v3":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL"}}},
   {"products":["P1"],"source":"https://cert.example","content":{"cvss_v3":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL"},
     "ssvc_v2":{"selections":[{"name":"Exploitation","namespace":"ssvc","values":[{"key":"A","name":"Active"}]},{"name":"Automatable","namespace":"ssvc","values":[{"key":"Y","name":"Yes"}]}]}}}],
  "remediations":[{"category":"vendor_fix","details":"Update to V2.8 or later","product_ids":["P1","P4"]}]}]}`

// TestCSAF21 reads what 2.1 added, and refuses what it does not allow.
func TestCSAF21(t *testing.T) {
	a, err := Read([]byte(sample21), nil)
	if err != nil {
		t.Fatal(err)
	}
	v := a.Vulnerabilities[0]
	if a.Spec != "2.1" || a.TLP != "green" || len(a.Products) != 4 || a.Products[0].PURL != "pkg:generic/acme/gate" || a.Products[3].Within != "Rack" {
		t.Errorf("%+v", a)
	}
	if len(v.Scores) != 3 || v.Scores[0].Version != "4.0" || v.Scores[0].Base != 9.3 || v.Scores[2].Source != "https://cert.example" {
		t.Errorf("%+v", v.Scores)
	}
	if v.SSVC == nil || v.SSVC.Exploitation != "active" || v.SSVC.Automatable != "yes" || v.SSVC.By != "https://cert.example" {
		t.Errorf("%+v", v.SSVC)
	}
	if strings.Join(v.CWE, " ") != "CWE-79 CWE-20" || v.Disclosed.Format("2006-01-02") != "2026-01-01" || v.Exploited.Format("2006-01-02") != "2025-12-30" || len(v.Statements) != 3 || v.Remedies[0].Fix != "V2.8" {
		t.Errorf("%+v", v)
	}
	for change, why := range map[string]string{
		`"label":"GREEN"|"label":"WHITE"`: "TLP 2 does not have", `"known_affected":["P1"|"known_affected":["P9"`: "6.1.1", `"baseScore":9.8|"baseScore":9.7`: "6.1.9",
		`"title":"Gate: two flaws"|"title":""`: "no document/title", `"fixed":["P2"]|"fixed":["P1"]`: "6.1.6", `"pkg:generic/acme/gate2"|"gate2"`: "6.1.13",
		`"source":"https://cert.example",|`: "6.1.7",
	} {
		from, to, _ := strings.Cut(change, "|")
		if _, err := Read([]byte(strings.Replace(sample21, from, to, 1)), nil); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", change, err)
		}
	}
	a, err = Read([]byte(strings.Replace(sample21, "csaf_security_advisory", "csaf_withdrawn", 1)), nil)
	if err != nil || !a.Withdrawn {
		t.Errorf("%v", err)
	}
}

// FuzzCSAF21: what is read speaks only of products that it has, and is read again
// the same.
func FuzzCSAF21(f *testing.F) {
	f.Add(sample21)
	f.Add(strings.ReplaceAll(sample21, "P1", "P3"))
	f.Fuzz(func(t *testing.T, text string) {
		if !strings.Contains(text, `"2.1"`) {
			return
		}
		a, err := Read([]byte(text), schemas)
		if err != nil {
			return
		}
		for _, v := range a.Vulnerabilities {
			for _, s := range v.Statements {
				if s.Product < 0 || s.Product >= len(a.Products) {
					t.Fatalf("a statement on product %d of %d", s.Product, len(a.Products))
				}
			}
		}
		b, err := Read([]byte(text), schemas)
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		if err != nil || string(x) != string(y) {
			t.Errorf("read twice: %v\n%s\n%s", err, x, y)
		}
	})
}
