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
	return s.UndoSettings(r.Context(), u)
}

// settingRoutes lists the operations on what people set while the server runs.
func settingRoutes(page []param) []Route {
	return []Route{
		{"GET /api/v1/settings/retention", authz.SettingsRead, "how long events are kept, where that is set, and what it drops next", retention, false, shapes{nil, of[retentionView](), nil}},
		{"PUT /api/v1/settings/retention", authz.SettingsWrite, "set how long events are kept; with check: true tell what that would drop", setRetention, false, shapes{of[api.RetentionChange](), of[retentionView](), nil}},
		{"GET /api/v1/settings/history", authz.SettingsRead, "who changed which setting when and why, the newest first", settingsHistory, false, shapes{nil, of[Page[api.SettingsVersion]](), page}},
		{"POST /api/v1/settings/undo", authz.SettingsWrite, "put the settings of an earlier version in force; with check: true tell what that would change", undoSettings, false, shapes{of[api.SettingsUndo](), of[api.SettingsUndone](), nil}},
	}
}
