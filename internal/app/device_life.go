package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/query"
)

// changes of what a device runs are events with these functions, or of the class
// that reports configurations; by the kind that people are told.
const (
	programFunctions  = `"Request Download", "Download Block", "Download Ended", PROGRAM_CONCEPT, PROGRAM_584_984, PROGRAM_884_U84, "Program Area Write", "Write File", DELETE_FILE, Create, Delete, Restore, Save, WRITE_FILE_RECORD, atomic_write_file`
	firmwareFunctions = `FIRMWARE_REPLACEMENT`
	configFunctions   = `"Parameter Area Write", ACTIVATE_CONFIG, SAVE_CONFIG, "Request: Time Functions"`
	restartFunctions  = `"PLC Control", "PLC Stop", reinitialize_device, COLD_RESTART, WARM_RESTART, Reset, Stop, Start`
	changeSpan        = "30d"
	maxDeviceChanges  = 100
	journalLook       = 10_000 // newest entries of the journal that are looked through
	maxMoments        = 200
)

// DeviceChanges lists the events of 30 days that changed, or were to change,
// what a device runs: programs, firmware, configuration, restarts; the newest
// first.
func (a *App) DeviceChanges(ctx context.Context, device string) ([]api.DeviceChange, error) {
	now, err := a.nowOf(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	q := &asking{app: a, ctx: ctx, now: now}
	to := query.Expr{Or: []query.Expr{{Field: "dst_endpoint.uid", Op: query.Eq, Value: device}, {Field: "device.uid", Op: query.Eq, Value: device}}}
	out := []api.DeviceChange{}
	for _, kind := range []struct{ name, where string }{
		{"program", "ics.function in (" + programFunctions + ")"},
		{"firmware", "ics.function in (" + firmwareFunctions + ")"},
		{"firmware", "class_uid=5020 metadata.log_name=\"" + updateLog + "\""},
		{"configuration", "ics.function in (" + configFunctions + ")"},
		{"restart", "ics.function in (" + restartFunctions + ")"},
		{"configuration", "class_uid=5019"},
	} {
		text := fmt.Sprintf("%s class_uid!=2004 not activity_name=Response last %s | select time, metadata.uid, ics.function, activity_name, message, src_endpoint.name, src_endpoint.ip, src_endpoint.uid, metadata.log_name, status, user.name | sort time desc | limit %d", kind.where, changeSpan, maxDeviceChanges)
		for _, r := range q.rows(kind.name, text, to) {
			out = append(out, api.DeviceChange{
				Time: timeOf(r[0]), Event: wordOf(r[1]), Kind: kind.name, What: cmp.Or(wordOf(r[2]), wordOf(r[4]), wordOf(r[3])),
				By: cmp.Or(wordOf(r[5]), wordOf(r[6]), wordOf(r[10])), ByUID: wordOf(r[7]), Log: wordOf(r[8]), Fails: wordOf(r[9]) == "Failure",
			})
		}
	}
	slices.SortStableFunc(out, func(x, y api.DeviceChange) int { return y.Time.Compare(x.Time) })
	return out[:min(len(out), maxDeviceChanges)], q.err
}

// DeviceLife tells how a device stands in its life and how it came there: what
// was computed, what persons said, what it was merged with and had as addresses.
func (a *App) DeviceLife(ctx context.Context, device string) (api.DeviceLife, error) {
	d, err := a.FindDevice(ctx, device)
	if err != nil {
		return api.DeviceLife{}, err
	}
	out := api.DeviceLife{State: d.Value(asset.KeyState)}
	for _, e := range d.Evidence {
		if e.Key == asset.KeyState && out.Why == "" {
			out.Why = e.What
		}
	}
	sight, confined := a.sightOf(ctx)
	add := func(at time.Time, what, why, by string) {
		if confined && (sight.foreign(what) || sight.foreign(why)) {
			return
		}
		if !at.IsZero() {
			out.History = append(out.History, api.DeviceMoment{Time: at.UTC(), What: what, Why: why, By: by})
		}
	}
	add(d.FirstSeen, "was first seen", "", "")
	for _, c := range d.Changes {
		add(c.At, strings.TrimSpace(c.What+" "+c.Other), c.Why, "")
	}
	for _, b := range d.Bindings {
		add(b.From, "had address "+b.IP, b.MAC, "")
		add(b.Until, "gave address "+b.IP+" up", b.MAC, "")
	}
	if err := a.saidOf(d.UID, add); err != nil {
		return out, err
	}
	slices.SortStableFunc(out.History, func(x, y api.DeviceMoment) int { return y.Time.Compare(x.Time) })
	if out.Cut = len(out.History) > maxMoments; out.Cut {
		out.History = out.History[:maxMoments]
	}
	return out, nil
}

// saidOf adds what persons said of a device, by the journal.
func (a *App) saidOf(uid string, add func(at time.Time, what, why, by string)) error {
	entries, err := a.journal.Last(journalLook)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Object != uid || !strings.HasPrefix(e.Action, "device.") {
			continue
		}
		if what, why := saidWords(e.Action, e.Details); what != "" {
			add(e.Time, what, why, e.Actor.Name)
		}
	}
	return nil
}

func saidWords(action string, details map[string]string) (what, why string) {
	switch action {
	case "device.set":
		if details["value"] == "" {
			return "a word on " + details["key"] + " was taken back", ""
		}
		return details["key"] + " was set to " + details["value"], ""
	case "device.merge":
		return "was joined with " + details["other"], details["reason"]
	case "device.split":
		return details["address"] + " was split off", details["reason"]
	case "device.undo":
		return "the last joining or splitting was taken back", details["reason"]
	}
	return "", ""
}
