package pull_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vedette/internal/intel/pull"
)

// taker keeps what it was given, and refuses what begins with "bad".
type taker struct {
	docs  map[string]string
	calls int
}

func (k *taker) Take(_ context.Context, _ *pull.Source, docs func(func(pull.Document, error) bool)) (int, error) {
	k.calls++
	got := map[string]string{}
	var failed error
	docs(func(d pull.Document, err error) bool {
		if err == nil {
			var data []byte
			data, err = io.ReadAll(d)
			got[d.Name[strings.LastIndexByte(d.Name, '/')+1:]] = string(data)
			if err == nil && bytes.HasPrefix(data, []byte("bad")) {
				err = errors.New("it is bad")
			}
		}
		failed = err
		return err == nil
	})
	if failed != nil {
		return 0, failed
	}
	maps.Copy(k.docs, got)
	return len(got), nil
}

type rig struct {
	t     *testing.T
	now   time.Time
	taker *taker
	dir   string
	cfg   pull.Config
	*pull.Puller
}

func newRig(t *testing.T, kind, url string, change func(c *pull.Config)) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC), taker: &taker{docs: map[string]string{}}, dir: t.TempDir()}
	src := pull.Source{Name: "s", Kind: kind, URL: url, Every: time.Hour, Plain: true, Inside: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	r.cfg = pull.Config{Dir: r.dir, Sources: []pull.Source{src}, Taker: r.taker, Now: func() time.Time { return r.now }, Limits: pull.DefaultLimits()}
	r.cfg.Limits.Idle = 2 * time.Second
	if change != nil {
		change(&r.cfg)
	}
	r.open()
	return r
}

func (r *rig) open() {
	r.t.Helper()
	p, err := pull.New(r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Puller = p
}

func (r *rig) pull(want string) pull.Health {
	r.t.Helper()
	h, err := r.Pull(r.t.Context(), "s", false)
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		r.t.Errorf("%v, want %q", err, want)
	}
	if want != "" && (h.State != "failing" || h.FailingSince == nil || h.Error == "") || want == "" && h.State != "ok" {
		r.t.Errorf("%+v", h)
	}
	if left, _ := filepath.Glob(filepath.Join(r.dir, "*.part")); len(left) > 0 {
		r.t.Errorf("left behind: %v", left)
	}
	return h
}

func serve(t *testing.T, f http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s
}

// TestHealth: what was there before stays while a source fails, what has not
// changed is not taken again, and how the source is outlives the program.
func TestHealth(t *testing.T) {
	body, status, asked := atomic.Pointer[string]{}, atomic.Int64{}, atomic.Int64{}
	set := func(s string, code int64) { body.Store(&s); status.Store(code) }
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		tag := fmt.Sprintf("%q", *body.Load())
		if r.Header.Get("If-None-Match") == tag && status.Load() == 200 {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", tag)
		if status.Load() == 503 {
			w.Header().Set("Retry-After", "7200")
		}
		w.WriteHeader(int(status.Load()))
		_, _ = io.WriteString(w, *body.Load())
	})
	r := newRig(t, pull.Advisories, srv.URL+"/kev.json", nil)
	if h := r.Health()[0]; h.State != "never" {
		t.Errorf("%+v", h)
	}
	set("one", 200)
	if h := r.pull(""); h.New != 1 || !h.Changed.Equal(r.now) || !h.Next.Equal(r.now.Add(time.Hour)) {
		t.Errorf("%+v", h)
	}
	r.now = r.now.Add(time.Hour)
	if h := r.pull(""); r.taker.calls != 1 || h.Changed.Equal(r.now) || !h.Success.Equal(r.now) {
		t.Errorf("the same again: %d calls, %+v", r.taker.calls, h)
	}
	set("bad", 200)
	since := r.now.Add(time.Hour)
	for i := range 3 {
		r.now = since.Add(time.Duration(i) * time.Minute)
		h := r.pull("it is bad")
		if !h.FailingSince.Equal(since) || h.Failures != i+1 || !h.Success.Equal(since.Add(-time.Hour)) || !h.Next.Equal(r.now.Add(time.Minute<<i)) {
			t.Errorf("failure %d: %+v", i, h)
		}
	}
	set("x", 503)
	if h := r.pull("503"); h.Next.Sub(r.now) != 2*time.Hour {
		t.Errorf("when it said to come later: %+v", h)
	}
	r.open() // another process
	if h := r.Health()[0]; h.State != "failing" || h.Failures != 4 || !h.FailingSince.Equal(since) || r.taker.docs["kev.json"] != "one" {
		t.Errorf("%+v %v", h, r.taker.docs)
	}
	set("two", 200)
	if h := r.pull(""); h.FailingSince != nil || h.Failures != 0 || h.Error != "" || r.taker.docs["kev.json"] != "two" {
		t.Errorf("%+v", h)
	}
	calls := asked.Load()
	if _, err := r.Pull(t.Context(), "s", true); err != nil || asked.Load() != calls+1 || r.taker.calls != 6 {
		t.Errorf("%v, %d asked, %d calls", err, asked.Load()-calls, r.taker.calls)
	}
}

// TestHostile: what is huge, slow, or leads elsewhere is refused within bounds,
// and nothing of it is taken in.
func TestHostile(t *testing.T) {
	secret := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "secret") })
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 64 {
		_, _ = z.Write(make([]byte, 1<<20))
	}
	_ = z.Close()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/huge":
			for range 100 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		case "/long":
			w.Header().Set("Content-Length", "99999999999")
			_, _ = io.WriteString(w, "x")
		case "/bomb":
			_, _ = w.Write(bomb.Bytes())
		case "/slow":
			_, _ = io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/silent":
			<-r.Context().Done()
		case "/drip":
			for range 1000 {
				if _, err := io.WriteString(w, "x"); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(20 * time.Millisecond):
				}
			}
		case "/half":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
		case "/cut.gz":
			_, _ = w.Write(bomb.Bytes()[:bomb.Len()/2])
		case "/away":
			http.Redirect(w, r, secret.URL, http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/never":
			w.WriteHeader(http.StatusNotModified) // though nothing was said of a mark
		}
	})
	f := func(path, want string, change func(c *pull.Config)) {
		t.Helper()
		began := time.Now()
		r := newRig(t, pull.Advisories, srv.URL+path, func(c *pull.Config) {
			c.Limits.Bytes, c.Limits.Unpacked, c.Limits.Idle, c.Limits.Time = 1<<20, 4<<20, 300*time.Millisecond, time.Second
			if change != nil {
				change(c)
			}
		})
		r.pull(want)
		if len(r.taker.docs) > 0 || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %d documents after %v", path, len(r.taker.docs), time.Since(began))
		}
	}
	f("/huge", "longer", nil)
	f("/long", "99999999999 bytes", nil)
	f("/bomb", "longer", nil)
	f("/slow", "nothing came for too long", nil)
	f("/silent", "took too long", nil)
	f("/drip", "took too long", nil)
	f("/half", "unexpected EOF", nil)
	f("/cut.gz", "unexpected EOF", func(c *pull.Config) { c.Limits.Unpacked = 1 << 30 })
	f("/away", "which the configuration does not name", nil)
	f("/loop", "redirects more than", nil)
	f("/file", "not https", nil)
	f("/never", "304", nil)
	f("/missing-host", "is not on the internet", func(c *pull.Config) { c.Sources[0].Inside = nil })
	name := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	f("/x", "is not on the internet", func(c *pull.Config) { c.Sources[0].Inside, c.Sources[0].URL = nil, name })
	f("/away", "is not on the internet", func(c *pull.Config) { // a host that is named still may not lead inside
		c.Sources[0].Inside, c.Sources[0].Hosts = nil, []string{"127.0.0.1"}
	})
}

// TestKey: the key goes to the source alone, never to where it redirects.
func TestKey(t *testing.T) {
	var leaked atomic.Bool
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		leaked.Store(leaked.Load() || r.Header.Get("Authorization") != "")
		_, _ = io.WriteString(w, "fine")
	})
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer k" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, other.URL, http.StatusFound)
	})
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("Bearer k\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, pull.Indicators, srv.URL, func(c *pull.Config) {
		c.Sources[0].KeyFile, c.Sources[0].Hosts = key, []string{strings.TrimPrefix(other.URL, "http://")}
	})
	r.pull("")
	if leaked.Load() {
		t.Error("the key went to another host")
	}
}

// provider is a CSAF provider that can be changed.
type provider struct {
	files map[string]string
	asked map[string]int
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked[r.URL.Path]++
	text, ok := p.files[r.URL.Path]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = io.WriteString(w, strings.ReplaceAll(text, "BASE", "http://"+r.Host))
}

func entry(name, updated string, links string) string {
	return fmt.Sprintf(`{"id":%q,"updated":%q,"content":{"src":"BASE/%s"},"link":[{"rel":"self","href":"BASE/%s"}%s]}`, name, updated, name, name, links)
}

func TestProvider(t *testing.T) {
	hash := func(text string) string { return fmt.Sprintf("%x  a.json\n", sha256.Sum256([]byte(text))) }
	p := &provider{asked: map[string]int{}, files: map[string]string{
		"/provider-metadata.json": `{"distributions":[{"rolie":{"feeds":[{"tlp_label":"WHITE","url":"BASE/feed.json"},{"tlp_label":"AMBER","url":"BASE/secret.json"}]}}]}`,
		"/feed.json":              `{"feed":{"entry":[` + entry("a.json", "2026-01-01", `,{"rel":"hash","href":"BASE/a.sha256"}`) + `,` + entry("b.json", "2026-01-02", `,{"rel":"hash","href":"BASE/b.sha256"}`) + `,` + entry("c.json", "2026-01-03", "") + `]}}`,
		"/a.json":                 "A1", "/a.sha256": hash("A1"), "/b.json": "B1", "/b.sha256": hash("something else"),
	}}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	r := newRig(t, pull.CSAF, srv.URL+"/provider-metadata.json", nil)
	h := r.pull("")
	if len(r.taker.docs) != 1 || r.taker.docs["a.json"] != "A1" || !strings.Contains(h.Note, "2 documents could not be got") || !strings.Contains(h.Note, "not what its hash says") || !strings.Contains(h.Note, "1 feeds that are not public") {
		t.Errorf("%v %+v", r.taker.docs, h)
	}
	p.files["/b.sha256"], p.files["/c.json"] = hash("B1"), "C1"
	r.open()
	h = r.pull("")
	if len(r.taker.docs) != 3 || p.asked["/a.json"] != 1 || p.asked["/secret.json"] != 0 || strings.Contains(h.Note, "could not") {
		t.Errorf("%v %v %+v", r.taker.docs, p.asked, h)
	}
	p.files["/feed.json"] = strings.Replace(p.files["/feed.json"], "2026-01-01", "2026-02-01", 1)
	p.files["/a.json"], p.files["/a.sha256"] = "A2", hash("A2")
	if r.pull(""); r.taker.docs["a.json"] != "A2" || p.asked["/c.json"] != 2 {
		t.Errorf("%v %v", r.taker.docs, p.asked)
	}
	p.files["/provider-metadata.json"] = `{"distributions":[]}`
	r.pull("lists no public feed")
	p.files["/provider-metadata.json"] = `{"distributions"`
	r.pull("reading")
	if r.taker.docs["a.json"] != "A2" {
		t.Error("what was there is gone")
	}
}

func TestDirectory(t *testing.T) {
	p := &provider{asked: map[string]int{}, files: map[string]string{
		"/m.json":            `{"distributions":[{"directory_url":"BASE/white/"}]}`,
		"/white/changes.csv": "\"2026/a.json\",\"2026-01-01T00:00:00Z\"\n\"../up.json\",\"2026-01-01T00:00:00Z\"\n\"http://203.0.113.9/x.json\",\"2026\"\n\"2026/b.json\",\"2026-01-02T00:00:00Z\"\n",
		"/white/2026/a.json": "A", "/white/2026/b.json": "B", "/up.json": "up",
	}}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	r := newRig(t, pull.CSAF, srv.URL+"/m.json", func(c *pull.Config) { c.Limits.Documents = 1 })
	if h := r.pull(""); len(r.taker.docs) != 1 || !strings.Contains(h.Note, "1 documents come with the next") {
		t.Errorf("%v %+v", r.taker.docs, h)
	}
	if r.pull(""); len(r.taker.docs) != 2 || r.taker.docs["b.json"] != "B" || p.asked["/up.json"] > 0 {
		t.Errorf("%v %v", r.taker.docs, p.asked)
	}
}

func TestTAXII(t *testing.T) {
	endless := false
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/collections/1/objects/" || r.Header.Get("Accept") != "application/taxii+json;version=2.1" {
			w.WriteHeader(http.StatusNotAcceptable)
			return
		}
		switch next := r.URL.Query().Get("next"); {
		case endless:
			_, _ = io.WriteString(w, `{"more":true,"next":"a&b","objects":[{"id":"x"}]}`)
		case next == "":
			_, _ = io.WriteString(w, `{"more":true,"next":"a&b","objects":[{"id":"one"}]}`)
		case next == "a&b":
			_, _ = io.WriteString(w, `{"objects":[{"id":"two"}]}`)
		}
	})
	r := newRig(t, pull.TAXII, srv.URL+"/api/collections/1", nil)
	r.pull("")
	if got := r.taker.docs["1"]; !strings.Contains(got, "one") || !strings.Contains(got, "two") {
		t.Errorf("%q", r.taker.docs)
	}
	if r.pull(""); r.taker.calls != 1 {
		t.Error("the same objects were taken again")
	}
	endless = true
	r.pull("the same page again")
}

func TestCheck(t *testing.T) {
	f := func(want string, change func(s *pull.Source)) {
		t.Helper()
		s := pull.Source{Name: "kev", Kind: pull.Advisories, URL: "https://www.cisa.gov/kev.json", Every: time.Hour}
		change(&s)
		if err := s.Check(); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f("", func(*pull.Source) {})
	f("no name", func(s *pull.Source) { s.Name = "../x" })
	f("no kind", func(s *pull.Source) { s.Kind = "ftp" })
	f("no address", func(s *pull.Source) { s.URL = "file:///etc/passwd" })
	f("password", func(s *pull.Source) { s.URL = "https://a:b@c/" })
	f("anyone on the way", func(s *pull.Source) { s.URL = "http://c/" })
	f("less than a minute", func(s *pull.Source) { s.Every = time.Second })
}

// TestRun: each source is pulled when its time comes, and the end ends it.
func TestRun(t *testing.T) {
	asked := make(chan struct{}, 100)
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		_, _ = io.WriteString(w, "x")
	})
	r := newRig(t, pull.Advisories, srv.URL, func(c *pull.Config) { c.Now = time.Now })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	<-asked
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// FuzzListing: whatever a provider lists, nothing is asked of another host, and
// what is taken was asked for.
func FuzzListing(f *testing.F) {
	f.Add(`{"distributions":[{"directory_url":"BASE/white/"}]}`, "a.json,2026\n")
	f.Add(`{"feed":{"entry":[{"content":{"src":"http://203.0.113.9/x"}}]}}`, "")
	f.Add(`{"distributions":[{"rolie":{"feeds":[{"url":"/f"},{"url":"//other/f"}]}}]}`, `{"feed":{"entry":[{"content":{"src":"d"},"link":[{"rel":"hash","href":"h"}]}]}}`)
	f.Fuzz(func(t *testing.T, first, rest string) {
		base := ""
		guard := &http.Transport{}
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if "http://"+r.Host != base {
				t.Errorf("asked of %q", r.Host)
			}
			text := rest
			if r.URL.Path == "/m.json" {
				text = strings.ReplaceAll(first, "BASE", base)
			}
			_, _ = io.WriteString(w, text)
		}))
		defer srv.Close()
		base = srv.URL
		k := &taker{docs: map[string]string{}}
		limits := pull.DefaultLimits()
		limits.Documents, limits.Pull = 5, 2*time.Second
		p, err := pull.New(pull.Config{Dir: t.TempDir(), Taker: k, Limits: limits, Transport: guard, Sources: []pull.Source{{
			Name: "s", Kind: pull.CSAF, URL: srv.URL + "/m.json", Every: time.Hour, Plain: true, Inside: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Pull(t.Context(), "s", false); err != nil && len(k.docs) > 0 {
			t.Errorf("%v, and yet %v was taken", err, k.docs)
		}
	})
}

// TestReader: when what reads its documents has learnt, a source is pulled at once as
// if for the first time, whole, and after that as ever; a source that was never
// pulled is not.
func TestReader(t *testing.T) {
	asked := atomic.Int64{}
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if asked.Add(1); r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, "one")
	})
	r := newRig(t, pull.Advisories, srv.URL+"/a.json", nil)
	r.cfg.Sources[0].Reader = 1
	r.open()
	if h := r.pull(""); strings.Contains(h.Note, "anew") || r.taker.calls != 1 {
		t.Errorf("the first time: %+v, %d calls", h, r.taker.calls)
	}
	r.cfg.Sources[0].Reader = 2
	r.open()
	if h := r.Health()[0]; h.Next.After(r.now) {
		t.Errorf("it is pulled at %v", h.Next)
	}
	if h := r.pull(""); !strings.Contains(h.Note, "pulled anew") || r.taker.calls != 2 {
		t.Errorf("what reads it has learnt: %+v, %d calls", h, r.taker.calls)
	}
	r.open()
	if h := r.pull(""); h.Note != "" || r.taker.calls != 2 || asked.Load() != 3 {
		t.Errorf("again: %+v, %d calls", h, r.taker.calls)
	}
}
