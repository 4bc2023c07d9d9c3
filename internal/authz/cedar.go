package authz

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"

	"vedette/internal/audit"
	"vedette/internal/fault"
)

//go:embed policies.cedar
var policyText string

// Policies returns the text that decides, for people who audit it.
func Policies() string { return policyText }

// Roles lists the roles there are, from few rights to all.
func Roles() []Role { return []Role{Viewer, Analyst, Responder, Auditor, Admin} }

// Actions lists the actions there are, in the order of this package's text.
func Actions() []Action {
	return []Action{
		EventsRead, EventsIngest, EventsExport, Ask, DevicesRead, DevicesWrite, FindingsRead, FindingsWrite,
		IncidentsRead, IncidentsWrite, VulnsRead, VulnsWrite, IntelRead, IntelWrite, RulesRead, RulesWrite,
		ModelsRead, ModelsWrite, EgressRead, AuditRead, AuditExport, SourcesRead, SourcesWrite, FeedsRead,
		FeedsWrite, SettingsRead, SettingsWrite, UsersRead, UsersWrite, SelfRead, SelfWrite, HealthRead,
		MetricsRead, MaintenanceRun, InvestigateWith, IntelShare,
	}
}

// Reads reports whether the action changes and hands out nothing beyond an
// answer. A refusal of any other action is recorded.
func (a Action) Reads() bool {
	return strings.HasSuffix(string(a), ".read") || a == Ask || a == InvestigateWith
}

type narrowKey struct{}

// Narrowed returns a context in which the door promises to show of its answer
// only what lies in the zones of the principal. Without that promise who is
// limited to zones is refused whatever concerns the whole site.
func Narrowed(ctx context.Context) context.Context { return context.WithValue(ctx, narrowKey{}, true) }

// Policy decides by the policies in Cedar. It is safe for concurrent use.
type Policy struct {
	set     *cedar.PolicySet
	refused *refusals
}

// New makes the authority. It needs the journal, in which the refusals of all
// that is not mere reading are recorded.
func New(journal *audit.Journal, now func() time.Time) (*Policy, error) {
	if journal == nil {
		return nil, fault.New(fault.Internal, "making the authority: there is no journal of decisions")
	}
	list, err := cedar.NewPolicyListFromBytes("policies.cedar", []byte(policyText))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading the policies")
	}
	set := cedar.NewPolicySet()
	for _, p := range list {
		id, ok := p.Annotations()["id"]
		if !ok || !set.Add(cedar.PolicyID(id), p) {
			return nil, fault.New(fault.Internal, "reading the policies: one has no @id or an @id that is taken (%q)", id)
		}
	}
	return &Policy{set: set, refused: &refusals{journal: journal, now: now}}, nil
}

// Decide implements [Authority].
func (a *Policy) Decide(ctx context.Context, p Principal, do Action, zone string) error {
	allowed, why := a.ask(ctx, p, do, zone)
	if allowed {
		return nil
	}
	if !do.Reads() {
		a.refused.note(p, do, zone, why)
	}
	return fault.New(fault.Denied, "%s is not allowed %s", subject(p), object(do, zone)).WithHint("%s", hint(why))
}

// Allowed lists the actions that p may do somewhere, for a page that shows only
// the buttons that work.
func (a *Policy) Allowed(p Principal) []Action {
	ctx := Narrowed(context.Background())
	return slices.DeleteFunc(Actions(), func(do Action) bool {
		ok, _ := a.ask(ctx, p, do, "")
		return !ok
	})
}

// ask returns the decision, and of a refusal the policy that forbids, if any.
func (a *Policy) ask(ctx context.Context, p Principal, do Action, zone string) (allowed bool, why string) {
	if p.ID == "" || kindOf(p) == "" {
		return false, "nobody"
	}
	narrowed, _ := ctx.Value(narrowKey{}).(bool)
	uid := cedar.NewEntityUID(kindOf(p), cedar.String(p.ID))
	roles := make([]cedar.EntityUID, 0, len(p.Roles)+1)
	for _, r := range p.Roles {
		roles = append(roles, cedar.NewEntityUID("Role", cedar.String(r)))
	}
	if p.Kind == Local {
		roles = append(roles, cedar.NewEntityUID("Role", cedar.String(Admin)))
	}
	decision, diagnostic := cedar.Authorize(a.set, cedar.EntityMap{uid: {UID: uid, Parents: cedar.NewEntityUIDSet(roles...)}}, cedar.Request{
		Principal: uid,
		Action:    cedar.NewEntityUID("Action", cedar.String(do)),
		Resource:  cedar.NewEntityUID("Zone", cedar.String(zone)),
		Context: cedar.NewRecord(cedar.RecordMap{
			"scoped":   cedar.Boolean(len(p.Scope) > 0),
			"scope":    uids("Action", p.Scope),
			"limited":  cedar.Boolean(len(p.Zones) > 0),
			"zones":    uids("Zone", p.Zones),
			"narrowed": cedar.Boolean(narrowed),
		}),
	})
	if len(diagnostic.Errors) > 0 { // a policy that cannot be evaluated would be skipped, also one that forbids
		return false, "error in " + string(diagnostic.Errors[0].PolicyID)
	}
	if decision == cedar.Allow {
		return true, ""
	}
	if len(diagnostic.Reasons) > 0 {
		return false, string(diagnostic.Reasons[0].PolicyID)
	}
	return false, ""
}

func kindOf(p Principal) cedar.EntityType {
	switch p.Kind {
	case Person:
		return "Person"
	case Token:
		return "Token"
	case Agent:
		return "Agent"
	case Local:
		return "Local"
	}
	return ""
}

func uids[T ~string](kind cedar.EntityType, names []T) cedar.Set {
	out := make([]cedar.Value, len(names))
	for i, n := range names {
		out[i] = cedar.NewEntityUID(kind, cedar.String(n))
	}
	return cedar.NewSet(out...)
}

func subject(p Principal) string {
	if p.Name == "" {
		return "who asks"
	}
	return p.Name
}

func object(do Action, zone string) string {
	if zone == "" {
		return string(do)
	}
	return string(do) + " in zone " + zone
}

// hint says what would help, by the policy that refused.
func hint(why string) string {
	switch why {
	case "nobody":
		return "sign in first"
	case "token-only-its-scope":
		return "the token's scope leaves this out: make a token whose scope has it"
	case "token-makes-no-accounts":
		return "sign in as a person: a token cannot change accounts"
	case "agent-changes-nothing":
		return "an agent proposes, a person does it"
	case "only-in-its-zones", "limited-sees-whole-site-only-narrowed", "limited-changes-nothing-site-wide":
		return "the account is limited to some zones: ask an administrator of Vedette to widen it"
	}
	return "no role of the account allows it: ask an administrator of Vedette for the role"
}
