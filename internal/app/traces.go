package app

import (
	"context"

	"vedette/internal/trace"
	"vedette/internal/trace/export"
)

// Traces says where spans of what is done go.
type Traces struct {
	URL     string // of a collector; empty: nowhere
	KeyFile string
	Share   float64 // of the requests that are told
	Site    string
}

func (a *App) openTraces(ctx context.Context) error {
	t := a.cfg.Traces
	if t.URL == "" {
		return nil
	}
	var err error
	a.traces, err = export.Open(ctx, export.Config{URL: t.URL, KeyFile: t.KeyFile, Share: t.Share, Site: t.Site, Version: Version(), Log: a.cfg.Log})
	a.endTraces = func() error { return a.traces.Close(ctx) } // it waits a few seconds, whoever waits for it
	return err
}

// Tracer begins the spans of what nobody above has begun one for.
func (a *App) Tracer() trace.Tracer { return a.traces.Tracer() }
