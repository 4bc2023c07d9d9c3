package rest

import (
	"net/http"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/fault"
)

// remediationView is a task with its entity tag, which changes with what persons
// decide and with its state, not with each device that is seen.
type remediationView struct{ api.RemediationView }

func (v remediationView) tag() string { return tagOf([]any{v.UID, v.State, v.Changes}) }

func remediations(s *server, r *http.Request) (any, error) {
	ask := r.URL.Query()
	if ask.Get("format") == "csv" {
		return taskFile(s, r, "")
	}
	owner := meOf(ask.Get("owner"), r)
	list, err := s.Remediations(r.Context(), api.RemediationFilter{State: ask.Get("state"), Owner: owner, Subject: ask.Get("subject"), Text: ask.Get("q"), Zones: person(r).Zones})
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}

func remediation(s *server, r *http.Request) (any, error) {
	v, err := s.Remediation(r.Context(), r.PathValue("uid"), person(r).Zones)
	return remediationView{v}, err
}

func remediationTicket(s *server, r *http.Request) (any, error) {
	if _, err := s.Remediation(r.Context(), r.PathValue("uid"), person(r).Zones); err != nil {
		return nil, err
	}
	return taskFile(s, r, r.PathValue("uid"))
}

// taskFile is a ticket, or all tasks as a file, once it is on record who took it.
func taskFile(s *server, r *http.Request, uid string) (any, error) {
	f, err := s.ExportRemediations(r.Context(), uid, person(r).Zones)
	if err != nil {
		return nil, err
	}
	if err := s.RecordRead(r.Context(), api.ReadCall{Person: person(r).Name, Door: "rest", Tool: f.Name, Bytes: len(f.Data)}); err != nil {
		return nil, err
	}
	return fileOf(f), nil
}

// meOf puts the name of who asks for me.
func meOf(owner string, r *http.Request) string {
	if owner == "me" {
		return person(r).Name
	}
	return owner
}

func openRemediation(s *server, r *http.Request) (any, error) {
	var o api.RemediationOpen
	if err := decode(r, &o); err != nil {
		return nil, err
	}
	if o.Actor != "" {
		return nil, fault.New(fault.Invalid, "who opens it is known: leave actor out")
	}
	o.Actor, o.Zones, o.Owner = person(r).Name, person(r).Zones, meOf(o.Owner, r)
	v, err := s.OpenRemediation(r.Context(), o)
	return remediationView{v}, err
}

func decideRemediation(s *server, r *http.Request) (any, error) {
	var d api.RemediationDecision
	if err := decode(r, &d); err != nil {
		return nil, err
	}
	if d.Actor != "" || d.UID != "" || d.Order.By != "" {
		return nil, fault.New(fault.Invalid, "who decides, and on what, is known: leave actor, uid and by out")
	}
	d.Actor, d.UID, d.Zones = person(r).Name, r.PathValue("uid"), person(r).Zones
	if d.Order.Owner != nil {
		*d.Order.Owner = meOf(*d.Order.Owner, r)
	}
	if r.Header.Get("If-Match") != "" {
		now, err := s.Remediation(r.Context(), d.UID, d.Zones)
		if err != nil {
			return nil, err
		}
		if err := matchesTag(r, remediationView{now}.tag()); err != nil {
			return nil, err
		}
	}
	v, err := s.DecideRemediation(r.Context(), d)
	return remediationView{v}, err
}

func firmware(s *server, r *http.Request) (any, error) {
	d, err := visible(s, r)
	if err != nil {
		return nil, err
	}
	return whole(append([]asset.Run{}, d.Firmware...)), nil
}
