package toolbox

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"vedette/internal/query"
)

// UnusualColumns are the columns of [Box.Unusual].
var unusualColumns = []string{
	"src_endpoint.ip", "src_endpoint.name", "src_endpoint.type", "score", "reasons",
	"new_peers", "new_ports", "peers", "failed", "events", "bytes_out",
}

// behaviour is what one source did in the asked time and before it.
type behaviour struct {
	ip, name, kind             string
	now, past                  activity
	newPeers, newPorts         int64
	peerNames, portNames       []string
	score                      float64
	reasons                    []string
	typicalPeers, typicalBytes float64 // medians over sources of the same type
	hasPast, typeKnown         bool
	anomaly                    float64 // highest anomaly.score of its events in the asked time
	anomalyReasons             []string
}

type activity struct {
	events, failed, peers int64
	bytes                 float64
}

// Unusual ranks the sources of the events that q selects in its time range by
// what was learnt of them when their events passed (anomaly.score, see package
// detect/behave) and by what the store can compute: peers and ports seen for
// the first time, fan-out, failed connections, and volume, each against the
// source's own past and against others of its device type. Scores run from 0
// to 1 and add up independent reasons as 1-(1-a)(1-b)...; a source below 0.1 is
// left out. Where q selects nothing the table is empty.
//
// Of a large store the past is not all that is stored but a whole number of
// spans as long as the asked one, and what is new is known from the scores alone
// where there are any. Of more than [query.MaxLimit] sources those are compared
// that have most failures, then most events, and the hundred each with the highest
// scores, most new peers and most new ports of all.
//
// Without any events before the range there is no past to compare with; then
// only fan-out and failures count, and the reasons say so.
func (b *Box) Unusual(ctx context.Context, q query.Query, now time.Time) (*Table, error) {
	l, err := b.look(ctx, q, now)
	if err != nil {
		return nil, err
	}
	if err := l.behaviours(ctx); err != nil {
		return nil, err
	}
	compareWithType(l.all)
	var list []*behaviour
	for _, x := range l.all {
		if x.now.events > 0 {
			x.judge(l.past)
			if x.score >= 0.1 {
				list = append(list, x)
			}
		}
	}
	slices.SortFunc(list, func(a, b *behaviour) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.now.events, a.now.events), cmp.Compare(a.ip, b.ip))
	})
	out := &Table{Columns: slices.Clone(unusualColumns), Total: int64(len(list))}
	limit := q.Limit
	if limit <= 0 || limit > 100 {
		limit = 20
	}
	list = list[:min(limit, len(list))]
	if err := l.details(ctx, list); err != nil {
		return nil, err
	}
	for _, x := range list {
		x.judge(l.past) // again, now that what it tells is known
		out.Rows = append(out.Rows, []any{
			x.ip, orNil(x.name), orNil(x.kind), math.Round(x.score*100) / 100, x.reasons,
			x.newPeers, x.newPorts, x.now.peers, x.now.failed, x.now.events, int64(x.now.bytes),
		})
	}
	return out, nil
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// compareWithType gives each source the medians of its device type, where at
// least three sources have that type.
func compareWithType(all map[string]*behaviour) {
	byType := map[string][]*behaviour{}
	for _, x := range all {
		if x.kind != "" && x.now.events > 0 {
			byType[x.kind] = append(byType[x.kind], x)
		}
	}
	for _, group := range byType {
		if len(group) < 3 {
			continue
		}
		peers, bytes := make([]float64, len(group)), make([]float64, len(group))
		for i, x := range group {
			peers[i], bytes[i] = float64(x.now.peers), x.now.bytes
		}
		typicalPeers, typicalBytes := median(peers), median(bytes)
		for _, x := range group {
			x.typeKnown, x.typicalPeers, x.typicalBytes = true, typicalPeers, typicalBytes
		}
	}
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// judge adds up the reasons.
func (x *behaviour) judge(p past) {
	x.hasPast, x.reasons = p.spans > 0 && x.past.events > 0, nil
	keep := 1.0
	add := func(weight float64, format string, args ...any) {
		if weight > 0.02 {
			keep *= 1 - math.Min(weight, 0.95)
			x.reasons = append(x.reasons, fmt.Sprintf(format, args...))
		}
	}
	why := "unusual for what was learnt of it"
	if n := min(2, len(x.anomalyReasons)); n > 0 {
		why = strings.Join(x.anomalyReasons[:n], "; ")
	}
	add(x.surprise()*0.9, "%s", why)
	per := math.Max(p.spans, 1)
	if x.hasPast && x.newPeers > 0 {
		add(saturate(float64(x.newPeers), 3)*0.8, "%s seen for the first time%s (%s)", plural(x.newPeers, "peer"), p.since(), some(x.peerNames))
	}
	if x.hasPast && x.newPorts > 0 {
		add(saturate(float64(x.newPorts), 3)*0.7, "%s used for the first time%s (%s)", plural(x.newPorts, "port"), p.since(), some(x.portNames))
	}
	if !x.hasPast && p.spans > 0 {
		add(0.3, "first seen in this time%s, no past to compare with", p.since())
	}
	if usual := x.usual(float64(x.past.peers), x.typicalPeers, p.spans); x.now.peers > 5 {
		add(saturate(float64(x.now.peers)/math.Max(usual, 1)-1, 6)*0.7, "%d different peers, usually about %.0f", x.now.peers, usual)
	}
	if x.now.failed > 2 {
		rate, before := float64(x.now.failed)/float64(x.now.events), 0.0
		if x.past.events > 0 {
			before = float64(x.past.failed) / float64(x.past.events)
		}
		add(math.Max(0, rate-before)*saturate(float64(x.now.failed), 10), "%d of %d connections failed (%.0f %%, before %.0f %%)", x.now.failed, x.now.events, rate*100, before*100)
	}
	if x.hasPast && x.past.bytes > 0 {
		usual := x.past.bytes / per
		add(saturate(x.now.bytes/math.Max(usual, 1000)-2, 10)*0.6, "%s sent, usually about %s in such a time", bytes(x.now.bytes), bytes(usual))
	} else if x.typeKnown && x.typicalBytes > 0 {
		add(saturate(x.now.bytes/math.Max(x.typicalBytes, 1000)-4, 20)*0.4, "%s sent, others of its type about %s", bytes(x.now.bytes), bytes(x.typicalBytes))
	}
	x.score = 1 - keep
}

// surprise is what the highest score of the time is worth, 0 to 1. A score says
// which share of devices stays below it on a day (docs/behaviour.md): what one
// of ten devices reaches is worth nothing, one of a hundred 0.33, one of ten
// thousand 0.6.
func (x *behaviour) surprise() float64 {
	return saturate(-math.Log10(math.Max(1-x.anomaly, 1e-9))-1, 2)
}

// usual is what a source's own past says, else its type, else one.
func (x *behaviour) usual(past, typical, spans float64) float64 {
	switch {
	case x.hasPast && spans >= 1:
		return past
	case x.typeKnown:
		return typical
	}
	return 1
}

// saturate maps 0.. to 0..1, reaching one half at half.
func saturate(v, half float64) float64 {
	if v <= 0 {
		return 0
	}
	return v / (v + half)
}

// bytes writes an amount with three digits and a decimal unit.
func bytes(n float64) string {
	unit := "bytes"
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if n < 1000 {
			break
		}
		n, unit = n/1000, u
	}
	if unit == "bytes" {
		return fmt.Sprintf("%.0f bytes", n)
	}
	return fmt.Sprintf("%.3g %s", n, unit)
}

// plural counts a thing in words.
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// some lists up to three names.
func some(names []string) string {
	if len(names) > 3 {
		return strings.Join(names[:3], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}

func toInt(v any) int64 {
	n, _ := v.(int64)
	return n
}

func toFloat(v any) float64 {
	switch x := v.(type) {
	case int64:
		return float64(x)
	case float64:
		return x
	}
	return 0
}
