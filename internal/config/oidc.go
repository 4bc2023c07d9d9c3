package config

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// OIDC says at which provider people can sign in. There is none without an
// issuer.
type OIDC struct {
	Issuer     string              `yaml:"issuer"             doc:"address of the OpenID Connect provider, exactly as it calls itself; empty: none"`
	Name       string              `yaml:"name"               doc:"what people call it: Sign in with NAME; empty: the host of the issuer"`
	ClientID   string              `yaml:"client_id"          doc:"what the provider calls this server"`
	SecretFile string              `yaml:"client_secret_file" doc:"file that holds the secret of that client; empty: a public client, by PKCE alone"`
	CAFile     string              `yaml:"ca_file"            doc:"certificates, PEM, that the provider's TLS is trusted by; empty: those of the system"`
	Scopes     []string            `yaml:"scopes"             doc:"what is asked for besides openid and profile, such as [groups]"`
	NameClaim  string              `yaml:"name_claim"         doc:"claim that an account is named by; it decides nothing"`
	RolesClaim string              `yaml:"roles_claim"        doc:"claim with the groups of a person; a.b is b within a"`
	Roles      map[string]string   `yaml:"roles"              doc:"group: role; who has none of these groups is refused"`
	Zones      map[string][]string `yaml:"zones"              doc:"group: [zones]; once there is one, who has none of these groups is refused; [\"*\"] means all zones"`
}

// DefaultOIDC reads the claims that most providers have.
func DefaultOIDC() OIDC { return OIDC{NameClaim: "preferred_username", RolesClaim: "groups"} }

// Problems checks the section.
func (o OIDC) Problems() []Problem {
	if o.Issuer == "" {
		if o.ClientID != "" || o.SecretFile != "" || len(o.Roles) > 0 || len(o.Zones) > 0 {
			return []Problem{{Key: "issuer", Text: "is missing", Hint: "such as https://login.plant.example/realms/ot"}}
		}
		return nil
	}
	out := o.issuerProblems()
	if o.ClientID == "" {
		out = append(out, Problem{Key: "client_id", Text: "is missing"})
	}
	if o.RolesClaim == "" {
		out = append(out, Problem{Key: "roles_claim", Text: "is empty", Hint: "most providers call it groups"})
	}
	if len(o.Name) > 60 {
		out = append(out, Problem{Key: "name", Text: "is longer than 60 bytes"})
	}
	if len(o.Roles) == 0 {
		out = append(out, Problem{Key: "roles", Text: "is empty, so nobody could sign in", Hint: "such as {ot-analysts: analyst}"})
	}
	for _, group := range slices.Sorted(maps.Keys(o.Roles)) {
		out = append(out, oneOf("roles["+group+"]", o.Roles[group], "viewer", "analyst", "responder", "auditor", "admin")...)
	}
	for _, group := range slices.Sorted(maps.Keys(o.Zones)) {
		zones := o.Zones[group]
		if len(zones) == 0 || slices.Contains(zones, "") || len(zones) > 1 && slices.Contains(zones, "*") {
			out = append(out, Problem{Key: "zones[" + group + "]", Text: "is no list of zones", Hint: `such as ["cell 1", "cell 2"], or ["*"] for all`})
		}
	}
	for i, s := range o.Scopes {
		if s == "" || strings.ContainsAny(s, " \t\r\n\"\\") {
			out = append(out, Problem{Key: "scopes[" + strconv.Itoa(i) + "]", Text: strconv.Quote(s) + " is no scope"})
		}
	}
	return out
}

func (o OIDC) issuerProblems() []Problem {
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return []Problem{{Key: "issuer", Text: strconv.Quote(o.Issuer) + " is no address of a provider", Hint: "such as https://login.plant.example/realms/ot"}}
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if u.Scheme == "http" && u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback()) {
		return []Problem{{Key: "issuer", Text: "it is http, which anyone on the way can change", Hint: "use https; a certificate of your own is trusted by ca_file"}}
	}
	return nil
}
