package policy_test

import (
	"testing"

	"vedette/internal/detect/policy"
	"vedette/internal/event"
)

// A policy holds for a zone by its former and its present name, from the next event on.
func TestSwap(t *testing.T) {
	cfg, problems := policy.ParseConfig([]byte("default: deny\nconduits:\n  - {name: a, from: press, to: plant}\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	d := policy.New(cfg)
	raised := func(from string) int {
		n := 0
		e := new(event.Event)
		e.SetSrcEndpointIP("10.1.0.1")
		e.SetDstEndpointIP("10.2.0.1")
		e.SetStr(event.SlotSrcEndpointZone, from)
		e.SetStr(event.SlotDstEndpointZone, "plant")
		d.Inspect(e, func(event.Finding) { n++ })
		return n
	}
	if raised("press") != 0 || raised("hall 7") != 1 {
		t.Error("before")
	}
	d.Swap(cfg.Under(func(zones []string) []string {
		if len(zones) == 1 && zones[0] == "press" {
			return []string{"press", "hall 7"}
		}
		return zones
	}))
	if raised("press") != 0 || raised("hall 7") != 0 || raised("other") != 1 {
		t.Error("after")
	}
	if len(cfg.Conduits[0].From) != 1 {
		t.Error("the policy as it is written was changed")
	}
}
