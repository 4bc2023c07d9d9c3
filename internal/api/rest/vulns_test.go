package rest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/authz"
	"vedette/internal/intel/library"
	"vedette/internal/intel/pull"
	vulnlib "vedette/internal/vuln/library"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/vex"
)

func (p *plant) GroupVulns(_ context.Context, f api.GroupFilter) (api.VulnGrouped, error) {
	p.did = append(p.did, strings.TrimSpace(f.Actor+" counts by "+f.By))
	return api.VulnGrouped{Rows: []api.VulnGroup{{Key: "CVE-2024-1", Label: "=cmd()", Affected: api.DecisionCounts{Act: 2}}}, Total: 1, Affected: api.DecisionCounts{Act: 2}}, nil
}

func (p *plant) AdvisoryFeeds(context.Context) (api.AdvisoryFeeds, error) {
	return api.AdvisoryFeeds{Publishers: []match.Publisher{{Kind: "csaf", Years: map[string]int{"2024": 1}}}}, nil
}

func (p *plant) StateVuln(_ context.Context, req api.VexRequest) (vex.Statement, error) {
	p.did = append(p.did, req.Actor+" states "+string(req.Status))
	return req.Statement, nil
}

func (p *plant) StatedVulns(context.Context, bool) ([]vex.Statement, error) {
	return []vex.Statement{{Vulnerability: "CVE-2024-1"}, {Vulnerability: "CVE-2024-2"}}, nil
}
func (p *plant) BillHistory(context.Context, string) ([]api.BillEntry, error) { return nil, nil }
func (p *plant) DeviceBills(context.Context, string) ([]api.BillEntry, error) {
	return []api.BillEntry{{ID: "CVE-2024-1"}}, nil
}

func (p *plant) ShowBill(context.Context, string) (api.BillView, error) { return api.BillView{}, nil }

func (p *plant) DiffBills(context.Context, string, string) (api.BillDiff, error) {
	return api.BillDiff{}, nil
}

func (p *plant) MatchVulns(context.Context, match.Query) ([]api.VulnRow, error) { return nil, nil }

// unpacked reads what a route handed on.
func (p *plant) unpacked(what string, in io.Reader) error {
	t := tar.NewReader(in)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, t)
		if err != nil {
			return err
		}
		p.did = append(p.did, fmt.Sprintf("%s: %s, %d bytes", what, h.Name, n))
	}
}

func (p *plant) ImportBills(_ context.Context, req api.VulnImport, in io.Reader) (vulnlib.BillReport, error) {
	return vulnlib.BillReport{}, p.unpacked("bill of "+req.Device+" by "+req.Actor, in)
}

func (p *plant) ImportAdvisories(_ context.Context, req api.VulnImport, in io.Reader) (vulnlib.Report, error) {
	return vulnlib.Report{}, p.unpacked("advisories by "+req.Actor, in)
}

func (p *plant) ImportIntel(_ context.Context, req library.Request, in io.Reader) (library.Report, error) {
	return library.Report{}, p.unpacked("feed "+req.Name+" by "+req.By, in)
}

func (p *plant) AllowIntel(_ context.Context, req api.IntelAllow) ([]library.Allowed, error) {
	if len(req.Values) > 0 {
		p.did = append(p.did, req.Actor+" allows "+strings.Join(req.Values, " "))
	}
	return nil, nil
}

func (p *plant) RemoveIntel(_ context.Context, actor, name string) error {
	p.did = append(p.did, actor+" forgets "+name)
	return nil
}

func (p *plant) Pull(_ context.Context, req api.PullRequest) (pull.Health, error) {
	p.did = append(p.did, req.Actor+" pulls "+req.Name)
	return pull.Health{}, nil
}

func zipOf(t *testing.T, name, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What a person sends is handed on under the person's name, and what they send
// wrongly is refused before anything is done.
func TestVulnWrites(t *testing.T) {
	p := device3("Press")
	h := Handler(p, authority(t), here())
	for _, c := range []struct{ method, path, body, did string }{
		{"POST", "/api/v1/bills?device=dev-000&name=..%2F..%2Fx.json", "{}", "bill of dev-000 by ann: x.json, 2 bytes"},
		{"POST", "/api/v1/advisories?name=a.json", "{}", "advisories by ann: a.json, 2 bytes"},
		{"POST", "/api/v1/advisories?name=all.zip", zipOf(t, "x.json", "{}"), "advisories by ann: all.zip!x.json, 2 bytes"},
		{"POST", "/api/v1/intel?name=My+list.txt", "192.0.2.1", "feed my-list by ann: My list.txt, 9 bytes"},
		{"POST", "/api/v1/vulnerabilities/statements", `{"vulnerability":"CVE-2024-1","status":"fixed","why":"w","device":"dev-000"}`, "ann states fixed"},
		{"POST", "/api/v1/intel/allow", `{"values":["192.0.2.1"],"why":"ours"}`, "ann allows 192.0.2.1"},
		{"POST", "/api/v1/intel/pulls/kev", `{}`, "ann pulls kev"},
		{"DELETE", "/api/v1/intel/old", "", "ann forgets old"},
	} {
		p.did = nil
		if got, out := call(t, h, as(authz.Admin), c.method, c.path, c.body); got != http.StatusOK || !slices.Equal(p.did, []string{c.did}) {
			t.Errorf("%s %s: %d, %v, %q", c.method, c.path, got, out, p.did)
		}
	}
	p.did = nil
	for _, c := range [][3]string{
		{"POST", "/api/v1/bills?device=dev-000&product=x", "{}"},
		{"POST", "/api/v1/vulnerabilities/statements", `{"vulnerability":"CVE-2024-1","status":"fixed","why":"w","actor":"boss"}`},
		{"POST", "/api/v1/vulnerabilities/statements", `{"vulnerability":"CVE-2024-1","status":"fixed","why":"w","by":"boss"}`},
		{"POST", "/api/v1/intel/allow", `{"values":[],"why":"w"}`},
		{"POST", "/api/v1/intel/allow", `{"values":["192.0.2.1"],"why":" "}`},
		{"POST", "/api/v1/intel?confidence=400", "x"},
		{"GET", "/api/v1/bills/diff?before=a", ""},
		{"GET", "/api/v1/vulnerabilities/groups?by=device&format=xml", ""},
		{"GET", "/api/v1/vulnerabilities/groups?by=device&limit=0", ""},
	} {
		if got, _ := call(t, h, as(authz.Admin), c[0], c[1], c[2]); got != http.StatusBadRequest {
			t.Errorf("%s %s %s: %d", c[0], c[1], c[2], got)
		}
	}
	if len(p.did) != 0 {
		t.Errorf("done: %q", p.did)
	}
}

// The lists that are taken away as files name who took them, and hold no formula.
func TestVulnGroupsFile(t *testing.T) {
	p := device3("Press")
	h := Handler(p, authority(t), here())
	for format, want := range map[string]string{"csv": "'=cmd()", "json": `"label": "=cmd()"`} {
		r := httptest.NewRequestWithContext(authz.With(t.Context(), as(authz.Viewer)), http.MethodGet, "/api/v1/vulnerabilities/groups?by=advisory&format="+format, nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %d %s", format, w.Code, w.Body)
		}
		if format == "json" && !json.Valid(w.Body.Bytes()) {
			t.Error("the JSON is none")
		}
	}
	if !slices.Equal(p.did, []string{"ann counts by advisory", "ann counts by advisory"}) {
		t.Errorf("%q", p.did)
	}
	_, out := call(t, h, as(authz.Viewer), "GET", "/api/v1/vulnerabilities/statements?id=cve-2024-2", "")
	if out["total"] != 1.0 {
		t.Errorf("%v", out)
	}
}

// Who is limited to a zone sees what its devices have, and of no others.
func TestDeviceVulnsByZone(t *testing.T) {
	h := Handler(device3("Press", "Dock"), authority(t), here())
	for path, want := range map[string]int{"dev-000/vulnerabilities": 404, "dev-001/vulnerabilities": 200, "dev-000/bills": 404, "dev-001/bills": 200, "dev-000/bills/CVE-2024-1": 404, "dev-001/bills/CVE-2024-1": 200, "dev-001/bills/other": 404} {
		if got, _ := call(t, h, as(authz.Viewer, "Dock"), "GET", "/api/v1/devices/"+path, ""); got != want {
			t.Errorf("%s: %d", path, got)
		}
	}
}

// A body that comes slowly may; one that breaks off is no upload.
func TestUploadBreaksOff(t *testing.T) {
	p := device3("Press")
	h := Handler(p, authority(t), here())
	ctx, cancel := context.WithTimeout(authz.With(t.Context(), as(authz.Admin)), time.Minute)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/bills?name=x", io.MultiReader(bytes.NewReader([]byte("{")), broken{}))
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code < 400 || len(p.did) != 0 {
		t.Errorf("%d %s %q", w.Code, w.Body, p.did)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
