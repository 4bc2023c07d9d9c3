package it

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
)

// Bounds of HTTP.
const (
	maxRequests = 32       // that wait for an answer
	maxHead     = 32 << 10 // bytes of a request or answer before its body
)

// http decodes RFC 9112, one event for a request and its answer. Bodies are
// passed over.
type http struct {
	f       *proto.Flow
	sides   [2]httpSide
	waiting []request
	opaque  bool // another protocol took over
}

type httpSide struct {
	skip    int  // bytes of a body to come
	chunks  bool // the body is chunked
	toEnd   bool // the body lasts as long as the connection
	resumed bool // look for the next beginning
}

type request struct {
	method, path, version, host, agent, referrer, user string
	length                                             int
	raw                                                []byte
}

func newHTTP(f *proto.Flow) proto.Decoder { return &http{f: f} }

var httpMethods = []string{
	"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK",
	"REPORT", "SUBSCRIBE", "UNSUBSCRIBE", "PURGE", "M-POST",
}

func probeHTTP(data []byte, _ proto.Side, onPort bool) int {
	switch {
	case bytes.HasPrefix(data, []byte("HTTP/1.")):
		return 90
	case !startsRequest(data):
		return 0
	}
	line, n := cutLine(data)
	if n > 0 && bytes.Contains(line, []byte(" HTTP/")) {
		return 90
	}
	if n > 0 && bytes.Contains(line, []byte(" RTSP/")) || n > 0 && bytes.Contains(line, []byte(" SIP/")) {
		return 0
	}
	if onPort || bytes.Contains(data[:min(len(data), 12)], []byte(" /")) {
		return 60
	}
	return 0
}

func startsRequest(data []byte) bool {
	word, _, ok := bytes.Cut(data[:min(len(data), 16)], []byte(" "))
	return ok && slices.Contains(httpMethods, string(word))
}

// Decode implements [proto.Decoder].
func (d *http) Decode(p proto.Payload, out proto.Out) (int, error) {
	s := &d.sides[p.Side&1]
	if p.Lost > 0 {
		d.lost(s, p.Lost)
	}
	taken := 0
	for taken < len(p.Data) && !d.opaque {
		n, err := d.step(s, p, p.Data[taken:], out)
		if err != nil {
			return taken, err
		}
		if n == 0 {
			break
		}
		taken += n
	}
	if d.opaque {
		taken = len(p.Data)
	}
	if p.End && p.Side == proto.Server {
		for len(d.waiting) > 0 {
			d.tell(out, nil, nil)
		}
	}
	return taken, nil
}

// lost passes over a gap. In a body whose length is known it does not matter.
func (d *http) lost(s *httpSide, n int) {
	if s.skip >= n || s.toEnd {
		s.skip = max(s.skip-n, 0)
		return
	}
	*s = httpSide{resumed: true}
}

// step takes the next piece: of a body, or a head. 0 asks for more.
func (d *http) step(s *httpSide, p proto.Payload, b []byte, out proto.Out) (int, error) {
	switch {
	case s.toEnd:
		return len(b), nil
	case s.skip > 0:
		n := min(s.skip, len(b))
		s.skip -= n
		return n, nil
	case s.chunks:
		return s.chunk(b)
	case b[0] == '\r' || b[0] == '\n':
		return 1, nil
	}
	if s.resumed && !startsRequest(b) && !bytes.HasPrefix(b, []byte("HTTP/1.")) {
		_, n := cutLine(b)
		if n == 0 && len(b) > maxHead {
			n = len(b)
		}
		return n, nil
	}
	s.resumed = false
	end := headEnd(b)
	if end == 0 {
		if len(b) > maxHead {
			return 0, notThis("a head without an end")
		}
		return 0, nil
	}
	if p.Side == proto.Server || bytes.HasPrefix(b, []byte("HTTP/1.")) {
		return end, d.answer(s, b[:end], out)
	}
	return end, d.request(s, b[:end], out)
}

// chunk takes the line that says how long the next chunk is, and counts the
// line end behind the chunk to it. After the last one come trailers.
func (s *httpSide) chunk(b []byte) (int, error) {
	line, n := cutLine(b)
	if n == 0 {
		if len(b) > 1024 {
			return 0, notThis("a chunk without a length")
		}
		return 0, nil
	}
	size, _, _ := bytes.Cut(line, []byte(";"))
	v, err := strconv.ParseUint(strings.TrimSpace(string(size)), 16, 31)
	if err != nil {
		s.chunks, s.resumed = false, true
		return n, nil
	}
	if v == 0 {
		s.chunks = false
		return n, nil
	}
	s.skip = int(v) + 2
	return n, nil
}

// headEnd is where the empty line after the headers ends, or 0.
func headEnd(b []byte) int {
	at := 0
	for at < len(b) {
		line, n := cutLine(b[at:])
		if n == 0 {
			return 0
		}
		at += n
		if len(line) == 0 {
			return at
		}
	}
	return 0
}

// headers shows each header, its name in lower case.
func headers(head []byte, show func(name string, value []byte)) {
	_, n := cutLine(head)
	for rest := head[n:]; len(rest) > 0; {
		line, n := cutLine(rest)
		if n == 0 {
			return
		}
		rest = rest[n:]
		name, value, ok := bytes.Cut(line, []byte(":"))
		if ok && len(name) <= 64 {
			show(strings.ToLower(string(bytes.TrimSpace(name))), bytes.TrimSpace(value))
		}
	}
}

func (d *http) request(s *httpSide, head []byte, out proto.Out) error {
	line, _ := cutLine(head)
	method, rest, ok := strings.Cut(string(line), " ")
	path, version, _ := strings.Cut(rest, " ")
	if !ok || !startsRequest(head) {
		s.resumed = true
		return nil
	}
	r := request{method: method, path: redactURL(text([]byte(path))), version: strings.TrimPrefix(text([]byte(version)), "HTTP/")}
	headers(head, func(name string, value []byte) {
		switch name {
		case "host":
			r.host = text(value)
		case "user-agent":
			r.agent = text(value)
		case "referer":
			r.referrer = redactURL(text(value))
		case "content-length":
			r.length, _ = digits(value, maxLength)
		case "transfer-encoding":
			s.chunks = bytes.EqualFold(value, []byte("chunked"))
		case "authorization":
			r.user = basicUser(value)
		}
	})
	if !s.chunks {
		s.skip = r.length
	}
	r.raw = redactHead(head[:min(len(head), 512)])
	if len(d.waiting) >= maxRequests {
		d.tell(out, nil, nil)
	}
	d.waiting = append(d.waiting, r)
	return nil
}

type answer struct {
	code, length  int
	reason, kind  string
	server, realm string
}

func (d *http) answer(s *httpSide, head []byte, out proto.Out) error {
	line, _ := cutLine(head)
	f := strings.SplitN(string(line), " ", 3)
	if len(f) < 2 || !strings.HasPrefix(f[0], "HTTP/1.") {
		if s.resumed {
			return nil
		}
		return notThis("an answer without a status line")
	}
	code, ok := digits([]byte(f[1]), 999)
	if !ok {
		return notThis("an answer without a status")
	}
	a := answer{code: code, length: -1}
	if len(f) == 3 {
		a.reason = text([]byte(f[2]))
	}
	headers(head, func(name string, value []byte) {
		switch name {
		case "server":
			a.server = text(value)
		case "www-authenticate":
			a.realm = text(value)
		case "content-type":
			a.kind, _, _ = strings.Cut(text(value), ";")
		case "content-length":
			if n, ok := digits(value, maxLength); ok {
				a.length = n
			}
		case "transfer-encoding":
			s.chunks = bytes.EqualFold(value, []byte("chunked"))
		}
	})
	if code >= 100 && code < 200 && code != 101 {
		return nil // the answer proper is to come
	}
	method := ""
	if len(d.waiting) > 0 {
		method = d.waiting[0].method
	}
	switch {
	case code == 101 || method == "CONNECT" && code/100 == 2:
		d.opaque = true
	case method == "HEAD" || code == 204 || code == 304:
		s.chunks = false
	case s.chunks:
	case a.length >= 0:
		s.skip = a.length
	default:
		s.toEnd = true
	}
	d.tell(out, &a, head)
	banner(out, d.f.Server.Addr(), "http_header.server", []byte(a.server), head)
	banner(out, d.f.Server.Addr(), "http_header.wwwauth", []byte(a.realm), head)
	return nil
}

// tell emits the oldest request with its answer; either may be missing.
func (d *http) tell(out proto.Out, a *answer, head []byte) {
	e := out.New(event.HTTPActivity)
	raw := head
	if len(d.waiting) > 0 {
		r := d.waiting[0]
		d.waiting = d.waiting[1:]
		e.SetHTTPRequestHTTPMethod(r.method)
		e.SetActivityName(r.method)
		e.SetHTTPRequestURLPath(r.path)
		e.SetHTTPRequestURLHostname(r.host)
		e.SetHTTPRequestVersion(r.version)
		e.SetHTTPRequestUserAgent(r.agent)
		e.SetHTTPRequestReferrer(r.referrer)
		e.SetUserName(r.user)
		if r.user != "" {
			e.SetAuthProtocol("basic")
		}
		e.SetHTTPRequestLength(int64(r.length))
		raw = r.raw
	}
	if a != nil {
		e.SetHTTPResponseCode(int64(a.code))
		e.SetStatusDetail(a.reason)
		e.SetHTTPResponseContentType(a.kind)
		if a.length >= 0 {
			e.SetHTTPResponseLength(int64(a.length))
		}
		e.SetExtra("http.server", a.server)
		e.SetStatus(event.Success)
		if a.code >= 400 {
			e.SetStatus(event.Failure)
		}
	}
	if a != nil && len(raw) > 0 && &raw[0] == &head[0] {
		raw = redactHead(head[:min(len(head), 512)])
	}
	out.Emit(e, raw)
}

// basicUser is the name in an Authorization header; the password is dropped.
func basicUser(value []byte) string {
	kind, rest, ok := strings.Cut(string(value), " ")
	if !ok || !strings.EqualFold(kind, "basic") {
		return ""
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	if err != nil {
		return ""
	}
	name, _, _ := bytes.Cut(b, []byte(":"))
	return text(name)
}
