package normalize_test

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestSharedSuricataChecks makes an EVE record of each check that Suricata's
// own tests make, and looks for every key and value of it in the event.
func TestSharedSuricataChecks(t *testing.T) {
	names, content := zipped(t, "net/suricata-verify.zip", "test.yaml")
	d, checked := dialect(t, "eve"), 0
	for _, name := range names {
		var doc struct {
			Checks []struct {
				Filter struct {
					Match map[string]any `yaml:"match"`
				} `yaml:"filter"`
			} `yaml:"checks"`
		}
		if err := yaml.Unmarshal(content[name], &doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, c := range doc.Checks {
			if c.Filter.Match["event_type"] == nil {
				continue
			}
			raw, err := json.Marshal(recordOf(c.Filter.Match))
			if err != nil {
				t.Fatal(err)
			}
			all := parseLines(d, "eve.json", raw)
			if len(all) != 1 || all[0].err != nil {
				t.Errorf("%s: %v of %s", name, all[0].err, raw)
				continue
			}
			for _, lost := range lostValues("eve", all) {
				t.Errorf("%s: %.600s", name, lost)
			}
			checked++
		}
	}
	if checked < 500 {
		t.Errorf("only %d checks", checked)
	}
}

var step = regexp.MustCompile(`^([^\[]+)(?:\[(\d+)\])?$`)

// recordOf nests "a.b[1].c" into objects and arrays. What is no path of the
// record, such as "not-has-key" and "x.__len", is left out.
func recordOf(match map[string]any) map[string]any {
	root := map[string]any{"timestamp": "2025-05-20T12:00:00.000000+0200"}
	for key, v := range match {
		if strings.HasSuffix(key, "-key") || strings.Contains(key, ".__") {
			continue
		}
		at := root
		steps := strings.Split(key, ".")
		for i, s := range steps {
			m := step.FindStringSubmatch(s)
			leaf := i == len(steps)-1
			if m[2] == "" {
				if leaf {
					at[m[1]] = v
				} else {
					at = child(at[m[1]], func(x any) { at[m[1]] = x })
				}
				continue
			}
			n, _ := strconv.Atoi(m[2])
			list, _ := at[m[1]].([]any)
			for len(list) <= n {
				list = append(list, nil)
			}
			at[m[1]] = list
			if leaf {
				list[n] = v
			} else {
				at = child(list[n], func(x any) { list[n] = x })
			}
		}
	}
	return root
}

func child(old any, put func(any)) map[string]any {
	if m, ok := old.(map[string]any); ok {
		return m
	}
	m := map[string]any{}
	put(m)
	return m
}
