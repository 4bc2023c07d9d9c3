package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vedette/internal/asset"
	"vedette/internal/console"
)

// Status tells what is stored; nothing is being loaded.
func (a *App) Status(ctx context.Context) (console.Status, error) {
	bounds, err := a.tools.Bounds(ctx)
	if err != nil {
		return console.Status{}, err
	}
	out := console.Status{Events: bounds.Events, Oldest: bounds.Oldest, Newest: bounds.Newest, Loading: 1}
	zones := map[string]bool{}
	for _, d := range a.devices.List() {
		out.Devices++
		if z := d.Value(asset.KeyZone); z != "" {
			zones[z] = true
		}
	}
	out.Zones = len(zones)
	return out, nil
}

// latestQuery finds what to show of the newest events, in the order in which
// happening reads it. The time keeps the look-up cheap.
const latestQuery = "last 1h | select time, metadata.log_name, src_endpoint.name, src_endpoint.ip, dst_endpoint.name, dst_endpoint.ip, device.name, " +
	"finding_info.title, ics.function, activity_name, status, user.name, app_name, query.hostname, mqtt.topic, severity_id | sort time desc | limit %d"

// Latest tells the newest events in short, newest first.
func (a *App) Latest(ctx context.Context, n int) ([]console.Happening, error) {
	table, err := a.Query(ctx, fmt.Sprintf(latestQuery, n), time.Time{})
	if err != nil {
		return nil, err
	}
	out := make([]console.Happening, len(table.Rows))
	for i, row := range table.Rows {
		out[i] = happening(row)
	}
	return out, nil
}

func happening(row []any) console.Happening {
	text := func(i int) string { s, _ := row[i].(string); return s }
	first := func(list ...string) string {
		for _, s := range list {
			if s != "" {
				return s
			}
		}
		return ""
	}
	h := console.Happening{Log: text(1), From: first(text(2), text(3)), To: first(text(4), text(5))}
	h.Time, _ = row[0].(time.Time)
	if h.To == "" && text(6) != h.From {
		h.To = text(6)
	}
	title, function, activity, status, user, app := text(7), text(8), text(9), text(10), text(11), text(12)
	_, kind, _ := strings.Cut(h.Log, "/")
	switch {
	case title != "":
		h.What = title
		if n, ok := row[15].(int64); ok {
			h.Severity = severityWord(n)
		}
	case function != "":
		h.What = app + " " + function
	case text(13) != "":
		h.What = "asks for " + text(13)
	case text(14) != "":
		h.What = "publishes " + text(14)
	default:
		h.What = strings.TrimSpace(first(app, kind) + " " + strings.ToLower(activity))
		if user != "" {
			h.What += " of " + user
		}
		if status == "Failure" {
			h.What += " failed"
		}
	}
	return h
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
