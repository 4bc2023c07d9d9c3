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

	"vedette/content"
	"vedette/internal/api"
	"vedette/internal/copilot"
	"vedette/internal/copilot/reading"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/guard"
)

// noModel is said when there is none.
const noModel = "no model is configured: the built-in engines answer, and nothing leaves; to use one, set models.endpoints in the configuration, " +
	"or VEDETTE_MODEL_URL, VEDETTE_MODEL_NAME and VEDETTE_MODEL_LOCATION for one command (docs/egress.md)"

// ExplainModels tells where a question, and the data that answer it, would go.
// It asks no model and keeps nothing.
func (a *App) ExplainModels(ctx context.Context, q api.ModelsQuestion) (api.ModelsExplained, error) {
	out := api.ModelsExplained{Question: q.Question, Mode: string(a.mindNow().Policy.Mode), Tasks: []api.TaskExplained{}, Endpoints: a.endpointsShown()}
	switch {
	case strings.TrimSpace(q.Question) == "":
		return out, fault.New(fault.Invalid, "explaining where a question goes: there is no question").WithHint(`try: vedette models explain "which devices are unusual?"`)
	case len(a.minds.now.Load().endpoints) == 0:
		out.Note = noModel
	case a.cfg.Mind.Chosen != "":
		out.Note = "this process uses the model that VEDETTE_MODEL_URL and VEDETTE_MODEL_NAME name, and no other; it is not approved in the register"
	}
	if err := a.budgetsShown(ctx, q.Person, &out); err != nil {
		return out, err
	}
	r, err := a.copilot.Read(ctx, copilot.Request{Question: q.Question, Now: q.Now, Follow: q.Follow})
	if err != nil {
		return out, err
	}
	out.ReadAs = r.ReadAs
	calls, err := a.callsOf(ctx, q)
	if err != nil {
		return out, err
	}
	if len(calls) == 0 || calls[0].Task != guard.Plan {
		calls = append([]guard.Call{a.planCall(ctx, q)}, calls...)
	}
	for i, c := range calls {
		about := aboutCall(c)
		if i == 0 && r.Status == reading.Understood {
			about += "; asked only when the built-in planner does not understand, which it does"
		}
		task, err := a.explainTask(ctx, c, about)
		if err != nil {
			return out, err
		}
		out.Tasks = append(out.Tasks, task)
	}
	return out, nil
}

// budgetsShown tells where the day's budgets stand.
func (a *App) budgetsShown(ctx context.Context, person string, out *api.ModelsExplained) error {
	list, err := a.minds.budgets.book.Standings(ctx, person)
	for _, s := range list {
		out.Budgets = append(out.Budgets, api.BudgetShown{
			Name: s.Limit.Name, Person: s.Limit.Person, Endpoint: s.Limit.Endpoint, Calls: s.Used.Calls, OfCalls: int64(s.Limit.Calls),
			Tokens: s.Used.Tokens, OfTokens: int64(s.Limit.Tokens), Seconds: float64(s.Used.Millis) / 1e3, OfSeconds: s.Limit.Time.Seconds(),
			Money: float64(s.Used.Micros) / 1e6, OfMoney: s.Limit.Money, Currency: s.Limit.Currency,
		})
	}
	return err
}

// recorder takes the calls that a copilot makes, and answers none.
type recorder struct{ calls []guard.Call }

// Ask implements copilot.Mind.
func (r *recorder) Ask(_ context.Context, c guard.Call) (guard.Reply, error) {
	r.calls = append(r.calls, c)
	return guard.Reply{}, &guard.Failure{Reason: guard.ByPolicy}
}

// readOnly reads conversations and adds to none.
type readOnly struct{ conversations }

// Append implements copilot.Conversations.
func (readOnly) Append(context.Context, string, string) error { return nil }

// callsOf are the calls that answering would make, up to the first of each way
// that needs a reply to go on: the very ones, as they are put to the door.
func (a *App) callsOf(ctx context.Context, q api.ModelsQuestion) ([]guard.Call, error) {
	c, err := copilot.New(a.tools, readOnly{conversations{a.records}}, content.Lexicon(), a.cfg.Now)
	if err != nil {
		return nil, err
	}
	var rec recorder
	c.Use(&rec, copilot.MindLimits{})
	_, err = c.Ask(ctx, copilot.Request{Question: q.Question, Now: q.Now, Follow: q.Follow, Person: q.Person})
	return rec.calls, err
}

func aboutCall(c guard.Call) string {
	rows := map[string]bool{}
	for _, i := range c.Evidence {
		rows[i.ID] = true
	}
	switch {
	case c.Task == guard.Plan:
		return "the question, the names of fields, and " + counted(len(rows), "item") + " that people of the site wrote (names, earlier questions)"
	case len(rows) == 0:
		return "the question"
	}
	return fmt.Sprintf("the question and %s in %s of evidence", counted(len(c.Evidence), "value"), counted(len(rows), "row"))
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func (a *App) explainTask(ctx context.Context, c guard.Call, about string) (api.TaskExplained, error) {
	e, err := a.minds.now.Load().door.Explain(ctx, c)
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
	for _, b := range a.minds.now.Load().broken {
		out.Refused = append(out.Refused, api.RefusalShown{Endpoint: b.endpoint.Name, Location: string(b.endpoint.Location), Reason: "it cannot be used as it is configured: " + b.problem})
	}
	return out, nil
}

func (a *App) endpointsShown() []api.EndpointShown {
	out := []api.EndpointShown{}
	for _, e := range a.minds.now.Load().endpoints {
		shown := api.EndpointShown{
			Name: e.Name, Location: string(e.Location), Model: e.Model, Operator: e.Terms.Operator, Jurisdiction: e.Terms.Jurisdiction, Retention: e.Terms.Retention, Trains: e.Terms.TrainsOnInput,
		}
		for _, b := range a.minds.now.Load().broken {
			if b.endpoint.Name == e.Name {
				shown.Problem = b.problem
			}
		}
		out = append(out, shown)
	}
	return out
}

// planCall is about what a planner would see if one were asked: no event, and no
// name that a device gave itself.
func (a *App) planCall(ctx context.Context, q api.ModelsQuestion) guard.Call {
	c := guard.Call{
		Task: guard.Plan, Conversation: q.Follow, Person: q.Person, Question: q.Question, Instructions: "Plan.",
		Schema: guard.Schema{Name: "plan", JSON: `{"type":"object"}`},
	}
	asked := strings.Fields(strings.ToLower(q.Question))
	label := event.Label{Integrity: event.FromOperator, Confidentiality: event.IsConfidential}
	for _, n := range a.deviceNames(ctx) {
		shares := slices.ContainsFunc(strings.Fields(strings.ToLower(n.Text)), func(w string) bool { return len(w) > 2 && slices.Contains(asked, w) })
		if n.Operator && shares && len(c.Evidence) < 40 {
			c.Evidence = append(c.Evidence, guard.Item{ID: fmt.Sprintf("N%d", len(c.Evidence)+1), Field: "name", Value: n.Text, Label: label, Origin: guard.Origin{Ours: true}})
		}
	}
	return c
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
