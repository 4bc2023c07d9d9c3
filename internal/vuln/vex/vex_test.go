package vex_test

import (
	"strings"
	"testing"
	"time"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/schema"
	"vedette/internal/vuln/version"
	"vedette/internal/vuln/vex"
)

func good() vex.Statement {
	return vex.Statement{
		Vulnerability: "CVE-2024-0001", Vendor: "Acme GmbH", Product: "Gate 100", Version: "2.7", Status: advisory.NotAffected,
		Justification: "component_not_present", Why: "built without the web server", By: "ada", At: time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC),
	}
}

func TestCheck(t *testing.T) {
	f := func(want string, change func(s *vex.Statement)) {
		t.Helper()
		s := good()
		change(&s)
		if err := s.Check(); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", s, err, want)
		}
	}
	f("", func(*vex.Statement) {})
	f("no id", func(s *vex.Statement) { s.Vulnerability = "x y" })
	f("no product", func(s *vex.Statement) { s.Product = "" })
	f("no package URL", func(s *vex.Statement) { s.PURL = "npm/a" })
	f("status", func(s *vex.Statement) { s.Status = "fine" })
	f("justification", func(s *vex.Statement) { s.Justification = "trust me" })
	f("of what is not affected", func(s *vex.Statement) { s.Status = advisory.Fixed })
	f("why", func(s *vex.Statement) { s.Why = " " })
	f("too long", func(s *vex.Statement) { s.Why = strings.Repeat("x", 3000) })
}

// TestOwnWord: what a person says counts before every other source, for the
// version that was named and no other.
func TestOwnWord(t *testing.T) {
	m := match.New(nil)
	a := &advisory.Advisory{Kind: advisory.CSAF, ID: "A", Rank: advisory.ByVEX, Products: []advisory.Product{{Vendor: "Acme", Name: "Gate 100", Versions: version.Parse("< 2.9")}}}
	a.Vulnerabilities = []advisory.Vulnerability{{ID: "CVE-2024-0001", Statements: []advisory.Statement{{Product: 0, Status: advisory.Affected}}}}
	m.Add(a)
	s := good()
	m.Add(s.Advisory())
	f := func(v, want, reason string) {
		t.Helper()
		rows := m.Match(match.Query{Vendor: "Acme", Product: "Gate 100", Version: v})
		if len(rows) != 1 || rows[0].Status != want || !strings.Contains(rows[0].Reason, reason) {
			t.Errorf("%s: %+v", v, rows)
		}
	}
	f("2.7", match.NotAffected, "component_not_present, 2026-03-01 by ada: built without the web server")
	f("2.6", match.Affected, "it lies in < 2.9")
	s.Withdrawn, s.By, s.At = true, "bob", s.At.AddDate(0, 1, 0)
	m.Add(s.Advisory())
	f("2.7", match.Affected, "it lies in < 2.9")
}

// FuzzOpenVEX: what is written reads back as what was said.
func FuzzOpenVEX(f *testing.F) {
	f.Add("Acme", "Gate 100", "2.7", "because", "ada", 0)
	f.Add("", "a/b@c%?#", "1:2~3", "\"\n\x00", "", 2)
	schemas := schema.New()
	f.Fuzz(func(t *testing.T, vendor, product, v, why, by string, status int) {
		s := vex.Statement{
			Vulnerability: "CVE-2024-0001", Vendor: vendor, Product: product, Version: v, Why: why, By: by, At: time.Unix(1_700_000_000, 0).UTC(),
			Status: []advisory.Status{advisory.NotAffected, advisory.Affected, advisory.Fixed, advisory.Investigating}[uint(status)%4],
		}
		if s.Status == advisory.NotAffected {
			s.Justification = "component_not_present"
		}
		if s.Check() != nil {
			t.Skip("no statement that would be kept")
		}
		text, err := vex.OpenVEX([]vex.Statement{s}, "the site")
		if err != nil {
			t.Fatal(err)
		}
		a, err := advisory.Read(text, schemas)
		if err != nil || len(a.Vulnerabilities) != 1 || a.Vulnerabilities[0].ID != "CVE-2024-0001" || len(a.Products) != 1 || a.Vulnerabilities[0].Statements[0].Status != s.Status {
			t.Fatalf("%s: %v %+v", text, err, a)
		}
		if u, ok := advisory.ParsePURL(a.Products[0].PURL); !ok || strings.ToValidUTF8(product, "") == product && strings.Trim(product, "/") == product && !strings.Contains(product, "/") && (u.Name != product || u.Version != v && strings.ToValidUTF8(v, "") == v) {
			t.Fatalf("%q %q became %+v of %q", product, v, u, a.Products[0].PURL)
		}
	})
}
