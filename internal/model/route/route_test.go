package route

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vedette/internal/event"
	"vedette/internal/model"
)

func endpoint(name string, at model.Location, terms model.Terms) model.Endpoint {
	return model.Endpoint{Name: name, Location: at, Terms: terms}
}

func names(list []model.Endpoint) string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = e.Name
	}
	return strings.Join(out, " ")
}

func data(c event.Confidentiality) Data {
	return Data{Label: event.Label{Integrity: event.FromUntrusted, Confidentiality: c}, Zone: "office", Type: "camera", Source: "zeek/conn"}
}

func TestDecide(t *testing.T) {
	eu := model.Terms{Operator: "A", Jurisdiction: "DE", Retention: "0d", TrainsOnInput: "no", Contract: "DPA 7"}
	us := model.Terms{Operator: "B", Jurisdiction: "US", Retention: "30d", TrainsOnInput: "no"}
	all := []model.Endpoint{
		endpoint("here", model.OnPremises, model.Terms{}), endpoint("eu", model.Cloud, eu), endpoint("us", model.Cloud, us),
		endpoint("odd", "moon", eu), endpoint("engine", model.BuiltIn, model.Terms{}),
	}
	strict := Require{Jurisdictions: []string{"EU"}, NoTraining: true, Retention: "7d", Contract: true}
	safety := Rule{Name: "safety stays", Zones: []string{"Safety"}, Highest: model.OnPremises}
	tests := []struct {
		name   string
		policy Policy
		data   []Data
		task   string
		order  string
		rule   string // is part of it
	}{
		{"off", Policy{}, []Data{data(event.IsPublic)}, "plan", "", "mode off"},
		{"unknown mode", Policy{Mode: "everything"}, nil, "plan", "", "mode everything"},
		{"on-premises", Policy{Mode: OnPremises}, []Data{data(event.IsPublic)}, "plan", "here", "mode on-premises only"},
		{"hybrid internal", Policy{Mode: Hybrid}, []Data{data(event.IsInternal)}, "plan", "eu odd here", "mode hybrid"},
		{"hybrid confidential", Policy{Mode: Hybrid}, []Data{data(event.IsConfidential)}, "plan", "here", "confidential"},
		{"cloud confidential", Policy{Mode: Cloud}, []Data{data(event.IsConfidential)}, "plan", "eu odd here", "mode cloud"},
		{"cloud restricted", Policy{Mode: Cloud}, []Data{data(event.IsPublic), data(event.IsRestricted)}, "plan", "here", "restricted"},
		{"terms", Policy{Mode: Cloud, Require: strict}, []Data{data(event.IsPublic)}, "plan", "eu odd here", "mode cloud"},
		{"zone elsewhere", Policy{Mode: Cloud, Rules: []Rule{safety}}, []Data{data(event.IsPublic)}, "plan", "eu odd here", "mode cloud"},
		{"zone", Policy{Mode: Cloud, Rules: []Rule{safety}}, []Data{{Label: data(event.IsPublic).Label, Zone: "safety"}}, "plan", "here", "rule safety stays"},
		{"zone not known", Policy{Mode: Cloud, Rules: []Rule{safety}}, []Data{{Label: data(event.IsPublic).Label}}, "plan", "here", "rule safety stays"},
		{"typed by a person", Policy{Mode: Cloud, Rules: []Rule{safety}}, []Data{{Label: data(event.IsPublic).Label, Placeless: true}}, "plan", "eu odd here", "mode cloud"},
		{"rule of nonsense", Policy{Mode: Cloud, Rules: []Rule{{Highest: "everywhere"}}}, []Data{data(event.IsPublic)}, "plan", "", "rule number 1"},
		{"task", Policy{Mode: Cloud, Rules: []Rule{{Name: "no words", Tasks: []string{"narrate"}, Highest: model.BuiltIn}}}, nil, "narrate", "", "rule no words"},
		{"other task", Policy{Mode: Cloud, Rules: []Rule{{Name: "no words", Tasks: []string{"narrate"}, Highest: model.BuiltIn}}}, nil, "plan", "eu odd here", "mode cloud"},
		{"amber+strict", Policy{Mode: Cloud}, []Data{{Label: data(event.IsPublic).Label, TLP: "amber+strict"}}, "plan", "here", "amber+strict"},
		{"red", Policy{Mode: Cloud}, []Data{{Label: data(event.IsPublic).Label, TLP: "TLP:RED"}}, "plan", "here", "restricted"},
		{"a mark of nonsense", Policy{Mode: Cloud}, []Data{{Label: data(event.IsPublic).Label, TLP: "mauve"}}, "plan", "here", "restricted"},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			d := tt.policy.Decide(Request{Task: tt.task, Data: tt.data, Before: Fresh()}, all)
			if got := names(d.Order); got != tt.order || !strings.Contains(d.Rule, tt.rule) {
				t.Errorf("order %q by %q, want %q by %q; refused %+v", got, d.Rule, tt.order, tt.rule, d.Refused)
			}
			if len(d.Order)+len(d.Refused) != 4 {
				t.Errorf("%d endpoints are accounted for, want 4: %+v", len(d.Order)+len(d.Refused), d)
			}
		})
	}
}

func TestTerms(t *testing.T) {
	strict := Require{Jurisdictions: []string{"EU", "CH"}, Operators: []string{"A"}, NoTraining: true, Retention: "7d", Contract: true}
	good := model.Terms{Operator: "a", Jurisdiction: "se", Retention: "12h", TrainsOnInput: "no", Contract: "x"}
	change := func(f func(*model.Terms)) model.Terms { t := good; f(&t); return t }
	tests := []struct {
		terms model.Terms
		want  string
	}{
		{good, ""},
		{change(func(t *model.Terms) { t.Jurisdiction = "EU" }), ""},
		{change(func(t *model.Terms) { t.Jurisdiction = "CH" }), ""},
		{change(func(t *model.Terms) { t.Jurisdiction = "" }), "jurisdiction is not known"},
		{change(func(t *model.Terms) { t.Jurisdiction = "GB" }), "jurisdiction is GB"},
		{change(func(t *model.Terms) { t.Jurisdiction = "E AT" }), "jurisdiction is E AT"},
		{change(func(t *model.Terms) { t.Operator = "" }), "operator"},
		{change(func(t *model.Terms) { t.TrainsOnInput = "" }), "is not known"},
		{change(func(t *model.Terms) { t.TrainsOnInput = "maybe" }), "it trains"},
		{change(func(t *model.Terms) { t.Retention = "" }), "is not known"},
		{change(func(t *model.Terms) { t.Retention = "a while" }), "cannot be read"},
		{change(func(t *model.Terms) { t.Retention = "8d" }), "keeps requests for 8d"},
		{change(func(t *model.Terms) { t.Contract = "" }), "agreement"},
	}
	for _, tt := range tests {
		if got := strict.Unmet(tt.terms); (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%+v: %q, want %q", tt.terms, got, tt.want)
		}
	}
	if got := (Require{Retention: "soon"}).Unmet(good); !strings.Contains(got, "cannot be read") {
		t.Errorf("a requirement of nonsense is met: %q", got)
	}
}

var (
	locations = []model.Location{model.BuiltIn, model.OnPremises, model.Cloud, "", "moon"}
	words     = []string{"", "a", "b", "c"}
	marks     = []string{"", "clear", "green", "amber", "amber+strict", "red", "odd"}
)

func drawData(t *rapid.T) Data {
	word := func(name string) string { return rapid.SampledFrom(words).Draw(t, name) }
	return Data{
		Label: event.Label{Integrity: event.Integrity(rapid.IntRange(0, 2).Draw(t, "integrity")), Confidentiality: event.Confidentiality(rapid.IntRange(0, 3).Draw(t, "confidentiality"))},
		Zone:  word("zone"), Type: word("type"), Source: word("source"), TLP: rapid.SampledFrom(marks).Draw(t, "tlp"),
		Placeless: rapid.Bool().Draw(t, "placeless"),
	}
}

func drawPolicy(t *rapid.T) Policy {
	list := func(from []string, name string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(from), 0, 2).Draw(t, name)
	}
	p := Policy{Mode: rapid.SampledFrom([]Mode{"", Off, OnPremises, Cloud, Hybrid, "odd"}).Draw(t, "mode")}
	for range rapid.IntRange(0, 3).Draw(t, "rules") {
		p.Rules = append(p.Rules, Rule{
			Zones: list(words, "zones"), Types: list(words, "types"), Sources: list(words, "sources"), TLP: list(marks, "marks"),
			Tasks: list([]string{"plan", "narrate"}, "tasks"), Highest: rapid.SampledFrom(locations).Draw(t, "highest"),
		})
	}
	p.Require.NoTraining = rapid.Bool().Draw(t, "no training")
	if rapid.Bool().Draw(t, "jurisdiction") {
		p.Require.Jurisdictions = []string{"EU"}
	}
	return p
}

func drawEndpoints(t *rapid.T) []model.Endpoint {
	out := make([]model.Endpoint, rapid.IntRange(0, 5).Draw(t, "endpoints"))
	for i := range out {
		out[i] = endpoint(string(rune('A'+i)), rapid.SampledFrom(locations).Draw(t, "at"), model.Terms{
			Operator: rapid.SampledFrom(words).Draw(t, "operator"), Jurisdiction: rapid.SampledFrom([]string{"", "DE", "US"}).Draw(t, "code"),
			TrainsOnInput: rapid.SampledFrom([]string{"", "yes", "no"}).Draw(t, "trains"),
		})
	}
	return out
}

func drawState(t *rapid.T) State {
	return State{Secrecy: event.Confidentiality(rapid.IntRange(0, 3).Draw(t, "before")), Highest: rapid.SampledFrom(locations).Draw(t, "ceiling")}
}

func drawRequest(t *rapid.T) Request {
	req := Request{Task: rapid.SampledFrom([]string{"plan", "narrate"}).Draw(t, "task"), Before: drawState(t)}
	for range rapid.IntRange(0, 4).Draw(t, "data") {
		req.Data = append(req.Data, drawData(t))
	}
	return req
}

// No policy, and no earlier state, lets restricted data reach a cloud.
func TestRestrictedNeverReachesCloud(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, endpoints, req := drawPolicy(t), drawEndpoints(t), drawRequest(t)
		d := drawData(t)
		if rapid.Bool().Draw(t, "by mark") {
			d.TLP = "red"
		} else {
			d.Label.Confidentiality = event.IsRestricted
		}
		req.Data = slices.Insert(req.Data, rapid.IntRange(0, len(req.Data)).Draw(t, "place"), d)
		for _, e := range p.Decide(req, endpoints).Order {
			if e.Location != model.OnPremises {
				t.Fatalf("restricted data may go to %+v", e)
			}
		}
	})
}

// More data, or a longer conversation, never opens an endpoint or a location.
func TestAddingDataNeverWidens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, endpoints, req := drawPolicy(t), drawEndpoints(t), drawRequest(t)
		before := p.Decide(req, endpoints)
		more := req
		more.Data = append(slices.Clone(req.Data), drawData(t))
		if rapid.Bool().Draw(t, "later turn") {
			more.Before = before.After
			more.Data = []Data{drawData(t)}
		}
		after := p.Decide(more, endpoints)
		if Exposure(after.Highest) > Exposure(before.Highest) || after.Label.Confidentiality > before.Label.Confidentiality {
			t.Fatalf("%+v became %+v", before, after)
		}
		for _, e := range after.Order {
			if Exposure(e.Location) > Exposure(before.Highest) {
				t.Fatalf("%s is offered, %s was the limit", e.Name, before.Highest)
			}
		}
	})
}

// Whoever goes on to the next endpoint after an error goes no further out, and
// tells no second operator in the cloud.
func TestAnErrorNeverWidens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawPolicy(t).Decide(drawRequest(t), drawEndpoints(t))
		for i := 1; i < len(d.Order); i++ {
			prev, next := d.Order[i-1], d.Order[i]
			if Exposure(next.Location) > Exposure(prev.Location) {
				t.Fatalf("%s (%s) comes after %s (%s)", next.Name, next.Location, prev.Name, prev.Location)
			}
			if next.Location == model.Cloud && (next.Terms.Operator == "" || next.Terms.Operator != prev.Terms.Operator) {
				t.Fatalf("operator %q comes after %q", next.Terms.Operator, prev.Terms.Operator)
			}
		}
		for _, r := range d.Refused {
			if r.Reason == "" {
				t.Fatalf("%s is refused without a reason", r.Endpoint)
			}
		}
	})
}
