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
	// Before is what the source told before; "": this is the first that it told, or
	// the change needs no word, see [Registry.Updates].
	Before string `json:"before,omitempty"`
	Said   bool   `json:"said,omitempty"` // the change is an event that is stored
}

// Update is a firmware that a source tells of a device in the place of another.
type Update struct {
	Device          string    `json:"device"`       // uid
	IP              string    `json:"ip,omitempty"` // one that it has
	Confidentiality string    `json:"confidentiality,omitempty"`
	Vendor          string    `json:"vendor,omitempty"`
	Model           string    `json:"model,omitempty"`
	From            string    `json:"from"` // versions
	To              string    `json:"to"`
	Source          Source    `json:"source"`
	What            string    `json:"what"`
	At              time.Time `json:"at"`
	Event           string    `json:"event,omitempty"` // that told it
}

// A source that tells two versions in turn, as when two parts of a device answer for
// it, or makes up one after another, would fill the store with changes. The same
// change is said once within flapSpan, and of a device maxUpdates within a day.
const (
	flapSpan   = 7 * 24 * time.Hour
	maxUpdates = 16
)

// isNews tells whether a change of firmware is worth a word.
func (n *node) isNews(r *Run) bool {
	today := 0
	for i := range n.runs {
		old := &n.runs[i]
		if old.Before == "" {
			continue
		}
		if old.Source == r.Source && old.Before == r.Before && old.Version == r.Version && r.From.Sub(old.From) < flapSpan {
			return false
		}
		if r.From.Sub(old.From) < 24*time.Hour {
			today++
		}
	}
	return today < maxUpdates
}

// updates notes that a node has changes of firmware that are not said.
func (r *Registry) updates(n *node) {
	if len(n.runs) > 1 && slices.ContainsFunc(n.runs, func(run Run) bool { return run.Before != "" && !run.Said }) && !slices.Contains(r.updated, n) {
		r.updated = append(r.updated, n)
	}
}

// TellFirmware notes a firmware that something beside events told of a device, such
// as its bill of materials. What the device is believed to run does not change. To
// tell the same again changes nothing.
func (r *Registry) TellFirmware(uid, version, what string, source Source, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.byUID(uid)
	if n == nil || clean(version) == "" {
		return
	}
	if n.toldFirmware(&Evidence{Key: KeyFirmware, Value: version, What: what, Source: source, Since: at.UTC()}) {
		r.updates(n)
		r.touch(n)
	}
}

// Updates takes the changes of firmware that were not said yet. Each is given once
// until [Registry.SaidUpdates] is told what became of it; one that was not said when
// the process ended is given again after the next start.
func (r *Registry) Updates() []Update {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Update
	for _, n := range r.updated {
		for i := range n.runs {
			if run := &n.runs[i]; !n.gone && run.Before != "" && !run.Said {
				ip := ""
				if len(n.ips) > 0 {
					ip = n.ips[0].text
				}
				out = append(out, Update{
					Device: n.uid, IP: ip, Confidentiality: n.conf, Vendor: n.value(KeyVendor), Model: n.value(KeyModel),
					From: run.Before, To: run.Version, Source: run.Source, What: run.What, At: run.From, Event: run.Event,
				})
			}
		}
	}
	r.updated = nil
	return out
}

// Unsaid tells whether there are changes of firmware to be said.
func (r *Registry) Unsaid() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.updated) > 0
}

// SaidUpdates notes that changes of firmware are events that are stored, or, with ok
// false, that they are to be given again.
func (r *Registry) SaidUpdates(list []Update, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range list {
		u := &list[i]
		n := r.byUID(u.Device)
		if n == nil {
			continue
		}
		for j := range n.runs {
			if run := &n.runs[j]; ok && !run.Said && run.Before == u.From && run.Version == u.To && run.Source == u.Source && run.Event == u.Event {
				run.Said = true
				r.touch(n)
			}
		}
		r.updates(n)
	}
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
	r := Run{Version: strings.Clone(ev.Value), Source: ev.Source, What: ev.What, From: ev.Since, Last: ev.Since, Event: strings.Clone(ev.Event)}
	if at >= 0 && n.runs[at].Version != r.Version {
		if r.Before = n.runs[at].Version; !n.isNews(&r) {
			r.Before = ""
		}
	}
	n.addRun(r)
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
	for i := range n.runs {
		n.runs[i].Before = "" // in which order is not known
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
		// What was no news goes before what was, so that news can be bounded.
		at := slices.IndexFunc(n.runs, func(r Run) bool { return !r.Until.IsZero() && r.Before == "" })
		if at < 0 {
			at = slices.IndexFunc(n.runs, func(r Run) bool { return !r.Until.IsZero() })
		}
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
