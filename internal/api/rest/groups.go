package rest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/vuln/vex"
)

// groupsPage is a page of groups and the sum of all of them.
type groupsPage struct {
	Page[api.VulnGroup]
	Affected     api.DecisionCounts `json:"affected"`
	Undetermined api.DecisionCounts `json:"undetermined"`
}

func vulnGroups(s *server, r *http.Request) (any, error) {
	offset, limit, err := placeOf(r)
	if err != nil {
		return nil, err
	}
	ask := r.URL.Query()
	f := api.GroupFilter{By: ask.Get("by"), Status: ask.Get("status"), Decision: ask.Get("decision"), Text: ask.Get("q"), Offset: offset, Limit: limit}
	format := ask.Get("format")
	switch format {
	case "":
	case "csv", "json":
		f.Offset, f.Limit, f.Actor = 0, 0, person(r).Name
	default:
		return nil, fault.New(fault.Invalid, "there is no format %.20q of this list", format).WithHint("csv or json")
	}
	got, err := s.GroupVulns(r.Context(), f)
	switch {
	case err != nil:
		return nil, err
	case format == "csv":
		return groupsCSV(f.By, got.Rows), nil
	case format == "json":
		data, err := json.MarshalIndent(got, "", "  ")
		return file{"vedette-vulnerabilities-by-" + f.By + ".json", "application/json", data}, err
	}
	out := groupsPage{whole(got.Rows), got.Affected, got.Undetermined}
	out.Total, out.Next = got.Total, nextOf(offset, len(got.Rows), got.Total)
	return out, nil
}

// nextOf is the cursor behind a page, or "" at the end.
func nextOf(offset, rows, total int) string {
	if end := offset + rows; end < total && rows > 0 {
		return strconv.Itoa(end)
	}
	return ""
}

func groupsCSV(by string, rows []api.VulnGroup) file {
	head := []string{by, "label", "note", "decision", "status", "act", "attend", "track*", "track", "undetermined_act", "undetermined_attend", "undetermined_track*", "undetermined_track", "devices"}
	lines := make([][]string, len(rows))
	for i := range rows {
		g := &rows[i]
		line := []string{g.Key, g.Label, g.Note, g.Decision, g.Status}
		for _, c := range []api.DecisionCounts{g.Affected, g.Undetermined} {
			line = append(line, strconv.Itoa(c.Act), strconv.Itoa(c.Attend), strconv.Itoa(c.Close), strconv.Itoa(c.Track))
		}
		lines[i] = append(line, strconv.Itoa(g.Devices))
	}
	return fileOf(api.CSV("vedette-vulnerabilities-by-"+by, head, lines))
}

func statements(s *server, r *http.Request) (any, error) {
	list, err := s.StatedVulns(r.Context(), r.URL.Query().Get("all") == "1")
	if err != nil {
		return nil, err
	}
	if id := r.URL.Query().Get("id"); id != "" {
		list = slices.DeleteFunc(slices.Clone(list), func(v vex.Statement) bool { return !strings.EqualFold(v.Vulnerability, id) })
	}
	list = slices.Clone(list)
	slices.Reverse(list)
	return pageAt(r, list)
}

func state(s *server, r *http.Request) (any, error) {
	var req api.VexRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	if req.Actor != "" || req.By != "" || !req.At.IsZero() {
		return nil, fault.New(fault.Invalid, "who states it, and when, is known: leave actor, by and at out")
	}
	req.Actor = person(r).Name
	return s.StateVuln(r.Context(), req)
}

// deviceVulns is of a device that who asks may see.
func deviceVulns(s *server, r *http.Request) (any, error) {
	d, err := visible(s, r)
	if err != nil {
		return nil, err
	}
	offset, limit, err := placeOf(r)
	if err != nil {
		return nil, err
	}
	ask := r.URL.Query()
	list, err := s.ListVulns(r.Context(), api.VulnFilter{Subject: "device:" + d.UID, Status: ask.Get("status"), Decision: ask.Get("decision"), Offset: offset, Limit: limit})
	if err != nil {
		return nil, err
	}
	out := whole(list.Rows)
	out.Total, out.Next = list.Total, nextOf(offset, len(list.Rows), list.Total)
	return out, nil
}
