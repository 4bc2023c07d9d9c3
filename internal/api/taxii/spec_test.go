package taxii

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"vedette/internal/authz"
)

const (
	open    = "/taxii2/vedette/collections/open/"
	openID  = "/taxii2/vedette/collections/11111111-1111-5111-8111-111111111111/"
	version = "application/taxii+json;version=2.1"
)

// TestSpec holds the server against the rules of TAXII 2.1 (OASIS Standard, 10 June
// 2021), by what they are about.
func TestSpec(t *testing.T) {
	tests := []struct {
		about, what          string
		method, path, accept string
		kind                 string // Content-Type
		code                 int
		header, want         string // a header and what it has; "" none
	}{
		{"content negotiation", "the version is named in answers", "GET", "/taxii2/", version, "", 200, "Content-Type", version},
		{"content negotiation", "without a version the newest is meant", "GET", "/taxii2/", "application/taxii+json", "", 200, "Content-Type", version},
		{"content negotiation", "a version that is not spoken", "GET", open + "objects/", "application/taxii+json;version=2.0", "", 406, "Content-Type", version},
		{"content negotiation", "one of several", "GET", open, "application/taxii+json;version=2.0, application/taxii+json;version=2.1;q=0.5", "", 200, "Content-Type", version},
		{"content negotiation", "one that is refused", "GET", open, "application/taxii+json;version=2.1;q=0, text/html", "", 406, "Content-Type", version},
		{"content negotiation", "STIX is not what is asked for", "GET", open + "objects/", "application/stix+json;version=2.1", "", 406, "Content-Type", version},
		{"headers", "X-TAXII-Date-Added-First", "GET", open + "objects/?limit=2", version, "", 200, "X-Taxii-Date-Added-First", "2026-03-01T12:00:00.000000Z"},
		{"headers", "X-TAXII-Date-Added-Last", "GET", open + "objects/?limit=2", version, "", 200, "X-Taxii-Date-Added-Last", "2026-03-01T12:00:00.000001Z"},
		{"headers", "of an object", "GET", open + "objects/sighting--3/", version, "", 200, "X-Taxii-Date-Added-Last", "2026-03-01T12:00:00.000003Z"},
		{"headers", "of its versions", "GET", open + "objects/sighting--3/versions/", version, "", 200, "X-Taxii-Date-Added-First", "2026-03-01T12:00:00.000003Z"},
		{"headers", "of the manifest", "GET", open + "manifest/", version, "", 200, "X-Taxii-Date-Added-Last", "2026-03-01T12:00:00.000004Z"},
		{"headers", "of nothing there is none", "GET", open + "objects/?match[id]=x--1", version, "", 200, "X-Taxii-Date-Added-First", ""},
		{"filtering", "a time that is none", "GET", open + "objects/?added_after=2026", version, "", 400, "", ""},
		{"filtering", "a version that is none", "GET", open + "objects/?match[version]=newest", version, "", 400, "", ""},
		{"filtering", "a filter that is not known", "GET", open + "objects/?match[valid]=1", version, "", 400, "", ""},
		{"filtering", "a limit below one", "GET", open + "manifest/?limit=-1", version, "", 400, "", ""},
		{"pagination", "a next that was not given out", "GET", open + "objects/?next=abc!", version, "", 400, "", ""},
		{"errors", "nobody signed in", "GET", "/taxii2/", version, "nobody", 401, "Www-Authenticate", "Basic"},
		{"API root", "an API root that is not there", "GET", "/taxii2/other/", version, "", 404, "Content-Type", version},
		{"status", "a status that is not there", "GET", "/taxii2/vedette/status/2d086da7-4bdc-4f91-900e-d77486753710/", version, "", 404, "", ""},
		{"collection", "a collection by its id", "GET", openID, version, "", 200, "", ""},
		{"collection", "a collection that is not there", "GET", "/taxii2/vedette/collections/x/", version, "", 404, "", ""},
		{"manifest", "the manifest of one that is not there", "GET", "/taxii2/vedette/collections/x/manifest/", version, "", 404, "", ""},
		{"adding", "adding to one that can be read alone", "POST", open + "objects/", version, version, 403, "", ""},
		{"adding", "adding what is no TAXII", "POST", open + "objects/", version, "application/json", 415, "Content-Type", version},
		{"adding", "adding of an older version", "POST", openID + "objects/", version, "application/taxii+json;version=2.0", 415, "", ""},
		{"adding", "adding without a type", "POST", open + "objects/", version, "", 415, "", ""},
		{"adding", "adding to one that is not there", "POST", "/taxii2/vedette/collections/x/objects/", version, version, 404, "", ""},
		{"object", "an object that is not there", "GET", open + "objects/sighting--99/", version, "", 404, "", ""},
		{"deleting", "deleting", "DELETE", open + "objects/sighting--1/", version, "", 403, "", ""},
		{"versions", "versions of an object that is not there", "GET", open + "objects/sighting--99/versions/", version, "", 404, "", ""},
		{"HTTP", "what no endpoint does", "POST", "/taxii2/", version, version, 405, "Allow", "GET, HEAD"},
		{"HTTP", "changing in place", "PUT", open + "objects/sighting--1/", version, version, 405, "Allow", "GET, HEAD"},
		{"HTTP", "deleting a collection", "DELETE", open, version, "", 405, "Allow", "GET, HEAD"},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, tt.path, strings.NewReader(`{"objects":[]}`))
		r.Header.Set("Accept", tt.accept)
		if tt.kind == "nobody" {
			w := httptest.NewRecorder()
			if Handler(&fake{n: 5}).ServeHTTP(w, r); w.Code != tt.code || !strings.Contains(w.Header().Get(tt.header), tt.want) {
				t.Errorf("%s %s: %d %v", tt.about, tt.what, w.Code, w.Header())
			}
			continue
		}
		if tt.kind != "" {
			r.Header.Set("Content-Type", tt.kind)
		}
		r = r.WithContext(authz.With(r.Context(), authz.Principal{Name: "token x"}))
		w := httptest.NewRecorder()
		Handler(&fake{n: 5}).ServeHTTP(w, r)
		got := w.Header().Get(tt.header)
		if w.Code != tt.code || tt.header != "" && got != tt.want {
			t.Errorf("%s %s: %d, %s is %q: %s", tt.about, tt.what, w.Code, tt.header, got, w.Body)
		}
		if w.Code >= 400 { // an error is a message with a title and the status as a string
			var e struct {
				Title  string `json:"title"`
				Status string `json:"http_status"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Title == "" || e.Status != http.StatusText(w.Code) && len(e.Status) != 3 || w.Header().Get("Content-Type") != version {
				t.Errorf("%s %s: the error is %s", tt.about, tt.what, w.Body)
			}
		}
	}
}

// TestPagesBySpec: pages by next, with and without a filter, give every object
// once and in order; the last has neither more nor next; so do pages by the header of
// the one before, as clients do that know no next.
func TestPagesBySpec(t *testing.T) {
	type envelope struct {
		More    bool              `json:"more"`
		Next    string            `json:"next"`
		Objects []json.RawMessage `json:"objects"`
	}
	stamp := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)
	for _, endpoint := range []string{"objects/", "manifest/"} {
		for _, filter := range []string{"", "&match[type]=sighting", "&added_after=2026-03-01T12:00:00.000001Z"} {
			for _, by := range []string{"next", "header"} {
				seen, more := map[string]bool{}, ""
				for pages := 0; ; pages++ {
					w := ask1(&fake{n: 11}, "GET", open+endpoint+"?limit=3"+filter+more, version)
					var e envelope
					if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != 200 || pages > 10 || e.More != (e.Next != "") {
						t.Fatalf("%s%s: %d %s", endpoint, filter, w.Code, w.Body)
					}
					for _, o := range e.Objects {
						var one struct {
							ID    string
							Added string `json:"date_added"`
						}
						if err := json.Unmarshal(o, &one); err != nil || seen[one.ID] || endpoint == "manifest/" && !stamp.MatchString(one.Added) {
							t.Fatalf("%s%s: %s", endpoint, filter, o)
						}
						seen[one.ID] = true
					}
					if !e.More {
						break
					}
					if more = "&next=" + e.Next; by == "header" {
						last := w.Header().Get("X-TAXII-Date-Added-Last")
						if !stamp.MatchString(last) {
							t.Fatal(last)
						}
						more = "&added_after=" + last
						filter = strings.Split(filter, "&added_after")[0]
					}
				}
				want := map[string]int{"": 11, "&match[type]=sighting": 5, "&added_after=2026-03-01T12:00:00.000001Z": 9}[filter]
				if by == "header" && filter == "" {
					want = len(seen)
				}
				if len(seen) != want || len(seen) < 5 {
					t.Errorf("%s%s by %s: %d objects, want %d", endpoint, filter, by, len(seen), want)
				}
			}
		}
	}
}

// TestForeignClient reads all with the client of OASIS (Python, taxii2-client), where
// it is installed.
func TestForeignClient(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil || exec.CommandContext(t.Context(), python, "-c", "import taxii2client.v21").Run() != nil {
		t.Skip("the client of OASIS is not installed, so that our server was not tried with it: pip install taxii2-client")
	}
	f := &fake{n: 11}
	srv := httptest.NewServer(Front(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		Handler(f).ServeHTTP(w, r.WithContext(authz.With(r.Context(), authz.Principal{Name: "token x"})))
	})))
	defer srv.Close()
	script := `
import sys
from taxii2client.v21 import Server, as_pages
s = Server(sys.argv[1], user="any", password="secret")
c = s.default.collections[0]
ids = [o["id"] for p in as_pages(c.get_objects, per_request=3) for o in p.get("objects", [])]
assert len(ids) == len(set(ids)) == 11, ids
assert [o["id"] for o in c.get_objects(type="sighting", id="sighting--1")["objects"]] == ["sighting--1"]
assert len(c.get_manifest()["objects"]) == 11
assert c.get_object("sighting--3")["objects"][0]["id"] == "sighting--3"
assert c.object_versions("sighting--3")["versions"]
assert c.can_read and not c.can_write
`
	if out, err := exec.CommandContext(t.Context(), python, "-c", script, srv.URL+"/taxii2/").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
