package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"vedette/internal/api"
	"vedette/internal/app/chosen"
	"vedette/internal/audit"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// openSources makes the sources of the configuration and those that were set here.
// One of the configuration that cannot be made is an error, as ever; one that was
// set here says so in its status, and the server starts. It is called under setting.
func (a *App) openSources() ([]ingest.Source, error) {
	doc, _ := a.set.Now()
	var made []ingest.Source
	for _, s := range a.cfg.Sources {
		if m, ok := doc.Stopped[s.Name]; ok {
			made = append(made, stoppedSource(s, m))
			continue
		}
		one, err := a.openSource(s)
		if err != nil {
			return nil, err
		}
		made = append(made, one)
	}
	for _, s := range doc.Sources {
		if a.configured(s.Name) < 0 {
			made = append(made, a.openSet(doc, s))
		}
	}
	return made, nil
}

// configured finds a source of the configuration by name; -1: there is none.
func (a *App) configured(name string) int {
	return slices.IndexFunc(a.cfg.Sources, func(s config.Source) bool { return s.Name == name })
}

func stoppedSource(s config.Source, m chosen.Mark) ingest.Source {
	text := "stopped by " + m.By
	if m.Why != "" {
		text += ": " + m.Why
	}
	return rest(s.Name, s.Kind, text, m.At)
}

// openSet makes a source that was set here, or one that rests and says why.
func (a *App) openSet(doc chosen.Doc, kept chosen.Source) ingest.Source {
	s, problems := config.ReadSource(kept.Config)
	if m, ok := doc.Stopped[kept.Name]; ok {
		return stoppedSource(s, m)
	}
	err := errors.Join(refusal(problems), a.mayRead(s))
	if err == nil {
		var one ingest.Source
		if one, err = a.openSource(s); err == nil {
			return one
		}
	}
	text, hint := fault.Public(err)
	if hint != "" {
		text += " (" + hint + ")"
	}
	a.cfg.Log.Error("a source that was set by API or console cannot be made", "component", "ingest", "source", kept.Name, "err", err)
	return rest(kept.Name, s.Kind, text, a.cfg.Now())
}

// applySource puts what is set of a source in force, if a server runs.
func (a *App) applySource(name string) {
	l := a.live.Load()
	if l == nil {
		return
	}
	doc, _ := a.set.Now()
	l.Replace(name, func() ingest.Source {
		if at := a.configured(name); at >= 0 {
			return a.openConfigured(doc, a.cfg.Sources[at])
		}
		if at := doc.Source(name); at >= 0 {
			return a.openSet(doc, doc.Sources[at])
		}
		return nil
	})
}

// openConfigured makes a source of the configuration while the server runs.
func (a *App) openConfigured(doc chosen.Doc, s config.Source) ingest.Source {
	if m, ok := doc.Stopped[s.Name]; ok {
		return stoppedSource(s, m)
	}
	one, err := a.openSource(s)
	if err != nil {
		text, _ := fault.Public(err)
		return rest(s.Name, s.Kind, text, a.cfg.Now())
	}
	return one
}

// ConfiguredSources implements [api.SourceSettings].
func (a *App) ConfiguredSources(ctx context.Context) ([]api.SourceView, error) {
	doc, _ := a.set.Now()
	status, err := a.Sources(ctx)
	if err != nil {
		return nil, err
	}
	out := []api.SourceView{}
	for i, s := range a.cfg.Sources {
		v := api.SourceView{Origin: api.FromFile, Place: a.cfg.From["sources["+strconv.Itoa(i)+"]"], Fixed: true}
		raw, err := s.JSON()
		if err == nil {
			err = json.Unmarshal(raw, &v.Config)
		}
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "showing the source %s", s.Name)
		}
		out = append(out, v)
	}
	for _, s := range doc.Sources {
		v := api.SourceView{Origin: api.FromHere, Version: s.Mark.Version, By: byOf(s.Mark)}
		if err := json.Unmarshal(s.Config, &v.Config); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "showing the source %s", s.Name)
		}
		if a.configured(s.Name) >= 0 {
			v.Rests = "the configuration has a source of that name, which counts"
		}
		out = append(out, v)
	}
	for i := range out {
		v := &out[i]
		if m, ok := doc.Stopped[v.Config.Name]; ok {
			v.Stopped, v.Version = byOf(m), max(v.Version, m.Version)
		}
		for n := range status {
			if v.Rests == "" && status[n].Name == v.Config.Name {
				v.Status = &status[n]
			}
		}
	}
	return out, nil
}

// configuredSource finds one by name; what was set here, before what is written.
func (a *App) configuredSource(ctx context.Context, name string, set bool) (api.SourceView, error) {
	list, err := a.ConfiguredSources(ctx)
	for _, v := range list {
		if v.Config.Name == name && (!set || !v.Fixed) {
			return v, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "there is no source %.100q", name).WithHint("list them with: vedette sources config")
	}
	return api.SourceView{}, err
}

// PutSource implements [api.SourceSettings].
func (a *App) PutSource(ctx context.Context, p api.SourcePut) (api.SourceView, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	var none api.SourceView
	raw, err := json.Marshal(p.Config)
	if err != nil {
		return none, fault.Wrap(fault.Internal, err, "reading a source")
	}
	s, problems := config.ReadSource(raw)
	doc, _ := a.set.Now()
	at := doc.Source(s.Name)
	if err := errors.Join(a.mayChange(), refusal(problems), a.mayPut(doc, s, p), a.mayRead(s)); err != nil {
		return none, err
	}
	if _, err := a.openSource(s); err != nil { // its files can be read
		return none, err
	}
	if err := a.tellCheck(s, p); err != nil {
		return none, err
	}
	checks := a.tryAll(ctx, s)
	if p.Check {
		return api.SourceView{Config: p.Config, Origin: api.FromHere, Checks: checks}, nil
	}
	if err := againstIt(checks, p.Confirm); err != nil {
		return none, err
	}
	_, err = a.set.Change(ctx, p.Actor, p.Why, func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
		deed := chosen.Deed{Action: "settings.source_add", Object: s.Name, After: string(raw)}
		next := chosen.Source{Name: s.Name, Config: raw, Mark: m}
		if at < 0 {
			d.Sources = append(d.Sources, next)
			return deed, nil
		}
		deed.Action, deed.Before = "settings.source_change", string(d.Sources[at].Config)
		d.Sources[at] = next
		return deed, nil
	})
	if err != nil {
		return none, err
	}
	a.applySource(s.Name) //nolint:contextcheck // it runs by the context of the server, not of who asked
	v, err := a.configuredSource(ctx, s.Name, true)
	v.Checks = checks
	return v, err
}

// mayPut refuses what stands against a source of that name.
func (a *App) mayPut(doc chosen.Doc, s config.Source, p api.SourcePut) error {
	at := doc.Source(s.Name)
	switch {
	case a.configured(s.Name) >= 0:
		return fault.New(fault.Conflict, "the source %s is in the configuration", s.Name).WithHint("change it there, or choose another name")
	case p.New && at >= 0:
		return fault.New(fault.Conflict, "there is a source %s already", s.Name)
	case !p.New && at < 0:
		return fault.New(fault.NotFound, "there is no source %.100q", s.Name)
	case at < 0 && len(doc.Sources) >= chosen.MaxSources:
		return fault.New(fault.Limited, "there are %d sources, which is the most", len(doc.Sources))
	case at >= 0:
		return stale(p.Change, doc.Sources[at].Mark.Version)
	}
	return nil
}

// tellCheck puts into the journal that this machine was made to look at an address
// of somebody's choice.
func (a *App) tellCheck(s config.Source, p api.SourcePut) error {
	if s.Broker == "" {
		return nil
	}
	_, err := a.journal.Record(audit.Entry{
		Actor: audit.Actor{Kind: audit.Person, Name: p.Actor}, Action: "settings.source_try", Object: s.Name, Details: map[string]string{"address": s.Broker},
	})
	return err
}

// ChangeSource implements [api.SourceSettings].
func (a *App) ChangeSource(ctx context.Context, c api.SourceDeed) (api.SourceView, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	v, err := a.configuredSource(ctx, c.Name, c.Do == "remove")
	if err != nil {
		if c.Do == "remove" && a.configured(c.Name) >= 0 {
			err = fault.New(fault.Conflict, "the source %s is in the configuration", c.Name).WithHint("take it out there; it can be stopped here")
		}
		return v, err
	}
	if err := errors.Join(a.mayChange(), stale(c.Change, v.Version)); err != nil {
		return v, err
	}
	if c.Check {
		return v, nil
	}
	_, err = a.set.Change(ctx, c.Actor, c.Why, func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
		at := d.Source(c.Name)
		if at >= 0 {
			d.Sources[at].Mark = m
		}
		_, stopped := d.Stopped[c.Name]
		deed := chosen.Deed{Action: "settings.source_" + c.Do, Object: c.Name}
		switch {
		case c.Do == "remove":
			deed.Before = string(d.Sources[at].Config)
			d.Sources = slices.Delete(d.Sources, at, at+1)
			delete(d.Stopped, c.Name)
		case c.Do == "stop" && !stopped:
			if d.Stopped == nil {
				d.Stopped = map[string]chosen.Mark{}
			}
			d.Stopped[c.Name] = m
		case c.Do == "start":
			delete(d.Stopped, c.Name) // one that stopped by itself is begun anew
		case c.Do == "stop":
			return deed, fault.New(fault.Conflict, "the source %s is stopped already", c.Name)
		default:
			return deed, fault.New(fault.Invalid, "a source cannot be asked to %.20q", c.Do).WithHint("remove, stop or start")
		}
		return deed, nil
	})
	if err != nil {
		return v, err
	}
	a.applySource(c.Name) //nolint:contextcheck // it runs by the context of the server, not of who asked
	if c.Do == "remove" {
		return v, nil
	}
	return a.configuredSource(ctx, c.Name, false)
}

// changedSources are the names of sources that two documents have otherwise, with
// what becomes of them.
func changedSources(from, to chosen.Doc) map[string]string {
	out := map[string]string{}
	for _, s := range to.Sources {
		switch at := from.Source(s.Name); {
		case at < 0:
			out[s.Name] = "is there again"
		case !bytes.Equal(from.Sources[at].Config, s.Config):
			out[s.Name] = "is as it was"
		}
	}
	for _, s := range from.Sources {
		if to.Source(s.Name) < 0 {
			out[s.Name] = "is removed"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(from.Stopped)) {
		if _, ok := to.Stopped[name]; !ok && out[name] == "" {
			out[name] = "runs"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(to.Stopped)) {
		if _, ok := from.Stopped[name]; !ok && out[name] == "" {
			out[name] = "is stopped"
		}
	}
	return out
}

// sourceWords says what becomes of sources.
func sourceWords(changed map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		out = append(out, fmt.Sprintf("source %s %s", name, changed[name]))
	}
	return out
}
