package app

import (
	"context"

	"vedette/internal/api/account"
	"vedette/internal/api/account/provider"
	"vedette/internal/authz"
	"vedette/internal/config"
)

func (a *App) openAccounts() error {
	var err error
	if a.authority, err = authz.New(a.journal, a.cfg.Now); err != nil {
		return err
	}
	cfg := account.Config{Records: a.records, Journal: a.journal, Authority: a.authority, Now: a.cfg.Now, NeedPasskey: a.cfg.Server.NeedPasskey, Zone: a.zoneNow}
	if a.cfg.Server.OIDC != nil {
		outside := *a.cfg.Server.OIDC
		outside.Now = a.cfg.Now
		if cfg.Provider, err = provider.New(outside); err != nil {
			return err
		}
	}
	a.accounts, err = account.New(cfg)
	return err
}

// outsideOf reads at which provider people can sign in; nil: at none.
func outsideOf(o config.OIDC) *provider.Config {
	if o.Issuer == "" {
		return nil
	}
	roles := make(map[string]authz.Role, len(o.Roles))
	for group, role := range o.Roles {
		roles[group] = authz.Role(role)
	}
	return &provider.Config{
		Issuer: o.Issuer, Name: o.Name, ClientID: o.ClientID, SecretFile: o.SecretFile, CAFile: o.CAFile, Scopes: o.Scopes,
		NameClaim: o.NameClaim, RolesClaim: o.RolesClaim, Roles: roles, Zones: o.Zones,
	}
}

// Authority decides who may do what.
func (a *App) Authority() *authz.Policy { return a.authority }

// Accounts knows who asks. Tell it by [account.Accounts.Serve] how it is reached
// before requests come.
func (a *App) Accounts() *account.Accounts { return a.accounts }

// ListUsers implements [api.Users].
func (a *App) ListUsers(ctx context.Context) ([]account.User, error) { return a.accounts.Users(ctx) }

// AddUser implements [api.Users].
func (a *App) AddUser(ctx context.Context, actor string, n account.NewUser) (account.Made, error) {
	u, secret, err := a.accounts.Add(ctx, actor, n)
	return account.Made{User: &u, Path: account.LinkPath(secret)}, err
}

// SetUser implements [api.Users].
func (a *App) SetUser(ctx context.Context, actor, name string, c account.UserChange) (account.User, error) {
	return a.accounts.SetUser(ctx, actor, name, c)
}

// RemoveUser implements [api.Users].
func (a *App) RemoveUser(ctx context.Context, actor, name string) error {
	return a.accounts.RemoveUser(ctx, actor, name)
}

// LinkUser implements [api.Users].
func (a *App) LinkUser(ctx context.Context, actor, name string) (account.Made, error) {
	secret, err := a.accounts.Link(ctx, actor, name)
	return account.Made{Path: account.LinkPath(secret)}, err
}

// ListTokens implements [api.Tokens].
func (a *App) ListTokens(ctx context.Context) ([]account.Token, error) {
	return a.accounts.Tokens(ctx, "")
}

// AddToken implements [api.Tokens].
func (a *App) AddToken(ctx context.Context, actor string, n account.NewToken) (account.MadeToken, error) {
	t, secret, err := a.accounts.AddToken(ctx, actor, n)
	return account.MadeToken{Token: t, Secret: secret}, err
}

// RevokeToken implements [api.Tokens].
func (a *App) RevokeToken(ctx context.Context, actor, id string) error {
	return a.accounts.RevokeToken(ctx, actor, id, "")
}
