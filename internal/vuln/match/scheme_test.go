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
		{match.Query{Vendor: "Acme", Product: "OpenSSL"}, version.Generic},
		{match.Query{Product: "openssl", PURLs: []string{"pkg:deb/debian/openssl@1.1.1n-0"}}, version.Generic},
		{match.Query{Product: "gate"}, version.Generic},
	} {
		if got := c.q.Scheme(); got != c.want {
			t.Errorf("%+v: %q", c.q, got)
		}
	}
}
