package app

import (
	"context"
	"errors"
	"fmt"

	"vedette/internal/detect"
	"vedette/internal/detect/behave"
	"vedette/internal/detect/match"
	"vedette/internal/detect/policy"
	"vedette/internal/detect/sigma"
	"vedette/internal/event"
	"vedette/internal/intel"
)

// Detect says what events are judged by.
type Detect struct {
	BuiltIn   bool     // the rules of package content
	Rules     []string // more of them: files and directories
	Anomalies int      // per 1000 devices a day
	Policy    string   // file of zone and conduit rules and of MUD files
}

// batch is what is committed at once: records, then the findings raised on
// them, so that a kill leaves both or neither.
type batch struct {
	events []*event.Event
	raised []event.Finding // the findings among the events, ours and alerts of other tools
	own    int             // how many of the events are findings of ours
}

// judge shows the records of a batch to the detectors, those alone that are
// not stored yet: a record that is taken in again is neither learnt from nor
// found a second time. The findings join the batch.
func (a *App) judge(ctx context.Context, records []*event.Event, end bool) (*batch, error) {
	b := &batch{events: records}
	known, err := a.events.Known(ctx, records)
	if err != nil {
		return nil, err
	}
	for _, e := range records {
		if known[e.MetadataUID()] {
			continue
		}
		a.chain.Inspect(e)
		if f, ok := event.FindingOf(e); ok {
			b.raised = append(b.raised, f)
		}
	}
	if end {
		a.chain.End()
	}
	a.learnt.changed = a.learnt.changed || len(known) < len(records)
	return b, errors.Join(a.join(ctx, b, a.chain.Take()), a.keepLearnt(false))
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
			b.events, b.raised, b.own = append(b.events, e), append(b.raised, findings[i]), b.own+1
		}
	}
	return nil
}

// detectors are those of the chain that something is handed to later.
type detectors struct {
	match *match.Detector
	sigma *sigma.Detector
}

// openJudgement makes the detectors in the order in which they see an event:
// what others have said of it, what may be, what is usual, and then the rules,
// which can speak of all of that.
func (a *App) openJudgement() error {
	set, err := a.loadRules()
	if err != nil {
		return err
	}
	rules, err := a.loadPolicy()
	if err != nil {
		return err
	}
	a.detectors.match = match.New(intel.Empty(), match.Config{})
	a.detectors.sigma = sigma.NewDetector(set, sigma.DetectorOptions{})
	a.chain = detect.NewChain(a.detectors.match, policy.New(rules), behave.New(a.behaviour()), a.detectors.sigma)
	return a.restoreLearnt()
}

// behaviour says how much unusual behaviour is wanted, and of how many devices.
func (a *App) behaviour() behave.Config {
	return behave.Config{Budget: float64(a.cfg.Detect.Anomalies)}
}

// readyIntel puts the indicators in force that are kept. It is cheap when
// nothing has changed.
func (a *App) readyIntel(ctx context.Context) error {
	set, err := a.intel.Set(ctx)
	if err != nil {
		return err
	}
	a.detectors.match.Swap(set)
	return nil
}
