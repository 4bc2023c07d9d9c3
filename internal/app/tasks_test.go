package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/fault"
	"vedette/internal/vuln/task"
)

const gateCVE = `{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-0001","state":"PUBLISHED"},"containers":{"cna":{"affected":[{"vendor":"Acme","product":"Gate","versions":[{"version":"0","status":"affected","lessThan":"2.8","versionType":"custom"}]},{"vendor":"","product":"busybox","versions":[{"version":"0","status":"affected","lessThan":"1.36","versionType":"custom"}]}]}}}`

// plantOf is a product with gates, and a clock that a test moves.
type plantOf struct {
	*testing.T
	*app.App
	cfg app.Config
	now time.Time
}

func newPlant(t *testing.T, devices int) *plantOf { return newPlantIn(t, t.TempDir(), devices) }

func newPlantIn(t *testing.T, dir string, devices int) *plantOf {
	p := &plantOf{T: t, now: time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)}
	p.cfg = app.Config{Dir: dir, Now: func() time.Time { return p.now }}
	p.open()
	var csv strings.Builder
	csv.WriteString("name,ip,vendor,model,firmware\n")
	for i := range devices {
		fmt.Fprintf(&csv, "gw-%d,10.0.0.%d,Acme,Gate,2.7\n", i+1, i+1)
	}
	if _, err := p.ImportDevices(t.Context(), "ada", strings.NewReader(csv.String())); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ImportAdvisories(t.Context(), api.VulnImport{Actor: "ada"}, packed(t, gateCVE)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *plantOf) open() {
	a, err := app.Open(p.Context(), p.cfg)
	if err != nil {
		p.Fatal(err)
	}
	p.App = a
	p.Cleanup(func() { _ = a.Close() })
}

// seen lets devices answer a CIP identity request with a firmware.
func (p *plantOf) seen(firmware string, devices ...int) {
	p.Helper()
	var log strings.Builder
	for _, n := range devices {
		fmt.Fprintf(&log, `{"ts":%d.0,"uid":"C%d%s%d","id.orig_h":"10.0.0.100","id.orig_p":4001,"id.resp_h":"10.0.0.%d","id.resp_p":44818,"source_h":"10.0.0.%d","source_p":44818,"destination_h":"10.0.0.100","destination_p":4001,"vendor_name":"Acme","device_type_name":"Communications Adapter","product_name":"Gate","revision":%q,"serial_number":"0x01"}`+"\n", p.now.Unix(), p.now.Unix(), firmware, n, n, n, firmware)
	}
	sum, err := p.IngestStream(p.Context(), strings.NewReader(log.String()), "cip_identity.log", "", p.now)
	if err != nil {
		p.Fatal(err, sum)
	}
}

func (p *plantOf) opened() api.RemediationView {
	p.Helper()
	plan, err := p.PlanVulns(p.Context(), api.PlanFilter{})
	list := plan.Rows
	if err != nil || len(list) != 1 || list[0].Kind != "update" {
		p.Fatal(err, list)
	}
	v, err := p.OpenRemediation(p.Context(), api.RemediationOpen{Actor: "ada", Action: list[0].ID})
	if err != nil {
		p.Fatal(err)
	}
	return v
}

func (p *plantOf) set(uid string, o task.Order) api.RemediationView {
	p.Helper()
	v, err := p.DecideRemediation(p.Context(), api.RemediationDecision{Actor: "ada", UID: uid, Action: "set", Order: o})
	if err != nil {
		p.Fatal(err)
	}
	return v
}

func (p *plantOf) is(uid string, state task.State, verified int) api.RemediationView {
	p.Helper()
	v, err := p.Remediation(p.Context(), uid, nil)
	if err != nil || v.State != state || v.Verified != verified {
		p.Fatalf("%v: %s, %d verified, want %s, %d: %+v %+v", err, v.State, v.Verified, state, verified, v.Subjects, v.History)
	}
	return v
}

// TestTaskClosesByWhatIsSeen: a word closes nothing, neither that it is done nor
// which version runs; what is seen does, and opens it again.
func TestTaskClosesByWhatIsSeen(t *testing.T) {
	p := newPlant(t, 2)
	p.seen("2.7", 1, 2)
	p.now = p.now.Add(time.Hour)
	v := p.opened()
	if v.Due.Sub(v.Opened) < 24*time.Hour || v.Subjects[0].State != task.Unseen {
		t.Errorf("%+v", v)
	}
	p.now = p.now.Add(time.Hour)
	p.set(v.UID, task.Order{State: task.SaidDone})
	p.is(v.UID, task.SaidDone, 0)
	for i := range 2 { // a person's word on the version is a word too
		if _, err := p.SetDevice(t.Context(), "ada", fmt.Sprintf("10.0.0.%d", i+1), "firmware", "2.8"); err != nil {
			t.Fatal(err)
		}
	}
	p.is(v.UID, task.SaidDone, 0)
	if _, err := p.DecideRemediation(t.Context(), api.RemediationDecision{Actor: "ada", UID: v.UID, Action: "set", Order: task.Order{State: task.Verified}}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
	p.now = p.now.Add(4 * 24 * time.Hour)
	p.seen("2.7", 2)
	if v := p.is(v.UID, task.SaidDone, 0); v.Doubted != 1 || v.Affected != 1 {
		t.Errorf("%+v", v)
	}
	p.now = p.now.Add(time.Hour)
	p.seen("2.8", 1)
	p.is(v.UID, task.SaidDone, 1)
	// The bill of the other tells that it has the fixed version.
	bill := `{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"metadata":{"component":{"type":"firmware","name":"Gate","version":"2.8"}},"components":[]}`
	if _, err := p.ImportBills(t.Context(), api.VulnImport{Actor: "ada", Device: "10.0.0.2"}, packed(t, bill)); err != nil {
		t.Fatal(err)
	}
	p.is(v.UID, task.Verified, 2)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p.open()
	p.is(v.UID, task.Verified, 2)
	p.now = p.now.Add(time.Hour)
	p.seen("2.7", 1)
	if v := p.is(v.UID, task.Reopened, 1); !strings.Contains(v.History[len(v.History)-1].Why, "2.7") {
		t.Errorf("%+v", v.History)
	}
	p.now = p.now.Add(time.Hour)
	p.seen("2.9", 1)
	p.is(v.UID, task.Verified, 2)
	runs, err := p.FirmwareHistory(t.Context(), "10.0.0.1")
	var told []string
	for _, r := range runs {
		told = append(told, r.Version+" "+string(r.Source))
	}
	if got := strings.Join(told, ", "); err != nil || got != "2.7 operator, 2.7 identity, 2.8 operator, 2.8 identity, 2.7 identity, 2.9 identity" {
		t.Errorf("%v %s", err, got)
	}
}

// TestTaskWork: owner, window, note, undo, acceptance, zones, ticket, export, and
// what doctor tells.
func TestTaskWork(t *testing.T) {
	p := newPlant(t, 1)
	v := p.opened()
	if _, err := p.OpenRemediation(t.Context(), api.RemediationOpen{Actor: "bob", Action: v.Action}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("%v", err)
	}
	me, from := "me", p.now.Add(24*time.Hour)
	until := from.Add(2 * time.Hour)
	if v = p.set(v.UID, task.Order{Owner: &me, From: &from, Until: &until, State: task.Planned}); v.Owner != "ada" || v.Until != until || v.State != task.Planned {
		t.Errorf("%+v", v)
	}
	undo := api.RemediationDecision{Actor: "ada", UID: v.UID, Action: "undo", Why: "typing error"}
	v, err := p.DecideRemediation(t.Context(), undo)
	if err != nil || v.Owner != "" || !v.From.IsZero() || v.State != task.Open {
		t.Errorf("%v %+v", err, v)
	}
	if _, err := p.DecideRemediation(t.Context(), undo); fault.KindOf(err) != fault.Conflict {
		t.Errorf("%v", err)
	}
	if _, err := p.DecideRemediation(t.Context(), api.RemediationDecision{Actor: "ada", UID: v.UID, Action: "note", Text: "see [this](http://x.example)\n# big"}); err != nil {
		t.Fatal(err)
	}
	p.set(v.UID, task.Order{State: task.Accepted, Why: "replaced in spring", AcceptUntil: p.now.Add(48 * time.Hour)})
	p.now = p.now.Add(72 * time.Hour)
	p.is(v.UID, task.Reopened, 0)
	f, err := p.ExportRemediations(t.Context(), v.UID, nil)
	if err != nil || !strings.Contains(string(f.Data), "# Update `Acme Gate` to `2.8`") || strings.Contains(string(f.Data), "\n# big") {
		t.Errorf("%v %s", err, f.Data)
	}
	if f, err = p.ExportRemediations(t.Context(), "", nil); err != nil || strings.Count(string(f.Data), "\n") != 2 {
		t.Errorf("%v %s", err, f.Data)
	}
	if list, err := p.Remediations(t.Context(), api.RemediationFilter{Zones: []string{"office"}}); err != nil || len(list) != 0 {
		t.Errorf("%v %v", err, list)
	}
	if _, err := p.Remediation(t.Context(), v.UID, []string{"office"}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
	p.now = p.now.AddDate(1, 0, 0)
	checks, err := p.Check(t.Context(), false)
	if err != nil || !strings.Contains(fmt.Sprint(checks), "1 are overdue, such as "+v.UID) {
		t.Errorf("%v %v", err, checks)
	}
}
