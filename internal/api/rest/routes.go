package rest

import (
	"encoding/json"
	"net/http"
	"slices"
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

// me tells who asks, what they may do, and what this server is.
func me(s *server, r *http.Request) (any, error) {
	p := person(r)
	return whoami{
		ID: p.ID, Name: p.Name, Kind: p.Kind, Roles: p.Roles, Zones: p.Zones, Scope: p.Scope, Actions: s.may.Allowed(p),
		Version: s.about.Version, Demo: s.about.Demo, Examples: s.about.Examples, Now: s.about.Now().UTC(),
	}, nil
}

// whoami is who asks, and what this server is.
type whoami struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Kind     string         `json:"kind"`
	Roles    []authz.Role   `json:"roles"`
	Zones    []string       `json:"zones"`
	Scope    []authz.Action `json:"scope"`
	Actions  []authz.Action `json:"actions"` // what may be done somewhere
	Version  string         `json:"version"`
	Demo     bool           `json:"demo"`
	Examples []string       `json:"examples"`
	Now      time.Time      `json:"now"`
}

// question is what is asked in plain words.
type question struct {
	Question string    `json:"question"`
	Follow   string    `json:"follow,omitempty"` // a conversation that it continues
	Now      time.Time `json:"now,omitzero"`     // what "today" refers to; absent: the clock
}

func ask(s *server, r *http.Request) (any, error) {
	var q question
	if err := decode(r, &q); err != nil {
		return nil, err
	}
	if strings.TrimSpace(q.Question) == "" || len(q.Question) > 2000 {
		return nil, fault.New(fault.Invalid, "a question has 1 to 2000 bytes")
	}
	if q.Now.IsZero() {
		q.Now = time.Now()
	}
	req := copilot.Request{Question: q.Question, Follow: q.Follow, Now: q.Now, Person: person(r).Name}
	if wantsStream(r) {
		return askStream(s, req), nil
	}
	return s.Ask(r.Context(), req)
}

// queryBody is a query as text or as the typed query.
type queryBody struct {
	Query json.RawMessage `json:"query"`
	Now   time.Time       `json:"now,omitzero"`
}

func query(s *server, r *http.Request) (any, error) {
	var q queryBody
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
	began := time.Now()
	t, err := s.Query(r.Context(), text, q.Now)
	if err != nil {
		return nil, err
	}
	return tableView{t.Columns, copilot.AppendRows(nil, t.Columns, t.Rows), t.Total, time.Since(began).Seconds()}, nil
}

// tableView is the result of a query as vedette query --output json gives it.
type tableView struct {
	Columns []string        `json:"columns"`
	Rows    json.RawMessage `json:"rows"`  // objects
	Total   int64           `json:"total"` // without the limit
	Seconds float64         `json:"seconds"`
}

// sees reports whether who asks may see a device of the zone.
func sees(p authz.Principal, zone string) bool {
	return len(p.Zones) == 0 || slices.Contains(p.Zones, zone)
}

func matches(wanted []string, value string) bool {
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(w, value) })
}

// deviceRow is a device as lists have it.
type deviceRow struct {
	UID         string    `json:"uid"`
	Name        string    `json:"name"`
	Type        string    `json:"type"`
	Vendor      string    `json:"vendor"`
	Model       string    `json:"model"`
	Firmware    string    `json:"firmware"`
	IPs         []string  `json:"ips"`
	MACs        []string  `json:"macs"`
	Zone        string    `json:"zone"`
	Level       string    `json:"level"`
	Criticality string    `json:"criticality"`
	State       string    `json:"state"`
	FirstSeen   time.Time `json:"first_seen"`
	LastSeen    time.Time `json:"last_seen"`
}

func shown(d store.Device) deviceRow {
	return deviceRow{
		UID: d.UID, Name: d.Name, Type: d.Type, Vendor: d.Vendor, Model: d.Model, Firmware: d.Firmware, IPs: d.IPs, MACs: d.MACs, Zone: d.Zone,
		Level: d.Level, Criticality: d.Criticality, State: d.State, FirstSeen: d.FirstSeen, LastSeen: d.LastSeen,
	}
}

// visible finds a device that who asks may see; any other is not found, so that
// nobody learns what other zones have.
func visible(s *server, r *http.Request) (asset.Device, error) {
	d, err := s.FindDevice(r.Context(), r.PathValue("uid"))
	if err == nil && !sees(person(r), d.Row().Zone) {
		return asset.Device{}, fault.New(fault.NotFound, "there is no device %.100q", r.PathValue("uid"))
	}
	return d, err
}

func device(s *server, r *http.Request) (any, error) {
	d, err := visible(s, r)
	if err != nil {
		return nil, err
	}
	return viewOfDevice(d), nil
}

func viewOfDevice(d asset.Device) deviceView {
	return deviceView{shown(d.Row()), d.Attributes, d.Hostnames, d.Bindings, d.Changes, d.Evidence}
}

// deviceView is a device with the reasons for what is believed of it.
type deviceView struct {
	Device     deviceRow                     `json:"device"`
	Attributes map[asset.Key]asset.Attribute `json:"attributes"`
	Hostnames  []string                      `json:"hostnames"`
	Addresses  []asset.Binding               `json:"addresses"` // over time
	Changes    []asset.Change                `json:"changes"`
	Evidence   []asset.Evidence              `json:"evidence"`
}

func setDevice(s *server, r *http.Request) (any, error) {
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
	if err := matchesTag(r, viewOfDevice(d).tag()); err != nil {
		return nil, err
	}
	for key, value := range set {
		if d, err = s.SetDevice(r.Context(), person(r).Name, d.UID, key, value); err != nil {
			return nil, err
		}
	}
	s.fleet.drop()
	return shown(d.Row()), nil
}

func decide(s *server, r *http.Request) (any, error) {
	var d api.IncidentDecision
	if err := decode(r, &d); err != nil {
		return nil, err
	}
	if d.Actor != "" || d.Incident != "" {
		return nil, fault.New(fault.Invalid, "who decides, and on what, is known: leave actor and incident out")
	}
	d.Actor, d.Incident = person(r).Name, r.PathValue("uid")
	if r.Header.Get("If-Match") != "" {
		now, err := s.Incident(r.Context(), d.Incident)
		if err != nil {
			return nil, err
		}
		if err := matchesTag(r, incidentView{IncidentDetail: now}.tag()); err != nil {
			return nil, err
		}
	}
	done, err := s.DecideIncident(r.Context(), d)
	if err != nil {
		return nil, err
	}
	return s.viewOf(r, done), nil
}

func sources(s *server, r *http.Request) (any, error) {
	list, err := s.Sources(r.Context())
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}
