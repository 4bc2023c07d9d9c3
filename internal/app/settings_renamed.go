package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"vedette/internal/api"
	"vedette/internal/app/chosen"
	"vedette/internal/asset"
	"vedette/internal/config"
	"vedette/internal/detect/policy"
	"vedette/internal/fault"
	"vedette/internal/store"
)

// zoneNames are zones' names that are no more, each with the one that took its place.
type zoneNames map[string]string

// now is what a zone is called.
func (n zoneNames) now(zone string) string {
	if is, ok := n[zone]; ok {
		return is
	}
	return zone
}

func (n zoneNames) all(zones []string) []string {
	out := make([]string, 0, len(zones))
	for _, z := range zones {
		if z = n.now(z); !slices.Contains(out, z) {
			out = append(out, z)
		}
	}
	return out
}

// formerNames are the former names of a document. One that the configuration has given to a
// zone by now is that zone's.
func (a *App) formerNames(doc chosen.Doc) zoneNames {
	out := zoneNames{}
	for was, is := range doc.Renamed {
		if a.configuredZone(was) < 0 {
			out[was] = is
		}
	}
	return out
}

// configuredZone finds a zone of the configuration, by name; -1: there is none.
func (a *App) configuredZone(name string) int {
	return slices.IndexFunc(a.cfg.Assets.Zones, func(z asset.Zone) bool { return strings.EqualFold(z.Name, name) })
}

// zoneNow is what a zone that was given by name is called.
func (a *App) zoneNow(zone string) string {
	doc, _ := a.set.Now()
	return a.formerNames(doc).now(zone)
}

func (a *App) zonesNow(zones []string) []string {
	doc, _ := a.set.Now()
	return a.formerNames(doc).all(zones)
}

// alsoCalled adds to names that the configuration or the policy have what those zones
// are called now, or are about to be: nothing that was written for a zone ceases to hold
// for it, at no moment.
func (a *App) alsoCalled(zones []string) []string {
	doc, _ := a.set.Now()
	all := []zoneNames{a.formerNames(doc)}
	if next := a.naming.Load(); next != nil {
		all = append(all, *next)
	}
	out := slices.Clone(zones)
	for _, n := range all {
		for was, is := range n {
			folded := func(z string) bool { return strings.EqualFold(z, was) }
			if slices.ContainsFunc(zones, folded) && !slices.Contains(out, is) {
				out = append(out, is)
			}
		}
	}
	slices.Sort(out[len(zones):])
	return out
}

// namedAnew tells which zones of a document have another name in another.
func namedAnew(from, to chosen.Doc) zoneNames {
	out := zoneNames{}
	for _, z := range from.Zones {
		if to.Zone(z.Name) >= 0 {
			continue
		}
		if is, ok := to.Renamed[z.Name]; ok && to.Zone(is) >= 0 {
			out[z.Name] = is
			continue
		}
		for _, y := range to.Zones {
			if from.Zone(y.Name) < 0 && from.Renamed[y.Name] == z.Name {
				out[z.Name] = y.Name
				break
			}
		}
	}
	return out
}

// remember gives a document the former names that a change of names leaves behind.
func remember(doc *chosen.Doc, changed zoneNames) {
	if len(changed) == 0 {
		return
	}
	next := maps.Clone(doc.Renamed)
	if next == nil {
		next = map[string]string{}
	}
	for was, is := range next {
		next[was] = changed.now(is)
	}
	for was, is := range changed {
		delete(next, is)
		next[was] = is
	}
	doc.Renamed = next
}

// RenameZone implements [api.ZoneSettings].
func (a *App) RenameZone(ctx context.Context, r api.ZoneRename) (api.ZoneView, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	doc, _ := a.set.Now()
	r.To = strings.TrimSpace(r.To)
	if err := a.mayChange(); err != nil {
		return api.ZoneView{}, err
	}
	raw, err := a.mayRename(doc, r)
	if err != nil {
		return api.ZoneView{}, err
	}
	next := doc
	next.Zones = slices.Clone(doc.Zones)
	at := doc.Zone(r.Name)
	if at >= 0 {
		next.Zones[at].Name, next.Zones[at].Config = r.To, raw
	}
	changed := zoneNames{r.Name: r.To}
	remember(&next, changed)
	effect, err := a.zoneEffect(ctx, doc, next, changed)
	if err != nil {
		return api.ZoneView{}, err
	}
	if at < 0 && effect.Renamed[0].Nothing() {
		return api.ZoneView{}, fault.New(fault.NotFound, "there is no zone %.100q that was set here, and nothing goes by that name", r.Name).WithHint("list them with: vedette zones")
	}
	if r.Check {
		return api.ZoneView{Config: api.ZoneConfig{Name: r.To, Subnets: []string{}}, Origin: api.FromHere, Effect: &effect}, nil
	}
	if err := widens(effect, r.Confirm); err != nil {
		return api.ZoneView{}, err
	}
	err = a.nameAnew(ctx, changed, next, func(more []store.Change) error {
		_, err := a.set.Change(ctx, r.Actor, r.Why, func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
			deed := chosen.Deed{Action: "settings.zone_rename", Object: r.Name, Before: r.Name, After: r.To + "; " + strings.Join(effect.Renamed[0].Follow, ", "), More: more}
			if at >= 0 {
				d.Zones[at] = chosen.Zone{Name: r.To, Config: raw, Mark: m}
			}
			d.Renamed = next.Renamed
			return deed, nil
		})
		return err
	})
	if err != nil {
		return api.ZoneView{}, err
	}
	if err := a.applyZones(ctx); err != nil {
		return api.ZoneView{}, err
	}
	list, err := a.ConfiguredZones(ctx)
	for _, v := range list {
		if v.Config.Name == r.To && v.Rests == "" {
			v.Effect = &effect
			return v, nil
		}
	}
	return api.ZoneView{Effect: &effect}, err
}

// mayRename refuses what stands against another name, and gives the zone as it is written
// under it; nothing if the zone itself has that name already.
func (a *App) mayRename(doc chosen.Doc, r api.ZoneRename) ([]byte, error) {
	at := doc.Zone(r.Name)
	if r.To == r.Name || r.To == "" {
		return nil, fault.New(fault.Invalid, "the zone has that name, or the new one is empty")
	}
	if fixed := a.configuredZone(r.Name); fixed >= 0 {
		return nil, a.renamedThere(fixed, r)
	}
	if is, ok := doc.Renamed[r.To]; ok && is != r.Name {
		return nil, fault.New(fault.Conflict, "%s was the name of the zone %s and is still read as that", r.To, is).WithHint("choose another name")
	}
	if at < 0 { // the zone was renamed where it is written: what goes by its name follows
		to := a.configuredZone(r.To)
		if to < 0 || a.cfg.Assets.Zones[to].Name != r.To {
			return nil, fault.New(fault.NotFound, "there is no zone %.100q that was set here", r.Name).WithHint("list them with: vedette zones")
		}
		return nil, nil
	}
	var as api.ZoneConfig
	if err := json.Unmarshal(doc.Zones[at].Config, &as); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading a zone")
	}
	as.Name = r.To
	raw, err := json.Marshal(as)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "writing a zone")
	}
	z, problems := config.ReadZone(raw)
	others := doc
	others.Zones = slices.Delete(slices.Clone(doc.Zones), at, at+1)
	others.Renamed = nil // it may go back to a name of its own
	return raw, errors.Join(refusal(problems), a.mayZone(others, z, api.ZonePut{New: true}), stale(r.Change, doc.Zones[at].Mark.Version))
}

// renamedThere tells how a zone of the configuration gets another name.
func (a *App) renamedThere(at int, r api.ZoneRename) error {
	place := a.cfg.From[fmt.Sprintf("zones[%d]", at)]
	if place != "" {
		place = ", at " + place
	}
	return fault.New(fault.Conflict, "the zone %s is in the configuration%s, which is not written here: its name and subnets stay", a.cfg.Assets.Zones[at].Name, place).
		WithHint("rename it there, start the server anew, and then this command again: accounts, tokens and what people said of devices follow")
}

// nameAnew makes a change by which zones get other names. What goes by them changes with
// it: accounts and tokens in the one transaction of commit, the policy and the rules of
// models before, by both names, devices after, from what the document remembers; that is
// done again at each start, so that a kill in between leaves nothing half.
func (a *App) nameAnew(ctx context.Context, changed zoneNames, next chosen.Doc, commit func(more []store.Change) error) error {
	if len(changed) == 0 {
		return commit(nil)
	}
	coming := a.formerNames(next)
	a.naming.Store(&coming)
	defer a.naming.Store(nil)
	if err := a.readByNames(); err != nil {
		return err
	}
	return a.accounts.RenameZones(ctx, changed, commit)
}

// readByNames puts the policy and the rules of models in force by the names that zones
// have and are about to have.
func (a *App) readByNames() error {
	if written := a.written.Load(); written != nil {
		cfg := written.Under(a.alsoCalled)
		a.allowed.Store(&cfg)
		if d := a.policyNow.Load(); d != nil {
			d.Swap(cfg)
		}
	}
	for _, r := range a.mindNow().Policy.Rules {
		if len(r.Zones) > 0 {
			return a.hangDoor()
		}
	}
	return nil
}

// policyInForce is the policy by all names that its zones have.
func (a *App) policyInForce() (policy.Config, error) {
	cfg, err := a.loadPolicy()
	return cfg.Under(a.alsoCalled), err
}

// renamedEffect tells what follows a zone to its new name, what is read as it, and what
// stays.
func (a *App) renamedEffect(ctx context.Context, from chosen.Doc, was, is string) (api.ZoneRenamed, error) {
	out := api.ZoneRenamed{From: was, To: is, Follow: []string{}, Read: []string{}, Stay: []string{}}
	for _, d := range a.devices.Rows() {
		if d.Zone == was {
			out.Devices++
		}
	}
	if out.Set = a.devices.SaidOfZone(was); out.Set > 0 {
		out.Follow = append(out.Follow, fmt.Sprintf("what people or inventories say of %d devices", out.Set))
	}
	follow := func(kind, name string, zones []string) {
		if slices.Contains(zones, was) {
			out.Follow = append(out.Follow, "the "+kind+" "+name)
		}
	}
	users, err := a.accounts.Users(ctx)
	if err != nil {
		return out, err
	}
	for i := range users {
		follow("user", users[i].Name, users[i].Zones)
	}
	tokens, err := a.accounts.Tokens(ctx, "")
	if err != nil {
		return out, err
	}
	for i := range tokens {
		follow("token", tokens[i].Name, tokens[i].Zones)
	}
	out.Read = a.readAs(was)
	for _, r := range from.Rules {
		if text, err := a.set.Text(ctx, r.Text); err == nil && strings.Contains(strings.ToLower(string(text)), strings.ToLower(was)) {
			out.Stay = append(out.Stay, "the uploaded rule "+r.ID+" has the word in its text: look whether it means the zone")
		}
	}
	out.Stay = append(out.Stay, "texts of findings, notes, the journal and rule files, saved addresses of pages, and conversations of accounts that are limited to the zone keep the name that they were written with")
	return out, nil
}

// readAs names what the configuration and its files say of a zone: they are not written,
// and read as if they named the new one.
func (a *App) readAs(was string) []string {
	out := []string{}
	mine := func(zones []string) bool {
		return slices.ContainsFunc(zones, func(z string) bool { return strings.EqualFold(z, was) })
	}
	if cfg, err := a.loadPolicy(); err == nil {
		for _, c := range cfg.Conduits {
			if mine(c.From) || mine(c.To) {
				out = append(out, "the conduit "+c.Name+" in "+a.cfg.Detect.Policy)
			}
		}
		if mine(cfg.Isolated) {
			out = append(out, "isolated in "+a.cfg.Detect.Policy)
		}
	}
	if o := a.cfg.Server.OIDC; o != nil {
		for _, group := range slices.Sorted(maps.Keys(o.Zones)) {
			if slices.Contains(o.Zones[group], was) {
				out = append(out, "the group "+group+" in server.oidc.zones")
			}
		}
	}
	for _, r := range a.mindNow().Policy.Rules {
		if mine(r.Zones) {
			out = append(out, "the rule "+r.Name+" in models.policy")
		}
	}
	return out
}
