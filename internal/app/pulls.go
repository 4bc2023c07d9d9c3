package app

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/audit"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/intel/feed"
	"vedette/internal/intel/library"
	"vedette/internal/intel/pull"
	"vedette/internal/trace"
	vulnlib "vedette/internal/vuln/library"
)

// pullName is the folder below that of indicators with the state of pulls.
const pullName = "pull"

// pullEvery is how often a feed is pulled that does not say.
const pullEvery = 6 * time.Hour

func pullsOf(c config.Config) []pull.Source {
	out := make([]pull.Source, len(c.Pulls))
	for i, p := range c.Pulls {
		out[i] = pullOf(p)
	}
	return out
}

func (a *App) openPulls(dir string) (err error) {
	a.pulls, err = pull.New(pull.Config{Dir: filepath.Join(dir, pullName), Sources: a.cfg.Pulls, Taker: taker{a}, Now: a.cfg.Now})
	if err != nil {
		return err
	}
	return a.applyPulls()
}

// RunPulls pulls what is set when its time comes, until ctx ends.
func (a *App) RunPulls(ctx context.Context) error { return a.pulls.Run(ctx) }

// Pulls implements [api.Pulls].
func (a *App) Pulls(context.Context) ([]pull.Health, error) { return a.pulls.Health(), nil }

// Pull implements [api.Pulls].
func (a *App) Pull(ctx context.Context, req api.PullRequest) (pull.Health, error) {
	if req.Actor != "" {
		if err := a.noteIntel(req.Actor, "feed.pull_now", req.Name, nil); err != nil {
			return pull.Health{}, err
		}
	}
	return a.pulls.Pull(ctx, req.Name, req.Fresh)
}

// taker hands what was pulled to the libraries.
type taker struct{ *App }

// Take implements [pull.Taker].
func (t taker) Take(ctx context.Context, src *pull.Source, docs func(func(pull.Document, error) bool)) (n int, err error) {
	ctx, span := t.Tracer().Start(ctx, trace.Pull, trace.Word(trace.Feed, src.Name))
	defer func() { span.End(err) }()
	if src.Kind == pull.Advisories || src.Kind == pull.CSAF {
		return t.advisories(ctx, src, docs)
	}
	rep, err := t.intel.Import(ctx, library.Request{Name: src.Name, Confidence: src.Confidence, Expires: src.Expires, Grade: src.Grade, By: "pull"}, func(yield func(feed.Document, error) bool) {
		docs(func(d pull.Document, err error) bool {
			return yield(feed.Document{Name: d.Name, Reader: d.Reader}, err)
		})
	})
	if err != nil {
		return 0, err
	}
	return rep.Indicators, t.notePull(src, map[string]string{"indicators": strconv.Itoa(rep.Indicators), "refused": strconv.Itoa(rep.Refused)})
}

func (t taker) advisories(ctx context.Context, src *pull.Source, docs func(func(pull.Document, error) bool)) (int, error) {
	rep, err := t.vulns.lib.Import(ctx, func(yield func(vulnlib.Document, error) bool) {
		docs(func(d pull.Document, err error) bool {
			return yield(vulnlib.Document{Name: d.Name, Reader: d.Reader}, err)
		})
	})
	t.vulns.noteAdvisories(rep.Changed)
	t.concernTasks(rep.Changed)
	if err != nil {
		return 0, err
	}
	refused, why := 0, ""
	for _, f := range rep.Files {
		if f.Status != "ok" {
			refused++
			why = f.Reason
		}
	}
	if refused > 0 && refused == len(rep.Files) {
		return 0, fault.New(fault.Invalid, "what %s gave is refused: %.300s", src.Name, why)
	}
	return rep.New, t.notePull(src, map[string]string{"files": strconv.Itoa(len(rep.Files)), "refused": strconv.Itoa(refused), "new": strconv.Itoa(rep.New)})
}

func (t taker) notePull(src *pull.Source, details map[string]string) error {
	_, err := t.journal.Record(audit.Entry{Actor: audit.Actor{Kind: audit.Rule, Name: "pull " + src.Name}, Action: "feed.pull", Object: src.Name, Details: details})
	return err
}

// staleAfter is how many missed pulls make a feed stale.
const staleAfter = 4

// pullsCheck tells how the feeds are that are pulled.
func (a *App) pullsCheck() api.Check {
	var wrong []string
	now := a.cfg.Now()
	every := map[string]time.Duration{}
	sources := a.pulls.Sources()
	for i := range sources {
		every[sources[i].Name] = sources[i].Every
	}
	for _, h := range a.pulls.Health() {
		switch {
		case h.Paused: // somebody wanted that
		case h.State == "failing":
			wrong = append(wrong, fmt.Sprintf("%s fails since %s: %s", h.Name, h.FailingSince.Format("2006-01-02 15:04"), h.Error))
		case h.Warning != "":
			wrong = append(wrong, h.Name+": "+h.Warning)
		case h.Success != nil && now.Sub(*h.Success) > staleAfter*every[h.Name]:
			wrong = append(wrong, h.Name+" was last pulled at "+h.Success.Format("2006-01-02 15:04"))
		}
	}
	switch {
	case len(sources) == 0:
		return api.Check{Name: "feeds", State: api.OK, Text: "no feed is pulled; what is imported counts"}
	case len(wrong) > 0:
		return api.Check{Name: "feeds", State: api.Warning, Text: strings.Join(wrong, "; "), Do: "see: vedette intel sources, and try: vedette intel pull NAME; what they gave before is used meanwhile"}
	}
	return api.Check{Name: "feeds", State: api.OK, Text: fmt.Sprintf("%d feeds are pulled, and none fails", len(sources))}
}
