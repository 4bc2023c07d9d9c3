package app

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/audit"
	"vedette/internal/intel"
	"vedette/internal/intel/feed"
	"vedette/internal/intel/library"
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
	return rep, a.noteIntel(req.By, "intel.import", rep.Name, map[string]string{
		"indicators": strconv.Itoa(rep.Indicators), "refused": strconv.Itoa(rep.Refused), "replaced": strconv.FormatBool(rep.Replaced),
	})
}

// IntelFeeds lists the kept feeds.
func (a *App) IntelFeeds(ctx context.Context) ([]library.Feed, error) { return a.intel.Feeds(ctx) }

// Indicators returns the indicators in force. The first call reads the feeds.
func (a *App) Indicators(ctx context.Context) (*intel.Set, error) { return a.intel.Set(ctx) }

// LookupIntel tells what is known of values.
func (a *App) LookupIntel(ctx context.Context, values []string, at time.Time) ([]api.IntelAnswer, error) {
	set, err := a.intel.Set(ctx)
	if err != nil {
		return nil, err
	}
	if at.IsZero() {
		at = a.cfg.Now()
	}
	out := make([]api.IntelAnswer, len(values))
	for i, v := range values {
		hits, err := set.Find(v, at)
		out[i] = api.IntelAnswer{Asked: v, Hits: hits}
		if err != nil {
			out[i].Problem = err.Error()
		}
	}
	return out, nil
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
	return a.intel.Allow(ctx, req.Actor, req.Why, req.Values, req.Remove)
}

// RemoveIntel forgets a feed.
func (a *App) RemoveIntel(ctx context.Context, actor, name string) error {
	if err := a.noteIntel(actor, "intel.remove", name, nil); err != nil {
		return err
	}
	return a.intel.Remove(ctx, name)
}

func (a *App) noteIntel(actor, action, object string, details map[string]string) error {
	_, err := a.journal.Record(audit.Entry{Actor: audit.Actor{Kind: audit.Person, Name: actor}, Action: action, Object: object, Details: details})
	return err
}

// openIntel makes the library; it reads the feeds when they are first asked for.
func (a *App) openIntel(dir string) {
	a.intel = library.Open(library.Config{Dir: dir, Own: a.cfg.Assets.Own, Now: a.cfg.Now})
}

// intelFiles are the feeds and the allow-list, from the data directory. A feed
// is replaced by renaming, so that a copy is of one version.
func intelFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, intelName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasSuffix(e.Name(), ".new") {
			names = append(names, filepath.Join(intelName, e.Name()))
		}
	}
	return names, err
}
