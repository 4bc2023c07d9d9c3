package app_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/intel/pull"
)

const pulledCVE = `{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-0001","state":"PUBLISHED"},"containers":{"cna":{"affected":[{"vendor":"Acme","product":"Gate","versions":[{"version":"0","status":"affected","lessThan":"2.8","versionType":"custom"}]}]}}}`

// TestPulls: a feed that is pulled changes what is listed at once; when it turns
// bad, what it gave before stays, and a check tells.
func TestPulls(t *testing.T) {
	kev := atomic.Pointer[string]{}
	set := func(s string) { kev.Store(&s) }
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cve.json":
			_, _ = io.WriteString(w, pulledCVE)
		case "/kev.json":
			_, _ = io.WriteString(w, *kev.Load())
		case "/list.txt":
			_, _ = io.WriteString(w, "203.0.113.9\nevil.example\n")
		}
	}))
	t.Cleanup(srv.Close)
	now := time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)
	cfg := app.Config{Dir: t.TempDir(), Now: func() time.Time { return now }}
	for name, kind := range map[string]string{"cve.json": pull.Advisories, "kev.json": pull.Advisories, "list.txt": pull.Indicators} {
		cfg.Pulls = append(cfg.Pulls, pull.Source{Name: name, Kind: kind, URL: srv.URL + "/" + name, Every: time.Hour, Plain: true, Inside: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	}
	a, err := app.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if _, err := a.ImportDevices(t.Context(), "ada", strings.NewReader("name,ip,vendor,model,firmware\ngw,10.0.0.1,Acme,Gate,2.7\n")); err != nil {
		t.Fatal(err)
	}
	pullOne := func(name, want string) {
		t.Helper()
		now = now.Add(time.Hour)
		if _, err := a.Pull(t.Context(), api.PullRequest{Name: name}); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	exploitation := func(want string) {
		t.Helper()
		list, err := a.ListVulns(t.Context(), api.VulnFilter{})
		if err != nil || list.Total != 1 || list.Rows[0].Exploitation != want {
			t.Errorf("%v %+v, want %s", err, list, want)
		}
	}
	if list, err := a.ListVulns(t.Context(), api.VulnFilter{}); err != nil || list.Total != 0 {
		t.Errorf("%v %+v", err, list)
	}
	pullOne("cve.json", "")
	exploitation("none")
	set(`{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2024-0001","dateAdded":"2024-05-01"}]}`)
	pullOne("kev.json", "")
	exploitation("active")
	set(`{"catalogVersion":"2","vulnerabilities":[{"cveID":"nonsense","dateAdded":"2024-05-01"}]}`)
	pullOne("kev.json", `"nonsense" is no CVE id`)
	set(`<html>sign in`)
	pullOne("kev.json", "is refused")
	exploitation("active")
	pullOne("list.txt", "")
	if hits, err := a.LookupIntel(t.Context(), []string{"203.0.113.9"}, now); err != nil || len(hits[0].Hits) != 1 || hits[0].Hits[0].Source != "list.txt" {
		t.Errorf("%v %+v", err, hits)
	}
	checks, err := a.Check(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	told := ""
	for _, c := range checks {
		if c.Name == "feeds" {
			told = string(c.State) + " " + c.Text
		}
	}
	if !strings.Contains(told, "kev.json fails since 2026-03-01 10:00") {
		t.Errorf("%q", told)
	}
}
