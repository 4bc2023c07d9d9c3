package pull

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
)

// Limits of what a provider lists.
const (
	maxListBytes = 64 << 20
	maxFeeds     = 200
	maxEntries   = 500_000
	maxInARow    = 10 // documents that fail one after another end a pull
)

// item is a document that a provider lists.
type item struct{ url, updated, hash, sig string }

// metadata is what is read of provider-metadata.json, or of a ROLIE feed.
type metadata struct {
	Distributions []struct {
		Directory string `json:"directory_url"`
		Rolie     struct {
			Feeds []struct {
				TLP string `json:"tlp_label"`
				URL string `json:"url"`
			} `json:"feeds"`
		} `json:"rolie"`
	} `json:"distributions"`
	Keys []listedKey `json:"public_openpgp_keys"`
	Feed *rolie      `json:"feed"`
}

type rolie struct {
	Entry []struct {
		Updated string `json:"updated"`
		Link    []struct {
			Rel  string `json:"rel"`
			Href string `json:"href"`
		} `json:"link"`
		Content struct {
			Src string `json:"src"`
		} `json:"content"`
	} `json:"entry"`
}

// provider pulls what a CSAF provider lists and was not taken yet, the oldest
// first.
func (p *Puller) provider(ctx context.Context, f *fetcher, s *state) (result, error) {
	items, note, keys, err := f.listing(ctx)
	if err != nil {
		return result{}, err
	}
	by, err := f.trust(ctx, s, keys, p.cfg.Now())
	if err != nil {
		return result{}, err
	}
	var wanted []item
	listed := map[string]bool{}
	for _, it := range items {
		if !listed[it.url] && (s.Seen[it.url] == "" || s.Seen[it.url] < it.updated) {
			wanted = append(wanted, it)
		}
		listed[it.url] = true
	}
	slices.SortStableFunc(wanted, func(a, b item) int { return strings.Compare(a.updated, b.updated) })
	if len(wanted) > f.limits.Documents {
		note = append(note, fmt.Sprintf("%d documents come with the next pulls", len(wanted)-f.limits.Documents))
		wanted = wanted[:f.limits.Documents]
	}
	files, taken, failed, err := f.documents(ctx, wanted, by)
	defer func() {
		for _, d := range files {
			_ = os.Remove(d.path)
		}
	}()
	if err != nil {
		return result{}, err
	}
	if failed != "" {
		note = append(note, failed)
	}
	n := 0
	if len(files) > 0 {
		if n, err = p.take(ctx, f, files); err != nil {
			return result{}, err
		}
	}
	seen := map[string]string{}
	for address, updated := range s.Seen {
		if listed[address] {
			seen[address] = updated
		}
	}
	for _, it := range taken {
		seen[it.url] = it.updated
	}
	s.Seen = seen
	s.Years = count(items, seen)
	if at, bad := time.Parse(time.RFC3339, newestOf(items)); bad == nil {
		s.newest(at, p.cfg.Now())
	}
	return result{n, len(files) > 0, strings.Join(note, "; ")}, nil
}

// newestOf is the newest date that a provider lists, as it writes it.
func newestOf(items []item) string {
	newest := ""
	for _, it := range items {
		newest = max(newest, it.updated)
	}
	return newest
}

// documents gets documents. One that fails is left for the next pull; when all
// do, or many in a row, that is the error.
func (f *fetcher) documents(ctx context.Context, wanted []item, by signed) (files []file, taken []item, failed string, err error) {
	missed, row := 0, 0
	var first error
	for _, it := range wanted {
		g, err := f.get(ctx, it.url, "", "", "")
		if err == nil {
			if err = f.verify(ctx, it, g.path); err == nil {
				err = f.signature(ctx, it, g.path, by)
			}
			if err != nil {
				_ = os.Remove(g.path)
			}
		}
		if ctx.Err() != nil {
			return files, nil, "", fault.Wrap(fault.Unavailable, errors.New("it took too long in all"), "getting the documents of %s", f.src.Name)
		}
		if err == nil {
			row = 0
			files, taken = append(files, file{shown(it.url), g.path}), append(taken, it)
			continue
		}
		if missed++; first == nil {
			first = err
		}
		if row++; row >= maxInARow || missed == len(wanted) {
			return files, nil, "", first
		}
	}
	if missed > 0 {
		failed = clip(fmt.Sprintf("%d documents could not be got and are asked for again; the first: %v", missed, first))
	}
	return files, taken, failed, nil
}

// listing tells all documents of a provider.
func (f *fetcher) listing(ctx context.Context) (items []item, note []string, keys []listedKey, err error) {
	var m metadata
	if err := f.json(ctx, f.src.URL, &m); err != nil {
		return nil, nil, nil, err
	}
	if m.Feed != nil {
		return f.entries(f.src.URL, m.Feed, nil), nil, nil, nil
	}
	items, feeds, other, err := f.feeds(ctx, &m)
	if err != nil {
		return nil, nil, nil, err
	}
	if other > 0 {
		note = append(note, fmt.Sprintf("%d feeds that are not public are left out", other))
	}
	if feeds > 0 {
		return items, note, m.Keys, nil
	}
	for _, d := range m.Distributions {
		if d.Directory != "" {
			items, err = f.directory(ctx, d.Directory)
			return items, note, m.Keys, err
		}
	}
	return nil, nil, nil, fault.New(fault.Invalid, "%s lists no public feed and no directory", shown(f.src.URL)).WithHint("give the address of a provider-metadata.json or of a ROLIE feed")
}

// feeds reads the public ROLIE feeds of a provider, and counts them and others.
func (f *fetcher) feeds(ctx context.Context, m *metadata) (items []item, public, other int, err error) {
	for _, d := range m.Distributions {
		for _, r := range d.Rolie.Feeds {
			if tlp := strings.ToUpper(r.TLP); tlp != "" && tlp != "WHITE" && tlp != "CLEAR" && tlp != "UNLABELED" {
				other++
				continue
			}
			if public++; public > maxFeeds {
				return items, public, other, nil
			}
			address := resolve(f.src.URL, r.URL)
			var one metadata
			if err := f.json(ctx, address, &one); err != nil {
				return nil, 0, 0, err
			}
			if one.Feed == nil {
				return nil, 0, 0, fault.New(fault.Invalid, "%s is no ROLIE feed", shown(address))
			}
			items = f.entries(address, one.Feed, items)
		}
	}
	return items, public, other, nil
}

// entries adds what a ROLIE feed lists.
func (f *fetcher) entries(base string, r *rolie, items []item) []item {
	for i := range r.Entry {
		e := &r.Entry[i]
		it := item{url: e.Content.Src, updated: clip(e.Updated)}
		for _, l := range e.Link {
			switch {
			case l.Rel == "self" && it.url == "":
				it.url = l.Href
			case l.Rel == "hash" && it.hash == "":
				it.hash = resolve(base, l.Href)
			case l.Rel == "signature" && it.sig == "":
				it.sig = resolve(base, l.Href)
			}
		}
		if it.url == "" || len(it.url) > 2000 || len(items) >= maxEntries {
			continue
		}
		it.url = resolve(base, it.url)
		items = append(items, it)
	}
	return items
}

// directory reads changes.csv of a directory of documents.
func (f *fetcher) directory(ctx context.Context, base string) ([]item, error) {
	base = strings.TrimSuffix(resolve(f.src.URL, base), "/") + "/"
	data, err := f.small(ctx, base+"changes.csv")
	if err != nil {
		return nil, err
	}
	in := csv.NewReader(bytes.NewReader(data))
	in.FieldsPerRecord = -1
	var items []item
	for len(items) < maxEntries {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return items, nil
		}
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading %s", shown(base+"changes.csv"))
		}
		if len(row) < 2 || len(row[0]) > 2000 || !strings.HasSuffix(row[0], ".json") {
			continue
		}
		address := resolve(base, row[0])
		if strings.HasPrefix(address, base) { // nothing above the directory
			items = append(items, item{url: address, updated: clip(row[1])})
		}
	}
	return items, nil
}

// verify holds a document against the hash that its provider lists beside it.
func (f *fetcher) verify(ctx context.Context, it item, path string) error {
	if it.hash == "" {
		return nil
	}
	data, err := f.small(ctx, it.hash)
	if err != nil {
		return err
	}
	want, _, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	var h hash.Hash
	switch len(want) {
	case 2 * sha256.Size:
		h = sha256.New()
	case 2 * sha512.Size:
		h = sha512.New()
	default:
		return fault.New(fault.Invalid, "%s is no SHA-256 or SHA-512", shown(it.hash))
	}
	file, err := os.Open(path) //nolint:gosec // G304: it was made here
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading what came")
	}
	defer file.Close() //nolint:errcheck // only read
	if _, err := io.Copy(h, file); err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading what came")
	}
	if !strings.EqualFold(want, hex.EncodeToString(h.Sum(nil))) {
		return fault.New(fault.Invalid, "%s is not what its hash says", shown(it.url)).WithHint("it was changed on the way or at its provider")
	}
	return nil
}

// small gets a document into memory.
func (f *fetcher) small(ctx context.Context, address string) ([]byte, error) {
	g, err := f.get(ctx, address, "", "", "")
	if err != nil {
		return nil, err
	}
	defer os.Remove(g.path) //nolint:errcheck // swept later
	in, err := f.open(ctx, g.path)
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(in, maxListBytes+1))
	if err == nil && len(data) > maxListBytes {
		err = fault.Wrap(fault.Limited, errLong, "getting %s", shown(address))
	}
	return data, err
}

func (f *fetcher) json(ctx context.Context, address string, into any) error {
	data, err := f.small(ctx, address)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fault.Wrap(fault.Invalid, err, "reading %s", shown(address))
	}
	return nil
}

// resolve makes an address whole; one that cannot be read stays and is refused
// when it is asked.
func resolve(base, ref string) string {
	b, err := url.Parse(base)
	if err != nil {
		return ref
	}
	u, err := b.Parse(ref)
	if err != nil {
		return ref
	}
	return u.String()
}
