package sigmaeval

import (
	"cmp"
	"context"
	"path"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"vedette/internal/detect/sigma"
	"vedette/internal/detect/sigma/rulefile"
	"vedette/internal/event"
	"vedette/internal/fault"
)

// RegressionReport is whether rules fire on the events recorded for them.
type RegressionReport struct {
	Cases   int        `json:"cases"`
	Fired   int        `json:"fired"` // cases whose rule fires on at least one of their events
	Events  int        `json:"events"`
	Matches int        `json:"matches"` // of the named rules, over all events
	Counts  int        `json:"counts"`  // cases that say how many of their events must match
	Exact   int        `json:"exact"`   // of these, those with exactly as many
	Missing []string   `json:"missing"` // cases that do not fire
	Others  []OtherHit `json:"others"`  // rules that fire besides the named one
}

// OtherHit is a rule that fires on events recorded for another.
type OtherHit struct {
	Rule  string `json:"rule"`
	Title string `json:"title"`
	Cases int    `json:"cases"`
}

// testCase is one recorded case.
type testCase struct {
	rule    string
	want    int // matches; 0: not said
	matches int
}

// Regression shows the recorded events below dir to all rules.
func Regression(ctx context.Context, dir string) (RegressionReport, error) {
	loaded, err := rulefile.Load(filepath.Join(dir, filepath.FromSlash(rulesFile)))
	if err != nil {
		return RegressionReport{}, err
	}
	set, _, err := compile(loaded, nil)
	if err != nil {
		return RegressionReport{}, err
	}
	file := filepath.Join(dir, filepath.FromSlash(regressionFile))
	cases, err := readCases(file)
	if err != nil {
		return RegressionReport{}, err
	}
	rep := RegressionReport{Missing: []string{}, Others: []OtherHit{}}
	others := make(map[string]map[string]bool)
	var sc sigma.Scratch
	isEvents := func(name string) bool { return path.Ext(name) == ".json" }
	err = events(ctx, file, isEvents, func(name string, e *event.Event) {
		c := cases[path.Dir(name)]
		if c == nil {
			return
		}
		rep.Events++
		set.Match(e, &sc, func(r *sigma.Rule) {
			if r.ID == c.rule {
				c.matches++
				return
			}
			if others[r.ID] == nil {
				others[r.ID] = make(map[string]bool)
			}
			others[r.ID][name] = true
		})
	})
	if err != nil {
		return rep, err
	}
	rep.count(cases)
	for _, r := range set.Rules() {
		if n := len(others[r.ID]); n > 0 {
			rep.Others = append(rep.Others, OtherHit{r.ID, r.Title, n})
		}
	}
	slices.SortFunc(rep.Others, func(a, b OtherHit) int { return cmp.Or(cmp.Compare(b.Cases, a.Cases), cmp.Compare(a.Rule, b.Rule)) })
	return rep, nil
}

func (rep *RegressionReport) count(cases map[string]*testCase) {
	for name, c := range cases {
		rep.Cases++
		rep.Matches += c.matches
		if c.matches > 0 {
			rep.Fired++
		} else {
			rep.Missing = append(rep.Missing, name)
		}
		if c.want > 0 {
			rep.Counts++
			if c.want == c.matches {
				rep.Exact++
			}
		}
	}
	slices.Sort(rep.Missing)
}

// readCases reads which rule each folder of the archive is for.
func readCases(file string) (map[string]*testCase, error) {
	cases := make(map[string]*testCase)
	err := archive(file, func(name string, data []byte) error {
		if path.Base(name) != "info.yml" {
			return nil
		}
		var info struct {
			Rules []struct {
				ID string `yaml:"id"`
			} `yaml:"rule_metadata"`
			Tests []struct {
				Count int `yaml:"match_count"`
			} `yaml:"regression_tests_info"`
		}
		if err := yaml.Unmarshal(data, &info); err != nil || len(info.Rules) == 0 {
			return fault.Wrap(fault.Invalid, err, "reading %s", name)
		}
		c := &testCase{rule: info.Rules[0].ID}
		for _, t := range info.Tests {
			c.want += t.Count
		}
		cases[path.Dir(name)] = c
		return nil
	})
	return cases, err
}
