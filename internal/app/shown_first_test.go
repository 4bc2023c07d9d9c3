package app_test

import (
	"strings"
	"testing"
)

// What is told of one vulnerability knows that it was seen here, although nobody has asked
// for a list of vulnerabilities before.
func TestShowVulnBeforeAnyList(t *testing.T) {
	for name, who := range map[string]struct {
		zones []string
		want  string
	}{"everywhere": {nil, "seen here"}, "in a zone": {[]string{ovens}, "seen on this site"}} {
		t.Run(name, func(t *testing.T) {
			x := openHalls(t)
			status, text := x.ask(in(who.zones...), "GET", "/api/v1/vulnerabilities/CVE-2024-7777", "")
			if status != 200 || !strings.Contains(text, who.want) || !strings.Contains(text, `"active"`) {
				t.Errorf("%d %.900s", status, text)
			}
		})
	}
}
