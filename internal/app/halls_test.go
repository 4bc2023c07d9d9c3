package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/api/rest"
	"vedette/internal/app"
	"vedette/internal/asset"
	"vedette/internal/audit"
	"vedette/internal/authz"
)

// halls is a site of some zones, with traffic and alerts within each and between them.
type halls struct {
	t     *testing.T
	app   *app.App
	h     http.Handler
	ours  []string // what a device of the hall in question is known by
	yours []string // and of the others
}

const (
	ovens = "ovens"
	docks = "docks"
	yard  = "yard"
)

func openHalls(t *testing.T) *halls {
	t.Helper()
	return openHallsWith(t, func(*app.Config) {})
}

// openHallsWith changes the configuration first.
func openHallsWith(t *testing.T, change func(*app.Config)) *halls {
	t.Helper()
	cfg := app.Config{Dir: filepath.Join(t.TempDir(), "d"), Now: func() time.Time { return clock }, Detect: app.Detect{Behaviour: true}}
	for name, subnet := range map[string]string{ovens: "10.1.0.0/16", docks: "10.2.0.0/16", yard: "10.3.0.0/16"} {
		cfg.Assets.Zones = append(cfg.Assets.Zones, asset.Zone{Name: name, Level: "1", Subnets: []netip.Prefix{netip.MustParsePrefix(subnet)}})
	}
	change(&cfg)
	a, err := app.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	inventory := "ip,name,type,vendor\n10.1.0.5,oven plc north,plc,Siemens\n10.1.0.6,oven-hmi,hmi,Siemens\n10.2.0.5,crane-zinnober,plc,Karmin\n10.2.0.6,scale-ocker,hmi,Karmin\n10.3.0.5,gate-indigo,plc,Karmin\n10.3.0.6,lamp-sepia,hmi,Karmin\n"
	if _, err := a.ImportDevices(t.Context(), "maria", strings.NewReader(inventory)); err != nil {
		t.Fatal(err)
	}
	x := &halls{t: t, app: a}
	x.weak()
	x.take("conn.log", x.flows())
	x.take("eve.json", x.alerts())
	devices, err := a.Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range devices {
		row := d.Row()
		switch row.Zone {
		case ovens:
			x.ours = append(append(x.ours, row.UID, row.Name), row.IPs...)
		case docks, yard:
			x.yours = append(append(x.yours, row.UID, row.Name), row.IPs...)
		}
	}
	if len(x.ours) < 6 || len(x.yours) < 12 {
		t.Fatalf("the halls have %q and %q", x.ours, x.yours)
	}
	j, err := audit.Open(filepath.Join(t.TempDir(), "audit.jsonl"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	may, err := authz.New(j, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	x.h = rest.Handler(a, may, rest.About{Version: "v1", Now: func() time.Time { return clock }})
	return x
}

func (x *halls) take(name, log string) {
	x.t.Helper()
	if sum, err := x.app.IngestStream(x.t.Context(), strings.NewReader(log), name, "", clock); err != nil || sum.Stored == 0 {
		x.t.Fatalf("%s: %+v, %v", name, sum, err)
	}
}

// weak gives a device of each hall the same vulnerability.
func (x *halls) weak() {
	x.t.Helper()
	for _, ip := range []string{"10.1.0.5", "10.2.0.5"} {
		for key, value := range map[string]string{"vendor": "Acme", "model": "Gate", "firmware": "1.0"} {
			if _, err := x.app.SetDevice(x.t.Context(), "maria", ip, key, value); err != nil {
				x.t.Fatal(err)
			}
		}
	}
	record := `{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-7777","state":"PUBLISHED"},"containers":{"cna":{"affected":[{"vendor":"Acme","product":"Gate","versions":[{"version":"0","status":"affected","lessThan":"2.0","versionType":"custom"}]}]}}}`
	if _, err := x.app.ImportAdvisories(x.t.Context(), api.VulnImport{Actor: "maria"}, packed(x.t, record)); err != nil {
		x.t.Fatal(err)
	}
}

// ways are who speaks with whom.
func ways() [][2]string {
	return [][2]string{
		{"10.1.0.6", "10.1.0.5"},
		{"10.2.0.6", "10.2.0.5"},
		{"10.1.0.6", "10.2.0.5"},
		{"10.2.0.6", "10.1.0.5"},
		{"10.3.0.6", "10.3.0.5"},
		{"203.0.113.9", "10.1.0.5"},
		{"203.0.113.9", "10.2.0.5"},
		{"10.1.0.6", "203.0.113.9"},
		{"10.2.0.6", "203.0.113.9"},
	}
}

func (x *halls) flows() string {
	var b strings.Builder
	b.WriteString("#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tconn_state\n#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tstring\n")
	for i := range 40 {
		for k, w := range ways() {
			fmt.Fprintf(&b, "%d.%d\tC%d-%d\t%s\t%d\t%s\t502\ttcp\tmodbus\tSF\n", clock.Add(-time.Duration(41-i)*time.Minute/4).Unix(), k, i, k, w[0], 1024+i, w[1])
		}
	}
	return b.String()
}

func (x *halls) alerts() string {
	var b strings.Builder
	for i, w := range append(ways(), ways()...) {
		b.WriteString(x.alertAt(i, w[0], w[1]))
	}
	return b.String()
}

// alert is one more, a while ago.
func (x *halls) alert(src, dst string) string { return x.alertAt(3, src, dst) }

func (x *halls) alertAt(i int, src, dst string) string {
	at := clock.Add(-time.Duration(20-i) * 10 * time.Second).Format("2006-01-02T15:04:05.000000-0700")
	cve := ""
	if src == "10.2.0.6" && dst == "10.2.0.5" {
		cve = `"metadata":{"cve":["CVE_2024_7777"]},`
	}
	return fmt.Sprintf(`{"timestamp":%q,"event_type":"alert","src_ip":%q,"src_port":%d,"dest_ip":%q,"dest_port":502,"proto":"TCP","alert":{"action":"allowed","gid":1,"signature_id":%d,"rev":1,"signature":"test of a write",%s"category":"Attempted Administrator Privilege Gain","severity":1}}`+"\n", at, src, 40000+i, dst, 2000+i, cve)
}

func in(zones ...string) authz.Principal {
	return authz.Principal{ID: "u-" + strings.Join(zones, "+"), Name: "ann", Kind: authz.Person, Roles: []authz.Role{authz.Analyst, authz.Auditor}, Zones: zones}
}

// ask makes a request as somebody and returns the answer as it went out.
func (x *halls) ask(p authz.Principal, method, path, body string) (int, string) {
	x.t.Helper()
	r := httptest.NewRequestWithContext(authz.With(x.t.Context(), p), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	x.h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// silent wants an answer to say nothing of the other halls.
func (x *halls) silent(what, answer string) {
	x.t.Helper()
	for _, secret := range x.yours {
		if strings.Contains(strings.ToLower(answer), strings.ToLower(secret)) {
			x.t.Errorf("%s tells of %s: %.3000s", what, secret, answer)
			return
		}
	}
}

// rows reads a column of a query's rows.
func (x *halls) rows(p authz.Principal, query string) []map[string]any {
	x.t.Helper()
	body, _ := json.Marshal(map[string]any{"query": query, "now": clock})
	code, text := x.ask(p, "POST", "/api/v1/query", string(body))
	var out struct{ Rows []map[string]any }
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != http.StatusOK {
		x.t.Fatalf("%s: %d %v %.300s", query, code, err, text)
	}
	return out.Rows
}

// uids are the first cells of a query's rows.
func (x *halls) uids(p authz.Principal, query string) []string {
	var out []string
	for _, r := range x.rows(p, query) {
		out = append(out, fmt.Sprint(r["metadata.uid"]))
	}
	return out
}
