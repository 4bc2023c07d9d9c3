// Package console is the web console: pages and scripts, bundled from web/ by
// make web, which speak to the product over /api/v1 alone.
//
// It must not hold domain rules or data: it hands out files that are the same
// for everyone. Who may see what is decided where the API answers. The pages
// load nothing from elsewhere and put what a device wrote on the screen as text,
// never as markup.
package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"vedette/internal/fault"
)

//go:embed all:dist
var dist embed.FS

// file is one file of the console, ready to be sent.
type file struct {
	kind   string // media type
	plain  []byte
	zipped []byte // nil when that is not shorter
	tag    string
}

// handler hands out files.
type handler struct {
	files map[string]file // by name
	page  file            // the one page that all paths of the console show
}

// New returns the handler of the console: /assets/NAME are its files, all other
// paths its page, which shows what the path says. A program that was built
// without the console shows a page that says so.
func New() (http.Handler, error) {
	root, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "opening the console's files")
	}
	return open(root)
}

func open(root fs.FS) (http.Handler, error) {
	h := &handler{files: map[string]file{}}
	list, err := fs.ReadDir(root, ".")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "listing the console's files")
	}
	for _, entry := range list {
		text, err := fs.ReadFile(root, entry.Name())
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "reading %s of the console", entry.Name())
		}
		if h.files[entry.Name()], err = pack(entry.Name(), text); err != nil {
			return nil, err
		}
	}
	page, ok := h.files["index.html"]
	if !ok {
		page = h.files["placeholder.html"]
	}
	h.page = page
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/{name}", h.asset)
	mux.HandleFunc("GET /", h.show)
	return mux, nil
}

// pack compresses a file once, for all who will ask for it.
func pack(name string, text []byte) (file, error) {
	sum := sha256.Sum256(text)
	f := file{kind: mime.TypeByExtension(path.Ext(name)), plain: text, tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
	switch path.Ext(name) { // not left to the machine's own table
	case ".js":
		f.kind = "text/javascript; charset=utf-8"
	case ".css":
		f.kind = "text/css; charset=utf-8"
	case ".html":
		f.kind = "text/html; charset=utf-8"
	}
	var b bytes.Buffer
	zip, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return f, fault.Wrap(fault.Internal, err, "compressing %s", name)
	}
	if _, err := zip.Write(text); err != nil {
		return f, fault.Wrap(fault.Internal, err, "compressing %s", name)
	}
	if err := zip.Close(); err != nil {
		return f, fault.Wrap(fault.Internal, err, "compressing %s", name)
	}
	if b.Len() < len(text) {
		f.zipped = b.Bytes()
	}
	return f, nil
}

// asset sends a file whose name holds the hash of what is in it, so that a
// browser may keep it for good.
func (h *handler) asset(w http.ResponseWriter, r *http.Request) {
	f, ok := h.files[r.PathValue("name")]
	if !ok || strings.HasSuffix(r.PathValue("name"), ".html") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	f.send(w, r)
}

func (h *handler) show(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache")
	h.page.send(w, r)
}

func (f file) send(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("Vary", "Accept-Encoding")
	w.Header().Set("ETag", f.tag)
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if f.zipped != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		body = f.zipped
	}
	_, _ = w.Write(body) // the browser has gone if this fails
}
