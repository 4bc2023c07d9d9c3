package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"vedette/internal/audit"
	"vedette/internal/correlate"
	"vedette/internal/detect/behave"
	"vedette/internal/fault"
)

// words are incidents of which a person has said something that what was
// learnt of behaviour does not know of yet. A source that is taken in may run
// for long, so whoever says it does not wait for its end: the next batch of
// events carries it on.
type words struct {
	mu   sync.Mutex
	uids []string // of incidents, or of feedback on them
}

// lastWords is how many verdicts are looked at when a directory is opened.
const lastWords = 256

func (w *words) add(uids ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, uid := range uids {
		if !slices.Contains(w.uids, uid) {
			w.uids = append(w.uids, uid)
		}
	}
}

func (w *words) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.uids
	w.uids = nil
	return out
}

// carry brings a verdict to what was learnt, now if no source is being taken
// in, else with its next batch. Verdicts that say nothing of behaviour need no
// detectors.
func (a *App) carry(ctx context.Context, uid string) error {
	s, ok := a.incidents.Standing(uid)
	if !ok || !a.cfg.Detect.Behaviour || !slices.ContainsFunc(s.Said, func(o correlate.Said) bool { return len(o.Deeds) > 0 }) {
		return nil
	}
	a.words.add(uid)
	if !a.writing.TryLock() {
		return nil
	}
	defer a.writing.Unlock()
	if err := a.ready(ctx); err != nil {
		return err
	}
	if err := a.carryWords(ctx); err != nil {
		return err
	}
	return a.keepLearnt()
}

// carryWords is called under writing, when there are detectors.
func (a *App) carryWords(ctx context.Context) error {
	uids := a.words.take()
	if len(uids) == 0 || a.behave == nil {
		return nil
	}
	changed := false
	for i, uid := range uids {
		s, ok := a.incidents.Standing(uid)
		if !ok {
			continue
		}
		did, err := a.carryWord(&s)
		changed = changed || did
		if err != nil && fault.KindOf(err) != fault.Limited {
			a.words.add(uids[i:]...)
			return err
		}
	}
	if !changed {
		return nil
	}
	a.learnt.changed = true
	return a.keepIncidents(ctx)
}

// carryWord makes usual what the findings were of that a person called benign,
// as they were then, while the last verdict on the incident is benign, and takes
// that back when it is not any more. It is on record and in the history of the
// incident. Doing it twice changes nothing.
func (a *App) carryWord(s *correlate.Standing) (changed bool, err error) {
	last := s.Last()
	for _, said := range s.Said {
		if len(said.Deeds) == 0 {
			continue
		}
		n, by := 0, cmp.Or(said.UndoneBy, last.By)
		action, text := "behaviour.revoke", "%d findings are unusual again"
		if last.Verdict == correlate.Benign && !said.Undone {
			by = said.By
			action, text = "behaviour.accept", "%d findings are usual from now on"
			n, err = a.behave.Accept(said.ID, behaviourOf(said.Deeds))
		} else {
			n = a.behave.Revoke(said.ID)
		}
		if err != nil {
			a.incidents.Note(s.Incident, correlate.Change{What: "not learnt as usual: " + err.Error()})
			return true, err
		}
		if n == 0 {
			continue
		}
		changed = true
		entry := audit.Entry{
			Actor: audit.Actor{Kind: audit.Person, Name: by}, Action: action, Object: s.Incident,
			Details: map[string]string{"feedback": said.ID, "findings": strconv.Itoa(n)},
		}
		if _, err := a.journal.Record(entry); err != nil {
			return true, err
		}
		a.incidents.Note(s.Incident, correlate.Change{By: by, What: fmt.Sprintf(text, n), Why: "feedback " + said.ID})
	}
	return changed, nil
}

func behaviourOf(deeds []correlate.Deed) []behave.Deed {
	out := make([]behave.Deed, len(deeds))
	for i, d := range deeds {
		out[i] = behave.Deed{Rule: d.Rule, Device: d.Device, First: d.First, Last: d.Last}
	}
	return out
}
