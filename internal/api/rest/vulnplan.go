package rest

import (
	"net/http"
	"strconv"
	"strings"

	"vedette/internal/api"
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
	f := api.PlanFilter{ID: ask.Get("id"), Subject: ask.Get("subject"), Decision: ask.Get("decision"), Text: ask.Get("q")}
	paged := ask.Get("format") != "csv" && (ask.Has("limit") || ask.Has("cursor"))
	if paged {
		var err error
		if f.Offset, f.Limit, err = placeOf(r); err != nil {
			return nil, err
		}
		f.Names = planNames
	}
	plan, err := s.PlanVulns(r.Context(), f)
	if err != nil {
		return nil, err
	}
	if ask.Get("format") == "csv" {
		return s.planFile(r, plan.Rows)
	}
	out := planPage{Counts: plan.Counts}
	out.Page = whole(plan.Rows)
	if out.Total = plan.Total; paged {
		out.Next = nextOf(f.Offset, len(plan.Rows), plan.Total)
	}
	var subjects []string
	for i := range out.Rows {
		subjects = append(subjects, out.Rows[i].Subjects...)
	}
	out.Names = s.subjectNames(r, subjects)
	return out, nil
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
