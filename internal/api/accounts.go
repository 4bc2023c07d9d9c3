package api

import (
	"context"
	"net/http"

	"vedette/internal/api/account"
)

// Users keeps the accounts of people.
type Users interface {
	ListUsers(ctx context.Context) ([]account.User, error)
	AddUser(ctx context.Context, actor string, n account.NewUser) (account.Made, error)
	SetUser(ctx context.Context, actor, name string, c account.UserChange) (account.User, error)
	RemoveUser(ctx context.Context, actor, name string) error
	// LinkUser makes a one-time link by which the user sets a password.
	LinkUser(ctx context.Context, actor, name string) (account.Made, error)
}

// Tokens keeps the tokens of programs.
type Tokens interface {
	ListTokens(ctx context.Context) ([]account.Token, error)
	AddToken(ctx context.Context, actor string, n account.NewToken) (account.MadeToken, error)
	RevokeToken(ctx context.Context, actor, id string) error
}

type accountRequest struct {
	Actor, Name string
	User        account.NewUser
	Change      account.UserChange
	Token       account.NewToken
}

func accounts(mux *http.ServeMux, s Service) {
	mux.HandleFunc("GET /local/users", reply(func(r *http.Request) (any, error) { return s.ListUsers(r.Context()) }))
	mux.HandleFunc("GET /local/tokens", reply(func(r *http.Request) (any, error) { return s.ListTokens(r.Context()) }))
	for path, do := range map[string]func(ctx context.Context, q accountRequest) (any, error){
		"users/add": func(ctx context.Context, q accountRequest) (any, error) { return s.AddUser(ctx, q.Actor, q.User) },
		"users/set": func(ctx context.Context, q accountRequest) (any, error) {
			return s.SetUser(ctx, q.Actor, q.Name, q.Change)
		},
		"users/remove": func(ctx context.Context, q accountRequest) (any, error) {
			return struct{}{}, s.RemoveUser(ctx, q.Actor, q.Name)
		},
		"users/link": func(ctx context.Context, q accountRequest) (any, error) { return s.LinkUser(ctx, q.Actor, q.Name) },
		"tokens/add": func(ctx context.Context, q accountRequest) (any, error) { return s.AddToken(ctx, q.Actor, q.Token) },
		"tokens/revoke": func(ctx context.Context, q accountRequest) (any, error) {
			return struct{}{}, s.RevokeToken(ctx, q.Actor, q.Name)
		},
	} {
		mux.HandleFunc("POST /local/"+path, reply(func(r *http.Request) (any, error) {
			var q accountRequest
			if err := decode(r, &q); err != nil {
				return nil, err
			}
			return do(r.Context(), q)
		}))
	}
}

// ListUsers implements [Users].
func (c *Client) ListUsers(ctx context.Context) ([]account.User, error) {
	var out []account.User
	err := c.do(ctx, http.MethodGet, "/local/users", nil, &out)
	return out, err
}

// AddUser implements [Users].
func (c *Client) AddUser(ctx context.Context, actor string, n account.NewUser) (account.Made, error) {
	var out account.Made
	err := c.post(ctx, "/local/users/add", accountRequest{Actor: actor, User: n}, &out)
	return out, err
}

// SetUser implements [Users].
func (c *Client) SetUser(ctx context.Context, actor, name string, change account.UserChange) (account.User, error) {
	var out account.User
	err := c.post(ctx, "/local/users/set", accountRequest{Actor: actor, Name: name, Change: change}, &out)
	return out, err
}

// RemoveUser implements [Users].
func (c *Client) RemoveUser(ctx context.Context, actor, name string) error {
	var none struct{}
	return c.post(ctx, "/local/users/remove", accountRequest{Actor: actor, Name: name}, &none)
}

// LinkUser implements [Users].
func (c *Client) LinkUser(ctx context.Context, actor, name string) (account.Made, error) {
	var out account.Made
	err := c.post(ctx, "/local/users/link", accountRequest{Actor: actor, Name: name}, &out)
	return out, err
}

// ListTokens implements [Tokens].
func (c *Client) ListTokens(ctx context.Context) ([]account.Token, error) {
	var out []account.Token
	err := c.do(ctx, http.MethodGet, "/local/tokens", nil, &out)
	return out, err
}

// AddToken implements [Tokens].
func (c *Client) AddToken(ctx context.Context, actor string, n account.NewToken) (account.MadeToken, error) {
	var out account.MadeToken
	err := c.post(ctx, "/local/tokens/add", accountRequest{Actor: actor, Token: n}, &out)
	return out, err
}

// RevokeToken implements [Tokens].
func (c *Client) RevokeToken(ctx context.Context, actor, id string) error {
	var none struct{}
	return c.post(ctx, "/local/tokens/revoke", accountRequest{Actor: actor, Name: id}, &none)
}
