package behave

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/detect"
	"vedette/internal/event"
)

// rule is what a surprise is told as.
type rule uint8

const (
	rulePeer rule = iota
	ruleService
	rulePort
	ruleFunction
	ruleWrite
	ruleObject
	ruleTopic
	ruleName
	ruleFailure
	ruleRate
	ruleFanOut
	ruleTargets
	ruleVolumeOut
	ruleVolumeIn
	ruleFailures
	ruleRecon
	ruleBeacon
	ruleDrift
	ruleHour
	ruleHourVolume
	ruleTeleRange
	ruleTeleSlope
	ruleTeleFlat
	ruleTeleResidual
	numRules
)

// about is what a rule is called. The techniques are those that the deed is
// when it is an attack; they are hints, not proof.
type about struct {
	id, title, feature string
	techniques         []string
}

func (r rule) about() about {
	switch r {
	case rulePeer:
		return about{"behave.new-peer", "Device talks to a peer it never talked to", "peer", nil}
	case ruleService:
		return about{"behave.new-service", "Device uses a protocol it never used", "service", nil}
	case rulePort:
		return about{"behave.new-port", "Device uses a port it never used", "port", nil}
	case ruleFunction:
		return about{"behave.new-function", "Protocol function that was never used with this device", "function", nil}
	case ruleWrite:
		return about{"behave.new-write", "Write to a controller by one that never wrote to it", "write", []string{"T0855"}}
	case ruleObject:
		return about{"behave.new-object", "Controller object that was never addressed", "object", nil}
	case ruleTopic:
		return about{"behave.new-topic", "Device uses a topic it never used", "topic", nil}
	case ruleName:
		return about{"behave.new-name", "Device asks for a name it never asked for", "name", nil}
	case ruleFailure:
		return about{"behave.new-failure", "Device meets a failure it never met", "failure", nil}
	case ruleRate:
		return about{"behave.rate", "Device does far more than usual in a minute", "events per minute", nil}
	case ruleFanOut:
		return about{"behave.fan-out", "Device talks to far more peers than usual", "peers per minute", []string{"T0846"}}
	case ruleTargets:
		return about{"behave.breadth", "Device calls far more peers and ports than usual", "targets per minute", []string{"T0846"}}
	}
	return r.aboutMore()
}

func (r rule) aboutMore() about {
	switch r {
	case ruleVolumeOut:
		return about{"behave.volume", "Device sends far more than usual", "bytes sent per minute", nil}
	case ruleVolumeIn:
		return about{"behave.volume-in", "Device receives far more than usual", "bytes received per minute", nil}
	case ruleFailures:
		return about{"behave.failures", "Device fails far more often than usual", "failures per minute", nil}
	case ruleRecon:
		return about{"behave.machine-speed", "Device probes many targets at machine speed", "unanswered targets per minute", []string{"T0846"}}
	case ruleBeacon:
		return about{"behave.beacon", "Device calls a new peer in a steady rhythm", "interval in seconds", []string{"T1071"}}
	case ruleDrift:
		return about{"behave.drift", "Device has slowly changed what it does", "drift", nil}
	case ruleHour:
		return about{"behave.hour", "Device is busy at an hour at which it never was", "events per minute at this hour", nil}
	case ruleHourVolume:
		return about{"behave.hour-volume", "Device sends much at an hour at which it never did", "bytes sent per minute at this hour", nil}
	case ruleTeleRange:
		return about{"behave.telemetry-range", "Reading outside the range it ever had", "reading", []string{"T0836"}}
	case ruleTeleSlope:
		return about{"behave.telemetry-slope", "Reading changes faster than it ever did", "change", nil}
	case ruleTeleFlat:
		return about{"behave.telemetry-flat", "Reading stands still longer than it ever did", "equal readings in a row", []string{"T0856"}}
	case ruleTeleResidual:
		return about{"behave.telemetry-residual", "Readings of one device do not fit together", "distance from the usual relation", nil}
	}
	return about{}
}

func ruleOf(k kind) rule { return rulePeer + rule(k) }

func ruleOfMetric(m metric) rule { return ruleRate + rule(m) }

// maxReasons is how many reasons an event or finding has.
const maxReasons = 6

// reasons puts the surprises of the event in words, the largest first.
func (o *observation) reasons(s float32) []event.Reason {
	fs := slices.Clone(o.features)
	slices.SortStableFunc(fs, func(a, b feature) int {
		switch {
		case a.s > b.s:
			return -1
		case a.s < b.s:
			return 1
		}
		return int(a.rule) - int(b.rule)
	})
	out := make([]event.Reason, 0, min(len(fs), maxReasons))
	for i := range fs[:min(len(fs), maxReasons)] {
		out = append(out, o.reason(&fs[i], s))
	}
	return out
}

func (o *observation) reason(f *feature, s float32) event.Reason {
	a := f.rule.about()
	r := event.Reason{Feature: a.feature, Weight: float64(min(f.s/max(s, 1), 1))}
	switch {
	case f.rule <= ruleFailure:
		r.Observed = o.says(f.kind)
		if f.carried {
			r.Observed += ", still new"
		} else {
			r.Observed += ", for the first time"
		}
		r.Usual = "something new in " + strconv.FormatFloat(100*f.usual, 'g', 2, 64) + " % of active minutes"
	case f.rule == ruleBeacon:
		r.Observed = amount(f.observed)
		r.Usual = "no rhythm with this peer; heard " + amount(f.usual) + " times"
	case f.rule == ruleDrift && f.kind < numKinds:
		r.Feature, r.Observed, r.Usual = "drift of what it does", amount(f.observed)+" new things since it was learnt", amount(f.usual)+" things known then"
	case f.rule == ruleDrift:
		r.Feature, r.Observed, r.Usual = "drift of "+ruleOfMetric(metric(f.kind-numKinds)).about().feature, amount(f.observed)+" by now", amount(f.usual)+" when it was learnt"
	case f.rule >= ruleTeleRange:
		r.Feature = clip(o.e.MetricName()) + " " + a.feature
		r.Observed, r.Usual = amount(f.observed), amount(f.usual)
	default:
		r.Observed, r.Usual = amount(f.observed), amount(f.usual)
	}
	return r
}

// says is what the event has of a kind.
func (o *observation) says(k kind) string {
	e := o.e
	switch k {
	case kindPeer:
		if o.isServer {
			return clip(e.SrcEndpointIP())
		}
		return clip(e.DstEndpointIP())
	case kindService:
		return clip(e.AppName())
	case kindPort:
		return clip(strings.TrimPrefix(e.ConnectionInfoProtocolName()+"/", "/")) + strconv.FormatInt(e.DstEndpointPort(), 10)
	case kindFunction:
		return clip(e.ICSProtocol() + " " + first(e.ICSFunction(), strconv.FormatInt(e.ICSFunctionCode(), 10)))
	case kindWrite:
		return clip(e.ICSProtocol() + " write from " + e.SrcEndpointIP() + " to " + e.DstEndpointIP())
	case kindObject:
		return clip(e.ICSObject())
	case kindTopic:
		return clip(e.MQTTTopic())
	case kindName:
		return clip(first(e.QueryHostname(), e.TLSSNI(), e.HTTPRequestURLHostname()))
	case kindFailure:
		return clip(first(e.ICSResponse(), e.Rcode(), e.StatusDetail(), e.ActivityName(), "failure"))
	}
	return ""
}

// clip copies a text and bounds it: it may be the device's own.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return strings.Clone(s)
}

func amount(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

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
	pending int // events not yet told
}

type incidents struct {
	of   map[uint64]*incident
	full int64
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

// severity is by how far the surprise goes, and by what is at stake: a new
// write to a controller, a critical device.
func (o *observation) severity(e *event.Event, s float32) event.Severity {
	sev := event.Low
	grave := 0
	for i := range o.features {
		switch r := o.features[i].rule; {
		case r == ruleWrite, r == ruleRecon, r == ruleBeacon, r >= ruleTeleRange && o.features[i].s >= levelMax:
			grave = 1
		}
	}
	if top, _ := o.top(); s >= levelMax && top != ruleDrift {
		grave++
	}
	sev += event.Severity(min(grave, 2))
	crit := first(e.Str(event.SlotDstEndpointCriticality), e.Str(event.SlotDeviceCriticality))
	if sev < event.High && (crit == "critical" || crit == "high") && o.ot && o.write {
		sev++
	}
	return sev
}

// top is the rule that names the event, and its weight.
func (o *observation) top() (rule, float32) {
	best, most := rule(0), float32(-1)
	for i := range o.features {
		if w := o.features[i].s + o.features[i].rule.telling(); w > most {
			best, most = o.features[i].rule, w
		}
	}
	return best, most
}

// telling is how much more a rule says of what happens than its surprise does.
func (r rule) telling() float32 {
	switch r {
	case ruleRecon:
		return 12
	case ruleWrite, ruleBeacon:
		return 4
	case ruleFanOut, ruleTargets:
		return 2
	case ruleTeleRange, ruleTeleFlat:
		return 6 // the residual follows from it
	}
	return 0
}

func (o *observation) subjectKey() uint64 {
	if o.subject != nil {
		return o.subject.key
	}
	return o.deviceKey
}

func (o *observation) subjectUID(e *event.Event) string {
	if o.isServer {
		return e.DstEndpointUID()
	}
	return first(e.SrcEndpointUID(), e.DeviceUID())
}

// sweep tells what has gathered long enough and forgets what is over.
func (in *incidents) sweep(now int64, all bool, raise detect.Raise) {
	for key, i := range in.of {
		over := all || now-i.last > quietSeconds
		due := !i.told && now-i.opened > gatherSeconds || i.told && now-i.opened > repeatSeconds<<min(i.tells-1, 5)
		if i.pending > 0 && (over || due) {
			i.tell(raise)
			i.opened = now
		}
		if over {
			delete(in.of, key)
		}
	}
}

func (in *incident) tell(raise detect.Raise) {
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
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
