package ruletest

import (
	"bytes"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"vedette/internal/fault"
)

// About is what a rule says of itself beyond what the engine needs.
type About struct {
	Description    string   `yaml:"description"`
	Date           string   `yaml:"date"`
	FalsePositives []string `yaml:"falsepositives"`
	Level          string   `yaml:"level"`
	Author         string   `yaml:"author"`
}

// aboutOf reads the last document of a file.
func aboutOf(data []byte) (About, error) {
	var a About
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var one About
		if err := dec.Decode(&one); err != nil {
			if err.Error() == "EOF" {
				return a, nil
			}
			return a, fault.Wrap(fault.Invalid, err, "reading what the rule says of itself")
		}
		a = one
	}
}

var (
	uuid      = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	technique = regexp.MustCompile(`^(?:T\d{4}(?:\.\d{3})?|AML\.T\d{4}(?:\.\d{3})?)$`)
)

// Check tells what a pack that ships lacks: a rule without a stable id, a
// technique, a description, likely benign causes, a level or a test.
func (p *Pack) Check() []Problem {
	out := append([]Problem(nil), p.Problems...)
	for i := range p.Entries {
		e := &p.Entries[i]
		miss := func(what string) { out = append(out, Problem{e.Path, what}) }
		for _, id := range e.IDs {
			if !uuid.MatchString(id) {
				miss("the id " + id + " is no UUID in lower case")
			}
		}
		if len(e.Rule.Techniques) == 0 {
			miss("no technique among the tags, such as attack.t0855")
		}
		for _, t := range e.Rule.Techniques {
			if !technique.MatchString(t) {
				miss("the technique " + t + " is no id of ATT&CK or ATLAS")
			}
		}
		a := e.About
		switch {
		case len(strings.TrimSpace(a.Description)) < 60:
			miss("no description that says what it means for the plant")
		case len(a.FalsePositives) == 0:
			miss("no falsepositives: name likely benign causes")
		case a.Level == "" || a.Author == "" || a.Date == "":
			miss("level, author or date is missing")
		}
		if e.Test == nil {
			miss("no test beside it: add " + slug(e.Path) + ".txtar")
		}
	}
	return out
}
