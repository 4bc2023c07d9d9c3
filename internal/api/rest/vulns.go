package rest

import (
	"net/http"
	"strconv"
	"strings"

	"vedette/internal/api"
)

func vulns(s *server, r *http.Request) (any, error) {
	offset, limit, err := placeOf(r)
	if err != nil {
		return nil, err
	}
	ask := r.URL.Query()
	list, err := s.ListVulns(r.Context(), api.VulnFilter{ID: ask.Get("id"), Subject: ask.Get("subject"), Part: ask.Get("component"), Status: ask.Get("status"), Decision: ask.Get("decision"), Offset: offset, Limit: limit})
	if err != nil {
		return nil, err
	}
	out := whole(list.Rows)
	out.Total = list.Total
	if end := offset + len(list.Rows); end < list.Total && len(list.Rows) > 0 {
		out.Next = strconv.Itoa(end)
	}
	subjects := make([]string, len(list.Rows))
	for i := range list.Rows {
		subjects[i] = list.Rows[i].Subject
	}
	return named[api.VulnRow]{out, s.subjectNames(r, subjects)}, nil
}

// named is a page and what the devices in it are called.
type named[T any] struct {
	Page[T]
	Names map[string]string `json:"names"` // by subject, such as device:UID
}

// subjectNames names the subjects that are devices.
func (s *server) subjectNames(r *http.Request, subjects []string) map[string]string {
	const kind = "device:"
	var uids []string
	for _, one := range subjects {
		if uid, ok := strings.CutPrefix(one, kind); ok {
			uids = append(uids, uid)
		}
	}
	out := map[string]string{}
	for uid, name := range s.DeviceNames(r.Context(), uids) {
		out[kind+uid] = name
	}
	return out
}

func vuln(s *server, r *http.Request) (any, error) { return s.ShowVuln(r.Context(), r.PathValue("id")) }
