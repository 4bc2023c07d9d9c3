package app_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/api/account"
	"vedette/internal/app"
	"vedette/internal/authz"
	"vedette/internal/vuln/vex"
)

// wall is a site of two sides: the ovens, to which somebody is limited, and the docks
// and the yard, which are full of words that stand nowhere else.
type wall struct {
	*halls
	passed atomic.Int64           // of the clock
	then   atomic.Pointer[func()] // is done once, when the clock is looked at next
	marks  []string               // what tells of the other side
	own    map[string][]string    // what there is on this side, by kind
	other  map[string][]string    // and on the other
}

// openWall furnishes both sides with one of each thing that the product keeps.
func openWall(t *testing.T) *wall {
	t.Helper()
	x := &wall{}
	x.halls = openHallsWith(t, func(c *app.Config) {
		c.Detect.BuiltIn = true
		for i := range c.Assets.Zones { // one of the other side has addresses that are not private
			if z := &c.Assets.Zones[i]; z.Name == yard {
				z.Subnets = append(z.Subnets, netip.MustParsePrefix("192.0.2.0/28"))
			}
		}
		c.Now = func() time.Time {
			if do := x.then.Swap(nil); do != nil {
				(*do)()
			}
			return clock.Add(time.Duration(x.passed.Load()))
		}
	})
	x.own, x.other = map[string][]string{}, map[string][]string{}
	takeFeed(t, x.app, feedOfWall)
	x.take("carmine.json", x.talk("10.2.0.6", "10.2.0.5", `,"vermil_tag":"vermil-value"`)+x.talk("10.2.0.5", "198.51.100.77", "")+x.dns("10.2.0.6", "verdigris.example"))
	x.take("ovens.json", x.talk("10.1.0.6", "10.1.0.5", `,"oven_tag":"warm"`)+x.talk("10.1.0.5", "198.51.100.66", "")+x.dns("10.1.0.6", "bread.example")+x.talk("10.1.0.5", "192.0.2.5", ""))
	x.take("dough.json", x.alert("10.1.0.8", "10.1.0.7"))
	x.furnish("10.1.0.5", "oven", "CVE-2024-8001", x.own)
	x.furnish("10.2.0.5", "zinn", "CVE-2024-9001", x.other)
	x.state()
	x.people()
	x.sort()
	x.write(in())
	x.notes()
	x.open(admin(ovens), x.own)
	x.open(in(), x.other)
	for kind, list := range x.other { // what both have is no secret
		x.other[kind] = slices.DeleteFunc(list, func(s string) bool { return slices.Contains(x.own[kind], s) })
		if len(x.other[kind]) == 0 || len(x.own[kind]) == 0 {
			t.Fatalf("no %s: %q and %q", kind, x.own[kind], x.other[kind])
		}
	}
	x.marks = append(x.marks, "zinnlib", "zinnpack", "CVE-2024-9001", "verdigris", "vermil_tag", "vermil-value", "carmine", "10.2.0.", "10.3.0.", "192.0.2.", "198.51.100.77", "zinnober", "ocker", "indigo", "sepia")
	x.marks = append(x.marks, x.yours...)
	for kind, list := range x.other {
		if kind != "vulnerability" { // it is public what is known of it
			x.marks = append(x.marks, list...)
		}
	}
	return x
}

const feedOfWall = `{"type":"bundle","id":"bundle--1","objects":[
 {"type":"indicator","id":"indicator--1","pattern_type":"stix","pattern":"[ipv4-addr:value = '198.51.100.66']","valid_from":"2026-01-01T00:00:00Z","confidence":90},
 {"type":"indicator","id":"indicator--2","pattern_type":"stix","pattern":"[ipv4-addr:value = '198.51.100.77']","valid_from":"2026-01-01T00:00:00Z","confidence":90}]}`

func (x *wall) talk(src, dst, more string) string {
	var b strings.Builder
	for i := range 5 {
		fmt.Fprintf(&b, `{"ts":%d,"uid":"W%s-%s-%d","id.orig_h":%q,"id.orig_p":%d,"id.resp_h":%q,"id.resp_p":44818,"proto":"tcp","conn_state":"SF"%s}`+"\n", clock.Add(-time.Duration(i+2)*time.Minute).Unix(), src, dst, i, src, 50000+i, dst, more)
	}
	return b.String()
}

func (x *wall) dns(src, name string) string {
	return fmt.Sprintf(`{"ts":%d,"uid":"D%s","id.orig_h":%q,"id.orig_p":5353,"id.resp_h":"203.0.113.53","id.resp_p":53,"proto":"udp","query":%q,"qtype_name":"A","rcode_name":"NOERROR","answers":["203.0.113.54"]}`+"\n", clock.Add(-3*time.Minute).Unix(), name, src, name)
}

// furnish gives a device two bills of materials, one after the other, with a component
// that nobody else has, and an advisory on that.
func (x *wall) furnish(device, word, cve string, into map[string][]string) {
	x.t.Helper()
	ctx := x.t.Context()
	for _, v := range []string{"1.0", "1.1"} {
		bill := fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"metadata":{"component":{"type":"firmware","name":"%spack","version":%q}},"components":[{"type":"library","name":"%slib","version":%q,"purl":"pkg:generic/%slib@%s"}]}`, word, v, word, v, word, v)
		x.passed.Add(int64(time.Second)) // a bill is named by its time too
		if _, err := x.app.ImportBills(ctx, api.VulnImport{Actor: "maria", Device: device}, packed(x.t, bill)); err != nil {
			x.t.Fatal(err)
		}
	}
	record := fmt.Sprintf(`{"id":%q,"modified":"2026-01-01T00:00:00Z","summary":"a library overflows","affected":[{"package":{"name":"%slib","ecosystem":"generic","purl":"pkg:generic/%slib"},"versions":["1.0","1.1"]}]}`, cve, word, word)
	if _, err := x.app.ImportAdvisories(ctx, api.VulnImport{Actor: "maria"}, packed(x.t, record)); err != nil {
		x.t.Fatal(err)
	}
	list, err := x.app.DeviceBills(ctx, device)
	if err != nil || len(list) != 2 {
		x.t.Fatal(err, list)
	}
	into["bill"] = append(into["bill"], list[0].ID, list[1].ID)
	into["vulnerability"] = append(into["vulnerability"], cve)
}

// people are accounts of who sees all, this side, the other, or both.
func (x *wall) people() {
	x.t.Helper()
	for name, zones := range map[string][]string{"maria": nil, "ann": {ovens}, "beth": {ovens, docks}, "carmine": {docks}} {
		if _, err := x.app.AddUser(x.t.Context(), "test", account.NewUser{Name: name, Roles: []authz.Role{authz.Analyst}, Zones: zones}); err != nil {
			x.t.Fatal(err)
		}
	}
}

// state says something of a product of each side, and of one that both have.
func (x *wall) state() {
	x.t.Helper()
	for _, s := range []vex.Statement{
		{Vulnerability: "CVE-2024-8001", PURL: "pkg:generic/ovenlib", Why: "warm words, as crane-zinnober has it"},
		{Vulnerability: "CVE-2024-9001", PURL: "pkg:generic/zinnlib", Why: "verdigris on it"},
		{Vulnerability: "CVE-2024-7777", Vendor: "Acme", Product: "Gate", Why: "verdigris broke crane-zinnober"},
	} {
		s.Status = "affected"
		if _, err := x.app.StateVuln(x.t.Context(), api.VexRequest{Actor: "carmine", Statement: s}); err != nil {
			x.t.Fatal(err)
		}
	}
}

// sort finds what is whose.
func (x *wall) sort() {
	x.t.Helper()
	all, ann := in(), admin(ovens)
	for kind, ask := range map[string]string{"event": "| select metadata.uid | limit 1000", "finding": "detection_finding | select metadata.uid | limit 1000"} {
		seen := map[string]bool{}
		for _, uid := range x.uids(ann, ask) {
			seen[uid] = true
			x.own[kind] = append(x.own[kind], uid)
		}
		for _, uid := range x.uids(all, ask) {
			if !seen[uid] {
				x.other[kind] = append(x.other[kind], uid)
			}
		}
	}
	mine := x.incidents(ann, "/api/v1/incidents?status=all")
	x.own["incident"] = mine
	for _, uid := range x.incidents(all, "/api/v1/incidents?status=all") {
		if !strings.Contains(strings.Join(mine, " "), uid) {
			x.other["incident"] = append(x.other["incident"], uid)
		}
	}
	for _, uid := range mine { // what both are in is told of, and decided by neither
		_, text := x.ask(ann, "GET", "/api/v1/incidents/"+uid, "")
		var seen struct{ Outside *struct{} }
		if err := json.Unmarshal([]byte(text), &seen); err != nil {
			x.t.Fatal(err)
		}
		if seen.Outside == nil {
			x.own["theirs"] = append(x.own["theirs"], uid)
		} else {
			x.own["shared"] = append(x.own["shared"], uid)
		}
	}
	hmi, err := x.app.FindDevice(x.t.Context(), "10.1.0.6")
	if err != nil {
		x.t.Fatal(err)
	}
	x.own["quiet"], x.other["quiet"] = []string{hmi.UID}, []string{"no-such-device"} // it has no peer outside but in private networks
	x.own["device"], x.other["device"] = x.ours[:1], []string{x.yours[0], "crane-zinnober", "10.2.0.5"}
}

// notes are those that somebody wrote who sees all, on what both sides are in.
func (x *wall) notes() {
	x.t.Helper()
	for _, uid := range slices.Concat(x.own["shared"], x.own["theirs"]) {
		d, err := x.app.Incident(x.t.Context(), uid)
		if err != nil || len(d.Notes) == 0 {
			x.t.Fatal(err, d.Notes)
		}
		x.other["note"] = append(x.other["note"], d.Notes[0].ID)
	}
	x.own["note"] = []string{"none"}
}

// open opens a task for each action of the plan that somebody sees; nobody limited sees
// those of all.
func (x *wall) open(p authz.Principal, into map[string][]string) {
	x.t.Helper()
	_, text := x.ask(p, "GET", "/api/v1/vulnerabilities/plan?limit=50", "")
	var plan struct{ Rows []struct{ ID, Task string } }
	if err := json.Unmarshal([]byte(text), &plan); err != nil || len(plan.Rows) == 0 {
		x.t.Fatal(err, text)
	}
	if len(p.Zones) > 0 { // one is left for a test to open
		last := len(plan.Rows) - 1
		x.own["spare"], x.other["spare"] = []string{plan.Rows[last].ID}, []string{"no-such-action"}
		plan.Rows = plan.Rows[:last]
	}
	for _, action := range plan.Rows {
		if slices.Contains(x.own["spare"], action.ID) {
			continue
		}
		into["action"] = append(into["action"], action.ID)
		code, text := x.ask(p, "POST", "/api/v1/remediations", fmt.Sprintf(`{"action":%q}`, action.ID))
		var task struct {
			UID      string
			Subjects []struct{ ID string }
		}
		if err := json.Unmarshal([]byte(text), &task); err != nil {
			x.t.Fatal(err)
		}
		if code == 200 {
			into["task"] = append(into["task"], task.UID)
			x.ask(p, "POST", "/api/v1/remediations/"+task.UID+"/decisions", `{"action":"note","text":"a word on `+p.Name+`"}`)
		}
	}
}
