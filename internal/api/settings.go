package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// ErrStale is behind the Conflict of a change to what somebody else has changed
// since it was looked at.
var ErrStale = errors.New("somebody changed it meanwhile")

// Change is what every change of a setting tells of itself.
type Change struct {
	Actor string `json:"actor,omitempty"`
	Why   string `json:"why,omitempty"`
	// Seen is the version that whoever changes it saw last, as [Setting] and the
	// others tell it; nil: whatever there is.
	Seen *int64 `json:"seen,omitempty"`
	// Check tells what would happen, and changes nothing.
	Check bool `json:"check,omitempty"`
	// Confirm says that what the change destroys is meant.
	Confirm bool `json:"confirm,omitempty"`
}

// Where a setting comes from.
const (
	FromDefault = "default"
	FromFile    = "configuration" // file, variable or flag: fixed
	FromHere    = "settings"      // API, console or command line
)

// Setting is one value that is in force.
type Setting struct {
	Value   string     `json:"value"`
	Default string     `json:"default"`
	Origin  string     `json:"origin"`          // default, configuration or settings
	Place   string     `json:"place,omitempty"` // of the configuration: file and line, variable, or flag
	Fixed   bool       `json:"fixed"`           // it is changed where it is written, not here
	Kept    string     `json:"kept,omitempty"`  // what was set here and does not count, because it is fixed
	By      *SettingBy `json:"by,omitempty"`
}

// SettingBy says who set a thing here.
type SettingBy struct {
	Version int64     `json:"version"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Why     string    `json:"why,omitempty"`
}

// RetentionSettings say how long events are kept, and what that drops next.
type RetentionSettings struct {
	Version int64           `json:"version"` // of these settings; 0: nothing was set here
	Events  Setting         `json:"events"`
	Disk    Setting         `json:"disk"`
	Effect  RetentionEffect `json:"effect"`
}

// RetentionEffect is what the next maintenance drops.
type RetentionEffect struct {
	KeptFrom time.Time `json:"kept_from,omitzero"` // the day; zero: all is kept
	Days     int       `json:"days"`               // sealed days that go
	Events   int64     `json:"events"`             // that go
	Anyway   int64     `json:"anyway"`             // of them what goes by what is in force already
	Bytes    int64     `json:"bytes"`              // of the data directory now
	Oldest   time.Time `json:"oldest,omitzero"`    // event that is stored
}

// RetentionChange sets how long events are kept; an empty text is the default.
type RetentionChange struct {
	Change

	Events *string `json:"events,omitempty"`
	Disk   *string `json:"disk,omitempty"`
}

// SettingsVersion is one change of the settings.
type SettingsVersion struct {
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Why     string    `json:"why,omitempty"`
	Action  string    `json:"action"`
	Object  string    `json:"object"`
	Before  string    `json:"before,omitempty"`
	After   string    `json:"after,omitempty"`
	Opens   string    `json:"opens,omitempty"` // what may go further than before
}

// SettingsUndo puts the settings of an earlier version in force.
type SettingsUndo struct {
	Change

	Version int64 `json:"version"` // 0: nothing set
}

// SettingsUndone tells what going back does.
type SettingsUndone struct {
	Version int64            `json:"version"` // that is in force now
	Changes []string         `json:"changes"` // in words
	Effect  *RetentionEffect `json:"effect,omitempty"`
	Zones   *ZoneEffect      `json:"zones,omitempty"`   // if zones change
	Loosens []string         `json:"loosens,omitempty"` // what may go further to models than now
}

// Settings are what people set while a server runs.
type Settings interface {
	Retention(ctx context.Context) (RetentionSettings, error)
	SetRetention(ctx context.Context, c RetentionChange) (RetentionSettings, error)
	SettingsHistory(ctx context.Context, most int) ([]SettingsVersion, error)
	UndoSettings(ctx context.Context, u SettingsUndo) (SettingsUndone, error)
}

func settings(mux *http.ServeMux, s Settings) {
	mux.HandleFunc("GET /local/settings/retention", reply(func(r *http.Request) (any, error) { return s.Retention(r.Context()) }))
	mux.HandleFunc("POST /local/settings/retention", reply(func(r *http.Request) (any, error) {
		var c RetentionChange
		if err := decode(r, &c); err != nil {
			return nil, err
		}
		return s.SetRetention(r.Context(), c)
	}))
	mux.HandleFunc("GET /local/settings/history", reply(func(r *http.Request) (any, error) {
		n, _ := strconv.Atoi(r.URL.Query().Get("most")) // 0: none, which says itself
		return s.SettingsHistory(r.Context(), n)
	}))
	mux.HandleFunc("POST /local/settings/undo", reply(func(r *http.Request) (any, error) {
		var u SettingsUndo
		if err := decode(r, &u); err != nil {
			return nil, err
		}
		return s.UndoSettings(r.Context(), u)
	}))
}

// Retention implements [Settings].
func (c *Client) Retention(ctx context.Context) (RetentionSettings, error) {
	var out RetentionSettings
	err := c.do(ctx, http.MethodGet, "/local/settings/retention", nil, &out)
	return out, err
}

// SetRetention implements [Settings].
func (c *Client) SetRetention(ctx context.Context, change RetentionChange) (RetentionSettings, error) {
	var out RetentionSettings
	err := c.post(ctx, "/local/settings/retention", change, &out)
	return out, err
}

// SettingsHistory implements [Settings].
func (c *Client) SettingsHistory(ctx context.Context, most int) ([]SettingsVersion, error) {
	var out []SettingsVersion
	err := c.do(ctx, http.MethodGet, "/local/settings/history?"+url.Values{"most": {strconv.Itoa(most)}}.Encode(), nil, &out)
	return out, err
}

// UndoSettings implements [Settings].
func (c *Client) UndoSettings(ctx context.Context, u SettingsUndo) (SettingsUndone, error) {
	var out SettingsUndone
	err := c.post(ctx, "/local/settings/undo", u, &out)
	return out, err
}
