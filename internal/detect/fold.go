package detect

import (
	"time"

	"vedette/internal/event"
)

// foldWindow is how long repeats of a finding wait to be told as one. The
// first of a kind is told at once.
const foldWindow = 10 * time.Minute

// maxFolds bounds the kinds that are waited for. When it is reached all that
// wait are told and forgotten, so that nothing is lost.
const maxFolds = 50_000

// fold tells the first finding of a kind at once and its repeats within the
// window as one finding with their count. A kind is rule, device and both
// ends; ports of clients do not count.
type fold struct {
	waiting map[foldKey]*waiting
	full    int64
}

type foldKey struct {
	rule, device, src, dst string
	port                   int64
}

// waiting are the repeats of a finding that was told.
type waiting struct {
	until time.Time
	more  event.Finding // Count 0: none yet
}

func newFold() *fold { return &fold{waiting: make(map[foldKey]*waiting)} }

// add appends what is to be told now to out.
func (f *fold) add(out []event.Finding, n event.Finding) []event.Finding {
	key := foldKey{n.Rule, n.Device, n.Src.IP, n.Dst.IP, n.Dst.Port}
	w := f.waiting[key]
	if w != nil && n.Time.Before(w.until) && !n.Time.Before(w.until.Add(-2*foldWindow)) {
		w.merge(n)
		return out
	}
	if w != nil {
		out = w.tell(out)
	} else if len(f.waiting) >= maxFolds {
		f.full++
		out = f.sweep(out, time.Time{}, true)
	}
	f.waiting[key] = &waiting{until: n.Time.Add(foldWindow)}
	return append(out, n)
}

// sweep tells the repeats whose window has ended, or all.
func (f *fold) sweep(out []event.Finding, now time.Time, all bool) []event.Finding {
	for key, w := range f.waiting {
		if all || !now.Before(w.until) {
			out = w.tell(out)
			delete(f.waiting, key)
		}
	}
	return out
}

func (f *fold) conditions() []Condition {
	if f.full == 0 {
		return nil
	}
	return []Condition{{"chain", "folds-full", "so many different findings came at once that repeats were told early", f.full}}
}

// merge puts one more repeat to those that wait.
func (w *waiting) merge(n event.Finding) {
	if w.more.Count == 0 {
		w.more = n
		return
	}
	m := &w.more
	m.Count += n.Count
	if n.Time.After(m.Time) {
		m.Time = n.Time
	}
	if n.First.Before(m.First) {
		m.First = n.First
	}
	m.Severity = max(m.Severity, n.Severity)
	if room := event.MaxEvidence - len(m.Evidence); room > 0 {
		m.Evidence = append(m.Evidence, n.Evidence[:min(room, len(n.Evidence))]...)
	}
}

// tell appends the repeats, if there are any.
func (w *waiting) tell(out []event.Finding) []event.Finding {
	if w.more.Count == 0 {
		return out
	}
	more := w.more
	w.more = event.Finding{}
	return append(out, more)
}
