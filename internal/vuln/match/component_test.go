package match

import (
	"strings"
	"testing"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/version"
)

func TestUpstream(t *testing.T) {
	for v, want := range map[string]string{
		"1.2": "1.2", "1:1.2-3+deb12u1": "1.2", "1.2+dfsg1-1": "1.2", "1.2~dfsg-1": "1.2", "2.0+really1.9-1": "1.9", "3:2.0+really1.9+ds1-1ubuntu2": "1.9",
		"1.1.1k-5.el8_6": "1.1.1k", "1.36.1-r5": "1.36.1", "+dfsg": "+dfsg", "-1": "-1", "": "", "1.2+really": "1.2+really",
	} {
		if got := upstream(v); got != want {
			t.Errorf("%q: %q, want %q", v, got, want)
		}
	}
}

func TestWithoutVersion(t *testing.T) {
	for _, c := range [][3]string{
		{"openssl-1.1.1", "1.1.1", "openssl"},
		{"openssl-v1.1.1", "v1.1.1", "openssl"},
		{"busybox 1.36", "1.36", "busybox"},
		{"openssl1.1", "1.1", ""},
		{"log4j2", "2", ""},
		{"lib-2", "2", ""},
		{"1.1", "1.1", ""},
		{"openssl", "1.1", ""},
		{"", "", ""},
	} {
		if got := withoutVersion(c[0], c[1]); got != c[2] {
			t.Errorf("%q %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

// TestComponentsByEvidence: what a name alone tells is no more than undetermined; what
// names the maker as well tells more; another maker is another product.
func TestComponentsByEvidence(t *testing.T) {
	x := New(nil)
	x.Add(&advisory.Advisory{
		Kind: advisory.CVE, ID: "CVE-2026-1", Rank: advisory.ByCVE,
		Products: []advisory.Product{
			{Vendor: "acme", Name: "widget", Versions: version.Parse("< 2.0")},
			{Vendor: "Apache", Name: "Log Thing", PURL: "pkg:maven/org.apache.log/log-core", Versions: version.Parse("< 2.0")},
		},
		Vulnerabilities: []advisory.Vulnerability{{ID: "CVE-2026-1", Statements: []advisory.Statement{{Product: 0, Status: advisory.Affected}, {Product: 1, Status: advisory.Affected}}}},
	})
	list := func(s string) []string { return strings.Fields(s) }
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{Vendor: "acme", Product: "widget", Version: "1.0"}, Affected},
		{Query{PURLs: list("pkg:github/acme/widget@v1.0")}, Affected},
		{Query{PURLs: list("pkg:github/other/widget@v1.0")}, ""},
		{Query{PURLs: list("pkg:golang/github.com/acme/widget/v2@v1.0")}, Affected},
		{Query{PURLs: list("pkg:golang/github.com/acme/widget/cmd@v1.0")}, ""},
		{Query{PURLs: list("pkg:golang/github.com/acme/widget@v0.0.0-20240102030405-0123456789ab")}, Undetermined},
		{Query{PURLs: list("pkg:golang/acme/widget@v1.0")}, ""},
		{Query{Product: "widget", PURLs: list("pkg:npm/widget@1.0")}, Undetermined},
		{Query{Product: "widget", PURLs: list("pkg:npm/%40acme/widget@1.0")}, Affected},
		{Query{Product: "widget", PURLs: list("pkg:npm/widget@1.0"), CPEs: list("cpe:2.3:a:widget:widget:1.0:*:*:*:*:*:*:*")}, Undetermined},
		{Query{Product: "widget", CPEs: list("cpe:2.3:a:types:widget:1.0:*:*:*:*:*:*:*")}, ""},
		{Query{Product: "widget", Version: "1.0-r1", PURLs: list("pkg:alpine/widget@1.0-r1"), CPEs: list("cpe:2.3:a:widget:widget:1.0-r1:*:*:*:*:*:*:*")}, Undetermined},
		{Query{Product: "widget", CPEs: list("CPE:2.3:A:acme:widget:1.0:*:*:*:*:*:*:*")}, Affected},
		{Query{Product: "widget", Version: "1.0", CPEs: list("cpe:/a:other:widget:1.0")}, ""},
		{Query{Vendor: "acme", Product: "widget-1.5", Version: "1.5"}, Affected},
		{Query{Vendor: "acme", Product: "widget-doc", Version: "1.5"}, ""},
		{Query{Vendor: "acme", Product: "libwidget3", Version: "1.5-1", PURLs: list("pkg:deb/debian/libwidget3@1.5-1?upstream=widget")}, Undetermined},
		{Query{Vendor: "acme", Product: "libwidget3", Version: "1.5-1", PURLs: list("pkg:deb/debian/libwidget3@1.5-1")}, ""},
		{Query{Vendor: "acme", Product: "widget-libs", Version: "1.5-1", PURLs: list("pkg:rpm/redhat/widget-libs@1.5-1?upstream=widget-1.5-1.src.rpm")}, Undetermined},
		{Query{Vendor: "acme", Product: "widget", Version: "3.0+really1.0-1", PURLs: list("pkg:deb/debian/widget@3.0%2Breally1.0-1")}, Undetermined},
		{Query{Vendor: "acme", Product: "widget", Version: "1:2.0-1", PURLs: list("pkg:deb/debian/widget@1:2.0-1")}, NotAffected},
		{Query{Product: "org.apache.log:log-core", Version: "1.0"}, Affected},
		{Query{Product: "org.other:log-core", Version: "1.0"}, ""},
		{Query{PURLs: list("pkg:maven/org.apache.log/log-core@1.0?type=jar#a")}, Affected},
	} {
		got := ""
		for _, r := range x.Match(c.q) {
			got = r.Status
		}
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.q, got, c.want)
		}
	}
}
