package match_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/schema"
)

// onPlatform is a CSAF document about a part in two versions on a platform.
func onPlatform(relation string) string {
	return fmt.Sprintf(`{"document":{"category":"csaf_security_advisory","csaf_version":"2.0","title":"t","publisher":{"category":"vendor","name":"Acme","namespace":"https://acme.example"},
 "tracking":{"id":"A-1","status":"final","version":"1","current_release_date":"2026-01-01T00:00:00Z","initial_release_date":"2026-01-01T00:00:00Z","revision_history":[{"number":"1","date":"2026-01-01T00:00:00Z","summary":"s"}]}},
 "product_tree":{"branches":[{"category":"vendor","name":"Acme","branches":[
  {"category":"product_name","name":"Widget Server","branches":[
   {"category":"product_version","name":"1.2","product":{"product_id":"W12","name":"Acme Widget Server 1.2"}},
   {"category":"product_version","name":"1.3","product":{"product_id":"W13","name":"Acme Widget Server 1.3"}}]},
  {"category":"product_name","name":"Control OS","branches":[{"category":"product_version","name":"8","product":{"product_id":"C8","name":"Acme Control OS 8"}}]},
  {"category":"product_name","name":"Gate 200","product":{"product_id":"G","name":"Acme Gate 200"}},
  {"category":"product_name","name":"Firmware","branches":[{"category":"product_version_range","name":"vers:generic/<2.8","product":{"product_id":"F","name":"Acme Firmware <2.8"}}]}]}],
 "relationships":[
  {"category":%[1]q,"product_reference":"W12","relates_to_product_reference":"C8","full_product_name":{"product_id":"W12C8","name":"Widget Server 1.2 on Control OS 8"}},
  {"category":%[1]q,"product_reference":"W13","relates_to_product_reference":"C8","full_product_name":{"product_id":"W13C8","name":"Widget Server 1.3 on Control OS 8"}},
  {"category":"installed_on","product_reference":"F","relates_to_product_reference":"G","full_product_name":{"product_id":"FG","name":"Firmware <2.8 on Gate 200"}}]},
 "vulnerabilities":[{"cve":"CVE-2026-0001","notes":[{"category":"description","text":"x"}],"product_status":{"known_affected":["W12C8"],"fixed":["W13C8"]}},
  {"cve":"CVE-2026-0002","notes":[{"category":"description","text":"x"}],"product_status":{"known_affected":["FG"]}}]}`, relation)
}

// TestPartOnPlatform: who is known to be the platform and to have the part gets what
// the source says; who is the platform alone is told that the part is not known; of
// others nothing is said.
func TestPartOnPlatform(t *testing.T) {
	for _, relation := range []string{"installed_on", "installed_with", "default_component_of", "optional_component_of", "external_component_of"} {
		x := match.New(match.ParseAliases(""))
		a, err := advisory.Read([]byte(onPlatform(relation)), schema.New())
		if err != nil {
			t.Fatal(err)
		}
		x.Add(a)
		osOf := func(v string) *match.Platform {
			return &match.Platform{Vendor: "Acme", Product: "Control OS", Version: v}
		}
		for _, c := range []struct {
			q    match.Query
			want string // "" nothing; else the status, and a word of the reason
		}{
			{match.Query{Vendor: "Acme", Product: "Widget Server", Version: "1.2", On: osOf("8")}, "affected lies in"},
			{match.Query{Vendor: "Acme", Product: "Widget Server", Version: "1.3", On: osOf("8")}, "not_affected fixed"},
			{match.Query{Vendor: "Acme", Product: "Widget Server", Version: "1.2", On: osOf("9")}, ""},
			{match.Query{Vendor: "Acme", Product: "Widget Server", Version: "1.2", On: &match.Platform{Product: "Something else"}}, "undetermined as part of"},
			{match.Query{Vendor: "Acme", Product: "Widget Server", Version: "1.2"}, "undetermined as part of"},
			{match.Query{Vendor: "Acme", Product: "Control OS", Version: "8"}, "undetermined Widget Server"},
			{match.Query{Vendor: "Acme", Product: "Control OS", Version: "8", Parts: true}, ""},
			{match.Query{Vendor: "Acme", Product: "Control OS", Version: "9"}, ""},
			{match.Query{Vendor: "Other", Product: "Control OS", Version: "8"}, ""},
			{match.Query{Vendor: "Acme", Product: "Toaster", Version: "8"}, ""},
			{match.Query{Vendor: "Acme", Product: "Gate 200", Version: "2.7"}, "affected lies in"},
			{match.Query{Vendor: "Acme", Product: "GATE-200", Version: "FW V2.8"}, "not_affected after"},
			{match.Query{Vendor: "Acme", Product: "Gate 200"}, "undetermined "},
		} {
			got := ""
			for _, r := range x.Match(c.q) {
				got += r.Status + " " + r.Reason
			}
			status, word, _ := strings.Cut(c.want, " ")
			if c.want == "" && got != "" || !strings.HasPrefix(got, status) || !strings.Contains(got, word) {
				t.Errorf("%s: %+v: %q, want %q", relation, c.q, got, c.want)
			}
		}
	}
}

// TestConditional: what a part is on is asked for where it matters and nowhere else,
// also when the advisory has been replaced.
func TestConditional(t *testing.T) {
	x := match.New(match.ParseAliases(""))
	a, err := advisory.Read([]byte(onPlatform("installed_on")), schema.New())
	if err != nil {
		t.Fatal(err)
	}
	x.Add(a)
	asked := 0
	parts := []match.Query{
		{Vendor: "Acme", Product: "Widget Server", Version: "1.2"},
		{Product: "Acme Widget Server", Version: "1.2"},
		{Product: "Widget Server", Version: "1.3"},
		{Vendor: "Acme", Product: "Firmware", Version: "2.7"},
		{Product: "Toaster"},
		{CPEs: []string{"cpe:2.3:a:acme:widget_server:1.2:*:*:*:*:*:*:*"}, Version: "1.2"},
	}
	on := []*match.Platform{nil, {Vendor: "Acme", Product: "Control OS", Version: "8"}, {Product: "Acme Control OS", Version: "9"}, {Product: "control-os"}, {Vendor: "Acme", Product: "Gate 200"}, {Vendor: "Other", Product: "Control OS", Version: "8"}, {Product: "Something else", Version: "8"}}
	look := func() {
		t.Helper()
		for _, q := range parts {
			for _, p := range on {
				with := q
				with.On = p
				if x.Conditional(&q, p) {
					asked++
				} else if a, b := fmt.Sprintf("%+v", x.Match(q)), fmt.Sprintf("%+v", x.Match(with)); a != b {
					t.Errorf("%+v on %+v matters, and is not asked for: %s, and without: %s", q, p, b, a)
				}
			}
		}
	}
	if look(); asked == 0 {
		t.Fatal("nothing was asked for")
	}
	b := *a
	b.Products = slices.Clone(a.Products)
	for i := range b.Products {
		b.Products[i].On = 0
	}
	x.Add(&b)
	asked = 0
	if look(); asked != 0 {
		t.Errorf("%d are asked for, and no advisory speaks of a platform", asked)
	}
}
