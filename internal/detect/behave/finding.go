package behave

import (
	"slices"
	"strconv"
	"strings"

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
)

// about is what a rule is called. The techniques are those that the deed is
// when it is an attack; they are hints, not proof.
type about struct {
	id, title, feature string
	techniques         []string
}

func (r rule) about() about {
	return [...]about{
		rulePeer:         {"behave.new-peer", "Device talks to a peer it never talked to", "peer", nil},
		ruleService:      {"behave.new-service", "Device uses a protocol it never used", "service", nil},
		rulePort:         {"behave.new-port", "Device uses a port it never used", "port", nil},
		ruleFunction:     {"behave.new-function", "Protocol function that was never used with this device", "function", nil},
		ruleWrite:        {"behave.new-write", "Write to a controller by one that never wrote to it", "write", []string{"T0855"}},
		ruleObject:       {"behave.new-object", "Controller object that was never addressed", "object", nil},
		ruleTopic:        {"behave.new-topic", "Device uses a topic it never used", "topic", nil},
		ruleName:         {"behave.new-name", "Device asks for a name it never asked for", "name", nil},
		ruleFailure:      {"behave.new-failure", "Device meets a failure it never met", "failure", nil},
		ruleRate:         {"behave.rate", "Device does far more than usual in a minute", "events per minute", nil},
		ruleFanOut:       {"behave.fan-out", "Device talks to far more peers than usual", "peers per minute", []string{"T0846"}},
		ruleTargets:      {"behave.breadth", "Device calls far more peers and ports than usual", "targets per minute", []string{"T0846"}},
		ruleVolumeOut:    {"behave.volume", "Device sends far more than usual", "bytes sent per minute", nil},
		ruleVolumeIn:     {"behave.volume-in", "Device receives far more than usual", "bytes received per minute", nil},
		ruleFailures:     {"behave.failures", "Device fails far more often than usual", "failures per minute", nil},
		ruleRecon:        {"behave.machine-speed", "Device probes many targets at machine speed", "unanswered targets per minute", []string{"T0846"}},
		ruleBeacon:       {"behave.beacon", "Device calls a new peer in a steady rhythm", "interval in seconds", []string{"T1071"}},
		ruleDrift:        {"behave.drift", "Device has slowly changed what it does", "drift", nil},
		ruleHour:         {"behave.hour", "Device is busy at an hour at which it never was", "events per minute at this hour", nil},
		ruleHourVolume:   {"behave.hour-volume", "Device sends much at an hour at which it never did", "bytes sent per minute at this hour", nil},
		ruleTeleRange:    {"behave.telemetry-range", "Reading outside the range it ever had", "reading", []string{"T0836"}},
		ruleTeleSlope:    {"behave.telemetry-slope", "Reading changes faster than it ever did", "change", nil},
		ruleTeleFlat:     {"behave.telemetry-flat", "Reading stands still longer than it ever did", "equal readings in a row", []string{"T0856"}},
		ruleTeleResidual: {"behave.telemetry-residual", "Readings of one device do not fit together", "distance from the usual relation", nil},
	}[r]
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
	return [ruleTeleResidual + 1]float32{
		ruleRecon: 12, ruleWrite: 4, ruleBeacon: 4, ruleFanOut: 2, ruleTargets: 2,
		ruleTeleRange: 6, ruleTeleFlat: 6, // the residual follows from them
	}[r]
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
