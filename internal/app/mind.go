package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"vedette/content"
	"vedette/internal/api"
	"vedette/internal/copilot"
	"vedette/internal/detect/sigma"
	"vedette/internal/detect/sigma/rulefile"
	"vedette/internal/fault"
)

// HasMind tells whether there is a model that can take part in answers.
func (a *App) HasMind() bool {
	d := a.minds.now.Load()
	return d != nil && d.asked
}

// Investigate looks at an incident step by step.
func (a *App) Investigate(ctx context.Context, req api.InvestigateRequest) (*copilot.Notebook, error) {
	d, err := a.Incident(ctx, req.Incident)
	if err != nil {
		return nil, err
	}
	return a.copilot.Investigate(ctx, copilot.Case{Incident: d.Incident, Similar: d.Similar}, copilot.Request{Person: req.Person})
}

// Explain says what an event, a finding, an incident, a rule or a query is.
func (a *App) Explain(ctx context.Context, req api.ExplainRequest) (*copilot.Answer, error) {
	var s copilot.Subject
	switch req.Kind {
	case api.ExplainEvent:
		s.Event = req.What
	case api.ExplainQuery:
		s.Query = req.What
	case api.ExplainFinding:
		d, err := a.Finding(ctx, req.What)
		if err != nil {
			return nil, err
		}
		s.Finding = &d.Finding
	case api.ExplainIncident:
		d, err := a.Incident(ctx, req.What)
		if err != nil {
			return nil, err
		}
		s.Incident = &copilot.Case{Incident: d.Incident, Similar: d.Similar}
	case api.ExplainRule:
		rule, err := a.ruleText(req.What)
		if err != nil {
			return nil, err
		}
		s.Rule = rule
	default:
		return nil, fault.New(fault.Invalid, "there is no explanation of a %q", req.Kind).WithHint("event, finding, incident, rule and query can be explained")
	}
	return a.copilot.Explain(ctx, s, copilot.Request{Person: req.Person})
}

// ruleText finds a rule by its id among those in force, with the text of its
// file.
func (a *App) ruleText(id string) (*copilot.RuleText, error) {
	all, err := rulefile.FromFS(content.Rules())
	if err != nil {
		return nil, err
	}
	paths, _, err := a.rulePaths()
	if err != nil {
		return nil, err
	}
	site, err := rulefile.Load(paths...)
	if err != nil {
		return nil, err
	}
	docs := append(all.Docs, site.Docs...)
	at := slices.IndexFunc(docs, func(d sigma.Document) bool { return d.ID == id || d.Name == id && id != "" })
	if at < 0 {
		return nil, fault.New(fault.NotFound, "there is no rule %q with a text", id).WithHint("vedette rules list shows the rules; what behaviour, indicators and policy find has no rule text: explain the finding")
	}
	d := docs[at]
	out := &copilot.RuleText{ID: d.ID, Title: d.Title, Level: d.Level, Status: d.Status, Author: d.Author, File: d.File}
	for _, tag := range d.Tags {
		if t := strings.ToUpper(strings.TrimPrefix(tag, "attack.")); len(t) > 4 && t[0] == 'T' && t[1] >= '0' && t[1] <= '9' {
			out.Techniques = append(out.Techniques, t)
		}
	}
	readRule(out, textOf(d.File), id)
	return out, nil
}

// textOf reads the file of a rule, built in or of the site.
func textOf(file string) []byte {
	data, err := fs.ReadFile(content.Rules(), file)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		if info, err := os.Stat(file); err == nil && info.Size() < 1<<20 {
			data, _ = os.ReadFile(file) //nolint:gosec // G304: a file of the rules in force; without its text a rule is told without
		}
	}
	return data
}

// readRule takes what only the text of a rule has.
func readRule(out *copilot.RuleText, data []byte, id string) {
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	for {
		var doc struct {
			ID             string    `yaml:"id"`
			Name           string    `yaml:"name"`
			Description    string    `yaml:"description"`
			FalsePositives []string  `yaml:"falsepositives"`
			Detection      yaml.Node `yaml:"detection"`
			Correlation    yaml.Node `yaml:"correlation"`
		}
		if err := dec.Decode(&doc); err != nil {
			return // the end, or a text that other code has refused
		}
		if doc.ID != id && doc.Name != id {
			continue
		}
		out.Description, out.FalsePositives = strings.TrimSpace(doc.Description), doc.FalsePositives
		logic := &doc.Detection
		if logic.IsZero() {
			logic = &doc.Correlation
		}
		if text, err := yaml.Marshal(logic); err == nil {
			out.Logic = string(text)
		}
		return
	}
}
