package rest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/correlate"
	"vedette/internal/event"
	"vedette/internal/ingest"
	"vedette/internal/store"
)

// How much the first page shows of each.
const (
	nowIncidents = 12
	nowDevices   = 10
	nowLatest    = 12
	nowRoutine   = 5
	newFor       = 24 * time.Hour
)

// overview is what needs a person now.
type overview struct {
	Stored     api.Overview         `json:"stored"`
	Now        time.Time            `json:"now"`
	Incidents  []correlate.Incident `json:"incidents"` // open, the gravest first; those of low severity or less only where there are no others
	Open       int                  `json:"open"`      // how many there are
	ByLevel    map[string]int       `json:"by_level"`  // of them
	Routine    []routine            `json:"routine"`   // kinds of those of low severity or less, the most frequent first; none where they are among the incidents
	Names      map[string]string    `json:"names"`     // of their devices
	NewDevices []deviceRow          `json:"new_devices"`
	NewCount   int                  `json:"new_count"`
	Sources    []ingest.Status      `json:"sources"`
	Conditions []api.Condition      `json:"conditions"`
	Latest     []api.Happening      `json:"latest"` // newest events in short
}

// now tells what needs a person. New devices are those first seen in the last 24
// hours before the newest event that nobody has approved; those that were there
// from the very first hour of all that is stored are not new.
func now(s *server, r *http.Request) (any, error) {
	out := overview{Now: s.about.Now().UTC(), Conditions: s.Health(r.Context())}
	var err error
	if out.Stored, err = s.Status(r.Context()); err != nil {
		return nil, err
	}
	list, err := s.Incidents(r.Context(), false)
	if err != nil {
		return nil, err
	}
	out.sum(list)
	out.Names = s.namesOf(r, out.Incidents)
	if out.Sources = []ingest.Status{}; len(person(r).Zones) == 0 { // a source is of the whole site
		if out.Sources, err = s.Sources(r.Context()); err != nil {
			return nil, err
		}
	}
	if out.Latest, err = s.Latest(r.Context(), nowLatest); err != nil {
		return nil, err
	}
	out.NewDevices, out.NewCount, err = newDevices(s, r, out.Stored)
	return out, err
}

// routine is what open incidents of low severity have in common that are of one rule
// alone; the rule is "" for those of several.
type routine struct {
	Rule  string `json:"rule"`
	Title string `json:"title"`
	Count int    `json:"count"`
}

// sum puts what is grave on the page, and adds up the rest, which would hide it.
func (o *overview) sum(list []correlate.Incident) {
	o.Open, o.ByLevel, o.Routine = len(list), map[string]int{}, []routine{}
	grave := 0 // the gravest are first
	kinds := map[string]*routine{}
	for i := range list {
		o.ByLevel[list[i].Level]++
		if list[i].Severity > event.Low {
			grave++
			continue
		}
		var k routine
		if f := &list[i].Findings; len(f.Rules) == 1 && f.MoreRules == 0 {
			k = routine{Rule: f.Rules[0].Rule, Title: f.Rules[0].Title}
		}
		if kinds[k.Rule] == nil {
			kinds[k.Rule] = &k
		}
		kinds[k.Rule].Count++
	}
	if grave == 0 {
		o.Incidents = list[:min(nowIncidents, len(list))]
		return
	}
	o.Incidents = list[:min(nowIncidents, grave)]
	for _, k := range kinds {
		o.Routine = append(o.Routine, *k)
	}
	slices.SortFunc(o.Routine, func(a, b routine) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Rule, b.Rule)) })
	o.Routine = o.Routine[:min(nowRoutine, len(o.Routine))]
}

func newDevices(s *server, r *http.Request, stored api.Overview) ([]deviceRow, int, error) {
	since := stored.Newest.Add(-newFor)
	if begin := stored.Oldest.Add(time.Hour); begin.After(since) {
		since = begin
	}
	view, err := s.fleet.view(r.Context(), s.Service, wish{
		key: "new since " + since.Truncate(time.Minute).String(), order: ordering{at: func(d *store.Device) time.Time { return d.FirstSeen }, down: true},
		keep: func(d *store.Device) bool { return d.FirstSeen.After(since) && d.State != "approved" },
	})
	if err != nil {
		return nil, 0, err
	}
	found := view.rows
	out := []deviceRow{}
	for _, row := range found[:min(nowDevices, len(found))] {
		out = append(out, shown(*row))
	}
	return out, len(found), nil
}

func oneEvent(s *server, r *http.Request) (any, error) {
	at, err := timeOf(r, "at")
	if err != nil {
		return nil, err
	}
	e, err := s.Event(r.Context(), r.PathValue("uid"), at)
	if err != nil {
		return nil, err
	}
	return eventView{e}, nil
}

// eventView is one event: the fields that have a value, by their names.
type eventView struct {
	Event map[string]any `json:"event"`
}

// fieldRow is one field that queries know.
type fieldRow struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	Aliases []string `json:"aliases"`
	Doc     string   `json:"doc"`
}

func fields(_ *server, _ *http.Request) (any, error) {
	all := event.Fields()
	out := Page[fieldRow]{Rows: make([]fieldRow, len(all)), Total: len(all)}
	for i, f := range all {
		out.Rows[i] = fieldRow{f.Name, f.Kind.String(), f.Aliases, f.Doc}
	}
	return out, nil
}

// health answers whoever asks: names and states of conditions, no data.
func health(s Service) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		list := s.Health(r.Context())
		worst, status := api.Good, http.StatusOK
		for _, one := range list {
			if one.State == api.Failed || one.State == api.Starting && worst == api.Good {
				worst, status = one.State, http.StatusServiceUnavailable
			}
		}
		write(w, status, map[string]any{"status": worst, "conditions": list})
	}
}

// Healthz is the handler of /healthz, which needs no account. 200 says that all
// conditions are ok, 503 that one is not.
func Healthz(s Service) http.Handler { return health(s) }

// severityOf reads a least severity by number or word.
func severityOf(text string) event.Severity {
	for n := event.Severity(1); n <= 6; n++ {
		if strings.EqualFold(n.String(), text) {
			return n
		}
	}
	return 0
}
