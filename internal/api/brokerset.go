package api

import (
	"context"
	"net/http"
	"net/url"
)

// BrokerUser is somebody who may connect to a broker of ours, and the filters of topics
// that they may publish and subscribe to; {user} in them is the name.
type BrokerUser struct {
	Name      string   `json:"name"`
	Publish   []string `json:"publish,omitempty"`
	Subscribe []string `json:"subscribe,omitempty"`
}

// BrokerUserView is a user of a broker and where they are set.
type BrokerUserView struct {
	Broker  string     `json:"broker"`
	Config  BrokerUser `json:"config"`
	Origin  string     `json:"origin"`           // configuration or settings
	Place   string     `json:"place,omitempty"`  // the file of users
	Fixed   bool       `json:"fixed"`            // they are changed where they are written, not here
	Version int64      `json:"version"`          // of what was set here; 0: nothing
	By      *SettingBy `json:"by,omitempty"`     // who set them here
	Rests   string     `json:"rests,omitempty"`  // why they do not count
	Secret  string     `json:"secret,omitempty"` // the password that was made; shown this once
	Loosens []string   `json:"loosens,omitempty"`
}

// BrokerUserPut makes a user or puts them in the place of the one of their name. A user
// that is new, or is renewed, gets the password or the hash that is given, else one
// that is made.
type BrokerUserPut struct {
	Change

	Broker   string     `json:"broker,omitempty"`
	Config   BrokerUser `json:"config"`
	New      bool       `json:"new,omitempty"`      // there must be none of that name
	Renew    bool       `json:"renew,omitempty"`    // another password
	Password string     `json:"password,omitempty"` // 12 bytes at least; it is hashed and forgotten
	Hash     string     `json:"hash,omitempty"`     // of a password, as mosquitto_passwd writes it
}

// BrokerUserDeed removes one.
type BrokerUserDeed struct {
	Change

	Broker string `json:"broker,omitempty"`
	Name   string `json:"name,omitempty"`
}

// BrokerSettings are the users of our brokers that people set while a server runs.
type BrokerSettings interface {
	// BrokerUsers lists those of a broker; of all brokers if it is empty.
	BrokerUsers(ctx context.Context, broker string) ([]BrokerUserView, error)
	PutBrokerUser(ctx context.Context, p BrokerUserPut) (BrokerUserView, error)
	RemoveBrokerUser(ctx context.Context, d BrokerUserDeed) (BrokerUserView, error)
}

func brokerSettings(mux *http.ServeMux, s BrokerSettings) {
	mux.HandleFunc("GET /local/settings/brokers", reply(func(r *http.Request) (any, error) {
		return s.BrokerUsers(r.Context(), r.URL.Query().Get("broker"))
	}))
	mux.HandleFunc("POST /local/settings/brokers", reply(func(r *http.Request) (any, error) {
		var p BrokerUserPut
		if err := decode(r, &p); err != nil {
			return nil, err
		}
		return s.PutBrokerUser(r.Context(), p)
	}))
	mux.HandleFunc("POST /local/settings/brokers/remove", reply(func(r *http.Request) (any, error) {
		var d BrokerUserDeed
		if err := decode(r, &d); err != nil {
			return nil, err
		}
		return s.RemoveBrokerUser(r.Context(), d)
	}))
}

// BrokerUsers implements [BrokerSettings].
func (c *Client) BrokerUsers(ctx context.Context, broker string) ([]BrokerUserView, error) {
	var out []BrokerUserView
	err := c.do(ctx, http.MethodGet, "/local/settings/brokers?"+url.Values{"broker": {broker}}.Encode(), nil, &out)
	return out, err
}

// PutBrokerUser implements [BrokerSettings].
func (c *Client) PutBrokerUser(ctx context.Context, p BrokerUserPut) (BrokerUserView, error) {
	var out BrokerUserView
	err := c.post(ctx, "/local/settings/brokers", p, &out)
	return out, err
}

// RemoveBrokerUser implements [BrokerSettings].
func (c *Client) RemoveBrokerUser(ctx context.Context, d BrokerUserDeed) (BrokerUserView, error) {
	var out BrokerUserView
	err := c.post(ctx, "/local/settings/brokers/remove", d, &out)
	return out, err
}
