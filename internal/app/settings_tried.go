package app

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/event"
)

// What is told of a trial.
const (
	triedDevices  = 20
	triedCounted  = 20_000 // devices and addresses that are counted one by one
	triedExamples = 6
	triedRecord   = 400 // bytes
)

func (t *trial) day(at time.Time) *api.RuleTryDay {
	key := at.UTC().Format(time.DateOnly)
	d := t.days[key]
	if d == nil {
		d = &api.RuleTryDay{Day: key}
		t.days[key] = d
	}
	return d
}

// found counts a finding. e is the event that it was made of; nil: a window ended.
func (t *trial) found(f event.Finding, e *event.Event) {
	if !t.now.ids[f.Rule] {
		return
	}
	t.now.findings++
	t.day(f.Time).Findings++
	uid := cmp.Or(f.Device, f.Src.UID, f.Dst.UID)
	key := cmp.Or(uid, f.Src.IP, f.Dst.IP)
	d := t.devices[key]
	if d == nil && len(t.devices) >= triedCounted {
		t.more++
		return
	}
	if d != nil {
		if d.Findings++; len(t.repeated) < triedExamples {
			t.repeated = append(t.repeated, exampleOf(f, e, uid))
		}
		return
	}
	t.devices[key] = &api.RuleTryDevice{UID: uid, Name: cmp.Or(key, "no device"), Findings: 1}
	if len(t.out.Examples) < triedExamples {
		t.out.Examples = append(t.out.Examples, exampleOf(f, e, uid))
	}
}

func exampleOf(f event.Finding, e *event.Event, uid string) api.RuleTryExample {
	x := api.RuleTryExample{Time: f.Time.UTC(), Device: uid, From: f.Src.IP, To: f.Dst.IP, Reasons: []string{}}
	for _, r := range f.Reasons {
		x.Reasons = append(x.Reasons, r.Feature+" is "+r.Observed)
	}
	if len(f.Evidence) > 0 {
		x.Event = f.Evidence[len(f.Evidence)-1]
	}
	if e != nil {
		x.Event = cmp.Or(e.MetadataUID(), x.Event)
		x.Record = strings.ToValidUTF8(e.RawField()[:min(len(e.RawField()), triedRecord)], "\ufffd")
	}
	return x
}

// end sums up.
func (t *trial) end(ctx context.Context) {
	t.out.Findings = t.now.findings
	if t.before != nil {
		t.out.InForce = &t.before.findings
	}
	t.out.Days = []api.RuleTryDay{}
	for _, key := range slices.Sorted(maps.Keys(t.days)) {
		t.out.Days = append(t.out.Days, *t.days[key])
	}
	t.out.DeviceCount = len(t.devices)
	list := make([]api.RuleTryDevice, 0, len(t.devices))
	for _, d := range t.devices {
		list = append(list, *d)
	}
	slices.SortFunc(list, func(x, y api.RuleTryDevice) int {
		return cmp.Or(cmp.Compare(y.Findings, x.Findings), cmp.Compare(x.Name, y.Name))
	})
	t.out.Devices = list[:min(len(list), triedDevices)]
	names := []string{}
	for _, d := range t.out.Devices {
		names = append(names, d.UID)
	}
	known := t.app.DeviceNames(ctx, names)
	for i := range t.out.Devices {
		t.out.Devices[i].Name = cmp.Or(known[t.out.Devices[i].UID], t.out.Devices[i].Name)
	}
	if t.more > 0 {
		t.out.Notes = append(t.out.Notes, "so many devices have findings that not all are counted one by one")
	}
	t.out.Examples = append(t.out.Examples, t.repeated[:min(len(t.repeated), triedExamples-len(t.out.Examples))]...)
	if t.out.Examples == nil {
		t.out.Examples = []api.RuleTryExample{}
	}
	slices.SortStableFunc(t.out.Examples, func(x, y api.RuleTryExample) int { return x.Time.Compare(y.Time) })
}

// setCell puts a cell of an answer into an event.
func setCell(e *event.Event, s event.Slot, v any) {
	switch v := v.(type) {
	case string:
		e.SetStr(s, v)
	case int64:
		e.SetInt(s, v)
	case float64:
		e.SetFloat(s, v)
	case bool:
		e.SetBool(s, v)
	case time.Time:
		e.SetTime(s, v)
	case []string:
		e.SetList(s, v)
	}
}
