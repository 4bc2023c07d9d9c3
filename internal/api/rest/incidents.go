package rest

import (
	"cmp"
	"net/http"
	"strconv"

	"vedette/internal/api"
	"vedette/internal/correlate"
	"vedette/internal/fault"
)

// incidentList is a page of incidents and what the devices in it are called.
type incidentList struct {
	Page[correlate.Incident]
	Names map[string]string `json:"names"` // by uid
}

func incidents(s *server, r *http.Request) (any, error) {
	status := r.URL.Query().Get("status")
	if status != "" && status != "open" && status != "all" {
		return nil, fault.New(fault.Invalid, "status is %.20q", status).WithHint("open or all")
	}
	offset, limit, err := placeOf(r)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.IncidentPage(r.Context(), api.IncidentWish{All: status == "all", Assignee: r.URL.Query().Get("assignee"), Asks: person(r).Name, Offset: offset, Limit: limit})
	if err != nil {
		return nil, err
	}
	page := Page[correlate.Incident]{Rows: rows, Total: total}
	if end := offset + limit; end < total && len(rows) > 0 {
		page.Next = strconv.Itoa(end)
	}
	return incidentList{page, s.namesOf(r, page.Rows)}, nil
}

// namesOf names the devices of incidents.
func (s *server) namesOf(r *http.Request, rows []correlate.Incident) map[string]string {
	var uids []string
	for _, row := range rows {
		uids = append(uids, row.Devices...)
	}
	return s.DeviceNames(r.Context(), uids)
}

// incidentView is an incident in full and what its devices are called.
type incidentView struct {
	api.IncidentDetail
	Names map[string]string `json:"names"` // by uid
}

func incident(s *server, r *http.Request) (any, error) {
	d, err := s.Incident(r.Context(), r.PathValue("uid"))
	if err != nil {
		return nil, err
	}
	return s.viewOf(r, d), nil
}

// exportIncident gives an incident as a file: JSON, or Markdown for people.
func exportIncident(s *server, r *http.Request) (any, error) {
	f, err := s.ExportIncident(r.Context(), api.IncidentExport{Actor: person(r).Name, Incident: r.PathValue("uid"), Format: cmp.Or(r.URL.Query().Get("format"), "json")})
	return file{f.Name, f.Kind, f.Data}, err
}

func (s *server) viewOf(r *http.Request, d api.IncidentDetail) incidentView {
	uids := d.Devices
	for _, m := range d.Timeline {
		uids = append(uids, m.Source, m.Target)
	}
	return incidentView{d, s.DeviceNames(r.Context(), uids)}
}

// assignable lists whom an incident can be given to.
func assignable(s *server, r *http.Request) (any, error) {
	list, err := s.Assignable(r.Context())
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}
