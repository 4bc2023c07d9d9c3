package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/config"
	"vedette/internal/ingest/broker"
)

// TestSourcesPage holds the examples of docs/sources.md against the configuration
// and against the sources themselves.
func TestSourcesPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	a := openForSources(t, t.TempDir(), Config{})
	defer func() { _ = a.Close() }()
	kinds, userFiles := map[string]bool{}, 0
	for i, part := range strings.Split(string(page), "```yaml\n")[1:] {
		text, _, _ := strings.Cut(part, "```")
		if strings.HasPrefix(text, "users:") {
			userFiles++
			if users, err := broker.ReadUsers(strings.NewReader(text)); err != nil || len(users) == 0 {
				t.Errorf("example %d: %v", i, err)
			}
			continue
		}
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(config.Sources{File: file})
		if err != nil {
			t.Errorf("example %d: %v\n%s", i, err, text)
		}
		for _, s := range c.Sources {
			kinds[s.Kind] = true
			s.CertFile, s.KeyFile, s.CAFile, s.PasswordFile, s.UsersFile = "", "", "", "", "" // they are not here
			if s.Kind == "broker" {
				s.Listen = "127.0.0.1:1883"
			}
			if _, err := a.openSource(s); err != nil {
				t.Errorf("example %d, %s: %v", i, s.Name, err)
			}
		}
	}
	if len(kinds) != 7 || userFiles != 1 {
		t.Errorf("examples of %v, %d of users", kinds, userFiles)
	}
}
