package pull

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"vedette/internal/fault"
)

// probeTime is how long a source has to answer a probe.
const probeTime = 10 * time.Second

// Probed is what a source says of itself before it is pulled.
type Probed struct {
	Status   string // such as 200 OK
	Type     string // of its content, as it says
	Bytes    int64  // as it says; -1: it does not
	Modified string
}

// Probe asks a source for the head of its answer, under all guards of a pull, and
// takes in nothing.
func (p *Puller) Probe(ctx context.Context, src Source) (Probed, error) {
	if err := src.Check(); err != nil {
		return Probed{}, err
	}
	limits := p.cfg.Limits
	limits.Time = min(limits.Time, probeTime)
	f, err := newFetcher(&src, limits, p.cfg.Dir, p.cfg.Transport)
	if err != nil {
		return Probed{}, err
	}
	defer f.close()
	u, err := url.Parse(src.URL)
	if err == nil {
		err = f.allowed(u)
	}
	if err != nil {
		return Probed{}, fault.Wrap(fault.Denied, err, "asking %s", shown(src.URL))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, src.URL, http.NoBody)
	if err != nil {
		return Probed{}, fault.Wrap(fault.Invalid, err, "asking %s", shown(src.URL))
	}
	accept := ""
	if src.Kind == TAXII {
		accept = taxiiAccept
	}
	f.headers(req, accept, "", "")
	res, err := f.client.Do(req)
	if err != nil {
		return Probed{}, fault.Wrap(fault.Unavailable, plainly(ctx, err), "asking %s", shown(src.URL))
	}
	_ = res.Body.Close() // unread
	return Probed{Status: clip(res.Status), Type: clip(res.Header.Get("Content-Type")), Bytes: res.ContentLength, Modified: clip(res.Header.Get("Last-Modified"))}, nil
}

// Shown is an address without what may be secret in it.
func Shown(address string) string { return shown(address) }
