package api

import (
	"context"
	"net/http"

	"vedette/internal/ingest"
)

// SourceConfig is a live source as the configuration has it, see docs/sources.md.
// Passwords and certificates are files that it names.
type SourceConfig struct {
	Name         string   `json:"name"`
	Kind         string   `json:"kind"`
	Listen       string   `json:"listen,omitempty"`
	Transport    string   `json:"transport,omitempty"`
	CertFile     string   `json:"cert_file,omitempty"`
	KeyFile      string   `json:"key_file,omitempty"`
	Allow        []string `json:"allow,omitempty"`
	Broker       string   `json:"broker,omitempty"`
	Topics       []string `json:"topics,omitempty"`
	Devices      []string `json:"devices,omitempty"`
	Share        string   `json:"share,omitempty"`
	ClientID     string   `json:"client_id,omitempty"`
	User         string   `json:"user,omitempty"`
	PasswordFile string   `json:"password_file,omitempty"`
	CAFile       string   `json:"ca_file,omitempty"`
	Version      string   `json:"version,omitempty"`
	Cleartext    bool     `json:"cleartext,omitempty"`
	UsersFile    string   `json:"users_file,omitempty"`
	Paths        []string `json:"paths,omitempty"`
	Interface    string   `json:"interface,omitempty"`
	Promiscuous  bool     `json:"promiscuous,omitempty"`
	Ring         string   `json:"ring,omitempty"`    // a size, such as 128MB
	Snap         string   `json:"snap,omitempty"`    // a size in bytes, such as 256
	Filter       string   `json:"filter,omitempty"`  // of packets, as tcpdump has it
	Readers      int      `json:"readers,omitempty"` // of an interface
	Quiet        string   `json:"quiet,omitempty"`
}

// SourceCheck is one thing that was tried of a source.
type SourceCheck struct {
	State string `json:"state"` // ok, warning or problem
	Text  string `json:"text"`
}

// SourceView is a source and where it is set.
type SourceView struct {
	Config  SourceConfig   `json:"config"`
	Origin  string         `json:"origin"`            // configuration or settings
	Place   string         `json:"place,omitempty"`   // of the configuration
	Fixed   bool           `json:"fixed"`             // it is changed where it is written, not here
	Version int64          `json:"version"`           // of what was set here; 0: nothing
	By      *SettingBy     `json:"by,omitempty"`      // who set it here
	Stopped *SettingBy     `json:"stopped,omitempty"` // who stopped it
	Rests   string         `json:"rests,omitempty"`   // why it does not count: the configuration has one of that name
	Status  *ingest.Status `json:"status,omitempty"`  // how it stands; absent when no server runs
	Checks  []SourceCheck  `json:"checks,omitempty"`  // what was tried before it was set
}

// SourcePut makes a source or puts it in the place of the one of its name.
type SourcePut struct {
	Change

	Config SourceConfig `json:"config"`
	New    bool         `json:"new,omitempty"` // there must be none of that name
}

// SourceDeed removes, stops or starts a source.
type SourceDeed struct {
	Change

	Name string `json:"name,omitempty"`
	Do   string `json:"do,omitempty"` // remove, stop or start
}

// SourceSettings are the sources that people set while a server runs.
type SourceSettings interface {
	ConfiguredSources(ctx context.Context) ([]SourceView, error)
	PutSource(ctx context.Context, p SourcePut) (SourceView, error)
	ChangeSource(ctx context.Context, d SourceDeed) (SourceView, error)
}

func sourceSettings(mux *http.ServeMux, s SourceSettings) {
	mux.HandleFunc("GET /local/settings/sources", reply(func(r *http.Request) (any, error) { return s.ConfiguredSources(r.Context()) }))
	mux.HandleFunc("POST /local/settings/sources", reply(func(r *http.Request) (any, error) {
		var p SourcePut
		if err := decode(r, &p); err != nil {
			return nil, err
		}
		return s.PutSource(r.Context(), p)
	}))
	mux.HandleFunc("POST /local/settings/sources/do", reply(func(r *http.Request) (any, error) {
		var d SourceDeed
		if err := decode(r, &d); err != nil {
			return nil, err
		}
		return s.ChangeSource(r.Context(), d)
	}))
}

// ConfiguredSources implements [SourceSettings].
func (c *Client) ConfiguredSources(ctx context.Context) ([]SourceView, error) {
	var out []SourceView
	err := c.do(ctx, http.MethodGet, "/local/settings/sources", nil, &out)
	return out, err
}

// PutSource implements [SourceSettings].
func (c *Client) PutSource(ctx context.Context, p SourcePut) (SourceView, error) {
	var out SourceView
	err := c.post(ctx, "/local/settings/sources", p, &out)
	return out, err
}

// ChangeSource implements [SourceSettings].
func (c *Client) ChangeSource(ctx context.Context, d SourceDeed) (SourceView, error) {
	var out SourceView
	err := c.post(ctx, "/local/settings/sources/do", d, &out)
	return out, err
}
