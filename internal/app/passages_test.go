package app_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/authz"
)

const hallPolicy = `mode: alert
default: deny
conduits:
  - {name: baking, from: [ovens, yard], to: docks, allow: [{protocols: tcp, ports: 80}]}
  - {name: out, from: [ovens, docks], to: internet}
  - {name: private-crane, from: docks, to: yard}
  - {name: no-strays, from: unzoned, to: "*", deny: true}
`

// strays are of the internet, of no zone, and of no place at all.
const strays = `{"_path":"conn","ts":1772452500.0,"uid":"S1","id.orig_h":"192.168.9.9","id.orig_p":5001,"id.resp_h":"10.1.0.5","id.resp_p":502,"proto":"tcp","conn_state":"SF"}
{"_path":"conn","ts":1772452501.0,"uid":"S2","id.orig_h":"10.1.0.5","id.orig_p":5002,"id.resp_h":"239.1.1.1","id.resp_p":5000,"proto":"udp","conn_state":"S0"}
{"_path":"conn","ts":1772452502.0,"uid":"S3","id.orig_h":"192.168.9.9","id.orig_p":5003,"id.resp_h":"198.51.100.7","id.resp_p":443,"proto":"tcp","conn_state":"SF"}
`

func hallsWithPolicy(t *testing.T) *halls {
	t.Helper()
	x := openHallsWith(t, func(cfg *app.Config) {
		cfg.Detect.Policy = filepath.Join(t.TempDir(), "policy.yaml")
		if err := os.WriteFile(cfg.Detect.Policy, []byte(hallPolicy), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	x.take("strays.log", strays)
	return x
}

func (x *halls) passages(p authz.Principal, more string) (map[string]api.Passage, string) {
	x.t.Helper()
	code, text := x.ask(p, "GET", "/api/v1/network/passages"+more, "")
	var out api.Passages
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != http.StatusOK {
		x.t.Fatalf("%d %v %s", code, err, text)
	}
	found := map[string]api.Passage{}
	for _, p := range out.List {
		found[p.From+" "+p.To] = p
	}
	return found, text
}

// Each passage has the conduits that cover it and the rules that its findings are of;
// the internet, private addresses in no zone and groups are three different places; and
// the conditions it is told with find as many events as it counts.
func TestPassages(t *testing.T) {
	x := hallsWithPolicy(t)
	got, _ := x.passages(in(), "")
	for _, c := range []struct{ way, standing, by, rule string }{
		{"ovens docks", "covered", "baking", "policy/conduit/baking"},
		{"docks ovens", "nothing", "", "policy/zones"},
		{"internet ovens", "nothing", "", "policy/zones"},
		{"ovens internet", "covered", "out", ""},
		{"unzoned ovens", "denied", "no-strays", "policy/conduit/no-strays"},
		{"unzoned internet", "denied", "no-strays", "policy/conduit/no-strays"},
		{"ovens nowhere", "open", "", ""},
		{"ovens ovens", "within", "", ""},
	} {
		p, ok := got[c.way]
		var by, rules []string
		for _, one := range p.Conduits {
			by = append(by, one.Name)
		}
		for _, v := range p.Violated {
			rules = append(rules, v.Rule)
		}
		if !ok || p.Standing != c.standing || strings.Join(by, ",") != c.by || strings.Join(rules, ",") != c.rule {
			t.Errorf("%s: %s by %v, violates %v, not %+v", c.way, p.Standing, by, rules, c)
		}
		body, _ := json.Marshal(map[string]any{"query": "class_uid!=2004 " + p.Query + " | count", "now": clock})
		if _, text := x.ask(in(), "POST", "/api/v1/query", string(body)); p.Events == 0 || !strings.Contains(text, "["+itoa(p.Events)+"]") && !strings.Contains(text, `"count":`+itoa(p.Events)) {
			t.Errorf("%s has %d events, and %q finds %s", c.way, p.Events, p.Query, text)
		}
	}
	if one, _ := x.passages(in(), "?zone=yard"); len(one) != 1 || one["yard yard"].Events == 0 {
		t.Errorf("of the yard: %+v", one)
	}
	if code, _ := x.ask(in(), "GET", "/api/v1/network/passages?last=soon", ""); code != http.StatusBadRequest {
		t.Errorf("a wrong time: %d", code)
	}
}

func itoa(n int64) string { b, _ := json.Marshal(n); return string(b) }

// Who is limited is told of passages with an end in their zones, and of conduits that
// touch these; of others neither count nor name.
func TestLimitedPassages(t *testing.T) {
	x := hallsWithPolicy(t)
	got, text := x.passages(in(ovens), "")
	x.silent("passages", text)
	for _, word := range []string{yard, "private-crane"} {
		if strings.Contains(text, word) {
			t.Errorf("%q is told: %s", word, text)
		}
	}
	whole, _ := x.passages(in(), "")
	for way, p := range whole {
		mine, ok := got[way]
		if touches := slices.Contains(strings.Fields(way), ovens); ok != touches {
			t.Errorf("%s is told: %v", way, ok)
		} else if touches && (mine.Events != p.Events || mine.Violations != p.Violations || mine.Standing != p.Standing) {
			t.Errorf("%s: %+v, not %+v", way, mine, p)
		}
	}
	if got["ovens docks"].Query != "" || got["ovens ovens"].Query == "" {
		t.Error("events of another zone are to be asked for, or of theirs not")
	}
	if other, _ := x.passages(in(ovens), "?zone=yard"); len(other) != 0 {
		t.Errorf("of another zone: %+v", other)
	}
	code, text := x.ask(in(ovens), "GET", "/api/v1/conduits", "")
	if code != http.StatusOK || strings.Contains(text, yard) || strings.Contains(text, "private-crane") || !strings.Contains(text, "baking") {
		t.Errorf("conduits: %d %s", code, text)
	}
	x.silent("conduits", text)
	if _, text := x.ask(in("nowhere"), "GET", "/api/v1/conduits", ""); strings.Contains(text, "baking") {
		t.Errorf("of a zone that there is not: %s", text)
	}
}
