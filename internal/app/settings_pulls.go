package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/app/chosen"
	"vedette/internal/audit"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/intel/pull"
	"vedette/internal/vuln/advisory"
)

// pullOf is a feed of the configuration as the puller has it.
func pullOf(p config.Pull) pull.Source {
	out := pull.Source{Name: p.Name, Kind: p.Kind, URL: p.URL, Every: p.Every.Std(), Hosts: p.Hosts, Plain: p.Plain, KeyFile: p.KeyFile, Stands: p.Stands.Std(), Signature: p.Signature, Grade: p.Grade, Keys: p.Keys, Confidence: p.Confidence, Expires: p.Expires.Std()}
	if p.Every == 0 {
		out.Every = pullEvery
	}
	if p.Kind == pull.CSAF || p.Kind == pull.Advisories {
		out.Reader = advisory.Reader(advisory.CSAF)
	}
	for _, n := range p.Inside {
		out.Inside = append(out.Inside, n.Prefix)
	}
	return out
}

// pullShown is a feed as it is shown: of its address what cannot be secret.
func pullShown(s *pull.Source) api.PullConfig {
	text := func(d time.Duration) string {
		if d == 0 {
			return ""
		}
		return config.Duration(d).String()
	}
	out := api.PullConfig{Name: s.Name, Kind: s.Kind, URL: s.URL, Every: text(s.Every), Hosts: s.Hosts, Plain: s.Plain, KeyFile: s.KeyFile, Stands: text(s.Stands), Signature: s.Signature, Keys: s.Keys, Confidence: s.Confidence, Grade: s.Grade, Expires: text(s.Expires)}
	if u, err := url.Parse(s.URL); err != nil || hasSecret(u) {
		out.URL = pull.Shown(s.URL)
	}
	for _, n := range s.Inside {
		out.Inside = append(out.Inside, n.String())
	}
	return out
}

// secretWords name parameters of an address that are a key to it.
var secretWords = []string{"key", "token", "secret", "password", "passwd", "pwd", "auth", "sig", "credential", "session"}

// hasSecret reports whether an address looks as if it held a secret.
func hasSecret(u *url.URL) bool {
	for name := range u.Query() {
		if slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(strings.ToLower(name), w) }) {
			return true
		}
	}
	return u.User != nil
}

// pullsNow are the feeds that are pulled by a document: those of the configuration,
// and of those that were set here the ones that may be and do not meet one of them.
func (a *App) pullsNow(doc chosen.Doc) []pull.Source {
	out := slices.Clone(a.cfg.Pulls)
	for _, p := range doc.Pulls {
		read, problems := config.ReadPull(p.Config)
		if src := pullOf(read); refusal(problems) == nil && a.pullRests(&src) == "" {
			out = append(out, src)
		}
	}
	for i := range out {
		_, out[i].Paused = doc.Paused[out[i].Name]
	}
	return out
}

// pulled finds a feed of the configuration by name; -1: there is none.
func (a *App) pulled(name string) int {
	return slices.IndexFunc(a.cfg.Pulls, func(s pull.Source) bool { return s.Name == name })
}

// pullRests says why a feed that was set here is not pulled; empty: it is.
func (a *App) pullRests(s *pull.Source) string {
	if a.pulled(s.Name) >= 0 {
		return "the configuration has a feed of that name, which counts"
	}
	if err := errors.Join(a.mayAsk(s), s.Check()); err != nil {
		return plainText(err)
	}
	return ""
}

// mayAsk refuses what whoever administers the product may not make it ask: our own
// networks, but for those that the configuration names, and files anywhere.
func (a *App) mayAsk(s *pull.Source) error {
	secrets := append([]string{filepath.Join(a.cfg.Dir, secretsName)}, a.cfg.Settings.Secrets...)
	if s.KeyFile != "" && !below(s.KeyFile, secrets) {
		return fault.New(fault.Denied, "key_file %.200q is in none of the directories that feeds which are set here may read secrets from", s.KeyFile).
			WithHint("put it into %s, or name its directory under settings.secrets in the configuration", secrets[0])
	}
	for _, n := range s.Inside {
		in := func(p config.Prefix) bool { return p.Bits() <= n.Bits() && p.Contains(n.Addr()) }
		if !slices.ContainsFunc(a.cfg.Settings.Inside, in) {
			return fault.New(fault.Denied, "the network %s is in none of those inside of which feeds that are set here may ask", n).
				WithHint("name it under settings.inside in the configuration, or the feed itself under pulls")
		}
	}
	if u, err := url.Parse(s.URL); err == nil && hasSecret(u) {
		return fault.New(fault.Invalid, "there seems to be a key in the address, which is shown and kept").WithHint("put what is sent as Authorization into a file, and name that as key_file")
	}
	return nil
}

// applyPulls puts the feeds that are set in force.
func (a *App) applyPulls() error {
	doc, _ := a.set.Now()
	return a.pulls.Replace(a.pullsNow(doc))
}

// ConfiguredPulls implements [api.PullSettings].
func (a *App) ConfiguredPulls(context.Context) ([]api.PullView, error) {
	doc, _ := a.set.Now()
	out := []api.PullView{}
	for i := range a.cfg.Pulls {
		out = append(out, api.PullView{Config: pullShown(&a.cfg.Pulls[i]), Origin: api.FromFile, Place: a.cfg.From["pulls["+strconv.Itoa(i)+"]"], Fixed: true})
	}
	for _, p := range doc.Pulls {
		read, problems := config.ReadPull(p.Config)
		src := pullOf(read)
		src.Every = read.Every.Std() // what was set, not what counts
		v := api.PullView{Config: pullShown(&src), Origin: api.FromHere, Version: p.Mark.Version, By: byOf(p.Mark)}
		src = pullOf(read)
		if v.Rests = a.pullRests(&src); len(problems) > 0 {
			v.Config.Name, v.Rests = p.Name, plainText(refusal(problems))
		}
		out = append(out, v)
	}
	health := a.pulls.Health()
	for i := range out {
		v := &out[i]
		if m, ok := doc.Paused[v.Config.Name]; ok && v.Rests == "" {
			v.Paused, v.Version = byOf(m), max(v.Version, m.Version)
		}
		for n := range health {
			if v.Rests == "" && health[n].Name == v.Config.Name {
				v.Health = &health[n]
			}
		}
	}
	return out, nil
}

// pullNamed finds one by name; what was set here, before what is written.
func (a *App) pullNamed(ctx context.Context, name string, set bool) (api.PullView, error) {
	list, err := a.ConfiguredPulls(ctx)
	for _, v := range list {
		if v.Config.Name == name && (!set || !v.Fixed) && (set || v.Rests == "") {
			return v, nil
		}
	}
	if err == nil && a.pulled(name) >= 0 {
		err = fault.New(fault.Conflict, "the feed %s is in the configuration", name).WithHint("change it there; it can be paused here")
	}
	if err == nil {
		err = fault.New(fault.NotFound, "there is no feed %.100q that is pulled", name).WithHint("list them with: vedette intel feeds")
	}
	return api.PullView{}, err
}

// PutPull implements [api.PullSettings].
func (a *App) PutPull(ctx context.Context, p api.PullPut) (api.PullView, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	var none api.PullView
	raw, err := json.Marshal(p.Config)
	if err != nil {
		return none, fault.Wrap(fault.Internal, err, "reading a feed")
	}
	read, problems := config.ReadPull(raw)
	src := pullOf(read)
	doc, _ := a.set.Now()
	if err := errors.Join(a.mayChange(), refusal(problems), a.mayPull(doc, &src, p)); err != nil {
		return none, err
	}
	if err := errors.Join(a.mayAsk(&src), src.Check()); err != nil {
		return none, err
	}
	checks, err := a.tryPull(ctx, src, p)
	if err != nil {
		return none, err
	}
	if p.Check {
		return api.PullView{Config: p.Config, Origin: api.FromHere, Checks: checks}, nil
	}
	if err := againstIt(checks, p.Confirm); err != nil {
		return none, err
	}
	at := doc.Pull(src.Name)
	_, err = a.set.Change(ctx, p.Actor, p.Why, func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
		deed := chosen.Deed{Action: "settings.feed_add", Object: src.Name, After: string(raw)}
		next := chosen.Pull{Name: src.Name, Config: raw, Mark: m}
		if at < 0 {
			d.Pulls = append(d.Pulls, next)
			return deed, nil
		}
		deed.Action, deed.Before = "settings.feed_change", string(d.Pulls[at].Config)
		d.Pulls[at] = next
		return deed, nil
	})
	if err != nil {
		return none, err
	}
	if err := a.applyPulls(); err != nil {
		return none, err
	}
	v, err := a.pullNamed(ctx, src.Name, true)
	v.Checks = checks
	return v, err
}

// mayPull refuses what stands against a feed of that name.
func (a *App) mayPull(doc chosen.Doc, s *pull.Source, p api.PullPut) error {
	at := doc.Pull(s.Name)
	switch {
	case a.pulled(s.Name) >= 0:
		return fault.New(fault.Conflict, "the feed %s is in the configuration", s.Name).WithHint("change it there, or choose another name")
	case p.New && at >= 0:
		return fault.New(fault.Conflict, "there is a feed %s already", s.Name)
	case !p.New && at < 0:
		return fault.New(fault.NotFound, "there is no feed %.100q", s.Name)
	case at < 0 && len(doc.Pulls) >= chosen.MaxPulls:
		return fault.New(fault.Limited, "there are %d feeds, which is the most", len(doc.Pulls))
	case at >= 0:
		return stale(p.Change, doc.Pulls[at].Mark.Version)
	}
	return nil
}

// tryPull tells what would happen, and asks the feed for the head of its answer if
// that is wanted. The journal has each address that is asked.
func (a *App) tryPull(ctx context.Context, src pull.Source, p api.PullPut) ([]api.SourceCheck, error) {
	out := []api.SourceCheck{}
	add := func(state, text string, args ...any) {
		out = append(out, api.SourceCheck{State: state, Text: fmt.Sprintf(text, args...)})
	}
	if src.Plain {
		add("warning", "without TLS whoever is on the way can change what it gives")
	}
	if u, err := url.Parse(src.URL); err == nil {
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !ip.IsGlobalUnicast() || err == nil && ip.IsPrivate() {
			add("warning", "its address is not on the internet: it is asked only inside of a network that settings.inside in the configuration names and it names under inside")
		}
	}
	if src.Kind == pull.Indicators || src.Kind == pull.TAXII {
		feeds, err := a.intel.Feeds(ctx)
		if err != nil {
			return nil, err
		}
		doc, _ := a.set.Now()
		for i := range feeds {
			if feeds[i].Name == src.Name && doc.Pull(src.Name) < 0 {
				add("warning", "there is a feed %s of indicators, taken in by hand: what is pulled takes its place", src.Name)
			}
		}
	}
	if !p.Fetch {
		return out, nil
	}
	_, err := a.journal.Record(audit.Entry{Actor: audit.Actor{Kind: audit.Person, Name: p.Actor}, Action: "settings.feed_try", Object: src.Name, Details: map[string]string{"address": pull.Shown(src.URL)}})
	if err != nil {
		return nil, err
	}
	got, err := a.pulls.Probe(ctx, src)
	switch {
	case err != nil:
		add("problem", "%s", probeText(err))
	case !strings.HasPrefix(got.Status, "200"):
		add("problem", "it answers %s", got.Status)
	default:
		add("ok", "it answers %s%s%s", got.Status, said(", ", got.Type), said(", changed last ", got.Modified))
	}
	return out, nil
}

func probeText(err error) string {
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}

func said(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

// ChangePull implements [api.PullSettings].
func (a *App) ChangePull(ctx context.Context, c api.PullDeed) (api.PullView, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	v, err := a.pullNamed(ctx, c.Name, c.Do == "remove")
	if err != nil {
		return v, err
	}
	if err := errors.Join(a.mayChange(), stale(c.Change, v.Version)); err != nil || c.Check {
		return v, err
	}
	_, err = a.set.Change(ctx, c.Actor, c.Why, func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
		at := d.Pull(c.Name)
		if at >= 0 {
			d.Pulls[at].Mark = m
		}
		_, paused := d.Paused[c.Name]
		deed := chosen.Deed{Action: "settings.feed_" + c.Do, Object: c.Name}
		switch {
		case c.Do == "remove":
			deed.Before = string(d.Pulls[at].Config)
			d.Pulls = slices.Delete(d.Pulls, at, at+1)
			delete(d.Paused, c.Name)
		case c.Do == "pause" && !paused:
			if d.Paused == nil {
				d.Paused = map[string]chosen.Mark{}
			}
			d.Paused[c.Name] = m
		case c.Do == "resume" && paused:
			delete(d.Paused, c.Name)
		case c.Do == "pause", c.Do == "resume":
			return deed, fault.New(fault.Conflict, "the feed %s is %sd already", c.Name, c.Do)
		default:
			return deed, fault.New(fault.Invalid, "a feed cannot be asked to %.20q", c.Do).WithHint("remove, pause or resume")
		}
		return deed, nil
	})
	if err != nil {
		return v, err
	}
	if err := a.applyPulls(); err != nil || c.Do == "remove" {
		return v, err
	}
	return a.pullNamed(ctx, c.Name, false)
}

// changedPulls says what becomes of feeds between two documents.
func changedPulls(from, to chosen.Doc) []string {
	words := map[string]string{}
	for _, p := range to.Pulls {
		switch at := from.Pull(p.Name); {
		case at < 0:
			words[p.Name] = "is there again"
		case !bytes.Equal(from.Pulls[at].Config, p.Config):
			words[p.Name] = "is as it was"
		}
	}
	for _, p := range from.Pulls {
		if to.Pull(p.Name) < 0 {
			words[p.Name] = "is removed"
		}
	}
	for name := range from.Paused {
		if _, ok := to.Paused[name]; !ok && words[name] == "" {
			words[name] = "is pulled again"
		}
	}
	for name := range to.Paused {
		if _, ok := from.Paused[name]; !ok && words[name] == "" {
			words[name] = "is paused"
		}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(words)) {
		out = append(out, "feed "+name+" "+words[name])
	}
	return out
}
