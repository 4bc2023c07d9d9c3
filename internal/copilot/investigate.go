package copilot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"vedette/internal/copilot/reading"
	"vedette/internal/correlate"
	"vedette/internal/event"
	"vedette/internal/fault"
)

// Case is what an investigation is about.
type Case struct {
	Incident correlate.Incident
	Similar  []correlate.Similar
}

// Notebook is an investigation: typed steps that anyone can run again, what
// each found, and what follows from them.
type Notebook struct {
	Incident    string         `json:"incident"`
	Title       string         `json:"title"`
	Severity    string         `json:"severity"`
	Status      string         `json:"status"`
	Steps       []NotebookStep `json:"steps"`
	Conclusions []Sentence     `json:"conclusions"`
	Evidence    []Evidence     `json:"evidence"`
	Left        []string       `json:"left,omitempty"` // what was not looked at, and why
	Model       Model          `json:"model"`
	ModelNotes  []string       `json:"model_notes,omitempty"`
	Seconds     float64        `json:"seconds"`
}

// NotebookStep is one look at the stored data.
type NotebookStep struct {
	ID       string     `json:"id"`
	Tool     string     `json:"tool"` // of the menu
	Argument string     `json:"argument"`
	Why      string     `json:"why"`
	Query    string     `json:"query"` // vedette query runs it again
	Evidence string     `json:"evidence"`
	Found    []Sentence `json:"found"`
	By       string     `json:"by,omitempty"` // "model" for a step that a model chose

	step reading.Step
}

// The budgets of an investigation.
const (
	maxSteps       = 28
	maxInvestigate = 60 * time.Second
	maxSubjects    = 3  // devices, rules and addresses that are looked at by themselves
	stepRows       = 20 // that are kept of a step
)

// investigation is a running one.
type investigation struct {
	c     *Copilot
	of    Case
	now   time.Time
	until time.Time
	book  *Notebook
	ans   *Answer // the evidence and sentences, for the check
	done  map[string]bool
}

// Investigate looks at an incident step by step. The steps come from a fixed
// menu: a model may choose further ones of it, with arguments out of the
// catalogue of this incident, and word what was found; it sees no text of a
// device before it chooses.
func (c *Copilot) Investigate(ctx context.Context, of Case, req Request) (*Notebook, error) {
	if of.Incident.UID == "" {
		return nil, fault.New(fault.Invalid, "no incident is named").WithHint("list them with: vedette incidents")
	}
	started := c.clock()
	in := of.Incident
	iv := &investigation{
		c: c, of: of, now: in.Last, until: started.Add(maxInvestigate), done: map[string]bool{},
		book: &Notebook{Incident: in.UID, Title: clean(in.Title), Severity: in.Level, Status: in.Status, Model: builtIn(), Steps: []NotebookStep{}},
		ans:  &Answer{Question: "investigate the incident " + in.UID, Status: StatusAnswered, Model: builtIn()},
	}
	iv.told()
	for _, w := range iv.script() {
		if err := iv.look(ctx, w, ""); err != nil {
			return nil, err
		}
	}
	req.Question = iv.ans.Question
	mind := c.consult(ctx, req, "i-"+in.UID)
	defer mind.end()
	if err := iv.proposed(ctx, mind); err != nil {
		return nil, err
	}
	iv.conclude()
	iv.ans.Answer = verify(iv.ans.Answer, iv.ans)
	for i := range iv.book.Steps {
		iv.book.Steps[i].Found = verify(iv.book.Steps[i].Found, iv.ans)
	}
	mind.word(iv.ans, iv.labels(ctx, mind))
	iv.book.Conclusions, iv.book.Evidence = iv.ans.Answer, iv.ans.Evidence
	iv.book.Model, iv.book.ModelNotes = iv.ans.Model, iv.ans.ModelNotes
	iv.book.Seconds = c.clock().Sub(started).Seconds()
	return iv.book, nil
}

// told puts what the correlator knows of the incident into evidence.
func (iv *investigation) told() {
	in := iv.of.Incident
	iv.evidence("incident "+in.UID, []string{"incident", "title", "severity", "first", "last", "findings", "events", "devices"},
		[][]any{{in.UID, in.Title, in.Level, in.First, in.Last, in.Findings.Count, in.Findings.Events, int64(in.DeviceCount)}}, 1, reading.Step{})
	var rows [][]any
	for _, s := range iv.of.Similar[:min(maxSubjects, len(iv.of.Similar))] {
		rows = append(rows, []any{s.UID, s.Title, s.Status, string(s.Verdict), s.Score, s.Why})
	}
	iv.evidence("incidents like "+in.UID, []string{"incident", "title", "status", "verdict", "score", "why"}, rows, int64(len(iv.of.Similar)), reading.Step{})
}

func (iv *investigation) evidence(query string, columns []string, rows [][]any, total int64, step reading.Step) string {
	id := fmt.Sprintf("E%d", len(iv.ans.Evidence)+1)
	iv.ans.Evidence = append(iv.ans.Evidence, Evidence{ID: id, Query: query, Columns: columns, Rows: rows[:min(stepRows, len(rows))], Total: total})
	iv.ans.Plan = append(iv.ans.Plan, step)
	return id
}

// look takes one step, unless it was taken or the budget is used up.
func (iv *investigation) look(ctx context.Context, w want, by string) error {
	key := w.tool + " " + w.argument
	if iv.done[key] {
		return nil
	}
	if len(iv.book.Steps) >= maxSteps || iv.c.clock().After(iv.until) {
		iv.book.Left = append(iv.book.Left, fmt.Sprintf("%s of %s: the budget of %d steps and %s was used up", w.tool, clean(w.argument), maxSteps, maxInvestigate))
		return nil
	}
	iv.done[key] = true
	step := reading.Step{Tool: "query", Query: iv.query(w), Why: menu[w.tool].why}
	table, err := iv.c.run(ctx, step, iv.now)
	if err != nil {
		return fmt.Errorf("looking at %s of %s: %w", w.tool, clean(w.argument), err)
	}
	id := iv.evidence(stepText(step), table.Columns, table.Rows, table.Total, step)
	s := NotebookStep{
		ID: fmt.Sprintf("S%d", len(iv.book.Steps)+1), Tool: w.tool, Argument: clean(w.argument), Why: step.Why, Query: stepText(step),
		Evidence: id, By: by, step: step,
	}
	s.Found = found(iv.ans.Evidence[len(iv.ans.Evidence)-1], step.Query.Group)
	iv.book.Steps = append(iv.book.Steps, s)
	return nil
}

// found words the first rows of a step.
func found(e Evidence, group []string) []Sentence {
	if len(e.Rows) == 0 {
		return []Sentence{say(e.ID, "nothing stored matches")}
	}
	out := make([]Sentence, 0, maxListed)
	for _, row := range e.Rows[:min(maxListed, len(e.Rows))] {
		var parts []string
		for i := len(group); i < len(row); i++ {
			if row[i] != nil {
				parts = append(parts, clean(e.Columns[i])+" "+cell(row[i]))
			}
		}
		out = append(out, say(e.ID, "%s: %s", keyWords(e.Columns[:len(group)], row), strings.Join(parts, ", ")))
	}
	return out
}

// evidenceOf is what a step found; nil if it was not taken.
func (iv *investigation) evidenceOf(tool, argument string) *Evidence {
	for _, s := range iv.book.Steps {
		if s.Tool == tool && s.Argument == clean(argument) {
			at := slices.IndexFunc(iv.ans.Evidence, func(e Evidence) bool { return e.ID == s.Evidence })
			return &iv.ans.Evidence[at]
		}
	}
	return nil
}

// labels are the strictest labels of the evidence; what the correlator knows
// has that of the incident.
func (iv *investigation) labels(ctx context.Context, k *consultation) []event.Confidentiality {
	if k == nil {
		return nil
	}
	own, _ := event.ParseConfidentiality(iv.of.Incident.Confidentiality)
	out := make([]event.Confidentiality, len(iv.ans.Evidence))
	for i := range out {
		out[i] = own
		if iv.ans.Plan[i].Tool != "" {
			out[i] = min(own, iv.c.confidentiality(ctx, iv.ans.Plan[i], iv.now))
		}
	}
	return out
}
