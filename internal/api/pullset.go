package api

import (
	"context"
	"net/http"

	"vedette/internal/intel/pull"
)

// PullConfig is a feed that is pulled as the configuration has it, see docs/intel.md.
// A key is in a file that it names.
type PullConfig struct {
	Name       string   `json:"name"`
	Kind       string   `json:"kind"` // advisories, csaf, indicators or taxii
	URL        string   `json:"url"`
	Every      string   `json:"every,omitempty"`
	Hosts      []string `json:"hosts,omitempty"`
	Inside     []string `json:"inside,omitempty"`
	Plain      bool     `json:"plain_http,omitempty"`
	KeyFile    string   `json:"key_file,omitempty"`
	Stands     string   `json:"stands,omitempty"`
	Signature  string   `json:"signature,omitempty"`
	Keys       []string `json:"keys,omitempty"`
	Confidence int      `json:"confidence,omitempty"`
	Grade      string   `json:"reliability,omitempty"`
	Expires    string   `json:"expires,omitempty"`
}

// PullView is a feed that is pulled and where it is set.
type PullView struct {
	Config  PullConfig    `json:"config"`
	Origin  string        `json:"origin"`           // configuration or settings
	Place   string        `json:"place,omitempty"`  // of the configuration
	Fixed   bool          `json:"fixed"`            // it is changed where it is written, not here
	Version int64         `json:"version"`          // of what was set here; 0: nothing
	By      *SettingBy    `json:"by,omitempty"`     // who set it here
	Paused  *SettingBy    `json:"paused,omitempty"` // who paused it
	Rests   string        `json:"rests,omitempty"`  // why it does not count
	Health  *pull.Health  `json:"health,omitempty"` // how it is
	Checks  []SourceCheck `json:"checks,omitempty"` // what was tried before it was set
}

// PullPut makes a feed that is pulled or puts it in the place of the one of its name.
type PullPut struct {
	Change

	Config PullConfig `json:"config"`
	New    bool       `json:"new,omitempty"`   // there must be none of that name
	Fetch  bool       `json:"fetch,omitempty"` // ask it for the head of its answer first
}

// PullDeed removes, pauses or resumes one.
type PullDeed struct {
	Change

	Name string `json:"name,omitempty"`
	Do   string `json:"do,omitempty"` // remove, pause or resume
}

// PullSettings are the feeds that people have pulled while a server runs.
type PullSettings interface {
	ConfiguredPulls(ctx context.Context) ([]PullView, error)
	PutPull(ctx context.Context, p PullPut) (PullView, error)
	ChangePull(ctx context.Context, d PullDeed) (PullView, error)
}

func pullSettings(mux *http.ServeMux, s PullSettings) {
	mux.HandleFunc("GET /local/settings/pulls", reply(func(r *http.Request) (any, error) { return s.ConfiguredPulls(r.Context()) }))
	mux.HandleFunc("POST /local/settings/pulls", reply(func(r *http.Request) (any, error) {
		var p PullPut
		if err := decode(r, &p); err != nil {
			return nil, err
		}
		return s.PutPull(r.Context(), p)
	}))
	mux.HandleFunc("POST /local/settings/pulls/do", reply(func(r *http.Request) (any, error) {
		var d PullDeed
		if err := decode(r, &d); err != nil {
			return nil, err
		}
		return s.ChangePull(r.Context(), d)
	}))
}

// ConfiguredPulls implements [PullSettings].
func (c *Client) ConfiguredPulls(ctx context.Context) ([]PullView, error) {
	var out []PullView
	err := c.do(ctx, http.MethodGet, "/local/settings/pulls", nil, &out)
	return out, err
}

// PutPull implements [PullSettings].
func (c *Client) PutPull(ctx context.Context, p PullPut) (PullView, error) {
	var out PullView
	err := c.post(ctx, "/local/settings/pulls", p, &out)
	return out, err
}

// ChangePull implements [PullSettings].
func (c *Client) ChangePull(ctx context.Context, d PullDeed) (PullView, error) {
	var out PullView
	err := c.post(ctx, "/local/settings/pulls/do", d, &out)
	return out, err
}
