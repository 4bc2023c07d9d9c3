package rest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/authz"
	"vedette/internal/copilot"
	"vedette/internal/fault"
	"vedette/internal/store"
)

// person is who asks, for the journal; a guard has named one.
func person(r *http.Request) authz.Principal {
	p, _ := authz.From(r.Context())
	return p
}

func me(_ Service, r *http.Request) (any, error) {
	p := person(r)
	return map[string]any{"id": p.ID, "name": p.Name, "kind": p.Kind, "roles": p.Roles, "zones": p.Zones, "scope": p.Scope}, nil
}

func ask(s Service, r *http.Request) (any, error) {
	var q struct {
		Question string    `json:"question"`
		Follow   string    `json:"follow"`
		Now      time.Time `json:"now"`
	}
	if err := decode(r, &q); err != nil {
		return nil, err
	}
	if strings.TrimSpace(q.Question) == "" || len(q.Question) > 2000 {
		return nil, fault.New(fault.Invalid, "a question has 1 to 2000 bytes")
	}
	if q.Now.IsZero() {
		q.Now = time.Now()
	}
	return s.Ask(r.Context(), copilot.Request{Question: q.Question, Follow: q.Follow, Now: q.Now, Person: person(r).Name})
}

func query(s Service, r *http.Request) (any, error) {
	var q struct {
		Query json.RawMessage `json:"query"` // text, or the typed query
		Now   time.Time       `json:"now"`
	}
	if err := decode(r, &q); err != nil {
		return nil, err
	}
	text := string(q.Query)
	if len(q.Query) > 0 && q.Query[0] == '"' {
		if err := json.Unmarshal(q.Query, &text); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading the query")
		}
	}
	if q.Now.IsZero() {
		q.Now = time.Now()
	}
	return s.Query(r.Context(), text, q.Now)
}

// Page is a part of a list.
type Page[T any] struct {
	Rows  []T    `json:"rows"`
	Total int    `json:"total"`
	Next  string `json:"next,omitempty"` // cursor of the next page; absent at the end
}

// pageOf cuts the page that a request asks for. key is what a row is known by:
// rows are in its order, and a cursor is the last key that was shown, so that
// rows that come or go meanwhile neither repeat nor hide others.
func pageOf[T any](r *http.Request, rows []T, key func(T) string) (Page[T], error) {
	limit := pageRows
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxRows {
			return Page[T]{}, fault.New(fault.Invalid, "limit is %.20q", text).WithHint("1 to %d", maxRows)
		}
		limit = n
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	out := Page[T]{Rows: []T{}, Total: len(rows)}
	start := 0
	if after := r.URL.Query().Get("cursor"); after != "" {
		start, _ = slices.BinarySearchFunc(rows, after, func(row T, after string) int {
			if key(row) <= after {
				return -1
			}
			return 1
		})
	}
	end := min(start+limit, len(rows))
	if out.Rows = append(out.Rows, rows[start:end]...); end < len(rows) {
		out.Next = key(rows[end-1])
	}
	return out, nil
}

// sees reports whether who asks may see a device of the zone.
func sees(p authz.Principal, zone string) bool {
	return len(p.Zones) == 0 || slices.Contains(p.Zones, zone)
}

func devices(s Service, r *http.Request) (any, error) {
	list, err := s.Devices(r.Context())
	if err != nil {
		return nil, err
	}
	p, v := person(r), r.URL.Query()
	rows := make([]store.Device, 0, len(list))
	for i := range list {
		row := list[i].Row()
		if sees(p, row.Zone) && matches(v["type"], row.Type) && matches(v["zone"], row.Zone) && matches(v["vendor"], row.Vendor) && matches(v["criticality"], row.Criticality) && matches(v["state"], row.State) {
			rows = append(rows, row)
		}
	}
	page, err := pageOf(r, rows, func(d store.Device) string { return d.UID })
	if err != nil {
		return nil, err
	}
	out := Page[map[string]any]{Rows: make([]map[string]any, len(page.Rows)), Total: page.Total, Next: page.Next}
	for i, row := range page.Rows {
		out.Rows[i] = shown(row)
	}
	return out, nil
}

func matches(wanted []string, value string) bool {
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(w, value) })
}

// shown is a device as lists have it.
func shown(d store.Device) map[string]any {
	return map[string]any{
		"uid": d.UID, "name": d.Name, "type": d.Type, "vendor": d.Vendor, "model": d.Model, "firmware": d.Firmware, "ips": d.IPs, "macs": d.MACs, "zone": d.Zone,
		"level": d.Level, "criticality": d.Criticality, "state": d.State, "first_seen": d.FirstSeen, "last_seen": d.LastSeen,
	}
}

// visible finds a device that who asks may see; any other is not found, so that
// nobody learns what other zones have.
func visible(s Service, r *http.Request) (asset.Device, error) {
	d, err := s.FindDevice(r.Context(), r.PathValue("uid"))
	if err == nil && !sees(person(r), d.Row().Zone) {
		return asset.Device{}, fault.New(fault.NotFound, "there is no device %.100q", r.PathValue("uid"))
	}
	return d, err
}

func device(s Service, r *http.Request) (any, error) {
	d, err := visible(s, r)
	if err != nil {
		return nil, err
	}
	return map[string]any{"device": shown(d.Row()), "attributes": d.Attributes, "hostnames": d.Hostnames, "addresses": d.Bindings, "changes": d.Changes, "evidence": d.Evidence}, nil
}

func setDevice(s Service, r *http.Request) (any, error) {
	var set map[string]string
	if err := decode(r, &set); err != nil {
		return nil, err
	}
	d, err := visible(s, r)
	if err != nil {
		return nil, err
	}
	if _, moves := set["zone"]; moves && len(person(r).Zones) > 0 {
		return nil, fault.New(fault.Denied, "moving a device to another zone is not for an account that is limited to zones")
	}
	if len(set) != 1 { // one decision, one entry of the journal, all or nothing
		return nil, fault.New(fault.Invalid, "one attribute is changed at a time, not %d", len(set))
	}
	for key, value := range set {
		if d, err = s.SetDevice(r.Context(), person(r).Name, d.UID, key, value); err != nil {
			return nil, err
		}
	}
	return shown(d.Row()), nil
}

func incidents(s Service, r *http.Request) (any, error) {
	status := r.URL.Query().Get("status")
	if status != "" && status != "open" && status != "all" {
		return nil, fault.New(fault.Invalid, "status is %.20q", status).WithHint("open or all")
	}
	list, err := s.Incidents(r.Context(), status == "all")
	if err != nil {
		return nil, err
	}
	return Page[any]{Rows: anyOf(list), Total: len(list)}, nil
}

func anyOf[T any](list []T) []any {
	out := make([]any, len(list))
	for i := range list {
		out[i] = list[i]
	}
	return out
}

func incident(s Service, r *http.Request) (any, error) {
	return s.Incident(r.Context(), r.PathValue("uid"))
}

func decide(s Service, r *http.Request) (any, error) {
	var d api.IncidentDecision
	if err := decode(r, &d); err != nil {
		return nil, err
	}
	if d.Actor != "" || d.Incident != "" {
		return nil, fault.New(fault.Invalid, "who decides, and on what, is known: leave actor and incident out")
	}
	d.Actor, d.Incident = person(r).Name, r.PathValue("uid")
	return s.DecideIncident(r.Context(), d)
}

func vulns(s Service, r *http.Request) (any, error) {
	offset, limit := 0, pageRows
	for name, into := range map[string]*int{"cursor": &offset, "limit": &limit} {
		if text := r.URL.Query().Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || name == "limit" && (n < 1 || n > maxRows) {
				return nil, fault.New(fault.Invalid, "%s is %.20q", name, text).WithHint("limit: 1 to %d; cursor: what the page before gave as next", maxRows)
			}
			*into = n
		}
	}
	ask := r.URL.Query()
	list, err := s.ListVulns(r.Context(), api.VulnFilter{ID: ask.Get("id"), Subject: ask.Get("subject"), Status: ask.Get("status"), Decision: ask.Get("decision"), Offset: offset, Limit: limit})
	if err != nil {
		return nil, err
	}
	out := Page[any]{Rows: anyOf(list.Rows), Total: list.Total}
	if end := offset + len(list.Rows); end < list.Total && len(list.Rows) > 0 {
		out.Next = strconv.Itoa(end)
	}
	return out, nil
}

func vulnPlan(s Service, r *http.Request) (any, error) {
	ask := r.URL.Query()
	list, err := s.PlanVulns(r.Context(), api.VulnFilter{ID: ask.Get("id"), Subject: ask.Get("subject"), Decision: ask.Get("decision")})
	if err != nil {
		return nil, err
	}
	return Page[any]{Rows: anyOf(list), Total: len(list)}, nil
}

func vuln(s Service, r *http.Request) (any, error) { return s.ShowVuln(r.Context(), r.PathValue("id")) }

func sources(s Service, r *http.Request) (any, error) {
	list, err := s.Sources(r.Context())
	if err != nil {
		return nil, err
	}
	return Page[any]{Rows: anyOf(list), Total: len(list)}, nil
}

// take reads a file or log as vedette ingest does. The answer comes when all of
// it is stored; the same bytes again store nothing new.
func take(s Service, r *http.Request) (any, error) {
	v := r.URL.Query()
	name := v.Get("name")
	if name == "" {
		name = "upload of " + person(r).Name
	}
	return s.IngestStream(r.Context(), http.MaxBytesReader(nil, r.Body, maxIngest), name, v.Get("format"), time.Time{})
}
