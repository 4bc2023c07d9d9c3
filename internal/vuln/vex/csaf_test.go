package vex_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/schema"
	"vedette/internal/vuln/vex"
)

// statements are of every kind.
func statements() []vex.Statement {
	a, b, c, d, e := good(), good(), good(), good(), good()
	b.Version, b.Status, b.Justification, b.Why = "2.6", advisory.Affected, "", "block port 80"
	c.Version, c.Status, c.Justification, c.At = "2.8", advisory.Fixed, "", c.At.Add(time.Hour)
	d.Vulnerability, d.Vendor, d.Product, d.Version, d.PURL, d.Status, d.Justification = "GHSA-xxxx-yyyy-zzzz", "", "", "", "pkg:npm/left@1.0.0", advisory.Investigating, ""
	e.Vulnerability, e.Version, e.Withdrawn = "CVE-2024-0002", "", true
	return []vex.Statement{a, b, c, d, e}
}

// TestOut: what is written as CSAF passes our own reader with all its tests, and
// both formats read back as what was said.
func TestOut(t *testing.T) {
	schemas := schema.New()
	for name, write := range map[string]func([]vex.Statement, vex.Author) ([]byte, error){"csaf": vex.CSAF, "cyclonedx": vex.CycloneDX} {
		text, err := write(statements(), vex.Author{Name: "Plant North", Namespace: "https://north.example"})
		if err != nil {
			t.Fatal(name, err)
		}
		again, _ := write(statements(), vex.Author{Name: "Plant North", Namespace: "https://north.example"})
		if string(again) != string(text) {
			t.Errorf("%s: written twice it differs", name)
		}
		a, err := advisory.Read(text, schemas)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		var got []string
		for _, v := range a.Vulnerabilities {
			for _, s := range v.Statements {
				got = append(got, v.ID+" "+a.Products[s.Product].Name+" "+string(s.Status))
			}
		}
		slices.Sort(got)
		if len(got) != 4 || a.Rank != advisory.ByVEX {
			t.Errorf("%s: rank %d, %q\n%s", name, a.Rank, got, text)
		}
		m := match.New(nil)
		m.Add(a)
		for version, want := range map[string]string{"2.7": match.NotAffected, "2.6": match.Affected, "2.8": match.NotAffected} {
			rows := m.Match(match.Query{Vendor: "Acme GmbH", Product: "Gate 100", Version: version})
			if len(rows) != 1 || rows[0].Status != want {
				t.Errorf("%s: %s: %s", name, version, fmt.Sprint(rows))
			}
		}
	}
	if _, err := vex.CSAF(nil, vex.Author{}); err == nil {
		t.Error("a document without statements")
	}
}
