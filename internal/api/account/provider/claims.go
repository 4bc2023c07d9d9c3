package provider

import (
	"slices"
	"strings"

	"vedette/internal/authz"
	"vedette/internal/fault"
)

// maxValues is how many groups of a person are looked at.
const maxValues = 10_000

// allZones is what zones are given by that do not confine.
const allZones = "*"

// person reads who it is and what that gives here.
func (p *Provider) person(subject string, claims map[string]any) (Person, error) {
	who := Person{Issuer: p.cfg.Issuer, Subject: subject, Roles: []authz.Role{}, Zones: []string{}}
	if names := valuesOf(claims, p.cfg.NameClaim); len(names) == 1 {
		who.Name = names[0]
	}
	groups := valuesOf(claims, p.cfg.RolesClaim)
	for _, role := range authz.Roles() {
		if slices.ContainsFunc(groups, func(g string) bool { return p.cfg.Roles[g] == role }) {
			who.Roles = append(who.Roles, role)
		}
	}
	if len(who.Roles) == 0 {
		return who, refuse(WhyRole, fault.New(fault.Denied, "%s knows you, but you have no role here", p.cfg.Name).WithHint("ask an administrator of Vedette which group you need; then sign in again"))
	}
	if len(p.cfg.Zones) == 0 {
		return who, nil
	}
	for _, g := range groups {
		who.Zones = append(who.Zones, p.cfg.Zones[g]...)
	}
	slices.Sort(who.Zones)
	who.Zones = slices.Compact(who.Zones)
	switch {
	case slices.Contains(who.Zones, allZones):
		who.Zones = []string{}
	case len(who.Zones) == 0: // none would mean all
		who.Roles = []authz.Role{}
		return who, refuse(WhyZone, fault.New(fault.Denied, "%s knows you, but you have no zone here", p.cfg.Name).WithHint("ask an administrator of Vedette which group you need; then sign in again"))
	}
	return who, nil
}

// valuesOf returns the texts of a claim, one or a list; a.b is b within a, unless
// a claim is called so itself.
func valuesOf(claims map[string]any, name string) []string {
	v, ok := claims[name]
	for !ok {
		first, rest, nested := strings.Cut(name, ".")
		inner, isMap := claims[first].(map[string]any)
		if !nested || !isMap {
			return nil
		}
		claims, name = inner, rest
		v, ok = claims[name]
	}
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, item := range v[:min(len(v), maxValues)] {
			if text, ok := item.(string); ok {
				out = append(out, text)
			}
		}
		return out
	}
	return nil
}
