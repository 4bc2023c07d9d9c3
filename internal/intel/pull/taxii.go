package pull

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"strings"

	"vedette/internal/fault"
)

const (
	taxiiAccept = "application/taxii+json;version=2.1"
	maxPage     = 64 << 20
	maxPages    = 10_000
)

// collection pulls all objects of a TAXII 2.1 collection, page by page, into one
// document, so that relationships between pages are not lost.
func (p *Puller) collection(ctx context.Context, f *fetcher, s *state) (result, error) {
	out, err := os.CreateTemp(p.cfg.Dir, "pull-*.part")
	if err != nil {
		return result{}, fault.Wrap(fault.Unavailable, err, "keeping what comes")
	}
	defer os.Remove(out.Name()) //nolint:errcheck // swept later
	f.limits.Bytes = min(f.limits.Bytes, maxPage)
	sum, err := f.pages(ctx, out)
	if err = errors.Join(err, out.Close()); err != nil {
		return result{}, err
	}
	if sum == s.Sum {
		return result{}, nil
	}
	n, err := p.take(ctx, f, []file{{shown(f.src.URL), out.Name()}})
	if err != nil {
		return result{}, err
	}
	s.Sum = sum
	return result{n, true, ""}, nil
}

// pages writes the pages one after another, and returns what tells them apart
// from others.
func (f *fetcher) pages(ctx context.Context, out io.Writer) (string, error) {
	base := strings.TrimSuffix(f.src.URL, "/")
	if !strings.HasSuffix(base, "/objects") {
		base += "/objects"
	}
	sums, next := "", ""
	for range maxPages {
		address := base + "/"
		if next != "" {
			address += "?" + url.Values{"next": {next}}.Encode()
		}
		g, err := f.get(ctx, address, taxiiAccept, "", "")
		if err != nil {
			return "", err
		}
		more, err := f.page(ctx, g.path, out)
		_ = os.Remove(g.path)
		if err != nil {
			return "", err
		}
		sums = digest(sums + g.sum)
		if more == "" {
			return sums, nil
		}
		if more == next {
			return "", fault.New(fault.Invalid, "%s gives the same page again and again", shown(base))
		}
		next = more
	}
	return "", fault.New(fault.Limited, "%s has more than %d pages", shown(base), maxPages)
}

// page copies one page, and tells which comes next.
func (f *fetcher) page(ctx context.Context, path string, out io.Writer) (next string, err error) {
	in, err := f.open(ctx, path)
	if err != nil {
		return "", err
	}
	defer in.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(in, maxPage+1))
	if err != nil {
		return "", err
	}
	var envelope struct {
		More    bool              `json:"more"`
		Next    string            `json:"next"`
		Objects []json.RawMessage `json:"objects"`
	}
	switch err := json.Unmarshal(data, &envelope); {
	case len(data) > maxPage:
		return "", fault.Wrap(fault.Limited, errLong, "a page of %s", f.src.Name)
	case err != nil:
		return "", fault.Wrap(fault.Invalid, err, "reading a page of %s", f.src.Name)
	case envelope.More && envelope.Next == "":
		return "", fault.New(fault.Invalid, "a page of %s says that there are more and not where", f.src.Name)
	}
	if len(envelope.Objects) > 0 {
		if _, err := out.Write(append(data, '\n')); err != nil {
			return "", fault.Wrap(fault.Unavailable, err, "keeping what comes")
		}
	}
	if !envelope.More {
		return "", nil
	}
	return envelope.Next, nil
}
