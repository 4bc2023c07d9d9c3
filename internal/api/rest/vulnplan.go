package rest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/vuln/priority"
	"vedette/internal/vuln/remedy"
)

// planPage is a page of what there is to do, with how much there is of each decision.
type planPage struct {
	named[remedy.Action]
	Counts map[string]int `json:"counts"` // by decision, whichever is asked for
}

// planNames is how many devices of an action are told in a page; how many there are
// is in it.
const planNames = 100

// vulnPlan gives the plan: all of it, or, with limit, cursor or format, a page or a
// file, found by text.
func vulnPlan(s *server, r *http.Request) (any, error) {
	ask := r.URL.Query()
	list, err := s.PlanVulns(r.Context(), api.VulnFilter{ID: ask.Get("id"), Subject: ask.Get("subject")})
	if err != nil {
		return nil, err
	}
	decision := ask.Get("decision")
	if decision != "" && !slices.Contains(priority.Decisions(), decision) {
		return nil, fault.New(fault.Invalid, "the decision is %.40q", decision).WithHint("one of %s", strings.Join(priority.Decisions(), ", "))
	}
	if text := strings.ToLower(ask.Get("q")); text != "" {
		list = s.planAbout(r, list, text)
	}
	out := planPage{Counts: map[string]int{}}
	for _, a := range list {
		out.Counts[a.Decision]++
	}
	list = slices.DeleteFunc(list, func(a remedy.Action) bool { return decision != "" && a.Decision != decision })
	if ask.Get("format") == "csv" {
		return s.planFile(r, list)
	}
	if out.Page = whole(list); ask.Has("limit") || ask.Has("cursor") {
		if out.Page, err = pageAt(r, list); err != nil {
			return nil, err
		}
		for i := range out.Rows {
			out.Rows[i].Subjects = out.Rows[i].Subjects[:min(len(out.Rows[i].Subjects), planNames)]
		}
	}
	var subjects []string
	for i := range out.Rows {
		subjects = append(subjects, out.Rows[i].Subjects...)
	}
	out.Names = s.subjectNames(r, subjects)
	return out, nil
}

// planAbout keeps the actions in which a text is: what to do, for what, or on what.
func (s *server) planAbout(r *http.Request, list []remedy.Action, text string) []remedy.Action {
	var subjects []string
	for i := range list {
		subjects = append(subjects, list[i].Subjects...)
	}
	names := s.subjectNames(r, subjects)
	in := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	return slices.DeleteFunc(list, func(a remedy.Action) bool {
		return !in(a.Text) && !in(a.Product) && !slices.ContainsFunc(a.Vulnerabilities, in) && !slices.ContainsFunc(a.Subjects, func(x string) bool { return in(cmp.Or(names[x], x)) })
	})
}

func (s *server) planFile(r *http.Request, list []remedy.Action) (any, error) {
	rows := make([][]string, len(list))
	for i := range list {
		a := &list[i]
		rows[i] = []string{a.Decision, a.Horizon, a.Text, a.Product, a.To, strconv.Itoa(a.Devices), strings.Join(a.Subjects, " "), strings.Join(a.Vulnerabilities, " ")}
	}
	f := api.CSV("vedette-plan", []string{"decision", "horizon", "text", "product", "to", "devices", "subjects", "vulnerabilities"}, rows)
	if err := s.RecordRead(r.Context(), api.ReadCall{Person: person(r).Name, Door: "rest", Tool: f.Name, Bytes: len(f.Data)}); err != nil {
		return nil, err
	}
	return fileOf(f), nil
}
