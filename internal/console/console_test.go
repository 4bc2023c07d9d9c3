package console

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func ask(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestFiles(t *testing.T) {
	script := strings.Repeat("export const a = 1;\n", 200)
	h, err := open(fstest.MapFS{
		"index.html": {Data: []byte("<p>the page")}, "placeholder.html": {Data: []byte("not built")},
		"main-AAAA.js": {Data: []byte(script)}, "main-BBBB.css": {Data: []byte("p{}")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/now", "/devices/dev-1", "/devices/a%2Fb"} {
		if w := ask(t, h, path); w.Code != 200 || w.Body.String() != "<p>the page" || w.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d %q %v", path, w.Code, w.Body, w.Header())
		}
	}
	w := ask(t, h, "/assets/main-AAAA.js", "Accept-Encoding", "gzip, br")
	zip, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(zip); err != nil || string(got) != script {
		t.Errorf("unzipped: %d bytes, %v", len(got), err)
	}
	if w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("%v", w.Header())
	}
	if w := ask(t, h, "/assets/main-AAAA.js"); w.Body.String() != script || w.Header().Get("Content-Encoding") != "" {
		t.Errorf("a browser that cannot unzip gets %v", w.Header())
	}
	if w := ask(t, h, "/now", "If-None-Match", ask(t, h, "/now").Header().Get("ETag")); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("the same page again: %d", w.Code)
	}
	for _, path := range []string{"/assets/nothing.js", "/assets/index.html", "/assets/..%2Findex.html"} {
		if w := ask(t, h, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestNotBuilt(t *testing.T) {
	h, err := open(fstest.MapFS{"placeholder.html": {Data: []byte("not built")}})
	if err != nil {
		t.Fatal(err)
	}
	if w := ask(t, h, "/now"); w.Code != 200 || w.Body.String() != "not built" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if _, err := New(); err != nil {
		t.Errorf("the files of this program: %v", err)
	}
}

// The source puts text on the page as text: nothing in it makes markup or code of
// a string, and nothing is loaded from elsewhere.
func TestSourceSetsTextOnly(t *testing.T) {
	root := filepath.Join("..", "..", "web", "src")
	bad := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|\beval\(|new Function|srcdoc|javascript:|setTimeout\("|import\(["']http`)
	elsewhere := regexp.MustCompile(`(src|href|url|fetch)\s*[=(:]\s*["'(]?\s*(https?:)?//`)
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for n, line := range strings.Split(string(text), "\n") {
			if found := bad.FindString(line) + elsewhere.FindString(line); found != "" {
				t.Errorf("%s:%d: %s", path, n+1, found)
			}
		}
		return nil
	})
	if err != nil || files < 15 {
		t.Fatalf("%d files, %v", files, err)
	}
}
