package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPulls(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	text := `pulls:
  - {name: kev, kind: advisories, url: "https://www.cisa.gov/kev.json", every: 12h, hosts: [cdn.example], inside: [10.9.0.0/24], expires: 30d}
  - {name: kev, kind: advisory, url: "http://a.example/", every: 1s, confidence: 101}
  - {name: "A b", kind: taxii, url: "https://u:p@a.example/"}
  - {name: x, kind: csaf, url: "file:///etc/passwd"}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(Sources{File: path})
	if len(c.Pulls) != 4 || c.Pulls[0].Every.Std().Hours() != 12 || c.Pulls[0].Inside[0].String() != "10.9.0.0/24" {
		t.Errorf("%+v", c.Pulls)
	}
	var all strings.Builder
	for _, p := range ProblemsOf(err) {
		all.WriteString(p.String() + "\n")
	}
	for _, want := range []string{
		`pulls[1].kind: is "advisory"`, `pulls[1].url: it is http`, `pulls[1].every: it is less than a minute`, `pulls[1].confidence: 101`, `pulls[1].name: is also the name of pulls[0]`,
		`pulls[2].name: "A b" is no name`, `pulls[2].url: there is a password`, `pulls[3].url: "file:///etc/passwd" is no address`,
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no %q in\n%s", want, all.String())
		}
	}
	if strings.Contains(all.String(), "pulls[0].") && !strings.Contains(all.String(), "of pulls[0]") {
		t.Errorf("the first is good: %s", all.String())
	}
}
