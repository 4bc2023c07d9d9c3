package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/copilot"
	"vedette/internal/copilot/reading"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/guard"
	"vedette/internal/query"
	"vedette/internal/toolbox"
)

// noModel is said when there is none.
const noModel = "no model is configured: the built-in engines answer, and nothing leaves; to use one, set models.endpoints in the configuration, " +
	"or VEDETTE_MODEL_URL, VEDETTE_MODEL_NAME and VEDETTE_MODEL_LOCATION for one command (docs/egress.md)"

// maxExplained is how many values of evidence are packed for a model.
const maxExplained = 240

// ExplainModels tells where a question, and the data that answer it, would go.
// It asks no model and keeps nothing.
func (a *App) ExplainModels(ctx context.Context, q api.ModelsQuestion) (api.ModelsExplained, error) {
	out := api.ModelsExplained{Question: q.Question, Mode: string(a.cfg.Mind.Policy.Mode), Tasks: []api.TaskExplained{}, Endpoints: a.endpointsShown()}
	switch {
	case strings.TrimSpace(q.Question) == "":
		return out, fault.New(fault.Invalid, "explaining where a question goes: there is no question").WithHint(`try: vedette models explain "which devices are unusual?"`)
	case len(a.cfg.Endpoints) == 0:
		out.Note = noModel
	case a.cfg.Mind.Chosen != "":
		out.Note = "this process uses the model that VEDETTE_MODEL_URL and VEDETTE_MODEL_NAME name, and no other; it is not approved in the register"
	}
	r, err := a.copilot.Read(ctx, copilot.Request{Question: q.Question, Now: q.Now, Follow: q.Follow})
	if err != nil {
		return out, err
	}
	out.ReadAs = r.ReadAs
	narrate, about, err := a.narrateCall(ctx, q, r)
	if err != nil {
		return out, err
	}
	plan := a.planCall(q)
	for _, c := range []struct {
		call  guard.Call
		about string
	}{{plan, fmt.Sprintf("the question, the names of fields and %s that people of the site gave", counted(len(plan.Evidence), "name"))}, {narrate, about}} {
		task, err := a.explainTask(ctx, c.call, c.about)
		if err != nil {
			return out, err
		}
		out.Tasks = append(out.Tasks, task)
	}
	return out, nil
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func (a *App) explainTask(ctx context.Context, c guard.Call, about string) (api.TaskExplained, error) {
	e, err := a.minds.door.Explain(ctx, c)
	if err != nil {
		return api.TaskExplained{}, err
	}
	d := e.Decision
	out := api.TaskExplained{
		Task: string(c.Task), About: about, Label: d.Label.Confidentiality.String(), Integrity: d.Label.Integrity.String(),
		Highest: string(d.Highest), Rule: d.Rule, Answers: "the built-in engine", Offers: []api.OfferShown{}, Refused: []api.RefusalShown{},
	}
	first := true
	for _, o := range e.Offers {
		out.Offers = append(out.Offers, api.OfferShown{
			Endpoint: o.Endpoint.Name, Location: string(o.Endpoint.Location), Model: o.Endpoint.Model, Approval: o.Approval, Problem: o.Problem, Items: o.Items,
			LeftOut: o.LeftOut, Fields: o.Fields, Bytes: o.Bytes, TokensIn: o.TokensIn, TokensOut: o.TokensOut, Redacted: o.Redacted, Cost: o.Cost,
			Currency: o.Endpoint.Price.Currency,
		})
		if o.Problem == "" && first {
			out.Answers, first = fmt.Sprintf("%s (%s)", o.Endpoint.Name, o.Endpoint.Location), false
		}
	}
	for _, r := range d.Refused {
		out.Refused = append(out.Refused, api.RefusalShown{Endpoint: r.Endpoint, Location: string(r.Location), Reason: r.Reason})
	}
	for _, b := range a.minds.broken {
		out.Refused = append(out.Refused, api.RefusalShown{Endpoint: b.endpoint.Name, Location: string(b.endpoint.Location), Reason: "it cannot be used as it is configured: " + b.problem})
	}
	return out, nil
}

func (a *App) endpointsShown() []api.EndpointShown {
	out := []api.EndpointShown{}
	for _, e := range a.cfg.Endpoints {
		shown := api.EndpointShown{
			Name: e.Name, Location: string(e.Location), Model: e.Model, Operator: e.Terms.Operator, Jurisdiction: e.Terms.Jurisdiction, Retention: e.Terms.Retention, Trains: e.Terms.TrainsOnInput,
		}
		for _, b := range a.minds.broken {
			if b.endpoint.Name == e.Name {
				shown.Problem = b.problem
			}
		}
		out = append(out, shown)
	}
	return out
}

// explained is the part of a call that is the same for all.
func explained(q api.ModelsQuestion, task guard.Task) guard.Call {
	return guard.Call{
		Task: task, Conversation: q.Follow, Person: q.Person, Question: q.Question, Instructions: "Explain.",
		Schema: guard.Schema{Name: "explain", JSON: `{"type":"object"}`},
	}
}

// planCall is what a planner would see: no event, and no name that a device gave
// itself.
func (a *App) planCall(q api.ModelsQuestion) guard.Call {
	c := explained(q, guard.Plan)
	asked := strings.Fields(strings.ToLower(q.Question))
	label := event.Label{Integrity: event.FromOperator, Confidentiality: event.IsConfidential}
	for _, n := range a.deviceNames() {
		shares := slices.ContainsFunc(strings.Fields(strings.ToLower(n.Text)), func(w string) bool { return len(w) > 2 && slices.Contains(asked, w) })
		if n.Operator && shares && len(c.Evidence) < 40 {
			c.Evidence = append(c.Evidence, guard.Item{ID: fmt.Sprintf("N%d", len(c.Evidence)+1), Field: "name", Value: n.Text, Label: label, Origin: guard.Origin{Ours: true}})
		}
	}
	return c
}

// narrateCall is what whoever words the answer would see: the evidence of the
// built-in plan, with the strictest label of the events that it comes from.
func (a *App) narrateCall(ctx context.Context, q api.ModelsQuestion, r *reading.Reading) (guard.Call, string, error) {
	c := explained(q, guard.Narrate)
	if len(r.Steps) == 0 {
		return c, "the question alone: the built-in planner does not understand it, so there is no evidence", nil
	}
	now, err := a.timeOf(ctx, q.Now)
	if err != nil {
		return c, "", err
	}
	rows := 0
	for i, step := range r.Steps {
		table, err := a.runStep(ctx, step, now)
		if err != nil {
			return c, "", err
		}
		secrecy, err := a.secrecyOf(ctx, step, now)
		if err != nil {
			return c, "", err
		}
		rows += len(table.Rows)
		for n, row := range table.Rows {
			for j, v := range row {
				if v == nil {
					continue
				}
				if len(c.Evidence) == maxExplained {
					c.LeftOut++
					continue
				}
				c.Evidence = append(c.Evidence, guard.Item{
					ID: fmt.Sprintf("E%d.%d", i+1, n+1), Field: table.Columns[j], Value: fmt.Sprint(v), Label: event.Label{Integrity: event.FromUntrusted, Confidentiality: secrecy},
				})
			}
		}
	}
	return c, fmt.Sprintf("the question and %s of evidence: %s", counted(rows, "row"), stepsText(r.Steps)), nil
}

func stepsText(steps []reading.Step) string {
	out := make([]string, len(steps))
	for i, s := range steps {
		out[i] = s.Query.String()
	}
	return strings.Join(out, "; ")
}

func (a *App) timeOf(ctx context.Context, now time.Time) (time.Time, error) {
	if !now.IsZero() {
		return now, nil
	}
	b, err := a.tools.Bounds(ctx)
	if err != nil || !b.Newest.IsZero() {
		return b.Newest, err
	}
	return a.cfg.Now(), nil
}

func (a *App) runStep(ctx context.Context, step reading.Step, now time.Time) (*toolbox.Table, error) {
	if step.Tool == "unusual" {
		return a.tools.Unusual(ctx, step.Query, now)
	}
	return a.tools.QueryLoose(ctx, step.Query, now)
}

// secrecyOf is the strictest label of the events that a step selects. What is
// not of events, such as the inventory, or cannot be told counts as that of its
// strictest zone.
func (a *App) secrecyOf(ctx context.Context, step reading.Step, now time.Time) (event.Confidentiality, error) {
	q := step.Query
	if q.From != "" || q.Sequence != nil {
		out := event.IsInternal
		for _, z := range a.cfg.Assets.Zones {
			c, _ := event.ParseConfidentiality(z.Confidentiality)
			out = min(out, c)
		}
		return out, nil
	}
	ask := query.Query{Classes: q.Classes, Time: q.Time, Where: q.Where, Group: []string{"label.confidentiality"}, Measures: []query.Measure{{Fn: query.Count}}}
	table, err := a.tools.QueryLoose(ctx, ask, now)
	if err != nil {
		return event.IsRestricted, err
	}
	out := event.IsPublic
	for _, row := range table.Rows {
		word, _ := row[0].(string)
		c, _ := event.ParseConfidentiality(word)
		out = min(out, c)
	}
	if len(table.Rows) == 0 {
		out = event.IsInternal
	}
	return out, nil
}

// ExportAudit writes the audit journal as it stands.
func (a *App) ExportAudit(_ context.Context, out io.Writer) error {
	_, err := a.journal.Export(out)
	return err
}

// compile-time: the product explains what it sends.
var _ api.Egress = (*App)(nil)

// OpenJournal opens the audit journal of a data directory that no server owns, to
// be read as it is, broken or not.
func OpenJournal(dir string) (io.ReadCloser, error) {
	path := filepath.Join(dir, journalName)
	f, err := os.Open(path) //nolint:gosec // G304: in the directory that the person named
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "there is no audit journal in %s", dir).WithHint("name the data directory with --data DIR")
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "opening the audit journal %s", path)
	}
	return f, nil
}
