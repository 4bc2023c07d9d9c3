package detect

import (
	"time"

	"vedette/internal/event"
)

// foldWindow is how long repeats of a finding wait to be told as one, and
// maxFoldWindow how long at most: what goes on and on is told ever more rarely,
// each time with its count. The first of a kind is told at once.
const (
	foldWindow    = 10 * time.Minute
	maxFoldWindow = 24 * time.Hour
)

// maxFolds bounds the kinds that are waited for. When it is reached all that
// wait are told and forgotten, so that nothing is lost.
const maxFolds = 50_000

// fold tells the first finding of a kind at once and its repeats within a
// window of event time as one finding with their count. Each window in which
// there were repeats is followed by one twice as long; one without ends the
// waiting. A kind is rule, device and both ends; ports of clients do not count.
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
	span  time.Duration
	more  event.Finding // Count 0: none yet
}

func newFold() *fold { return &fold{waiting: make(map[foldKey]*waiting)} }

// add appends what is to be told now to out.
func (f *fold) add(out []event.Finding, n event.Finding) []event.Finding {
	key := foldKey{n.Rule, n.Device, n.Src.IP, n.Dst.IP, n.Dst.Port}
	w := f.waiting[key]
	if w == nil {
		if len(f.waiting) >= maxFolds {
			f.full++
			out = f.flush(out)
			clear(f.waiting)
		}
		f.waiting[key] = &waiting{until: n.Time.Add(foldWindow), span: foldWindow}
		return append(out, n)
	}
	if !n.Time.Before(w.until) {
		repeated := w.more.Count > 0
		out = w.tell(out)
		if !repeated { // it had ended: this is news
			*w = waiting{until: n.Time.Add(foldWindow), span: foldWindow}
			return append(out, n)
		}
		w.widen(n.Time)
	}
	w.merge(n)
	return out
}

// sweep tells the repeats whose window has ended and forgets the kinds that
// had none.
func (f *fold) sweep(out []event.Finding, now time.Time) []event.Finding {
	for key, w := range f.waiting {
		if now.Before(w.until) {
			continue
		}
		if w.more.Count == 0 {
			delete(f.waiting, key)
			continue
		}
		out = w.tell(out)
		w.widen(now)
	}
	return out
}

// flush tells all repeats that wait and goes on waiting.
func (f *fold) flush(out []event.Finding) []event.Finding {
	for _, w := range f.waiting {
		out = w.tell(out)
	}
	return out
}

// widen begins the next window.
func (w *waiting) widen(now time.Time) {
	w.span = min(2*w.span, maxFoldWindow)
	w.until = now.Add(w.span)
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
