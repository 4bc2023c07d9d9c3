package copilot

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vedette/internal/copilot/reading"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
)

// Subject is what is to be explained: exactly one of the fields is set.
type Subject struct {
	Event    string // uid
	Query    string // text form
	Finding  *event.Finding
	Incident *Case
	Rule     *RuleText
}

// RuleText is a rule as its author wrote it.
type RuleText struct {
	ID, Title, Level, Status, Author, File, Description, Logic string
	Techniques, FalsePositives                                 []string
}

// Explain says what something is, from its own fields: without a model. A model
// may word it too; what it says is marked and stands behind.
func (c *Copilot) Explain(ctx context.Context, s Subject, req Request) (*Answer, error) {
	started := c.clock()
	ans := &Answer{Status: StatusAnswered, Model: builtIn(), Plan: []reading.Step{}, Suggestions: []string{}}
	labels, err := c.explained(ctx, s, ans)
	if err != nil {
		return nil, err
	}
	ans.Answer = verify(ans.Answer, ans)
	req.Question = ans.Question
	mind := c.consult(ctx, req, conversationOf(ctx, req))
	defer mind.end()
	mind.word(ans, labels)
	ans.Seconds = c.clock().Sub(started).Seconds()
	return ans, nil
}

// explained fills an answer with what is known; the labels are those of its
// evidence.
func (c *Copilot) explained(ctx context.Context, s Subject, ans *Answer) ([]event.Confidentiality, error) {
	switch {
	case s.Event != "":
		return c.explainEvent(ctx, s.Event, ans)
	case s.Query != "":
		return c.explainQuery(ctx, s.Query, ans)
	case s.Finding != nil:
		explainFinding(s.Finding, ans)
		got, _ := event.ParseConfidentiality(s.Finding.Labels.Confidentiality)
		return []event.Confidentiality{got}, nil
	case s.Incident != nil:
		explainIncident(s.Incident, ans)
		got, _ := event.ParseConfidentiality(s.Incident.Incident.Confidentiality)
		return []event.Confidentiality{got}, nil
	case s.Rule != nil:
		explainRule(s.Rule, ans)
		return []event.Confidentiality{event.IsInternal}, nil
	}
	return nil, fault.New(fault.Invalid, "nothing is named that could be explained")
}

// sheet is evidence of fields and values, with a sentence for each.
type sheet struct {
	id   string
	rows [][]any
	says []Sentence
}

func (s *sheet) add(field, value, format string, args ...any) {
	if value == "" {
		return
	}
	s.rows = append(s.rows, []any{field, value})
	if format == "" {
		return
	}
	said := say(fmt.Sprintf("%s.%d", s.id, len(s.rows)), format, args...)
	said.computed = given(field)
	s.says = append(s.says, said)
}

func (s *sheet) into(ans *Answer, source string) {
	ans.Evidence = append(ans.Evidence, Evidence{ID: s.id, Query: source, Columns: []string{"field", "value"}, Rows: s.rows, Total: int64(len(s.rows))})
	ans.Answer = append(ans.Answer, s.says...)
}

// explainEvent tells what stands in an event, field by field.
func (c *Copilot) explainEvent(ctx context.Context, uid string, ans *Answer) ([]event.Confidentiality, error) {
	q := query.Query{Where: &query.Expr{Field: "metadata.uid", Op: query.Eq, Value: uid}, Limit: 1}
	docs := map[string]string{}
	for _, f := range event.Fields() {
		if !f.Stored() || f.Name == "raw" {
			continue
		}
		q.Select = append(q.Select, f.Name)
		docs[f.Name] = f.Doc
	}
	table, err := c.tools.QueryLoose(ctx, q, time.Time{})
	if err != nil {
		return nil, err
	}
	if len(table.Rows) == 0 {
		return nil, fault.New(fault.NotFound, "there is no event %q", clean(uid)).WithHint("an event is named by its metadata.uid: vedette query 'last 1h | select metadata.uid, time, metadata.log_name'")
	}
	ans.Question, ans.ReadAs = "explain the event "+uid, "the event with this metadata.uid"
	s, label := sheet{id: "E1"}, event.IsInternal
	for i, v := range table.Rows[0] {
		if v == nil {
			continue
		}
		name := table.Columns[i]
		if name == "label.confidentiality" {
			label, _ = event.ParseConfidentiality(cell(v))
		}
		s.add(name, cell(v), "%s: %s", name, cell(v))
		ans.own = append(ans.own, docs[name])
		if doc := docs[name]; doc != "" {
			s.says[len(s.says)-1].Text += " (" + doc + ")"
		}
	}
	s.into(ans, "metadata.uid="+uid)
	return []event.Confidentiality{label}, nil
}

func explainFinding(f *event.Finding, ans *Answer) {
	ans.Question, ans.ReadAs = "explain the finding "+f.UID, "the finding with this uid"
	s := sheet{id: "E1"}
	s.add("title", f.Title, "%s", clean(f.Title))
	s.add("severity", f.Severity.String(), "severity: %s", f.Severity)
	s.add("family", familyWords(f.Family), "raised by %s", familyWords(f.Family))
	s.add("rule", f.Rule, "rule: %s", clean(f.Rule))
	s.add("count", cell(int64(f.Count)), "it stands for %s events", cell(int64(f.Count)))
	s.add("first", cell(f.First), "first at %s", cell(f.First))
	s.add("last", cell(f.Time), "last at %s", cell(f.Time))
	s.add("source", f.Src.IP, "source: %s", clean(f.Src.IP))
	s.add("destination", f.Dst.IP, "destination: %s", clean(f.Dst.IP))
	for _, r := range f.Reasons {
		s.add("reason", r.String(), "because %s", clean(r.String()))
	}
	for _, t := range f.Techniques {
		s.add("technique", t, "technique %s", clean(t))
	}
	for _, o := range f.Entities {
		s.add(o.Type, o.Value, "")
	}
	ans.own = append(ans.own, "because raised by a rule behaviour learnt intelligence indicator policy allowed conduit zone another tool "+familyWords(f.Family))
	s.into(ans, fmt.Sprintf("finding %s", f.UID))
	ans.Suggestions = append(ans.Suggestions, "vedette explain rule "+f.Rule)
}

func familyWords(family string) string {
	switch family {
	case event.FamilySigma:
		return "a rule that matched"
	case event.FamilyBehaviour:
		return "a departure from what was learnt of the device"
	case event.FamilyIndicator:
		return "an indicator of threat intelligence"
	case event.FamilyPolicy:
		return "the policy of zones, which does not allow it"
	case event.FamilySource:
		return "another tool, whose alert came in"
	}
	return clean(family)
}

func explainIncident(c *Case, ans *Answer) {
	in := &c.Incident
	ans.Question, ans.ReadAs = "explain the incident "+in.UID, "the incident with this uid"
	s := sheet{id: "E1"}
	s.add("title", in.Title, "%s", clean(in.Title))
	s.add("severity", in.Level, "severity: %s", clean(in.Level))
	for _, r := range in.Raised {
		s.add("raised", r, "the severity is raised: %s", clean(r))
	}
	s.add("status", in.Status, "status: %s", clean(in.Status))
	s.add("first", cell(in.First), "first at %s", cell(in.First))
	s.add("last", cell(in.Last), "last at %s", cell(in.Last))
	s.add("findings", cell(in.Findings.Count), "it holds %s findings", cell(in.Findings.Count))
	for _, r := range in.Findings.Rules {
		s.add("rule", fmt.Sprintf("%s %s: %d", r.Rule, r.Title, r.Count), "%s", clean(fmt.Sprintf("%s %s: %d", r.Rule, r.Title, r.Count)))
	}
	for _, st := range in.Stages {
		s.add("stage", st.Name, "stage of an attack: %s", clean(st.Name))
	}
	for _, j := range in.Joins {
		s.add("joined", j.Reason, "findings were put together because %s", clean(j.Reason))
	}
	for _, f := range in.Computed {
		s.add("score", fmt.Sprintf("%s: %s", f.Text, cell(f.Value)), "")
	}
	ans.own = append(ans.own, "severity raised status holds stage joined because put")
	s.into(ans, fmt.Sprintf("incident %s", in.UID))
	ans.Suggestions = append(ans.Suggestions, "vedette ask --investigate "+in.UID)
}

func explainRule(r *RuleText, ans *Answer) {
	ans.Question, ans.ReadAs = "explain the rule "+r.ID, "the rule with this id"
	s := sheet{id: "E1"}
	s.add("title", r.Title, "%s", clean(r.Title))
	s.add("description", r.Description, "%s", clean(r.Description))
	s.add("level", r.Level, "level: %s", clean(r.Level))
	s.add("status", r.Status, "status: %s", clean(r.Status))
	s.add("author", r.Author, "author: %s", clean(r.Author))
	s.add("file", r.File, "")
	for _, t := range r.Techniques {
		s.add("technique", t, "technique %s", clean(t))
	}
	for _, f := range r.FalsePositives {
		s.add("known false positive", f, "its author knows of a false positive: %s", clean(f))
	}
	for line := range strings.Lines(r.Logic) {
		s.add("logic", strings.TrimRight(line, "\n"), "")
	}
	ans.own = append(ans.own, "level author positive")
	s.into(ans, "rule "+r.ID)
	ans.Suggestions = append(ans.Suggestions, "vedette query 'detection_finding finding_info.uid="+r.ID+"'")
}

// explainQuery puts a query into words, stage by stage.
func (c *Copilot) explainQuery(ctx context.Context, text string, ans *Answer) ([]event.Confidentiality, error) {
	q, err := query.ParseText(text)
	if err == nil {
		err = c.tools.Check(ctx, q, time.Unix(0, 0).UTC())
	}
	if err != nil {
		return nil, err
	}
	ans.Question, ans.ReadAs = "explain the query "+text, "a query in the text form"
	s := sheet{id: "E1"}
	from := "events"
	if q.From != "" {
		from = q.From
	}
	s.add("from", from, "it asks for %s", from)
	s.add("classes", strings.Join(q.Classes, ", "), "of the kinds %s", strings.Join(q.Classes, ", "))
	if q.Where != nil {
		s.add("where", q.Where.String(), "for which %s", clean(q.Where.String()))
	}
	s.add("time", timeOf(q.Time), "within %s", timeOf(q.Time))
	s.add("group", strings.Join(q.Group, ", "), "with a result for each %s", strings.Join(q.Group, ", "))
	s.add("bucket", q.Bucket, "and for every %s of time", q.Bucket)
	for _, m := range q.Measures {
		s.add("measure", m.Name(), "computing %s", clean(m.Name()))
	}
	for _, o := range q.Sort {
		s.add("sort", o.By, "in the order of %s, %s first", clean(o.By), map[bool]string{true: "largest", false: "smallest"}[o.Desc])
	}
	if q.Sequence != nil {
		s.add("sequence", q.String(), "events that follow each other within %s", q.Sequence.Within)
	}
	if q.Limit > 0 {
		s.add("limit", cell(int64(q.Limit)), "at most %s results", cell(int64(q.Limit)))
	}
	ans.own = append(ans.own, "asks kinds within computing")
	s.into(ans, q.String())
	return []event.Confidentiality{event.IsInternal}, nil
}

func timeOf(t query.TimeRange) string {
	switch {
	case t.Last != "":
		return "the last " + t.Last
	case t.IsZero():
		return "all stored time"
	case t.From.IsZero():
		return "all time until " + cell(t.To)
	case t.To.IsZero():
		return "the time since " + cell(t.From)
	}
	return cell(t.From) + " to " + cell(t.To)
}
