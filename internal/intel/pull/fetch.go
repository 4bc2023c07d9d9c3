package pull

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"vedette/internal/fault"
)

// fetcher gets documents of one source.
type fetcher struct {
	src    *Source
	limits Limits
	key    string
	client *http.Client
	left   int64 // bytes that this pull may still take
	dir    string
}

// got is one document on the disk, or that it has not changed.
type got struct {
	unchanged      bool
	etag, modified string
	added          string // X-TAXII-Date-Added-Last
	sum            string // SHA-256 in hexadecimal
	path           string
}

func newFetcher(src *Source, limits Limits, dir string, roots *http.Transport) (*fetcher, error) {
	f := &fetcher{src: src, limits: limits, left: limits.Total, dir: dir}
	if src.KeyFile != "" {
		text, err := os.ReadFile(src.KeyFile)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "reading the key of source %s", src.Name).WithHint("correct its key_file")
		}
		f.key = strings.TrimSpace(string(text))
	}
	t := roots.Clone()
	t.Proxy = nil // one would speak to addresses that are not looked at here
	t.DialContext = (&net.Dialer{Timeout: 15 * time.Second, Control: f.control}).DialContext
	t.TLSHandshakeTimeout, t.ResponseHeaderTimeout = 15*time.Second, limits.Idle
	t.MaxResponseHeaderBytes, t.DisableCompression = 1<<16, true
	t.MaxConnsPerHost, t.DisableKeepAlives = 2, false
	f.client = &http.Client{Transport: t, Timeout: limits.Time, CheckRedirect: f.redirect}
	return f, nil
}

func (f *fetcher) close() { f.client.CloseIdleConnections() }

var errInside = errors.New("it leads to an address that is not on the internet, and the configuration does not name that network (inside)")

// control looks at the address that a name led to, before anything is sent: what
// a name server or a redirect says cannot lead into our own network.
func (f *fetcher) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	a := ap.Addr().Unmap().WithZone("")
	if outside(a) || slices.ContainsFunc(f.src.Inside, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return nil
	}
	return errInside
}

// special are ranges that are not the internet's and that netip does not tell.
func special() []netip.Prefix {
	var out []netip.Prefix
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func outside(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() &&
		!slices.ContainsFunc(special(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// allowed tells whether an address may be asked by its name alone.
func (f *fetcher) allowed(u *url.URL) error {
	own, err := url.Parse(f.src.URL)
	switch {
	case err != nil:
		return err
	case u.Scheme != "https" && (u.Scheme != "http" || !f.src.Plain):
		return errors.New("it leads to " + clip(u.Scheme) + ", not https")
	case u.User != nil:
		return errors.New("it leads to an address with a password in it")
	case strings.EqualFold(u.Host, own.Host) || slices.ContainsFunc(f.src.Hosts, func(h string) bool { return strings.EqualFold(h, u.Host) || strings.EqualFold(h, u.Hostname()) }):
		return nil
	}
	return errors.New("it leads to " + clip(u.Host) + ", which the configuration does not name (hosts)")
}

func (f *fetcher) redirect(req *http.Request, via []*http.Request) error {
	if len(via) > f.limits.Redirects {
		return errors.New("it redirects more than " + strconv.Itoa(f.limits.Redirects) + " times")
	}
	if !strings.EqualFold(req.URL.Host, via[0].URL.Host) {
		req.Header.Del("Authorization")
	}
	return f.allowed(req.URL)
}

// resumes is how often a document that broke off is gone on with in one pull.
const resumes = 3

// get gets one document into a file, which the caller removes. With an etag or a
// time it may answer that it has not changed. One that breaks off is gone on with
// where it ended, if its server gave it a strong ETag.
func (f *fetcher) get(ctx context.Context, address, accept, etag, modified string) (got, error) {
	u, err := url.Parse(address)
	if err == nil {
		err = f.allowed(u)
	}
	if err != nil {
		return got{}, fault.Wrap(fault.Denied, err, "getting %s", shown(address))
	}
	out, part := got{}, (*part)(nil)
	for try := 0; ; try++ {
		part, err = f.once(ctx, u, asking{accept, etag, modified}, &out, part)
		if err == nil || part == nil {
			break
		}
		if try == resumes || ctx.Err() != nil || fault.KindOf(err) == fault.Limited || !part.goesOn() {
			part.drop()
			break
		}
	}
	if err != nil || part == nil {
		return out, err
	}
	if err := part.file.Close(); err != nil {
		part.drop()
		return got{}, fault.Wrap(fault.Unavailable, err, "keeping what comes")
	}
	out.path, out.sum = part.file.Name(), hex.EncodeToString(part.sum.Sum(nil))
	return out, nil
}

// asking is what a request says.
type asking struct{ accept, etag, modified string }

// part is what came of a document.
type part struct {
	file *os.File
	sum  hash.Hash
	n    int64
	etag string // of what came
}

// goesOn tells whether the rest can be asked for and must be of the same document.
func (p *part) goesOn() bool { return p.n > 0 && len(p.etag) > 2 && p.etag[0] == '"' }

func (p *part) drop() {
	_ = p.file.Close()
	_ = os.Remove(p.file.Name())
}

// once asks once, for all or for what is missing. An error with a part is one of a
// document that broke off.
func (f *fetcher) once(ctx context.Context, u *url.URL, ask asking, out *got, p *part) (*part, error) {
	address := u.String()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return p, fault.Wrap(fault.Invalid, err, "getting %s", shown(address))
	}
	if p != nil {
		f.headers(req, ask.accept, "", "")
		req.Header.Set("Range", "bytes="+strconv.FormatInt(p.n, 10)+"-")
		req.Header.Set("If-Range", p.etag)
	} else {
		f.headers(req, ask.accept, ask.etag, ask.modified)
	}
	res, err := f.client.Do(req)
	if err != nil {
		return p, fault.Wrap(fault.Unavailable, plainly(ctx, err), "getting %s", shown(address))
	}
	defer res.Body.Close() //nolint:errcheck // only read
	whole := p == nil || res.StatusCode == http.StatusOK
	if whole {
		out.etag, out.modified, out.added = clip(res.Header.Get("ETag")), clip(res.Header.Get("Last-Modified")), clip(res.Header.Get("X-TAXII-Date-Added-Last"))
	}
	switch {
	case p == nil && res.StatusCode == http.StatusNotModified && (ask.etag != "" || ask.modified != ""):
		out.unchanged = true
		return nil, nil
	case !whole && (res.StatusCode != http.StatusPartialContent || !p.fits(res)):
		return p, refused(address, res)
	case whole && res.StatusCode != http.StatusOK:
		return nil, refused(address, res)
	case res.ContentLength > min(f.limits.Bytes, f.left):
		return p, fault.New(fault.Limited, "getting %s: it says that it has %d bytes, more than is taken", shown(address), res.ContentLength)
	}
	if p, err = f.begin(p, whole, out.etag); err != nil {
		return p, err
	}
	idle := time.AfterFunc(f.limits.Idle, func() { cancel(errIdle) })
	defer idle.Stop()
	if err := f.spool(&waking{res.Body, idle, f.limits.Idle}, p); err != nil {
		return p, fault.Wrap(fault.KindOf(err), plainly(ctx, err), "getting %s", shown(address))
	}
	return p, nil
}

// fits tells whether a partial answer is the rest of the same document.
func (p *part) fits(res *http.Response) bool {
	tag := res.Header.Get("ETag")
	return strings.HasPrefix(res.Header.Get("Content-Range"), "bytes "+strconv.FormatInt(p.n, 10)+"-") && (tag == "" || tag == p.etag)
}

// begin makes the file of a document, or empties it when the whole comes again.
func (f *fetcher) begin(p *part, whole bool, etag string) (*part, error) {
	if p == nil {
		file, err := os.CreateTemp(f.dir, "pull-*.part")
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "keeping what comes")
		}
		return &part{file: file, sum: sha256.New(), etag: etag}, nil
	}
	if !whole {
		return p, nil
	}
	p.n, p.etag = 0, etag
	p.sum.Reset()
	_, err := p.file.Seek(0, io.SeekStart)
	if err == nil {
		err = p.file.Truncate(0)
	}
	if err != nil {
		return p, fault.Wrap(fault.Limited, err, "keeping what comes")
	}
	return p, nil
}

func (f *fetcher) headers(req *http.Request, accept, etag, modified string) {
	req.Header.Set("User-Agent", "vedette")
	req.Header.Set("Accept-Encoding", "identity")
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	own, err := url.Parse(f.src.URL)
	if f.key != "" && err == nil && strings.EqualFold(req.URL.Host, own.Host) {
		req.Header.Set("Authorization", f.key)
	}
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	} else if modified != "" {
		req.Header.Set("If-Modified-Since", modified)
	}
}

var (
	errIdle = errors.New("nothing came for too long")
	errLong = errors.New("it is longer than is taken")
)

// plainly is the reason behind an error of the connection.
func plainly(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return errors.New("it took too long")
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// retryLater is a refusal that says when to come again.
type retryLater struct {
	error
	after time.Duration
}

func (r retryLater) Unwrap() error { return r.error }

func refused(address string, res *http.Response) error {
	err := error(fault.New(fault.Unavailable, "getting %s: the answer is %d %s", shown(address), res.StatusCode, http.StatusText(res.StatusCode)))
	if n, bad := strconv.Atoi(res.Header.Get("Retry-After")); bad == nil && n > 0 {
		err = retryLater{err, min(time.Duration(n)*time.Second, 24*time.Hour)}
	}
	return err
}

// waking puts off the end of patience with every byte.
type waking struct {
	io.Reader
	timer *time.Timer
	idle  time.Duration
}

// Read implements [io.Reader].
func (w *waking) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if n > 0 {
		w.timer.Reset(w.idle)
	}
	return n, err
}

func (f *fetcher) spool(in io.Reader, p *part) error {
	most := min(f.limits.Bytes-p.n, f.left)
	n, err := io.Copy(io.MultiWriter(p.file, p.sum), io.LimitReader(in, most+1))
	p.n += n
	f.left -= n
	if err == nil && n > most {
		err = fault.Wrap(fault.Limited, errLong, "more than %d bytes", most)
	}
	return err
}

// open gives the plain bytes of a document.
func (f *fetcher) open(ctx context.Context, path string) (io.ReadCloser, error) {
	file, err := os.Open(path) //nolint:gosec // G304: it was made here
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "reading what came")
	}
	in := bufio.NewReaderSize(file, 1<<16)
	var plain io.Reader = in
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		if plain, err = gzip.NewReader(in); err != nil {
			_ = file.Close()
			return nil, fault.Wrap(fault.Invalid, err, "what came is damaged")
		}
	}
	return &bounded{ctx: ctx, in: plain, left: f.limits.Unpacked, file: file}, nil
}

// bounded reads so much and no more, and ends with its context.
type bounded struct {
	ctx  context.Context
	in   io.Reader
	left int64
	file *os.File
}

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if b.left <= 0 {
		return 0, fault.Wrap(fault.Limited, errLong, "without gzip")
	}
	n, err := b.in.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// Close implements [io.Closer].
func (b *bounded) Close() error { return b.file.Close() }

// shown is an address without what may be secret in it.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that cannot be read"
	}
	return clip(u.Scheme + "://" + u.Host + u.EscapedPath())
}

func clip(s string) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
