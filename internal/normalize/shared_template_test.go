package normalize_test

import (
	"bytes"
	"encoding/csv"
	"path"
	"strings"
	"testing"

	"vedette/internal/event"
)

// accuracy is what the text parser must reach for a source: the share of lines
// whose group is exactly that of the ground truth (grouping accuracy of Zhu et
// al., "Tools and Benchmarks for Automated Log Parsing", ICSE-SEIP 2019), and
// the share whose level and words are those of the publisher's table.
var accuracy = map[string]struct{ groups, levels, words float64 }{
	"Apache": {1, 1, 1}, "HDFS": {0.99, 1, 1}, "Linux": {0.74, 0.99, 0.99}, "OpenSSH": {0.99, 1, 1},
	"OpenStack": {0.99, 1, 1}, "Windows": {0.99, 1, 1}, "Zookeeper": {0.98, 1, 1},
}

// TestSharedTemplates reads logs of many systems as text that nobody knows, and
// holds groups and columns against the tables that their publisher made.
func TestSharedTemplates(t *testing.T) {
	names, logs := zipped(t, "logs/loghub.zip", ".log")
	_, tables := zipped(t, "logs/loghub.zip", "structured.csv")
	for _, name := range names {
		source := path.Dir(name)
		floor, ok := accuracy[source]
		if !ok {
			t.Errorf("no floor for %s", source)
		}
		var rows []map[string]string
		for table, data := range tables {
			if path.Dir(table) == source {
				rows = tableOf(t, data)
			}
		}
		all := parseLines(dialect(t, "text"), path.Base(name), logs[name])
		if len(all) != len(rows) {
			t.Errorf("%s: %d lines of %d", source, len(all), len(rows))
			continue
		}
		groups := groupingAccuracy(all, rows)
		// The table of Linux has the host where others have the level.
		levels := share(all, rows, func(e *event.Event, row map[string]string) bool {
			return row["Level"] == e.Extra("level") || row["Level"] == e.Extra("origin")
		})
		words := share(all, rows, func(e *event.Event, row map[string]string) bool {
			return strings.TrimSpace(e.Message()) == strings.TrimSpace(row["Content"])
		})
		components := share(all, rows, func(e *event.Event, row map[string]string) bool {
			return strings.Contains(e.Extra("thread")+":"+e.Extra("component")+" "+e.Extra("origin"), row["Component"])
		})
		timed := share(all, rows, func(e *event.Event, _ map[string]string) bool { return e.TimeField().Year() > 1995 })
		pids := share(all, rows, func(e *event.Event, row map[string]string) bool { return field{"", row["Pid"] + row["PID"]}.isPid(e) })
		t.Logf("%-10s grouping %.3f, level %.3f, words %.3f, component %.3f, pid %.3f, time %.3f of %d lines", source, groups, levels, words, components, pids, timed, len(all))
		if groups < floor.groups || words < floor.words || floor.levels > levels || timed < 1 {
			t.Errorf("%s is below %+v", source, floor)
		}
	}
}

// isPid tells whether the value is the id of the event's process.
func (f field) isPid(e *event.Event) bool {
	return f.value == "" || same(e, event.SlotProcessPid, f.value)
}

func tableOf(t *testing.T, data []byte) []map[string]string {
	t.Helper()
	all, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = cells[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func share(all []outcome, rows []map[string]string, good func(*event.Event, map[string]string) bool) float64 {
	n := 0
	for i, o := range all {
		if good(o.event, rows[i]) {
			n++
		}
	}
	return float64(n) / float64(len(all))
}

// groupingAccuracy is the share of lines that are in a group of exactly the lines
// that the truth puts together.
func groupingAccuracy(all []outcome, rows []map[string]string) float64 {
	ours, truth := map[string]int{}, map[string]int{}
	both := map[[2]string]int{}
	for i, o := range all {
		uid, id := o.event.TemplateUID(), rows[i]["EventId"]
		ours[uid]++
		truth[id]++
		both[[2]string{uid, id}]++
	}
	good := 0
	for pair, n := range both {
		if pair[0] != "" && ours[pair[0]] == n && truth[pair[1]] == n {
			good += n
		}
	}
	return float64(good) / float64(len(all))
}
