// Package copilot answers questions in plain language: question → reading →
// plan → evidence → sentences → verified answer. The built-in half of it works
// without any model: package reading plans by rules, the narrator fills
// templates with facts, and the verifier checks each sentence against the
// evidence it cites.
//
// It sees stored data only through package toolbox; it must not touch store,
// respond or model, and the plan is fixed before any evidence is read, so that
// nothing a device wrote can change what is asked.
package copilot

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"vedette/internal/copilot/reading"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/toolbox"
)

// Tools is what the copilot needs of the toolbox.
type Tools interface {
	QueryLoose(ctx context.Context, q query.Query, now time.Time) (*toolbox.Table, error)
	Unusual(ctx context.Context, q query.Query, now time.Time) (*toolbox.Table, error)
	Bounds(ctx context.Context) (toolbox.Bounds, error)
	Values(ctx context.Context, from, field string) ([]query.ValueCount, bool, error)
	Names(ctx context.Context) []toolbox.Name
	Types() []toolbox.DeviceType
	Check(ctx context.Context, q query.Query, now time.Time) error
}

// Conversations keeps the questions of a conversation, oldest first. A
// follow-up is read by reading them again, so nothing else needs to be kept.
type Conversations interface {
	Questions(ctx context.Context, id string) ([]string, error)
	Append(ctx context.Context, id, question string) error
}

// Copilot answers questions. It is safe for concurrent use.
type Copilot struct {
	tools Tools
	talks Conversations
	read  *reading.Reader
	names nameIndex
	clock func() time.Time

	disclosures Disclosures // nil: questions about vulnerabilities are read like all others

	mind   Mind // nil: the built-in engine alone
	limits MindLimits
	forms  forms
	memory memory
}

// New makes a copilot. lexicon is the text of the planner's vocabulary; talks
// may be nil, then follow-ups are refused; clock measures how long an answer
// took.
func New(tools Tools, talks Conversations, lexicon string, clock func() time.Time) (*Copilot, error) {
	lex, err := reading.ParseLexicon(lexicon)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading the planner's lexicon")
	}
	f, err := newForms()
	if err != nil {
		return nil, err
	}
	return &Copilot{tools: tools, talks: talks, read: reading.NewReader(lex), clock: clock, forms: f}, nil
}

// Request is one question. Now is what "past 24 hours" refers to; the zero
// time means the newest stored event that is not clock-suspect. Follow names
// the conversation that the question continues, or is empty.
type Request struct {
	Question string
	Now      time.Time
	Follow   string
	Person   string // who asks, for the ledger of what went to a model

	// Told, if not nil, is told of each checked sentence as soon as there is one:
	// those of the built-in engine first, those of a model as it completes them.
	// The answer has them all, but for those of a model that then failed.
	Told func(Sentence) `json:"-"`
}

// Ask answers a question. An error means that no answer could be computed; a
// question that is not understood is an answer with that status.
func (c *Copilot) Ask(ctx context.Context, req Request) (*Answer, error) {
	if req.Follow != "" && !follows(ctx, req.Follow) {
		return nil, fault.New(fault.NotFound, "there is no conversation %.40q", req.Follow).WithHint("an answer names its conversation; ask anew without one")
	}
	if ans, mine, err := c.disclosure(ctx, req); mine || err != nil {
		return ans, err
	}
	started := c.clock()
	now, err := c.now(ctx, req.Now)
	if err != nil {
		return nil, err
	}
	r, err := c.reading(ctx, req, now)
	if err != nil {
		return nil, err
	}
	ans := &Answer{Question: req.Question, Conversation: conversationOf(ctx, req), Model: builtIn()}
	mind := c.consult(ctx, req, ans.Conversation)
	defer mind.end()
	if planned := mind.planned(ctx, r, now); planned != nil {
		r, ans.Planner = planned, mind.model()
	}
	ans.ReadAs, ans.Plan = r.ReadAs, r.Steps
	if err := c.answer(ctx, r, now, ans); err != nil {
		return nil, err
	}
	if req.Told != nil {
		for _, s := range ans.Answer {
			req.Told(s)
		}
	}
	mind.word(ans, mind.labels(ctx, now, ans))
	ans.Used = mind.spent()
	if err := c.remember(ctx, req, ans.Conversation); err != nil {
		return nil, err
	}
	ans.Seconds = c.clock().Sub(started).Seconds()
	return ans, nil
}

// Read plans a question without answering it.
func (c *Copilot) Read(ctx context.Context, req Request) (*reading.Reading, error) {
	now, err := c.now(ctx, req.Now)
	if err != nil {
		return nil, err
	}
	return c.reading(ctx, req, now)
}

func (c *Copilot) now(ctx context.Context, now time.Time) (time.Time, error) {
	if !now.IsZero() {
		return now, nil
	}
	bounds, err := c.tools.Bounds(ctx)
	if err != nil {
		return now, err
	}
	if bounds.Newest.IsZero() {
		return c.clock(), nil
	}
	return bounds.Newest, nil
}

// reading reads the question, after those of the conversation it follows.
func (c *Copilot) reading(ctx context.Context, req Request, now time.Time) (*reading.Reading, error) {
	var prev *reading.Frame
	if req.Follow != "" {
		if c.talks == nil {
			return nil, fault.New(fault.NotFound, "no conversations are kept here, so %q cannot be followed", req.Follow)
		}
		earlier, err := c.talks.Questions(ctx, req.Follow)
		if err != nil {
			return nil, err
		}
		for _, q := range earlier {
			r, err := c.read.Read(ctx, q, now, world{c.tools, &c.names}, prev)
			if err != nil {
				return nil, err
			}
			if r.Status != reading.NotUnderstood {
				prev = &r.Frame
			}
		}
	}
	return c.read.Read(ctx, req.Question, now, world{c.tools, &c.names}, prev)
}

// conversationOf is the conversation that a question belongs to, or a new one.
func conversationOf(ctx context.Context, req Request) string {
	if req.Follow != "" {
		return req.Follow
	}
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return "c-" + hex.EncodeToString(b[:]) + zonesMark(ctx)
}

// zonesMark ends the names of conversations in a confined context: what was said in
// one stays among those who see the same zones.
func zonesMark(ctx context.Context) string {
	zones, ok := query.Confined(ctx)
	if !ok {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", zones))
	return "-z" + hex.EncodeToString(sum[:8])
}

// follows reports whether a conversation may be continued in a context.
func follows(ctx context.Context, id string) bool { return strings.HasSuffix(id, zonesMark(ctx)) }

func (c *Copilot) remember(ctx context.Context, req Request, id string) error {
	if c.talks == nil {
		return nil
	}
	return c.talks.Append(ctx, id, req.Question)
}

func (c *Copilot) answer(ctx context.Context, r *reading.Reading, now time.Time, ans *Answer) error {
	bounds, err := c.tools.Bounds(ctx)
	if err != nil {
		return err
	}
	if r.Status == reading.NotUnderstood {
		c.notUnderstood(ctx, r, bounds, ans)
		return nil
	}
	suspects := suspectStep(r, bounds)
	if suspects != nil {
		r.Steps = append(r.Steps, *suspects)
		ans.Plan = r.Steps
	}
	for i := range r.Steps {
		step := &r.Steps[i]
		if step.Theirs && i > 0 {
			step.Query.Where = theirs(step.Query.Where, ans.Evidence[i-1])
		}
		table, err := c.run(ctx, *step, now)
		if err != nil {
			return fmt.Errorf("running step %d of the plan: %w", i+1, err)
		}
		ans.Evidence = append(ans.Evidence, Evidence{ID: fmt.Sprintf("E%d", i+1), Query: stepText(*step), Columns: table.Columns, Rows: table.Rows, Total: table.Total})
	}
	if last := len(ans.Evidence) - 1; suspects != nil && empty(ans.Evidence[last]) {
		ans.Evidence, ans.Plan, suspects = ans.Evidence[:last], r.Steps[:last], nil // nothing was left out
	}
	ans.own = wordsOf(r)
	ans.Status = StatusAnswered
	if r.Status == reading.Partly {
		ans.Status = StatusPartly
	}
	why, err := c.unknowable(ctx, r, now, ans)
	if err != nil {
		return err
	}
	if why != "" {
		ans.Status = StatusRefused
		ans.Answer = verify([]Sentence{{Text: why, Evidence: []string{ans.Evidence[0].ID}}}, ans)
		ans.Suggestions = c.examples(ctx, bounds)
		return nil
	}
	n := narrator{r: r, ev: ans.Evidence, bounds: bounds, now: now, suspects: suspects != nil}
	ans.Answer = verify(n.sentences(ctx, c.tools), ans)
	ans.Chart = chartOf(r, ans.Evidence)
	ans.Suggestions = n.suggestions()
	return nil
}

// wordsOf are the words of ours in the sentences about a reading.
func wordsOf(r *reading.Reading) []string {
	out := []string{r.Subject, counted(int64(1), r.Subject)}
	for field, noun := range r.Nouns {
		out = append(out, field, noun, counted(int64(1), noun))
	}
	for _, m := range r.Missing {
		out = append(out, m.Field, m.Value)
	}
	return out
}

// suspectStep counts the records that meet the question but for their time,
// because their clock is in doubt: a time leaves them out, and the answer has
// to say so. It is nil where the question has no time or no clock is in doubt.
func suspectStep(r *reading.Reading, bounds toolbox.Bounds) *reading.Step {
	q := r.Steps[0].Query
	if bounds.Suspect == 0 || q.Time.IsZero() || q.From != "" || q.Sequence != nil {
		return nil
	}
	doubtful := query.Expr{Field: "metadata.clock_suspect", Op: query.Eq, Value: true}
	where := &doubtful
	if q.Where != nil {
		where = &query.Expr{And: []query.Expr{*q.Where, doubtful}}
	}
	return &reading.Step{
		Tool: "query", Why: "records with a doubtful clock, which a time leaves out",
		Query: query.Query{Classes: q.Classes, Where: where, Measures: []query.Measure{{Fn: query.Count}}},
	}
}

// theirs narrows a condition to the sources in the first column of what was found.
func theirs(where *query.Expr, found Evidence) *query.Expr {
	var list []any
	for _, row := range found.Rows {
		if ip, ok := row[0].(string); ok {
			list = append(list, ip)
		}
	}
	if len(list) == 0 {
		return where
	}
	only := query.Expr{Field: "src_endpoint.ip", Op: query.In, Value: list}
	if where == nil {
		return &only
	}
	return &query.Expr{And: []query.Expr{*where, only}}
}

func (c *Copilot) run(ctx context.Context, step reading.Step, now time.Time) (*toolbox.Table, error) {
	if step.Tool == "unusual" {
		return c.tools.Unusual(ctx, step.Query, now)
	}
	return c.tools.QueryLoose(ctx, step.Query, now)
}

func stepText(s reading.Step) string {
	if s.Tool == "query" {
		return s.Query.String()
	}
	return strings.TrimSpace(s.Tool + " " + s.Query.String())
}

// world shows a reading the names and values that are stored.
type world struct {
	tools Tools
	index *nameIndex
}

// Values gives the stored values of a field.
func (w world) Values(ctx context.Context, from, field string) ([]query.ValueCount, bool, error) {
	return w.tools.Values(ctx, from, field)
}

// Span gives the times between which events are stored.
func (w world) Span(ctx context.Context) (oldest, newest time.Time, err error) {
	b, err := w.tools.Bounds(ctx)
	return b.Oldest, b.Newest, err
}

// Extras gives the names of stored fields outside the schema.
func (w world) Extras(ctx context.Context) ([]string, error) {
	b, err := w.tools.Bounds(ctx)
	return b.Extras, err
}

// Events gives how many events are stored.
func (w world) Events(ctx context.Context) (int64, error) {
	b, err := w.tools.Bounds(ctx)
	return b.Events, err
}

// Names gives the names of devices. The index that is kept is that of all of them.
func (w world) Names(ctx context.Context) (*reading.Names, error) {
	list := w.tools.Names(ctx)
	if _, ok := query.Confined(ctx); ok {
		return indexOf(list), nil
	}
	return w.index.of(list), nil
}

// nameIndex keeps the index of names while the tools give the same list.
type nameIndex struct {
	mu    sync.Mutex
	list  []toolbox.Name
	index *reading.Names
}

func (x *nameIndex) of(list []toolbox.Name) *reading.Names {
	x.mu.Lock()
	defer x.mu.Unlock()
	same := x.index != nil && len(list) == len(x.list) && (len(list) == 0 || &list[0] == &x.list[0])
	if same {
		return x.index
	}
	x.list, x.index = list, indexOf(list)
	return x.index
}

func indexOf(list []toolbox.Name) *reading.Names {
	names := make([]reading.Name, len(list))
	for i, n := range list {
		names[i] = reading.Name(n)
	}
	return reading.NewNames(names)
}

// Types gives the known types of device.
func (w world) Types(context.Context) ([]reading.DeviceType, error) {
	types := w.tools.Types()
	out := make([]reading.DeviceType, len(types))
	for i, t := range types {
		out[i] = reading.DeviceType(t)
	}
	return out, nil
}
