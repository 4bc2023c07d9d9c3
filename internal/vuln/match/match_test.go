package match_test

import (
	"strings"
	"testing"
	"time"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/version"
)

func product(vendor, name, versions string, models ...string) advisory.Product {
	return advisory.Product{Vendor: vendor, Name: name, Versions: version.Parse(versions), Models: models}
}

func csaf(id string, rank advisory.Rank, status advisory.Status, products ...advisory.Product) *advisory.Advisory {
	v := advisory.Vulnerability{ID: "CVE-2024-0001"}
	for i := range products {
		v.Statements = append(v.Statements, advisory.Statement{Product: i, Status: status})
	}
	return &advisory.Advisory{Kind: advisory.CSAF, ID: id, Publisher: "X", Rank: rank, Products: products, Vulnerabilities: []advisory.Vulnerability{v}}
}

func TestMatch(t *testing.T) {
	aliases := match.ParseAliases("rockwell automation\tallen-bradley\n")
	index := match.New(aliases)
	index.Add(csaf("A", advisory.ByCSAF, advisory.Affected,
		product("Siemens", "SIMATIC S7-1500 CPU 1511-1 PN (6ES7511-1AK02-0AB0)", "< V2.8.3 SP1"),
		product("Siemens", "SIMATIC S7-1500 CPU 1511-1 PN (6ES7511-1AK00-0AB0)", "vers:all/*"),
		product("Siemens", "SCALANCE X200 family", "< V5.5"),
		product("Rockwell Automation", "1756-EN2T", "<= 11.001"),
		product("", "Example Company Product A", "4.2"),
		product("Acme", "Panel", "2.0.x", "9AK1014-1??0-0AA2"),
	))
	f := func(vendor, name, v, want, reason string) {
		t.Helper()
		got, why := "", ""
		for _, r := range index.Match(match.Query{Vendor: vendor, Product: name, Version: v}) {
			got, why = r.Status, r.Reason
			if r.Reason == "" || r.Source == "" || r.Confidence <= 0 {
				t.Errorf("%s: a row without reason, source or confidence: %+v", name, r)
			}
		}
		if got != want || !strings.Contains(why, reason) {
			t.Errorf("%s %s %s: %q (%s), want %q (%s)", vendor, name, v, got, why, want, reason)
		}
	}
	f("SIEMENS AG", "simatic s7-1500 cpu 1511-1 pn (6es7511-1ak02-0ab0)", "FW V2.8.3", match.Affected, "")
	f("Siemens", "6ES7 511-1AK02-0AB0", "2.8.3 SP1", match.NotAffected, "after")
	f("Siemens", "6ES7511-1AK00-0AB0", "9", match.Affected, "all versions")
	f("Siemens", "SIMATIC S7-1500 CPU 1511-1 PN", "2.9", match.Undetermined, "order number")
	f("Siemens", "SIMATIC S7-1500 CPU 1511-1 PN", "2.0", match.Affected, "")
	f("Siemens", "CPU 1511-1 PN", "2.0", match.Affected, "end of its name")
	f("Siemens", "SCALANCE X200-4P IRT", "5.4", match.Undetermined, "family")
	f("Siemens", "SCALANCE X200", "5.4", match.Affected, "")
	f("Allen-Bradley", "1756-EN2T", "11.002", match.NotAffected, "")
	f("Allen-Bradley", "1756-EN2T", "", match.Undetermined, "not known")
	f("Moxa", "1756-EN2T", "11.001", "", "")
	f("Acme", "9AK1014-1AB0-0AA2", "2.0.7", match.Affected, "")
	f("Example Company", "Product A", "4.2", match.Affected, "")
	f("Acme", "Nothing Like It", "1", "", "")

	// The word of a VEX counts more, and taking an advisory in again replaces it.
	index.Add(csaf("V", advisory.ByVEX, advisory.NotAffected, product("Rockwell Automation", "1756-EN2T", "*")))
	f("Rockwell Automation", "1756-EN2T", "11.001", match.NotAffected, "not affected")
	index.Add(csaf("V", advisory.ByVEX, advisory.Investigating, product("Rockwell Automation", "1756-EN2T", "*")))
	f("Rockwell Automation", "1756-EN2T", "11.001", match.Undetermined, "looking")
}

// What a thing is may stand at the end of its name or not, where a number has said
// which it is; after other words it makes another product.
func TestKindAtTheEnd(t *testing.T) {
	index := match.New(nil)
	index.Add(csaf("K", advisory.ByCSAF, advisory.Affected,
		product("Rockwell Automation", "CompactLogix 5380 controllers", "<= 33.011"),
		product("Schneider Electric", "Modicon M580", "< SV4.20"),
		product("Moxa", "UC-8200 System Image", "< V2.5"),
		product("Siemens", "SIMATIC S7-1500 Software Controller", "vers:all/*"),
		product("Acme", "Process Controllers", "vers:all/*"),
	))
	for _, c := range []struct {
		vendor, name, version string
		want                  int
	}{
		{"Rockwell Automation", "CompactLogix 5380", "32.011", 1},
		{"Rockwell Automation", "CompactLogix 5480", "32.011", 0},
		{"Schneider Electric", "Modicon M580 CPU", "SV4.10", 1},
		{"Schneider Electric", "Modicon M580 CPUs", "SV4.10", 1},
		{"Moxa", "UC-8200", "2.4", 1},
		{"Siemens", "SIMATIC S7-1500", "2.9", 0},
		{"Siemens", "SIMATIC S7-1500 CPU", "2.9", 0},
		{"Acme", "Process", "1", 0},
	} {
		if got := index.Match(match.Query{Vendor: c.vendor, Product: c.name, Version: c.version}); len(got) != c.want {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// TestPackages: a package by its purl, by the order of its ecosystem.
func TestPackages(t *testing.T) {
	index := match.New(nil)
	index.Add(&advisory.Advisory{
		Kind: advisory.OSV, ID: "DSA-1", Rank: advisory.ByCVE, Updated: time.Unix(1, 0),
		Products:        []advisory.Product{{Name: "openssl", PURL: "pkg:deb/debian/openssl", Versions: version.Set{Scheme: version.Deb, Spans: []version.Span{{High: "1.1.1n-0+deb11u4", HighOut: true}}}}},
		Vulnerabilities: []advisory.Vulnerability{{ID: "CVE-2023-0286", Statements: []advisory.Statement{{Product: 0, Status: advisory.Affected}}}},
	})
	f := func(purl, want string) {
		t.Helper()
		rows := index.Match(match.Query{PURLs: []string{purl}})
		if len(rows) != 1 || rows[0].Status != want {
			t.Errorf("%s: %+v", purl, rows)
		}
	}
	f("pkg:deb/debian/openssl@1.1.1n-0+deb11u3?arch=arm64", match.Affected)
	f("pkg:deb/debian/openssl@1.1.1n-0%2Bdeb11u4", match.NotAffected) // a backport
}

// TestMakerOfCPE: a CPE's maker counts, so that a common word is not every product
// of that name; and a distribution's package is never surely affected by what its
// maker's versions say.
func TestMakerOfCPE(t *testing.T) {
	index := match.New(nil)
	index.Add(csaf("A", advisory.ByCSAF, advisory.Affected, product("Google", "go", "< 1.21"), product("git", "git", "< 2.30.8")))
	f := func(q match.Query, want, reason string) {
		t.Helper()
		status, why := "", ""
		for _, r := range index.Match(q) {
			status, why = r.Status, r.Reason
		}
		if status != want || !strings.Contains(why, reason) {
			t.Errorf("%+v: %q (%s), want %q", q, status, why, want)
		}
	}
	f(match.Query{Version: "1.1.12", CPEs: []string{"cpe:2.3:a:json-iterator:go:1.1.12:*:*:*:*:*:*:*"}}, "", "")
	f(match.Query{Version: "1.1.12", CPEs: []string{"cpe:2.3:a:google:go:1.1.12:*:*:*:*:*:*:*"}}, match.Affected, "")
	f(match.Query{Version: "1.1.12", Vendor: "Google", CPEs: []string{"cpe:2.3:a:*:go:1.1.12:*:*:*:*:*:*:*"}}, match.Affected, "")
	git := match.Query{Version: "1:2.11.0-3+deb9u7", Vendor: "Debian Maintainers", CPEs: []string{"cpe:2.3:a:git:git:2.11.0:*:*:*:*:*:*:*"}, PURLs: []string{"pkg:deb/debian/git@1:2.11.0-3+deb9u7"}}
	f(git, match.Undetermined, "it lies in < 2.30.8; it is a distribution's package")
	git.Version = "1:2.39.2-1.1"
	f(git, match.NotAffected, "after")
}

// FuzzMatch: no answer without a reason, and never two for one vulnerability.
func FuzzMatch(f *testing.F) {
	index := match.New(nil)
	index.Add(csaf("A", advisory.ByCSAF, advisory.Affected, product("Siemens", "SIMATIC S7-1500 family", "< V2.8"), product("", "x*y?z[1-", "1.0", "6ES7*")))
	f.Add("Siemens", "SIMATIC S7-1500 CPU", "V2.7")
	f.Add("", "6ES7511-1AK02", "1.0")
	f.Fuzz(func(t *testing.T, vendor, name, v string) {
		seen := map[string]bool{}
		for _, r := range index.Match(match.Query{Vendor: vendor, Product: name, Version: v}) {
			if r.Reason == "" || seen[r.ID] {
				t.Fatalf("%+v", r)
			}
			seen[r.ID] = true
		}
	})
}

// TestMakerInName: the maker's name before that of the product is left out however it
// is written there: with forms of companies in it, its short name in brackets, twice.
// What is left must still be a name.
func TestMakerInName(t *testing.T) {
	for _, c := range []struct {
		maker, product, asked string
		found                 bool
	}{
		{"Sensor Works, LLC, North Controls Inc.", "EdgeCam", "Sensor Works, LLC, North Controls Inc. EdgeCam", true},
		{"Great Electric (GEL)", "Process 9", "Great Electric (GEL) Process 9", true},
		{"Great Electric (GEL)", "Process 9", "Great Electric Process 9", false}, // another maker for all that is known
		{"Acme Co., Ltd.", "Gate 200", "Acme Co., Ltd. Acme Gate 200", true},
		{"Acme Holding AG", "Gate 200", "Acme Gate 200", true},
		{"Acme", "Acme", "Acme", true},
		{"Acme", "AG-150A-A", "Acme AG-150A-A", true},
		{"N&O Industrial Automation", "Automation Studio 4", "N&O Industrial Automation Automation Studio 4", true},
		{"North & Old Works", "Gate 200", "North & Old Works Gate 200", true},
		{"Bea, Dick and Company (BD)", "BD Viper LT system", "Bea, Dick and Company (BD) BD Viper LT system", true},
		{"Acme", "Group Manager 3", "Acme Group Manager 3", true},
		{"Acme", "Gate 200", "Other Gate 200", false},
	} {
		x := match.New(match.ParseAliases(""))
		x.Add(&advisory.Advisory{Kind: advisory.CSAF, ID: "A", Rank: advisory.ByCSAF, Products: []advisory.Product{{Vendor: c.maker, Name: c.product, Versions: version.Parse("< 2.0")}}, Vulnerabilities: []advisory.Vulnerability{{ID: "CVE-2024-0001", Statements: []advisory.Statement{{Status: advisory.Affected}}}}})
		rows := x.Match(match.Query{Vendor: c.maker, Product: c.asked, Version: "1.0"})
		if (len(rows) == 1 && rows[0].Status == match.Affected) != c.found {
			t.Errorf("%q of %q: %+v", c.asked, c.maker, rows)
		}
	}
}
