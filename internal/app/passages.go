package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/detect/policy"
	"vedette/internal/fault"
	"vedette/internal/query"
)

// maxPassages is how many pairs of zones are told of.
const maxPassages = 5000

// violations is the condition of findings that conduits and zones were violated.
const violations = "detection_finding (finding_info.uid^=policy/zones or finding_info.uid^=policy/conduit/)"

// Passages tells what passes between zones, which conduits cover it and what of the
// policy in force it violates. In a confined context it looks at events of which the
// context sees nothing, as [App.Crossings] does, and tells of the other end the zone
// alone: passages with an end in its zones, and conduits that touch them.
func (a *App) Passages(ctx context.Context, wish api.PassageWish) (api.Passages, error) {
	if len(wish.Zones) > 1000 {
		return api.Passages{}, fault.New(fault.Limited, "passages of %d zones are asked for", len(wish.Zones)).WithHint("1000 at most")
	}
	rules, err := a.policyOf(ctx)
	if err != nil {
		return api.Passages{}, err
	}
	own, confined := query.Confined(ctx)
	ctx = query.Unconfined(ctx)
	now, err := a.nowOf(ctx, time.Time{})
	if err != nil {
		return api.Passages{}, err
	}
	look := &passing{asking: asking{app: a, ctx: ctx, now: now}, found: map[way]*api.Passage{}}
	if wish.Span > 0 {
		look.span = query.TimeRange{From: now.Add(-wish.Span), To: now.Add(time.Nanosecond)}
	}
	if confined {
		look.and = append(look.and, touches(own))
	}
	if len(wish.Zones) > 0 {
		look.and = append(look.and, touches(wish.Zones))
	}
	look.traffic()
	look.violations()
	if look.err != nil {
		return api.Passages{}, look.err
	}
	out := api.Passages{Policy: policyView(rules), List: make([]api.Passage, 0, len(look.found)), Total: len(look.found), Unplaced: look.unplaced}
	for w, p := range look.found {
		standing, by := policy.Open, []*policy.Conduit(nil)
		if w.fromKind != policy.Nowhere && w.toKind != policy.Nowhere { // detection judges none of those
			standing, by = rules.Standing(p.From, p.To)
		}
		p.Standing = string(standing)
		for _, c := range by {
			p.Conduits = append(p.Conduits, api.Covering{Name: c.Name, Deny: c.Deny, Allows: c.String()})
		}
		if !confined || shownTo(w, own) {
			p.Query = w.text()
		}
		out.List = append(out.List, *p)
	}
	slices.SortFunc(out.List, func(x, y api.Passage) int {
		return cmp.Or(cmp.Compare(y.Events, x.Events), cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To))
	})
	if len(out.List) > maxPassages {
		out.List = out.List[:maxPassages]
	}
	return out, nil
}

// way is from where to where; kinds are "" for a zone, or a pseudo-zone.
type way struct{ from, fromKind, to, toKind string }

// text is the condition of a query that finds its events.
func (w way) text() string {
	return endText("src", w.fromKind, w.from) + " " + endText("dst", w.toKind, w.to)
}

func endText(end, kind, zone string) string {
	if kind != "" {
		return place(end, kind)
	}
	return query.Expr{Field: end + "_endpoint.zone", Op: query.Eq, Value: zone}.String()
}

// shownTo reports whether somebody who sees these zones sees events of a way: no zone
// of others is at its ends.
func shownTo(w way, zones []string) bool {
	return (w.fromKind != "" || slices.Contains(zones, w.from)) && (w.toKind != "" || slices.Contains(zones, w.to))
}

// touches is the condition that an end is in one of the zones.
func touches(zones []string) query.Expr {
	in := make([]any, len(zones))
	for i, z := range zones {
		in[i] = z
	}
	return query.Expr{Or: []query.Expr{{Field: "src_endpoint.zone", Op: query.In, Value: in}, {Field: "dst_endpoint.zone", Op: query.In, Value: in}}}
}

// place is the condition that one end of an event, src or dst, is in a pseudo-zone as
// detection takes it to be; of "", in a zone.
func place(end, kind string) string {
	in := func(kind string) string {
		var nets []string
		for _, p := range policy.Nets(kind) {
			nets = append(nets, end+" in "+p.String())
		}
		return "(" + strings.Join(nets, " or ") + ")"
	}
	zoneless := end + " exists not " + end + "_endpoint.zone exists "
	switch kind {
	case "":
		return end + " exists " + end + "_endpoint.zone exists"
	case policy.Internet:
		return zoneless + "not " + in(policy.Unzoned) + " not " + in(policy.Nowhere)
	}
	return zoneless + in(kind)
}

// passing gathers passages. It asks once for each of four kinds of event: with both
// ends in zones, one, or none; where an end is in none, it counts by pseudo-zone.
type passing struct {
	asking

	and      []query.Expr
	span     query.TimeRange
	found    map[way]*api.Passage
	unplaced int64
}

// sum is one thing that is added up.
type sum struct {
	fn           query.Fn
	field, where string
}

func (l *passing) traffic() {
	sums := []sum{{fn: query.Count}, {fn: query.Sum, field: "traffic.bytes"}, {fn: query.Count, where: " write=true"}, {fn: query.Last}}
	l.each("class_uid!=2004", "", sums, func(w way, _ string, v []any) {
		p := l.at(w)
		p.Events, _ = v[0].(int64)
		p.Bytes, _ = v[1].(int64)
		p.Writes, _ = v[2].(int64)
		p.Last, _ = v[3].(time.Time)
	})
}

func (l *passing) violations() {
	var all, placed int64
	l.each(violations, "finding_info.uid", []sum{{fn: query.Count}}, func(w way, rule string, v []any) {
		n, _ := v[0].(int64)
		p := l.at(w)
		p.Violations += n
		p.Violated = append(p.Violated, api.Violation{Rule: rule, Findings: n})
		placed += n
	})
	for _, r := range l.ask(violations, query.Query{Measures: []query.Measure{{Fn: query.Count}}}) {
		all, _ = r[0].(int64)
	}
	l.unplaced = max(0, all-placed)
}

func (l *passing) at(w way) *api.Passage {
	p := l.found[w]
	if p == nil {
		p = &api.Passage{From: cmp.Or(w.fromKind, w.from), To: cmp.Or(w.toKind, w.to), Conduits: []api.Covering{}, Violated: []api.Violation{}}
		l.found[w] = p
	}
	return p
}

// measures add up what meets a condition. They are no text, which would be too long.
func (l *passing) measures(condition string, way int, sums []sum) []query.Measure {
	out := make([]query.Measure, len(sums))
	for i, s := range sums {
		out[i] = query.Measure{Fn: s.fn, Field: s.field, Where: l.parsed(condition + s.where).Where, As: fmt.Sprintf("m%d_%d", way, i)}
	}
	return out
}

// parsed reads a text of ours.
func (l *passing) parsed(text string) query.Query {
	q, err := query.ParseText(text)
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("asking for what passes between zones: %w", err)
	}
	return q
}

// ask runs a query with the conditions of a text, of the wished zones and time.
func (l *passing) ask(conditions string, q query.Query) [][]any {
	where := l.parsed(conditions)
	if l.err != nil {
		return nil
	}
	q.Classes, q.Where, q.Time = where.Classes, &query.Expr{And: slices.Clone(l.and)}, l.span
	if where.Where != nil {
		q.Where.And = append(q.Where.And, *where.Where)
	}
	table, err := l.app.tools.QueryLoose(l.ctx, q, l.now)
	if err != nil {
		l.err = err
		return nil
	}
	return table.Rows
}

// each gives every way that events of a condition went, by a field besides if one is
// named, with what was added up. Ways that no event went are not given.
func (l *passing) each(base, by string, sums []sum, give func(w way, by string, v []any)) {
	zone, none := []string{""}, []string{policy.Internet, policy.Unzoned, policy.Nowhere}
	for _, from := range [][]string{zone, none} {
		for _, to := range [][]string{zone, none} {
			l.some(base, by, from, to, sums, give)
		}
	}
}

// some gives the ways between ends of these kinds.
func (l *passing) some(base, by string, from, to []string, sums []sum, give func(w way, by string, v []any)) {
	group, conditions := endsOf(from, to)
	if by != "" {
		group = append(group, by)
	}
	var ways []way
	q := query.Query{Group: group, Measures: []query.Measure{{Fn: query.Count, As: "seen"}}}
	for _, f := range from {
		for _, t := range to {
			q.Measures = append(q.Measures, l.measures(place("src", f)+" "+place("dst", t), len(ways), sums)...)
			ways = append(ways, way{fromKind: f, toKind: t})
		}
	}
	if len(group) > 0 {
		q.Sort, q.Limit = []query.Sort{{By: "seen", Desc: true}}, maxPassages
	}
	for _, row := range l.ask(base+" "+conditions, q) {
		names, values := row[:len(group)], row[len(group)+1:]
		rule := ""
		if by != "" {
			rule, names = wordOf(names[len(names)-1]), names[:len(names)-1]
		}
		for n, w := range ways {
			mine := values[n*len(sums) : (n+1)*len(sums)]
			if events, _ := mine[0].(int64); events > 0 {
				give(w.named(names), rule, mine)
			}
		}
	}
}

// endsOf are what to group by, and the conditions, where one kind means ends in zones.
func endsOf(from, to []string) (group []string, conditions string) {
	for i, kinds := range [][]string{from, to} {
		end := []string{"src", "dst"}[i]
		if len(kinds) == 1 {
			conditions += end + " exists " + end + "_endpoint.zone exists "
			group = append(group, end+"_endpoint.zone")
		} else {
			conditions += end + " exists not " + end + "_endpoint.zone exists "
		}
	}
	return group, conditions
}

// named puts the names of zones, in the order of ends, to a way.
func (w way) named(names []any) way {
	if w.fromKind == "" {
		w.from, names = wordOf(names[0]), names[1:]
	}
	if w.toKind == "" {
		w.to = wordOf(names[0])
	}
	return w
}
