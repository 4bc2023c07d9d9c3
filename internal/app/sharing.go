package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/audit"
	"vedette/internal/config"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/intel"
	"vedette/internal/intel/share"
	"vedette/internal/query"
)

// Sharing says what of our own sightings may be read over TAXII.
type Sharing struct {
	Name        string             // of this site, for others
	Collections []share.Collection // empty: share.Usual
}

func sharingOf(c config.Config) Sharing {
	s := Sharing{Name: cmp.Or(c.Sharing.Name, c.Site)}
	for _, o := range c.Sharing.Collections {
		tlp, _ := intel.ParseTLP(o.TLP) // checked; none is the usual one
		s.Collections = append(s.Collections, share.Collection{Name: o.Name, Title: cmp.Or(o.Title, o.Name), TLP: cmp.Or(tlp, intel.Green), Addresses: o.Addresses})
	}
	return s
}

// shareName is the folder below that of indicators with what was offered.
const shareName = "share"

// sharing is what is offered of our own sightings.
type sharing struct {
	mu      sync.Mutex // of what follows, and held while a collection is made
	site    *share.UUID
	ledgers map[string]*share.Ledger
	made    map[string]madeShare
}

// madeShare is a collection as it was made a moment ago.
type madeShare struct {
	at      time.Time
	objects []share.Object
	left    share.Left
}

const (
	shareFresh  = 10 * time.Second // a collection that is read in pages is not made anew for each
	shareMost   = 20_000           // findings that are told, the newest
	sharePieces = query.MaxLimit
)

// Collections implements the service of package taxii.
func (a *App) Collections(context.Context) ([]share.Collection, error) {
	if len(a.cfg.Sharing.Collections) == 0 {
		return share.Usual(), nil
	}
	return a.cfg.Sharing.Collections, nil
}

// SharedBy implements the service of package taxii.
func (a *App) SharedBy() string { return cmp.Or(a.cfg.Sharing.Name, "Vedette") }

// SharedID implements the service of package taxii.
func (a *App) SharedID(collection string) string {
	a.sharing.mu.Lock()
	defer a.sharing.mu.Unlock()
	site, err := a.shareSite()
	if err != nil {
		return collection // an alias, by which it is found too
	}
	return site.Of("collection\x00" + collection).String()
}

// Shared implements the service of package taxii.
func (a *App) Shared(ctx context.Context, collection string) ([]share.Object, error) {
	m, err := a.shared(ctx, collection)
	return m.objects, err
}

func (a *App) shared(ctx context.Context, name string) (madeShare, error) {
	list, err := a.Collections(ctx)
	if err != nil {
		return madeShare{}, err
	}
	at := slices.IndexFunc(list, func(c share.Collection) bool { return c.Name == name || name == "" })
	if at < 0 {
		return madeShare{}, fault.New(fault.NotFound, "there is no collection %.40q", name).WithHint("they are under sharing in the configuration")
	}
	a.sharing.mu.Lock()
	defer a.sharing.mu.Unlock()
	now := a.cfg.Now()
	if m, ok := a.sharing.made[list[at].Name]; ok && now.Sub(m.at) < shareFresh && !now.Before(m.at) {
		return m, nil
	}
	m, err := a.makeShare(ctx, list[at])
	if err != nil {
		return m, err
	}
	m.at = now
	if a.sharing.made == nil {
		a.sharing.made = map[string]madeShare{}
	}
	a.sharing.made[list[at].Name] = m
	return m, nil
}

func (a *App) makeShare(ctx context.Context, c share.Collection) (madeShare, error) {
	site, err := a.shareSite()
	if err != nil {
		return madeShare{}, err
	}
	ledger, err := a.shareLedger(c.Name)
	if err != nil {
		return madeShare{}, err
	}
	set, err := a.intel.Set(ctx)
	if err != nil {
		return madeShare{}, err
	}
	found, err := a.sightings(ctx)
	if err != nil {
		return madeShare{}, err
	}
	doubted := map[string]bool{}
	for i, d := range a.incidents.Doubted(found) {
		doubted[found[i].UID] = d
	}
	var m madeShare
	m.objects, m.left = share.Objects(found, share.Options{
		Collection: c, Site: share.Site{Namespace: site, Name: a.SharedBy()}, Note: ledger.Note, Noted: ledger.Noted, Now: a.cfg.Now,
		Withdrawn: func(f *event.Finding) bool { return doubted[f.UID] },
		Local:     func(ip netip.Addr) bool { return a.isOurs(ip) },
		Mark:      set.Mark,
	})
	if err := ledger.Keep(m.objects); err != nil {
		return madeShare{}, err
	}
	slices.SortFunc(m.objects, func(x, y share.Object) int { return x.Added.Compare(y.Added) })
	return m, nil
}

// isOurs tells addresses of ours that may be public.
func (a *App) isOurs(ip netip.Addr) bool {
	in := func(p netip.Prefix) bool { return p.Contains(ip) }
	return slices.ContainsFunc(a.cfg.Assets.Own, in) || slices.ContainsFunc(*a.zoned.Load(), func(z asset.Zone) bool { return slices.ContainsFunc(z.Subnets, in) })
}

// sightings are the newest findings of indicators and of vulnerabilities, oldest first.
func (a *App) sightings(ctx context.Context) ([]event.Finding, error) {
	var out []event.Finding
	to := time.Time{}
	seen := map[string]bool{}
	for len(out) < shareMost {
		q := findingQuery(findingWhere(api.FindingFilter{Family: event.FamilyIndicator}))
		q.Time.To = to
		q.Sort, q.Limit = []query.Sort{{By: "time", Desc: true}}, sharePieces
		got, err := a.findings(ctx, q)
		if err != nil {
			return nil, err
		}
		fresh := 0
		for _, f := range got.List {
			if !seen[f.UID] {
				seen[f.UID] = true
				fresh++
				out = append(out, f)
			}
		}
		if len(got.List) < sharePieces || fresh == 0 {
			break
		}
		to = got.List[len(got.List)-1].Time.Add(time.Microsecond) // what is of the same moment comes again, and is known
	}
	return a.withExploited(ctx, out, seen)
}

// withExploited adds the findings on devices of ours that are about vulnerabilities,
// and puts all in order, the oldest first.
func (a *App) withExploited(ctx context.Context, out []event.Finding, seen map[string]bool) ([]event.Finding, error) {
	now, err := a.nowOf(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	list, err := a.aboutVulns(ctx, now)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if !seen[list[i].UID] && a.ofOurs(&list[i]) != "" {
			out = append(out, list[i])
		}
	}
	slices.SortStableFunc(out, func(x, y event.Finding) int { return x.Time.Compare(y.Time) })
	return out, nil
}

// shareSite is the namespace of ids of this site; drawn when it is first needed.
func (a *App) shareSite() (share.UUID, error) {
	if a.sharing.site != nil {
		return *a.sharing.site, nil
	}
	dir := filepath.Join(a.cfg.Dir, intelName, shareName)
	path := filepath.Join(dir, "site.json")
	var kept struct {
		Namespace share.UUID `json:"namespace"`
	}
	raw, err := os.ReadFile(path) //nolint:gosec // G304: in the data directory
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return share.UUID{}, fault.Wrap(fault.Unavailable, err, "making %s", dir)
		}
		kept.Namespace = share.NewUUID()
		raw, err = json.Marshal(kept)
		if err == nil {
			err = flow.ReplaceFile(path, raw)
		}
	case err == nil:
		err = json.Unmarshal(raw, &kept)
	}
	if err != nil {
		return share.UUID{}, fault.Wrap(fault.Unavailable, err, "reading who this site is for others").WithHint("remove %s; all that is shared gets new ids then", path)
	}
	a.sharing.site = &kept.Namespace
	return kept.Namespace, nil
}

func (a *App) shareLedger(name string) (*share.Ledger, error) {
	if l := a.sharing.ledgers[name]; l != nil {
		return l, nil
	}
	l, err := share.OpenLedger(filepath.Join(a.cfg.Dir, intelName, shareName, name+".ledger"), a.cfg.Now)
	if err != nil {
		return nil, err
	}
	if a.sharing.ledgers == nil {
		a.sharing.ledgers = map[string]*share.Ledger{}
	}
	a.sharing.ledgers[name] = l
	return l, nil
}

// ShareSightings implements [api.Sharing].
func (a *App) ShareSightings(ctx context.Context, req api.ShareRequest) (api.ShareFile, error) {
	m, err := a.shared(ctx, req.Collection)
	if err != nil {
		return api.ShareFile{}, err
	}
	out := api.ShareFile{Objects: len(m.objects), Left: m.left}
	raws := make([]json.RawMessage, len(m.objects))
	for i := range m.objects {
		raws[i] = m.objects[i].JSON
		if m.objects[i].Type == "sighting" {
			out.Sightings++
		}
	}
	entry := audit.Entry{
		Actor: audit.Actor{Kind: audit.Person, Name: req.Actor}, Action: "intel.share", Object: cmp.Or(req.Collection, "the first collection"),
		Details: map[string]string{"objects": strconv.Itoa(out.Objects), "sightings": strconv.Itoa(out.Sightings)},
	}
	if _, err := a.journal.Record(entry); err != nil {
		return api.ShareFile{}, err
	}
	bundle := map[string]any{"type": "bundle", "id": "bundle--" + share.NewUUID().String()}
	if len(raws) > 0 {
		bundle["objects"] = raws
	}
	data, err := json.MarshalIndent(bundle, "", " ")
	if err != nil {
		return api.ShareFile{}, fault.Wrap(fault.Internal, err, "writing the sightings")
	}
	out.File = api.File{Name: "vedette-sightings.json", Kind: "application/stix+json;version=2.1", Data: append(data, '\n')}
	return out, nil
}
