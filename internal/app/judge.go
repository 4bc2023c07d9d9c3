package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/detect"
	"vedette/internal/detect/behave"
	"vedette/internal/detect/match"
	"vedette/internal/detect/policy"
	"vedette/internal/detect/sigma"
	"vedette/internal/event"
	"vedette/internal/guard/signal/watch"
	"vedette/internal/intel"
	"vedette/internal/store"
)

// Detect says what events are judged by.
type Detect struct {
	BuiltIn   bool          // the rules of package content
	Rules     []string      // more of them: files and directories
	Behaviour bool          // learn what devices usually do
	Learn     time.Duration // before what a device does is called new; 0: an hour
	Anomalies int           // per 1000 devices a day
	Policy    string        // file of zone and conduit rules and of MUD files
}

// batch is what is committed at once: records, then the findings raised on
// them, so that a kill leaves both or neither.
type batch struct {
	events []*event.Event
	raised []event.Finding // the findings among the events, ours and alerts of other tools
	own    int             // how many of the events are findings and updates that we made
	said   []asset.Update  // of firmware, among the events
	learnt snapshots       // written when the batch is stored
	fresh  *event.Event    // one that was not stored before, by which is known whether the batch was; nil: there is none
}

// judge shows the records of a batch to the detectors, those alone that are
// not stored yet: a record that is taken in again is neither learnt from nor
// found a second time. The findings join the batch.
func (a *App) judge(ctx context.Context, records []*event.Event, ended bool) (*batch, error) {
	if err := a.carryWords(ctx); err != nil {
		return nil, err
	}
	a.answerLooks()
	b := &batch{events: records}
	known, err := a.events.Known(ctx, records)
	if err != nil {
		return nil, err
	}
	for _, e := range records {
		if known[e.MetadataUID()] {
			continue
		}
		b.fresh = e
		a.taken.note(e)
		a.inspect(e)
		if f, ok := event.FindingOf(e); ok {
			b.raised = append(b.raised, f)
		}
	}
	if ended {
		a.chain.Pause()
	}
	if len(known) < len(records) {
		a.learnt.changed, a.learnt.settled, a.learnt.judged = true, false, time.Now()
	}
	a.noteJudged()
	if err := a.join(ctx, b, a.chain.Take()); err != nil {
		return b, err
	}
	return b, a.takeFor(b)
}

// store stores a batch, and with it what was learnt from it.
func (a *App) store(ctx context.Context, b *batch) (store.Appended, error) {
	if b.learnt != nil {
		if err := a.await(ctx, b.learnt, b.waitsFor()); err != nil {
			return store.Appended{}, err
		}
	}
	got, err := a.events.Append(ctx, b.events)
	if err != nil {
		return got, err
	}
	return got, a.stored(b.learnt != nil)
}

// stored puts what was learnt in the place of what was before, if it waited for what
// is stored now.
func (a *App) stored(learnt bool) error {
	if !learnt {
		return nil
	}
	a.learnt.waiting = false
	return a.endWaiting(true)
}

// Settle lets the detectors tell what they hold back for events that may still
// come, stores it, and returns how many findings and which incidents that
// gave. It is called when nothing more is expected for long.
func (a *App) Settle(ctx context.Context) (api.Settled, error) {
	a.writing.Lock()
	defer a.writing.Unlock()
	return a.settle(ctx)
}

func (a *App) settle(ctx context.Context) (api.Settled, error) {
	var done api.Settled
	if a.chain == nil {
		return done, nil
	}
	a.chain.End()
	b := new(batch)
	if err := a.join(ctx, b, a.chain.Take()); err != nil || len(b.events) == 0 {
		return done, err
	}
	if err := a.takeFor(b); err != nil {
		return done, err
	}
	if _, err := a.store(ctx, b); err != nil {
		return done, err
	}
	touched := map[string]bool{}
	err := a.correlate(ctx, b.raised, touched, false)
	return api.Settled{Findings: len(b.raised), Incidents: slices.Sorted(maps.Keys(touched))}, err
}

// join adds findings to the batch but for those that are stored already, which
// happens when a crash came between two snapshots of what was learnt.
func (a *App) join(ctx context.Context, b *batch, findings []event.Finding) error {
	if len(findings) == 0 {
		return nil
	}
	asEvents := make([]*event.Event, 0, len(findings))
	for i := range findings {
		e, err := findings[i].Event()
		if err != nil {
			return fmt.Errorf("writing a finding of rule %s: %w", findings[i].Rule, err)
		}
		asEvents = append(asEvents, e)
	}
	known, err := a.events.Known(ctx, asEvents)
	if err != nil {
		return err
	}
	for i, e := range asEvents {
		if uid := e.MetadataUID(); !known[uid] {
			known[uid] = true
			a.taken.note(e)
			b.events, b.raised, b.own, b.fresh = append(b.events, e), append(b.raised, findings[i]), b.own+1, e
		}
	}
	return nil
}

// openJudgement makes the detectors in the order in which they see an event:
// what others have said of it, what may be, what is usual, and then the rules,
// which can speak of all of that.
func (a *App) openJudgement(ctx context.Context) error {
	a.ruling.Lock()
	defer a.ruling.Unlock()
	set, err := a.loadRules(ctx)
	if err != nil {
		return err
	}
	rules, err := a.loadPolicy()
	if err != nil {
		return err
	}
	a.written.Store(&rules)
	rules = rules.Under(a.alsoCalled)
	a.allowed.Store(&rules)
	matcher := match.New(intel.Empty(), match.Config{})
	a.matcher.Store(matcher)
	a.ruler = sigma.NewDetector(set, sigma.DetectorOptions{})
	a.rulerNow.Store(a.ruler)
	conduits := policy.New(rules)
	a.policyNow.Store(conduits)
	detectors := []detect.Detector{matcher, conduits, watch.New()}
	if a.cfg.Detect.Behaviour {
		a.behave = behave.New(a.behaviour())
		detectors = append(detectors, a.behave)
	}
	a.chain = detect.NewChain(append(detectors, a.ruler)...)
	return a.restoreLearnt(ctx)
}

// behaviour says how much unusual behaviour is wanted, and of how many devices.
func (a *App) behaviour() behave.Config {
	return behave.Config{Budget: float64(a.cfg.Detect.Anomalies), LearnFor: a.cfg.Detect.Learn}
}

// Ready makes the detectors now and not when the first event comes, so that a
// server tells at its start what is wrong with rules and policy.
func (a *App) Ready(ctx context.Context) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	return a.ready(ctx)
}

// ready is called under writing before events are judged.
func (a *App) ready(ctx context.Context) error {
	if a.chain == nil {
		if err := a.openJudgement(ctx); err != nil {
			a.chain = nil
			return err
		}
		a.noteJudged()
		if err := a.catchUp(ctx); err != nil {
			return err
		}
		a.words.add(a.incidents.LastSaid(lastWords)...) // a kill may have come between a word and its effect
		if err := a.carryWords(ctx); err != nil {
			return err
		}
	}
	return a.readyIntel(ctx)
}

// readyIntel puts the indicators in force that are kept. It is cheap when
// nothing has changed, and needs nothing before there are detectors.
func (a *App) readyIntel(ctx context.Context) error {
	matcher := a.matcher.Load()
	if matcher == nil {
		return nil
	}
	set, err := a.intel.Set(ctx)
	if err != nil {
		return err
	}
	matcher.Swap(set)
	return nil
}
