package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"vedette/internal/api"
	"vedette/internal/app/chosen"
	"vedette/internal/asset"
	"vedette/internal/fault"
)

// shownMoves is how many devices that change zone are listed.
const shownMoves = 50

// zoneEffect tells what a document does that has other zones.
func (a *App) zoneEffect(ctx context.Context, from, to chosen.Doc, named zoneNames) (api.ZoneEffect, error) {
	out := api.ZoneEffect{Devices: []api.ZoneMove{}, Accounts: []api.ZoneAccount{}, Conduits: []string{}}
	gains, loses := map[string]int{}, map[string]int{}
	moves := slices.DeleteFunc(a.devices.WouldRezone(a.zonesOf(to)), func(m asset.Move) bool { return m.From != "" && named.now(m.From) == m.To })
	out.Moves = len(moves)
	for _, m := range moves {
		if len(out.Devices) < shownMoves {
			out.Devices = append(out.Devices, api.ZoneMove{UID: m.UID, Name: m.Name, From: m.From, To: m.To})
		}
		gains[m.To]++
		loses[m.From]++
	}
	if err := a.limitedTo(ctx, a.passing(moves, named), named, &out); err != nil {
		return out, err
	}
	var err error
	if out.Renamed, err = a.renamedEffects(ctx, from, named); err != nil {
		return out, err
	}
	rules, err := a.ZonePolicy(ctx)
	if err != nil { // it does not stand against a change of zones
		out.Notes = append(out.Notes, "which conduits it touches is not known: the policy cannot be read")
	}
	for _, c := range rules.Conduits {
		touched := func(name string) bool {
			for _, side := range []map[string]int{gains, loses} {
				for z := range side {
					if z != "" && strings.EqualFold(z, name) {
						return true
					}
				}
			}
			return false
		}
		if slices.ContainsFunc(slices.Concat(c.From, c.To), touched) {
			out.Conduits = append(out.Conduits, c.Name)
		}
	}
	if rules.Declared && out.Moves > 0 && rules.Default == "deny" {
		out.Notes = append(out.Notes, "between zones only what a conduit allows is allowed: traffic of devices that change zone may be told as a finding")
	}
	out.Notes = append(out.Notes, labelsOf(a, from, to)...)
	return out, nil
}

func (a *App) renamedEffects(ctx context.Context, from chosen.Doc, named zoneNames) ([]api.ZoneRenamed, error) {
	var out []api.ZoneRenamed
	for _, was := range slices.Sorted(maps.Keys(named)) {
		r, err := a.renamedEffect(ctx, from, was, named[was])
		if err != nil {
			return out, err
		}
		out = append(out, r)
	}
	return out, nil
}

// passing counts devices by the zone that they are in and the one that they will be in;
// without names those alone that move.
func (a *App) passing(moves []asset.Move, named zoneNames) map[[2]string]int {
	out := map[[2]string]int{}
	if len(named) > 0 { // names may meet: who sees a name sees all that has it
		for _, d := range a.devices.Rows() {
			out[[2]string{d.Zone, named.now(d.Zone)}]++
		}
	}
	for _, m := range moves {
		if out[[2]string{m.From, m.To}]++; len(named) > 0 {
			out[[2]string{m.From, named.now(m.From)}]--
		}
	}
	return out
}

// limitedTo counts what accounts that are limited to zones see more and fewer.
func (a *App) limitedTo(ctx context.Context, between map[[2]string]int, named zoneNames, out *api.ZoneEffect) error {
	add := func(kind, name string, zones []string) {
		if len(zones) == 0 {
			return
		}
		one := api.ZoneAccount{Name: name, Kind: kind}
		for m, n := range between {
			was, is := slices.Contains(zones, m[0]), slices.Contains(named.all(zones), m[1])
			if is && !was {
				one.More += n
			}
			if was && !is {
				one.Fewer += n
			}
		}
		if one.More+one.Fewer > 0 {
			out.Accounts = append(out.Accounts, one)
		}
	}
	users, err := a.accounts.Users(ctx)
	if err != nil {
		return err
	}
	for i := range users {
		if !users[i].Disabled {
			add("user", users[i].Name, users[i].Zones)
		}
	}
	tokens, err := a.accounts.Tokens(ctx, "")
	if err != nil {
		return err
	}
	for i := range tokens {
		add("token", tokens[i].Name, tokens[i].Zones)
	}
	if o := a.cfg.Server.OIDC; o != nil {
		for group, zones := range o.Zones {
			add("group", group, a.zonesNow(zones))
		}
	}
	slices.SortFunc(out.Accounts, func(x, y api.ZoneAccount) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name))
	})
	return nil
}

// labelsOf tells where events of a zone get another label: it decides which models
// may be told of them.
func labelsOf(a *App, from, to chosen.Doc) []string {
	was := map[string]string{}
	for _, z := range a.zonesOf(from) {
		was[z.Name] = z.Confidentiality
	}
	var out []string
	for _, z := range a.zonesOf(to) {
		if old, there := was[z.Name]; there && old != z.Confidentiality {
			out = append(out, fmt.Sprintf("events of %s that come in from then on are labelled %s instead of %s, which decides where models may read them; stored ones keep their label", z.Name, cmp.Or(z.Confidentiality, "as they say themselves"), cmp.Or(old, "as they say themselves")))
		}
	}
	return out
}

// widens refuses a change by which somebody who is limited to zones sees more,
// unless that is meant.
func widens(e api.ZoneEffect, confirmed bool) error {
	var who []string
	for _, x := range e.Accounts {
		if x.More > 0 {
			who = append(who, fmt.Sprintf("the %s %s sees %d devices more", x.Kind, x.Name, x.More))
		}
	}
	if len(who) == 0 || confirmed {
		return nil
	}
	return fault.New(fault.Conflict, "%s", strings.Join(who[:min(len(who), 5)], "; ")).WithHint("if that is meant, confirm it")
}
