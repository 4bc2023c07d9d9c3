package reading

import (
	"slices"
	"strings"
	"time"

	"vedette/internal/query"
)

// takeTypeHeads reads kinds of devices that are themselves asked for: "which
// cameras used telnet", "list all PLCs", "how many sensors". The devices on
// the side that the verb gives are listed, and restricted to that type.
func (r *reader) takeTypeHeads() {
	for _, i := range r.heads {
		s := r.spans[i]
		v := r.fitting(s.values)[0]
		side := r.targetSide(i)
		r.wantType(v)
		r.addCond(query.Expr{Field: side + "_endpoint." + strings.TrimPrefix(v.field, "device."), Op: v.op(), Value: v.value}, r.negated(i), s.text)
		r.f.Conds[len(r.f.Conds)-1].Head = true
		r.f.Targets = append(r.f.Targets, side+"_endpoint.ip")
		r.f.Plural = r.f.Plural || r.plural(s)
		r.f.On["typehead"] = true
	}
}

// isHead tells a type of device that stands where the asked-for noun stands.
func (r *reader) isHead(i int, v value) bool {
	if v.field != "device.type" || len(r.heads) > 0 {
		return false
	}
	if i+1 < len(r.spans) && (r.spans[i+1].is(kEntity) || r.spans[i+1].is(kSubject)) && !r.plural(r.spans[i]) {
		return false // "camera traffic", "sensor addresses"
	}
	for k := i - 1; k >= 0; k-- {
		s := r.spans[k]
		if s.is(kWh) && !s.is(kStop) || s.is(kFn) || s.is(kShape) && s.entry(kShape).key == "list" || s.is(kOrder) {
			return true
		}
		if !s.only(kStop, kEach, kIs) && s.num == nil && len(s.values) == 0 && !s.is(kCond) {
			return false
		}
	}
	return false
}

// takeLacking reads "without an owner", "have no service": the field that is
// not there is a condition, not what is asked for.
func (r *reader) takeLacking() {
	for i, s := range r.spans {
		e := s.entry(kEntity)
		if e == nil || s.used || i == 0 || e.attrs["field"] == "" || strings.HasPrefix(e.attrs["field"], "[") {
			continue
		}
		k := i - 1
		for k > 0 && (r.spans[k].only(kStop) || strings.EqualFold(r.spans[k].text, "any")) {
			k--
		}
		switch strings.ToLower(r.spans[k].text) {
		case "no", "without", "lacking", "missing":
			s.used, r.spans[k].used, r.spans[k].unknown = true, true, false
			r.addCond(query.Expr{Field: r.fieldOf(e), Op: query.Exists}, true, "any "+e.attrs["words"])
		}
	}
}

// newDevices: "which devices were first seen today" asks the inventory.
func (r *reader) newDevices(sh map[string]bool) bool {
	if !sh["first"] && !sh["new"] || len(r.f.Times) != 1 || r.f.Subject != nil || len(r.f.Conds) > 0 && !r.asksInventoryConds() {
		return false
	}
	return slices.ContainsFunc(r.spans, func(s *span) bool {
		e := s.entry(kEntity)
		return e != nil && e.key == "device"
	}) || r.f.On["typehead"]
}

func (r *reader) asksInventoryConds() bool {
	for _, c := range r.f.Conds {
		if _, ok := deviceCond(c.Expr); !ok {
			return false
		}
	}
	return true
}

// seenWithin restricts devices to those first seen in the asked time.
func (r *reader) seenWithin(where *query.Expr) *query.Expr {
	rng, err := r.f.Times[0].rng.Resolve(r.now)
	if err != nil {
		return where
	}
	if !rng.From.IsZero() {
		where = and(where, query.Expr{Field: "first_seen", Op: query.Ge, Value: rng.From.Format(time.RFC3339Nano)})
	}
	if !rng.To.IsZero() {
		where = and(where, query.Expr{Field: "first_seen", Op: query.Lt, Value: rng.To.Format(time.RFC3339Nano)})
	}
	return where
}

// namesBeside adds the name of each host that is listed, where people have
// named devices.
func (r *reader) namesBeside(groups []string) []string {
	if !r.vals.names.given {
		return groups
	}
	var out []string
	for _, g := range groups {
		out = append(out, g)
		side, field, ok := strings.Cut(g, "_endpoint.")
		if ok && (field == "ip" || field == "host") {
			out = append(out, side+"_endpoint.name")
		}
	}
	return out
}
