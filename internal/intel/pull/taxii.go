package pull

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vedette/internal/fault"
)

const (
	taxiiAccept = "application/taxii+json;version=2.1"
	maxPage     = 64 << 20
	maxPages    = 10_000
)

// wholeEvery is how often a collection is read whole. Between, only what was added
// is asked for, which never tells what was taken out.
const wholeEvery = 7 * 24 * time.Hour

// objectsEnd is of the file with the objects of a collection, one envelope a line.
const objectsEnd = ".objects"

// collection pulls a TAXII 2.1 collection, page by page, into one document, so
// that relationships between pages are not lost: whole the first time and each
// week, and between what was added since.
func (p *Puller) collection(ctx context.Context, f *fetcher, s *state) (result, error) {
	f.limits.Bytes = min(f.limits.Bytes, maxPage)
	kept := filepath.Join(p.cfg.Dir, f.src.Name+objectsEnd)
	_, err := os.Stat(kept)
	now := p.cfg.Now().UTC()
	whole := err != nil || s.Mark == "" || now.Sub(s.Whole) >= wholeEvery || now.Before(s.Whole)
	after := s.Mark
	if whole {
		after = ""
	}
	temp, got, err := p.newObjects(ctx, f, after)
	defer os.Remove(temp) //nolint:errcheck // renamed, or swept later
	if err != nil {
		return result{}, err
	}
	switch {
	case whole && got.sum == s.Sum, !whole && got.objects == 0:
		s.marked(got, whole, now)
		return result{}, nil
	case !whole:
		if temp, err = p.merge(ctx, f, kept, temp); err != nil {
			return result{}, err
		}
		defer os.Remove(temp) //nolint:errcheck // as above
	}
	n, err := p.take(ctx, f, []file{{shown(f.src.URL), temp}})
	if err != nil {
		return result{}, err
	}
	if err := os.Rename(temp, kept); err != nil {
		return result{}, fault.Wrap(fault.Unavailable, err, "keeping what came")
	}
	s.Sum = ""
	if whole {
		s.Sum = got.sum
	}
	s.marked(got, whole, now)
	return result{n, true, ""}, nil
}

// marked notes from where to ask next.
func (s *state) marked(got collected, whole bool, now time.Time) {
	if got.last != "" {
		s.Mark = got.last
		if at, err := time.Parse(time.RFC3339, got.last); err == nil {
			s.newest(at, now)
		}
	}
	if whole {
		s.Whole = now
		if got.last == "" { // the server does not say, and so it is always asked for all
			s.Mark = ""
		}
	}
}

// collected is what the pages of a collection were.
type collected struct {
	sum     string
	objects int
	last    string // when the newest object was added
}

func (p *Puller) newObjects(ctx context.Context, f *fetcher, after string) (string, collected, error) {
	out, err := os.CreateTemp(p.cfg.Dir, "pull-*.part")
	if err != nil {
		return "", collected{}, fault.Wrap(fault.Unavailable, err, "keeping what comes")
	}
	buf := bufio.NewWriterSize(out, 1<<16)
	got, err := f.pages(ctx, buf, after)
	return out.Name(), got, errors.Join(err, buf.Flush(), out.Close())
}

// pages writes the objects of all pages, an envelope of one a line.
func (f *fetcher) pages(ctx context.Context, out io.Writer, after string) (collected, error) {
	base := strings.TrimSuffix(f.src.URL, "/")
	if !strings.HasSuffix(base, "/objects") {
		base += "/objects"
	}
	var all collected
	next := ""
	for range maxPages {
		ask := url.Values{}
		if after != "" {
			ask.Set("added_after", after)
		}
		if next != "" {
			ask.Set("next", next)
		}
		address := base + "/"
		if len(ask) > 0 {
			address += "?" + ask.Encode()
		}
		g, err := f.get(ctx, address, taxiiAccept, "", "")
		if err != nil {
			return all, err
		}
		n, more, err := f.page(ctx, g.path, out)
		_ = os.Remove(g.path)
		if err != nil {
			return all, err
		}
		all.sum, all.objects = digest(all.sum+g.sum), all.objects+n
		if _, bad := time.Parse(time.RFC3339, g.added); bad == nil && n > 0 {
			all.last = g.added
		}
		if more == "" {
			return all, nil
		}
		if more == next {
			return all, fault.New(fault.Invalid, "%s gives the same page again and again", shown(base))
		}
		next = more
	}
	return all, fault.New(fault.Limited, "%s has more than %d pages", shown(base), maxPages)
}

type taxiiEnvelope struct {
	More    bool              `json:"more,omitempty"`
	Next    string            `json:"next,omitempty"`
	Objects []json.RawMessage `json:"objects"`
}

// page copies the objects of one page, and tells which comes next.
func (f *fetcher) page(ctx context.Context, path string, out io.Writer) (n int, next string, err error) {
	in, err := f.open(ctx, path)
	if err != nil {
		return 0, "", err
	}
	defer in.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(in, maxPage+1))
	if err != nil {
		return 0, "", err
	}
	var e taxiiEnvelope
	switch err := json.Unmarshal(data, &e); {
	case len(data) > maxPage:
		return 0, "", fault.Wrap(fault.Limited, errLong, "a page of %s", f.src.Name)
	case err != nil:
		return 0, "", fault.Wrap(fault.Invalid, err, "reading a page of %s", f.src.Name)
	case e.More && e.Next == "":
		return 0, "", fault.New(fault.Invalid, "a page of %s says that there are more and not where", f.src.Name)
	}
	for _, o := range e.Objects {
		if err := writeObject(out, o); err != nil {
			return 0, "", err
		}
	}
	if !e.More {
		e.Next = ""
	}
	return len(e.Objects), e.Next, nil
}

// writeObject writes an object in an envelope of its own, without line ends in it.
func writeObject(out io.Writer, o json.RawMessage) error {
	line, err := json.Marshal(taxiiEnvelope{Objects: []json.RawMessage{o}})
	if err == nil {
		_, err = out.Write(append(line, '\n'))
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "keeping what comes")
	}
	return nil
}

// merge puts what is new behind what was kept, and leaves out what there is a
// newer version of.
func (p *Puller) merge(ctx context.Context, f *fetcher, kept, fresh string) (string, error) {
	newer := map[string]bool{}
	err := f.each(ctx, fresh, func(id string, _ []byte) error {
		newer[id] = true
		return nil
	})
	if err != nil {
		return "", err
	}
	out, err := os.CreateTemp(p.cfg.Dir, "pull-*.part")
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "keeping what comes")
	}
	buf := bufio.NewWriterSize(out, 1<<16)
	err = f.each(ctx, kept, func(id string, line []byte) error {
		if id != "" && newer[id] {
			return nil
		}
		_, err := buf.Write(line)
		return err
	})
	if err == nil {
		err = f.each(ctx, fresh, func(_ string, line []byte) error {
			_, err := buf.Write(line)
			return err
		})
	}
	if err = errors.Join(err, buf.Flush(), out.Close()); err != nil {
		_ = os.Remove(out.Name())
		return "", fault.Wrap(fault.KindOf(err), err, "joining what is new of %s with what was there", f.src.Name)
	}
	return out.Name(), nil
}

// each goes through a file of objects.
func (f *fetcher) each(ctx context.Context, path string, do func(id string, line []byte) error) error {
	in, err := f.open(ctx, path)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	lines := bufio.NewReaderSize(in, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var e struct {
			Objects []struct {
				ID string `json:"id"`
			} `json:"objects"`
		}
		if json.Unmarshal(line, &e) != nil || len(e.Objects) != 1 {
			continue // its id is of another type: no object of STIX
		}
		if err := do(e.Objects[0].ID, line); err != nil {
			return err
		}
	}
}
