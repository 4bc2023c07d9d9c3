package app

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"vedette/internal/api"
	"vedette/internal/event"
	"vedette/internal/query"
)

// spans counts what a device did by minutes, as its profile does: what others
// sent to it is its bytes in, and what it called in vain its failures.
func (q *asking) spans(uid, when string, step int) []api.DeviceSpan {
	minutes := map[int64]*api.DeviceSpan{}
	at := func(v any) *api.DeviceSpan {
		t, _ := v.(time.Time)
		s := minutes[t.Unix()]
		if s == nil {
			s = &api.DeviceSpan{Time: t.UTC()}
			minutes[t.Unix()] = s
		}
		return s
	}
	for _, r := range q.rows("minutes", fmt.Sprintf("src_endpoint.uid^=%q class_uid!=2004 %s | every 1m count, sum(bytes_out), sum(bytes_in), distinct(dst), count as failed where (status=Failure) | sort time desc | limit 10000", uid, when)) {
		s := at(r[0])
		s.Events += numberOf(r[1])
		s.BytesOut += numberOf(r[2])
		s.BytesIn += numberOf(r[3])
		s.Peers, s.Failures = numberOf(r[4]), numberOf(r[5])
	}
	for _, r := range q.rows("minutes", fmt.Sprintf("dst_endpoint.uid^=%q class_uid!=2004 %s | every 1m count, sum(bytes_out), sum(bytes_in) | sort time desc | limit 10000", uid, when)) {
		s := at(r[0])
		s.Events += numberOf(r[1])
		s.BytesIn += numberOf(r[2])
		s.BytesOut += numberOf(r[3])
	}
	return busiest(minutes, int64(step))
}

// busiest is the largest figure of the minutes of each span.
func busiest(minutes map[int64]*api.DeviceSpan, step int64) []api.DeviceSpan {
	out := []api.DeviceSpan{}
	for _, at := range slices.Sorted(maps.Keys(minutes)) {
		m := minutes[at]
		start := at - at%step
		if n := len(out); n == 0 || out[n-1].Time.Unix() != start {
			first := *m
			first.Time = time.Unix(start, 0).UTC()
			out = append(out, first)
			continue
		}
		s := &out[len(out)-1]
		s.Events, s.BytesOut, s.BytesIn = max(s.Events, m.Events), max(s.BytesOut, m.BytesOut), max(s.BytesIn, m.BytesIn)
		s.Peers, s.Failures = max(s.Peers, m.Peers), max(s.Failures, m.Failures)
	}
	return out
}

// ends are the sides of a connection: that of the device, and the other.
func ends(asked bool) (own, other string) {
	if asked {
		return "dst_endpoint", "src_endpoint"
	}
	return "src_endpoint", "dst_endpoint"
}

func (q *asking) peers(uid, when string, asked bool) []api.DevicePeer {
	own, other := ends(asked)
	out := []api.DevicePeer{}
	for _, r := range q.rows("peers", fmt.Sprintf("%s.uid^=%q class_uid!=2004 %s.ip exists %s | by %[3]s.ip, %[3]s.uid, %[3]s.name, app_name count, sum(bytes), first, last | sort count desc | limit %[5]d", own, uid, other, when, peersOfDevice)) {
		p := api.DevicePeer{Asked: asked, IP: wordOf(r[0]), UID: wordOf(r[1]), Name: wordOf(r[2]), Service: wordOf(r[3]), Count: int64(numberOf(r[4])), Bytes: int64(numberOf(r[5]))}
		p.First, p.Last = timeOf(r[6]), timeOf(r[7])
		out = append(out, p)
	}
	return out
}

// found adds what was found between the device and its peers.
func (q *asking) found(uid, when string, peers []api.DevicePeer) {
	for _, asked := range []bool{false, true} {
		own, other := ends(asked)
		for _, r := range q.rows("findings", fmt.Sprintf("detection_finding metadata.product=%s %s.uid^=%q %s.ip exists %s | by %[4]s.ip, finding_info.title, finding_info.category count | sort count desc | limit 500", event.FindingProduct, own, uid, other, when)) {
			ip, title := wordOf(r[0]), wordOf(r[1])
			for i := range peers {
				if p := &peers[i]; p.IP == ip && p.Asked == asked {
					if !slices.Contains(p.Findings, title) {
						p.Findings = append(p.Findings, title)
					}
					p.Breach = p.Breach || wordOf(r[2]) == event.FamilyPolicy
				}
			}
		}
	}
}

func (q *asking) functions(uid, when string, asked bool) []api.DeviceFunction {
	own, _ := ends(asked)
	out := []api.DeviceFunction{}
	for _, r := range q.rows("functions", fmt.Sprintf("%s.uid^=%q class_uid!=2004 ics.function exists %s | by ics.protocol, ics.function, ics.function_code, ics.write count, first, last | sort count desc | limit %d", own, uid, when, functionsOf)) {
		write, _ := r[3].(bool)
		out = append(out, api.DeviceFunction{
			Asked: asked, Protocol: wordOf(r[0]), Function: wordOf(r[1]), Code: int64(numberOf(r[2])), Write: write,
			Count: int64(numberOf(r[4])), First: timeOf(r[5]), Last: timeOf(r[6]),
		})
	}
	return out
}

// readings are the telemetry tags of a device over time, those with most
// samples.
func (q *asking) readings(uid, when string, span time.Duration) []api.DeviceReading {
	out := []api.DeviceReading{}
	step := max(span/250, time.Minute).Truncate(time.Minute)
	names := q.rows("readings", fmt.Sprintf("(device.uid^=%q or src_endpoint.uid^=%q) metric.value exists %s | by metric.name count | top %d", uid, uid, when, readingsOfDevice))
	slices.SortFunc(names, func(a, b []any) int { return cmp.Compare(wordOf(a[0]), wordOf(b[0])) })
	for _, n := range names {
		r := api.DeviceReading{Name: wordOf(n[0]), Time: []time.Time{}, Low: []float64{}, Mean: []float64{}, High: []float64{}}
		for _, row := range q.rows("readings", fmt.Sprintf("(device.uid^=%q or src_endpoint.uid^=%q) metric.name exists %s | every %dm min(metric.value), avg(metric.value), max(metric.value) | sort time | limit 1000", uid, uid, when, int(step.Minutes())), query.Expr{Field: "metric.name", Op: query.Eq, Value: r.Name}) {
			r.Time, r.Low = append(r.Time, timeOf(row[0])), append(r.Low, numberOf(row[1]))
			r.Mean, r.High = append(r.Mean, numberOf(row[2])), append(r.High, numberOf(row[3]))
		}
		out = append(out, r)
	}
	return out
}

func numberOf(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	case int:
		return float64(v)
	}
	return 0
}

func wordOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func timeOf(v any) time.Time {
	t, _ := v.(time.Time)
	return t.UTC()
}
