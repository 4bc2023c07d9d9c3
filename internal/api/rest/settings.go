package rest

import (
	"net/http"
	"strconv"
	"strings"

	"vedette/internal/api"
	"vedette/internal/authz"
	"vedette/internal/fault"
)

// versionTag is the entity tag of what has a version of its own.
func versionTag(n int64) string { return `"v` + strconv.FormatInt(n, 10) + `"` }

// changeOf completes a change by who makes it and what they saw. The version is
// compared where the change is made, so that of two writers one is told.
func changeOf(r *http.Request, c *api.Change) error {
	if c.Actor != "" || c.Seen != nil {
		return fault.New(fault.Invalid, "who changes it is known: leave actor and seen out").WithHint("name the version that you saw by the header If-Match")
	}
	c.Actor = person(r).Name
	if len(c.Why) > maxWhy {
		return fault.New(fault.Invalid, "why is longer than %d bytes", maxWhy)
	}
	seen := strings.TrimSpace(r.Header.Get("If-Match"))
	if seen == "" || seen == "*" {
		return nil
	}
	text, ok := strings.CutPrefix(strings.Trim(seen, `"`), "v")
	n, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil {
		n = -1 // a tag that is none of ours matches nothing
	}
	c.Seen = &n
	return nil
}

// retentionView is how long events are kept.
type retentionView struct{ api.RetentionSettings }

func (v retentionView) tag() string { return versionTag(v.Version) }

func retention(s *server, r *http.Request) (any, error) {
	v, err := s.Retention(r.Context())
	return retentionView{v}, err
}

func setRetention(s *server, r *http.Request) (any, error) {
	var c api.RetentionChange
	if err := decode(r, &c); err != nil {
		return nil, err
	}
	if err := changeOf(r, &c.Change); err != nil {
		return nil, err
	}
	v, err := s.SetRetention(r.Context(), c)
	return retentionView{v}, err
}

// historyRows bounds the versions that are shown.
const historyRows = 500

func settingsHistory(s *server, r *http.Request) (any, error) {
	list, err := s.SettingsHistory(r.Context(), historyRows)
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}

func undoSettings(s *server, r *http.Request) (any, error) {
	var u api.SettingsUndo
	if err := decode(r, &u); err != nil {
		return nil, err
	}
	if err := changeOf(r, &u.Change); err != nil {
		return nil, err
	}
	out, err := s.UndoSettings(r.Context(), u)
	s.fleet.drop() // zones may be others
	return out, err
}

// sourceView is one source and where it is set.
type sourceView struct{ api.SourceView }

func (v sourceView) tag() string { return versionTag(v.Version) }

func configuredSources(s *server, r *http.Request) (any, error) {
	list, err := s.ConfiguredSources(r.Context())
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}

func configuredSource(s *server, r *http.Request) (any, error) {
	list, err := s.ConfiguredSources(r.Context())
	for _, v := range list {
		if v.Config.Name == r.PathValue("name") && v.Rests == "" {
			return sourceView{v}, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "there is no source %.100q", r.PathValue("name"))
	}
	return nil, err
}

func addSource(s *server, r *http.Request) (any, error) { return putSource(s, r, true) }

func replaceSource(s *server, r *http.Request) (any, error) { return putSource(s, r, false) }

func putSource(s *server, r *http.Request, isNew bool) (any, error) {
	var p api.SourcePut
	if err := decode(r, &p); err != nil {
		return nil, err
	}
	if err := changeOf(r, &p.Change); err != nil {
		return nil, err
	}
	if name := r.PathValue("name"); !isNew && p.Config.Name != name {
		return nil, fault.New(fault.Invalid, "the source is called %.100q there and %.100q here", name, p.Config.Name).WithHint("a name is for good: remove it and make another")
	}
	p.New = isNew
	v, err := s.PutSource(r.Context(), p)
	return sourceView{v}, err
}

// dropSource removes a source; why may stand in the query, since not all clients
// send a body.
func dropSource(s *server, r *http.Request) (any, error) {
	d := api.SourceDeed{Change: api.Change{Why: r.URL.Query().Get("why")}, Name: r.PathValue("name"), Do: "remove"}
	if err := changeOf(r, &d.Change); err != nil {
		return nil, err
	}
	if _, err := s.ChangeSource(r.Context(), d); err != nil {
		return nil, err
	}
	return done{"the source " + d.Name + " is removed"}, nil
}

// stateBody stops or starts a source.
type stateBody struct {
	Do  string `json:"do"` // stop or start
	Why string `json:"why,omitempty"`
}

func sourceState(s *server, r *http.Request) (any, error) {
	var b stateBody
	if err := decode(r, &b); err != nil {
		return nil, err
	}
	if b.Do != "stop" && b.Do != "start" {
		return nil, fault.New(fault.Invalid, "do is %.20q", b.Do).WithHint("stop or start")
	}
	d := api.SourceDeed{Change: api.Change{Why: b.Why}, Name: r.PathValue("name"), Do: b.Do}
	if err := changeOf(r, &d.Change); err != nil {
		return nil, err
	}
	v, err := s.ChangeSource(r.Context(), d)
	return sourceView{v}, err
}

// settingRoutes lists the operations on what people set while the server runs.
func settingRoutes(page []param) []Route {
	return []Route{
		{"GET /api/v1/settings/retention", authz.SettingsRead, "how long events are kept, where that is set, and what it drops next", retention, false, shapes{nil, of[retentionView](), nil}},
		{"PUT /api/v1/settings/retention", authz.SettingsWrite, "set how long events are kept; with check: true tell what that would drop", setRetention, false, shapes{of[api.RetentionChange](), of[retentionView](), nil}},
		{"GET /api/v1/settings/limits", authz.SettingsRead, "what bounds queries, devices and what waits to be stored, and where that is set", limits, false, shapes{nil, of[limitsView](), nil}},
		{"PUT /api/v1/settings/limits", authz.SettingsWrite, "set limits; with check: true tell what that would do", setLimits, false, shapes{of[api.LimitsChange](), of[limitsView](), nil}},
		{"GET /api/v1/settings/sources", authz.SettingsRead, "the live sources as they are set, and where", configuredSources, false, shapes{nil, of[Page[api.SourceView]](), page}},
		{"POST /api/v1/settings/sources", authz.SourcesWrite, "add a live source, which begins at once; with check: true tell what would happen", addSource, false, shapes{of[api.SourcePut](), of[sourceView](), nil}},
		{"GET /api/v1/settings/sources/{name}", authz.SettingsRead, "one live source as it is set", configuredSource, false, shapes{nil, of[sourceView](), nil}},
		{"PUT /api/v1/settings/sources/{name}", authz.SourcesWrite, "change a live source, which goes on where it was; with check: true tell what would happen", replaceSource, false, shapes{of[api.SourcePut](), of[sourceView](), nil}},
		{"DELETE /api/v1/settings/sources/{name}", authz.SourcesWrite, "remove a live source; what it received is kept", dropSource, false, shapes{nil, of[done](), []param{{"why", "the reason, for journal and history"}}}},
		{"POST /api/v1/settings/sources/{name}/state", authz.SourcesWrite, "stop or start a live source, also one of the configuration", sourceState, false, shapes{of[stateBody](), of[sourceView](), nil}},
		{"GET /api/v1/rules", authz.RulesRead, "list detection rules, disabled ones too, by title", ruleList, false, shapes{nil, of[Page[api.RuleView]](), page}},
		{"POST /api/v1/rules", authz.RulesWrite, "upload a Sigma rule of the site, or put it in the place of the one of its id; its test is run; with check: true tell what would happen", putRule, false, shapes{of[api.RulePut](), of[ruleView](), nil}},
		{"POST /api/v1/rules/try", authz.RulesWrite, "show stored events to a rule before it is kept, and tell what it would have found; as events, if text/event-stream is asked for", tryRule, false, shapes{of[api.RuleTry](), of[api.RuleTried](), nil}},
		{"GET /api/v1/rules/{id}", authz.RulesRead, "one rule; with its text, if it was uploaded", oneRule, false, shapes{nil, of[ruleView](), nil}},
		{"POST /api/v1/rules/{id}/state", authz.RulesWrite, "enable or disable a rule, also one that ships with the program", setRuleState, false, shapes{of[ruleState](), of[ruleView](), nil}},
		{"DELETE /api/v1/rules/{id}", authz.RulesWrite, "remove a rule that was uploaded", dropRule, false, shapes{nil, of[done](), []param{{"why", "the reason, for journal and history"}}}},
		{"GET /api/v1/settings/history", authz.SettingsRead, "who changed which setting when and why, the newest first", settingsHistory, false, shapes{nil, of[Page[api.SettingsVersion]](), page}},
		{"POST /api/v1/settings/undo", authz.SettingsWrite, "put the settings of an earlier version in force; with check: true tell what that would change", undoSettings, false, shapes{of[api.SettingsUndo](), of[api.SettingsUndone](), nil}},
	}
}
