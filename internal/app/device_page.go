package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"vedette/internal/api"
	"vedette/internal/detect/behave"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/toolbox"
)

// What the page of a device asks at most.
const (
	peersOfDevice    = 300
	functionsOf      = 100
	readingsOfDevice = 16 // tags; as many as are learnt of one device
	longestBehaviour = 31 * 24 * time.Hour
	shortBehaviour   = 25 * time.Hour // up to here minutes are told, beyond it hours
)

// asking runs queries of ours one after another; the first error stays.
type asking struct {
	app *App
	ctx context.Context //nolint:containedctx // lives as long as one answer
	now time.Time
	err error
	cut []string
}

// rows runs a query; what says what there is more of than it returns.
// Values that devices wrote come as conditions, not as text.
func (q *asking) rows(what, text string, and ...query.Expr) [][]any {
	if q.err != nil {
		return nil
	}
	parsed, err := query.ParseText(text)
	if err != nil {
		q.err = err
		return nil
	}
	if len(and) > 0 {
		parsed.Where = &query.Expr{And: append(and, *parsed.Where)}
	}
	var table *toolbox.Table
	if table, q.err = q.app.tools.QueryLoose(q.ctx, parsed, q.now); q.err != nil {
		return nil
	}
	if table.Total > int64(len(table.Rows)) && !slices.Contains(q.cut, what) {
		q.cut = append(q.cut, what)
	}
	return table.Rows
}

// DeviceBehaviour tells what a device did and what is usual of it.
func (a *App) DeviceBehaviour(ctx context.Context, wish api.DeviceSpanWish) (api.DeviceBehaviour, error) {
	span := wish.Span
	if span == 0 {
		span = 24 * time.Hour
	}
	if span < time.Hour || span > longestBehaviour {
		return api.DeviceBehaviour{}, fault.New(fault.Invalid, "behaviour over %s", span).WithHint("from 1h to 31d")
	}
	now, err := a.nowOf(ctx, time.Time{})
	if err != nil {
		return api.DeviceBehaviour{}, err
	}
	out := api.DeviceBehaviour{From: now.Add(-span), To: now, Step: 60}
	if span > shortBehaviour {
		out.Step = 3600
	}
	q := &asking{app: a, ctx: ctx, now: now}
	when := fmt.Sprintf("from %s to %s", out.From.UTC().Format(time.RFC3339), now.Add(time.Second).UTC().Format(time.RFC3339))
	out.Spans = q.spans(wish.Device, when, out.Step)
	out.Peers = append(q.peers(wish.Device, when, false), q.peers(wish.Device, when, true)...)
	q.found(wish.Device, when, out.Peers)
	out.Functions = append(q.functions(wish.Device, when, false), q.functions(wish.Device, when, true)...)
	out.Readings = q.readings(wish.Device, when, span)
	out.Cut = append([]string{}, q.cut...)
	if q.err != nil {
		return out, q.err
	}
	return out, a.usual(ctx, wish.Device, &out)
}

// usual adds what is known of the device.
func (a *App) usual(ctx context.Context, device string, out *api.DeviceBehaviour) error {
	if !a.cfg.Detect.Behaviour {
		out.Note = "behaviour is not learnt here: detect.behaviour is off"
		return nil
	}
	var tags []string
	for _, r := range out.Readings {
		tags = append(tags, r.Name)
	}
	var things []behave.Thing
	for _, p := range out.Peers {
		things = append(things, behave.Thing{Kind: "peer", Text: p.IP, Ours: p.UID != "", Asked: p.Asked})
	}
	for _, f := range out.Functions {
		things = append(things, behave.Thing{Kind: "function", Protocol: f.Protocol, Text: f.Function, Code: f.Code, Asked: f.Asked})
	}
	type answer struct {
		usual behave.Usual
		ok    bool
		known []string
	}
	got := make(chan answer, 1)
	err := a.look(ctx, func(d *behave.Detector) {
		var x answer
		x.usual, x.ok = d.Usual(device, tags)
		x.known = d.Knows(device, things)
		got <- x
	})
	if fault.KindOf(err) == fault.Unavailable {
		out.Note = "events are being taken in; what is usual can be told in a moment"
		return nil
	}
	if err != nil {
		return err
	}
	x := <-got
	if x.ok {
		out.Usual = &x.usual
	}
	for i := range out.Peers {
		out.Peers[i].Known = x.known[i]
	}
	for i := range out.Functions {
		out.Functions[i].Known = x.known[len(out.Peers)+i]
	}
	return nil
}
