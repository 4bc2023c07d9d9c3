package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/api/account"
	"vedette/internal/api/rest"
	"vedette/internal/api/taxii"
	"vedette/internal/app"
	"vedette/internal/authz"
	"vedette/internal/intel"
	"vedette/internal/intel/feed"
	"vedette/internal/intel/library"
	"vedette/internal/intel/pull"
	"vedette/internal/intel/share"
)

const sharedFeed = `{"type":"bundle","id":"bundle--1","objects":[
 {"type":"indicator","id":"indicator--1","pattern_type":"stix","pattern":"[ipv4-addr:value = '45.9.9.11']","valid_from":"2026-01-01T00:00:00Z","confidence":90,"object_marking_refs":["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]},
 {"type":"indicator","id":"indicator--2","pattern_type":"stix","pattern":"[ipv4-addr:value = '45.9.9.9']","valid_from":"2026-01-01T00:00:00Z","confidence":90},
 {"type":"indicator","id":"indicator--3","pattern_type":"stix","pattern":"[ipv4-addr:value = '45.9.9.10']","valid_from":"2026-01-01T00:00:00Z","confidence":90,"object_marking_refs":["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"]},
 {"type":"malware","id":"malware--1","name":"mirai","is_family":true},
 {"type":"relationship","id":"relationship--1","relationship_type":"indicates","source_ref":"indicator--2","target_ref":"malware--1"}]}`

// conn is a line of a conn.log of Zeek.
func connTo(uid, dst string, at time.Time) string {
	b, _ := json.Marshal(map[string]any{
		"ts": float64(at.UnixMilli()) / 1000, "uid": uid, "id.orig_h": "10.0.0.5", "id.orig_p": 40000, "id.resp_h": dst, "id.resp_p": 23, "proto": "tcp", "conn_state": "SF",
	})
	return string(b) + "\n"
}

// TestSharing: what a site met is read over TAXII by another, by its token; what
// is marked stricter, and addresses of ours, stay here.
func TestSharing(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	cfg := app.Config{
		Dir: dir, Now: func() time.Time { return now },
		Sharing: app.Sharing{Name: "Plant North", Collections: []share.Collection{{Name: "open", TLP: intel.Green}, {Name: "partners", TLP: intel.Amber, Addresses: true}}},
	}
	a, err := app.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	takeFeed(t, a, sharedFeed)
	log := connTo("C1", "45.9.9.9", now.Add(-time.Hour)) + connTo("C2", "45.9.9.10", now.Add(-50*time.Minute)) + connTo("C3", "93.184.216.34", now.Add(-40*time.Minute))
	if sum, err := a.IngestStream(t.Context(), strings.NewReader(log), "conn.log", "", now); err != nil || sum.Findings < 2 {
		t.Fatal(sum, err)
	}
	srv := httptest.NewServer(taxii.Front(a.Accounts().Guard(rest.Only(authz.IntelShare, a.Authority(), taxii.Handler(a)))))
	t.Cleanup(srv.Close)
	_, token, err := a.Accounts().AddToken(t.Context(), "ada", account.NewToken{Name: "partner", Roles: []authz.Role{authz.Auditor}, Scope: []authz.Action{authz.IntelShare}})
	if err != nil {
		t.Fatal(err)
	}
	_, weak, err := a.Accounts().AddToken(t.Context(), "ada", account.NewToken{Name: "viewer", Roles: []authz.Role{authz.Viewer}})
	if err != nil {
		t.Fatal(err)
	}
	get := func(path, user, password string) (int, string, http.Header) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			req.SetBasicAuth(user, password)
		}
		req.Header.Set("Accept", taxii.MediaType)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if kind := res.Header.Get("Content-Type"); kind != taxii.MediaType {
			t.Errorf("%s: %q", path, kind)
		}
		return res.StatusCode, string(text), res.Header
	}
	if code, text, h := get("/taxii2/", "", ""); code != 401 || !strings.Contains(text, `"http_status":"401"`) || !strings.HasPrefix(h.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("a stranger: %d %s", code, text)
	}
	if code, _, _ := get("/taxii2/", "x", weak); code != 403 {
		t.Errorf("a viewer: %d", code)
	}
	if code, text, _ := get("/taxii2/", "x", token); code != 200 || !strings.Contains(text, `"api_roots":["/taxii2/vedette/"]`) {
		t.Errorf("discovery: %d %s", code, text)
	}
	_, open, h := get("/taxii2/vedette/collections/open/objects/", "x", token)
	for want, there := range map[string]bool{"45.9.9.9": true, "45.9.9.10": false, "10.0.0.5": false, "93.184.216.34": false, "Plant North": true, "mirai": true, `"sighting"`: true} {
		if strings.Contains(open, want) != there {
			t.Errorf("open: %q there %v in %s", want, !there, open)
		}
	}
	if h.Get("X-TAXII-Date-Added-First") == "" {
		t.Error("no date of the first")
	}
	_, partners, _ := get("/taxii2/vedette/collections/"+a.SharedID("partners")+"/objects/", "x", token)
	for _, want := range []string{"45.9.9.10", "10.0.0.5", "TLP:AMBER"} {
		if !strings.Contains(partners, want) {
			t.Errorf("partners: no %q in %s", want, partners)
		}
	}
	if raw, err := os.ReadFile(filepath.Join(dir, "audit.jsonl")); err == nil && !strings.Contains(string(raw), "taxii objects open") {
		t.Error("a reading is not in the journal")
	}
	pullShared(t, a, srv.URL, token)

	// The same again has the same ids; what is new comes after.
	now = now.Add(time.Minute)
	_, again, _ := get("/taxii2/vedette/collections/open/objects/", "x", token)
	if again != open {
		t.Errorf("another answer\n%s\n%s", again, open)
	}
	if sum, err := a.IngestStream(t.Context(), strings.NewReader(connTo("C9", "45.9.9.9", now.Add(-48*time.Hour))), "conn.log", "", now); err != nil || sum.Findings != 1 {
		t.Fatal(sum, err)
	}
	now = now.Add(time.Minute)
	_, fresh, _ := get("/taxii2/vedette/collections/open/objects/?added_after="+h.Get("X-TAXII-Date-Added-Last"), "x", token)
	if strings.Count(fresh, `"type":"sighting"`) != 1 || strings.Contains(fresh, `"type":"indicator"`) {
		t.Errorf("new: %s", fresh)
	}
	f, err := a.ShareSightings(t.Context(), api.ShareRequest{Actor: "ada", Collection: "open"})
	if err != nil || f.Sightings != 2 || f.Left.Strict != 1 || !json.Valid(f.Data) {
		t.Errorf("%+v %v", f, err)
	}
}

func takeFeed(t *testing.T, a *app.App, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "feed.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	in, out := io.Pipe()
	go func() { _ = out.CloseWithError(feed.Pack(out, []string{path}, nil)) }()
	if _, err := a.ImportIntel(t.Context(), library.Request{Name: "them", By: "ada"}, in); err != nil {
		t.Fatal(err)
	}
}

// pullShared has another site pull what this one shares.
func pullShared(t *testing.T, from *app.App, address, token string) {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("Bearer "+token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := app.Config{Dir: t.TempDir(), Now: from.Now, Pulls: []pull.Source{{
		Name: "north", Kind: pull.TAXII, URL: address + "/taxii2/vedette/collections/" + from.SharedID("open") + "/", Every: time.Hour, Plain: true, KeyFile: key,
		Inside: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}}}
	b, err := app.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	if _, err := b.Pull(t.Context(), api.PullRequest{Name: "north"}); err != nil {
		t.Fatal(err)
	}
	got, err := b.LookupIntel(t.Context(), []string{"45.9.9.9", "45.9.9.10"}, time.Time{})
	if err != nil || len(got) != 2 || len(got[0].Hits) != 1 || len(got[1].Hits) != 0 {
		t.Fatalf("%+v %v", got, err)
	}
	if hit := got[0].Hits[0]; hit.Family != "mirai" || hit.Sightings != 1 || hit.TLP != intel.Green || hit.Confidence != 90 {
		t.Errorf("%+v", hit)
	}
}
