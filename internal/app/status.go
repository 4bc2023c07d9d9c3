package app

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/event"
	"vedette/internal/query"
)

// Status tells what is stored; nothing is being loaded.
func (a *App) Status(ctx context.Context) (api.Overview, error) {
	bounds, err := a.tools.Bounds(ctx)
	if err != nil {
		return api.Overview{}, err
	}
	out := api.Overview{Events: bounds.Events, Oldest: bounds.Oldest, Newest: bounds.Newest, Loading: 1}
	stats := a.devices.Stats()
	out.Devices, out.Zones = stats.Devices, stats.Zones
	if zones, ok := query.Confined(ctx); ok {
		out.Devices, out.Zones = 0, len(zones)
		for _, d := range a.devices.Rows() {
			if query.Sees(ctx, d.Zone) {
				out.Devices++
			}
		}
	}
	return out, nil
}

// latestQuery finds what to show of the newest events, in the order in which
// happening reads it. The time keeps the look-up cheap.
const latestQuery = "last 1h | select time, metadata.log_name, src_endpoint.name, src_endpoint.ip, dst_endpoint.name, dst_endpoint.ip, device.name, " +
	"finding_info.title, ics.function, activity_name, status, user.name, app_name, query.hostname, mqtt.topic, severity_id, dst_endpoint.port | sort time desc | limit %d"

// Latest tells the newest events in short, newest first.
func (a *App) Latest(ctx context.Context, n int) ([]api.Happening, error) {
	table, err := a.Query(ctx, fmt.Sprintf(latestQuery, n), time.Time{})
	if err != nil {
		return nil, err
	}
	out := make([]api.Happening, len(table.Rows))
	for i, row := range table.Rows {
		out[i] = happening(row)
	}
	return out, nil
}

func happening(row []any) api.Happening {
	text := func(i int) string { s, _ := row[i].(string); return s }
	h := api.Happening{Log: text(1), From: cmp.Or(text(2), text(3)), To: cmp.Or(text(4), text(5))}
	h.Time, _ = row[0].(time.Time)
	if h.To == "" && text(6) != h.From {
		h.To = text(6)
	}
	title, function, status, name, topic := text(7), text(8), text(10), text(13), text(14)
	switch {
	case title != "":
		h.What = title
		n, _ := row[15].(int64)
		h.Severity = severityWord(n)
	case function != "":
		h.What = text(12) + " " + function
	case name != "":
		h.What = "asks for " + name
	case topic != "":
		h.What = "publishes " + topic
	default:
		h.What = plainly(h.Log, text(12), text(9), text(11), row[16])
		if status == event.Failure {
			h.What += " failed"
		}
	}
	return h
}

// plainly words an event that has no title of its own.
func plainly(log, app, activity, user string, port any) string {
	_, kind, _ := strings.Cut(log, "/")
	if kind == "conn" || kind == "flow" {
		if n, ok := port.(int64); ok && app == "" {
			return fmt.Sprintf("connection to port %d", n)
		}
		return app + " connection"
	}
	what := cmp.Or(app, kind) + " " + strings.ReplaceAll(strings.ToLower(activity), "logon", "login")
	if user != "" {
		what += " of " + user
	}
	return what
}

// severityWord is empty below medium: such an alert needs no attention.
func severityWord(n int64) string {
	switch {
	case n >= 4:
		return "high"
	case n == 3:
		return "medium"
	}
	return ""
}
