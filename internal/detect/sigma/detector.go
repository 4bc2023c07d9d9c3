package sigma

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"vedette/internal/detect"
	"vedette/internal/detect/sigma/rule"
	"vedette/internal/detect/sigma/window"
	"vedette/internal/event"
)

// DetectorOptions are the choices of a Detector; the zero value is good.
type DetectorOptions struct {
	// MaxReason is the most bytes of a value that a reason quotes; 0 means 200.
	MaxReason int
}

// Detector shows events to a set of rules and raises what they find. It is used
// by one goroutine at a time; [Detector.Swap] may be called from any.
type Detector struct {
	next atomic.Pointer[Set]
	set  *Set // that the state belongs to
	opts DetectorOptions

	sc     Scratch
	tables []*window.Table // of the correlations
	seeds  []map[string]event.Finding
	newest time.Time
	lost   int64
	told   bool  // a correlation came true since the last snapshot
	unkept int64 // groups that the last snapshot had no room for

	now   *event.Event
	raise detect.Raise
	hit   func(r *Rule)
	key   []byte
	text  []byte
}

// NewDetector makes a detector of a set; nil means no rules yet.
func NewDetector(s *Set, opts DetectorOptions) *Detector {
	if s == nil {
		s, _ = Compile(nil, Options{})
	}
	if opts.MaxReason <= 0 {
		opts.MaxReason = maxObserved
	}
	d := &Detector{opts: opts}
	d.next.Store(s)
	d.hit = d.matched
	return d
}

// Swap puts another set of rules in the place of the one in use: the next
// event is shown to it. What correlations have counted is forgotten, but for
// those that are in both sets and about the same rules.
func (d *Detector) Swap(s *Set) { d.next.Store(s) }

// Set returns the rules in use.
func (d *Detector) Set() *Set { return d.next.Load() }

// Name implements [detect.Detector].
func (d *Detector) Name() string { return "sigma" }

// Inspect implements [detect.Detector].
func (d *Detector) Inspect(e *event.Event, raise detect.Raise) {
	d.take()
	if at := e.TimeField(); at.After(d.newest) && !e.MetadataClockSuspect() {
		d.newest = at
	}
	d.now, d.raise = e, raise
	d.set.Match(e, &d.sc, d.hit)
	d.now, d.raise = nil, nil
}

// take begins with another set if there is one.
func (d *Detector) take() {
	s := d.next.Load()
	if s == d.set {
		return
	}
	old := d.tables
	var at map[[sha256.Size]byte]int
	if d.set != nil {
		at = d.byMark()
	}
	seeds, newest := d.seeds, d.newest
	d.set = s
	d.reset()
	d.newest = newest
	for i := range s.windows {
		if was, ok := at[s.windows[i].mark]; ok { // the same as before: it goes on counting
			d.tables[i], d.seeds[i], old[was] = old[was], seeds[was], nil
		}
	}
	for _, t := range old {
		if t != nil {
			d.lost += t.Lost()
		}
	}
}

// matched raises a match and counts it in the correlations about its rule.
func (d *Detector) matched(r *Rule) {
	if !r.silent {
		f := d.finding(r)
		f.Reasons = d.set.explainUpTo(r, &d.sc, d.opts.MaxReason)
		d.raise(f)
	}
	d.count(r.index)
}

func (d *Detector) finding(r *Rule) event.Finding {
	f := event.NewFinding(r.ID, d.now)
	f.Family, f.Title, f.Severity = event.FamilySigma, r.Title, r.Severity
	f.Techniques = append([]string(nil), r.Techniques...)
	f.Vulnerabilities = append([]string(nil), r.CVEs...)
	return f
}

// count counts a match of a rule. Correlations are about rules before them, so
// this ends.
func (d *Detector) count(at int32) {
	for _, f := range d.set.feeds[at] {
		w := &d.set.windows[f.window]
		in := &w.inputs[f.input]
		if !d.group(in) {
			continue // an event without the fields stands in no group
		}
		m := window.Mark{Time: d.time(), Input: int(f.input), UID: d.now.MetadataUID()}
		if m.Value = digest([]byte(m.UID)); len(in.values) > 0 && !d.value(w, in, &m) {
			continue
		}
		if d.tables[f.window].Late() {
			d.keep(f.window)
		}
		if fired, ok := d.tables[f.window].Add(d.key, m); ok {
			d.correlated(w, int(f.window), in, fired)
		}
	}
}

// time is the event's, or the newest trusted one if its clock is suspect: a
// wrong clock neither hides a match nor ends a window.
func (d *Detector) time() time.Time {
	if d.now.MetadataClockSuspect() && !d.newest.IsZero() {
		return d.newest
	}
	return d.now.TimeField()
}

// maxKey bounds the text of a group.
const maxKey = 512

// group puts the values of the group's fields into the key.
func (d *Detector) group(in *input) bool {
	d.key = d.key[:0]
	for _, field := range in.keys {
		vals := d.sc.values(field)
		if len(vals) == 0 {
			return false
		}
		d.key = append(append(d.key, d.sc.folded(&vals[0])...), 0)
	}
	if len(d.key) > maxKey {
		sum := sha256.Sum256(d.key)
		d.key = append(d.key[:maxKey], sum[:]...)
	}
	return true
}

// value puts what is counted into a mark.
func (d *Detector) value(w *correlation, in *input, m *window.Mark) bool {
	d.text = d.text[:0]
	for n, field := range in.values {
		vals := d.sc.values(field)
		if len(vals) == 0 {
			return false
		}
		d.text = append(append(d.text, d.sc.folded(&vals[0])...), 0)
		if n == 0 {
			m.Num, _ = numberOf(&vals[0])
		}
	}
	if w.window.Type == rule.ValueCount {
		m.Value = digest(d.text)
	}
	return true
}

// correlated raises a correlation that came true with the event, and counts it
// in those about it.
func (d *Detector) correlated(w *correlation, table int, in *input, fired window.Fired) {
	d.told = true
	r := &d.set.rules[w.at]
	f := d.finding(r)
	if d.tables[table].Late() { // it is about the window that the event ended
		if first, ok := d.seeds[table][fired.Key]; ok {
			f = first
		}
		delete(d.seeds[table], fired.Key)
		d.keep(int32(table)) //nolint:gosec // G115: a number of rules
	}
	f.Reasons = []event.Reason{{Feature: w.window.Type, Observed: w.describe(fired)}}
	for n, field := range in.keys {
		if vals := d.sc.values(field); len(vals) > 0 {
			f.Reasons = append(f.Reasons, event.Reason{Feature: w.window.GroupBy[n], Observed: clipped(&d.sc, &vals[0], d.opts.MaxReason)})
		}
	}
	w.dress(&f, fired)
	if !r.silent {
		d.raise(f)
	}
	d.count(w.at)
}

// dress gives a finding what its window saw. An end whose different values were
// counted has no one address: that of the last event would tie the finding to
// a device that is one of many.
func (w *correlation) dress(f *event.Finding, fired window.Fired) {
	if w.window.Type == rule.ValueCount {
		if w.counts("dst_endpoint.", "id.resp_h", "dst") {
			f.Dst.UID, f.Dst.IP = "", ""
		}
		if w.counts("src_endpoint.", "id.orig_h", "src") {
			f.Src.UID, f.Src.IP = "", ""
		}
	}
	f.Count, f.First, f.Time, f.Evidence = fired.Count, fired.First, fired.Last, fired.Evidence
	// After a kill the events of the window may be counted once more from where
	// the last snapshot was: what began with the same event is the same finding.
	switch {
	case fired.Count > len(fired.Evidence):
		f.UID = event.FindingUID(f.Rule, fired.Key, fmt.Sprintf("%d %x", fired.First.UnixNano(), fired.Start))
	case len(fired.Evidence) > 0:
		f.UID = event.FindingUID(f.Rule, fired.Key, fired.Evidence[0])
	}
}

// counts reports whether the counted fields are the address or device of an
// end.
func (w *correlation) counts(end string, aliases ...string) bool {
	for _, name := range w.window.Fields {
		if name == end+"ip" || name == end+"uid" || slices.Contains(aliases, name) {
			return true
		}
	}
	return false
}

// keep remembers the first event of a window whose condition is asked when it
// is over.
func (d *Detector) keep(table int32) {
	if d.seeds[table] == nil {
		d.seeds[table] = make(map[string]event.Finding)
	}
	seeds := d.seeds[table]
	if _, have := seeds[string(d.key)]; !have && len(seeds) < window.MaxGroups {
		seeds[string(bytes.Clone(d.key))] = d.finding(&d.set.rules[d.set.windows[table].at])
	}
}

// Tick implements [detect.Ticker]: windows that are over are asked and
// forgotten.
func (d *Detector) Tick(now time.Time, final bool, raise detect.Raise) {
	d.take()
	for i, t := range d.tables {
		w := &d.set.windows[i]
		t.Close(now, final && t.Late(), func(fired window.Fired) {
			d.told = true
			f, ok := d.seeds[i][fired.Key]
			if delete(d.seeds[i], fired.Key); !ok || d.set.rules[w.at].silent {
				return
			}
			f.Reasons = []event.Reason{{Feature: w.window.Type, Observed: w.describe(fired)}}
			w.dress(&f, fired)
			raise(f)
		})
		if t.Late() && t.Groups() == 0 {
			clear(d.seeds[i])
		}
	}
}

// Conditions implements [detect.Conditioner].
func (d *Detector) Conditions() []detect.Condition {
	lost := d.lost
	for _, t := range d.tables {
		lost += t.Lost()
	}
	var out []detect.Condition
	if lost > 0 {
		out = append(out, detect.Condition{Detector: d.Name(), Code: "windows-full", Text: "correlations counted so many groups or values that some were forgotten early", Count: lost})
	}
	if d.unkept > 0 {
		out = append(out, detect.Condition{Detector: d.Name(), Code: "windows-not-kept", Text: "correlations counted more groups than are kept over a restart", Count: d.unkept})
	}
	if d.sc.cuts > 0 {
		out = append(out, detect.Condition{Detector: d.Name(), Code: "values-cut", Text: "values longer than rules are shown were cut off", Count: d.sc.cuts})
	}
	return out
}

var (
	_ detect.Detector    = (*Detector)(nil)
	_ detect.Ticker      = (*Detector)(nil)
	_ detect.Conditioner = (*Detector)(nil)
)
