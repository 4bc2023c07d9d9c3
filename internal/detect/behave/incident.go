package behave

import (
	"fmt"
	"slices"
	"strings"

	"vedette/internal/detect"
	"vedette/internal/event"
)

// incident is what is unusual of one device until it has been quiet for a
// while: one finding, and ever fewer for what goes on.
type incident struct {
	f       event.Finding
	rule    rule
	weight  float32
	s       float32
	opened  int64
	last    int64
	told    bool
	tells   uint
	pending int  // events not yet told
	deed    deed // of them
}

type incidents struct {
	of   map[uint64]*incident
	full int64
	told deeds
}

const (
	maxIncidents  = 10_000
	gatherSeconds = 60   // a new incident gathers its reasons so long
	quietSeconds  = 600  // then it is over
	repeatSeconds = 3600 // what goes on is told again after an hour, two, four, ... 32
	carrySeconds  = daySeconds
)

func newIncidents() incidents { return incidents{of: make(map[uint64]*incident)} }

// tell opens an incident of the device or adds the event to it. What was told
// already and only goes on opens a new one once a day.
func (d *Detector) tell(o *observation, e *event.Event, s float32, score float64, reasons []event.Reason, raise detect.Raise) {
	key := o.subjectKey()
	in := d.open.of[key]
	if in == nil {
		if d.onlyCarried(o, s) {
			return
		}
		if len(d.open.of) >= maxIncidents {
			d.open.full++
			d.open.sweep(o.at, true, raise)
		}
		in = &incident{opened: o.at}
		d.open.of[key] = in
		if at, _ := o.lastTold(); *at == 0 || o.at-int64(*at) > carrySeconds {
			d.level.told()
		}
	}
	at, most := o.lastTold()
	*at, *most = uint32(o.at), max(*most, s) //nolint:gosec // G115: checked by read
	top, weight := o.top()
	if in.pending == 0 {
		in.f = event.NewFinding("", e)
		in.f.Count, in.f.Evidence = 0, nil
		in.f.Family = event.FamilyBehaviour
		if o.isServer || in.f.Device == "" {
			in.f.Device = strings.Clone(o.subjectUID(e))
		}
		if in.told && s > in.s+2 {
			in.told, in.opened = false, o.at // worse than what was told
		}
		in.rule, in.weight, in.s = top, weight, s
	}
	in.last = o.at
	if weight > in.weight {
		in.rule, in.weight = top, weight
	}
	in.deed.note(o, s >= in.s)
	in.s = max(in.s, s)
	in.merge(e, o, s, score, top, reasons)
}

func (in *incident) merge(e *event.Event, o *observation, s float32, score float64, top rule, reasons []event.Reason) {
	f := &in.f
	in.pending++
	f.Count++
	if t := e.TimeField(); t.After(f.Time) {
		f.Time = t
	} else if t.Before(f.First) {
		f.First = t
	}
	if len(f.Evidence) < event.MaxEvidence {
		f.Evidence = append(f.Evidence, strings.Clone(e.MetadataUID()))
	}
	f.Confidence = max(f.Confidence, score)
	f.Severity = max(f.Severity, o.severity(e, s))
	for _, t := range top.about().techniques {
		if !slices.Contains(f.Techniques, t) {
			f.Techniques = append(f.Techniques, t)
		}
	}
	for _, r := range reasons {
		i := slices.IndexFunc(f.Reasons, func(have event.Reason) bool { return have.Feature == r.Feature })
		switch {
		case i < 0 && len(f.Reasons) < 2*maxReasons:
			f.Reasons = append(f.Reasons, r)
		case i >= 0 && r.Weight >= f.Reasons[i].Weight:
			f.Reasons[i] = r
		}
	}
}

// lastTold is when the device was last told of, and the largest surprise then.
func (o *observation) lastTold() (at *uint32, most *float32) {
	if o.subject == nil {
		return &o.series.toldAt, &o.series.toldMax
	}
	return &o.subject.toldAt, &o.subject.toldMax
}

// onlyCarried reports whether all that makes the event unusual was told within
// a day: things that are still not accepted, readings that stay where they are.
func (d *Detector) onlyCarried(o *observation, s float32) bool {
	at, most := o.lastTold()
	if *at == 0 || o.at-int64(*at) > carrySeconds || s > *most+2 {
		return false
	}
	if o.subject == nil {
		return true
	}
	var fresh [maxFeatures]feature
	n := 0
	for _, f := range o.features {
		if !f.carried {
			fresh[n] = f
			n++
		}
	}
	return fuse(fresh[:n]) < d.level.threshold()
}

// sweep tells what has gathered long enough and forgets what is over.
func (in *incidents) sweep(now int64, all bool, raise detect.Raise) {
	for key, i := range in.of {
		over := all || now-i.last > quietSeconds
		due := !i.told && now-i.opened > gatherSeconds || i.told && now-i.opened > repeatSeconds<<min(i.tells-1, 5)
		if i.pending > 0 && (over || due) {
			in.told.add(i.tell(raise))
			i.opened = now
		}
		if over {
			delete(in.of, key)
		}
	}
}

// tell raises the finding and returns what it was of.
func (in *incident) tell(raise detect.Raise) deed {
	a := in.rule.about()
	in.f.Rule, in.f.Title = a.id, a.title
	in.f.UID = event.FindingUID(a.id, in.f.Device, firstOf(in.f.Evidence))
	if in.f.Count > 1 {
		in.f.Reasons = append(in.f.Reasons, event.Reason{Feature: "unusual events", Observed: fmt.Sprintf("%d from %s to %s", in.f.Count, in.f.First.Format("15:04:05"), in.f.Time.Format("15:04:05"))})
	}
	raise(in.f)
	in.f = event.Finding{}
	in.told, in.pending = true, 0
	in.tells++
	of := in.deed
	of.rule, in.deed = in.rule, deed{}
	return of
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
