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
	"strings"
	"unicode"

	"vedette/internal/api"
	"vedette/internal/app/chosen"
	"vedette/internal/asset"
	"vedette/internal/config"
	"vedette/internal/detect/policy"
	"vedette/internal/fault"
)

// maxZoneName bounds a name in bytes.
const maxZoneName = 100

// assets are what is ours: the zones of the configuration, and of those that were
// set here all that do not meet one of them.
func (a *App) assets() asset.Config {
	doc, _ := a.set.Now()
	out := a.cfg.Assets
	out.Zones, out.Renamed = a.zonesOf(doc), a.formerNames(doc)
	return out
}

func (a *App) zonesOf(doc chosen.Doc) []asset.Zone {
	out := slices.Clone(a.cfg.Assets.Zones)
	for _, z := range doc.Zones {
		read, problems := config.ReadZone(z.Config)
		if len(problems) == 0 && a.zoneRests(read) == "" {
			out = append(out, zoneOf(read))
		}
	}
	return out
}

// zoneOf is a zone as the devices are given it.
func zoneOf(z config.Zone) asset.Zone {
	out := asset.Zone{Name: z.Name, Level: z.Level, Criticality: z.Criticality, Confidentiality: z.Confidentiality}
	for _, p := range z.Subnets {
		out.Subnets = append(out.Subnets, p.Prefix)
	}
	return out
}

// zoneRests says why a zone that was set here does not count: the configuration
// wins. Empty: it counts.
func (a *App) zoneRests(z config.Zone) string {
	for i := range a.cfg.Assets.Zones {
		own := &a.cfg.Assets.Zones[i]
		if strings.EqualFold(own.Name, z.Name) {
			return "the configuration has a zone of that name, which counts"
		}
		for _, p := range z.Subnets {
			if slices.Contains(own.Subnets, p.Prefix) {
				return fmt.Sprintf("the configuration has %s in the zone %s, which counts", p.Prefix, own.Name)
			}
		}
	}
	return ""
}

// ConfiguredZones implements [api.ZoneSettings].
func (a *App) ConfiguredZones(context.Context) ([]api.ZoneView, error) {
	doc, _ := a.set.Now()
	in := map[string]int{}
	for _, d := range a.devices.Rows() {
		in[d.Zone]++
	}
	out := []api.ZoneView{}
	for i := range a.cfg.Assets.Zones {
		z := &a.cfg.Assets.Zones[i]
		out = append(out, api.ZoneView{Config: zoneShown(z), Origin: api.FromFile, Place: a.cfg.From["zones["+strconv.Itoa(i)+"]"], Fixed: true, Devices: in[z.Name]})
	}
	for _, z := range doc.Zones {
		read, problems := config.ReadZone(z.Config)
		own := zoneOf(read)
		v := api.ZoneView{Config: zoneShown(&own), Origin: api.FromHere, Version: z.Mark.Version, By: byOf(z.Mark), Rests: a.zoneRests(read)}
		if err := refusal(problems); err != nil {
			v.Config.Name, v.Rests = z.Name, plainText(err)
		}
		if v.Rests == "" {
			v.Devices = in[read.Name]
		}
		out = append(out, v)
	}
	return out, nil
}

func zoneShown(z *asset.Zone) api.ZoneConfig {
	out := api.ZoneConfig{Name: z.Name, Level: z.Level, Criticality: z.Criticality, Confidentiality: z.Confidentiality, Subnets: []string{}}
	for _, p := range z.Subnets {
		out.Subnets = append(out.Subnets, p.String())
	}
	return out
}

// setZone finds one that was set here, by name.
func (a *App) setZone(ctx context.Context, name string) (api.ZoneView, error) {
	list, err := a.ConfiguredZones(ctx)
	for _, v := range list {
		if v.Config.Name == name && !v.Fixed {
			return v, nil
		}
	}
	for _, v := range list {
		if err == nil && v.Config.Name == name {
			return v, fault.New(fault.Conflict, "the zone %s is in the configuration", name).WithHint("change it there")
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "there is no zone %.100q that was set here", name).WithHint("list them with: vedette zones")
	}
	return api.ZoneView{}, err
}

// PutZone implements [api.ZoneSettings].
func (a *App) PutZone(ctx context.Context, p api.ZonePut) (api.ZoneView, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	var none api.ZoneView
	p.Config.Name = strings.TrimSpace(p.Config.Name)
	raw, err := json.Marshal(p.Config)
	if err != nil {
		return none, fault.Wrap(fault.Internal, err, "reading a zone")
	}
	z, problems := config.ReadZone(raw)
	doc, _ := a.set.Now()
	if err := errors.Join(a.mayChange(), refusal(problems), a.mayZone(doc, z, p)); err != nil {
		return none, err
	}
	next := doc
	at := doc.Zone(z.Name)
	if next.Zones = slices.Clone(doc.Zones); at < 0 {
		next.Zones = append(next.Zones, chosen.Zone{Name: z.Name, Config: raw})
	} else {
		next.Zones[at].Config = raw
	}
	effect, err := a.zoneEffect(ctx, doc, next, nil)
	own := zoneOf(z)
	if err != nil || p.Check {
		return api.ZoneView{Config: zoneShown(&own), Origin: api.FromHere, Effect: &effect}, err
	}
	if err := widens(effect, p.Confirm); err != nil {
		return none, err
	}
	_, err = a.set.Change(ctx, p.Actor, p.Why, func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
		deed := chosen.Deed{Action: "settings.zone_add", Object: z.Name, After: string(raw)}
		put := chosen.Zone{Name: z.Name, Config: raw, Mark: m}
		if at < 0 {
			d.Zones = append(d.Zones, put)
			return deed, nil
		}
		deed.Action, deed.Before = "settings.zone_change", string(d.Zones[at].Config)
		d.Zones[at] = put
		return deed, nil
	})
	if err != nil {
		return none, err
	}
	return a.afterZones(ctx, z.Name, effect)
}

// afterZones puts the zones in force, and shows one.
func (a *App) afterZones(ctx context.Context, name string, effect api.ZoneEffect) (api.ZoneView, error) {
	if err := a.applyZones(ctx); err != nil {
		return api.ZoneView{}, err
	}
	v, err := a.setZone(ctx, name)
	v.Effect = &effect
	return v, err
}

// applyZones puts the zones that are set in force, for all devices.
func (a *App) applyZones(ctx context.Context) error {
	zones := a.assets().Zones
	a.zoned.Store(&zones)
	if doc, _ := a.set.Now(); len(doc.Renamed) > 0 {
		a.devices.RenameZones(a.formerNames(doc))
	}
	a.devices.Rezone(zones)
	if err := a.keepDevices(ctx); err != nil {
		return err
	}
	return a.zonesApplied(ctx)
}

// mayZone refuses what stands against a zone.
func (a *App) mayZone(doc chosen.Doc, z config.Zone, p api.ZonePut) error {
	at := doc.Zone(z.Name)
	rests := a.zoneRests(z)
	switch {
	case len(z.Name) > maxZoneName, strings.ContainsFunc(z.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fault.New(fault.Invalid, "the name of a zone has at most %d bytes, and no characters that cannot be seen", maxZoneName)
	case slices.ContainsFunc([]string{policy.AnyZone, policy.Internet, policy.Unzoned, policy.Nowhere}, func(w string) bool { return strings.EqualFold(w, z.Name) }):
		return fault.New(fault.Invalid, "%q has a meaning of its own in conduits", z.Name).WithHint("choose another name")
	case rests != "":
		return fault.New(fault.Conflict, "%s", rests).WithHint("change it there, or choose another name and other subnets")
	case p.New && at >= 0:
		return fault.New(fault.Conflict, "there is a zone %s already", z.Name)
	case !p.New && at < 0:
		return fault.New(fault.NotFound, "there is no zone %.100q", z.Name)
	case at < 0 && len(doc.Zones) >= chosen.MaxZones:
		return fault.New(fault.Limited, "there are %d zones, which is the most", len(doc.Zones))
	case len(z.Subnets) > chosen.MaxSubnets:
		return fault.New(fault.Limited, "a zone has at most %d subnets", chosen.MaxSubnets)
	}
	if is, ok := doc.Renamed[z.Name]; ok && at < 0 {
		return fault.New(fault.Conflict, "%s was the name of the zone %s and is still read as that", z.Name, is).WithHint("choose another name")
	}
	for i, other := range doc.Zones {
		read, _ := config.ReadZone(other.Config)
		if i == at {
			continue
		}
		if strings.EqualFold(other.Name, z.Name) {
			return fault.New(fault.Conflict, "there is a zone %s already", other.Name)
		}
		for _, s := range z.Subnets {
			if slices.Contains(read.Subnets, s) {
				return fault.New(fault.Conflict, "%s is in the zone %s already", s.Prefix, other.Name).WithHint("a smaller subnet inside a larger one is fine, the same one twice is not")
			}
		}
	}
	if at >= 0 {
		return stale(p.Change, doc.Zones[at].Mark.Version)
	}
	return nil
}

// RemoveZone implements [api.ZoneSettings].
func (a *App) RemoveZone(ctx context.Context, c api.ZoneDeed) (api.ZoneView, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	v, err := a.setZone(ctx, c.Name)
	if err != nil {
		return v, err
	}
	if err := errors.Join(a.mayChange(), stale(c.Change, v.Version)); err != nil {
		return v, err
	}
	doc, _ := a.set.Now()
	at := doc.Zone(c.Name)
	next := doc
	next.Zones = slices.Delete(slices.Clone(doc.Zones), at, at+1)
	effect, err := a.zoneEffect(ctx, doc, next, nil)
	v.Effect = &effect
	if err != nil || c.Check {
		return v, err
	}
	if err := widens(effect, c.Confirm); err != nil {
		return v, err
	}
	_, err = a.set.Change(ctx, c.Actor, c.Why, func(d *chosen.Doc, _ chosen.Mark) (chosen.Deed, error) {
		deed := chosen.Deed{Action: "settings.zone_remove", Object: c.Name, Before: string(d.Zones[at].Config)}
		d.Zones = slices.Delete(d.Zones, at, at+1)
		maps.DeleteFunc(d.Renamed, func(_, is string) bool { return is == c.Name })
		return deed, nil
	})
	if err != nil {
		return v, err
	}
	return v, a.applyZones(ctx)
}

// changedZones says what becomes of zones between two documents.
func changedZones(from, to chosen.Doc) []string {
	words := map[string]string{}
	named := namedAnew(from, to)
	called := map[string]bool{}
	for was, is := range named {
		words[was], called[is] = "is called "+is, true
	}
	for _, z := range to.Zones {
		switch at := from.Zone(z.Name); {
		case called[z.Name]:
		case at < 0:
			words[z.Name] = "is there again"
		case !bytes.Equal(from.Zones[at].Config, z.Config):
			words[z.Name] = "is as it was"
		}
	}
	for _, z := range from.Zones {
		if _, ok := named[z.Name]; !ok && to.Zone(z.Name) < 0 {
			words[z.Name] = "is removed"
		}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(words)) {
		out = append(out, "zone "+name+" "+words[name])
	}
	return out
}
