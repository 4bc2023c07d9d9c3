package taxii

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"vedette/internal/api/problem"
	"vedette/internal/fault"
)

// Front stands before the guard of a server: below [Prefix] a token may come as
// the password of HTTP Basic, with any name, and what the guard refuses is told as
// TAXII tells errors. Nothing there changes anything, so a browser that sends a
// password along by itself does no harm. All other paths pass as they are.
func Front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, Prefix) && r.URL.Path+"/" != Prefix {
			next.ServeHTTP(w, r)
			return
		}
		if lines := r.Header.Values("Authorization"); len(lines) == 1 {
			if token, ok := password(lines[0]); ok {
				r = r.Clone(r.Context())
				r.Header.Set("Authorization", "Bearer "+token)
			}
		}
		t := &translator{ResponseWriter: w}
		next.ServeHTTP(t, r)
		t.end()
	})
}

// password reads the password of a Basic credential.
func password(line string) (string, bool) {
	scheme, text, _ := strings.Cut(line, " ")
	if !strings.EqualFold(scheme, "Basic") || len(text) > 1000 {
		return "", false
	}
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return "", false
	}
	_, token, ok := strings.Cut(string(plain), ":")
	return token, ok && token != "" && !strings.ContainsAny(token, " \r\n\x00")
}

// translator holds back what is refused and writes it as a TAXII error.
type translator struct {
	http.ResponseWriter
	status int // of a refusal; 0: there is none
	body   bytes.Buffer
}

// maxRefusal bounds what is read of a refusal.
const maxRefusal = 16 << 10

// WriteHeader implements [http.ResponseWriter].
func (t *translator) WriteHeader(status int) {
	if status >= 400 && t.Header().Get("Content-Type") != MediaType {
		t.status = status
		return
	}
	t.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (t *translator) Write(b []byte) (int, error) {
	if t.status == 0 {
		return t.ResponseWriter.Write(b) //nolint:wrapcheck // as it is
	}
	if room := maxRefusal - t.body.Len(); room > 0 {
		t.body.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

func (t *translator) end() {
	if t.status == 0 {
		return
	}
	var p struct{ Title, Detail, Hint string }
	if json.Unmarshal(t.body.Bytes(), &p) != nil { // plain text
		p.Title = strings.TrimSpace(t.body.String())
	}
	if p.Detail != "" {
		p.Title = p.Detail
	}
	t.Header().Del("Content-Length")
	fail(t.ResponseWriter, t.status, clip(p.Title, 500), clip(p.Hint, 500))
}

// failed writes an error.
func failed(w http.ResponseWriter, err error) {
	text, hint := fault.Public(err)
	fail(w, problem.Status(fault.KindOf(err)), text, hint)
}

func fail(w http.ResponseWriter, status int, title, hint string) {
	if title == "" {
		title = http.StatusText(status)
	}
	h := w.Header()
	h.Set("Content-Type", MediaType)
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Basic realm="vedette", charset="UTF-8"`)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Title       string `json:"title"`
		Description string `json:"description,omitempty"`
		Status      string `json:"http_status"`
	}{title, hint, strconv.Itoa(status)}) // the client has gone if this fails
}
