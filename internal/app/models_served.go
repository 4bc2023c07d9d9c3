package app

import (
	"context"
	"net"
	"net/url"
	"time"

	"vedette/internal/model"
	"vedette/internal/model/discover"
	"vedette/internal/model/register"
)

// ServedEvery is how often the servers of approved models are asked what they
// serve.
const ServedEvery = 10 * time.Minute

// WatchModels reads the files of approved models, then asks their servers now and at
// each tick which digest they serve under an approved name, until ctx ends.
func (a *App) WatchModels(ctx context.Context, tick <-chan time.Time) {
	a.models.Recheck(ctx)
	for {
		a.observeServed(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
	}
}

// observeServed asks each server of an approved model on the premises that told
// a digest when the model was proposed. What it tells can only take the approval
// away. A server that does not answer changes nothing: it serves nobody either.
func (a *App) observeServed(ctx context.Context) {
	for _, e := range a.models.List() {
		at := e.Endpoint
		if e.State != register.Approved || at == nil || at.Served == "" || at.Location != model.OnPremises {
			continue
		}
		host := hostPort(at.URL)
		if host == "" {
			continue
		}
		found, err := discover.Look(ctx, discover.Options{Hosts: []string{host}, Here: []string{}})
		if err != nil {
			a.cfg.Log.Warn("a model's server could not be asked what it serves", "component", "model", "endpoint", at.Name, "err", err)
			continue
		}
		a.models.Observe(model.Endpoint{Name: at.Name, Model: at.Model}, servedBy(found))
	}
}

// servedBy lists the models of servers by name and digest.
func servedBy(found []discover.Server) []model.Served {
	var out []model.Served
	for _, s := range found {
		for _, m := range s.Models {
			out = append(out, model.Served{Name: m.Name, Digest: m.Digest})
		}
	}
	return out
}

// hostPort is where a URL leads, with the port that its scheme means; "" if it
// leads nowhere.
func hostPort(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
