package rest

import (
	"compress/gzip"
	"encoding/json"
	"io"
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
	"vedette/internal/ingest/bulk"
	"vedette/internal/store"
	"vedette/internal/vuln/remedy"
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

// Page is a part of a list.
type Page[T any] struct {
	Rows  []T    `json:"rows"`
	Total int    `json:"total"`
	Next  string `json:"next,omitempty"` // cursor of the next page; absent at the end
}

// pageOf cuts the page that a request asks for. key is what a row is known by:
// rows must be in its order, and a cursor is the last key that was shown, so that
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

func vulns(s *server, r *http.Request) (any, error) {
	offset, limit, err := placeOf(r)
	if err != nil {
		return nil, err
	}
	ask := r.URL.Query()
	list, err := s.ListVulns(r.Context(), api.VulnFilter{ID: ask.Get("id"), Subject: ask.Get("subject"), Status: ask.Get("status"), Decision: ask.Get("decision"), Offset: offset, Limit: limit})
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

// placeOf reads the cursor and size of a page of rows whose order tells
// something; the cursor is the place of the first row.
func placeOf(r *http.Request) (offset, limit int, err error) {
	offset, limit = 0, pageRows
	for name, into := range map[string]*int{"cursor": &offset, "limit": &limit} {
		if text := r.URL.Query().Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || name == "limit" && (n < 1 || n > maxRows) {
				return 0, 0, fault.New(fault.Invalid, "%s is %.20q", name, text).WithHint("limit: 1 to %d; cursor: what the page before gave as next", maxRows)
			}
			*into = n
		}
	}
	return offset, limit, nil
}

// pageAt cuts a page at the place that a request asks for.
func pageAt[T any](r *http.Request, list []T) (Page[T], error) {
	offset, limit, err := placeOf(r)
	if err != nil {
		return Page[T]{}, err
	}
	start := min(offset, len(list))
	end := min(start+limit, len(list))
	out := Page[T]{Rows: slices.Clone(list[start:end]), Total: len(list)}
	if out.Rows == nil {
		out.Rows = []T{}
	}
	if end < len(list) {
		out.Next = strconv.Itoa(end)
	}
	return out, nil
}

func vuln(s *server, r *http.Request) (any, error) { return s.ShowVuln(r.Context(), r.PathValue("id")) }

func vulnPlan(s *server, r *http.Request) (any, error) {
	ask := r.URL.Query()
	list, err := s.PlanVulns(r.Context(), api.VulnFilter{ID: ask.Get("id"), Subject: ask.Get("subject"), Decision: ask.Get("decision")})
	if err != nil {
		return nil, err
	}
	var subjects []string
	for i := range list {
		subjects = append(subjects, list[i].Subjects...)
	}
	return named[remedy.Action]{whole(list), s.subjectNames(r, subjects)}, nil
}

func sources(s *server, r *http.Request) (any, error) {
	list, err := s.Sources(r.Context())
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}

// take reads a file or log as vedette ingest does. The answer comes when all of
// it is stored; the same bytes again store nothing new.
func take(s *server, r *http.Request) (any, error) {
	v := r.URL.Query()
	name := v.Get("name")
	if name == "" {
		name = "upload of " + person(r).Name
	}
	return s.IngestStream(r.Context(), http.MaxBytesReader(nil, r.Body, maxIngest), name, v.Get("format"), time.Time{})
}

// maxKey is the longest idempotency key.
const maxKey = 128

// push puts the lines of a body into the spool, and answers when they survive a
// kill. Header Idempotency-Key: the same body with the same key is stored once.
// Content-Encoding: gzip is understood. 429 says that the spool is full.
func push(s *server, r *http.Request) (any, error) {
	from := bulk.Sender{Peer: person(r).ID, Format: r.URL.Query().Get("format"), Key: r.Header.Get("Idempotency-Key")}
	if len(from.Key) > maxKey {
		return nil, fault.New(fault.Invalid, "the idempotency key has %d bytes", len(from.Key)).WithHint("at most %d", maxKey)
	}
	body, err := unzipped(r, maxIngest)
	if err != nil {
		return nil, err
	}
	return s.TakeBulk(r.Context(), body, from)
}

// unzipped is a body of at most so many bytes, as it is and as it unfolds.
func unzipped(r *http.Request, most int64) (io.Reader, error) {
	body := http.MaxBytesReader(nil, r.Body, most)
	switch kind := r.Header.Get("Content-Encoding"); kind {
	case "", "identity":
		return body, nil
	case "gzip":
		zip, err := gzip.NewReader(body)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "the body is not gzip")
		}
		return http.MaxBytesReader(nil, zip, most), nil
	default:
		return nil, fault.New(fault.Invalid, "bodies of encoding %.40q are not understood", kind).WithHint("send them plain or as gzip")
	}
}
