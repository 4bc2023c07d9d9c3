package match_test

import (
	"strings"
	"testing"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/version"
)

// What is OpenSSL's is ordered as OpenSSL orders it, however it is found; of what bears
// the name elsewhere the order of za and o is not sure.
func TestOrderOfOpenSSL(t *testing.T) {
	index := match.New(nil)
	versions := version.Set{Spans: []version.Span{{Low: "1.1.1", High: "1.1.1za", HighOut: true}}}
	index.Add(csaf("A", advisory.ByCVE, advisory.Affected, advisory.Product{Vendor: "OpenSSL", Name: "OpenSSL", Versions: versions}, advisory.Product{Vendor: "Acme", Name: "Gate", Versions: versions}))
	for _, c := range []struct {
		q            match.Query
		want, reason string
	}{
		{match.Query{Vendor: "OpenSSL", Product: "OpenSSL", Version: "1.1.1o"}, match.Affected, "lies in"},
		{match.Query{Product: "openssl", Version: "1.1.1za"}, match.NotAffected, "after"},
		{match.Query{Product: "openssl", Version: "1.1.1zb"}, match.NotAffected, "after"},
		{match.Query{Product: "openssl", Version: "1.0.2zk"}, match.NotAffected, "before"},
		{match.Query{CPEs: []string{"cpe:2.3:a:openssl:openssl:1.1.1w:*:*:*:*:*:*:*"}}, match.Affected, "lies in"},
		{match.Query{PURLs: []string{"pkg:github/openssl/openssl@1.1.1w"}}, match.Affected, "lies in"},
		{match.Query{Product: "openssl", Version: "1.1.1k-fips"}, match.Undetermined, "not sure"},
		{match.Query{Vendor: "Acme", Product: "Gate", Version: "1.1.1o"}, match.Undetermined, "not sure"},
	} {
		rows := index.Match(c.q)
		if len(rows) != 1 || rows[0].Status != c.want || !strings.Contains(rows[0].Reason, c.reason) {
			t.Errorf("%+v: %+v, want %s (%s)", c.q, rows, c.want, c.reason)
		}
		if c.want == match.Affected && rows[0].Fix != "1.1.1za" {
			t.Errorf("%+v: fix %q", c.q, rows[0].Fix)
		}
	}
	for _, c := range []struct {
		q    match.Query
		want string
	}{
		{match.Query{Product: "OpenSSL"}, version.OpenSSL},
		{match.Query{PURLs: []string{"pkg:generic/openssl@1.1.1o"}}, version.OpenSSL},
		{match.Query{Vendor: "Acme", Product: "OpenSSL"}, version.Generic},
		{match.Query{Product: "openssl", PURLs: []string{"pkg:deb/debian/openssl@1.1.1n-0"}}, version.Generic},
		{match.Query{Product: "gate"}, version.Generic},
	} {
		if got := c.q.Scheme(); got != c.want {
			t.Errorf("%+v: %q", c.q, got)
		}
	}
}

// A package URL of no ecosystem names what its maker calls so: it is the maker's if that
// is called so too or stands before it, and else nobody knows. Of an ecosystem, or of a
// distribution, the name alone is no product's.
func TestGenericPURL(t *testing.T) {
	index := match.New(nil)
	index.Add(csaf("A", advisory.ByCVE, advisory.Affected, product("OpenSSL", "OpenSSL", "< 1.1.1za"), product("Acme", "Gate", "< 2.0"), product("busybox", "busybox", "< 1.36")))
	for purl, want := range map[string]string{
		"pkg:generic/openssl@1.1.1o":              match.Affected,
		"pkg:generic/openssl@1.1.1za":             match.NotAffected,
		"pkg:generic/busybox@1.35.0?file_name=bb": match.Affected,
		"pkg:generic/gate@1.0":                    match.Undetermined,
		"pkg:generic/acme/gate@1.0":               match.Affected,
		"pkg:generic/gate@2.1":                    match.NotAffected,
		"pkg:npm/openssl@1.1.0":                   "",
		"pkg:deb/debian/openssl@1.1.1n-0+deb11u3": "",
		"pkg:generic/other@1.0":                   "",
	} {
		got := ""
		for _, r := range index.Match(match.Query{PURLs: []string{purl}}) {
			got = r.Status
		}
		if got != want {
			t.Errorf("%s: %q, want %q", purl, got, want)
		}
	}
	rows := index.Match(match.Query{PURLs: []string{"pkg:generic/gate@1.0"}})
	if len(rows) != 1 || !strings.Contains(rows[0].Reason, "nothing says that it is this maker's") {
		t.Errorf("%+v", rows)
	}
}
