package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/app/chosen"
	"vedette/internal/detect/sigma"
	"vedette/internal/detect/sigma/rule"
	"vedette/internal/detect/sigma/rulefile"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
)

// The bounds of a trial.
const (
	trySpan   = 24 * time.Hour
	maxTry    = 90 * 24 * time.Hour
	tryEvents = 2_000_000
	tryTime   = 60 * time.Second
	tryPage   = 8000 // events that one query is to give; at most query.MaxLimit
	tryExtras = 60   // fields of no schema that rules may see
)

// TryRule implements [api.RuleSettings]: stored events are shown to a rule of its
// own, the oldest first. Nothing is kept, and nothing that judges is touched.
func (a *App) TryRule(ctx context.Context, q api.RuleTry) (api.RuleTried, error) {
	if !a.trying.TryLock() {
		return api.RuleTried{}, fault.New(fault.Conflict, "a rule is being tried already").WithHint("wait until that has ended, at most %s", tryTime)
	}
	defer a.trying.Unlock()
	started := time.Now()
	t, err := a.trialOf(ctx, q)
	if err != nil {
		return api.RuleTried{}, err
	}
	if err := t.span(ctx, q.Last); err != nil {
		return t.out, err
	}
	if err := t.run(ctx, started.Add(tryTime)); err != nil {
		return t.out, err
	}
	t.end(ctx)
	t.out.Millis = time.Since(started).Milliseconds()
	return t.out, nil
}

// trialOf reads the rule and makes what it is tried with.
func (a *App) trialOf(ctx context.Context, q api.RuleTry) (*trial, error) {
	doc, _ := a.set.Now()
	all, _, err := a.readRules(ctx, doc)
	if err != nil {
		return nil, err
	}
	mine, notes, err := a.triedDocs(ctx, doc, all, q)
	if err != nil {
		return nil, err
	}
	id := mine[len(mine)-1].ID
	others := slices.DeleteFunc(slices.Clone(all.Docs), func(d sigma.Document) bool {
		return slices.ContainsFunc(mine, func(m sigma.Document) bool { return m.ID == d.ID && d.ID != "" })
	})
	old := slices.DeleteFunc(slices.Clone(all.Docs), func(d sigma.Document) bool { return d.ID != id })
	t := &trial{app: a, told: q.Told, days: map[string]*api.RuleTryDay{}, devices: map[string]*api.RuleTryDevice{}}
	t.out = api.RuleTried{ID: id, Title: mine[len(mine)-1].Title, Notes: notes}
	docs := neededBy(mine, others)
	if t.now, err = sideOf(docs, mine); err != nil {
		return nil, err
	}
	if len(old) > 0 && q.Text != "" {
		before, err := sideOf(neededBy(old, others), old)
		if err != nil {
			return nil, err
		}
		t.before = &before
	}
	t.counts = slices.ContainsFunc(docs, func(d sigma.Document) bool { return d.Kind == rule.Correlation })
	return t, nil
}

// triedDocs are the documents of the rule that is tried.
func (a *App) triedDocs(ctx context.Context, doc chosen.Doc, all *rulefile.Loaded, q api.RuleTry) (mine []sigma.Document, notes []string, err error) {
	if (q.Text == "") == (q.ID == "") {
		return nil, nil, fault.New(fault.Invalid, "give either the text of a rule or the id of one that is there")
	}
	if q.ID != "" {
		for i := range all.Docs {
			if all.Docs[i].ID == q.ID && all.Docs[i].Kind != rule.Filter {
				mine = append(mine, all.Docs[i])
			}
		}
		if len(mine) == 0 {
			return nil, nil, fault.New(fault.NotFound, "there is no rule %.100q", q.ID).WithHint("list them with: vedette rules all")
		}
		return mine, nil, nil
	}
	v, err := a.examineRule(ctx, doc, api.RulePut{Text: q.Text})
	if err != nil {
		return nil, nil, err
	}
	mine, _ = sigma.Parse(setRule+v.ID, []byte(q.Text))
	return mine, v.Notes, nil
}

// neededBy are some documents with those of others that they count, and filters.
func neededBy(mine, others []sigma.Document) []sigma.Document {
	out := slices.Clone(mine)
	for i := 0; i < len(out); i++ {
		if out[i].Kind != rule.Correlation {
			continue
		}
		for k := range others {
			d := &others[k]
			counted := slices.Contains(out[i].Rules, d.ID) || d.Name != "" && slices.Contains(out[i].Rules, d.Name)
			if counted && !slices.ContainsFunc(out, func(o sigma.Document) bool { return o.File == d.File && o.Line == d.Line }) {
				out = append(out, *d)
			}
		}
	}
	for k := range others {
		if others[k].Kind == rule.Filter {
			out = append(out, others[k])
		}
	}
	return out
}

// side is a rule with what it needs, and how many findings it has made.
type side struct {
	set      *sigma.Set
	detector *sigma.Detector
	ids      map[string]bool
	findings int64
}

func sideOf(docs, mine []sigma.Document) (side, error) {
	set, refused, err := compileAll(&rulefile.Loaded{Docs: docs})
	if err != nil {
		return side{}, err
	}
	s := side{set: set, detector: sigma.NewDetector(set, sigma.DetectorOptions{}), ids: map[string]bool{}}
	for i := range mine {
		s.ids[mine[i].ID] = true
		for _, r := range refused {
			if r.File == mine[i].File && r.Rule == mine[i].ID {
				return side{}, fault.New(fault.Invalid, "the rule is refused: %s", r.Reason)
			}
		}
	}
	return s, nil
}

// trial shows stored events to a rule.
type trial struct {
	app     *App
	out     api.RuleTried
	told    func(api.RuleTryProgress)
	now     side
	before  *side // the rule that it would take the place of; nil: none
	counts  bool  // there is a correlation, so matches are not findings
	scratch sigma.Scratch

	slots   []event.Slot
	extras  []string
	columns []string
	time    int // the column of the time
	event   event.Event

	days     map[string]*api.RuleTryDay
	devices  map[string]*api.RuleTryDevice
	more     int64 // findings of devices that are not counted one by one
	repeated []api.RuleTryExample
}

// span says which events are read and counts them.
func (t *trial) span(ctx context.Context, last string) error {
	length := trySpan
	if last != "" {
		d, err := query.ParseDuration(last)
		if err != nil {
			return err
		}
		length = d
	}
	if length <= 0 || length > maxTry {
		return fault.New(fault.Invalid, "a rule is tried on 1s to 90d of events, not %.20q", last)
	}
	to, err := t.app.nowOf(ctx, time.Time{})
	if err != nil {
		return err
	}
	t.out.To = to.Add(time.Nanosecond).UTC()
	t.out.From = t.out.To.Add(-length)
	t.out.Until = t.out.From
	if err := t.choose(ctx); err != nil {
		return err
	}
	t.out.Of, err = t.count(ctx, t.out.From, t.out.To)
	return err
}

// notOurs leaves our own findings out: rules are not shown them.
func notOurs() *query.Expr {
	return &query.Expr{Field: "metadata.product", Op: query.Ne, Value: event.FindingProduct}
}

// findingSlots are what findings and examples are made of.
var findingSlots = []event.Slot{
	event.SlotMetadataUID, event.SlotRaw, event.SlotDeviceUID, event.SlotSrcEndpointUID, event.SlotSrcEndpointIP, event.SlotSrcEndpointPort,
	event.SlotDstEndpointUID, event.SlotDstEndpointIP, event.SlotDstEndpointPort,
}

// choose decides which fields are read: those that the rules look at, since to read
// all takes many times as long.
func (t *trial) choose(ctx context.Context) error {
	slots, extras, all := t.now.set.Needs()
	if t.before != nil {
		more, names, every := t.before.set.Needs()
		slots, extras, all = append(slots, more...), append(extras, names...), all || every
	}
	slots = append(slots, findingSlots...)
	for _, f := range event.Fields() {
		if !f.Stored() || !all && !slices.Contains(slots, f.Slot) {
			continue
		}
		if f.Slot == event.SlotTime {
			t.time = len(t.slots)
		}
		t.slots, t.columns = append(t.slots, f.Slot), append(t.columns, f.Name)
	}
	bounds, err := t.app.tools.Bounds(ctx)
	if err != nil {
		return err
	}
	rest := []string{}
	for _, name := range bounds.Extras {
		if slices.ContainsFunc(extras, func(n string) bool { return strings.EqualFold(n, name) }) {
			t.extras = append(t.extras, name)
		} else if all {
			rest = append(rest, name)
		}
	}
	t.extras = append(t.extras, rest...)
	if len(t.extras) > tryExtras {
		t.out.Notes = append(t.out.Notes, fmt.Sprintf("of the fields that no schema has, %d of %d are shown to the rule: those it names, and the most frequent", tryExtras, len(t.extras)))
		t.extras = t.extras[:tryExtras]
	}
	t.columns = append(t.columns, t.extras...)
	return nil
}

// run reads page by page, each a part of the span that is about as long as a page
// takes.
func (t *trial) run(ctx context.Context, deadline time.Time) error {
	length := t.out.To.Sub(t.out.From)
	part := length
	if t.out.Of > tryPage {
		part = max(time.Duration(float64(length)*tryPage/float64(t.out.Of)), time.Millisecond)
	}
	for t.out.Until.Before(t.out.To) {
		switch {
		case ctx.Err() != nil:
			return fault.Wrap(fault.Unavailable, ctx.Err(), "trying a rule: it was cancelled")
		case time.Now().After(deadline):
			t.out.Cut = fmt.Sprintf("it took longer than %s", tryTime)
			return nil
		case t.out.Read >= tryEvents:
			t.out.Cut = fmt.Sprintf("a rule is tried on at most %d events", tryEvents)
			return nil
		}
		rows, err := t.page(ctx, part)
		switch {
		case err == nil && rows < tryPage/2:
			part = min(2*part, length)
		case fault.KindOf(err) == fault.Limited && ctx.Err() == nil && part > time.Millisecond:
			part /= 2 // the records are long
			continue
		case err != nil:
			return err
		}
		if t.told != nil {
			t.told(api.RuleTryProgress{Read: t.out.Read, Of: t.out.Of, Findings: t.now.findings})
		}
	}
	t.now.detector.Tick(t.out.To, true, func(f event.Finding) { t.found(f, nil) })
	if t.before != nil {
		t.before.detector.Tick(t.out.To, true, t.before.made)
	}
	return nil
}

// page shows the next events of a part of the span, at most as many as a query gives:
// then it ends before the moment of the last, of which there may be more.
func (t *trial) page(ctx context.Context, part time.Duration) (int, error) {
	to := t.out.Until.Add(part)
	if to.After(t.out.To) {
		to = t.out.To
	}
	res, err := t.app.events.Query(ctx, query.Query{
		Time: query.TimeRange{From: t.out.Until, To: to}, Where: notOurs(), Select: t.columns, Sort: []query.Sort{{By: "time"}}, Limit: query.MaxLimit,
	})
	if err != nil {
		return 0, err
	}
	rows := res.Rows
	if res.Total > int64(len(rows)) {
		last := t.timeOf(rows[len(rows)-1])
		if t.timeOf(rows[0]).Before(last) {
			rows = rows[:slices.IndexFunc(rows, func(r []any) bool { return !t.timeOf(r).Before(last) })]
			to = last
		} else if to, err = t.pass(ctx, last, int64(len(rows))); err != nil {
			return 0, err
		}
	}
	for _, row := range rows {
		t.show(row)
	}
	t.out.Until = to
	return len(rows), nil
}

func (t *trial) timeOf(row []any) time.Time {
	at, _ := row[t.time].(time.Time)
	return at
}

// pass goes past a moment that has more events than a query gives, and tells how
// many are not shown.
func (t *trial) pass(ctx context.Context, at time.Time, shown int64) (time.Time, error) {
	next := at.Add(time.Nanosecond)
	n, err := t.count(ctx, at, next)
	if n > shown && len(t.out.Notes) < 20 {
		t.out.Notes = append(t.out.Notes, fmt.Sprintf("%d of %d events of %s are not shown to it", n-shown, n, at.UTC().Format(time.RFC3339Nano)))
	}
	return next, err
}

func (t *trial) count(ctx context.Context, from, to time.Time) (int64, error) {
	res, err := t.app.events.Query(ctx, query.Query{Time: query.TimeRange{From: from, To: to}, Where: notOurs(), Measures: []query.Measure{{Fn: query.Count}}, Limit: 1})
	if err != nil || len(res.Rows) == 0 {
		return 0, err
	}
	n, _ := res.Rows[0][0].(int64)
	return n, nil
}

// show shows the event of a row.
func (t *trial) show(row []any) {
	e := &t.event
	e.Reset()
	for i, s := range t.slots {
		setCell(e, s, row[i])
	}
	for i, name := range t.extras {
		if v := row[len(t.slots)+i]; v != nil {
			e.SetExtra(name, fmt.Sprint(v))
		}
	}
	t.out.Read++
	found := false
	t.now.detector.Inspect(e, func(f event.Finding) { found = true; t.found(f, e) })
	if t.counts {
		found = false
		t.now.set.Match(e, &t.scratch, func(*sigma.Rule) { found = true })
	}
	if found {
		t.out.Matches++
		t.day(e.TimeField()).Matches++
	}
	if t.before != nil {
		t.before.detector.Inspect(e, t.before.made)
	}
}

func (s *side) made(f event.Finding) {
	if s.ids[f.Rule] {
		s.findings++
	}
}
