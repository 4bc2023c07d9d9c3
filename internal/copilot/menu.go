package copilot

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"vedette/internal/correlate"
	"vedette/internal/event"
	"vedette/internal/guard"
	"vedette/internal/query"
)

// want is a step of the menu with its argument.
type want struct{ tool, argument string }

// look is one kind of step: what its argument is, why one takes it, and its
// query in the text form, in which %s is the argument as a value.
type look struct {
	of   string // device, rule or address
	why  string
	text string
	span span
}

// span is the time of a step, by the time of the incident.
type span uint8

const (
	during span = iota // the incident with a margin
	before             // as long as it, at least a day, before it
	after              // the same after it
	ever
)

// menu is all that an investigation can do. Each step only reads.
var menu = map[string]look{
	"findings of a device":  {"device", "what else was found of this device around that time", `detection_finding device.uid=%s | by finding_info.title count, first, last | sort count desc`, during},
	"peers during":          {"device", "whom the device spoke to while it happened", `network_activity src_endpoint.uid=%s | by src_endpoint.ip, dst_endpoint.ip, dst_endpoint.port count, first, last | sort count desc`, during},
	"peers before":          {"device", "whom it spoke to in the time before, to see what is new", `network_activity src_endpoint.uid=%s | by src_endpoint.ip, dst_endpoint.ip, dst_endpoint.port count, first, last | sort count desc`, before},
	"peers after":           {"device", "whether it goes on", `network_activity src_endpoint.uid=%s | by src_endpoint.ip, dst_endpoint.ip, dst_endpoint.port count, first, last | sort count desc`, after},
	"who reached it":        {"device", "who spoke to the device while it happened", `network_activity dst_endpoint.uid=%s | by src_endpoint.ip, dst_endpoint.ip, dst_endpoint.port count, first, last | sort count desc`, during},
	"logins to it":          {"device", "who logged in or tried to", `authentication (dst_endpoint.uid=%s or device.uid=%[1]s) | by src_endpoint.ip, user.name, status count, first, last | sort count desc`, during},
	"entered it":            {"device", "who logged in", `authentication status=Success (dst_endpoint.uid=%s or device.uid=%[1]s) | by src_endpoint.ip, user.name, status count, first, last | sort count desc`, during},
	"writes by it":          {"device", "which commands that change a process it sent", `ics.write=true src_endpoint.uid=%s | by src_endpoint.ip, dst_endpoint.ip, ics.function count, first, last | sort count desc`, during},
	"others of the rule":    {"rule", "which other devices this was found of", `detection_finding finding_info.uid=%s | by device.uid count, first, last | sort count desc`, ever},
	"others of the address": {"address", "who else spoke to this address", `network_activity dst_endpoint.ip=%s | by src_endpoint.ip, dst_endpoint.ip count, first, last | sort count desc`, ever},
	"acts of the address":   {"address", "what else this address did", `src_endpoint.ip=%s | by src_endpoint.ip, dst_endpoint.ip, dst_endpoint.port count, first, last | sort count desc`, ever},
}

// byDefault are the steps that are taken of each subject, in order.
var byDefault = map[string][]string{
	"device":  {"findings of a device", "peers during", "peers before", "who reached it", "logins to it", "entered it", "writes by it", "peers after"},
	"rule":    {"others of the rule"},
	"address": {"acts of the address", "others of the address"},
}

// script is what the built-in engine looks at: the devices, rules and addresses
// that the incident tells most of.
func (iv *investigation) script() []want {
	subjects := iv.catalogue()
	var out []want
	for _, kind := range []string{"device", "rule", "address"} {
		list := subjects[kind]
		for _, s := range list[:min(maxSubjects, len(list))] {
			for _, tool := range byDefault[kind] {
				out = append(out, want{tool, s})
			}
		}
		if more := len(list) - maxSubjects; more > 0 {
			iv.book.Left = append(iv.book.Left, fmt.Sprintf("%d more of kind %s were not looked at by themselves", more, kind))
		}
	}
	return out
}

// catalogue is what the steps can be about: what the incident names.
func (iv *investigation) catalogue() map[string][]string {
	in := iv.of.Incident
	out := map[string][]string{"device": in.Devices}
	for _, r := range in.Findings.Rules {
		out["rule"] = append(out["rule"], r.Rule)
	}
	add := func(text string) {
		if _, err := netip.ParseAddr(text); err == nil && !slices.Contains(out["address"], text) {
			out["address"] = append(out["address"], text)
		}
	}
	gravest := slices.Clone(in.Timeline)
	slices.SortStableFunc(gravest, func(a, b correlate.Moment) int { return cmp.Compare(b.Severity, a.Severity) })
	for _, m := range gravest {
		add(m.Source)
		add(m.Target)
	}
	for _, n := range in.Graph.Nodes {
		add(n.Value)
	}
	return out
}

// query is the query of a step, with its time written out so that it means the
// same whenever it is run again.
func (iv *investigation) query(w want) query.Query {
	l := menu[w.tool]
	quoted := query.Expr{Field: "device.uid", Op: query.Eq, Value: "value"}
	q, err := query.ParseText(fmt.Sprintf(l.text, "value"))
	if err != nil {
		panic("the menu of investigations has a query that does not parse: " + err.Error()) // a test parses all
	}
	replace(q.Where, quoted.Value, w.argument)
	q.Limit, q.Time = stepRows, iv.time(l.span)
	return q
}

// replace puts the argument where the text has the placeholder: it is a value
// of the tree and never text that is parsed.
func replace(e *query.Expr, from, to any) {
	if e == nil {
		return
	}
	if e.Value == from {
		e.Value = to
	}
	for i := range e.And {
		replace(&e.And[i], from, to)
	}
	for i := range e.Or {
		replace(&e.Or[i], from, to)
	}
	replace(e.Not, from, to)
}

func (iv *investigation) time(s span) query.TimeRange {
	const margin = 10 * time.Minute
	first, last := iv.of.Incident.First.UTC(), iv.of.Incident.Last.UTC()
	length := max(24*time.Hour, last.Sub(first))
	switch s {
	case before:
		return query.TimeRange{From: first.Add(-margin - length), To: first.Add(-margin)}
	case after:
		return query.TimeRange{From: last.Add(margin), To: last.Add(margin + length)}
	case ever:
		return query.TimeRange{}
	case during:
	}
	return query.TimeRange{From: first.Add(-margin), To: last.Add(margin)}
}

const proposeWords = `An incident is being looked into. You see which devices (D), rules (R) and addresses (A) it is about, by ids alone, and which steps were taken with how many results.
Choose up to four further steps of the menu that would tell most, each with a fitting id. Choose none if nothing is worth it.`

// proposed lets the model choose further steps. It sees ids, counts and our own
// words, never a text of a device; the argument is what stands behind the id.
func (iv *investigation) proposed(ctx context.Context, k *consultation) error {
	if k == nil {
		return nil
	}
	ids, items := map[string]want{}, []guard.Item{}
	conf, _ := event.ParseConfidentiality(iv.of.Incident.Confidentiality)
	add := func(id, field, value string) {
		items = append(items, guard.Item{ID: id, Field: field, Value: value, Label: event.Label{Integrity: event.FromSystem, Confidentiality: conf}})
	}
	subjects := iv.catalogue()
	for _, kind := range []string{"device", "rule", "address"} {
		for i, s := range subjects[kind][:min(12, len(subjects[kind]))] {
			id := fmt.Sprintf("%s%d", map[string]string{"device": "D", "rule": "R", "address": "A"}[kind], i+1)
			ids[id] = want{kind, s}
			add(id, "kind", kind)
		}
	}
	for _, s := range iv.book.Steps {
		for id, w := range ids {
			if s.Argument == clean(w.argument) && menu[s.Tool].of == w.tool {
				add(id, "taken: "+s.Tool, cell(iv.evidenceOf(s.Tool, s.Argument).Total)+" results")
			}
		}
	}
	slices.SortFunc(items, func(a, b guard.Item) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Value, b.Value))
	})
	if len(ids) == 0 {
		return nil
	}
	f, err := newForm("steps", record(object{"steps": list(record(object{
		"tool": oneOfWords(slices.Sorted(maps.Keys(menu))), "id": oneOfWords(slices.Sorted(maps.Keys(ids))),
	}), 4)}))
	if err != nil {
		return err
	}
	var reply struct {
		Steps []struct{ Tool, ID string }
	}
	if !k.ask(guard.Call{Task: guard.Plan, Instructions: proposeWords, Evidence: items, MaxTokens: 200}, f, &reply) {
		return nil
	}
	for _, s := range reply.Steps {
		w := ids[s.ID]
		if menu[s.Tool].of != w.tool {
			k.note("the model chose a step that does not fit its argument")
			continue
		}
		if err := iv.look(ctx, want{s.Tool, w.argument}, ByModel); err != nil {
			return err
		}
	}
	return nil
}
