package api

import (
	"context"
	"net/http"
)

// ZoneConfig is a zone as the configuration has it.
type ZoneConfig struct {
	Name            string   `json:"name"`
	Level           string   `json:"level,omitempty"` // Purdue: 0, 1, 2, 3, 3.5, 4 or 5
	Subnets         []string `json:"subnets"`
	Criticality     string   `json:"criticality,omitempty"`     // low, medium, high or critical
	Confidentiality string   `json:"confidentiality,omitempty"` // public, internal, confidential or restricted
}

// ZoneView is a zone and where it is set.
type ZoneView struct {
	Config  ZoneConfig  `json:"config"`
	Origin  string      `json:"origin"`           // configuration or settings
	Place   string      `json:"place,omitempty"`  // of the configuration
	Fixed   bool        `json:"fixed"`            // it is changed where it is written, not here
	Version int64       `json:"version"`          // of what was set here; 0: nothing
	By      *SettingBy  `json:"by,omitempty"`     // who set it here
	Rests   string      `json:"rests,omitempty"`  // why it does not count
	Devices int         `json:"devices"`          // that are in it
	Effect  *ZoneEffect `json:"effect,omitempty"` // of a change
}

// ZoneEffect is what a change of zones does.
type ZoneEffect struct {
	Moves    int           `json:"moves"`           // devices that change zone
	Devices  []ZoneMove    `json:"devices"`         // the first of them, by name
	Accounts []ZoneAccount `json:"accounts"`        // limited to zones, that see other devices then
	Conduits []string      `json:"conduits"`        // that name a zone which gains or loses devices
	Notes    []string      `json:"notes,omitempty"` // what else it means
	Renamed  []ZoneRenamed `json:"renamed,omitempty"`
}

// ZoneRenamed is a zone that gets another name.
type ZoneRenamed struct {
	From    string   `json:"from"`
	To      string   `json:"to"`
	Devices int      `json:"devices"` // that are in it
	Set     int      `json:"set"`     // of which a person or an inventory says so
	Follow  []string `json:"follow"`  // what has the new name from then on
	Read    []string `json:"read"`    // what is not written here, and read as if it had the new name
	Stay    []string `json:"stay"`    // what keeps the old one
}

// Nothing reports whether nothing goes by the former name.
func (z ZoneRenamed) Nothing() bool { return z.Devices+z.Set+len(z.Follow)+len(z.Read) == 0 }

// ZoneRename gives a zone that was set here another name, or lets follow what goes by the
// former name of one that was renamed in the configuration.
type ZoneRename struct {
	Change

	Name string `json:"name,omitempty"`
	To   string `json:"to"`
}

// ZoneMove is a device that changes zone; an empty zone is none.
type ZoneMove struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
	From string `json:"from"`
	To   string `json:"to"`
}

// ZoneAccount is who is limited to zones and sees more devices or fewer.
type ZoneAccount struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"` // user, token or group (of the identity provider)
	More  int    `json:"more"`
	Fewer int    `json:"fewer"`
}

// ZonePut makes a zone or puts it in the place of the one of its name.
type ZonePut struct {
	Change

	Config ZoneConfig `json:"config"`
	New    bool       `json:"new,omitempty"` // there must be none of that name
}

// ZoneDeed removes a zone that was set here.
type ZoneDeed struct {
	Change

	Name string `json:"name,omitempty"`
}

// ZoneSettings are the zones that people set while a server runs.
type ZoneSettings interface {
	ConfiguredZones(ctx context.Context) ([]ZoneView, error)
	PutZone(ctx context.Context, p ZonePut) (ZoneView, error)
	RemoveZone(ctx context.Context, d ZoneDeed) (ZoneView, error)
	RenameZone(ctx context.Context, r ZoneRename) (ZoneView, error)
}

func zoneSettings(mux *http.ServeMux, s ZoneSettings) {
	mux.HandleFunc("GET /local/settings/zones", reply(func(r *http.Request) (any, error) { return s.ConfiguredZones(r.Context()) }))
	mux.HandleFunc("POST /local/settings/zones", reply(func(r *http.Request) (any, error) {
		var p ZonePut
		if err := decode(r, &p); err != nil {
			return nil, err
		}
		return s.PutZone(r.Context(), p)
	}))
	mux.HandleFunc("POST /local/settings/zones/remove", reply(func(r *http.Request) (any, error) {
		var d ZoneDeed
		if err := decode(r, &d); err != nil {
			return nil, err
		}
		return s.RemoveZone(r.Context(), d)
	}))
	mux.HandleFunc("POST /local/settings/zones/rename", reply(func(r *http.Request) (any, error) {
		var n ZoneRename
		if err := decode(r, &n); err != nil {
			return nil, err
		}
		return s.RenameZone(r.Context(), n)
	}))
}

// ConfiguredZones implements [ZoneSettings].
func (c *Client) ConfiguredZones(ctx context.Context) ([]ZoneView, error) {
	var out []ZoneView
	err := c.do(ctx, http.MethodGet, "/local/settings/zones", nil, &out)
	return out, err
}

// PutZone implements [ZoneSettings].
func (c *Client) PutZone(ctx context.Context, p ZonePut) (ZoneView, error) {
	var out ZoneView
	err := c.post(ctx, "/local/settings/zones", p, &out)
	return out, err
}

// RemoveZone implements [ZoneSettings].
func (c *Client) RemoveZone(ctx context.Context, d ZoneDeed) (ZoneView, error) {
	var out ZoneView
	err := c.post(ctx, "/local/settings/zones/remove", d, &out)
	return out, err
}

// RenameZone implements [ZoneSettings].
func (c *Client) RenameZone(ctx context.Context, r ZoneRename) (ZoneView, error) {
	var out ZoneView
	err := c.post(ctx, "/local/settings/zones/rename", r, &out)
	return out, err
}
