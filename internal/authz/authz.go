// Package authz says who may do what. A [Principal] is whoever asks - a person,
// a token, an agent - and each thing that can be done has an [Action]; doors
// name the action of every route, and what is not allowed by a policy is
// denied.
//
// It must not authenticate: a door finds out who asks, and puts the principal
// into the context with [With].
package authz

import (
	"context"

	"vedette/internal/query"
)

// Kinds of principals.
const (
	Person = "person"
	Token  = "token"
	Agent  = "agent"
	Local  = "local" // the owner of the data directory, over its socket
)

// Principal is whoever asks.
type Principal struct {
	ID    string   // stable, such as the uid of a user or token
	Name  string   // for people and for the journal
	Kind  string   // one of the constants above
	Roles []Role   // what it is allowed by role
	Scope []Action // of a token: nothing beyond these; empty: all that the roles allow
	Sites []string // sees these sites alone; empty: all
	Zones []string // sees devices of these zones alone, and what concerns them; empty: all
}

// Role is a set of rights, held as policies.
type Role string

// The roles, from few rights to all.
const (
	Viewer    Role = "viewer"    // reads
	Analyst   Role = "analyst"   // asks, hunts, judges incidents
	Responder Role = "responder" // and changes devices, takes action
	Auditor   Role = "auditor"   // reads all, the journal too; changes nothing
	Admin     Role = "admin"     // and users, tokens, sources, models, settings
)

// Action is one thing that can be done, "resource.verb".
type Action string

// The actions of the doors. Each has its policy; a new one needs one too, or
// nobody may do it.
const (
	EventsRead      Action = "events.read"
	EventsIngest    Action = "events.ingest"
	EventsExport    Action = "events.export"
	Ask             Action = "ask"
	DevicesRead     Action = "devices.read"
	DevicesWrite    Action = "devices.write"
	FindingsRead    Action = "findings.read"
	FindingsWrite   Action = "findings.write"
	IncidentsRead   Action = "incidents.read"
	IncidentsWrite  Action = "incidents.write"
	VulnsRead       Action = "vulnerabilities.read"
	VulnsWrite      Action = "vulnerabilities.write"
	IntelRead       Action = "intel.read"
	IntelWrite      Action = "intel.write"
	RulesRead       Action = "rules.read"
	RulesWrite      Action = "rules.write"
	ModelsRead      Action = "models.read"
	ModelsWrite     Action = "models.write"
	EgressRead      Action = "egress.read"
	AuditRead       Action = "audit.read"
	AuditExport     Action = "audit.export"
	SourcesRead     Action = "sources.read"
	SourcesWrite    Action = "sources.write"
	FeedsRead       Action = "feeds.read"
	FeedsWrite      Action = "feeds.write"
	SettingsRead    Action = "settings.read"
	SettingsWrite   Action = "settings.write"
	UsersRead       Action = "users.read"
	UsersWrite      Action = "users.write"
	SelfRead        Action = "self.read"  // one's own profile, sessions and tokens
	SelfWrite       Action = "self.write" // change one's own password, passkeys, tokens
	HealthRead      Action = "health.read"
	MetricsRead     Action = "metrics.read"
	MaintenanceRun  Action = "maintenance.run" // backup, retention, sealing
	InvestigateWith Action = "mcp.use"         // read by way of MCP
	IntelShare      Action = "intel.share"     // read what is shared of our own sightings, over TAXII
)

// Authority decides. What it refuses is a Denied fault that names the action
// and tells whom to ask; nil means allowed.
type Authority interface {
	Decide(ctx context.Context, p Principal, do Action, zone string) error
}

type contextKey struct{}

// With returns a context in which p asks. If p is limited to zones, so is whatever
// is asked of stored events in the context, see [query.Confine].
func With(ctx context.Context, p Principal) context.Context {
	if len(p.Zones) > 0 {
		ctx = query.Confine(ctx, p.Zones)
	}
	return context.WithValue(ctx, contextKey{}, p)
}

// From tells who asks; false: nobody was named, which no door allows.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(contextKey{}).(Principal)
	return p, ok
}
