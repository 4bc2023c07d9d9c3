package remedy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/content"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/exposure"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
	"vedette/internal/vuln/reach"
	"vedette/internal/vuln/remedy"
	"vedette/internal/vuln/version"
)

func affected(id, vendor, name, versions string, remedies ...advisory.Remedy) *advisory.Advisory {
	a := &advisory.Advisory{Kind: advisory.CSAF, ID: "ADV-" + id, Rank: advisory.ByCSAF, Products: []advisory.Product{{Vendor: vendor, Name: name, Versions: version.Parse(versions)}}}
	a.Vulnerabilities = []advisory.Vulnerability{{ID: id, Remedies: remedies, Statements: []advisory.Statement{{Product: 0, Status: advisory.Affected}}}}
	return a
}

func TestPlan(t *testing.T) {
	tree, err := priority.ParseTree(content.SSVC())
	if err != nil {
		t.Fatal(err)
	}
	m := match.New(nil)
	for i, to := range []string{"2.1", "2.9.2", "2.9.0"} {
		m.Add(affected(fmt.Sprintf("CVE-2024-000%d", i), "Acme", "Gate", "< "+to))
	}
	m.Add(affected("CVE-2024-0010", "Acme", "Panel", "vers:all/*", advisory.Remedy{Kind: "none_available", Text: "no"}, advisory.Remedy{Kind: "mitigation", Text: "Turn  the web server off.", URL: "https://acme.example/1"}))
	m.Add(affected("CVE-2024-0011", "Acme", "Pump", "vers:all/*"))
	m.Add(affected("CVE-2024-0012", "", "busybox", "< 1.36"))
	m.Add(&advisory.Advisory{Kind: advisory.KEV, ID: "kev", Vulnerabilities: []advisory.Vulnerability{{ID: "CVE-2024-0011", KEV: "2024-01-01"}}})
	x := exposure.New(m, tree)
	device := func(i int, product, v string, lists ...string) {
		mission := "low"
		if i == 13 {
			mission = "high"
		}
		x.PutSubject(fmt.Sprintf("device:%02d", i), exposure.Subject{Own: match.Query{Vendor: "Acme", Product: product, Version: v}, Lists: lists, Context: priority.Context{Mission: mission}})
	}
	for i := range 14 {
		device(i, "Gate", "2.0")
	}
	device(20, "Gate", "")
	device(21, "Panel", "1", "bill")
	device(22, "Pump", "1")
	x.PutList("bill", []exposure.Item{{Label: "busybox 1.35", Query: match.Query{Product: "busybox", Version: "1.35"}}})
	flows := func(s string) []reach.Flow {
		return []reach.Flow{{Zone: "office", Count: 5, Peers: 2, Last: time.Unix(0, 0)}, {Zone: reach.Internet, Port: 502, Count: 9, Peers: 1, Last: time.Unix(0, 0)}}
	}
	var got []string
	for _, a := range remedy.Plan(x.All(), flows) {
		got = append(got, a.Decision+" "+a.Text+" ["+strings.Join(a.Vulnerabilities, " ")+"]")
		if len(a.Cited) == 0 || len(a.Subjects) != a.Devices || a.Horizon == "" {
			t.Errorf("%+v", a)
		}
		switch a.Kind {
		case remedy.Update:
			if a.Subjects[0] != "device:00" && a.Subjects[0] != "device:13" {
				t.Errorf("%v", a.Subjects)
			}
		case remedy.Advised:
			if a.Cited[0].URL != "https://acme.example/1" {
				t.Errorf("%+v", a.Cited)
			}
		case remedy.Control:
			if a.Breaks[0] != "would be stopped: seen from outside: 9 times by 1 addresses to port 502, last 1970-01-01 00:00" || !strings.HasPrefix(a.Breaks[1], "has to stay allowed: seen from zone office") {
				t.Errorf("%q", a.Breaks)
			}
		}
	}
	want := []string{
		"track* nothing is offered against 1 vulnerability of Acme Pump: let only what 1 subject need reach them [CVE-2024-0011]",
		"track update Acme Gate on 14 subjects to 2.9.2: fixes 3 vulnerabilities [CVE-2024-0000 CVE-2024-0001 CVE-2024-0002]",
		"track ask for firmware with busybox 1.36 or later for 1 subject: fixes 1 vulnerability [CVE-2024-0012]",
		"track no fixed version is named for Acme Panel; the advisory says for 1 vulnerability: Turn the web server off. [CVE-2024-0010]",
		"track find out which version of Acme Gate runs on 1 subject: that settles 3 vulnerabilities [CVE-2024-0000 CVE-2024-0001 CVE-2024-0002]",
	}
	want[0] = strings.Replace(want[0], "track*", tree.In(priority.Points{Exploitation: "active", Automatable: "no", TechnicalImpact: "partial"}, priority.Context{Mission: "low"}).Decision, 1)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// BenchmarkPlan plans for 100 000 devices.
func BenchmarkPlan(b *testing.B) {
	tree, err := priority.ParseTree(content.SSVC())
	if err != nil {
		b.Fatal(err)
	}
	m := match.New(nil)
	for i := range 2000 {
		m.Add(affected(fmt.Sprintf("CVE-2024-%04d", i), "Acme", fmt.Sprintf("Gadget %d Pro", i%400), fmt.Sprintf("< 1.%d", i%9)))
	}
	x := exposure.New(m, tree)
	for i := range 100_000 {
		x.PutSubject(fmt.Sprintf("device:%06d", i), exposure.Subject{Own: match.Query{Vendor: "Acme", Product: fmt.Sprintf("Gadget %d Pro", i%400), Version: fmt.Sprintf("1.%d", i/400%9)}})
	}
	for b.Loop() {
		if len(remedy.Plan(x.All(), nil)) == 0 {
			b.Fatal("no plan")
		}
	}
}
