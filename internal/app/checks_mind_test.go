package app

import (
	"strings"
	"testing"

	"vedette/internal/api"
)

// doctor tells of a model that somebody configured and that is not used.
func TestCheckTellsOfModels(t *testing.T) {
	find := func(a *App) api.Check {
		t.Helper()
		list, err := a.Check(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			if c.Name == "models" {
				return c
			}
		}
		t.Fatalf("no check of models in %+v", list)
		return api.Check{}
	}
	if c := find(settings(t, "{}")); c.State != api.OK || !strings.Contains(c.Text, "no language model") {
		t.Errorf("%+v", c)
	}
	c := find(settings(t, `
models:
  endpoints:
    - {name: here, url: "http://127.0.0.1:1", model: m, location: on-premises}
    - {name: eu, wire: anthropic, url: "https://llm.example", model: m, location: cloud, key_file: /does/not/exist}
`))
	if c.State != api.Warning || !strings.Contains(c.Text, "here is not used: the model \"m\" at endpoint here is not in the register") || !strings.Contains(c.Text, "eu cannot be used") || c.Do == "" {
		t.Errorf("%+v", c)
	}
}
