package answer

import (
	"strings"
	"testing"

	"vedette/content"
)

func TestTable(t *testing.T) {
	table, err := Load(content.Answers())
	if err != nil {
		t.Fatal(err)
	}
	has := func(technique, measure, source string) {
		t.Helper()
		for _, m := range table.Against(technique) {
			if m.ID == measure && m.Source == source && m.Name != "" {
				return
			}
		}
		t.Errorf("%s: %v, want %s", technique, table.Against(technique), measure)
	}
	has("T0855", "M0807", "attack")
	has("T1110", "M1032", "attack")
	if len(table.Against("T9999")) != 0 || len(table.Patterns("T1574.010")) == 0 {
		t.Error("patterns", table.Patterns("T1574.010"))
	}
	for _, bad := range []string{"x", "measure\ta", "counter\tT1", "capec\tC\tn"} {
		if _, err := Load([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// FuzzLoad: what is told of a technique stands in the table, with a name.
func FuzzLoad(f *testing.F) {
	f.Add("measure\tM1\tattack\tone\ncounter\tT1\tM1 M2\ncapec\tCAPEC-1\tn\tT1\t20")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := Load([]byte(text))
		if err != nil {
			return
		}
		for id := range table.counter {
			for _, m := range table.Against(id) {
				if !strings.Contains(text, m.ID) {
					t.Errorf("%+v is not in %q", m, text)
				}
			}
		}
	})
}
