package rest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/authz"
	"vedette/internal/correlate"
	"vedette/internal/fault"
)

// crew is a plant whose devices have names, zones and vendors.
func crew(list ...[3]string) *plant {
	p := &plant{}
	for i, d := range list {
		p.list = append(p.list, asset.Device{UID: fmt.Sprintf("dev-%03d", i), Attributes: map[asset.Key]asset.Attribute{
			asset.KeyName: {Value: d[0]}, asset.KeyZone: {Value: d[1]}, asset.KeyVendor: {Value: d[2]},
		}})
	}
	return p
}

func uids(out map[string]any) []string {
	var got []string
	for _, row := range out["rows"].([]any) {
		got = append(got, row.(map[string]any)["uid"].(string))
	}
	return got
}

func TestDeviceList(t *testing.T) {
	h := Handler(crew([3]string{"pump", "Press", "Acme"}, [3]string{"Camera", "Yard", "Eyes"}, [3]string{"valve", "Press", "acme"}), authority(t), here())
	for query, want := range map[string][]string{
		"":                         {"dev-000", "dev-001", "dev-002"},
		"?sort=name":               {"dev-001", "dev-000", "dev-002"},
		"?sort=-name":              {"dev-002", "dev-000", "dev-001"},
		"?q=ACME":                  {"dev-000", "dev-002"},
		"?q=dev-001":               {"dev-001"},
		"?zone=yard":               {"dev-001"},
		"?zone=yard&zone=press":    {"dev-000", "dev-001", "dev-002"},
		"?sort=name&limit=1":       {"dev-001"},
		"?sort=name&cursor=1":      {"dev-000", "dev-002"},
		"?q=nothing-is-called-so":  nil,
		"?vendor=acme&sort=-name":  {"dev-002", "dev-000"},
		"?sort=last_seen&zone=nix": nil,
	} {
		_, out := call(t, h, as(authz.Viewer), "GET", "/api/v1/devices"+query, "")
		if got := uids(out); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	_, out := call(t, h, as(authz.Viewer, "Press"), "GET", "/api/v1/devices?facets=1", "")
	if got := fmt.Sprint(out["facets"].(map[string]any)["zone"]); !strings.Contains(got, "Press") || strings.Contains(got, "Yard") {
		t.Errorf("an account of one zone learns of others: %s", got)
	}
}

// A file for a spreadsheet runs nothing and has no device of other zones.
func TestDeviceFile(t *testing.T) {
	p := crew([3]string{"=cmd|' /C calc'!A0", "Press", "Acme"}, [3]string{"camera", "Yard", "Eyes"})
	h := Handler(p, authority(t), here())
	r := httptest.NewRequestWithContext(authz.With(t.Context(), as(authz.Viewer, "Press")), http.MethodGet, "/api/v1/devices?format=csv", nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body := w.Body.String()
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/csv") || !strings.Contains(w.Header().Get("Content-Disposition"), "attachment") {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if strings.Count(body, "\n") != 2 || !strings.Contains(body, `,'=cmd`) || strings.Contains(body, "camera") {
		t.Errorf("the file: %q", body)
	}
	if !slices.Equal(p.did, []string{"ann reads devices.csv by rest"}) {
		t.Errorf("on record: %q", p.did)
	}
	p.unrecorded = fault.New(fault.Unavailable, "the journal cannot be written")
	if w := httptest.NewRecorder(); true {
		if h.ServeHTTP(w, r); w.Code == http.StatusOK {
			t.Error("what is not on record was handed out")
		}
	}
}

func TestNow(t *testing.T) {
	p := crew([3]string{"old", "Press", ""}, [3]string{"fresh", "Press", ""}, [3]string{"known", "Press", ""})
	end := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	p.stored = api.Overview{Events: 9, Oldest: end.Add(-72 * time.Hour), Newest: end, Loading: 1}
	p.list[0].FirstSeen, p.list[1].FirstSeen, p.list[2].FirstSeen = end.Add(-72*time.Hour), end.Add(-time.Hour), end.Add(-time.Hour)
	p.list[2].Attributes[asset.KeyState] = asset.Attribute{Value: "approved"}
	for i := range 20 {
		p.open = append(p.open, correlate.Incident{UID: fmt.Sprint(i), Devices: []string{"dev-000"}})
	}
	_, out := call(t, Handler(p, authority(t), here()), as(authz.Viewer), "GET", "/api/v1/now", "")
	if out["open"] != 20.0 || len(out["incidents"].([]any)) != nowIncidents || out["names"].(map[string]any)["dev-000"] != "the dev-000" {
		t.Errorf("incidents: %v", out)
	}
	fresh := out["new_devices"].([]any)
	if len(fresh) != 1 || fresh[0].(map[string]any)["uid"] != "dev-001" || out["new_count"] != 1.0 {
		t.Errorf("new devices: %v", fresh)
	}
}

// Health is open to all, so it must tell no more than how parts stand.
func TestHealthz(t *testing.T) {
	for _, c := range []struct {
		list   []api.Condition
		code   int
		status string
	}{
		{nil, 200, `"status":"ok"`},
		{[]api.Condition{{Name: "store", State: api.Good}}, 200, `"status":"ok"`},
		{[]api.Condition{{Name: "store", State: api.Starting}, {Name: "x", State: api.Good}}, 503, `"status":"starting"`},
		{[]api.Condition{{Name: "store", State: api.Failed}, {Name: "x", State: api.Starting}}, 503, `"status":"failed"`},
	} {
		w := httptest.NewRecorder()
		Healthz(&plant{health: c.list}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.status) {
			t.Errorf("%v: %d %s", c.list, w.Code, w.Body)
		}
	}
}

// Only stands before handlers of others: nobody and who may not are refused.
func TestOnly(t *testing.T) {
	reached := 0
	h := Only(authz.InvestigateWith, authority(t), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	for role, want := range map[authz.Role]int{"": 403, authz.Viewer: 403, authz.Analyst: 200} {
		ctx := t.Context()
		if role != "" {
			ctx = authz.With(ctx, as(role))
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/mcp", nil)); w.Code != want {
			t.Errorf("%q: %d", role, w.Code)
		}
	}
	if reached != 1 {
		t.Errorf("reached %d times", reached)
	}
}

func TestBulk(t *testing.T) {
	p := &plant{}
	h := Handler(p, authority(t), here())
	send := func(body string, header ...string) int {
		r := httptest.NewRequestWithContext(authz.With(t.Context(), as(authz.Admin)), http.MethodPost, "/api/v1/bulk", strings.NewReader(body))
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = zip.Write(bytes.Repeat([]byte("x"), 5000)) // a bytes.Buffer takes everything
	_ = zip.Close()
	for _, c := range []struct {
		want   int
		body   string
		header []string
	}{
		{202, "abc", nil},
		{202, "abc", []string{"Idempotency-Key", "k"}},
		{202, zipped.String(), []string{"Content-Encoding", "gzip"}},
		{400, "abc", []string{"Content-Encoding", "gzip"}},
		{400, "abc", []string{"Content-Encoding", "br"}},
		{400, zipped.String()[:20], []string{"Content-Encoding", "gzip"}},
		{400, "abc", []string{"Idempotency-Key", strings.Repeat("k", 129)}},
	} {
		if got := send(c.body, c.header...); got != c.want && c.want == 202 || c.want == 400 && got < 400 {
			t.Errorf("%q %v: %d", c.body[:3], c.header, got)
		}
	}
	want := []string{`u1 pushes 3 bytes with key ""`, `u1 pushes 3 bytes with key "k"`, `u1 pushes 5000 bytes with key ""`}
	if len(p.did) < 3 || !slices.Equal(p.did[:3], want) {
		t.Errorf("%q", p.did)
	}
}

func TestLogs(t *testing.T) {
	p := &plant{}
	h := Handler(p, authority(t), here())
	send := func(kind, body string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(authz.With(t.Context(), as(authz.Admin)), http.MethodPost, "/v1/logs", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := send("application/json", "1234567"); w.Code != 200 || strings.TrimSpace(w.Body.String()) != "{}" {
		t.Errorf("all taken: %d %s", w.Code, w.Body)
	}
	if w := send("application/json; charset=utf-8", "123456789"); !strings.Contains(w.Body.String(), `"rejectedLogRecords":"2"`) {
		t.Errorf("two refused: %s", w.Body)
	}
	if w := send("application/x-protobuf", "1234567"); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("all taken: %d %q", w.Code, w.Body)
	}
	if w := send("application/x-protobuf", "12345678"); !bytes.HasPrefix(w.Body.Bytes(), []byte{0x0a}) || !bytes.Contains(w.Body.Bytes(), []byte{0x08, 0x01}) {
		t.Errorf("one refused: %q", w.Body)
	}
	for kind, header := range map[string][]string{"text/plain": nil, "application/json": {"Content-Encoding", "gzip"}, "": nil} {
		if w := send(kind, "1", header...); w.Code != 400 {
			t.Errorf("%q %v: %d", kind, header, w.Code)
		}
	}
	if len(p.did) != 4 {
		t.Errorf("%q", p.did)
	}
}
