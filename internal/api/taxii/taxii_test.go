package taxii

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/authz"
	"vedette/internal/fault"
	"vedette/internal/intel"
	"vedette/internal/intel/share"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fake shares n objects.
type fake struct {
	n      int
	reads  []api.ReadCall
	refuse error
}

func (f *fake) Collections(context.Context) ([]share.Collection, error) {
	return []share.Collection{{Name: "open", Title: "Open", TLP: intel.Green}}, nil
}
func (f *fake) SharedID(string) string { return "11111111-1111-5111-8111-111111111111" }
func (f *fake) SharedBy() string       { return "North" }
func (f *fake) Shared(context.Context, string) ([]share.Object, error) {
	var out []share.Object
	for i := range f.n {
		kind := []string{"indicator", "sighting"}[i%2]
		id := fmt.Sprintf("%s--%d", kind, i)
		out = append(out, share.Object{ID: id, Type: kind, Version: start, Added: start.Add(time.Duration(i) * time.Microsecond), JSON: json.RawMessage(`{"id":"` + id + `"}`)})
	}
	return out, nil
}

func (f *fake) RecordRead(_ context.Context, c api.ReadCall) error {
	f.reads = append(f.reads, c)
	return f.refuse
}

func ask1(f *fake, method, path, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, http.NoBody)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	r = r.WithContext(authz.With(r.Context(), authz.Principal{Name: "token x"}))
	w := httptest.NewRecorder()
	Handler(f).ServeHTTP(w, r)
	return w
}

func TestAnswers(t *testing.T) {
	const at = "/taxii2/vedette/collections/open/"
	tests := map[string]struct {
		method, path, accept string
		code                 int
		want                 string
	}{
		"discovery":         {"GET", "/taxii2/", MediaType, 200, `"default":"/taxii2/vedette/"`},
		"without a slash":   {"GET", "/taxii2", MediaType, 200, `"api_roots"`},
		"root":              {"GET", "/taxii2/vedette/", MediaType, 200, `"versions":["application/taxii+json;version=2.1"]`},
		"collections":       {"GET", "/taxii2/vedette/collections/", MediaType, 200, `"can_read":true,"can_write":false`},
		"collection":        {"GET", at, MediaType, 200, `"alias":"open"`},
		"by id":             {"GET", "/taxii2/vedette/collections/11111111-1111-5111-8111-111111111111/", MediaType, 200, `"alias":"open"`},
		"objects":           {"GET", at + "objects/?limit=2", MediaType, 200, `{"more":true,"next":"`},
		"type":              {"GET", at + "objects/?match[type]=sighting", MediaType, 200, `{"objects":[{"id":"sighting--1"},{"id":"sighting--3"}]}`},
		"two types":         {"GET", at + "objects/?match[type]=sighting,indicator&match[id]=sighting--1", MediaType, 200, `{"objects":[{"id":"sighting--1"}]}`},
		"other spec":        {"GET", at + "objects/?match[spec_version]=2.0", MediaType, 200, `{}`},
		"version":           {"GET", at + "objects/?match[version]=2026-03-01T12:00:00Z&match[id]=sighting--1", MediaType, 200, `{"objects":[{"id":"sighting--1"}]}`},
		"other version":     {"GET", at + "objects/?match[version]=2026-03-01T12:00:01Z", MediaType, 200, `{}`},
		"after":             {"GET", at + "objects/?added_after=2026-03-01T12:00:00.000003Z", MediaType, 200, `{"objects":[{"id":"indicator--4"}]}`},
		"one":               {"GET", at + "objects/sighting--1/", MediaType, 200, `{"objects":[{"id":"sighting--1"}]}`},
		"versions":          {"GET", at + "objects/sighting--1/versions/", MediaType, 200, `{"versions":["2026-03-01T12:00:00.000000Z"]}`},
		"manifest":          {"GET", at + "manifest/?limit=1", MediaType, 200, `"media_type":"application/stix+json;version=2.1"`},
		"none":              {"GET", at + "objects/sighting--9/", MediaType, 404, `"http_status":"404"`},
		"no collection":     {"GET", "/taxii2/vedette/collections/x/objects/", MediaType, 404, "no collection"},
		"no root":           {"GET", "/taxii2/x/collections/", MediaType, 404, "nothing at this address"},
		"status":            {"GET", "/taxii2/vedette/status/1/", MediaType, 404, "status"},
		"limit":             {"GET", at + "objects/?limit=0", MediaType, 400, "limit"},
		"next":              {"GET", at + "objects/?next=%21", MediaType, 400, "next"},
		"a bad time":        {"GET", at + "objects/?added_after=yesterday", MediaType, 400, "added_after"},
		"unknown":           {"GET", at + "objects/?match[name]=x", MediaType, 400, "no parameter"},
		"adding":            {"POST", at + "objects/", MediaType, 415, "read alone"},
		"deleting":          {"DELETE", at + "objects/sighting--1/", MediaType, 403, "read alone"},
		"no type":           {"GET", "/taxii2/", "", 200, "api_roots"},
		"version 2.0":       {"GET", "/taxii2/", "application/taxii+json;version=2.0", 406, "2.1"},
		"a browser":         {"GET", "/taxii2/", "text/html", 406, "2.1"},
		"anything":          {"GET", "/taxii2/", "text/html, */*", 200, "api_roots"},
		"without a version": {"GET", "/taxii2/", "application/taxii+json", 200, "api_roots"},
		"quoted":            {"GET", "/taxii2/", `application/taxii+json; version="2.1"`, 200, "api_roots"},
	}
	for name, tt := range tests {
		w := ask1(&fake{n: 5}, tt.method, tt.path, tt.accept)
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.want) || w.Header().Get("Content-Type") != MediaType {
			t.Errorf("%s: %d %q %s", name, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
	w := ask1(&fake{n: 5}, "GET", at+"manifest/?limit=2", MediaType)
	if h := w.Header(); h.Get("X-TAXII-Date-Added-First") != "2026-03-01T12:00:00.000000Z" || h.Get("X-TAXII-Date-Added-Last") != "2026-03-01T12:00:00.000001Z" {
		t.Errorf("%v", h)
	}
}

// TestRecorded: a reading is recorded before it is answered, and what cannot be
// recorded does not leave.
func TestRecorded(t *testing.T) {
	f := &fake{n: 5}
	ask1(f, "GET", "/taxii2/vedette/collections/", MediaType)
	if len(f.reads) != 0 {
		t.Error(f.reads)
	}
	w := ask1(f, "GET", "/taxii2/vedette/collections/open/objects/", MediaType)
	if len(f.reads) != 1 || f.reads[0].Door != "taxii" || f.reads[0].Tool != "taxii objects open" || f.reads[0].Person != "token x" || f.reads[0].Bytes != w.Body.Len() {
		t.Errorf("%+v", f.reads)
	}
	f.refuse = fault.Wrap(fault.Unavailable, errors.New("disk"), "writing the journal")
	if w = ask1(f, "GET", "/taxii2/vedette/collections/open/objects/", MediaType); w.Code != 503 || strings.Contains(w.Body.String(), "indicator--") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	Handler(f).ServeHTTP(w, httptest.NewRequest("GET", "/taxii2/", http.NoBody))
	if w.Code != 401 {
		t.Error("nobody was let in")
	}
}

// TestFront: a password becomes a token below the prefix alone, and refusals are
// told as TAXII does.
func TestFront(t *testing.T) {
	var got string
	h := Front(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		http.Error(w, "421: not here", http.StatusMisdirectedRequest)
	}))
	f := func(path, header, want, kind string) {
		t.Helper()
		r := httptest.NewRequest("GET", path, http.NoBody)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got != want || w.Code != 421 || w.Header().Get("Content-Type") != kind {
			t.Errorf("%s %q: %q %d %q %s", path, header, got, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("any:vdt_x"))
	f("/taxii2/", basic, "Bearer vdt_x", MediaType)
	f("/taxii2", basic, "Bearer vdt_x", MediaType)
	f("/taxii2/", "Bearer vdt_y", "Bearer vdt_y", MediaType)
	f("/taxii2/", "Basic !!", "Basic !!", MediaType)
	f("/api/v1/me", basic, basic, "text/plain; charset=utf-8")
	f("/taxii2x", basic, basic, "text/plain; charset=utf-8")
}

// FuzzPages: whatever is asked, walking along next gives each object that is wanted
// once, in the order in which they were offered, and ends.
func FuzzPages(f *testing.F) {
	f.Add("limit=1")
	f.Add("limit=2&match[type]=sighting&added_after=2026-03-01T12:00:00.000001Z")
	f.Add("match[version]=first,2026-03-01T12:00:00Z&limit=3")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		values.Del("next")
		all, _ := (&fake{n: 9}).Shared(t.Context(), "")
		q, err := ask(values)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		var want, got []string
		for i := range all {
			if q.wants(&all[i]) {
				want = append(want, all[i].ID)
			}
		}
		for range 20 {
			q, err := ask(values)
			if err != nil {
				t.Fatal(err)
			}
			p := q.page(all)
			if len(p.list) > q.limit {
				t.Fatal("more than was asked for")
			}
			for i := range p.list {
				got = append(got, p.list[i].ID)
			}
			if p.next == "" {
				break
			}
			values.Set("next", p.next)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
