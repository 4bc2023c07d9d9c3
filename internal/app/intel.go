package app

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/audit"
	"vedette/internal/event"
	"vedette/internal/intel"
	"vedette/internal/intel/feed"
	"vedette/internal/intel/library"
	"vedette/internal/query"
)

// intelName is the folder of the feeds in the data directory.
const intelName = "intel"

// ImportIntel takes in a feed and puts it in force, for the events that come
// from then on.
func (a *App) ImportIntel(ctx context.Context, req library.Request, in io.Reader) (library.Report, error) {
	rep, err := a.intel.Import(ctx, req, feed.Unpack(in))
	if err != nil {
		return rep, err
	}
	if err := a.readyIntel(ctx); err != nil {
		return rep, err
	}
	return rep, a.noteIntel(req.By, "intel.import", rep.Name, map[string]string{
		"indicators": strconv.Itoa(rep.Indicators), "refused": strconv.Itoa(rep.Refused), "replaced": strconv.FormatBool(rep.Replaced),
	})
}

// IntelFeeds lists the kept feeds.
func (a *App) IntelFeeds(ctx context.Context) ([]library.Feed, error) { return a.intel.Feeds(ctx) }

// Indicators returns the indicators in force. The first call reads the feeds.
func (a *App) Indicators(ctx context.Context) (*intel.Set, error) { return a.intel.Set(ctx) }

// LookupIntel tells what is known of values. In a confined context it tells what devices
// in its zones met, and nothing of the rest of the feeds.
func (a *App) LookupIntel(ctx context.Context, values []string, at time.Time) ([]api.IntelAnswer, error) {
	set, err := a.intel.Set(ctx)
	if err != nil {
		return nil, err
	}
	if at.IsZero() {
		at = a.cfg.Now()
	}
	met, confined, err := a.metHere(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]api.IntelAnswer, len(values))
	for i, v := range values {
		hits, err := set.Find(v, at)
		if confined && err == nil {
			hits = left(hits, func(h intel.Hit) bool { return !met[h.Type.String()+" "+h.Value] })
			if len(hits) == 0 {
				out[i] = api.IntelAnswer{Asked: v, Hits: []intel.Hit{}, Problem: "no device in your zones met it in 90 days: what else is known is told to who sees the whole site"}
				continue
			}
		}
		out[i] = api.IntelAnswer{Asked: v, Hits: hits}
		if err != nil {
			out[i].Problem = err.Error()
		}
	}
	return out, nil
}

// metMost bounds the findings that are looked at for what devices met.
const metMost = 5000

// metHere are the indicators that findings of the last 90 days name which a confined
// context may see, as their reasons name them; false: it is not confined.
func (a *App) metHere(ctx context.Context) (map[string]bool, bool, error) {
	if _, confined := query.Confined(ctx); !confined {
		return nil, false, nil
	}
	now, err := a.nowOf(ctx, time.Time{})
	if err != nil {
		return nil, true, err
	}
	q := findingQuery(&query.Expr{Field: "finding_info.category", Op: query.Eq, Value: event.FamilyIndicator})
	q.Time = query.TimeRange{From: now.AddDate(0, 0, -90)}
	q.Sort, q.Limit = []query.Sort{{By: "time", Desc: true}}, metMost
	found, err := a.findings(ctx, q)
	met := map[string]bool{}
	for i := range found.List {
		for _, r := range found.List[i].Reasons {
			if r.Feature == "indicator" {
				met[r.Observed] = true
			}
		}
	}
	return met, true, err
}

// AllowIntel changes the allow-list on a person's word, or tells it.
func (a *App) AllowIntel(ctx context.Context, req api.IntelAllow) ([]library.Allowed, error) {
	if len(req.Values) > 0 {
		action := "intel.allow"
		if req.Remove {
			action = "intel.disallow"
		}
		if err := a.noteIntel(req.Actor, action, strings.Join(req.Values, " "), map[string]string{"reason": req.Why}); err != nil {
			return nil, err
		}
	}
	list, err := a.intel.Allow(ctx, req.Actor, req.Why, req.Values, req.Remove)
	if err != nil || len(req.Values) == 0 {
		return list, err
	}
	return list, a.readyIntel(ctx)
}

// RemoveIntel forgets a feed.
func (a *App) RemoveIntel(ctx context.Context, actor, name string) error {
	if err := a.noteIntel(actor, "intel.remove", name, nil); err != nil {
		return err
	}
	if err := a.intel.Remove(ctx, name); err != nil {
		return err
	}
	return a.readyIntel(ctx)
}

func (a *App) noteIntel(actor, action, object string, details map[string]string) error {
	_, err := a.journal.Record(audit.Entry{Actor: audit.Actor{Kind: audit.Person, Name: actor}, Action: action, Object: object, Details: details})
	return err
}

// openIntel makes the library; it reads the feeds when they are first asked for.
func (a *App) openIntel(dir string) {
	a.intel = library.Open(library.Config{Dir: dir, Own: a.cfg.Assets.Own, Now: a.cfg.Now})
}
