package asset

import (
	"slices"
	"strings"
	"time"
)

// Run is a time for which a source told a firmware of a device. Sources tell side
// by side: what a person says stands beside what the device answers.
type Run struct {
	Version string    `json:"version"`
	Source  Source    `json:"source"`
	What    string    `json:"what"`           // how it was told
	From    time.Time `json:"from"`           // when it was first told
	Last    time.Time `json:"last"`           // when it was last told
	Until   time.Time `json:"until,omitzero"` // when the source told another, or took it back; zero: it still does
	Event   string    `json:"event,omitempty"`
}

// maxRuns bounds the history of one device; the oldest that has ended goes.
const maxRuns = 32

// toldFirmware is [node.ran] for a value as a device or person wrote it.
func (n *node) toldFirmware(ev *Evidence) bool {
	ev.Value = clean(ev.Value)
	return n.ran(ev)
}

// ran notes that a source tells a firmware. What is older than what the source
// told last is no news. It reports whether a run began or ended, and does not
// allocate when not.
func (n *node) ran(ev *Evidence) bool {
	at := n.runOf(ev.Source)
	if at >= 0 {
		r := &n.runs[at]
		if ev.Since.Before(r.Last) || ev.Since.Equal(r.Last) && ev.Source != SourceOperator {
			if r.Version != ev.Value || !r.Until.IsZero() || !ev.Since.Before(r.From) {
				return false
			}
			r.From = ev.Since // it was told so before, by an older log
			return true
		}
		if r.Version == ev.Value && r.Until.IsZero() {
			r.Last = ev.Since
			return false
		}
		if r.Until.IsZero() {
			r.Until = ev.Since
		}
	}
	if ev.Value == "" {
		return at >= 0
	}
	n.addRun(Run{Version: strings.Clone(ev.Value), Source: ev.Source, What: ev.What, From: ev.Since, Last: ev.Since, Event: strings.Clone(ev.Event)})
	return true
}

// runsOfEvidence makes a history for a device that was kept before there was one:
// all that is known is what its evidence says.
func (n *node) runsOfEvidence() {
	var told []Evidence
	for _, ev := range n.evidence {
		if ev.Key == KeyFirmware {
			told = append(told, ev)
		}
	}
	slices.SortStableFunc(told, func(a, b Evidence) int { return a.Since.Compare(b.Since) })
	for i := range told {
		n.ran(&told[i])
	}
}

// runOf finds the last run of a source, or -1.
func (n *node) runOf(s Source) int {
	for i, r := range slices.Backward(n.runs) {
		if r.Source == s {
			return i
		}
	}
	return -1
}

func (n *node) addRun(r Run) {
	if len(n.runs) >= maxRuns {
		at := slices.IndexFunc(n.runs, func(r Run) bool { return !r.Until.IsZero() })
		n.runs = slices.Delete(n.runs, max(at, 0), max(at, 0)+1)
	}
	n.runs = append(n.runs, r)
}

// absorbRuns takes over the history of a device that is this one now. Of a source
// that both have, the later run goes on.
func (n *node) absorbRuns(runs []Run) {
	all := slices.Concat(n.runs, runs)
	slices.SortStableFunc(all, func(a, b Run) int { return a.From.Compare(b.From) })
	n.runs = nil
	for _, r := range all {
		at := n.runOf(r.Source)
		switch {
		case at < 0 || !n.runs[at].Until.IsZero():
			n.addRun(r)
		case n.runs[at].Version == r.Version:
			last := &n.runs[at]
			if r.Last.After(last.Last) {
				last.Last = r.Last
			}
			last.Until = r.Until
		default:
			n.runs[at].Until = r.From
			n.addRun(r)
		}
	}
}
