package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/audit"
	"vedette/internal/authz"
	"vedette/internal/copilot"
	"vedette/internal/correlate"
	"vedette/internal/detect/behave"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/ingest/bulk"
	"vedette/internal/intel/library"
	"vedette/internal/intel/pull"
	"vedette/internal/store"
	"vedette/internal/toolbox"
	"vedette/internal/vuln/remedy"
)

// plant is a product with a few devices; it notes who changed what.
type plant struct {
	api.Sharing // of the socket alone
	list        []asset.Device
	did         []string
	health      []api.Condition
	open        []correlate.Incident
	stored      api.Overview
	unrecorded  error
	sources     []ingest.Status
}

func (p *plant) Ask(_ context.Context, q copilot.Request) (*copilot.Answer, error) {
	p.did = append(p.did, "ask by "+q.Person)
	return &copilot.Answer{Question: q.Question}, nil
}

func (p *plant) Query(_ context.Context, text string, _ time.Time) (*toolbox.Table, error) {
	p.did = append(p.did, "query "+text)
	return &toolbox.Table{}, nil
}

func (p *plant) DeviceRows(context.Context) ([]store.Device, error) {
	var out []store.Device
	for _, d := range slices.Backward(p.list) { // in no order
		out = append(out, d.Row())
	}
	return out, nil
}

func (p *plant) FindDevice(_ context.Context, text string) (asset.Device, error) {
	for _, d := range p.list {
		if d.UID == text {
			return d, nil
		}
	}
	return asset.Device{}, fault.New(fault.NotFound, "there is no device %.100q", text)
}

func (p *plant) SetDevice(_ context.Context, actor, uid, key, value string) (asset.Device, error) {
	p.did = append(p.did, fmt.Sprintf("%s sets %s of %s to %s", actor, key, uid, value))
	return p.FindDevice(context.Background(), uid)
}

func (p *plant) DeviceBehaviour(_ context.Context, w api.DeviceSpanWish) (api.DeviceBehaviour, error) {
	p.did = append(p.did, fmt.Sprintf("behaviour of %s over %s", w.Device, w.Span))
	return api.DeviceBehaviour{Usual: &behave.Usual{Rates: []behave.Rate{}, Tags: []behave.Tag{}}, Spans: []api.DeviceSpan{{}}, Peers: []api.DevicePeer{}, Functions: []api.DeviceFunction{}, Readings: []api.DeviceReading{}, Cut: []string{}}, nil
}

func (p *plant) DeviceMUD(context.Context, string) (api.DeviceMUD, error) {
	return api.DeviceMUD{Allows: []api.MUDEntry{}, Tested: api.MUDTest{Lines: []api.MUDFlow{{Peer: "10.0.0.1"}}}}, nil
}

func (p *plant) DeviceMUDFile(context.Context, string) (api.File, error) {
	return api.File{Name: "mud.json", Kind: "application/mud+json", Data: []byte("{}")}, nil
}

func (p *plant) DeviceChanges(context.Context, string) ([]api.DeviceChange, error) {
	return []api.DeviceChange{{Kind: "program"}}, nil
}

func (*plant) ZonePolicy(context.Context) (api.ZonePolicy, error) {
	return api.ZonePolicy{Declared: true, Mode: "alert", Default: "deny", Isolated: []string{}, Conduits: []api.Conduit{{Name: "scada", From: []string{"control"}, To: []string{"cell"}, Allows: "tcp port 502"}}}, nil
}

func (*plant) Passages(context.Context, api.PassageWish) (api.Passages, error) {
	return api.Passages{
		Policy: api.ZonePolicy{Isolated: []string{}, Conduits: []api.Conduit{}}, Total: 1,
		List: []api.Passage{{From: "control", To: "cell", Standing: "covered", Conduits: []api.Covering{{Name: "scada"}}, Violated: []api.Violation{{Rule: "policy/conduit/scada", Findings: 1}}}},
	}, nil
}

func (*plant) DraftPolicy(context.Context, string) (api.File, error) {
	return api.File{Name: "conduits-draft.yaml", Kind: "application/yaml", Data: []byte("{}\n")}, nil
}

func (p *plant) Crossings(context.Context, api.CrossingWish) (api.Crossings, error) {
	return api.Crossings{List: []api.Crossing{{Device: "dev-000", Other: "Dock"}}, Total: 1}, nil
}

func (p *plant) DeviceLife(context.Context, string) (api.DeviceLife, error) {
	return api.DeviceLife{State: "new", History: []api.DeviceMoment{{What: "was first seen"}}}, nil
}

func (p *plant) Incidents(context.Context, bool) ([]correlate.Incident, error) {
	return slices.Clone(p.open), nil
}

func (p *plant) IncidentPage(_ context.Context, w api.IncidentWish) ([]correlate.Incident, int, error) {
	list := api.AssignedTo(slices.Clone(p.open), w.Assignee, w.Asks)
	start := min(w.Offset, len(list))
	return append([]correlate.Incident{}, list[start:min(start+w.Limit, len(list))]...), len(list), nil
}

func (p *plant) Incident(context.Context, string) (api.IncidentDetail, error) {
	return api.IncidentDetail{}, nil
}

func (p *plant) DecideIncident(_ context.Context, d api.IncidentDecision) (api.IncidentDetail, error) {
	p.did = append(p.did, fmt.Sprintf("%s decides %s on %s", d.Actor, d.Action, d.Incident))
	return api.IncidentDetail{}, nil
}

func (p *plant) ExportIncident(_ context.Context, e api.IncidentExport) (api.File, error) {
	p.did = append(p.did, fmt.Sprintf("%s takes %s as %s", e.Actor, e.Incident, e.Format))
	data, err := json.Marshal(api.IncidentFile{ExportedBy: e.Actor})
	return api.File{Name: "incident.json", Kind: "application/json", Data: data}, err
}

func (p *plant) ListVulns(_ context.Context, f api.VulnFilter) (api.VulnList, error) {
	return api.VulnList{Rows: make([]api.VulnRow, min(f.Limit, 250-min(f.Offset, 250))), Total: 250}, nil
}

func (p *plant) PlanVulns(context.Context, api.PlanFilter) (api.VulnPlan, error) {
	return api.VulnPlan{Rows: []remedy.Action{}, Counts: map[string]int{}}, nil
}

func (p *plant) OpenRemediation(_ context.Context, o api.RemediationOpen) (api.RemediationView, error) {
	p.did = append(p.did, fmt.Sprintf("%s opens a task of %s", o.Actor, o.Action))
	return api.RemediationView{}, nil
}

func (p *plant) Remediations(context.Context, api.RemediationFilter) ([]api.RemediationView, error) {
	return []api.RemediationView{}, nil
}

func (p *plant) Remediation(context.Context, string, []string) (api.RemediationView, error) {
	return api.RemediationView{}, nil
}

func (p *plant) DecideRemediation(_ context.Context, d api.RemediationDecision) (api.RemediationView, error) {
	p.did = append(p.did, fmt.Sprintf("%s decides %s on %s", d.Actor, d.Action, d.UID))
	return api.RemediationView{}, nil
}

func (p *plant) ExportRemediations(context.Context, string, []string) (api.File, error) {
	return api.File{Name: "task.md", Kind: "text/markdown", Data: []byte("{}")}, nil
}

func (p *plant) FirmwareHistory(context.Context, string) ([]asset.Run, error) { return nil, nil }

func (p *plant) ShowVuln(context.Context, string) (api.VulnDetail, error) {
	return api.VulnDetail{}, nil
}
func (p *plant) Sources(context.Context) ([]ingest.Status, error) { return p.sources, nil }
func (p *plant) SetAside(context.Context) ([]api.AsidePayload, error) {
	return []api.AsidePayload{{ID: "spool-1"}}, nil
}

func (p *plant) ShowAside(context.Context, string) (api.AsideShown, error) {
	return api.AsideShown{Lines: []string{}}, nil
}

func (p *plant) ReplayAside(_ context.Context, w api.AsideWish) (api.AsideReplayed, error) {
	p.did = append(p.did, w.Actor+" replays")
	return api.AsideReplayed{Payloads: []api.AsideOutcome{}}, nil
}

func (p *plant) DropAside(_ context.Context, w api.AsideWish) (api.AsideDropped, error) {
	p.did = append(p.did, w.Actor+" drops: "+w.Why)
	return api.AsideDropped{Payloads: w.Count}, nil
}

func (p *plant) IngestCapture(_ context.Context, in io.Reader, name, filter string, _ time.Time) (ingest.Summary, error) {
	raw, err := io.ReadAll(in)
	p.did = append(p.did, fmt.Sprintf("%s: %d bytes through %s", name, len(raw), filter))
	return ingest.Summary{}, err
}

func (p *plant) IngestStream(_ context.Context, in io.Reader, name, _ string, _ time.Time) (ingest.Summary, error) {
	raw, err := io.ReadAll(in)
	p.did = append(p.did, fmt.Sprintf("%s: %d bytes", name, len(raw)))
	return ingest.Summary{}, err
}

func (p *plant) Findings(context.Context, api.FindingFilter) (api.Findings, error) {
	return api.Findings{}, nil
}

func (p *plant) Finding(context.Context, string) (api.FindingDetail, error) {
	return api.FindingDetail{}, nil
}

func (p *plant) Event(_ context.Context, uid string, _ time.Time) (map[string]any, error) {
	return map[string]any{"metadata.uid": uid}, nil
}

func (p *plant) DeviceNames(_ context.Context, uids []string) map[string]string {
	out := map[string]string{}
	for _, uid := range uids {
		out[uid] = "the " + uid
	}
	return out
}
func (p *plant) Status(context.Context) (api.Overview, error)         { return p.stored, nil }
func (p *plant) Latest(context.Context, int) ([]api.Happening, error) { return []api.Happening{}, nil }
func (p *plant) Health(context.Context) []api.Condition               { return p.health }
func (p *plant) Seen(context.Context) (api.IntelSeen, error) {
	return api.IntelSeen{Hits: []api.SeenDevice{}, Techniques: []api.SeenTechnique{}}, nil
}

func (p *plant) Technique(_ context.Context, id string) (api.TechniqueAnswer, error) {
	return api.TechniqueAnswer{ID: id}, nil
}
func (p *plant) Pulls(context.Context) ([]pull.Health, error)       { return nil, nil }
func (p *plant) IntelFeeds(context.Context) ([]library.Feed, error) { return nil, nil }
func (p *plant) Assignable(context.Context) ([]api.Assignable, error) {
	return []api.Assignable{{Name: "ann"}}, nil
}
func (p *plant) Journal(context.Context, int) ([]audit.Entry, error)  { return nil, nil }
func (p *plant) ShowAI(context.Context, int) (api.AI, error)          { return api.AI{}, nil }
func (p *plant) FindModels(context.Context) ([]api.FoundModel, error) { return nil, nil }
func (p *plant) UseModel(_ context.Context, use api.ModelUse) error {
	p.did = append(p.did, use.By+" approves "+use.Model)
	return nil
}

func (p *plant) LookupIntel(_ context.Context, values []string, _ time.Time) ([]api.IntelAnswer, error) {
	return make([]api.IntelAnswer, len(values)), nil
}

func (p *plant) TakeBulk(_ context.Context, body io.Reader, from bulk.Sender) (bulk.Taken, error) {
	raw, err := io.ReadAll(body)
	p.did = append(p.did, fmt.Sprintf("%s pushes %d bytes with key %q", from.Peer, len(raw), from.Key))
	return bulk.Taken{Bytes: int64(len(raw))}, err
}

func (p *plant) TakeLogs(_ context.Context, body []byte, isJSON bool, peer string) (int64, error) {
	p.did = append(p.did, fmt.Sprintf("%s exports %d bytes, JSON %v", peer, len(body), isJSON))
	return int64(len(body) % 7), nil
}

func (p *plant) RecordRead(_ context.Context, c api.ReadCall) error {
	p.did = append(p.did, c.Person+" reads "+c.Tool+" by "+c.Door)
	return p.unrecorded
}

func (p *plant) Retention(context.Context) (api.RetentionSettings, error) {
	return api.RetentionSettings{}, nil
}

func (p *plant) SetRetention(_ context.Context, c api.RetentionChange) (api.RetentionSettings, error) {
	if c.Seen != nil && *c.Seen != 3 {
		return api.RetentionSettings{}, fault.Wrap(fault.Conflict, api.ErrStale, "it is at version 3")
	}
	p.did = append(p.did, c.Actor+" sets the retention")
	return api.RetentionSettings{Version: 3}, nil
}

func (p *plant) SettingsHistory(context.Context, int) ([]api.SettingsVersion, error) {
	return []api.SettingsVersion{{Version: 1}}, nil
}

func (p *plant) UndoSettings(context.Context, api.SettingsUndo) (api.SettingsUndone, error) {
	return api.SettingsUndone{Changes: []string{}}, nil
}

func (p *plant) ConfiguredSources(context.Context) ([]api.SourceView, error) {
	return []api.SourceView{{Config: api.SourceConfig{Name: "list", Kind: "syslog"}, Version: 3}}, nil
}

func (p *plant) PutSource(_ context.Context, put api.SourcePut) (api.SourceView, error) {
	p.did = append(p.did, put.Actor+" sets the source "+put.Config.Name)
	return api.SourceView{Config: put.Config}, nil
}

func (p *plant) ChangeSource(_ context.Context, d api.SourceDeed) (api.SourceView, error) {
	p.did = append(p.did, d.Actor+" does "+d.Do+" to the source "+d.Name)
	return api.SourceView{}, nil
}

func (p *plant) Rules(context.Context) ([]api.RuleView, error) {
	return []api.RuleView{{ID: "r1", Tags: []string{"x"}}}, nil
}
func (p *plant) Rule(context.Context, string) (api.RuleView, error) { return api.RuleView{}, nil }
func (p *plant) PutRule(_ context.Context, put api.RulePut) (api.RuleView, error) {
	p.did = append(p.did, put.Actor+" sets a rule")
	return api.RuleView{}, nil
}

func (p *plant) ChangeRule(_ context.Context, d api.RuleDeed) (api.RuleView, error) {
	p.did = append(p.did, d.Actor+" does "+d.Do+" to the rule "+d.ID)
	return api.RuleView{}, nil
}

func (p *plant) TryRule(_ context.Context, q api.RuleTry) (api.RuleTried, error) {
	if q.Told != nil {
		q.Told(api.RuleTryProgress{Read: 1, Of: 2})
	}
	return api.RuleTried{ID: "r1", Devices: []api.RuleTryDevice{}, Days: []api.RuleTryDay{}, Examples: []api.RuleTryExample{{Reasons: []string{}}}}, nil
}

func (p *plant) ConfiguredZones(context.Context) ([]api.ZoneView, error) {
	return []api.ZoneView{{Config: api.ZoneConfig{Name: "list", Subnets: []string{"10.1.0.0/16"}}, Version: 3}}, nil
}

func (p *plant) PutZone(_ context.Context, put api.ZonePut) (api.ZoneView, error) {
	p.did = append(p.did, put.Actor+" sets the zone "+put.Config.Name)
	return api.ZoneView{Config: put.Config}, nil
}

func (p *plant) RenameZone(_ context.Context, r api.ZoneRename) (api.ZoneView, error) {
	if !r.Check {
		p.did = append(p.did, r.Actor+" renames the zone "+r.Name+" to "+r.To)
	}
	return api.ZoneView{Config: api.ZoneConfig{Name: r.To}}, nil
}

func (p *plant) RemoveZone(_ context.Context, d api.ZoneDeed) (api.ZoneView, error) {
	if !d.Check {
		p.did = append(p.did, d.Actor+" removes the zone "+d.Name)
	}
	return api.ZoneView{Config: api.ZoneConfig{Subnets: []string{}}, Effect: &api.ZoneEffect{Devices: []api.ZoneMove{}, Accounts: []api.ZoneAccount{{Name: "ann"}}, Conduits: []string{}}}, nil
}

func (p *plant) ConfiguredPulls(context.Context) ([]api.PullView, error) {
	return []api.PullView{{Config: api.PullConfig{Name: "list", Kind: "indicators", URL: "https://feed.example/list"}, Version: 3}}, nil
}

func (p *plant) PutPull(_ context.Context, put api.PullPut) (api.PullView, error) {
	p.did = append(p.did, put.Actor+" sets the feed "+put.Config.Name)
	return api.PullView{Config: put.Config}, nil
}

func (p *plant) ChangePull(_ context.Context, d api.PullDeed) (api.PullView, error) {
	p.did = append(p.did, d.Actor+" does "+d.Do+" to the feed "+d.Name)
	return api.PullView{}, nil
}

func (p *plant) ConfiguredModels(context.Context) ([]api.ModelServerView, error) {
	return []api.ModelServerView{{Config: api.ModelServer{Name: "list", URL: "http://127.0.0.1:1", Model: "m", Location: "on-premises"}, Version: 3}}, nil
}

func (p *plant) PutModelServer(_ context.Context, put api.ModelServerPut) (api.ModelServerView, error) {
	p.did = append(p.did, put.Actor+" sets the model "+put.Config.Name)
	return api.ModelServerView{Config: put.Config}, nil
}

func (p *plant) ChangeModelServer(_ context.Context, d api.ModelServerDeed) (api.ModelServerView, error) {
	p.did = append(p.did, d.Actor+" does "+d.Do+" to the model "+d.Name)
	return api.ModelServerView{}, nil
}

func (p *plant) BrokerUsers(context.Context, string) ([]api.BrokerUserView, error) {
	return []api.BrokerUserView{{Broker: "list", Config: api.BrokerUser{Name: "pump-3"}}}, nil
}

func (p *plant) PutBrokerUser(_ context.Context, put api.BrokerUserPut) (api.BrokerUserView, error) {
	p.did = append(p.did, put.Actor+" sets the user "+put.Config.Name+" of "+put.Broker)
	return api.BrokerUserView{Config: put.Config}, nil
}

func (p *plant) RemoveBrokerUser(_ context.Context, d api.BrokerUserDeed) (api.BrokerUserView, error) {
	p.did = append(p.did, d.Actor+" removes the user "+d.Name+" of "+d.Broker)
	return api.BrokerUserView{}, nil
}

func (p *plant) Limits(context.Context) (api.LimitsInForce, error) {
	return api.LimitsInForce{Limits: []api.Limit{}, Notes: []string{}}, nil
}

func (p *plant) SetLimits(_ context.Context, c api.LimitsChange) (api.LimitsInForce, error) {
	p.did = append(p.did, c.Actor+" sets limits")
	return api.LimitsInForce{Limits: []api.Limit{}, Notes: []string{}}, nil
}

func (p *plant) ModelPolicy(context.Context) (api.ModelPolicy, error) {
	return api.ModelPolicy{Rules: []api.ModelRuleView{}}, nil
}

func (p *plant) SetModelPolicy(_ context.Context, c api.ModelPolicyChange) (api.ModelPolicy, error) {
	p.did = append(p.did, c.Actor+" sets what may go to models")
	return api.ModelPolicy{Rules: []api.ModelRuleView{}}, nil
}

func here() About { return About{Version: "v1", Now: time.Now} }

func device3(zones ...string) *plant {
	p := &plant{}
	for i, z := range zones {
		d := asset.Device{UID: fmt.Sprintf("dev-%03d", i)}
		d.Attributes = map[asset.Key]asset.Attribute{asset.KeyZone: {Value: z}}
		p.list = append(p.list, d)
	}
	return p
}

func authority(t *testing.T) *authz.Policy {
	t.Helper()
	j, err := audit.Open(filepath.Join(t.TempDir(), "audit.jsonl"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	a, err := authz.New(j, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// call makes a request as somebody; nobody if the principal has no kind.
func call(t *testing.T, h http.Handler, p authz.Principal, method, path, body string) (int, map[string]any) {
	t.Helper()
	ctx := t.Context()
	if p.Kind != "" {
		ctx = authz.With(ctx, p)
	}
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%s %s: %d %q: %v", method, path, w.Code, w.Body, err)
	}
	if w.Code >= http.StatusBadRequest && (w.Header().Get("Content-Type") != "application/problem+json" || out["status"] != float64(w.Code) || out["detail"] == "") {
		t.Errorf("%s %s: a problem that is none: %v", method, path, out)
	}
	return w.Code, out
}

func as(role authz.Role, zones ...string) authz.Principal {
	return authz.Principal{ID: "u1", Name: "ann", Kind: authz.Person, Roles: []authz.Role{role}, Zones: zones}
}

// Every route with every role, and nobody: the table says who may.
func TestEveryRouteByEveryRole(t *testing.T) {
	all := []authz.Role{authz.Viewer, authz.Analyst, authz.Responder, authz.Auditor, authz.Admin}
	may := map[string][]authz.Role{
		"GET /api/v1/me": all, "POST /api/v1/ask": all[1:], "POST /api/v1/query": all, "GET /api/v1/devices": all, "GET /api/v1/devices/{uid}": all,
		"PATCH /api/v1/devices/{uid}": {authz.Responder, authz.Admin}, "GET /api/v1/incidents": all, "GET /api/v1/incidents/{uid}": all, "GET /api/v1/incidents/{uid}/export": all,
		"GET /api/v1/incidents/people":           {authz.Analyst, authz.Responder, authz.Admin},
		"POST /api/v1/incidents/{uid}/decisions": {authz.Analyst, authz.Responder, authz.Admin}, "GET /api/v1/vulnerabilities": all, "GET /api/v1/vulnerabilities/{id}": all, "GET /api/v1/vulnerabilities/plan": all,
		"GET /api/v1/sources": all, "POST /api/v1/ingest": {authz.Admin}, "POST /api/v1/bulk": {authz.Admin}, "POST /v1/logs": {authz.Admin},
		"GET /api/v1/now": all, "GET /api/v1/events/tail": all, "GET /api/v1/events/{uid}": all, "GET /api/v1/fields": all, "GET /api/v1/findings": all, "GET /api/v1/findings/{uid}": all,
		"GET /api/v1/intel": all, "GET /api/v1/intel/pulls": all, "POST /api/v1/intel/lookup": all, "GET /api/v1/ai": all[1:], "POST /api/v1/ai/find": {authz.Admin}, "POST /api/v1/ai/use": {authz.Admin},
		"GET /api/v1/spool/aside": {authz.Admin}, "GET /api/v1/spool/aside/{id}": {authz.Admin}, "POST /api/v1/spool/replay": {authz.Admin}, "POST /api/v1/spool/drop": {authz.Admin},
		"GET /api/v1/audit": {authz.Auditor, authz.Admin}, "GET /api/v1/devices/{uid}/firmware": all,
		"GET /api/v1/remediations": all, "GET /api/v1/remediations/{uid}": all, "GET /api/v1/remediations/{uid}/ticket": all,
		"POST /api/v1/remediations": {authz.Analyst, authz.Responder, authz.Admin}, "POST /api/v1/remediations/{uid}/decisions": {authz.Analyst, authz.Responder, authz.Admin},
		"GET /api/v1/vulnerabilities/groups": all, "GET /api/v1/vulnerabilities/statements": all, "POST /api/v1/vulnerabilities/statements": {authz.Analyst, authz.Responder, authz.Admin},
		"GET /api/v1/devices/{uid}/vulnerabilities": all, "GET /api/v1/devices/{uid}/bills": all, "GET /api/v1/devices/{uid}/bills/{id}": all, "GET /api/v1/bills": all, "GET /api/v1/bills/{id}": all, "GET /api/v1/bills/diff": all,
		"POST /api/v1/bills": {authz.Analyst, authz.Responder, authz.Admin}, "GET /api/v1/advisories": all, "POST /api/v1/advisories": {authz.Responder, authz.Admin},
		"POST /api/v1/intel": {authz.Responder, authz.Admin}, "DELETE /api/v1/intel/{name}": {authz.Responder, authz.Admin}, "POST /api/v1/intel/pulls/{name}": {authz.Admin},
		"GET /api/v1/intel/techniques/{id}": all, "GET /api/v1/intel/allow": all, "POST /api/v1/intel/allow": {authz.Responder, authz.Admin},
		"GET /api/v1/conduits": all, "GET /api/v1/conduits/draft": all,
		"GET /api/v1/devices/{uid}/behaviour": all, "GET /api/v1/devices/{uid}/policy": all, "GET /api/v1/devices/{uid}/changes": all, "GET /api/v1/network/crossings": all, "GET /api/v1/network/passages": all, "GET /api/v1/devices/{uid}/life": all,
		"GET /api/v1/settings/retention": all[1:], "PUT /api/v1/settings/retention": {authz.Admin}, "GET /api/v1/settings/history": all[1:], "POST /api/v1/settings/undo": {authz.Admin},
		"GET /api/v1/rules": all, "GET /api/v1/rules/{id}": all, "POST /api/v1/rules": {authz.Admin}, "POST /api/v1/rules/try": {authz.Admin}, "POST /api/v1/rules/{id}/state": {authz.Admin}, "DELETE /api/v1/rules/{id}": {authz.Admin},
		"GET /api/v1/settings/feeds": all[1:], "GET /api/v1/settings/feeds/{name}": all[1:], "POST /api/v1/settings/feeds": {authz.Admin}, "PUT /api/v1/settings/feeds/{name}": {authz.Admin}, "DELETE /api/v1/settings/feeds/{name}": {authz.Admin}, "POST /api/v1/settings/feeds/{name}/state": {authz.Admin},
		"GET /api/v1/settings/models": all[1:], "GET /api/v1/settings/models/{name}": all[1:], "POST /api/v1/settings/models": {authz.Admin}, "PUT /api/v1/settings/models/{name}": {authz.Admin}, "DELETE /api/v1/settings/models/{name}": {authz.Admin}, "POST /api/v1/settings/models/{name}/state": {authz.Admin},
		"GET /api/v1/settings/brokers/{name}/users": all[1:], "POST /api/v1/settings/brokers/{name}/users": {authz.Admin}, "PUT /api/v1/settings/brokers/{name}/users/{id}": {authz.Admin}, "DELETE /api/v1/settings/brokers/{name}/users/{id}": {authz.Admin},
		"GET /api/v1/settings/limits": all[1:], "PUT /api/v1/settings/limits": {authz.Admin},
		"GET /api/v1/settings/model-policy": all[1:], "PUT /api/v1/settings/model-policy": {authz.Admin},
		"GET /api/v1/settings/zones": all[1:], "GET /api/v1/settings/zones/{name}": all[1:], "POST /api/v1/settings/zones": {authz.Admin}, "PUT /api/v1/settings/zones/{name}": {authz.Admin}, "DELETE /api/v1/settings/zones/{name}": {authz.Admin}, "POST /api/v1/settings/zones/{name}/name": {authz.Admin},
		"GET /api/v1/settings/sources": all[1:], "GET /api/v1/settings/sources/{name}": all[1:], "POST /api/v1/settings/sources": {authz.Admin}, "PUT /api/v1/settings/sources/{name}": {authz.Admin},
		"DELETE /api/v1/settings/sources/{name}": {authz.Admin}, "POST /api/v1/settings/sources/{name}/state": {authz.Admin},
		"GET /api/v1/intel/seen": all,
	}
	bodies := map[string]string{
		"POST /api/v1/settings/models": `{"config":{"name":"list","url":"http://127.0.0.1:1","model":"m","location":"on-premises"}}`, "PUT /api/v1/settings/models/{name}": `{"config":{"name":"list","url":"http://127.0.0.1:1","model":"m","location":"on-premises"}}`,
		"POST /api/v1/settings/models/{name}/state": `{"do":"retire"}`, "PUT /api/v1/settings/model-policy": `{"mode":"off"}`, "PUT /api/v1/settings/limits": `{"set":{"devices":"7"}}`,
		"POST /api/v1/settings/brokers/{name}/users": `{"config":{"name":"pump-3"}}`, "PUT /api/v1/settings/brokers/{name}/users/{id}": `{"config":{"name":"CVE-2024-1"}}`,
		"POST /api/v1/spool/replay": `{"all":true}`, "POST /api/v1/spool/drop": `{"all":true,"count":1,"why":"w"}`,
		"POST /api/v1/ask": `{"question":"q"}`, "POST /api/v1/query": `{"query":"last 24h"}`, "PATCH /api/v1/devices/{uid}": `{"owner":"x"}`,
		"POST /api/v1/incidents/{uid}/decisions": `{"action":"close","why":"w"}`, "POST /api/v1/ingest": "x", "POST /api/v1/bulk": "x", "POST /v1/logs": `{"resourceLogs":[]}`, "POST /api/v1/intel/lookup": `{"values":["192.0.2.1"]}`, "POST /api/v1/ai/use": `{"url":"http://127.0.0.1:1","model":"m","why":"w"}`,
		"POST /api/v1/vulnerabilities/statements": `{"vulnerability":"CVE-2024-1","status":"fixed","why":"w"}`, "POST /api/v1/bills": "{}", "POST /api/v1/advisories": "{}", "POST /api/v1/intel": "192.0.2.1",
		"POST /api/v1/intel/pulls/{name}": "{}", "POST /api/v1/intel/allow": `{"values":["192.0.2.1"],"why":"w"}`,
		"PUT /api/v1/settings/retention": `{"events":"30d"}`, "POST /api/v1/settings/undo": `{"version":0}`, "POST /api/v1/rules": `{"text":"x"}`, "POST /api/v1/rules/try": `{"text":"x"}`, "POST /api/v1/rules/{id}/state": `{"do":"disable"}`,
		"POST /api/v1/settings/feeds": `{"config":{"name":"list","kind":"indicators","url":"https://feed.example/list"}}`, "PUT /api/v1/settings/feeds/{name}": `{"config":{"name":"list","kind":"indicators","url":"https://feed.example/list"}}`, "POST /api/v1/settings/feeds/{name}/state": `{"do":"pause"}`,
		"POST /api/v1/settings/zones/{name}/name": `{"to":"hall"}`, "POST /api/v1/settings/zones": `{"config":{"name":"list","subnets":["10.1.0.0/16"]}}`, "PUT /api/v1/settings/zones/{name}": `{"config":{"name":"list","subnets":["10.1.0.0/16"]}}`,
		"POST /api/v1/settings/sources": `{"config":{"name":"list","kind":"syslog"}}`, "PUT /api/v1/settings/sources/{name}": `{"config":{"name":"list","kind":"syslog"}}`, "POST /api/v1/settings/sources/{name}/state": `{"do":"stop"}`,
		"POST /api/v1/remediations": `{"action":"a1"}`, "POST /api/v1/remediations/{uid}/decisions": `{"action":"note","text":"x"}`,
	}
	asks := map[string]string{"GET /api/v1/bills/diff": "?before=a&after=b", "GET /api/v1/vulnerabilities/groups": "?by=device", "GET /api/v1/network/crossings": "?zone=Press"}
	h := Handler(device3("Press"), authority(t), here())
	for _, route := range Routes() {
		method, path, _ := strings.Cut(route.Pattern, " ")
		path = strings.NewReplacer("{uid}", "dev-000", "{id}", "CVE-2024-1", "{name}", "list").Replace(path) + asks[route.Pattern]
		roles, known := may[route.Pattern]
		if !known || route.Action == "" {
			t.Errorf("%s is not in the table of this test, or has no action", route.Pattern)
		}
		for _, role := range all {
			want := http.StatusForbidden
			if slices.Contains(roles, role) {
				want = http.StatusOK
				if route.Pattern == "POST /api/v1/bulk" {
					want = http.StatusAccepted
				}
			}
			if route.Pattern == "GET /api/v1/events/tail" { // it does not end by itself: TestTail
				if err := authority(t).Decide(t.Context(), as(role), route.Action, ""); (err == nil) != (want == http.StatusOK) {
					t.Errorf("%s as %s: %v", route.Pattern, role, err)
				}
				continue
			}
			got, out := call(t, h, as(role), method, path, bodies[route.Pattern])
			if got != want {
				t.Errorf("%s as %s: %d, not %d: %v", route.Pattern, role, got, want, out)
			}
			if got < 300 && route.out != nil {
				described(t, route, out)
			}
		}
		if got, _ := call(t, h, authz.Principal{}, method, path, bodies[route.Pattern]); got != http.StatusForbidden {
			t.Errorf("%s as nobody: %d", route.Pattern, got)
		}
		want := http.StatusForbidden
		if route.narrow {
			want = http.StatusOK
		}
		if route.Pattern == "GET /api/v1/events/tail" {
			continue
		}
		if got, _ := call(t, h, as(authz.Admin, "Press"), method, path, bodies[route.Pattern]); got != want && route.Action != authz.SelfRead {
			t.Errorf("%s limited to a zone: %d, not %d", route.Pattern, got, want)
		}
	}
	if got, _ := call(t, h, as(authz.Admin), "GET", "/api/v1/nothing", ""); got != http.StatusNotFound {
		t.Errorf("an operation that there is not: %d", got)
	}
}

// Who is limited to a zone sees and changes nothing of others, and cannot tell
// whether it is there.
func TestZones(t *testing.T) {
	p := device3("Press", "Dock", "Press")
	h := Handler(p, authority(t), here())
	_, out := call(t, h, as(authz.Responder, "Dock"), "GET", "/api/v1/devices", "")
	if out["total"] != 1.0 || len(out["rows"].([]any)) != 1 {
		t.Errorf("%v", out)
	}
	_, there := call(t, h, as(authz.Responder, "Dock"), "GET", "/api/v1/devices/dev-000", "")
	_, not := call(t, h, as(authz.Responder, "Dock"), "GET", "/api/v1/devices/dev-999", "")
	if there["status"] != 404.0 || strings.ReplaceAll(there["detail"].(string), "000", "999") != not["detail"] {
		t.Errorf("%v, %v", there, not)
	}
	for path, body := range map[string]string{"dev-000": `{"owner":"x"}`, "dev-001": `{"zone":"Press"}`} {
		if got, _ := call(t, h, as(authz.Responder, "Dock"), "PATCH", "/api/v1/devices/"+path, body); got == http.StatusOK {
			t.Errorf("%s was changed", path)
		}
	}
	if len(p.did) != 0 {
		t.Errorf("done: %q", p.did)
	}
	if got, _ := call(t, h, as(authz.Responder, "Dock"), "PATCH", "/api/v1/devices/dev-001", `{"owner":"x"}`); got != http.StatusOK || !slices.Equal(p.did, []string{"ann sets owner of dev-001 to x"}) {
		t.Errorf("%d, %q", got, p.did)
	}
}

// Pages neither repeat nor hide a row.
func TestPages(t *testing.T) {
	p := device3(slices.Repeat([]string{"Press"}, 25)...)
	h := Handler(p, authority(t), here())
	for path, want := range map[string]int{"/api/v1/devices": 25, "/api/v1/vulnerabilities": 250} {
		seen, cursor, pages := 0, "", 0
		for pages = 1; ; pages++ {
			_, out := call(t, h, as(authz.Viewer), "GET", path+"?limit=10&cursor="+cursor, "")
			seen += len(out["rows"].([]any))
			if out["total"] != float64(want) {
				t.Fatalf("%s: %v", path, out["total"])
			}
			next, more := out["next"].(string)
			if !more {
				break
			}
			cursor = next
		}
		if seen != want || pages != (want+9)/10 {
			t.Errorf("%s: %d rows on %d pages", path, seen, pages)
		}
	}
	for _, bad := range []string{"limit=0", "limit=1001", "limit=x", "limit=-1"} {
		for _, path := range []string{"/api/v1/devices?", "/api/v1/vulnerabilities?"} {
			if got, _ := call(t, h, as(authz.Viewer), "GET", path+bad, ""); got != http.StatusBadRequest {
				t.Errorf("%s%s: %d", path, bad, got)
			}
		}
	}
	if got, _ := call(t, h, as(authz.Viewer), "GET", "/api/v1/vulnerabilities?cursor=-3", ""); got != http.StatusBadRequest {
		t.Errorf("a cursor below zero: %d", got)
	}
}

func TestBadBodies(t *testing.T) {
	p := device3("Press")
	h := Handler(p, authority(t), here())
	for path, bodies := range map[string][]string{
		"POST /api/v1/ask":                       {"", "{", `{"question":""}`, `{"question":"q","extra":1}`, `{"question":"q"} {}`, `{"question":"` + strings.Repeat("x", 3000) + `"}`, strings.Repeat(" ", 2<<20)},
		"POST /api/v1/query":                     {"[]", `{"now":"yesterday"}`},
		"PATCH /api/v1/devices/dev-000":          {`{}`, `{"a":"b","c":"d"}`, `[]`},
		"POST /api/v1/remediations":              {`{"actor":"boss","action":"a1"}`},
		"POST /api/v1/remediations/t1/decisions": {`{"actor":"boss","action":"undo"}`, `{"uid":"other","action":"undo"}`, `{"action":"set","order":{"by":"boss"}}`},
		"POST /api/v1/incidents/i1/decisions":    {`{"actor":"boss","action":"close"}`, `{"incident":"other","action":"close"}`},
		"GET /api/v1/incidents?status=whatever":  {""},
		"GET /api/v1/devices?sort=owner":         {""},
		"GET /api/v1/findings?severity=grave":    {""},
		"GET /api/v1/findings?limit=0":           {""},
		"GET /api/v1/events/e1?at=yesterday":     {""},
		"GET /api/v1/audit?limit=1001":           {""},
		"POST /api/v1/intel/lookup":              {`{"values":[]}`, `{}`},
		"POST /api/v1/ai/use":                    {`{"url":"u","model":"m","why":" "}`, `{"url":"u","model":"m","why":"w","by":"boss"}`},
	} {
		method, url, _ := strings.Cut(path, " ")
		for _, body := range bodies {
			if got, _ := call(t, h, as(authz.Admin), method, url, body); got != http.StatusBadRequest && got != http.StatusRequestEntityTooLarge {
				t.Errorf("%s %.60q: %d", path, body, got)
			}
		}
	}
	if len(p.did) != 0 {
		t.Errorf("done: %q", p.did)
	}
	r := httptest.NewRequestWithContext(authz.With(t.Context(), as(authz.Admin)), http.MethodPost, "/api/v1/ask", strings.NewReader(`{"question":"q"}`))
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusBadRequest { // a form of another site could send that
		t.Errorf("without a content type: %d", w.Code)
	}
}

// An upload may take longer than other requests, as long as it comes.
func TestLongUpload(t *testing.T) {
	p := device3()
	h := Handler(p, authority(t), here())
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(authz.With(r.Context(), as(authz.Admin))))
	}))
	srv.Config.ReadTimeout = 150 * time.Millisecond
	srv.Start()
	defer srv.Close()
	send := func(path string) (int, error) {
		out, in := io.Pipe()
		go func() {
			for range 6 {
				_, _ = io.WriteString(in, " ") // the server may have gone, which is looked at below
				time.Sleep(60 * time.Millisecond)
			}
			_ = in.Close()
		}()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+path, out)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := srv.Client().Do(req)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		return resp.StatusCode, nil
	}
	if got, err := send("/api/v1/ingest?name=slow"); err != nil || got != http.StatusOK || !slices.Equal(p.did, []string{"slow: 6 bytes"}) {
		t.Errorf("%d, %v, %q", got, err, p.did)
	}
	if got, err := send("/api/v1/ask"); err == nil && got == http.StatusOK {
		t.Errorf("a question that dribbles: %d", got)
	}
}
