package behaveeval

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"vedette/internal/asset"
	"vedette/internal/detect/behave"
	"vedette/internal/event"
)

// IoT23Report scores flows of IoT-23. No constant was fitted to the labels; two
// false findings of drift on the quiet side led to the rule that a centre must
// also leave its usual scatter, so the quiet side is no untouched test part.
type IoT23Report struct {
	Flows         int              `json:"flows"`
	Malicious     int              `json:"malicious"`
	Note          string           `json:"note"`
	WithPorts     IoT23Score       `json:"with_ports"`
	WithoutPorts  IoT23Score       `json:"without_ports"`
	AllBenign     IoT23Rate        `json:"everything_is_benign"`
	OneColumn     IoT23Rate        `json:"best_one_column_rule"`
	OneColumnRule string           `json:"one_column_rule"`
	Quiet         IoT23Quiet       `json:"quiet_side"`
	Scenarios     []IoT23Composure `json:"scenarios"`
}

// IoT23Composure is what a scenario holds.
type IoT23Composure struct {
	Name      string `json:"name"`
	Benign    int    `json:"benign"`
	Malicious int    `json:"malicious"`
}

// IoT23Score is one run over all scenarios.
type IoT23Score struct {
	All         IoT23Rate            `json:"all"`
	Scenario    map[string]IoT23Rate `json:"by_scenario"`
	RecallKind  map[string]float64   `json:"recall_by_kind_at_1_percent"` // at the limit of its scenario
	AtThreshold IoT23Rate            `json:"at_the_detectors_threshold"`
	Findings    map[string]int       `json:"findings"` // by scenario and severity
}

// IoT23Rate is recall at a false-positive rate.
type IoT23Rate struct {
	Recall float64 `json:"recall"`
	FPR    float64 `json:"false_positive_rate"`
	Limit  float64 `json:"limit"`
}

// IoT23Quiet counts what is told of the benign devices.
type IoT23Quiet struct {
	Flows         int            `json:"flows"`
	DeviceDays    int            `json:"device_days"`
	Findings      map[string]int `json:"findings_by_severity"`
	PerDeviceDay  float64        `json:"findings_per_device_day"`
	FlowsScored   int            `json:"flows_with_a_score"`
	FlowsOverRais int            `json:"flows_over_the_threshold"`
}

// judged is one labelled flow after the detector.
type judged struct {
	scenario, kind, port string
	malicious            bool
	score                float64
}

// IoT23 runs the score: the benign devices and the labelled flows in order of
// time through one registry and one detector, once with ports and once with the
// port fields taken out before anything is learnt.
func IoT23(ctx context.Context, shared string) (*IoT23Report, error) {
	quiet, err := zipped(shared, "net/iot23-benign-devices-zeek.zip", func(n string) bool { return strings.HasSuffix(n, ".log") })
	if err != nil {
		return nil, err
	}
	labelled, err := gunzipped(shared, "net/iot23-conn-labeled.tsv.gz")
	if err != nil {
		return nil, err
	}
	rep := &IoT23Report{Note: "scenario 192.168.1.196 is a telnet scan of 1 233 addresses in 85 seconds that the file labels Benign; scenario 192.168.1.195 is infected from its first minute, so that no time of health can be learnt from it"}
	var flows []judged
	for _, withPorts := range []bool{true, false} {
		run, err := iot23Run(ctx, quiet, labelled, withPorts)
		if err != nil {
			return nil, err
		}
		if withPorts {
			rep.WithPorts, rep.Quiet, flows = run.score(), run.quiet, run.flows
		} else {
			rep.WithoutPorts = run.score()
		}
	}
	rep.describe(flows)
	return rep, nil
}

type iot23 struct {
	flows    []judged
	quiet    IoT23Quiet
	findings map[string]int
	level    float64
}

func iot23Run(ctx context.Context, quiet []source, labelled source, withPorts bool) (*iot23, error) {
	es, err := events(ctx, append(slices.Clone(quiet), labelled)...)
	if err != nil {
		return nil, err
	}
	byTime(es)
	r := &iot23{findings: map[string]int{}}
	r.quiet.Findings = map[string]int{}
	registry, d := newRegistry(), behave.New(behave.Config{})
	days, ours := map[string]bool{}, map[string]bool{}
	raise := func(f event.Finding) {
		if ours[f.Device] {
			r.findings[f.Src.IP+" "+f.Severity.String()]++
		} else {
			r.quiet.Findings[f.Severity.String()]++
			r.quiet.PerDeviceDay++
		}
	}
	for _, e := range es {
		isLabelled := e.MetadataSource() == labelled.name
		if isLabelled {
			ours[r.take(e, registry, d, raise, withPorts)] = true
			continue
		}
		show(e, registry, d, raise, withPorts)
		if uid := e.DeviceUID(); uid != "" {
			days[uid+e.TimeField().Format("2006-01-02")] = true
		}
		r.quiet.Flows++
		if e.AnomalyScore() > 0 {
			r.quiet.FlowsScored++
		}
		if e.AnomalyScore() >= d.Threshold() {
			r.quiet.FlowsOverRais++
		}
	}
	d.Tick(es[len(es)-1].TimeField(), true, raise)
	r.level = d.Threshold()
	r.quiet.DeviceDays = len(days)
	r.quiet.PerDeviceDay /= float64(max(len(days), 1))
	return r, nil
}

// take shows a labelled flow and keeps its score.
func (r *iot23) take(e *event.Event, registry *asset.Registry, d *behave.Detector, raise func(event.Finding), withPorts bool) string {
	j := judged{
		scenario: e.SrcEndpointIP(), kind: e.Extra("detailed-label"), port: fmt.Sprint(e.DstEndpointPort()),
		malicious: strings.EqualFold(e.Extra("label"), "malicious"),
	}
	show(e, registry, d, raise, withPorts)
	j.score = e.AnomalyScore()
	r.flows = append(r.flows, j)
	return e.DeviceUID()
}

func show(e *event.Event, registry *asset.Registry, d *behave.Detector, raise func(event.Finding), withPorts bool) {
	registry.Observe(e)
	if !withPorts {
		e.Unset(event.SlotDstEndpointPort)
		e.Unset(event.SlotSrcEndpointPort)
	}
	d.Inspect(e, raise)
}

func (r *iot23) score() IoT23Score {
	out := IoT23Score{Scenario: map[string]IoT23Rate{}, RecallKind: map[string]float64{}, Findings: r.findings}
	out.All = atRate(r.flows, 0.01)
	out.AtThreshold = atLimit(r.flows, r.level)
	kinds := map[string][2]int{}
	for name, flows := range byScenario(r.flows) {
		rate := atRate(flows, 0.01)
		out.Scenario[name] = rate
		for _, j := range flows {
			if k := kinds[j.kind]; j.malicious {
				if j.score >= rate.Limit {
					k[0]++
				}
				k[1]++
				kinds[j.kind] = k
			}
		}
	}
	for k, n := range kinds {
		out.RecallKind[k] = float64(n[0]) / float64(n[1])
	}
	return out
}

func byScenario(flows []judged) map[string][]judged {
	out := map[string][]judged{}
	for _, j := range flows {
		out[j.scenario] = append(out[j.scenario], j)
	}
	return out
}

// atRate finds the lowest limit with at most this share of benign flows at or
// over it. A flow without a score is never at it.
func atRate(flows []judged, most float64) IoT23Rate {
	limits := map[float64]bool{2: true}
	for _, j := range flows {
		if j.score > 0 {
			limits[j.score] = true
		}
	}
	best := atLimit(flows, 2)
	for _, l := range slices.Sorted(maps.Keys(limits)) {
		if r := atLimit(flows, l); r.FPR <= most {
			return r
		}
	}
	return best
}

func atLimit(flows []judged, limit float64) IoT23Rate {
	var tp, fp, p, n float64
	for _, j := range flows {
		switch {
		case j.malicious:
			p++
			if j.score >= limit {
				tp++
			}
		default:
			n++
			if j.score >= limit {
				fp++
			}
		}
	}
	return IoT23Rate{Recall: tp / max(p, 1), FPR: fp / max(n, 1), Limit: limit}
}

// describe counts the flows and finds the best rule "these ports are malicious"
// with hindsight: ports by their share of malicious flows while the
// false-positive rate allows.
func (rep *IoT23Report) describe(flows []judged) {
	type tally struct{ bad, good int }
	ports := map[string]tally{}
	benign := 0
	for _, j := range flows {
		t := ports[j.port]
		if j.malicious {
			rep.Malicious++
			t.bad++
		} else {
			benign++
			t.good++
		}
		ports[j.port] = t
	}
	rep.Flows = len(flows)
	names := slices.Sorted(maps.Keys(ports))
	slices.SortStableFunc(names, func(a, b string) int {
		return ports[b].bad*(ports[a].good+1) - ports[a].bad*(ports[b].good+1)
	})
	var bad, good int
	var chosen []string
	for _, n := range names {
		if t := ports[n]; t.bad > 0 && float64(good+t.good) <= 0.01*float64(benign) {
			bad, good, chosen = bad+t.bad, good+t.good, append(chosen, n)
		}
	}
	rep.OneColumnRule = "id.resp_p in " + strings.Join(chosen, ", ")
	rep.OneColumn = IoT23Rate{Recall: float64(bad) / float64(max(rep.Malicious, 1)), FPR: float64(good) / float64(max(benign, 1))}
	for name, all := range byScenario(flows) {
		c := IoT23Composure{Name: name}
		for _, j := range all {
			if j.malicious {
				c.Malicious++
			} else {
				c.Benign++
			}
		}
		rep.Scenarios = append(rep.Scenarios, c)
	}
	slices.SortFunc(rep.Scenarios, func(a, b IoT23Composure) int { return strings.Compare(a.Name, b.Name) })
}
