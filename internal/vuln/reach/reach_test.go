package reach_test

import (
	"strings"
	"testing"
	"time"

	"vedette/internal/vuln/reach"
)

func TestJudge(t *testing.T) {
	at := time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)
	outside := reach.Flow{Zone: reach.Internet, Port: 502, Peers: 2, Count: 9, Last: at}
	office := reach.Flow{Zone: "office", Port: 443, Peers: 1, Count: 3, Last: at}
	within := reach.Flow{Zone: "Cell-1", Peers: 1, Count: 3, Last: at}
	scada := reach.Way{Name: "scada", From: []string{"control"}, To: []string{"cell-1"}}
	back := reach.Way{Name: "back", From: []string{"cell-1"}, To: []string{"control"}}
	both := reach.Way{Name: "both", From: []string{"cell-1"}, To: []string{"control"}, BothWays: true}
	remote := reach.Way{Name: "remote", From: []string{"internet"}, To: []string{"*"}}
	shut := reach.Way{Name: "shut", From: []string{"*"}, To: []string{"cell-1"}, Deny: true}
	f := func(flows []reach.Flow, deny bool, ways []reach.Way, want, why string) {
		t.Helper()
		got := reach.Judge(&reach.Device{Zone: "cell-1", Flows: flows, Seen: true}, &reach.Rules{Ways: ways, DefaultDeny: deny})
		if got.Exposure != want || len(got.Why) == 0 || !strings.Contains(strings.Join(got.Why, "|"), why) {
			t.Errorf("%v %v: %+v, want %q (%s)", flows, ways, got, want, why)
		}
	}
	f([]reach.Flow{within, office, outside}, true, nil, reach.Open, "seen from outside: 9 times by 2 addresses to port 502, last 2026-03-01 07:00")
	f([]reach.Flow{within, office}, true, nil, reach.Controlled, "zone office")
	f([]reach.Flow{within}, true, []reach.Way{back, shut}, reach.Small, "no conduit")
	f([]reach.Flow{within}, false, []reach.Way{back}, reach.Unknown, "not known")
	f(nil, true, []reach.Way{scada}, reach.Controlled, "conduit scada leads from control")
	f(nil, true, []reach.Way{both}, reach.Controlled, "conduit both leads from control")
	f(nil, true, []reach.Way{scada, remote}, reach.Open, "conduit remote lets the internet")
	if got := reach.Judge(&reach.Device{}, &reach.Rules{DefaultDeny: true}); got.Exposure != reach.Unknown {
		t.Errorf("without a zone and flows: %+v", got)
	}
	many := make([]reach.Flow, 1000)
	for i := range many {
		many[i] = outside
	}
	if got := reach.Judge(&reach.Device{Flows: many}, &reach.Rules{}); len(got.Why) > 7 {
		t.Errorf("%d reasons", len(got.Why))
	}
}
