package pull_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"vedette/internal/intel/pull"
)

// person is someone with a key.
type person struct {
	*openpgp.Entity
	print, public string
}

func newPerson(t testing.TB, at time.Time, life uint32) person {
	t.Helper()
	e, err := openpgp.NewEntity("Provider", "", "psirt@example.com", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return at }, KeyLifetimeSecs: life})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := armor.Encode(&out, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Serialize(w); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	return person{e, hex.EncodeToString(e.PrimaryKey.Fingerprint), out.String()}
}

func (p person) sign(t testing.TB, text string, at time.Time) string {
	t.Helper()
	var out bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&out, p.Entity, strings.NewReader(text), &packet.Config{Time: func() time.Time { return at }}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestSignatures: only what is signed by who was trusted first, or by whom the
// configuration names, is taken; what was there before stays.
func TestSignatures(t *testing.T) {
	now := time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)
	good, other, old := newPerson(t, now.AddDate(-1, 0, 0), 0), newPerson(t, now.AddDate(-1, 0, 0), 0), newPerson(t, now.AddDate(-3, 0, 0), 365*24*3600)
	var listed, body, sig atomic.Pointer[string]
	updated := 1
	set := func(p *atomic.Pointer[string], s string) { p.Store(&s) }
	next := func(text, by string) { updated++; set(&body, text); set(&sig, by) }
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text := map[string]string{
			"/good.asc": good.public, "/other.asc": other.public, "/old.asc": old.public, "/d.json": *body.Load(), "/d.json.asc": *sig.Load(),
			"/m.json": `{"public_openpgp_keys":[` + *listed.Load() + `],"distributions":[{"rolie":{"feeds":[{"tlp_label":"WHITE","url":"/f.json"}]}}]}`,
			"/f.json": fmt.Sprintf(`{"feed":{"entry":[{"updated":"2026-02-%02dT00:00:00Z","content":{"src":"/d.json"},"link":[{"rel":"signature","href":"/d.json.asc"}]}]}}`, updated),
		}[r.URL.Path]
		if text == "" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, text)
	})
	key := func(p person, at string) string {
		return fmt.Sprintf(`{"fingerprint":%q,"url":%q}`, strings.ToUpper(p.print), at)
	}
	set(&listed, key(good, "/good.asc"))
	r := newRig(t, pull.CSAF, srv.URL+"/m.json", nil)
	has := func(want string) {
		t.Helper()
		if got := r.taker.docs["d.json"]; got != want {
			t.Errorf("%q is there, want %q", got, want)
		}
	}
	next("one", good.sign(t, "one", now.Add(-time.Hour)))
	r.pull("")
	has("one")
	next("two, changed", good.sign(t, "two", now.Add(-time.Hour)))
	r.pull("is not good")
	has("one")
	next("three", other.sign(t, "three", now.Add(-time.Hour)))
	r.pull("is not good")
	next("four", "")
	r.pull("404")
	// A key that is named later is not trusted, and that is told; also after a
	// restart and when all is asked for anew.
	set(&listed, key(good, "/good.asc")+","+key(other, "/other.asc"))
	next("five", other.sign(t, "five", now.Add(-time.Hour)))
	r.open()
	r.pull("is not good")
	if _, err := r.Pull(t.Context(), "s", true); err == nil || !strings.Contains(err.Error(), "is not good") {
		t.Error(err)
	}
	has("one")
	next("six", good.sign(t, "six", now.Add(-time.Hour)))
	if h := r.pull(""); !strings.Contains(h.Warning, other.print) {
		t.Errorf("%+v", h)
	}
	has("six")
	// The configuration may name it, and names it alone then.
	r.cfg.Sources[0].Keys = []string{other.print}
	r.open()
	next("seven", other.sign(t, "seven", now.Add(-time.Hour)))
	r.pull("")
	has("seven")
	next("eight", good.sign(t, "eight", now.Add(-time.Hour)))
	r.pull("is not good")
	// A signature made while its key was valid counts, one made after does not.
	r = newRig(t, pull.CSAF, srv.URL+"/m.json", nil)
	set(&listed, key(old, "/old.asc"))
	next("nine", old.sign(t, "nine", now.AddDate(-3, 1, 0)))
	r.pull("")
	has("nine")
	// A key that is not the named one.
	r = newRig(t, pull.CSAF, srv.URL+"/m.json", func(c *pull.Config) { c.Sources[0].Signature = pull.SignatureRequire })
	set(&listed, key(good, "/other.asc"))
	r.pull("no key")
	set(&listed, key(good, "/good.asc"))
	next("ten", "")
	r.pull("404")
	next("eleven", good.sign(t, "eleven", now.Add(-time.Hour)))
	r.pull("")
	has("eleven")
}

// TestResume: a download that breaks off goes on where it ended, if it can be sure
// that it is of the same document.
func TestResume(t *testing.T) {
	text := strings.Repeat("0123456789", 20_000)
	cut := func(tag string, obeys bool) (string, int) {
		asked := 0
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			from := 0
			w.Header().Set("ETag", tag)
			if rg := r.Header.Get("Range"); rg != "" && obeys && r.Header.Get("If-Range") == tag {
				_, _ = fmt.Sscanf(rg, "bytes=%d-", &from)
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(text)-1, len(text)))
				w.Header().Set("Content-Length", fmt.Sprint(len(text)-from))
				w.WriteHeader(http.StatusPartialContent)
			} else {
				w.Header().Set("Content-Length", fmt.Sprint(len(text)))
			}
			end := len(text)
			if asked < 3 {
				end = min(from+70_000, len(text))
			}
			_, _ = io.WriteString(w, text[from:end])
		})
		r := newRig(t, pull.Advisories, srv.URL+"/kev.json", nil)
		_, _ = r.Pull(t.Context(), "s", false)
		return r.taker.docs["kev.json"], asked
	}
	if got, asked := cut(`"v1"`, true); got != text || asked != 3 {
		t.Errorf("%d bytes after %d requests", len(got), asked)
	}
	if got, asked := cut(`"v1"`, false); got != text || asked != 3 {
		t.Errorf("a server without ranges: %d bytes after %d requests", len(got), asked)
	}
	if got, asked := cut(`W/"v1"`, true); got != "" || asked != 1 {
		t.Errorf("a weak ETag: %d bytes after %d requests", len(got), asked)
	}
}

// TestAddedAfter: a collection is asked for what was added since, what changed
// takes the place of what it was, and each week all of it is read.
func TestAddedAfter(t *testing.T) {
	type object struct{ id, text, added string }
	all := []object{{"a", "one", "2026-02-01T00:00:00.000001Z"}, {"b", "two", "2026-02-02T00:00:00Z"}}
	var asked []string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		after := r.URL.Query().Get("added_after")
		asked = append(asked, after)
		var out []string
		for _, o := range all {
			if o.added > after {
				out = append(out, fmt.Sprintf(`{"id":%q,"name":%q}`, o.id, o.text))
				w.Header().Set("X-TAXII-Date-Added-Last", o.added)
			}
		}
		_, _ = io.WriteString(w, `{"objects":[`+strings.Join(out, ",")+`]}`)
	})
	r := newRig(t, pull.TAXII, srv.URL+"/c/1", nil)
	r.pull("")
	r.pull("") // nothing new
	all = append(all, object{"b", "three", "2026-02-03T00:00:00Z"})
	r.open()
	r.pull("")
	if got := r.taker.docs["1"]; !strings.Contains(got, "one") || strings.Contains(got, "two") || !strings.Contains(got, "three") || r.taker.calls != 2 {
		t.Errorf("%d calls: %s", r.taker.calls, got)
	}
	if want := " 2026-02-02T00:00:00Z 2026-02-02T00:00:00Z"; strings.Join(asked, " ") != want {
		t.Errorf("%q", asked)
	}
	all = all[1:]
	r.now = r.now.Add(8 * 24 * time.Hour)
	h := r.pull("")
	if got := r.taker.docs["1"]; strings.Contains(got, "one") || asked[len(asked)-1] != "" {
		t.Errorf("%q %s", asked, got)
	}
	if h.Newest == nil || h.Newest.Format(time.DateOnly) != "2026-02-03" {
		t.Errorf("%+v", h)
	}
	r.now = r.now.Add(80 * 24 * time.Hour)
	if h := r.pull(""); !strings.Contains(h.Warning, "nothing in it is newer than 2026-02-03") {
		t.Errorf("%+v", h)
	}
}

// TestYesterday: an answer that is older than what came before is not taken, and
// is told; a date in the future makes nothing old.
func TestYesterday(t *testing.T) {
	body, date := "new", "Sat, 28 Feb 2026 12:00:00 GMT"
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Last-Modified", date)
		_, _ = io.WriteString(w, body)
	})
	r := newRig(t, pull.Advisories, srv.URL+"/kev.json", nil)
	r.pull("")
	body, date = "old", "Fri, 27 Feb 2026 12:00:00 GMT"
	h := r.pull("")
	if r.taker.docs["kev.json"] != "new" || !strings.Contains(h.Warning, "it answers as of 2026-02-27, and had shown 2026-02-28 before") {
		t.Errorf("%q %+v", r.taker.docs, h)
	}
	body, date = "far", "Sat, 28 Feb 2099 12:00:00 GMT"
	r.pull("")
	body, date = "newer", "Sun, 01 Mar 2026 06:00:00 GMT"
	if h = r.pull(""); r.taker.docs["kev.json"] != "newer" || h.Warning != "" {
		t.Errorf("%q %+v", r.taker.docs, h)
	}
}

// TestYears: how complete a provider is, by year.
func TestYears(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/m.json":
			_, _ = io.WriteString(w, `{"distributions":[{"directory_url":"/white/"}]}`)
		case "/white/changes.csv":
			_, _ = io.WriteString(w, "2025/a.json,2026-02-01T00:00:00Z\n2025/b.json,2026-02-02T00:00:00Z\nc.json,2024-02-02T00:00:00Z\n")
		case "/white/2025/b.json":
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = io.WriteString(w, "{}")
		}
	})
	r := newRig(t, pull.CSAF, srv.URL+"/m.json", nil)
	h := r.pull("")
	if got := fmt.Sprint(h.Years); got != "[{2025 2 1} {2024 1 1}]" || !strings.Contains(h.Warning, "1 of the documents that it lists are missing") {
		t.Errorf("%s %+v", got, h)
	}
}

// FuzzSignature: whatever stands for key and signature, no document is taken that
// the trusted key did not sign.
func FuzzSignature(f *testing.F) {
	at := time.Date(2026, 2, 1, 7, 0, 0, 0, time.UTC)
	good := newPerson(f, at, 0)
	f.Add("text", good.sign(f, "text", at))
	f.Add("changed", good.sign(f, "text", at))
	f.Add("text", "-----BEGIN PGP SIGNATURE-----\n\nwsBz\n-----END PGP SIGNATURE-----")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, body, sig string) {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, map[string]string{
				"/k.asc": good.public, "/d.json": body, "/d.json.asc": sig,
				"/m.json":      fmt.Sprintf(`{"public_openpgp_keys":[{"fingerprint":%q,"url":"/k.asc"}],"distributions":[{"directory_url":"/"}]}`, good.print),
				"/changes.csv": "d.json,2026-02-01T00:00:00Z\n",
			}[r.URL.Path])
		}))
		defer srv.Close()
		r := newRig(t, pull.CSAF, srv.URL+"/m.json", func(c *pull.Config) { c.Sources[0].Signature = pull.SignatureRequire })
		if _, err := r.Pull(t.Context(), "s", false); err == nil && body != "text" {
			t.Errorf("%q was taken with %q", body, sig)
		}
	})
}

// FuzzCollection: whatever a TAXII server answers, first and for what was added
// since, what is taken is valid JSON line by line, no object of the second answer
// is lost, and nothing is taken when the answer is none.
func FuzzCollection(f *testing.F) {
	f.Add(`{"objects":[{"id":"a","n":1},{"id":"b"}]}`, `{"objects":[{"id":"a","n":2}]}`)
	f.Add(`{"objects":[{"id":"a\nb"},{"id":7},7,null]}`, `{"more":false}`)
	f.Add(`{"objects":[{"id":"a"}]}`, `{"more":true,"objects":[]}`)
	f.Fuzz(func(t *testing.T, first, second string) {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-TAXII-Date-Added-Last", "2026-02-01T00:00:00Z")
			text := first
			if r.URL.Query().Get("added_after") != "" {
				text = second
			}
			_, _ = io.WriteString(w, text)
		}))
		defer srv.Close()
		r := newRig(t, pull.TAXII, srv.URL+"/c/1", nil)
		if _, err := r.Pull(t.Context(), "s", false); err != nil {
			if r.taker.calls > 0 {
				t.Errorf("%v, and yet it was taken", err)
			}
			return
		}
		_, err := r.Pull(t.Context(), "s", false)
		var e struct{ Objects []json.RawMessage }
		for line := range strings.Lines(r.taker.docs["1"]) {
			if json.Unmarshal([]byte(line), &e) != nil || len(e.Objects) != 1 {
				t.Fatalf("a line that is no envelope of one object: %q", line)
			}
		}
		if err != nil || r.taker.calls < 2 || json.Unmarshal([]byte(second), &e) != nil {
			return
		}
		for _, o := range e.Objects {
			var plain bytes.Buffer
			var id struct {
				ID string `json:"id"`
			}
			if json.Unmarshal(o, &id) == nil && json.Compact(&plain, o) == nil && !strings.Contains(r.taker.docs["1"], strings.Trim(plain.String(), "{}")) && !strings.ContainsAny(plain.String(), "<>&\u2028\u2029") {
				t.Errorf("%s of the second answer is not in %q", o, r.taker.docs["1"])
			}
		}
	})
}
