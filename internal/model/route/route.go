// Package route says where a request may go. It looks at the labels of the data
// in it, at what the site's policy says of their zone, asset class, source and
// sharing mark, and at the terms of the endpoints, and gives the endpoints that
// may be asked, in order, with a reason for each that may not.
//
// It fails closed: what is not known is taken for the strictest it could be.
// Deciding is a pure function; it keeps no state and calls nobody. It must not
// look at the content of a request.
package route

import (
	"fmt"
	"slices"
	"strings"

	"vedette/internal/event"
	"vedette/internal/model"
)

// Mode is how far requests may go at all.
type Mode string

// The modes. The zero Mode is [Off].
const (
	Off        Mode = "off"              // no model is asked
	OnPremises Mode = "on-premises only" // nothing leaves the site
	Cloud      Mode = "cloud allowed"    // all but restricted data may leave it
	Hybrid     Mode = "hybrid"           // public and internal data may leave it, the rest stays
)

// Policy is what a site decided, as data. Rules only narrow: of all that match,
// the one with the lowest location holds.
type Policy struct {
	Mode    Mode
	Rules   []Rule
	Require Require // of endpoints outside the site
}

// Rule lowers how far matching data may go. A rule matches data that meets each
// of its lists that is not empty; what is not known of the data counts as met.
type Rule struct {
	Name    string
	Zones   []string
	Types   []string // asset classes, such as "plc"
	Sources []string // logs or feeds, such as "zeek/conn"
	TLP     []string
	Tasks   []string
	Highest model.Location
}

// Data is what is known of one kind of data in a request. An empty word is not
// known, and meets every list of a rule; Placeless data - what a person typed, a
// name of our own schema - has no zone, class, source or mark, and meets none.
type Data struct {
	Label     event.Label
	Zone      string
	Type      string
	Source    string
	TLP       string // clear, green, amber, amber+strict or red; empty: unmarked
	Placeless bool
}

// State is what a conversation has met so far. The zero State is the strictest;
// [Fresh] begins a conversation. States only ever narrow.
type State struct {
	Secrecy event.Confidentiality
	Highest model.Location
	Rule    string // what set Highest
}

// Fresh is the state of a conversation that has met nothing.
func Fresh() State { return State{Secrecy: event.IsPublic, Highest: model.Cloud} }

// Join is the narrower of both, in each respect.
func (s State) Join(o State) State {
	out := State{Secrecy: min(s.Secrecy, o.Secrecy), Highest: s.Highest, Rule: s.Rule}
	if Exposure(o.Highest) < Exposure(s.Highest) {
		out.Highest, out.Rule = o.Highest, o.Rule
	}
	return out
}

// Request is what is asked to be sent.
type Request struct {
	Task   string
	Data   []Data // one for each kind of data; duplicates do no harm
	Before State  // of the conversation
}

// Decision says where a request may go.
type Decision struct {
	Label   event.Label      // of all data in the request, and the secrecy of its conversation
	Highest model.Location   // how far it may go
	Rule    string           // what set that
	Order   []model.Endpoint // may be asked, in this order; none: the built-in engine alone
	Refused []Refusal        // one for each endpoint that may not
	After   State            // of the conversation, once this request is part of it
}

// Refusal is an endpoint that may not be asked, and why.
type Refusal struct {
	Endpoint string
	Location model.Location
	Reason   string
}

// Exposure orders locations: 0 built-in, 1 on-premises, 2 cloud. A location that
// is not known counts as cloud where it is offered; see [Ceiling] for where it
// limits.
func Exposure(l model.Location) int {
	switch l {
	case model.BuiltIn:
		return 0
	case model.OnPremises:
		return 1
	case model.Cloud:
	}
	return 2
}

// Ceiling reads a location as a limit: one that is not known allows nothing.
func Ceiling(l model.Location) model.Location {
	switch l {
	case model.OnPremises, model.Cloud:
		return l
	case model.BuiltIn:
	}
	return model.BuiltIn
}

// Decide says where a request may go. The endpoints are tried in the order that
// they are given in, the most exposed location first, so that whoever goes on
// after an error never goes further out; a second operator in the cloud is never
// told what a first one failed at.
func (p Policy) Decide(req Request, endpoints []model.Endpoint) Decision {
	state := State{Secrecy: req.Before.Secrecy, Highest: Ceiling(req.Before.Highest), Rule: req.Before.Rule}
	if state.Highest != model.Cloud && state.Rule == "" {
		state.Rule = "what the conversation met before"
	}
	label := event.Label{Integrity: event.FromOperator, Confidentiality: state.Secrecy}
	for _, d := range req.Data {
		d.Label.Confidentiality = min(d.Label.Confidentiality, ofTLP(d.TLP))
		label = label.Join(d.Label)
		state = state.Join(p.narrow(req.Task, d))
	}
	if len(req.Data) == 0 {
		state = state.Join(p.narrow(req.Task, Data{Label: label, Placeless: true}))
	}
	state.Secrecy = label.Confidentiality
	state = state.Join(bySecrecy(p.Mode, label.Confidentiality))
	now := state.Join(p.byMode())
	out := Decision{Label: label, Highest: now.Highest, Rule: now.Rule, After: state}
	if out.Rule == "" {
		out.Rule = "mode " + string(p.Mode)
	}
	p.offer(&out, endpoints)
	return out
}

// byMode is the limit of the mode alone. It is not part of a conversation's
// state: who turns a mode up again may use it.
func (p Policy) byMode() State {
	out := Fresh()
	switch p.Mode {
	case Cloud, Hybrid:
	case OnPremises:
		out.Highest = model.OnPremises
	default:
		out.Highest = model.BuiltIn
	}
	out.Rule = "mode " + string(p.Mode)
	if p.Mode == "" {
		out.Rule = "mode " + string(Off)
	}
	return out
}

// bySecrecy is the limit of a label. No policy lifts that of restricted.
func bySecrecy(mode Mode, c event.Confidentiality) State {
	out := State{Secrecy: c, Highest: model.Cloud}
	switch c {
	case event.IsPublic, event.IsInternal:
	case event.IsConfidential:
		if mode != Cloud {
			out.Highest, out.Rule = model.OnPremises, "confidential data stays on the premises in mode "+string(mode)
		}
	case event.IsRestricted:
		out.Highest, out.Rule = model.OnPremises, "restricted data never leaves the premises"
	default:
		out.Highest, out.Rule = model.BuiltIn, "the label is not known"
	}
	return out
}

// ofTLP is the confidentiality that a sharing mark asks for at least.
func ofTLP(mark string) event.Confidentiality {
	switch strings.ToLower(strings.TrimPrefix(strings.ToUpper(mark), "TLP:")) {
	case "", "clear", "white":
		return event.IsPublic
	case "green":
		return event.IsInternal
	case "amber", "amber+strict":
		return event.IsConfidential
	}
	return event.IsRestricted // red, and what is no mark at all
}

// narrow joins the rules that match one kind of data.
func (p Policy) narrow(task string, d Data) State {
	out := State{Secrecy: d.Label.Confidentiality, Highest: model.Cloud}
	if strings.Contains(strings.ToLower(d.TLP), "strict") {
		out = out.Join(State{Secrecy: event.IsPublic, Highest: model.OnPremises, Rule: "TLP amber+strict stays in the organisation"})
	}
	for i, r := range p.Rules {
		if !r.matches(task, d) {
			continue
		}
		name := r.Name
		if name == "" {
			name = fmt.Sprintf("number %d", i+1)
		}
		out = out.Join(State{Secrecy: event.IsPublic, Highest: Ceiling(r.Highest), Rule: "rule " + name})
	}
	return out
}

func (r Rule) matches(task string, d Data) bool {
	if d.Placeless {
		return len(r.Zones)+len(r.Types)+len(r.Sources)+len(r.TLP) == 0 && meets(r.Tasks, task)
	}
	return meets(r.Zones, d.Zone) && meets(r.Types, d.Type) && meets(r.Sources, d.Source) && meets(r.TLP, d.TLP) && meets(r.Tasks, task)
}

// meets reports whether a word is in a list, or is not known, or there is no
// list.
func meets(list []string, word string) bool {
	return len(list) == 0 || word == "" || slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, word) })
}

// offer puts each endpoint into Order or into Refused.
func (p Policy) offer(d *Decision, endpoints []model.Endpoint) {
	operator, cloud := "", false
	for _, at := range []model.Location{model.Cloud, model.OnPremises} {
		for _, e := range endpoints {
			if e.Location == model.BuiltIn || Exposure(e.Location) != Exposure(at) {
				continue
			}
			if at == model.Cloud {
				e.Location = model.Cloud // also what is not known
			}
			why := p.refuse(d, e)
			if why == "" && at == model.Cloud && cloud && (operator == "" || operator != e.Terms.Operator) {
				why = "another operator in the cloud comes before it, and a second one is not told what the first failed at"
			}
			if why != "" {
				d.Refused = append(d.Refused, Refusal{e.Name, e.Location, why})
				continue
			}
			if at == model.Cloud && !cloud {
				operator, cloud = e.Terms.Operator, true
			}
			d.Order = append(d.Order, e)
		}
	}
}

// refuse says why an endpoint may not be asked, or nothing.
func (p Policy) refuse(d *Decision, e model.Endpoint) string {
	if Exposure(e.Location) > Exposure(d.Highest) {
		return fmt.Sprintf("it is %s, and this may go to %s at most (%s)", e.Location, d.Highest, d.Rule)
	}
	if e.Location == model.OnPremises {
		return ""
	}
	return p.Require.Unmet(e.Terms)
}
