package app

import (
	"context"
	"time"

	"vedette/internal/api"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
)

// findingFields are what a finding is made of again when it is read from the
// store: ours from its raw JSON, an alert of another tool from its fields.
var findingFields = [...]event.Slot{
	event.SlotTime, event.SlotMetadataUID, event.SlotMetadataProduct, event.SlotClassUID, event.SlotRaw, event.SlotSeverityId, event.SlotCount,
	event.SlotDeviceUID, event.SlotSrcEndpointUID, event.SlotSrcEndpointIP, event.SlotSrcEndpointPort,
	event.SlotDstEndpointUID, event.SlotDstEndpointIP, event.SlotDstEndpointPort, event.SlotLabelConfidentiality,
	event.SlotFindingInfoTitle, event.SlotFindingInfoUID, event.SlotFindingInfoTechniques,
}

// Findings returns what was found, newest first, ours and the alerts of other
// tools, and how many there are without the limit.
func (a *App) Findings(ctx context.Context, want api.FindingFilter) (api.Findings, error) {
	q := findingQuery(findingWhere(want))
	now, err := a.nowOf(ctx, want.Now)
	if err != nil {
		return api.Findings{}, err
	}
	if q.Time, err = (query.TimeRange{Last: want.Last}).Resolve(now); err != nil {
		return api.Findings{}, err
	}
	q.Sort, q.Limit = []query.Sort{{By: "time", Desc: true}}, want.Limit
	return a.findings(ctx, q)
}

// Finding returns one finding by its uid, with the events that it is about as
// far as they are still kept.
func (a *App) Finding(ctx context.Context, uid string) (api.FindingDetail, error) {
	var d api.FindingDetail
	got, err := a.findings(ctx, findingQuery(&query.Expr{Field: "metadata.uid", Op: query.Eq, Value: uid}))
	if err != nil {
		return d, err
	}
	if len(got.List) == 0 {
		return d, fault.New(fault.NotFound, "there is no finding %q", uid).WithHint("list them with: vedette findings")
	}
	d.Finding = got.List[0]
	d.Events, err = a.eventsByUID(ctx, d.Finding.Evidence)
	return d, err
}

// eventsByUID returns stored events as their JSON objects, oldest first.
func (a *App) eventsByUID(ctx context.Context, uids []string) ([]api.Evidence, error) {
	if len(uids) == 0 {
		return nil, nil
	}
	in := make([]any, len(uids))
	for i, uid := range uids {
		in[i] = uid
	}
	res, err := a.events.Query(ctx, query.Query{
		Where:  &query.Expr{Field: "metadata.uid", Op: query.In, Value: in},
		Select: []string{"metadata.uid", "time", "metadata.log_name", "metadata.source", "raw"},
		Sort:   []query.Sort{{By: "time"}}, Limit: len(uids),
	})
	if err != nil {
		return nil, err
	}
	out := make([]api.Evidence, len(res.Rows))
	for i, row := range res.Rows {
		out[i].UID, _ = row[0].(string)
		out[i].Time, _ = row[1].(time.Time)
		out[i].Log, _ = row[2].(string)
		out[i].Source, _ = row[3].(string)
		out[i].Raw, _ = row[4].(string)
	}
	return out, nil
}

func findingQuery(where *query.Expr) query.Query {
	q := query.Query{Classes: []string{event.DetectionFinding.String()}, Where: where, Limit: 1}
	for _, s := range findingFields {
		q.Select = append(q.Select, event.FieldOf(s).Name)
	}
	return q
}

// findingWhere is the condition of a filter; nil is none.
func findingWhere(want api.FindingFilter) *query.Expr {
	var all []query.Expr
	add := func(field string, op query.Op, v any) { all = append(all, query.Expr{Field: field, Op: op, Value: v}) }
	if want.MinSeverity > 0 {
		add("severity_id", query.Ge, int64(want.MinSeverity))
	}
	if want.Rule != "" {
		add("finding_info.uid", query.Eq, want.Rule)
	}
	if want.Family != "" {
		add("finding_info.category", query.Eq, want.Family)
	}
	if want.Device != "" {
		all = append(all, query.Expr{Or: []query.Expr{
			{Field: "device.uid", Op: query.Eq, Value: want.Device},
			{Field: "src_endpoint.uid", Op: query.Eq, Value: want.Device},
			{Field: "dst_endpoint.uid", Op: query.Eq, Value: want.Device},
		}})
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return &all[0]
	}
	return &query.Expr{And: all}
}

func (a *App) findings(ctx context.Context, q query.Query) (api.Findings, error) {
	res, err := a.events.Query(ctx, q)
	if err != nil {
		return api.Findings{}, err
	}
	out := api.Findings{Total: res.Total, List: []event.Finding{}}
	sight, confined := a.sightOf(ctx)
	for _, row := range res.Rows {
		if f, ok := event.FindingOf(findingEvent(row)); ok {
			if confined {
				f = sight.finding(f)
			}
			out.List = append(out.List, f)
		}
	}
	return out, nil
}

// findingEvent puts the cells of findingFields back into an event.
func findingEvent(row []any) *event.Event {
	e := new(event.Event)
	for i, s := range findingFields {
		setCell(e, s, row[i])
	}
	return e
}
